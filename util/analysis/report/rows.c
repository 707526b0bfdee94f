// SPDX-License-Identifier: GPL-2.0
/* From the finest keys to the rows of the keys asked for, in the order asked for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/analysis/report/internal.h"
#include "util/memory.h"

/* An aggregate and those parts of its key that the report sorts by. */
struct member {
	u64 part[8];	/* vm, vcpu, reason, isa, detail_kind, detail, user, cpu */
	bool has_vm;
	const struct agg *agg;
};

static bool rows__sorts_by(const struct report *rep, enum report_key key)
{
	return report_options__sorts_by(rep->opt, key);
}

static int compare_members(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	for (size_t i = 0; i < ARRAY_SIZE(x->part); i++)
		if (x->part[i] != y->part[i])
			return x->part[i] < y->part[i] ? -1 : 1;
	return 0;
}

/*
 * Numbers of stacks are hashes of all their addresses: those that differ only in what a
 * recorder does not keep (its own programs, what is no return address) are one.
 */
static u64 same_stacks(const struct recording *rec, u64 detail)
{
	const struct rec_stack *kernel = recording__stack(rec, detail >> 32);
	const struct rec_stack *user = recording__stack(rec, detail);

	return (kernel ? kernel->same : detail >> 32) << 32 | (user ? user->same : (u32)detail);
}

static void fill_member(const struct report *rep, const struct agg *agg, struct member *m)
{
	const struct agg_key *key = &agg->key;
	const struct rec_vcpu *vcpu = recording__vcpu(rep->rec, key->vcpu);
	bool detail = rows__sorts_by(rep, KEY_DETAIL), exit = rep->event == KVMW_EVENT_EXIT;

	m->agg = agg;
	if (rows__sorts_by(rep, KEY_VM)) {
		m->has_vm = vcpu && recording__vm(rep->rec, vcpu->vm);
		m->part[0] = m->has_vm ? vcpu->vm : 0;
	}
	if (rows__sorts_by(rep, KEY_VCPU))
		m->part[1] = key->vcpu;
	if (rows__sorts_by(rep, KEY_REASON))
		m->part[2] = key->reason;
	if (rows__sorts_by(rep, KEY_REASON) || (detail && !exit))
		m->part[3] = key->isa;
	if (detail) {
		m->part[4] = key->detail_kind;
		m->part[5] = rep->event == KVMW_EVENT_STACK ? same_stacks(rep->rec, key->detail) : key->detail;
	}
	if (rows__sorts_by(rep, KEY_USER))
		m->part[6] = key->user;
	if (rows__sorts_by(rep, KEY_CPU))
		m->part[7] = key->cpu;
}

static struct member *make_members(const struct report *rep, const struct agg **list, u32 *nr)
{
	struct member *m = calloc(*nr ?: 1, sizeof(*m));
	u32 used = 0;

	if (!m) {
		out_of_memory();
		return NULL;
	}
	/* What the kernel counted is of coarser keys than such rows. */
	for (u32 i = 0; i < *nr; i++)
		if (!rep->fine || !list[i]->has_total)
			fill_member(rep, list[i], &m[used++]);
	qsort(m, used, sizeof(*m), compare_members);
	*nr = used;
	return m;
}

/* One row of members m[0..nr), which share the key. */
static int make_row(const struct report *rep, const struct member *m, u32 nr,
		    struct report_row *row)
{
	struct agg sum = { .rows = 0 };
	const struct rec_vcpu *vcpu;
	int ret = 0;

	row->vm = m->part[0];
	row->has_vm = m->has_vm;
	row->vcpu = m->part[1];
	row->reason = m->part[2];
	row->isa = m->part[3];
	row->detail_kind = m->part[4];
	row->detail = m->part[5];
	row->user = m->part[6];
	row->cpu = m->part[7];
	/* As people count: by VM and number; the ids tell who came first. */
	vcpu = recording__vcpu(rep->rec, row->vcpu);
	row->vcpu_order = vcpu ? (u64)vcpu->vm << 32 | (u32)vcpu->vcpu : UINT64_MAX;
	for (u32 i = 0; !ret && i < nr; i++)
		ret = agg__merge(&sum, m[i].agg);
	report__numbers(&sum, rep->event, row);
	row->span = sum.span;
	report__distribution(row);
	return ret || report__label_row(rep, row) ? -1 : 0;
}

