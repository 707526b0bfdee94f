// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "util/analysis/findings/findings.h"

static int add_class(struct facts *f, const struct report_row *row)
{
	u32 isa = row->key[0].v[0] >> 32, reason = row->key[0].v[0];
	const char *device;
	enum access_class class = access_class(row->key[1].v[0], row->key[1].v[1], &device);
	int ret = report_row__add(&f->access[class], row);

	if (device && row->recorded > f->clock_reads) {
		f->clock = device;
		f->clock_reads = row->recorded;
	}
	if (class == ACCESS_IPI && row->key[1].v[2] &&
	    (!f->ipi || row->recorded > f->ipi->recorded))
		f->ipi = row;
	switch (exit_class(isa, reason)) {
	case EXIT_HALT:
		ret |= report_row__add(&f->halt, row);
		if (!row->key[2].v[0])
			ret |= report_row__add(&f->no_halt, row);
		break;
	case EXIT_SHUTDOWN:
		ret |= report_row__add(&f->shutdown, row);
		break;
	case EXIT_SMM:
		ret |= report_row__add(&f->smm, row);
		break;
	default:
		break;
	}
	return ret ? -1 : 0;
}

static void find_top(struct facts *f)
{
	const struct report *rep = f->rep;

	for (u32 i = 0; i < rep->nr_details; i++) {
		const struct report_row *d = &rep->detail[i];

		if (!d->is_detail || d->key[1].v[0] == KVMW_DETAIL_NONE)
			continue;
		if (!f->top || captured(d->cost_ns) > captured(f->top->cost_ns))
			f->top = d;
		if (!f->top_vmm || captured(d->user_ns) > captured(f->top_vmm->user_ns))
			f->top_vmm = d;
		if (!f->top_block || captured(d->block_ns) > captured(f->top_block->block_ns))
			f->top_block = d;
	}
}

static void add_holders(struct facts *f)
{
	u64 sum = 0, idle, throttled = captured(f->rep->whole.throttled_ns);
	const struct cpu_holders *all = f->rep->holders;

	for (u32 i = 0; all && i < all->nr_lines; i++) {
		const struct cpu_holder *h = &all->line[i];

		sum = sat_add(sum, h->time_ns);
		if (h->kind >= NR_HOLDER_KINDS)
			continue;
		f->had_ns[h->kind] = sat_add(f->had_ns[h->kind], h->time_ns);
		if (!f->had_most[h->kind])
			f->had_most[h->kind] = h;
	}
	idle = f->had_ns[KVMW_holder_IDLE];
	f->had_by_others_ns =
		sum - f->had_ns[KVMW_holder_RECORDER] - (idle < throttled ? idle : throttled);
}

static void add_places(struct facts *f)
{
	const struct report *rep = f->rep;

	for (u32 i = 0; f->places && i < f->places->vcpus.nr; i++) {
		const struct vcpu_places *v = hash_table__at(&f->places->vcpus, i);

		if (!report__selects(rep->rec, rep->opt, v->key.vcpu))
			continue;
		vcpu_places__add(&f->exits, v);
	}
	f->faults = f->exits.faults;
	f->protect = f->exits.protect;
}

/* Of the VM whose memory was marked most. 0, or -1 out of memory. */
static int add_families(struct facts *f)
{
	const struct recording *rec = f->rep->rec;
	u64 *logged = mem__calloc(rec->nr_vms + 1, sizeof(*logged));

	for (u32 i = 0; logged && f->families && i < f->families->vcpus.nr; i++) {
		const struct vcpu_families *v = hash_table__at(&f->families->vcpus, i);
		const struct rec_vcpu *vcpu = recording__vcpu(rec, v->key.vcpu);
		const struct rec_vm *vm = vcpu ? recording__vm(rec, vcpu->vm) : NULL;
		u64 *of_vm = &logged[vm ? vm - rec->vm : rec->nr_vms];

		if (!report__selects(rec, f->rep->opt, v->key.vcpu))
			continue;
		vcpu_families__add(&f->family, v);
		*of_vm += v->logged;
		if (*of_vm > f->logged)
			f->logged = *of_vm;
	}
	free(logged);
	return logged ? 0 : -1;
}

int facts__make(const struct report *rep, const struct report *fine,
		const struct findings_input *in, struct facts *f)
{
	const struct report_whole *w = &rep->whole;
	int ret;

	memset(f, 0, sizeof(*f));
	f->rep = rep;
	f->places = in->places;
	f->families = in->families;
	f->seconds = recording__covered(rep->rec) / 1e9;
	f->busy_ns = (double)w->guest_ns + w->kvm_ns + w->vmm_ns + w->wait_ns;
	for (u32 i = 0; i < NR_ACCESS_CLASSES; i++)
		f->access[i] = report_row__none();
	f->halt = f->no_halt = f->shutdown = f->smm = report_row__none();
	for (u32 i = 0; i < rep->nr_vcpus; i++)
		f->vcpus += !!rep->vcpu[i].count;
	ret = add_families(f) || process_memories__make(&f->memory, rep->rec) ||
	      slot_lists__make(&f->slots, rep->rec) ? -1 : 0;
	for (u32 i = 0; !ret && i < fine->nr_rows; i++)
		ret = add_class(f, &fine->row[i]);
	find_top(f);
	add_holders(f);
	add_places(f);
	return ret;
}

void facts__free(struct facts *f)
{
	for (u32 i = 0; i < NR_ACCESS_CLASSES; i++)
		hist__free(&f->access[i].span);
	hist__free(&f->halt.span);
	hist__free(&f->no_halt.span);
	hist__free(&f->shutdown.span);
	hist__free(&f->smm.span);
	process_memories__free(&f->memory);
	slot_lists__free(&f->slots);
}
