// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/analysis/cpu_holders.h"
#include "util/analysis/taken_sums.h"
#include "util/analysis/report/key_field.h"
#include "util/analysis/report/report.h"
#include "util/analysis/report/internal.h"
#include "util/error.h"
#include "util/memory.h"
#include "util/nearest.h"

/* What the kernel counted covers every row that was recorded. */
static bool totals_hold(const struct agg *sum)
{
	return sum->has_total && sum->total.count >= sum->rows &&
	       sum->total.done >= sum->span.count;
}

static void take_parts(const struct agg *sum, struct report_row *row)
{
	const struct kvmw_total *t = &sum->total;
	const u64 totals[NR_PARTS] = { t->user_ns, t->halt_ns, t->poll_ns, t->wait_ns, t->block_ns,
				       t->throttled_ns };
	u64 *const parts[NR_PARTS] = { &row->user_ns, &row->halt_ns, &row->poll_ns, &row->wait_ns,
				       &row->block_ns, &row->throttled_ns };

	for (u32 i = 0; i < NR_PARTS; i++) {
		if (row->time_ns == KVMW_NONE)
			*parts[i] = KVMW_NONE;
		else if (row->exact)
			*parts[i] = totals[i];
		else
			*parts[i] = sum->part[i].rows ? sum->part[i].ns : KVMW_NONE;
	}
}

/* Parts beyond the whole: damaged or hostile. */
static u64 rest_of(u64 whole, const struct report_row *row)
{
	const u64 parts[] = { row->user_ns, row->halt_ns, row->wait_ns, row->block_ns };

	if (whole == KVMW_NONE || row->user_ns == KVMW_NONE)
		return KVMW_NONE;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (parts[i] != KVMW_NONE)
			whole = whole > parts[i] ? whole - parts[i] : 0;
	return whole;
}

static u64 add_captured(u64 sum, u64 value)
{
	if (value == KVMW_NONE || sum == KVMW_NONE)
		return value == KVMW_NONE ? sum : value;
	/* All ones would be: not captured. */
	sum = sat_add(sum, value);
	return sum == KVMW_NONE ? KVMW_NONE - 1 : sum;
}

/* Without parts all that can be said is how long it was. */
static void set_cost(struct report_row *row, u32 event)
{
	row->cost_ns = row->time_ns;
	if (event != KVMW_EVENT_EXIT || row->halt_ns == KVMW_NONE)
		return;
	row->cost_ns = add_captured(row->kvm_ns, row->user_ns);
	row->cost_ns = add_captured(row->cost_ns, row->poll_ns);
}

void report__numbers(const struct agg *sum, u32 event, struct report_row *row)
{
	const struct hist *h = &sum->span;
	bool cycle = event_desc__is_cycle(event);

	row->exact = totals_hold(sum);
	row->recorded = sum->rows;
	if (row->exact) {
		row->count = sum->total.count;
		row->done = sum->total.done;
		row->lost = sum->total.lost;
		row->filtered = sum->total.left_out;
		/* kvmw stat counts the time of a cycle while it lasts. */
		row->time_ns = row->done || sum->total.span_ns ? sum->total.span_ns : KVMW_NONE;
		row->gap_ns = cycle ? sum->total.gap_ns : KVMW_NONE;
	} else {
		row->count = sum->rows;
		row->done = h->count;
		row->time_ns = h->count ? h->sum : KVMW_NONE;
		row->gap_ns = sum->gap_rows ? sum->gap_ns : KVMW_NONE;
	}
	take_parts(sum, row);
	if (event != KVMW_EVENT_EXIT)
		row->user_ns = row->halt_ns = row->poll_ns = row->wait_ns = row->throttled_ns =
			       row->block_ns = KVMW_NONE;
	row->kvm_ns = rest_of(row->time_ns, row);
	if (event == KVMW_EVENT_USERSPACE)
		row->user_ns = row->time_ns;
	set_cost(row, event);
}

