// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/analysis/field.h"
#include "util/analysis/refaults.h"
#include "util/analysis/span_table.h"
#include "util/arch/names.h"
#include "util/array.h"
#include "util/search.h"

#define PAGE_SHIFT	12
#define HUGE_PAGES	512	/* pages of 4 KiB in one of 2 MiB */

/* ---- rows ------------------------------------------------------------------ */

int refault_rows__fault(struct refault_rows *r, const struct refault_fault *fault)
{
	if (r->nr_faults == REFAULTS_MAX_FAULTS) {
		r->no_fault++;
		return 0;
	}
	if (array__reserve(r->fault, r->nr_faults, r->fault_room, r->budget))
		return -1;
	r->fault[r->nr_faults++] = *fault;
	return 0;
}

static int refault_rows__taken(struct refault_rows *r, const struct refault_taken *taken)
{
	if (r->nr_taken == REFAULTS_MAX_TAKEN) {
		r->no_taken++;
		return 0;
	}
	if (array__reserve(r->taken, r->nr_taken, r->taken_room, r->budget))
		return -1;
	r->taken[r->nr_taken++] = *taken;
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
			.time_ns = b->col[TIME][i], .start = b->col[START][i], .end = b->col[END][i],
			.tid = b->col[TID][i], .syscall = b->col[SYSCALL][i], .vcpu = b->col[VCPU][i],
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
		ret = refault_rows__fault(to, &from->fault[i]);
	for (u32 i = 0; !ret && i < from->nr_taken; i++)
		ret = refault_rows__taken(to, &from->taken[i]);
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

const char *taken_how(u64 cause, u64 syscall, const char *comm, bool by_vcpu, char buf[REFAULTS_HOW])
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

/* A part of guest memory, in address space 0. */
struct refault_slot {
	u32 vm;
	u64 gfn, pages, hva, time_ns;
};

/* A page of a VMM that was faulted in again. */
struct refault_page {
	u32 pid, pad;
	u64 page;
};

/* A fault of a page that had been mapped. */
struct refault {
	const struct refault_fault *fault;
	u64 before_ns;		/* the fault that had mapped it */
	u64 page;		/* in the VMM; KVMW_NONE: unknown */
};

struct refault_join {
	struct refault_rows *rows;
	const struct report *rep;
	struct refaults *found;
	struct refault_slot *slot;
	struct refault *re;
	struct refault_page *page;
	u32 *latest;		/* a tree over page: 1 + index of the row that last covered it */
	/* What the re-fault before was due to: the next one often is, too. */
	const struct refault_taken *last_by;
	struct refault_cause *last_cause;
	u32 nr_slots, slot_room, nr, room, nr_pages, page_room;
};

static int refault_slots__compare(const void *a, const void *b)
{
	const struct refault_slot *x = a, *y = b;

	COMPARE(x->vm, y->vm);
	COMPARE(x->gfn, y->gfn);
	COMPARE(x->time_ns, y->time_ns);
	return 0;
}

static int refault_slots__make(struct refault_join *j)
{
	const struct hash_table *t = &j->rep->rec->memslots.table;

	for (u32 i = 0; i < t->nr; i++) {
		const struct memslot *slot = hash_table__at(t, i);
		const struct rec_vcpu *vcpu = recording__vcpu(j->rep->rec, slot->key.vcpu);

		if (slot->key.slot >> 16 || slot->hva == KVMW_NONE || !vcpu)
			continue;
		if (array__reserve(j->slot, j->nr_slots, j->slot_room, j->rows->budget))
			return -1;
		j->slot[j->nr_slots++] = (struct refault_slot) {
			.vm = vcpu->vm, .gfn = slot->key.gpa >> PAGE_SHIFT,
			.pages = slot->key.size >> PAGE_SHIFT, .hva = slot->hva,
			.time_ns = slot->time_ns,
		};
	}
	if (j->nr_slots)
		qsort(j->slot, j->nr_slots, sizeof(*j->slot), refault_slots__compare);
	return 0;
}

static int compare_place(const void *key, const void *element)
{
	const struct refault_fault *f = key;
	const struct refault_slot *s = element;

	COMPARE(f->vm, s->vm);
	return f->gfn < s->gfn ? -1 : 1;
}

/* Slots that lie below may be stale ones: a few are looked at. */
#define STALE_SLOTS	8

static u64 page_in_vmm(const struct refault_join *j, const struct refault_fault *f)
{
	u32 i = lower_bound(f, j->slot, j->nr_slots, sizeof(*j->slot), compare_place);

	for (u32 back = 0; i && back < STALE_SLOTS; back++) {
		const struct refault_slot *s = &j->slot[--i];

		if (s->vm != f->vm)
			break;
		if (f->gfn - s->gfn < s->pages)
			return (s->hva >> PAGE_SHIFT) + f->gfn - s->gfn;
	}
	return KVMW_NONE;
}

/* Pages of 2 MiB, by time. */
static int refault_faults__compare(const void *a, const void *b)
{
	const struct refault_fault *x = a, *y = b;

	COMPARE(x->vm, y->vm);
	COMPARE(x->gfn / HUGE_PAGES, y->gfn / HUGE_PAGES);
	COMPARE(x->time_ns, y->time_ns);
	return 0;
}

static int add_refault(struct refault_join *j, const struct refault_fault *f, u64 before_ns)
{
	struct refault re = { .fault = f, .before_ns = before_ns, .page = page_in_vmm(j, f) };

	if (array__reserve(j->re, j->nr, j->room, j->rows->budget))
		return -1;
	j->re[j->nr++] = re;
	if (re.page == KVMW_NONE) {
		j->found->no_address++;
		return 0;
	}
	if (array__reserve(j->page, j->nr_pages, j->page_room, j->rows->budget))
		return -1;
	j->page[j->nr_pages++] = (struct refault_page) { .pid = f->pid, .page = re.page };
	return 0;
}

/* The faults of pages that an earlier one had mapped, alone or as part of a huge page. */
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
		if (before && report__selects(j->rep->rec, j->rep->opt, f->vcpu) &&
		    add_refault(j, f, before))
			return -1;
		*(f->level > 1 ? &huge : own) = f->time_ns;
	}
	return 0;
}

