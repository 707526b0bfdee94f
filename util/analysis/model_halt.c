// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "util/analysis/model_halt.h"
#include "util/analysis/span_table.h"

/* What is counted of each vCPU; HALTED and POLLED have durations. */
enum { HALTED, POLLED, PAID, VALID, INVALID, WAKER, GREW, SHRANK };

struct halt_entry {
	struct {
		u32 vcpu, what;
		u64 waker;	/* tid; of all but WAKER 0 */
	} key;
	struct span_sum sum;
};

/* The polling window of a vCPU. */
struct window_entry {
	struct { u32 vcpu; } key;
	struct max_series *series;
};

struct halt_state {
	struct halt_model model;
	struct span_table counts;
	struct hash_table windows;
	u64 no_window;		/* rows of vCPUs beyond HALT_VCPUS */
};

enum { COL_KIND, COL_VCPU, COL_TIME, COL_SPAN, COL_POLL, COL_SLEPT, COL_VALID, COL_WAKER,
       COL_WINDOW, COL_OLD };

static const char *const columns[] = {
	[COL_KIND] = "kind", [COL_VCPU] = "vcpu", [COL_TIME] = "time_ns", [COL_SPAN] = "span_ns",
	[COL_POLL] = "poll_ns", [COL_SLEPT] = "slept", [COL_VALID] = "valid",
	[COL_WAKER] = "waker", [COL_WINDOW] = "window_ns", [COL_OLD] = "old_window_ns", NULL,
};

static const struct scan_event events[] = {{ .id = KVMW_EVENT_HALT, .columns = columns }};

/* before_ns: the part of the span that lies before the report's begin. */
static int count_span(struct halt_state *st, u32 vcpu, u32 what, u64 span_ns, u64 before_ns)
{
	const struct halt_entry e = { .key = { .vcpu = vcpu, .what = what } };
	struct span_sum *sum;

	if (span_table__count(&st->counts, &e.key, &sum))
		return -1;
	if (!sum || span_ns == KVMW_NONE)
		return 0;
	sum->before_ns = sat_add(sum->before_ns, before_ns);
	return hist__add(&sum->span, span_ns);
}

static int halt_model__count(struct halt_state *st, u32 vcpu, u32 what, u64 waker)
{
	const struct halt_entry e = { .key = { .vcpu = vcpu, .what = what, .waker = waker } };

	return span_table__add(&st->counts, &e.key, KVMW_NONE);
}

static int take_halt(struct halt_state *st, const struct scan_batch *b, u32 i)
{
	u64 *const *col = b->col;
	u64 poll = col[COL_POLL][i], slept = col[COL_SLEPT][i], valid = col[COL_VALID][i];
	u64 before = scan_batch__before(b, col[COL_TIME][i], col[COL_SPAN][i]);
	u32 vcpu = col[COL_VCPU][i];
	int ret = count_span(st, vcpu, HALTED, col[COL_SPAN][i], before);

	/* It polls first. */
	if (!ret && (!slept || (poll && poll != KVMW_NONE)))
		ret = count_span(st, vcpu, POLLED, poll, before < poll ? before : poll);
	if (!ret && !slept)
		ret = halt_model__count(st, vcpu, PAID, 0);
	if (!ret && valid != KVMW_NONE)
		ret = halt_model__count(st, vcpu, valid ? VALID : INVALID, 0);
	if (!ret && col[COL_WAKER][i] != KVMW_NONE)
		ret = halt_model__count(st, vcpu, WAKER, col[COL_WAKER][i]);
	return ret;
}

/* NULL in *series: one vCPU too many. 0, or -1 out of memory. */
static int window_of(struct halt_state *st, u32 vcpu, struct max_series **series)
{
	const struct window_entry key = { .key = { .vcpu = vcpu } };
	struct window_entry *w = hash_table__find(&st->windows, &key.key);

	*series = NULL;
	if (!w && st->windows.nr == HALT_VCPUS)
		return 0;
	if (!w)
		w = hash_table__get(&st->windows, &key.key);
	if (w && !w->series)
		w->series = mem__calloc(1, sizeof(*w->series));
	if (!w || !w->series)
		return -1;
	*series = w->series;
	return 0;
}

static int take_window(struct halt_state *st, u64 *const *col, u32 i)
{
	u64 now = col[COL_WINDOW][i], old = col[COL_OLD][i];
	u32 vcpu = col[COL_VCPU][i];
	struct max_series *series;

	if (now == KVMW_NONE || col[COL_TIME][i] == KVMW_NONE)
		return 0;
	if (window_of(st, vcpu, &series))
		return -1;
	if (!series) {
		st->no_window++;
		return 0;
	}
	max_series__add(series, col[COL_TIME][i], old, now);
	if (old == KVMW_NONE || old == now)
		return 0;
	return halt_model__count(st, vcpu, now > old ? GREW : SHRANK, 0);
}