void report__distribution(struct report_row *row)
{
	const struct duration_stats st = hist__stats(&row->span);

	row->mean_ns =
		row->done && row->time_ns != KVMW_NONE ? row->time_ns / row->done : KVMW_NONE;
	row->min_ns = st.min;
	row->max_ns = st.max;
	row->p50_ns = st.p50;
	row->p90_ns = st.p90;
	row->p99_ns = st.p99;
}

int report_row__add(struct report_row *total, const struct report_row *row)
{
	total->count = sat_add(total->count, row->count);
	total->done = sat_add(total->done, row->done);
	total->lost = sat_add(total->lost, row->lost);
	total->filtered = sat_add(total->filtered, row->filtered);
	total->recorded = sat_add(total->recorded, row->recorded);
	total->time_ns = add_captured(total->time_ns, row->time_ns);
	total->gap_ns = add_captured(total->gap_ns, row->gap_ns);
	total->kvm_ns = add_captured(total->kvm_ns, row->kvm_ns);
	total->user_ns = add_captured(total->user_ns, row->user_ns);
	total->halt_ns = add_captured(total->halt_ns, row->halt_ns);
	total->poll_ns = add_captured(total->poll_ns, row->poll_ns);
	total->wait_ns = add_captured(total->wait_ns, row->wait_ns);
	total->throttled_ns = add_captured(total->throttled_ns, row->throttled_ns);
	total->block_ns = add_captured(total->block_ns, row->block_ns);
	total->cost_ns = add_captured(total->cost_ns, row->cost_ns);
	total->exact &= row->exact;
	return hist__merge(&total->span, &row->span);
}

static double percent(u64 part, u64 whole)
{
	return part == KVMW_NONE || whole == KVMW_NONE || !whole ? 0 : 100.0 * part / whole;
}

/* Where rows are finer than what the kernel counts, it still has counted them all. */
static int sum_up(const struct agg **list, u32 nr, u32 event, struct report_row *total)
{
	struct agg sum = { .rows = 0 };
	int ret = 0;

	for (u32 i = 0; !ret && i < nr; i++)
		ret = agg__merge(&sum, list[i]);
	report__numbers(&sum, event, total);
	total->span = sum.span;
	total->slices = sum.slices;
	total->heat = sum.heat;
	return ret;
}

struct report_row report_row__none(void)
{
	return (struct report_row) { .exact = true, .time_ns = KVMW_NONE, .gap_ns = KVMW_NONE,
				     .kvm_ns = KVMW_NONE, .user_ns = KVMW_NONE,
				     .halt_ns = KVMW_NONE,
				     .poll_ns = KVMW_NONE, .wait_ns = KVMW_NONE,
				     .throttled_ns = KVMW_NONE, .block_ns = KVMW_NONE,
				     .cost_ns = KVMW_NONE };
}

static int sum_up_rows(const struct report *rep, struct report_row *total)
{
	*total = report_row__none();
	for (u32 i = 0; i < rep->nr_rows; i++)
		if (report_row__add(total, &rep->row[i]) ||
		    time_slices__merge(&total->slices, NULL, rep->row[i].slices) ||
		    heat__merge(&total->heat, NULL, rep->row[i].heat))
			return -1;
	return 0;
}

/* Every event is recorded, lost or filtered. */
static void count_all(struct report *rep)
{
	const struct report_row *all = &rep->total;
	u64 open = report_row__unfinished(rep, all);
	u64 recorded_open = all->recorded - all->span.count;

	rep->counted = (struct report_counted) {
		.exact = all->exact, .count = all->count, .lost = all->lost,
		.filtered = all->exact ? all->filtered : 0,
	};
	rep->recorded = all->recorded;
	rep->unfinished = open;
	if (rep->rec->meta.selective && open > recorded_open) {
		rep->unfinished = recorded_open;
		rep->counted.filtered = sat_add(rep->counted.filtered, open - recorded_open);
	}
	rep->filtered = rep->counted.filtered;
}

