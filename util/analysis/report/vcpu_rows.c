// SPDX-License-Identifier: GPL-2.0
/* Where each vCPU's time went. */
#include <stdlib.h>
#include <string.h>

#include "util/analysis/report/internal.h"
#include "util/analysis/vcpu_life.h"
#include "util/memory.h"

/* "npf fault-write 0x1000", "io out 0x3f8 COM1 transmit" */
static void name_open_exit(const struct report *rep, const struct agg_open *open, char *buf,
			   size_t size)
{
	char detail[REPORT_LABEL_MAX], reason[64];

	reason_name(open->isa, open->reason, reason, sizeof(reason));
	label__exit_detail(rep, open->kind < UINT16_MAX ? open->kind : UINT16_MAX, open->detail, 0,
			   detail, sizeof(detail));
	report__name_exit(reason, detail, buf, size);
}

static void account(const struct report *rep, const struct agg *sum, struct report_vcpu *v)
{
	struct report_row row = { .count = 0 };
	struct vcpu_life life = vcpu_life__of(rep->rec, v->id);
	u64 cycles;

	report__numbers(sum, rep->event, &row);
	v->count = row.count;
	v->guest_ns = row.gap_ns;
	v->vmm_ns = row.user_ns;
	v->kvm_ns = row.kvm_ns;
	/* A vCPU that never completed a cycle spent nothing that is known. */
	if (rep->event == KVMW_EVENT_EXIT && row.time_ns == KVMW_NONE)
		v->kvm_ns = row.count ? 0 : KVMW_NONE;
	v->halt_ns = row.halt_ns;
	v->poll_ns = row.poll_ns;
	v->wait_ns = row.wait_ns;
	v->throttled_ns = row.throttled_ns;
	v->block_ns = row.block_ns;
	cycles = sat_add(captured(v->guest_ns), captured(row.time_ns));
	/* A cycle may extend beyond the window, so there is no total to compare with. */
	v->time.wall_ns = cycles;
	v->died_ns = KVMW_NONE;
	if (rep->rec->window.active)
		return;
	v->time = vcpu_life__account(&life, sum, cycles);
	if (v->time.open_ns && rep->event == KVMW_EVENT_EXIT)
		name_open_exit(rep, &sum->open, v->open_exit, sizeof(v->open_exit));
	v->died_ns = vcpu_life__died(&life);
}

static void vcpu_rows__describe(const struct report *rep, u32 id, struct report_vcpu *v)
{
	const struct rec_vcpu *vcpu = recording__vcpu(rep->rec, id);

	v->id = id;
	v->comm = vcpu ? vcpu->comm : "";
	v->tid = vcpu ? vcpu->tid : 0;
	v->vm = vcpu ? vcpu->vm : ~0U;
	v->number = vcpu ? vcpu->vcpu : -1;
	report__vcpu_label(rep, id, rep->rec->nr_vms > 1, v->label, sizeof(v->label));
}

static int compare_aggs(const void *a, const void *b)
{
	const struct agg *const *x = a, *const *y = b;

	return (*x)->key.vcpu < (*y)->key.vcpu ? -1 : (*x)->key.vcpu > (*y)->key.vcpu;
}

