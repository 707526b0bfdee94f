// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/analysis/field.h"
#include "util/analysis/refaults.h"
#include "util/analysis/retries.h"
#include "util/analysis/span_table.h"
#include "util/arch/names.h"
#include "util/array.h"
#include "util/search.h"

#define HUGE_PAGES	512	/* pages of 4 KiB in one of 2 MiB */

/* ---- rows ------------------------------------------------------------------ */

/* Whether there is room for one more of the rows that all workers have kept, or this one. */
static bool keeps_one_more(u32 *all, u32 own, u32 limit)
{
	if (!all)
		return own < limit;
	/* Few are above the limit at a time, so it cannot overflow. */
	if (__atomic_load_n(all, __ATOMIC_RELAXED) >= limit)
		return false;
	if (__atomic_fetch_add(all, 1, __ATOMIC_RELAXED) < limit)
		return true;
	__atomic_fetch_sub(all, 1, __ATOMIC_RELAXED);
	return false;
}

static int keep_fault(struct refault_rows *r, const struct refault_fault *fault)
{
	int ret = array__reserve_within(r->fault, r->nr_faults, r->fault_room, r->budget);

	if (!ret)
		r->fault[r->nr_faults++] = *fault;
	r->no_fault += ret > 0;
	return ret < 0 ? -1 : 0;
}

int refault_rows__fault(struct refault_rows *r, const struct refault_fault *fault)
{
	if (keeps_one_more(r->kept ? &r->kept->faults : NULL, r->nr_faults, REFAULTS_MAX_FAULTS))
		return keep_fault(r, fault);
	r->no_fault++;
	return 0;
}

static int keep_taken(struct refault_rows *r, const struct refault_taken *taken)
{
	int ret = array__reserve_within(r->taken, r->nr_taken, r->taken_room, r->budget);

	if (!ret)
		r->taken[r->nr_taken++] = *taken;
	r->no_taken += ret > 0;
	return ret < 0 ? -1 : 0;
}

static int refault_rows__taken(struct refault_rows *r, const struct refault_taken *taken)
{
	if (keeps_one_more(r->kept ? &r->kept->taken : NULL, r->nr_taken, REFAULTS_MAX_TAKEN))
		return keep_taken(r, taken);
	r->no_taken++;
	return 0;
}

enum { KIND, TIME, VCPU, TID, START, END, CAUSE, SYSCALL };

const char *const refault_taken_columns[] = {
	[KIND] = "kind", [TIME] = "time_ns", [VCPU] = "vcpu", [TID] = "tid", [START] = "start",
	[END] = "end", [CAUSE] = "cause", [SYSCALL] = "syscall", NULL,
};

int refault_rows__take(struct refault_rows *r, const struct scan_batch *b, bool zap_all)
{
	int ret = 0;

	for (u32 i = 0; i < b->rows && !ret; i++) {
		struct refault_taken taken = {
			.time_ns = b->col[TIME][i], .start = b->col[START][i],
			.end = b->col[END][i],
			.tid = b->col[TID][i], .syscall = b->col[SYSCALL][i],
			.vcpu = b->col[VCPU][i],
			.cause = narrow(b->col[CAUSE][i], UINT16_MAX),
		};

		if (zap_all && b->col[KIND][i] == KVMW_mmu_ZAP_ALL) {
			taken.start = 0;
			taken.end = KVMW_NONE;
			taken.cause = TAKEN_ZAP_ALL;
			taken.syscall = KVMW_NONE;
		} else if (b->col[KIND][i] != KVMW_mmu_INVALIDATE) {
			continue;
		}
		ret = refault_rows__taken(r, &taken);
	}
	return ret;
}

int refault_rows__merge(struct refault_rows *to, const struct refault_rows *from)
{
	int ret = 0;

	for (u32 i = 0; !ret && i < from->nr_faults; i++)
		ret = keep_fault(to, &from->fault[i]);
	for (u32 i = 0; !ret && i < from->nr_taken; i++)
		ret = keep_taken(to, &from->taken[i]);
	to->no_fault += from->no_fault;
	to->no_taken += from->no_taken;
	return ret;
}