static int refault_pages__compare(const void *a, const void *b)
{
	const struct refault_page *x = a, *y = b;

	COMPARE(x->pid, y->pid);
	COMPARE(x->page, y->page);
	return 0;
}

static u32 first_page(const struct refault_join *j, u32 pid, u64 page)
{
	struct refault_page key = { .pid = pid, .page = page };

	return lower_bound(&key, j->page, j->nr_pages, sizeof(key), refault_pages__compare);
}

static int sort_pages(struct refault_join *j)
{
	u32 nr = 0;

	if (j->nr_pages)
		qsort(j->page, j->nr_pages, sizeof(*j->page), refault_pages__compare);
	for (u32 i = 0; i < j->nr_pages; i++)
		if (!nr || refault_pages__compare(&j->page[nr - 1], &j->page[i]))
			j->page[nr++] = j->page[i];
	j->nr_pages = nr;
	j->latest = budget__calloc(j->rows->budget, 2 * (size_t)nr + 1, sizeof(*j->latest));
	return j->latest ? 0 : -1;
}

/* A row covers pages from, to - 1: each node of the tree knows the last one that covered all of it. */
static void cover_pages(struct refault_join *j, u32 from, u32 to, u32 row)
{
	for (from += j->nr_pages, to += j->nr_pages; from < to; from /= 2, to /= 2) {
		if (from & 1)
			j->latest[from++] = row;
		if (to & 1)
			j->latest[--to] = row;
	}
}

