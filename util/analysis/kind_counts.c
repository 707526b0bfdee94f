// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "util/analysis/kind_counts.h"
#include "util/memory.h"

static int add_kind(struct hash_table *sums, const struct agg *agg, u32 vm, u32 vcpu)
{
	const struct kind_count key = { .key = { agg->key.event, agg->key.reason, vm, vcpu } };
	struct kind_count *to = hash_table__get(sums, &key.key);

	if (!to)
		return -1;
	to->count = sat_add(to->count, agg->total.count);
	to->done = sat_add(to->done, agg->total.done);
	to->span_ns = sat_add(to->span_ns, captured(agg->total.span_ns));
	return 0;
}

static int compare_kinds(const void *a, const void *b)
{
	const struct kind_count *x = a, *y = b;
	const u32 *p = (const u32 *)&x->key, *q = (const u32 *)&y->key;

	for (u32 i = 0; i < sizeof(x->key) / sizeof(*p); i++)
		if (p[i] != q[i])
			return p[i] < q[i] ? -1 : 1;
	return 0;
}

int kind_counts__make(const struct recording *rec, enum kind_counts_of of,
		      struct kind_counts *counts)
{
	struct hash_table sums = HASH_TABLE(struct kind_count, NULL);
	int err = 0;

	*counts = (struct kind_counts) { .nr = 0 };
	for (u32 i = 0; i < rec->totals.table.nr && !err; i++) {
		const struct agg *agg = agg_table__at(&rec->totals, i);
		const struct event_desc *event = event_desc__captured(agg->key.event);
		const struct rec_vcpu *vcpu = recording__vcpu(rec, agg->key.vcpu);

		/* Kernel threads are of no VM. */
		if (event && event->class == EVENT_FAMILY && agg->total.count &&
		    (of == KINDS_OF_ALL || (vcpu && vcpu->vm != REC_NO_VM)))
			err = add_kind(&sums, agg, of == KINDS_OF_ALL ? ~0U : vcpu->vm,
				       of == KINDS_OF_VCPU ? vcpu->id : ~0U);
	}
	counts->each = err ? NULL : mem__calloc(sums.nr ?: 1, sizeof(*counts->each));
	for (u32 i = 0; counts->each && i < sums.nr; i++)
		counts->each[counts->nr++] = *(const struct kind_count *)hash_table__at(&sums, i);
	hash_table__free(&sums);
	if (!counts->each)
		return -1;
	qsort(counts->each, counts->nr, sizeof(*counts->each), compare_kinds);
	return 0;
}

void kind_counts__free(struct kind_counts *counts)
{
	free(counts->each);
	counts->each = NULL;
}