void refault_rows__free(struct refault_rows *r)
{
	array__free(r->fault, r->fault_room, r->budget);
	array__free(r->taken, r->taken_room, r->budget);
}

/* ---- names ----------------------------------------------------------------- */

static const struct { const char *comm, *how; } kernel_threads[] = {
	{ "ksmd", "KSM" }, { "khugepaged", "khugepaged" }, { "kswapd", "reclaim" },
	{ "kcompactd", "compaction" },
};

const char *taken_how(u64 cause, u64 syscall, const char *comm, bool by_vcpu,
		      char buf[REFAULTS_HOW])
{
	const char *how = syscall == KVMW_NONE ? NULL : memory_syscall_name(syscall);

	if (cause == TAKEN_ZAP_ALL)
		how = "zap_all";

	for (size_t i = 0; !how && syscall == KVMW_NONE && i < ARRAY_SIZE(kernel_threads); i++)
		if (!strncmp(comm, kernel_threads[i].comm, strlen(kernel_threads[i].comm)))
			how = kernel_threads[i].how;
	/* Of a vCPU's thread that is in KVM_RUN: task_numa_work(), kernel/sched/fair.c. */
	if (!how && cause == KVMW_CAUSE_PROTECT && by_vcpu)
		how = "NUMA balancing";
	snprintf(buf, REFAULTS_HOW, "%s", how ?: field__cause(cause) ?: "unknown");
	return buf;
}

void taken_names(const struct thread_names *names, const struct refault_taken *taken,
		 char how[REFAULTS_HOW], char by[THREAD_NAME_MAX])
{
	const struct rec_task *task = taken->tid <= UINT32_MAX ?
		recording__task(names->rep->rec, taken->tid) : NULL;
	bool vcpu = thread_names__vcpu_of(names, taken->tid) != NULL;

	taken_how(taken->cause, taken->syscall, task ? task->comm : "", vcpu, how);
	if (vcpu)
		snprintf(by, THREAD_NAME_MAX, "vCPUs");
	else
		thread_names__thread(names, taken->tid, "", by);
}

u32 taken_pid(const struct recording *rec, u32 vcpu_id)
{
	const struct rec_vcpu *vcpu = recording__vcpu(rec, vcpu_id);
	const struct rec_vm *vm = vcpu ? recording__vm(rec, vcpu->vm) : NULL;

	return vm ? vm->pid : vcpu && !rec_vcpu__is_vcpu(vcpu) ? vcpu->tid : 0;
}

/* ---- joining --------------------------------------------------------------- */

struct refault_join {
	struct refault_rows *rows;
	const struct report *rep;
	struct refaults *found;
	struct vmm_slots slots;
	struct taken_pages pages;
	struct refault_list re, retried;
};

/* Pages of 2 MiB, by time. */
static int refault_faults__compare(const void *a, const void *b)
{
	const struct refault_fault *x = a, *y = b;

	COMPARE(x->vm, y->vm);
	COMPARE(x->gfn / HUGE_PAGES, y->gfn / HUGE_PAGES);
	COMPARE(x->time_ns, y->time_ns);
	return 0;
}

int refault_list__add(struct refault_list *l, struct budget *budget, const struct refault *re)
{
	if (array__reserve(l->fault, l->nr, l->room, budget))
		return -1;
	l->fault[l->nr++] = *re;
	return 0;
}

static int add_refault(struct refault_join *j, const struct refault *re)
{
	if (refault_list__add(&j->re, j->rows->budget, re))
		return -1;
	if (re->page != KVMW_NONE)
		return taken_pages__add(&j->pages, re->fault->pid, re->page);
	j->found->no_address++;
	return 0;
}

