// SPDX-License-Identifier: GPL-2.0
/* Rows counted and summed up by their keys. */
#include <stdlib.h>
#include <string.h>

#include "util/analysis/report/row_sums.h"
#include "util/memory.h"

/*
 * Where the last row with these values went: most frames have few keys, often repeated, and to put
 * a key together takes longer than to look at the columns that it is made of.
 */
#define SEEN_BITS	7
#define SEEN		(1u << SEEN_BITS)
#define SEEN_BY		12

struct seen {
	u32 entry;		/* plus 1; 0: not used */
	u64 value[SEEN_BY];
};

struct report_rows {
	struct agg_table aggs;
	const struct report_scan *rs;
	struct seen seen[SEEN];
	u32 nr_seen_by;		/* columns that differ within the batch; above SEEN_BY: too many */
	const u64 *seen_by[SEEN_BY];
	struct row_sums sums;
};

static int aggregate_rows__add_row(struct agg *agg, u64 *const *col, u32 nr_parts, u32 i)
{
	u64 gap = col[GAP][i];

	agg->rows++;
	if (gap != KVMW_NONE) {
		agg->gap_rows++;
		agg->gap_ns = sat_add(agg->gap_ns, gap);
	}
	if (col[SPAN][i] == KVMW_NONE)
		return 0;
	for (u32 k = 0; k < nr_parts; k++) {
		u64 part = col[PARTS + k][i];

		if (part == KVMW_NONE)
			continue;
		agg->part[k].rows++;
		agg->part[k].ns = sat_add(agg->part[k].ns, part);
	}
	return hist__add(&agg->span, col[SPAN][i]);
}

/* A row which was not completed, because the recording ended or its end was missed. */
static void aggregate_rows__add_open(struct agg *agg, const struct scan_batch *b, u64 *const *lazy,
				     u32 i)
{
	u64 at = scan_batch__at(b, i), time_ns = lazy[LAZY_TIME][i];
	bool exit = b->event->id == KVMW_EVENT_EXIT;

	if (time_ns == KVMW_NONE || at <= agg->open_at)
		return;
	agg->open_at = at;
	agg->open = (struct agg_open) {
		.since = time_ns, .reason = b->col[REASON][i], .isa = b->col[ISA][i],
		.kind = exit ? lazy[LAZY_KIND][i] : 0,
		.detail = exit ? lazy[LAZY_DETAIL][i] : KVMW_NONE,
	};
}

/* Prepares for a batch: which columns distinguish its keys. */
static void begin_seen(struct report_rows *rr, const struct scan_batch *b)
{
	u32 nr_columns = rr->rs->nr_keys * KEY_COLUMNS;

	rr->nr_seen_by = 0;
	for (u32 i = 0; i < SEEN; i++)
		rr->seen[i].entry = 0;
	for (u32 i = 0; i < 3 + nr_columns && rr->nr_seen_by <= SEEN_BY; i++) {
		u32 column = i == 0 ? VCPU : i == 1 ? REASON : i == 2 ? ISA : KEYS + i - 3;

		if (b->same >> column & 1 || (column == VCPU && rr->rs->opt->any_vcpu))
			continue;
		if (rr->nr_seen_by < SEEN_BY)
			rr->seen_by[rr->nr_seen_by] = b->col[column];
		rr->nr_seen_by++;
	}
}

static inline struct seen *seen_at(struct report_rows *rr, u32 i)
{
	u64 hash = 0;

	for (u32 k = 0; k < rr->nr_seen_by; k++)
		hash = (hash ^ rr->seen_by[k][i]) * 0x9e3779b97f4a7c15ULL;
	return &rr->seen[hash >> (64 - SEEN_BITS)];
}

static inline bool was_seen(const struct report_rows *rr, const struct seen *seen, u32 i)
{
	bool same = seen->entry;

	for (u32 k = 0; same && k < rr->nr_seen_by; k++)
		same = seen->value[k] == rr->seen_by[k][i];
	return same;
}

