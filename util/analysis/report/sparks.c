// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "util/analysis/report/report.h"
#include "util/analysis/report/sparks.h"
#include "util/analysis/report/time_steps.h"
#include "util/recording/row_codes.h"

#define SEEN		256
#define KEYS_MAX	1024	/* more than a recording has; not worth the memory then */

enum { TOTAL, REASON, ISA, VCPU, TIME };

struct spark {
	struct spark_key { u32 isa, reason, vcpu; } key;
	u64 count[SPARK_STEPS];
	struct hist span[SPARK_STEPS];
};

struct sparks {
	struct hash_table table;	/* of struct spark */
	/* a step takes 1 << shift ns; the first begins where the report does */
	u32 shift;
	bool over_limit;
	bool each_vcpu;		/* some of them may be selected */
};

/* What began before the recording did belongs to its first step. */
static u64 since_begin(const struct scan_batch *b, u64 time_ns)
{
	return time_ns > b->from_ns ? time_ns - b->from_ns : 0;
}

/* Times are expensive to decode, and most frames of a long recording lie in one step. */
static bool in_several_steps(const struct scan_batch *b)
{
	u64 first = since_begin(b, b->frame->first_ns), last = since_begin(b, b->frame->last_ns);
	u32 shift = time_steps__shift(last, SPARK_STEPS);

	return b->rows != b->frame->rows || first >> shift != last >> shift;
}

static int spark__fold(struct spark *s, u32 by)
{
	for (u32 i = 1; i < SPARK_STEPS; i++) {
		struct hist moved = s->span[i];
		u32 to = by < 32 ? i >> by : 0;
		u64 count = s->count[i];
		int err;

		s->count[i] = 0;
		s->count[to] += count;
		s->span[i] = (struct hist) { .budget = moved.budget };
		err = hist__merge(&s->span[to], &moved);
		hist__free(&moved);
		if (err)
			return -1;
	}
	return 0;
}

static int sparks__fold(struct sparks *s, u32 shift)
{
	u32 by = shift > s->shift ? shift - s->shift : 0;

	for (u32 i = 0; by && i < s->table.nr; i++)
		if (spark__fold(hash_table__at(&s->table, i), by))
			return -1;
	s->shift += by;
	return 0;
}

/* *spark is NULL where it is one too many. 0, or -1 out of memory. */
static int sparks__get(struct sparks *s, const struct spark_key *key, struct spark **spark)
{
	bool full = false;
	u32 nr = s->table.nr;

	*spark = hash_table__get_limited(&s->table, key, KEYS_MAX, &full);
	s->over_limit |= full;
	for (u32 i = 0; *spark && s->table.nr > nr && i < SPARK_STEPS; i++)
		(*spark)->span[i].budget = s->table.budget;
	return *spark || full ? 0 : -1;
}

static void *sparks__new(void *arg)
{
	const struct report_options *opt = arg;
	struct sparks *s = mem__calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	*s = (struct sparks) { .table = HASH_TABLE(struct spark, opt->budget),
			       .shift = TIME_SHIFT_MIN,
			       .each_vcpu = opt->vcpus.nr || opt->pids.nr };
	return s;
}

static void sparks__free(void *state)
{
	struct sparks *s = state;

	for (u32 i = 0; i < s->table.nr; i++) {
		struct spark *spark = hash_table__at(&s->table, i);

		for (u32 k = 0; k < SPARK_STEPS; k++)
			hist__free(&spark->span[k]);
	}
	hash_table__free(&s->table);
	free(s);
}

static inline struct spark_key key_of(const struct sparks *s, const struct scan_batch *b, u32 i)
{
	return (struct spark_key) {
		.isa = captured(b->col[ISA][i]), .reason = b->col[REASON][i],
		.vcpu = s->each_vcpu ? b->col[VCPU][i] : 0,
	};
}

static inline bool spark__is_of(const struct spark *spark, const struct spark_key *key)
{
	return spark && spark->key.reason == key->reason && spark->key.vcpu == key->vcpu &&
	       spark->key.isa == key->isa;
}