static u32 last_cover(const struct refault_join *j, u32 page)
{
	u32 latest = 0;

	for (u32 i = page + j->nr_pages; i; i /= 2)
		latest = j->latest[i] > latest ? j->latest[i] : latest;
	return latest;
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

static void count_refault(struct refault_join *j, const struct thread_names *names,
			  const struct refault *re, const struct refault_taken *by)
{
	struct refaults *found = j->found;
	struct refault_cause c, *to = j->last_cause;
	u64 span = captured(re->fault->span_ns);

	if (!to || j->last_by != by) {
		name_cause(names, by, &c);
		to = find_cause(found, &c);
		to->cause = to->cause == c.cause ? c.cause : KVMW_NONE;
		to->syscall = to->syscall == c.syscall ? c.syscall : KVMW_NONE;
	}
	j->last_by = by;
	j->last_cause = to;
	to->count++;
	to->span_ns = sat_add(to->span_ns, span);
	found->count++;
	found->span_ns = sat_add(found->span_ns, span);
}

/* A process may have several VMs. */
static bool of_other_vm(const struct refault_join *j, const struct refault_taken *by,
			const struct refault_fault *fault)
{
	const struct rec_vcpu *vcpu = recording__vcpu(j->rep->rec, by->vcpu);

	return by->cause == TAKEN_ZAP_ALL && vcpu && vcpu->vm != REC_NO_VM && vcpu->vm != fault->vm;
}

/* Both by time: each re-fault was caused by the last row before it that covers its page. */
static void join_by_time(struct refault_join *j, const struct thread_names *names)
{
	const struct refault_rows *rows = j->rows;
	u32 next = 0;

	for (u32 i = 0; i < j->nr; i++) {
		const struct refault *re = &j->re[i];
		const struct refault_taken *by = NULL;
		u32 latest;

		for (; next < rows->nr_taken && rows->taken[next].time_ns <= re->fault->time_ns; next++) {
			const struct refault_taken *t = &rows->taken[next];
			u64 end = t->end >> PAGE_SHIFT, odd = t->end & ((1 << PAGE_SHIFT) - 1);

			if (t->pid && t->start < t->end)
				cover_pages(j, first_page(j, t->pid, t->start >> PAGE_SHIFT),
					    first_page(j, t->pid, end + !!odd), next + 1);
		}
		if (re->page != KVMW_NONE) {
			latest = last_cover(j, first_page(j, re->fault->pid, re->page));
			by = latest ? &rows->taken[latest - 1] : NULL;
		}
		if (by && (by->time_ns < re->before_ns || of_other_vm(j, by, re->fault)))
			by = NULL;
		count_refault(j, names, re, by);
	}
}

static int most_refaults(const void *a, const void *b)
{
	const struct refault_cause *x = a, *y = b;

	COMPARE(y->count, x->count);
	COMPARE(y->known, x->known);
	return strcmp(x->how, y->how) ?: strcmp(x->by, y->by);
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

int refaults__find(struct refaults *found, struct refault_rows *rows, const struct report *rep)
{
	struct refault_join j = { .rows = rows, .rep = rep, .found = found };
	struct thread_names names;
	int ret = -1;

	if (thread_names__init(&names, rep))
		return -1;
	place_rows(&j);
	if (refault_slots__make(&j) || find_refaults(&j) || sort_pages(&j))
		goto out;
	if (j.nr)
		qsort(j.re, j.nr, sizeof(*j.re), refaults__by_time);
	join_by_time(&j, &names);
	qsort(found->cause, found->nr, sizeof(*found->cause), most_refaults);
	ret = 0;
out:
	budget__free(rows->budget, j.latest, (2 * (size_t)j.nr_pages + 1) * sizeof(*j.latest));
	array__free(j.slot, j.slot_room, rows->budget);
	array__free(j.re, j.room, rows->budget);
	array__free(j.page, j.page_room, rows->budget);
	thread_names__free(&names);
	return ret;
}