void report__set_percents(struct report *rep)
{
	struct report_row *total = &rep->total;
	u64 count = 0, time = KVMW_NONE, cost = KVMW_NONE;

	/* Of rows finer than the kernel's some may be missing: still they are 100 % of all. */
	for (u32 i = 0; i < rep->nr_rows; i++) {
		count = sat_add(count, rep->row[i].count);
		time = add_captured(time, rep->row[i].time_ns);
		cost = add_captured(cost, rep->row[i].cost_ns);
	}
	for (u32 i = 0; i < rep->nr_rows + rep->nr_details; i++) {
		struct report_row *row =
			i < rep->nr_rows ? &rep->row[i] : &rep->detail[i - rep->nr_rows];

		row->count_percent = percent(row->count, count);
		row->time_percent = percent(row->time_ns, time);
		row->cost_percent = percent(row->cost_ns, cost);
	}
	total->count_percent = percent(total->count, total->count);
	total->time_percent = percent(total->time_ns, total->time_ns);
	total->cost_percent = percent(total->cost_ns, total->cost_ns);
}

static int make_total(struct report *rep, const struct agg **list, u32 nr)
{
	struct report_row *total = &rep->total;

	if (rep->fine ? sum_up(list, nr, rep->event, total) : sum_up_rows(rep, total))
		return -1;
	count_all(rep);
	/* With events that were filtered the total would contradict its rows. */
	if (rep->fine && rep->filtered) {
		hist__free(&total->span);
		time_slices__free(total->slices, NULL);
		heat__free(total->heat);
		if (sum_up_rows(rep, total))
			return -1;
	}
	report__distribution(total);
	rep->has_spans = event_desc__is_cycle(rep->event) || total->done;
	report__set_percents(rep);
	return 0;
}

bool report__selects(const struct recording *rec, const struct report_options *opt, u32 vcpu_id)
{
	const struct rec_vcpu *vcpu = recording__vcpu(rec, vcpu_id);
	const struct rec_vm *vm = vcpu ? recording__vm(rec, vcpu->vm) : NULL;

	if (opt->vcpus.nr && (!vcpu || vcpu->vcpu < 0 ||
			      !number_list__has(&opt->vcpus, vcpu->vcpu)))
		return false;
	return vm ? rec_vm__is_on(vm, &opt->pids) : !opt->pids.nr;
}

/* Filters apply to whole keys, so they keep what the kernel counted exact. */
static bool selected(const struct report *rep, const struct agg *agg)
{
	const char *want = rep->opt->tracepoint;
	const struct rec_tracepoint *tp = want ?
		recording__tracepoint(rep->rec, agg->key.reason) : NULL;

	return (!want || (tp && !strcmp(tp->name, want))) &&
	       report__selects(rep->rec, rep->opt, agg->key.vcpu);
}

/* In an interval of kvmw stat a cycle may last that began before. */
static bool is_any(const struct agg *agg)
{
	return agg->rows || agg->total.count || agg->total.span_ns || agg->in_guest;
}

/* Rows outside of a window are rows too; what was only counted was all lost. */
static bool has_event(const struct recording *rec, u32 event)
{
	for (u32 i = 0; i < rec->totals.table.nr; i++) {
		const struct agg *agg = agg_table__at(&rec->totals, i);

		if (agg->key.event == event && agg->total.count)
			return true;
	}
	return rec->event_rows[event];
}

u32 report__only_family(const struct recording *rec)
{
	if (has_event(rec, KVMW_EVENT_EXIT) || has_event(rec, KVMW_EVENT_USERSPACE))
		return 0;
	/* Slots are beside others because these need them. */
	for (u32 id = 0; id < ARRAY_SIZE(rec->event_rows); id++)
		if (id != KVMW_EVENT_MEMSLOT && has_event(rec, id) && event_desc__captured(id))
			return id;
	return has_event(rec, KVMW_EVENT_MEMSLOT) ? KVMW_EVENT_MEMSLOT : 0;
}

