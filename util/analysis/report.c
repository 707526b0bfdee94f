// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/analysis/report.h"
#include "util/analysis/report_parts.h"
#include "util/error.h"

const char *report_key__name(enum report_key key)
{
	static const char *const names[] = {
		[KEY_REASON] = "reason", [KEY_VCPU] = "vcpu", [KEY_VM] = "vm",
	};

	return names[key];
}

const char *report_order__name(enum report_order order)
{
	static const char *const names[] = {
		[ORDER_TIME] = "time", [ORDER_COUNT] = "count", [ORDER_MEAN] = "mean",
		[ORDER_P99] = "p99", [ORDER_MAX] = "max", [ORDER_KEY] = "key",
	};

	return names[order];
}

/* What the kernel counted covers every row that was recorded. */
static bool totals_hold(const struct agg *sum)
{
	return sum->has_total && sum->total.count >= sum->rows;
}

void report__numbers(const struct agg *sum, u32 event, struct report_row *row)
{
	const struct hist *h = &sum->span;

	row->exact = totals_hold(sum);
	row->recorded = sum->rows;
	if (row->exact) {
		row->count = sum->total.count;
		row->done = sum->total.done;
		row->lost = sum->total.lost;
		row->time_ns = row->done ? sum->total.span_ns : KVMW_NONE;
		row->gap_ns = sum->total.gap_ns;
		row->user_ns = row->done ? sum->total.user_ns : KVMW_NONE;
	} else {
		row->count = sum->rows;
		row->done = h->count;
		row->time_ns = h->count ? h->sum : KVMW_NONE;
		row->gap_ns = sum->gap_rows ? sum->gap_ns : KVMW_NONE;
		row->user_ns = sum->user_rows ? sum->user_ns : KVMW_NONE;
	}
	if (event == KVMW_EVENT_USERSPACE)
		row->user_ns = row->time_ns;
}

void report__distribution(struct report_row *row)
{
	const struct hist *h = &row->span;
	bool any = h->count;

	row->mean_ns = row->done && row->time_ns != KVMW_NONE ? row->time_ns / row->done : KVMW_NONE;
	row->min_ns = any ? h->min : KVMW_NONE;
	row->max_ns = any ? h->max : KVMW_NONE;
	row->p50_ns = any ? hist__percentile(h, 500) : KVMW_NONE;
	row->p90_ns = any ? hist__percentile(h, 900) : KVMW_NONE;
	row->p99_ns = any ? hist__percentile(h, 990) : KVMW_NONE;
}

static u64 add_captured(u64 sum, u64 value)
{
	if (value == KVMW_NONE)
		return sum;
	return sum == KVMW_NONE ? value : sat_add(sum, value);
}

static int add_to_total(struct report_row *total, const struct report_row *row)
{
	total->count = sat_add(total->count, row->count);
	total->done = sat_add(total->done, row->done);
	total->lost = sat_add(total->lost, row->lost);
	total->recorded = sat_add(total->recorded, row->recorded);
	total->time_ns = add_captured(total->time_ns, row->time_ns);
	total->user_ns = add_captured(total->user_ns, row->user_ns);
	total->gap_ns = add_captured(total->gap_ns, row->gap_ns);
	total->exact &= row->exact;
	return hist__merge(&total->span, &row->span);
}

static double percent(u64 part, u64 whole)
{
	return part == KVMW_NONE || whole == KVMW_NONE || !whole ? 0 : 100.0 * part / whole;
}

static int make_total(struct report *rep)
{
	struct report_row *total = &rep->total;

	*total = (struct report_row) { .exact = true, .time_ns = KVMW_NONE,
				       .user_ns = KVMW_NONE, .gap_ns = KVMW_NONE };
	for (u32 i = 0; i < rep->nr_rows; i++)
		if (add_to_total(total, &rep->row[i]))
			return -1;
	report__distribution(total);
	for (u32 i = 0; i < rep->nr_rows; i++) {
		struct report_row *row = &rep->row[i];

		row->count_percent = percent(row->count, total->count);
		row->time_percent = percent(row->time_ns, total->time_ns);
	}
	total->count_percent = percent(total->count, total->count);
	total->time_percent = percent(total->time_ns, total->time_ns);
	rep->recorded = total->recorded;
	rep->unfinished = total->count - total->done;
	return 0;
}

