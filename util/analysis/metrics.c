// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "util/analysis/cpu_holders.h"
#include "util/analysis/metrics.h"

void metrics__options(struct report_options *opt, u32 event, bool vcpus, bool reasons)
{
	*opt = (struct report_options) { .order = ORDER_KEY, .event = event, .rows_only = true };
	opt->sort[opt->nr_sort++] = KEY_VM;
	if (vcpus)
		opt->sort[opt->nr_sort++] = KEY_VCPU;
	if (reasons)
		opt->sort[opt->nr_sort++] = KEY_REASON;
}

static int add_waits(struct metrics *m, const struct cpu_holders *all)
{
	for (u32 i = 0; all && i < all->nr_each; i++) {
		const struct cpu_holder *h = &all->each[i];
		const struct rec_vcpu *vcpu = recording__vcpu(m->rec, h->vcpu_id);
		struct metrics_waits *w;

		if (!vcpu || h->kind >= METRICS_TAKERS)
			continue;
		w = hash_table__get(&m->waits, &vcpu->vm);
		if (!w)
			return -1;
		w->taker_ns[h->kind] = sat_add(w->taker_ns[h->kind], h->time_ns);
	}
	return 0;
}

int metrics__make(struct metrics *m, const struct report *by_reason, const struct report *by_vcpu,
		  const struct metrics_gaps *gaps)
{
	const struct recording *rec = by_reason->rec;

	*m = (struct metrics) {
		.rec = rec, .by_reason = by_reason, .by_vcpu = by_vcpu, .gaps = *gaps,
		.start_realtime_ns = recording__realtime(rec, rec->meta.start_ns),
		.waits = HASH_TABLE(struct metrics_waits, NULL),
	};
	return add_waits(m, by_vcpu->holders) ||
	       kind_counts__make(rec,
				 report_options__position(by_vcpu->opt, KEY_VCPU) < 0 ?
				 KINDS_OF_VM : KINDS_OF_VCPU, &m->kinds) ? -1 : 0;
}

void metrics__free(struct metrics *m)
{
	hash_table__free(&m->waits);
	kind_counts__free(&m->kinds);
}

const struct rec_vm *metrics__vm(const struct report *rep, const struct report_row *row)
{
	return recording__vm(rep->rec, row->key[0].v[0]);
}

const struct rec_vcpu *metrics__vcpu(const struct report *rep, const struct report_row *row)
{
	int at = report_options__position(rep->opt, KEY_VCPU);

	return at < 0 ? NULL : recording__vcpu(rep->rec, row->key[at].v[1]);
}