/* Finds it for row i, and notes it among those seen: most frames have few keys, often repeated. */
static int sparks__find(struct sparks *s, const struct scan_batch *b, u32 i, struct spark **seen,
			u32 place, struct spark **spark)
{
	u32 nr = s->table.nr;
	struct spark_key key;

	scan_batch__set_coded(b, i);
	key = key_of(s, b, i);
	if (sparks__get(s, &key, spark))
		return -1;
	/* A new one may have moved all others. */
	if (s->table.nr != nr)
		memset(seen, 0, SEEN * sizeof(*seen));
	seen[place] = *spark;
	return 0;
}

/* *spark is NULL where it is one too many. 0, or -1 out of memory. */
static inline __attribute__((always_inline)) int
sparks__of_row(struct sparks *s, const struct scan_batch *b, const struct row_codes *codes,
	       const u32 nr, u32 i, struct spark **seen, struct spark **spark)
{
	struct spark_key key;
	u32 place;

	if (codes) {
		place = row_codes__at(codes, i, nr);
		*spark = seen[place];
		return *spark ? 0 : sparks__find(s, b, i, seen, place, spark);
	}
	key = key_of(s, b, i);
	place = (key.reason * 7 + key.vcpu) % SEEN;
	*spark = seen[place];
	return spark__is_of(*spark, &key) ? 0 : sparks__find(s, b, i, seen, place, spark);
}

static inline int spark__count(struct spark *spark, u32 step, u64 total_ns)
{
	spark->count[step]++;
	return total_ns == KVMW_NONE ? 0 : hist__add(&spark->span[step], total_ns);
}

/* codes: NULL: there are none; nr: of their columns, as a constant where that saves time. */
static inline __attribute__((always_inline)) int
sparks__count(struct sparks *s, const struct scan_batch *b, const struct row_codes *codes,
	      const u32 nr)
{
	const u64 *totals = b->col[TOTAL], *times = b->has_lazy ? b->col[TIME] : NULL;
	u64 at_ns = since_begin(b, b->frame->last_ns);
	struct spark *seen[SEEN] = { NULL }, *spark;

	for (u32 i = 0; i < b->rows; i++) {
		if (times && times[i] == KVMW_NONE)
			continue;
		at_ns = times ? since_begin(b, times[i]) : at_ns;
		if (at_ns >> s->shift >= SPARK_STEPS &&
		    sparks__fold(s, time_steps__shift(at_ns, SPARK_STEPS)))
			return -1;
		if (sparks__of_row(s, b, codes, nr, i, seen, &spark) ||
		    (spark && spark__count(spark, at_ns >> s->shift, totals[i])))
			return -1;
	}
	return 0;
}

static int sparks__take(void *state, const struct scan_batch *b)
{
	u64 at_ns = since_begin(b, b->frame->last_ns), keys = BIT(REASON) | BIT(ISA);
	struct sparks *s = state;
	struct row_codes codes;

	codes = row_codes__of(b, keys | (s->each_vcpu ? BIT(VCPU) : 0), SEEN);
	if (!b->has_lazy && sparks__fold(s, time_steps__shift(at_ns, SPARK_STEPS)))
		return -1;
	if (codes.all)
		return codes.nr == 1 ? sparks__count(s, b, &codes, 1) :
		       sparks__count(s, b, &codes, codes.nr);
	scan_batch__set_rows(b);
	return sparks__count(s, b, NULL, 0);
}

/* Of a later step it becomes part of the last one. */
static int spark__add(struct spark *to, const struct spark *from, u32 by, u32 steps)
{
	for (u32 i = 0; i < SPARK_STEPS; i++) {
		u32 at = by < 32 ? i >> by : 0;

		at = at < steps ? at : steps - 1;
		to->count[at] += from->count[i];
		if (hist__merge(&to->span[at], &from->span[i]))
			return -1;
	}
	return 0;
}

static int sparks__merge(void *to_state, const void *from_state)
{
	const struct sparks *from = from_state;
	struct sparks *to = to_state;

	to->over_limit |= from->over_limit;
	if (sparks__fold(to, from->shift))
		return -1;
	for (u32 i = 0; i < from->table.nr; i++) {
		const struct spark *more = hash_table__at(&from->table, i);
		struct spark *spark;

		if (sparks__get(to, &more->key, &spark) ||
		    (spark && spark__add(spark, more, to->shift - from->shift, SPARK_STEPS)))
			return -1;
	}
	return 0;
}

