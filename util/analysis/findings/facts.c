// SPDX-License-Identifier: GPL-2.0
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
	switch (exit_class(isa, reason)) {
	case EXIT_HALT:
		ret |= report_row__add(&f->halt, row);
		if (!row->key[2].v[0])
			ret |= report_row__add(&f->no_halt, row);
		break;
	case EXIT_SHUTDOWN:
		ret |= report_row__add(&f->shutdown, row);
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

		if (!d->is_detail)
			continue;
		if (!f->top || captured(d->cost_ns) > captured(f->top->cost_ns))
			f->top = d;
		if (!f->top_vmm || captured(d->user_ns) > captured(f->top_vmm->user_ns))
			f->top_vmm = d;
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
	f->had_by_others_ns = sum - f->had_ns[KVMW_holder_RECORDER] - (idle < throttled ? idle : throttled);
}

static void add_places(struct facts *f)
{
	const struct report *rep = f->rep;

	for (u32 i = 0; f->places && i < f->places->vcpus.nr; i++) {
		const struct vcpu_places *v = hash_table__at(&f->places->vcpus, i);

		if (!report__selects(rep->rec, rep->opt, v->key.vcpu))
			continue;
		f->faults += v->faults;
		f->protect += v->protect;
	}
}

int facts__make(const struct report *rep, const struct report *fine,
		const struct exit_places *places, struct facts *f)
{
	const struct report_whole *w = &rep->whole;
	int ret = 0;

	memset(f, 0, sizeof(*f));
	f->rep = rep;
	f->places = places;
	f->seconds = recording__covered(rep->rec) / 1e9;
	f->busy_ns = (double)w->guest_ns + w->kvm_ns + w->vmm_ns + w->wait_ns;
	for (u32 i = 0; i < NR_ACCESS_CLASSES; i++)
		f->access[i] = report_row__none();
	f->halt = f->no_halt = f->shutdown = report_row__none();
	for (u32 i = 0; i < rep->nr_vcpus; i++)
		f->vcpus += !!rep->vcpu[i].count;
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
}