int report__make_rows(struct report *rep, const struct agg **list, u32 nr)
{
	struct member *m = make_members(rep, list, &nr);
	u32 groups = 0;
	int ret = 0;

	if (!m)
		return -1;
	for (u32 i = 0; i < nr; i++)
		groups += !i || compare_members(&m[i - 1], &m[i]);
	rep->row = calloc(groups ?: 1, sizeof(*rep->row));
	if (!rep->row)
		ret = out_of_memory();
	for (u32 i = 0, end; !ret && i < nr; i = end) {
		for (end = i + 1; end < nr && !compare_members(&m[i], &m[end]);)
			end++;
		ret = make_row(rep, &m[i], end - i, &rep->row[rep->nr_rows++]);
	}
	free(m);
	return ret;
}

/* What a row is ordered by; nothing captured comes last. */
static u64 rows__measure(const struct report_row *row, enum report_order order)
{
	u64 value[] = {
		[ORDER_TIME] = row->time_ns, [ORDER_COUNT] = row->count,
		[ORDER_MEAN] = row->mean_ns, [ORDER_P99] = row->p99_ns,
		[ORDER_MAX] = row->max_ns, [ORDER_KEY] = 0,
	};

	return value[order] == KVMW_NONE ? 0 : value[order];
}

static u64 order_of(const struct report_row *row, enum report_key key)
{
	const u64 order[NR_REPORT_KEYS] = {
		[KEY_REASON] = (u64)row->isa << 32 | row->reason, [KEY_VCPU] = row->vcpu_order,
		[KEY_VM] = row->vm, [KEY_DETAIL] = row->detail_kind, [KEY_USER] = row->user,
		[KEY_CPU] = row->cpu,
	};

	return order[key];
}

static int compare_keys(const struct report_row *x, const struct report_row *y,
			const struct report_options *opt)
{
	for (u32 i = 0; i < opt->nr_sort; i++) {
		u64 a = order_of(x, opt->sort[i]), b = order_of(y, opt->sort[i]);

		if (a != b)
			return a < b ? -1 : 1;
		if (opt->sort[i] == KEY_DETAIL && x->detail != y->detail)
			return x->detail < y->detail ? -1 : 1;
	}
	return 0;
}

static int compare_rows(const void *a, const void *b, void *arg)
{
	const struct report_options *opt = arg;
	const struct report_row *x = a, *y = b;
	u64 mx = rows__measure(x, opt->order), my = rows__measure(y, opt->order);

	if (mx != my)
		return mx > my ? -1 : 1;
	if (opt->order != ORDER_KEY && x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return compare_keys(x, y, opt);
}

static bool hidden(const struct report *rep, const struct report_row *row, u32 shown)
{
	const struct report_options *opt = rep->opt;
	bool count = opt->order == ORDER_COUNT || rep->total.time_ns == KVMW_NONE;

	return (opt->top && shown >= opt->top) ||
	       (count ? row->count_percent : row->time_percent) < opt->percent_limit;
}

/* Hidden rows go to the end, each part in its order. */
static int hidden_last(struct report *rep)
{
	struct report_row *sorted = malloc((rep->nr_rows ?: 1) * sizeof(*sorted));
	u32 shown = 0, end = rep->nr_rows;

	if (!sorted)
		return out_of_memory();
	for (u32 i = 0; i < rep->nr_rows; i++)
		if (!hidden(rep, &rep->row[i], shown))
			sorted[shown++] = rep->row[i];
		else
			sorted[--end] = rep->row[i];
	rep->nr_hidden = rep->nr_rows - shown;
	for (u32 i = end, k = rep->nr_rows; i + 1 < k; i++) {
		struct report_row swap = sorted[i];

		sorted[i] = sorted[--k];
		sorted[k] = swap;
	}
	free(rep->row);
	rep->row = sorted;
	return 0;
}

int report__order(struct report *rep)
{
	qsort_r(rep->row, rep->nr_rows, sizeof(*rep->row), compare_rows, (void *)rep->opt);
	return hidden_last(rep);
}