static const char *const columns[] = { "total_ns", "reason", "isa", "vcpu", NULL };
static const char *const lazy[] = { "time_ns", NULL };
static const struct scan_event events[] = {
	{ .id = KVMW_EVENT_EXIT, .columns = columns, .lazy = lazy, .need_lazy = in_several_steps,
	  .coded = BIT(REASON) | BIT(ISA) | BIT(VCPU) },
};

const struct scan_consumer sparks__scan = {
	.events = events, .nr_events = ARRAY_SIZE(events), .new = sparks__new, .take = sparks__take,
	.merge = sparks__merge, .free = sparks__free,
};

/* As many as the time has, the last one rounded. */
static struct spark_steps steps_of(const struct recording *rec, u32 shift)
{
	u64 covered = recording__covered(rec), start = rec->meta.start_ns, step = 1ULL << shift;
	struct spark_steps steps = { .from_ns = start, .step_ns = step };

	if (rec->window.active && rec->window.from > start)
		steps.from_ns = rec->window.from;
	if (!covered)
		return steps;
	steps.nr = (covered + step / 2) >> shift ?: 1;
	steps.nr = steps.nr < SPARK_STEPS ? steps.nr : SPARK_STEPS;
	steps.last_ns = covered - (steps.nr - 1) * step;
	return steps;
}

static int finish_sparks(struct row_sparks **out, const struct spark_steps *steps,
			 const struct spark *sum)
{
	struct row_sparks *row = mem__calloc(1, sizeof(*row));

	*out = row;
	for (u32 i = 0; row && i < steps->nr; i++) {
		u64 ns = i + 1 < steps->nr ? steps->step_ns : steps->last_ns;

		row->count[i] = sum->count[i];
		row->per_second[i] = ns ? sum->count[i] * 1e9 / ns : 0;
		row->p99_ns[i] =
			sum->span[i].count ? hist__percentile(&sum->span[i], 990) : KVMW_NONE;
		if (row->per_second[i] > row->most_per_second)
			row->most_per_second = row->per_second[i];
		if (captured(row->p99_ns[i]) > row->most_p99_ns)
			row->most_p99_ns = row->p99_ns[i];
	}
	return row ? 0 : -1;
}

/* reason: NULL: of all that are shown. */
static int add_sparks(struct report *rep, const struct sparks *s, u32 by, struct report_row *row,
		      bool total)
{
	struct spark sum = { .key = { 0 } };
	int ret = 0;

	for (u32 i = 0; !ret && i < s->table.nr; i++) {
		const struct spark *spark = hash_table__at(&s->table, i);
		u64 reason = (u64)spark->key.isa << 32 | spark->key.reason;

		if ((total ? !report__has_reason(rep, spark->key.isa, spark->key.reason) :
		     row->key[0].v[0] != reason) ||
		    (s->each_vcpu && !report__selects(rep->rec, rep->opt, spark->key.vcpu)))
			continue;
		ret = spark__add(&sum, spark, by, rep->steps.nr);
	}
	ret = ret || finish_sparks(&row->sparks, &rep->steps, &sum) ? -1 : 0;
	for (u32 i = 0; i < SPARK_STEPS; i++)
		hist__free(&sum.span[i]);
	return ret;
}

int report__add_sparks(struct report *rep, const struct sparks *s)
{
	u64 covered = recording__covered(rep->rec);
	u32 shift = time_steps__shift(covered ? covered - 1 : 0, SPARK_STEPS);

	if (s->over_limit || rep->event != KVMW_EVENT_EXIT || !s->table.nr)
		return 0;
	shift = shift > s->shift ? shift : s->shift;
	rep->steps = steps_of(rep->rec, shift);
	for (u32 i = 0; rep->steps.nr && i < rep->nr_rows; i++)
		if (add_sparks(rep, s, shift - s->shift, &rep->row[i], false))
			return -1;
	return rep->steps.nr ? add_sparks(rep, s, shift - s->shift, &rep->total, true) : 0;
}
