// SPDX-License-Identifier: GPL-2.0
/* From the finest keys to the rows of the keys asked for, in the order asked for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/analysis/report_parts.h"
#include "util/error.h"

/* An aggregate and those parts of its key that the report sorts by. */
struct member {
	u32 part[NR_REPORT_KEYS + 1];	/* vm, vcpu, reason, isa */
	bool has_vm;
	const struct agg *agg;
};

static bool sorts_by(const struct report *rep, enum report_key key)
{
	for (u32 i = 0; i < rep->opt->nr_sort; i++)
		if (rep->opt->sort[i] == key)
			return true;
	return false;
}

static int compare_members(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	for (size_t i = 0; i < ARRAY_SIZE(x->part); i++)
		if (x->part[i] != y->part[i])
			return x->part[i] < y->part[i] ? -1 : 1;
	return 0;
}

static struct member *make_members(const struct report *rep, const struct agg **list, u32 nr)
{
	struct member *m = calloc(nr ?: 1, sizeof(*m));

	if (!m) {
		error("out of memory for %u keys", nr);
		return NULL;
	}
	for (u32 i = 0; i < nr; i++) {
		const struct agg_key *key = &list[i]->key;
		const struct rec_vcpu *vcpu = recording__vcpu(rep->rec, key->vcpu);

		m[i].agg = list[i];
		if (sorts_by(rep, KEY_VM)) {
			m[i].has_vm = vcpu && recording__vm(rep->rec, vcpu->vm);
			m[i].part[0] = m[i].has_vm ? vcpu->vm : 0;
		}
		if (sorts_by(rep, KEY_VCPU))
			m[i].part[1] = key->vcpu;
		if (sorts_by(rep, KEY_REASON)) {
			m[i].part[2] = key->reason;
			m[i].part[3] = key->isa;
		}
	}
	qsort(m, nr, sizeof(*m), compare_members);
	return m;
}

void report__vcpu_label(const struct report *rep, u32 id, bool with_vm, char *buf, size_t size)
{
	const struct rec_vcpu *vcpu = recording__vcpu(rep->rec, id);
	const struct rec_vm *vm = vcpu ? recording__vm(rep->rec, vcpu->vm) : NULL;

	if (!vcpu)
		snprintf(buf, size, "#%u", id);
	else if (vcpu->vcpu < 0)
		snprintf(buf, size, "tid %u", vcpu->tid);
	else if (with_vm && vm)
		snprintf(buf, size, "%u/%u", vm->pid, (u32)vcpu->vcpu);
	else
		snprintf(buf, size, "%u", (u32)vcpu->vcpu);
}

static void vm_label(const struct report *rep, const struct report_row *row, char *buf,
		     size_t size)
{
	const struct rec_vm *vm = row->has_vm ? recording__vm(rep->rec, row->vm) : NULL;
	const char *name = !vm ? "" : *vm->name ? vm->name : vm->vmm;

	if (!vm)
		snprintf(buf, size, "?");
	else
		snprintf(buf, size, "%u%s%s", vm->pid, *name ? " " : "", name);
}

static void label_row(const struct report *rep, struct report_row *row)
{
	const struct rec_vcpu *vcpu = recording__vcpu(rep->rec, row->vcpu);
	bool several = rep->rec->nr_vms > 1 && !sorts_by(rep, KEY_VM);

	/* As people count: by VM and number; the ids tell who came first. */
	row->vcpu_order = vcpu ? (u64)vcpu->vm << 32 | (u32)vcpu->vcpu : UINT64_MAX;
	if (sorts_by(rep, KEY_REASON))
		reason_name(row->isa, row->reason, row->label[KEY_REASON], REPORT_LABEL_MAX);
	if (sorts_by(rep, KEY_VCPU))
		report__vcpu_label(rep, row->vcpu, several, row->label[KEY_VCPU],
				   REPORT_LABEL_MAX);
	if (sorts_by(rep, KEY_VM))
		vm_label(rep, row, row->label[KEY_VM], REPORT_LABEL_MAX);
}