/* As people count them: by VM, then by the vCPU's own number; ids show who came first. */
static int compare_vcpus(const void *a, const void *b)
{
	const struct report_vcpu *x = a, *y = b;

	if (x->vm != y->vm)
		return x->vm < y->vm ? -1 : 1;
	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

/* Without the VMM's other threads and the kernel's. */
static u32 keep_vcpus(const struct report *rep, const struct agg **list, u32 nr)
{
	u32 kept = 0;

	for (u32 i = 0; i < nr; i++) {
		const struct rec_vcpu *vcpu = recording__vcpu(rep->rec, list[i]->key.vcpu);

		if (!vcpu || rec_vcpu__is_vcpu(vcpu))
			list[kept++] = list[i];
	}
	return kept;
}

static void add_vcpu(struct report *rep, u32 id, const struct agg *sum)
{
	struct report_vcpu *v = &rep->vcpu[rep->nr_vcpus++];

	vcpu_rows__describe(rep, id, v);
	account(rep, sum, v);
}

/* Adds vCPUs without counts of the kernel to those with counts: list, by id. */
static void add_idle(struct report *rep, const struct agg **list, u32 nr)
{
	const struct agg nothing = { .rows = 0 };
	const struct recording *rec = rep->rec;
	bool counted = false;

	for (u32 i = 0; i < nr; i++)
		counted |= list[i]->has_total;
	if (!counted || rec->window.active)
		return;
	for (u32 i = 0, at = 0; i < rec->nr_vcpus; i++) {
		u32 id = rec->vcpu[i].id;

		while (at < nr && list[at]->key.vcpu < id)
			at++;
		if (at < nr && list[at]->key.vcpu == id)
			continue;
		if (rec_vcpu__is_vcpu(&rec->vcpu[i]) && report__selects(rec, rep->opt, id))
			add_vcpu(rep, id, &nothing);
	}
}

static void whole__add(struct report_whole *w, const struct report_vcpu *v)
{
	w->guest_ns = sat_add(w->guest_ns, captured(v->guest_ns));
	w->kvm_ns = sat_add(w->kvm_ns, captured(v->kvm_ns));
	w->vmm_ns = sat_add(w->vmm_ns, captured(v->vmm_ns));
	w->halt_ns = sat_add(w->halt_ns, captured(v->halt_ns));
	w->poll_ns = sat_add(w->poll_ns, captured(v->poll_ns));
	w->wait_ns = sat_add(w->wait_ns, captured(v->wait_ns));
	if (v->throttled_ns != KVMW_NONE)
		w->throttled_ns = sat_add(captured(w->throttled_ns), v->throttled_ns);
	w->block_ns = sat_add(w->block_ns, captured(v->block_ns));
	w->open_ns = sat_add(w->open_ns, v->time.open_ns);
	w->unseen_ns = sat_add(w->unseen_ns, v->time.unseen_ns);
	w->no_exit_ns = sat_add(w->no_exit_ns, v->count ? 0 : v->time.unseen_ns);
	w->gone_ns = sat_add(w->gone_ns, v->time.gone_ns);
	w->wall_ns = sat_add(w->wall_ns, v->time.wall_ns);
}

/* Chosen rows say nothing of where all of a vCPU's time went, but are still shares of it. */
static void count_time(struct report *rep)
{
	const struct recording *rec = rep->rec;

	for (u32 i = 0; i < rec->nr_vcpus; i++)
		if (rec_vcpu__is_vcpu(&rec->vcpu[i]) &&
		    report__selects(rec, rep->opt, rec->vcpu[i].id))
			rep->whole.nr_vcpus++;
	rep->whole.wall_ns = rep->whole.nr_vcpus * recording__covered(rec);
}

int report__make_vcpus(struct report *rep, const struct agg **list, u32 nr)
{
	u32 vcpus = rep->rec->nr_vcpus;
	int ret = 0;

	if (rep->rec->filter) {
		count_time(rep);
		return 0;
	}
	nr = keep_vcpus(rep, list, nr);
	qsort(list, nr, sizeof(*list), compare_aggs);
	for (u32 i = 0; i < nr; i++)
		vcpus += !i || list[i - 1]->key.vcpu != list[i]->key.vcpu;
	rep->vcpu = calloc(vcpus ?: 1, sizeof(*rep->vcpu));
	if (!rep->vcpu)
		return out_of_memory();
	for (u32 i = 0, end; !ret && i < nr; i = end) {
		struct agg sum = { .rows = 0 };

		for (end = i; end < nr && list[end]->key.vcpu == list[i]->key.vcpu && !ret; end++)
			ret = agg__merge(&sum, list[end]);
		add_vcpu(rep, list[i]->key.vcpu, &sum);
		hist__free(&sum.span);
		time_slices__free(sum.slices, NULL);
		heat__free(sum.heat);
	}
	add_idle(rep, list, nr);
	rep->whole.throttled_ns = KVMW_NONE;
	for (u32 i = 0; i < rep->nr_vcpus; i++)
		whole__add(&rep->whole, &rep->vcpu[i]);
	rep->whole.nr_vcpus = rep->nr_vcpus;
	qsort(rep->vcpu, rep->nr_vcpus, sizeof(*rep->vcpu), compare_vcpus);
	return ret;
}

/* Where there are no vCPUs, rows were chosen: they are still shares of all time. */
int report__join_vcpus(struct report *all, const struct report *one, u32 base)
{
	struct report_whole *w = &all->whole;
	u32 nr = all->nr_vcpus + one->nr_vcpus;
	struct report_vcpu *list = nr ? realloc(all->vcpu, nr * sizeof(*list)) : NULL;

	if (nr && !list)
		return out_of_memory();
	if (nr)
		all->vcpu = list;
	if (!w->nr_vcpus && !w->wall_ns)
		w->throttled_ns = KVMW_NONE;
	for (u32 i = 0; i < one->nr_vcpus; i++) {
		struct report_vcpu *v = &all->vcpu[all->nr_vcpus++];

		*v = one->vcpu[i];
		v->id = v->id == UINT32_MAX ? v->id : v->id + base;
		v->vm = v->vm == REC_NO_VM ? v->vm : v->vm + base;
		report__vcpu_label(all, v->id, true, v->label, sizeof(v->label));
		whole__add(w, v);
	}
	w->nr_vcpus += one->whole.nr_vcpus;
	if (!one->nr_vcpus)
		w->wall_ns = sat_add(w->wall_ns, one->whole.wall_ns);
	return 0;
}