/* A fault of a page that was mapped last at before_ns, or that did not map it. */
static int look_at_fault(struct refault_join *j, const struct refault_fault *f, u64 before_ns)
{
	struct refault re = { .fault = f, .before_ns = before_ns, .page = KVMW_NONE };

	if ((!before_ns && !f->retried) || !report__selects(j->rep->rec, j->rep->opt, f->vcpu))
		return 0;
	if (f->gfn != KVMW_NONE)
		re.page = vmm_slots__page(&j->slots, f->vm, f->gfn);
	return f->retried ? refault_list__add(&j->retried, j->rows->budget, &re) :
	       add_refault(j, &re);
}

/* The faults of pages that an earlier one had mapped, alone or in a huge page; those retried. */
static int find_refaults(struct refault_join *j)
{
	u64 small[HUGE_PAGES] = { 0 }, huge = 0;
	const struct refault_fault *last = NULL;

	for (u32 i = 0; i < j->rows->nr_faults; i++) {
		const struct refault_fault *f = &j->rows->fault[i];
		u64 *own = &small[f->gfn % HUGE_PAGES], before;

		if (!last || last->vm != f->vm || last->gfn / HUGE_PAGES != f->gfn / HUGE_PAGES) {
			memset(small, 0, sizeof(small));
			huge = 0;
		}
		last = f;
		before = *own > huge ? *own : huge;
		if (look_at_fault(j, f, before))
			return -1;
		if (!f->retried)
			*(f->level > 1 ? &huge : own) = f->time_ns;
	}
	return 0;
}

static int refaults__by_time(const void *a, const void *b)
{
	const struct refault *x = a, *y = b;

	COMPARE(x->fault->time_ns, y->fault->time_ns);
	return 0;
}

static int refault_taken__by_time(const void *a, const void *b)
{
	const struct refault_taken *x = a, *y = b;

	COMPARE(x->time_ns, y->time_ns);
	return 0;
}

/* What took the page of a re-fault; by NULL: unknown. */
static void name_cause(const struct thread_names *names, const struct refault_taken *by,
		       struct refault_cause *c)
{
	memset(c, 0, sizeof(*c));
	c->cause = c->syscall = KVMW_NONE;
	if (!by)
		return;
	c->known = true;
	c->cause = by->cause;
	c->syscall = by->syscall;
	taken_names(names, by, c->how, c->by);
}

/* The sum of such a cause, made if there is none. */
static struct refault_cause *find_cause(struct refaults *found, const struct refault_cause *c)
{
	u32 i = 0;

	while (i < found->nr && i < REFAULT_CAUSES &&
	       (found->cause[i].known != c->known || strcmp(found->cause[i].how, c->how) ||
		strcmp(found->cause[i].by, c->by)))
		i++;
	if (i < found->nr)
		return &found->cause[i];
	found->nr++;
	found->cause[i] = *c;
	if (i == REFAULT_CAUSES) {
		memset(&found->cause[i], 0, sizeof(*c));
		found->cause[i].known = true;
		found->cause[i].cause = found->cause[i].syscall = KVMW_NONE;
		snprintf(found->cause[i].how, REFAULTS_HOW, "others");
	}
	return &found->cause[i];
}

void refaults__count(struct refault_counter *to, const struct refault_taken *by, u64 span_ns)
{
	struct refaults *found = to->found;
	struct refault_cause c, *cause = to->cause;

	if (!cause || to->by != by) {
		name_cause(to->names, by, &c);
		cause = find_cause(found, &c);
		cause->cause = cause->cause == c.cause ? c.cause : KVMW_NONE;
		cause->syscall = cause->syscall == c.syscall ? c.syscall : KVMW_NONE;
	}
	to->by = by;
	to->cause = cause;
	cause->count++;
	cause->span_ns = sat_add(cause->span_ns, captured(span_ns));
	found->count++;
	found->span_ns = sat_add(found->span_ns, captured(span_ns));
}

void refault_taken__cover(const struct refault_rows *rows, u32 i, struct taken_pages *pages)
{
	const struct refault_taken *t = &rows->taken[i];

	if (t->pid && t->start < t->end)
		taken_pages__cover(pages, t->pid, t->start, t->end, i + 1);
}