static void choose_event(struct report *rep)
{
	rep->event = rep->opt->event ?: KVMW_EVENT_EXIT;
	if (rep->opt->event || has_event(rep->rec, KVMW_EVENT_EXIT) ||
	    !has_event(rep->rec, KVMW_EVENT_USERSPACE))
		return;
	rep->event = KVMW_EVENT_USERSPACE;
	rep->fell_back = true;
}

/* The keys of this report, those of chosen reasons first: *nr of *nr_all; free() it. */
static const struct agg **report__select_aggs(struct report *rep, const struct agg_table *aggs,
					      const struct agg_table *more, u32 *nr, u32 *nr_all)
{
	u32 nr_aggs = aggs->table.nr, in_tables = nr_aggs + (more ? more->table.nr : 0);
	const struct agg **list = calloc(in_tables ?: 1, sizeof(*list));

	*nr = *nr_all = 0;
	if (!list) {
		out_of_memory();
		return NULL;
	}
	for (u32 i = 0; i < in_tables; i++) {
		const struct agg *agg = i < nr_aggs ? agg_table__at(aggs, i) :
					agg_table__at(more, i - nr_aggs);

		if (agg->key.event != rep->event || !is_any(agg) || !selected(rep, agg))
			continue;
		list[(*nr_all)++] = agg;
		if (!report__has_reason(rep, agg->key.isa, agg->key.reason) ||
		    (agg->in_guest && report_options__sorts_by(rep->opt, KEY_REASON)))
			continue;
		list[*nr_all - 1] = list[*nr];
		list[(*nr)++] = agg;
	}
	return list;
}

static int check_column(const struct report *rep, const char *option, enum report_column column)
{
	struct word_list names;

	if (report_column__is_of(column, rep->desc))
		return 0;
	word_list__begin(&names, "", 0);
	report_column__list(rep->desc, &names);
	return error("%s: %s have no column '%s', but %s", option, rep->desc->plural,
		     report_column__get(column)->name, names.text);
}

/* Whether the event's rows have them; as an order, the cost of events but exits is their time. */
static int check_columns(const struct report *rep)
{
	const struct report_options *opt = rep->opt;

	for (u32 i = 0; i < opt->nr_columns; i++)
		if (check_column(rep, "--fields", opt->column[i]))
			return -1;
	return opt->order == ORDER_KEY || opt->order == COLUMN_COST ? 0 :
	       check_column(rep, "--order", opt->order);
}

static int no_such_key(const struct event_desc *event, const char *name)
{
	struct word_list keys;

	word_list__begin(&keys, "", 0);
	for (u32 i = 0; i < NR_REPORT_KEYS; i++)
		if (sort_key__get(i)->column(sort_key__get(i), event, 0))
			word_list__add(&keys, sort_key__get(i)->name);
	field_key__list(event, &keys);
	return error("--sort: %s have no key '%s', but %s", event->plural, name, keys.text);
}

static int check_keys(const struct report *rep)
{
	if (rep->opt->reasons.nr && !event_desc__is_cycle(rep->event))
		return error("--reason: %s have no exit reason", rep->desc->plural);
	for (u32 i = 0; i < rep->opt->nr_sort; i++) {
		const struct sort_key *key = report_options__key(rep->opt, i);

		if (!key->column(key, rep->desc, 0))
			return no_such_key(rep->desc, sort_key__name(key));
	}
	return check_columns(rep);
}

static void count_lost(struct report *rep)
{
	const struct recording *rec = rep->rec;
	bool filtered = rep->opt->vcpus.nr || rep->opt->pids.nr || rep->opt->reasons.nr;

	if (rec->window.active)
		rep->lost = rec->lost_window[rep->event];
	else if (filtered || rep->counted.lost > rec->lost[rep->event])
		rep->lost = rep->counted.lost;
	else
		rep->lost = rec->lost[rep->event];
}