static int halt_model__take(void *state, const struct scan_batch *b)
{
	int ret = 0;

	for (u32 i = 0; !ret && i < b->rows; i++) {
		if (b->col[COL_KIND][i] == KVMW_halt_WAKEUP)
			ret = take_halt(state, b, i);
		else if (b->col[COL_KIND][i] == KVMW_halt_WINDOW)
			ret = take_window(state, b->col, i);
	}
	return ret;
}

static void *halt_model__new_state(void *arg)
{
	const struct report_options *opt = arg;
	struct halt_state *st = mem__calloc(1, sizeof(*st));

	if (!st)
		return NULL;
	st->counts = SPAN_TABLE(struct halt_entry, opt->budget);
	st->windows = HASH_TABLE(struct window_entry, opt->budget);
	return st;
}

static int halt_model__merge(void *to, const void *from)
{
	struct halt_state *st = to;
	const struct halt_state *other = from;

	st->no_window += other->no_window;
	for (u32 i = 0; i < other->windows.nr; i++) {
		const struct window_entry *w = hash_table__at(&other->windows, i);
		struct max_series *series;

		if (window_of(st, w->key.vcpu, &series))
			return -1;
		if (series)
			max_series__merge(series, w->series);
		else
			st->no_window += w->series->changes;
	}
	return span_table__merge(&st->counts, &other->counts);
}

static void halt_model__free_state(void *state)
{
	struct halt_state *st = state;

	for (u32 i = 0; i < st->windows.nr; i++)
		free(((struct window_entry *)hash_table__at(&st->windows, i))->series);
	hash_table__free(&st->windows);
	free(st->model.vcpu);
	span_table__free(&st->counts);
	free(st);
}

/* ---- the model ---------------------------------------------------------- */

static int compare_ids(const void *a, const void *b)
{
	const struct halt_vcpu *x = a, *y = b;

	COMPARE(x->id, y->id);
	return 0;
}

static int compare_order(const void *a, const void *b)
{
	const struct halt_vcpu *x = a, *y = b;

	COMPARE(x->order, y->order);
	return compare_ids(a, b);
}

static struct halt_vcpu *halt_model__find(const struct halt_model *v, u32 id)
{
	const struct halt_vcpu key = { .id = id };

	return bsearch(&key, v->vcpu, v->nr, sizeof(key), compare_ids);
}

static void name(const struct thread_names *names, struct halt_vcpu *vcpu)
{
	const struct rec_vcpu *r = recording__vcpu(names->rep->rec, vcpu->id);

	thread_names__vcpu(names, vcpu->id, vcpu->name);
	vcpu->order = r ? (u64)r->vm << 32 | (u32)r->vcpu : UINT64_MAX;
}

static int compare_numbers(const void *a, const void *b)
{
	COMPARE(*(const u32 *)a, *(const u32 *)b);
	return 0;
}

/* The ids of all selected vCPUs, ascending, each maybe several times. */
static u32 list_ids(const struct halt_state *st, const struct report *rep, u32 *id)
{
	u32 nr = 0;

	/* Each vCPU that halted has one of these, unless it was one too many. */
	for (u32 i = 0; i < span_table__nr(&st->counts); i++) {
		const struct halt_entry *e = span_table__at(&st->counts, i);

		if (e->key.what == HALTED && span_entry__selected(e, rep))
			id[nr++] = e->key.vcpu;
	}
	for (u32 i = 0; i < st->windows.nr; i++) {
		const struct window_entry *w = hash_table__at(&st->windows, i);

		if (span_entry__selected(w, rep))
			id[nr++] = w->key.vcpu;
	}
	qsort(id, nr, sizeof(*id), compare_numbers);
	return nr;
}

/* Each selected vCPU once, ascending by id. */
static int find_vcpus(struct halt_model *v, const struct thread_names *names,
		      const struct halt_state *st)
{
	u32 room = span_table__nr(&st->counts) + st->windows.nr + 1, nr;
	struct budget *budget = names->rep->opt->budget;
	u32 *id = budget__calloc(budget, room, sizeof(*id));
	const struct hist none = { 0 };

	v->vcpu = id ? mem__calloc(HALT_VCPUS, sizeof(*v->vcpu)) : NULL;
	if (!v->vcpu) {
		budget__free(budget, id, room * sizeof(*id));
		return -1;
	}
	nr = list_ids(st, names->rep, id);
	for (u32 i = 0; i < nr && v->nr < HALT_VCPUS; i++) {
		struct halt_vcpu *vcpu = &v->vcpu[v->nr];

		if (i && id[i] == id[i - 1])
			continue;
		vcpu->id = id[i];
		vcpu->span = hist__stats(&none);
		vcpu->halted_ns = KVMW_NONE;
		name(names, vcpu);
		v->nr++;
	}
	budget__free(budget, id, room * sizeof(*id));
	return 0;
}