bool refault_taken__is_of(const struct refault_taken *t, const struct recording *rec,
			  const struct refault_fault *fault)
{
	const struct rec_vcpu *vcpu = recording__vcpu(rec, t->vcpu);

	return t->cause != TAKEN_ZAP_ALL || !vcpu || vcpu->vm == REC_NO_VM || vcpu->vm == fault->vm;
}

/* Both by time: each re-fault was caused by the last row before it that covers its page. */
static void join_by_time(struct refault_join *j, const struct thread_names *names)
{
	struct refault_counter to = { .found = j->found, .names = names };
	const struct refault_rows *rows = j->rows;
	u32 next = 0;

	for (u32 i = 0; i < j->re.nr; i++) {
		const struct refault *re = &j->re.fault[i];
		const struct refault_taken *by = NULL;
		u32 latest;

		for (; next < rows->nr_taken && rows->taken[next].time_ns <= re->fault->time_ns;
		     next++)
			refault_taken__cover(rows, next, &j->pages);
		if (re->page != KVMW_NONE) {
			latest = taken_pages__last(&j->pages, re->fault->pid, re->page);
			by = latest ? &rows->taken[latest - 1] : NULL;
		}
		if (by && (by->time_ns < re->before_ns ||
			   !refault_taken__is_of(by, j->rep->rec, re->fault)))
			by = NULL;
		refaults__count(&to, by, re->fault->span_ns);
	}
}

static int most_refaults(const void *a, const void *b)
{
	const struct refault_cause *x = a, *y = b;

	COMPARE(y->count, x->count);
	COMPARE(y->known, x->known);
	return strcmp(x->how, y->how) ?: strcmp(x->by, y->by);
}

void refaults__sort(struct refaults *found)
{
	qsort(found->cause, found->nr, sizeof(*found->cause), most_refaults);
}

static void place_rows(const struct refault_join *j)
{
	const struct recording *rec = j->rep->rec;

	for (u32 i = 0; i < j->rows->nr_faults; i++) {
		struct refault_fault *f = &j->rows->fault[i];
		const struct rec_vcpu *vcpu = recording__vcpu(rec, f->vcpu);

		f->vm = vcpu ? vcpu->vm : REC_NO_VM;
		f->pid = taken_pid(rec, f->vcpu);
	}
	for (u32 i = 0; i < j->rows->nr_taken; i++) {
		struct refault_taken *t = &j->rows->taken[i];

		t->pid = taken_pid(rec, t->vcpu);
	}
	if (j->rows->nr_faults)
		qsort(j->rows->fault, j->rows->nr_faults, sizeof(*j->rows->fault),
		      refault_faults__compare);
	if (j->rows->nr_taken)
		qsort(j->rows->taken, j->rows->nr_taken, sizeof(*j->rows->taken),
		      refault_taken__by_time);
}

int refaults__find(struct refaults *found, struct retries *retries, struct refault_rows *rows,
		   const struct report *rep)
{
	struct refault_join j = {
		.rows = rows, .rep = rep, .found = found,
		.slots.budget = rows->budget, .pages.budget = rows->budget,
	};
	struct thread_names names;
	int ret = -1;

	if (thread_names__init(&names, rep))
		return -1;
	place_rows(&j);
	if (vmm_slots__make(&j.slots, rep->rec) || find_refaults(&j) || taken_pages__sort(&j.pages))
		goto out;
	if (j.re.nr)
		qsort(j.re.fault, j.re.nr, sizeof(*j.re.fault), refaults__by_time);
	join_by_time(&j, &names);
	refaults__sort(found);
	ret = retries__join(retries, &j.retried, rows, &names);
out:
	vmm_slots__free(&j.slots);
	taken_pages__free(&j.pages);
	array__free(j.re.fault, j.re.room, rows->budget);
	array__free(j.retried.fault, j.retried.room, rows->budget);
	thread_names__free(&names);
	return ret;
}