/* Of a key that was not seen lately; where it goes is noted in *seen, unless that is NULL. */
static int find_unseen(struct report_rows *rr, const struct scan_batch *b, u32 i, struct seen *seen,
		       struct agg **agg)
{
	struct agg_key key = report_scan__key(rr->rs, b->event->id, b->col, i);

	if (agg_table__get(&rr->aggs, &key, agg))
		return -1;
	if (!seen || !*agg)
		return 0;
	seen->entry = hash_table__index(&rr->aggs.table, *agg) + 1;
	for (u32 k = 0; k < rr->nr_seen_by; k++)
		seen->value[k] = rr->seen_by[k][i];
	return 0;
}

/* *agg is NULL where it is one key too many. 0, or -1 out of memory. */
static inline int aggregate_rows__find(struct report_rows *rr, const struct scan_batch *b, u32 i,
				       struct agg **agg)
{
	struct seen *seen = rr->nr_seen_by <= SEEN_BY ? seen_at(rr, i) : NULL;

	if (!seen || !was_seen(rr, seen, i))
		return find_unseen(rr, b, i, seen, agg);
	*agg = agg_table__at(&rr->aggs, seen->entry - 1);
	return 0;
}

/* What it took of a host CPU, as of struct report_row: without its sleeps and waits. */
static u64 cost_of_row(u64 *const *col, u32 i)
{
	u64 cost = col[SPAN][i], slept = 0;

	if (cost == KVMW_NONE)
		return 0;
	slept = sat_add(captured(col[PARTS + PART_HALT][i]), captured(col[PARTS + PART_WAIT][i]));
	slept = sat_add(slept, captured(col[PARTS + PART_BLOCK][i]));
	cost -= slept < cost ? slept : cost;
	return sat_add(cost, captured(col[PARTS + PART_POLL][i]));
}

static int add_slice(struct agg *agg, const struct scan_batch *b, u64 time_ns, u32 i)
{
	if (time_ns == KVMW_NONE || time_ns < b->from_ns)
		return 0;
	return time_slices__add(&agg->slices, agg->span.budget, time_ns - b->from_ns,
				cost_of_row(b->col, i), b->col[SPAN][i]);
}

/* What began before the recording did belongs to its first step. */
static int add_heat(struct agg *agg, const struct scan_batch *b, u64 time_ns, u64 span_ns)
{
	if (time_ns == KVMW_NONE || span_ns == KVMW_NONE)
		return 0;
	return heat__add(&agg->heat, agg->span.budget,
			 time_ns > b->from_ns ? time_ns - b->from_ns : 0, span_ns);
}

static int aggregate_rows__take(void *state, const struct scan_batch *b)
{
	struct report_rows *rr = state;
	u32 nr_parts = rr->rs->sums ? NR_PARTS : 0, lazy = KEYS + rr->rs->nr_keys * KEY_COLUMNS;
	bool slices = rr->rs->opt->slices, heat = rr->rs->opt->heat;
	u64 *const *col = b->col;

	if (row_sums__can(&rr->sums, rr->rs, b))
		return row_sums__take(&rr->sums, &rr->aggs);
	scan_batch__set_rows(b);
	begin_seen(rr, b);
	for (u32 i = 0; i < b->rows; i++) {
		u64 at = scan_batch__at(b, i);
		struct agg *agg;

		if (aggregate_rows__find(rr, b, i, &agg))
			return -1;
		if (!agg) {
			rr->aggs.over_limit++;
			continue;
		}
		if (aggregate_rows__add_row(agg, col, nr_parts, i) ||
		    (slices && add_slice(agg, b, col[lazy + LAZY_TIME][i], i)) ||
		    (heat && add_heat(agg, b, col[lazy + LAZY_TIME][i], col[SPAN][i])))
			return -1;
		if (at > agg->last_at)
			agg->last_at = at;
		if (b->has_lazy && col[SPAN][i] == KVMW_NONE)
			aggregate_rows__add_open(agg, b, &col[lazy], i);
	}
	return 0;
}

/* Times are expensive to decode; they matter only where a row is not completed. */
static bool any_open(const struct scan_batch *b)
{
	const u64 *span = b->col[SPAN];
	bool open = false;

	for (u32 i = 0; scan_batch__bits(b, SPAN) == KVMW_NONE && i < b->rows && !open; i++)
		open = span[i] == KVMW_NONE;
	return open;
}