static void halt_model__fill(struct halt_vcpu *vcpu, const struct halt_entry *e)
{
	const struct span_sum *sum = &e->sum;

	switch (e->key.what) {
	case HALTED:
		vcpu->halts = sum->rows;
		vcpu->span = hist__stats(&sum->span);
		vcpu->halted_ns = vcpu->span.count ? vcpu->span.sum - sum->before_ns : KVMW_NONE;
		break;
	case POLLED:
		vcpu->polls = sum->rows;
		vcpu->poll_ns = sum->span.sum - sum->before_ns;
		break;
	case PAID:
		vcpu->paid = sum->rows;
		break;
	case VALID:
		vcpu->valid = sum->rows;
		break;
	case INVALID:
		vcpu->invalid = sum->rows;
		break;
	case WAKER:
		vcpu->woken += sum->rows;
		break;
	case GREW:
		vcpu->grew = sum->rows;
		break;
	case SHRANK:
		vcpu->shrank = sum->rows;
		break;
	}
}

static int find_wakers(struct halt_model *v, const struct thread_names *names,
		       const struct halt_state *st)
{
	u32 room = span_table__nr(&st->counts) + 1, nr = 0, end;
	struct budget *budget = names->rep->opt->budget;
	struct view_pair *pair = budget__calloc(budget, room, sizeof(*pair));
	int ret = 0;

	if (!pair)
		return -1;
	for (u32 i = 0; i < span_table__nr(&st->counts); i++) {
		const struct halt_entry *e = span_table__at(&st->counts, i);

		if (e->key.what == WAKER)
			pair[nr++] = (struct view_pair) { e->key.vcpu, e->key.waker, e->sum.rows };
	}
	view_pairs__sort(pair, nr);
	for (u32 i = 0; ret >= 0 && i < nr; i = end) {
		struct halt_vcpu *vcpu = halt_model__find(v, pair[i].owner);

		for (end = i + 1; end < nr && pair[end].owner == pair[i].owner;)
			end++;
		if (!vcpu)
			continue;
		ret = thread_names__top(names, &pair[i], end - i, "interrupt", vcpu->waker,
				      HALT_WAKERS);
		vcpu->nr_wakers = ret > 0 ? ret : 0;
	}
	budget__free(budget, pair, room * sizeof(*pair));
	return ret < 0 ? -1 : 0;
}

static void fill_vcpus(struct halt_model *v, const struct halt_state *st, const struct report *rep)
{
	v->over_limit = st->counts.over_limit + st->no_window;
	for (u32 i = 0; i < span_table__nr(&st->counts); i++) {
		const struct halt_entry *e = span_table__at(&st->counts, i);
		struct halt_vcpu *vcpu = halt_model__find(v, e->key.vcpu);

		if (vcpu)
			halt_model__fill(vcpu, e);
		else if (v->nr == HALT_VCPUS && e->key.what == HALTED && span_entry__selected(e, rep))
			v->over_limit += e->sum.rows;
	}
	for (u32 i = 0; i < st->windows.nr; i++) {
		const struct window_entry *w = hash_table__at(&st->windows, i);
		struct halt_vcpu *vcpu = halt_model__find(v, w->key.vcpu);

		if (vcpu)
			vcpu->window = w->series;
	}
}

static int halt_model__finish(void *state, const struct report *rep)
{
	struct halt_state *st = state;
	struct halt_model *v = &st->model;
	struct thread_names names;
	int ret;

	if (thread_names__init(&names, rep))
		return -1;
	view_span(rep, &v->from_ns, &v->to_ns);
	ret = find_vcpus(v, &names, st);
	if (!ret) {
		fill_vcpus(v, st, rep);
		ret = find_wakers(v, &names, st);
	}
	thread_names__free(&names);
	if (!ret)
		qsort(v->vcpu, v->nr, sizeof(*v->vcpu), compare_order);
	return ret;
}

const struct report_model halt_report_model = {
	.event = KVMW_EVENT_HALT,
	.scan = {
		.events = events,
		.nr_events = ARRAY_SIZE(events),
		.new = halt_model__new_state,
		.take = halt_model__take,
		.merge = halt_model__merge,
		.free = halt_model__free_state,
	},
	.finish = halt_model__finish,
};