/* Filters apply to whole keys, so they keep what the kernel counted exact. */
static bool selected(const struct report *rep, const struct agg *agg)
{
	const struct report_options *opt = rep->opt;
	const struct rec_vcpu *vcpu = recording__vcpu(rep->rec, agg->key.vcpu);
	const struct rec_vm *vm = vcpu ? recording__vm(rep->rec, vcpu->vm) : NULL;

	if (opt->vcpus.nr && (!vcpu || vcpu->vcpu < 0 ||
			      !number_list__has(&opt->vcpus, vcpu->vcpu)))
		return false;
	return !opt->pids.nr || (vm && number_list__has(&opt->pids, vm->pid));
}

static bool has_event(const struct agg_table *aggs, u32 event)
{
	for (u32 i = 0; i < aggs->nr; i++) {
		const struct agg *agg = &aggs->entry[i];

		if (agg->key.event == event && (agg->rows || agg->total.count))
			return true;
	}
	return false;
}

static void choose_event(struct report *rep, const struct agg_table *aggs)
{
	rep->event = rep->opt->event ?: KVMW_EVENT_EXIT;
	/* Rows outside of a window are rows too. */
	if (rep->opt->event || rep->rec->event_rows[KVMW_EVENT_EXIT] ||
	    has_event(aggs, KVMW_EVENT_EXIT) ||
	    !has_event(aggs, KVMW_EVENT_USERSPACE))
		return;
	rep->event = KVMW_EVENT_USERSPACE;
	rep->fell_back = true;
}

/* The keys of this report; free() it. */
static const struct agg **select_aggs(struct report *rep, const struct agg_table *aggs, u32 *nr)
{
	const struct agg **list = calloc(aggs->nr ?: 1, sizeof(*list));

	*nr = 0;
	if (!list) {
		error("out of memory for %u keys", aggs->nr);
		return NULL;
	}
	for (u32 i = 0; i < aggs->nr; i++) {
		const struct agg *agg = &aggs->entry[i];

		if (agg->key.event == rep->event && (agg->rows || agg->total.count) &&
		    selected(rep, agg))
			list[(*nr)++] = agg;
	}
	return list;
}

static void count_lost(struct report *rep)
{
	const struct recording *rec = rep->rec;
	bool filtered = rep->opt->vcpus.nr || rep->opt->pids.nr;

	if (rec->window.active)
		rep->lost = rec->lost_window[rep->event];
	else if (filtered || rep->total.lost > rec->lost[rep->event])
		rep->lost = rep->total.lost;
	else
		rep->lost = rec->lost[rep->event];
}

int report__make(struct report *rep, const struct recording *rec, struct agg_table *aggs,
		 const struct report_options *opt)
{
	const struct agg **list;
	u32 nr;
	int ret;

	memset(rep, 0, sizeof(*rep));
	rep->rec = rec;
	rep->opt = opt;
	rep->duration_ns = recording__duration(rec);
	rep->all_recorded = rec->event_rows[KVMW_EVENT_EXIT] +
			    rec->event_rows[KVMW_EVENT_USERSPACE];
	/* A window leaves rows out, of which the kernel's counts know nothing. */
	if (!rec->window.active && agg_table__merge(aggs, &rec->totals))
		return -1;
	rep->left_out = aggs->left_out;
	choose_event(rep, aggs);
	list = select_aggs(rep, aggs, &nr);
	if (!list)
		return -1;
	ret = report__make_rows(rep, list, nr) || make_total(rep) ||
	      report__make_vcpus(rep, list, nr) ? -1 : 0;
	free(list);
	if (ret || report__order(rep))
		return -1;
	count_lost(rep);
	if (!rep->nr_rows)
		report__say_why_empty(rep);
	return 0;
}

void report__free(struct report *rep)
{
	for (u32 i = 0; i < rep->nr_rows; i++)
		hist__free(&rep->row[i].span);
	hist__free(&rep->total.span);
	free(rep->row);
	free(rep->vcpu);
	memset(rep, 0, sizeof(*rep));
}
