// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "util/analysis/cpu_holders.h"
#include "util/analysis/span_table.h"
#include "util/memory.h"
#include "util/search.h"

#define NOBODY	(~0U)

const char *cpu_holder__kind(u32 kind)
{
	const struct kind_desc *desc = event_desc__kind(event_desc__by_id(KVMW_EVENT_HOLDER), kind);

	return desc ? desc->name : NULL;
}

/* Its VM by name, if it is recorded or was a neighbour. */
static const char *vm_name(const struct recording *rec, u32 pid)
{
	const struct rec_neighbour *n = recording__neighbour(rec, pid);

	for (u32 i = 0; i < rec->nr_vms; i++)
		if (rec->vm[i].pid == pid)
			return *rec->vm[i].name ? rec->vm[i].name : rec->vm[i].vmm;
	if (!n)
		return "";
	return *n->name ? n->name : n->vmm;
}

static u32 pid_of(const struct recording *rec, const struct rec_vcpu *vcpu)
{
	const struct rec_vm *vm = vcpu ? recording__vm(rec, vcpu->vm) : NULL;

	return vm ? vm->pid : NOBODY;
}

/*
 * A thread that was in the VMM whenever it was seen is not known to run a vCPU, unless the
 * recording is of that one too.
 */
static const struct rec_vcpu *recorded_vcpu(const struct thread_names *names, struct cpu_holder *h)
{
	const struct recording *rec = names->rep->rec;
	const struct rec_vcpu *vcpu = thread_names__vcpu_of(names, h->tid), *waiter;

	if (!vcpu || pid_of(rec, vcpu) != h->pid)
		return NULL;
	if (h->kind == KVMW_holder_VMM || h->kind == KVMW_holder_PROCESS) {
		waiter = recording__vcpu(rec, h->vcpu_id);
		h->kind = waiter && waiter->vm == vcpu->vm ? KVMW_holder_VCPU : KVMW_holder_VM;
		h->number = vcpu->vcpu < 0 ? NOBODY : vcpu->vcpu;
	}
	return h->kind == KVMW_holder_VCPU || h->kind == KVMW_holder_VM ? vcpu : NULL;
}

static void name_holder(const struct thread_names *names, struct cpu_holder *h, const char *comm)
{
	const struct rec_vcpu *vcpu = recorded_vcpu(names, h);

	h->vm = h->kind == KVMW_holder_VM ? vm_name(names->rep->rec, h->pid) : "";
	if (h->kind == KVMW_holder_IDLE)
		snprintf(h->name, sizeof(h->name), "nobody");
	else if (h->kind == KVMW_holder_OTHERS)
		snprintf(h->name, sizeof(h->name), "others");
	else if (vcpu)
		thread_names__vcpu(names, vcpu->id, h->name);
	else if (h->number != NOBODY)
		snprintf(h->name, sizeof(h->name), "vCPU %u", h->number);
	else if (*comm)
		snprintf(h->name, sizeof(h->name), "%s", comm);
	else
		snprintf(h->name, sizeof(h->name), "tid %u", h->tid);
}

static int compare_threads_of(const struct cpu_holder *x, const struct cpu_holder *y)
{
	COMPARE(x->kind, y->kind);
	COMPARE(x->pid, y->pid);
	COMPARE(x->tid, y->tid);
	return strcmp(x->name, y->name);
}

static int compare_holders(const void *a, const void *b)
{
	const struct cpu_holder *x = a, *y = b;

	return compare_threads_of(x, y) ?: (x->vcpu_id > y->vcpu_id) - (x->vcpu_id < y->vcpu_id);
}

static int compare_times(const void *a, const void *b)
{
	const struct cpu_holder *x = a, *y = b;

	COMPARE(y->time_ns, x->time_ns);
	return compare_holders(a, b);
}

static void add_up_holders(struct cpu_holders *h)
{
	struct cpu_holder *line = NULL;

	if (h->nr_each)
		qsort(h->each, h->nr_each, sizeof(*h->each), compare_holders);
	for (u32 i = 0; i < h->nr_each; i++) {
		const struct cpu_holder *one = &h->each[i];

		h->time_ns = sat_add(h->time_ns, one->time_ns);
		if (!line || compare_threads_of(line, one)) {
			line = &h->line[h->nr_lines++];
			*line = *one;
			continue;
		}
		/* It may have had several places among the holders of one vCPU. */
		line->waiters += one[-1].vcpu_id != one->vcpu_id;
		line->turns = sat_add(line->turns, one->turns);
		line->time_ns = sat_add(line->time_ns, one->time_ns);
	}
	if (h->nr_each)
		qsort(h->each, h->nr_each, sizeof(*h->each), compare_times);
	if (h->nr_lines)
		qsort(h->line, h->nr_lines, sizeof(*h->line), compare_times);
}

static void take_waits(struct cpu_holders *h, const struct report *rep)
{
	const struct recording *rec = rep->rec;
	bool any = false;

	/* Totals are of all rows, not of some. */
	for (u32 i = 0; !recording__is_part(rec) && i < rec->totals.table.nr; i++) {
		const struct agg *agg = agg_table__at(&rec->totals, i);

		if (agg->key.event != KVMW_EVENT_EXIT ||
		    !report__selects(rec, rep->opt, agg->key.vcpu))
			continue;
		any = true;
		h->wait_ns = sat_add(h->wait_ns, agg->total.wait_ns);
		h->throttled_ns = sat_add(h->throttled_ns, agg->total.throttled_ns);
	}
	if (!any)
		h->wait_ns = h->throttled_ns = KVMW_NONE;
}

int cpu_holders__make(struct cpu_holders *h, const struct thread_names *names)
{
	const struct report *rep = names->rep;
	const struct rec_holders *all = &rep->rec->holders;
	u32 nr = recording__is_part(rep->rec) ? 0 : all->table.nr;

	memset(h, 0, sizeof(*h));
	h->each = mem__calloc(nr ?: 1, sizeof(*h->each));
	h->line = mem__calloc(nr ?: 1, sizeof(*h->line));
	if (!h->each || !h->line)
		return -1;
	for (u32 i = 0; i < nr; i++) {
		const struct rec_holder *from = rec_holders__at(all, i);
		struct cpu_holder *one = &h->each[h->nr_each];

		if (!from->time_ns || !report__selects(rep->rec, rep->opt, from->key.vcpu))
			continue;
		*one = (struct cpu_holder) {
			.kind = from->kind, .vcpu_id = from->key.vcpu, .waiters = 1,
			.tid = from->tid, .pid = from->pid, .number = from->number,
			.turns = from->turns, .time_ns = from->time_ns,
		};
		name_holder(names, one, from->comm);
		h->nr_each++;
	}
	add_up_holders(h);
	take_waits(h, rep);
	h->over_limit = all->over_limit;
	return 0;
}

void cpu_holders__free(struct cpu_holders *h)
{
	free(h->each);
	free(h->line);
	memset(h, 0, sizeof(*h));
}