static int make_holders(struct report *rep, const struct thread_names *names)
{
	if (rep->event != KVMW_EVENT_SCHED && rep->event != KVMW_EVENT_EXIT)
		return 0;
	rep->holders = mem__calloc(1, sizeof(*rep->holders));
	return rep->holders ? cpu_holders__make(rep->holders, names) : -1;
}

static int make_taken(struct report *rep, const struct thread_names *names)
{
	if ((rep->event != KVMW_EVENT_EXIT && rep->event != KVMW_EVENT_FAULT &&
	     rep->event != KVMW_EVENT_MMU) || !taken_sums__known(rep))
		return 0;
	rep->taken = mem__calloc(1, sizeof(*rep->taken));
	return rep->taken ? taken_sums__make(rep->taken, names) : -1;
}

/* What tables of the recording know about threads. */
static int make_tables(struct report *rep)
{
	struct thread_names names;
	int ret;

	if (thread_names__init(&names, rep))
		return -1;
	ret = make_holders(rep, &names) || make_taken(rep, &names) ? -1 : 0;
	thread_names__free(&names);
	return ret;
}

int report__make(struct report *rep, const struct recording *rec, struct agg_table *aggs,
		 const struct report_options *opt)
{
	const struct agg **list;
	u32 nr, nr_all;
	int ret;

	memset(rep, 0, sizeof(*rep));
	rep->rec = rec;
	rep->opt = opt;
	rep->duration_ns = recording__duration(rec);
	for (size_t i = 0; i < ARRAY_SIZE(rec->event_rows); i++)
		rep->all_recorded += rec->event_rows[i];
	rep->fine = report_options__fine(opt);
	/* A window and --where exclude rows, but the kernel's counts include them. */
	if (!recording__is_part(rec) && !rep->fine && agg_table__merge(aggs, &rec->totals))
		return -1;
	rep->over_limit = aggs->over_limit;
	choose_event(rep);
	rep->desc = event_desc__captured(rep->event);
	if (check_keys(rep))
		return -1;
	list = report__select_aggs(rep, aggs,
				   rep->fine && !recording__is_part(rec) ? &rec->totals : NULL, &nr,
				   &nr_all);
	if (!list)
		return -1;
	/* Where a vCPU's time went is a matter of all reasons. */
	ret = report__make_rows(rep, list, nr) || make_total(rep, list, nr) ||
	      (event_desc__is_cycle(rep->event) && !opt->rows_only &&
	       report__make_vcpus(rep, list, nr_all)) ? -1 : 0;
	free(list);
	if (ret || report__order(rep) || make_tables(rep) || report__make_snapshots(rep))
		return -1;
	if (opt->heat && report__align_heat(rep))
		return -1;
	count_lost(rep);
	rep->partly = (rep->lost || rep->filtered || rec->nr_damage || rec->missing_rows) &&
		      rep->total.exact && !rep->fine && !recording__is_part(rec);
	if (!rep->nr_rows)
		report__say_why_empty(rep);
	return 0;
}

static void free_rows(struct report_row *row, u32 nr)
{
	for (u32 i = 0; i < nr; i++) {
		hist__free(&row[i].span);
		time_slices__free(row[i].slices, NULL);
		heat__free(row[i].heat);
		free(row[i].sparks);
		for (u32 k = 0; k < NR_REPORT_KEYS; k++)
			free(row[i].label[k]);
	}
	free(row);
}

void report__free(struct report *rep)
{
	free_rows(rep->row, rep->nr_rows);
	free_rows(rep->detail, rep->nr_details);
	hist__free(&rep->total.span);
	time_slices__free(rep->total.slices, NULL);
	heat__free(rep->total.heat);
	free(rep->total.sparks);
	if (rep->holders)
		cpu_holders__free(rep->holders);
	free(rep->holders);
	if (rep->taken)
		taken_sums__free(rep->taken);
	free(rep->taken);
	report__free_snapshots(rep);
	free(rep->vcpu);
	memset(rep, 0, sizeof(*rep));
}
