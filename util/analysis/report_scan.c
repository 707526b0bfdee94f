// SPDX-License-Identifier: GPL-2.0
/* Rows of exit and userspace events, counted and summed up by their keys. */
#include <stdlib.h>
#include <string.h>

#include "util/analysis/report_scan.h"
#include "util/error.h"

/* Column numbers of both events. */
enum { SPAN, GAP, REASON, VCPU, ISA, USER, NR_NAMES };

struct names {
	u32 event;
	const char *names[NR_NAMES];
};

static const struct names names[] = {
	{ KVMW_EVENT_EXIT, { "total_ns", "guest_ns", "reason", "vcpu", "isa", "user_ns" } },
	{ KVMW_EVENT_USERSPACE, { "user_ns", "run_ns", "reason", "vcpu", "isa", "user_ns" } },
};

static int add_row(struct agg *agg, u64 *const *col, u32 i)
{
	u64 gap = col[GAP][i], user = col[USER][i];

	agg->rows++;
	if (gap != KVMW_NONE) {
		agg->gap_rows++;
		agg->gap_ns = sat_add(agg->gap_ns, gap);
	}
	if (col[SPAN][i] == KVMW_NONE)
		return 0;
	if (user != KVMW_NONE) {
		agg->user_rows++;
		agg->user_ns = sat_add(agg->user_ns, user);
	}
	return hist__add(&agg->span, col[SPAN][i]);
}

/* A row which was not completed while the recording went on. */
static void add_open(struct agg *agg, u64 time_ns)
{
	if (time_ns != KVMW_NONE && time_ns > agg->open_since)
		agg->open_since = time_ns;
}

static int take(void *state, const struct scan_batch *b)
{
	struct agg_table *aggs = state;
	u64 *const *col = b->col;
	const u64 *time = col[NR_NAMES];
	struct agg_key last = { 0 };
	struct agg *agg = NULL;
	bool full;

	for (u32 i = 0; i < b->rows; i++) {
		struct agg_key key = { .vcpu = col[VCPU][i], .reason = col[REASON][i],
				       .event = b->event->id, .isa = col[ISA][i] };

		if (!agg || !agg_key__equal(&key, &last)) {
			agg = agg_table__get(aggs, &key, &full);
			last = key;
			if (!agg && !full)
				return -1;
		}
		if (!agg)
			aggs->left_out++;
		else if (add_row(agg, col, i))
			return -1;
		else if (col[SPAN][i] == KVMW_NONE)
			add_open(agg, time[i]);
	}
	return 0;
}

/* Times are a dear column: they matter where a row is not completed, and few are. */
static bool any_open(u64 *const *col, u32 rows)
{
	bool open = false;

	for (u32 i = 0; i < rows; i++)
		open |= col[SPAN][i] == KVMW_NONE;
	return open;
}

static void *new_aggs(void *arg)
{
	struct agg_table *aggs = calloc(1, sizeof(*aggs));

	if (!aggs)
		error("out of memory");
	return aggs;
}

static int merge(void *to, const void *from)
{
	return agg_table__merge(to, from);
}

static void free_aggs(void *state)
{
	agg_table__free(state);
	free(state);
}

/* Returns to the VMM are reported where there are no exits. */
static bool skip(const struct recording *rec, u32 event, void *arg)
{
	return event == KVMW_EVENT_USERSPACE && rec->event_rows[KVMW_EVENT_EXIT];
}

void report_scan__init(struct report_scan *rs, const struct report_options *opt, bool sums)
{
	u32 nr = 0;

	memset(rs, 0, sizeof(*rs));
	rs->lazy[0] = "time_ns";
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (opt->event && opt->event != names[i].event)
			continue;
		memcpy(rs->names[nr], names[i].names, sizeof(names[i].names));
		if (!sums)
			rs->names[nr][GAP] = rs->names[nr][USER] = "";
		rs->event[nr] = (struct scan_event) {
			.id = names[i].event, .columns = rs->names[nr],
			.lazy = rs->lazy, .need_lazy = any_open,
		};
		nr++;
	}
	rs->consumer = (struct scan_consumer) {
		.events = rs->event, .nr_events = nr, .new = new_aggs, .take = take,
		.merge = merge, .free = free_aggs, .skip = opt->event ? NULL : skip,
	};
}

int report__read(struct data_reader *r, struct recording *rec, const struct report_options *opt,
		 u32 threads, bool sums, struct agg_table *out)
{
	const struct scan_consumer *consumer;
	struct report_scan rs;
	void *result;

	report_scan__init(&rs, opt, sums);
	consumer = &rs.consumer;
	if (scan__read(r, rec, threads, &consumer, 1, &result))
		return -1;
	*out = *(struct agg_table *)result;
	free(result);
	return 0;
}