/* One row of members m[0..nr), which share the key. */
static int make_row(const struct report *rep, const struct member *m, u32 nr,
		    struct report_row *row)
{
	struct agg sum = { .rows = 0 };
	int ret = 0;

	row->vm = m->part[0];
	row->has_vm = m->has_vm;
	row->vcpu = m->part[1];
	row->reason = m->part[2];
	row->isa = m->part[3];
	for (u32 i = 0; !ret && i < nr; i++)
		ret = agg__merge(&sum, m[i].agg);
	report__numbers(&sum, rep->event, row);
	row->span = sum.span;
	report__distribution(row);
	label_row(rep, row);
	return ret;
}

int report__make_rows(struct report *rep, const struct agg **list, u32 nr)
{
	struct member *m = make_members(rep, list, nr);
	u32 groups = 0;
	int ret = 0;

	if (!m)
		return -1;
	for (u32 i = 0; i < nr; i++)
		groups += !i || compare_members(&m[i - 1], &m[i]);
	rep->row = calloc(groups ?: 1, sizeof(*rep->row));
	if (!rep->row)
		ret = error("out of memory for %u rows", groups);
	for (u32 i = 0, end; !ret && i < nr; i = end) {
		for (end = i + 1; end < nr && !compare_members(&m[i], &m[end]);)
			end++;
		ret = make_row(rep, &m[i], end - i, &rep->row[rep->nr_rows++]);
	}
	free(m);
	return ret;
}

/* What a row is ordered by; nothing captured comes last. */
static u64 measure(const struct report_row *row, enum report_order order)
{
	u64 value[] = {
		[ORDER_TIME] = row->time_ns, [ORDER_COUNT] = row->count,
		[ORDER_MEAN] = row->mean_ns, [ORDER_P99] = row->p99_ns,
		[ORDER_MAX] = row->max_ns, [ORDER_KEY] = 0,
	};

	return value[order] == KVMW_NONE ? 0 : value[order];
}

static int compare_keys(const struct report_row *x, const struct report_row *y,
			const struct report_options *opt)
{
	for (u32 i = 0; i < opt->nr_sort; i++) {
		u64 a[] = { [KEY_REASON] = (u64)x->isa << 32 | x->reason,
			    [KEY_VCPU] = x->vcpu_order, [KEY_VM] = x->vm };
		u64 b[] = { [KEY_REASON] = (u64)y->isa << 32 | y->reason,
			    [KEY_VCPU] = y->vcpu_order, [KEY_VM] = y->vm };

		if (a[opt->sort[i]] != b[opt->sort[i]])
			return a[opt->sort[i]] < b[opt->sort[i]] ? -1 : 1;
	}
	return 0;
}

static int compare_rows(const void *a, const void *b, void *arg)
{
	const struct report_options *opt = arg;
	const struct report_row *x = a, *y = b;
	u64 mx = measure(x, opt->order), my = measure(y, opt->order);

	if (mx != my)
		return mx > my ? -1 : 1;
	if (opt->order != ORDER_KEY && x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return compare_keys(x, y, opt);
}

static bool hidden(const struct report_row *row, const struct report_options *opt)
{
	return (opt->order == ORDER_COUNT ? row->count_percent : row->time_percent) <
	       opt->percent_limit;
}

/* Hidden rows go to the end, each part in its order. */
static int hidden_last(struct report *rep)
{
	struct report_row *sorted = malloc((rep->nr_rows ?: 1) * sizeof(*sorted));
	u32 nr = 0;

	if (!sorted)
		return error("out of memory for %u rows", rep->nr_rows);
	for (int pass = 0; pass < 2; pass++)
		for (u32 i = 0; i < rep->nr_rows; i++)
			if (hidden(&rep->row[i], rep->opt) == pass) {
				sorted[nr++] = rep->row[i];
				rep->nr_hidden += pass;
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