static void *aggregate_rows__new_rows(void *arg)
{
	struct report_rows *rr = mem__calloc(1, sizeof(*rr));

	if (!rr)
		return NULL;
	rr->rs = arg;
	agg_table__init(&rr->aggs, rr->rs->opt->budget);
	return rr;
}

static int aggregate_rows__merge(void *to, const void *from)
{
	return agg_table__merge(&((struct report_rows *)to)->aggs,
				&((const struct report_rows *)from)->aggs);
}

static void aggregate_rows__free_rows(void *state)
{
	agg_table__free(&((struct report_rows *)state)->aggs);
	free(state);
}

/* Returns to the VMM are reported where there are no exits. */
static bool skip(const struct recording *rec, u32 event, void *arg)
{
	return event == KVMW_EVENT_USERSPACE && rec->event_rows[KVMW_EVENT_EXIT];
}

/* The scan passes over columns named "". */
static const char *if_wanted(bool wanted, const char *column)
{
	return wanted && column ? column : "";
}

static void aggregate_rows__add_event(struct report_scan *rs, u32 id)
{
	const struct event_desc *e = event_desc__captured(id);
	bool times = rs->opt->slices || rs->opt->heat;
	bool cycle = event_desc__is_cycle(id),
	     isa = cycle || (id == KVMW_EVENT_NESTED && rs->nested_isa);
	u32 nr = rs->consumer.nr_events++;
	const char **names = rs->names[nr];

	names[SPAN] = e->span;
	names[GAP] = if_wanted(rs->sums && !rs->opt->no_gaps, e->gap);
	names[REASON] = e->reason;
	names[VCPU] = "vcpu";
	names[ISA] = isa ? "isa" : "";
	_Static_assert(ARRAY_SIZE(e->parts) == NR_PARTS, "parts of an event, by enum agg_part");
	for (u32 i = 0; i < NR_PARTS; i++)
		names[PARTS + i] = if_wanted(rs->sums, e->parts[i]);
	names += KEYS;
	for (u32 i = 0; i < rs->nr_keys; i++)
		for (u32 k = 0; k < KEY_COLUMNS; k++)
			*names++ = if_wanted(true, rs->key[i]->column(rs->key[i], e, k));
	rs->lazy[nr][LAZY_TIME] = "time_ns";
	if (id == KVMW_EVENT_EXIT) {
		rs->lazy[nr][LAZY_KIND] = "detail_kind";
		rs->lazy[nr][LAZY_DETAIL] = "detail";
	}
	rs->event[nr] = (struct scan_event) {
		.id = id, .columns = rs->names[nr], .lazy = cycle || times ? rs->lazy[nr] : NULL,
		.need_lazy = times ? NULL : any_open,
		.coded = BIT(REASON) | BIT(VCPU) | BIT(ISA) | ~(BIT(KEYS) - 1),
	};
}

void report_scan__init(struct report_scan *rs, const struct report_options *opt, bool sums)
{
	memset(rs, 0, sizeof(*rs));
	rs->sums = sums;
	rs->opt = opt;
	rs->nested_isa = report_options__sorts_by(opt, KEY_DETAIL);
	for (u32 i = 0; i < opt->nr_sort; i++)
		if (!report_options__key(opt, i)->counted)
			rs->key[rs->nr_keys++] = report_options__key(opt, i);
	rs->consumer = (struct scan_consumer) {
		.events = rs->event,
		.arg = rs,
		.new = aggregate_rows__new_rows,
		.take = aggregate_rows__take,
		.merge = aggregate_rows__merge,
		.free = aggregate_rows__free_rows,
		.skip = opt->event ? NULL : skip,
	};
	aggregate_rows__add_event(rs, opt->event ?: KVMW_EVENT_EXIT);
	if (!opt->event)
		aggregate_rows__add_event(rs, KVMW_EVENT_USERSPACE);
}

void report_scan__take_result(void *result, struct agg_table *out)
{
	struct report_rows *rr = result;

	*out = rr->aggs;
	free(rr);
}
