// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "util/analysis/model_halt.h"
#include "util/error.h"

/* What is counted of each vCPU, as the reason of a key; HALTED and POLLED have times. */
enum { HALTED, POLLED, PAID, VALID, INVALID, WAKER /* detail: its tid */, GREW, SHRANK };

struct window {
	u32 vcpu;
	struct max_series steps;
};

struct halt_state {
	struct halt_model model;
	struct agg_table counts;
	struct window **window;	/* ascending by vCPU */
	u32 nr, room;
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

/* One more of it; span_ns all ones: it has no time.  before_ns: of it, before the report's. */
static int count_span(struct halt_state *st, u32 vcpu, u32 what, u64 detail, u64 span_ns,
		      u64 before_ns)
{
	const struct agg_key key = { .vcpu = vcpu, .reason = what, .detail = detail,
				     .event = KVMW_EVENT_HALT };
	struct agg *agg;
	bool full;

	agg = agg_table__get(&st->counts, &key, &full);
	if (!agg) {
		st->counts.over_limit += full;
		return full ? 0 : -1;
	}
	agg->rows++;
	if (span_ns == KVMW_NONE)
		return 0;
	agg->before_ns = sat_add(agg->before_ns, before_ns);
	return hist__add(&agg->span, span_ns);
}

static int halt_model__count(struct halt_state *st, u32 vcpu, u32 what, u64 detail)
{
	return count_span(st, vcpu, what, detail, KVMW_NONE, 0);
}

static int take_halt(struct halt_state *st, const struct scan_batch *b, u32 i)
{
	u64 *const *col = b->col;
	u64 poll = col[COL_POLL][i], slept = col[COL_SLEPT][i], valid = col[COL_VALID][i];
	u64 before = scan_batch__before(b, col[COL_TIME][i], col[COL_SPAN][i]);
	u32 vcpu = col[COL_VCPU][i];
	int ret = count_span(st, vcpu, HALTED, 0, col[COL_SPAN][i], before);

	/* It polls first. */
	if (!ret && (!slept || (poll && poll != KVMW_NONE)))
		ret = count_span(st, vcpu, POLLED, 0, poll, before < poll ? before : poll);
	if (!ret && !slept)
		ret = halt_model__count(st, vcpu, PAID, 0);
	if (!ret && valid != KVMW_NONE)
		ret = halt_model__count(st, vcpu, valid ? VALID : INVALID, 0);
	if (!ret && col[COL_WAKER][i] != KVMW_NONE)
		ret = halt_model__count(st, vcpu, WAKER, col[COL_WAKER][i]);
	return ret;
}

static u32 halt_model__place_of(const struct halt_state *st, u32 vcpu)
{
	u32 low = 0, high = st->nr;

	while (low < high) {
		u32 middle = low + (high - low) / 2;

		if (st->window[middle]->vcpu < vcpu)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* NULL: out of memory, or, with *full, one vCPU too many. */
static struct window *window_of(struct halt_state *st, u32 vcpu, bool *full)
{
	u32 at = halt_model__place_of(st, vcpu), room = st->room ? 2 * st->room : 16;
	struct window *w, **grown;

	*full = false;
	if (at < st->nr && st->window[at]->vcpu == vcpu)
		return st->window[at];
	*full = st->nr == HALT_VCPUS;
	if (*full)
		return NULL;
	if (st->nr == st->room) {
		grown = realloc(st->window, room * sizeof(*grown));
		if (!grown)
			goto no_memory;
		st->window = grown;
		st->room = room;
	}
	w = calloc(1, sizeof(*w));
	if (!w)
		goto no_memory;
	w->vcpu = vcpu;
	memmove(&st->window[at + 1], &st->window[at], (st->nr++ - at) * sizeof(w));
	return st->window[at] = w;
no_memory:
	error("out of memory for the polling windows of %u vCPUs", st->nr);
	return NULL;
}

static int take_window(struct halt_state *st, u64 *const *col, u32 i)
{
	u64 now = col[COL_WINDOW][i], old = col[COL_OLD][i];
	u32 vcpu = col[COL_VCPU][i];
	struct window *w;
	bool full;

	if (now == KVMW_NONE || col[COL_TIME][i] == KVMW_NONE)
		return 0;
	w = window_of(st, vcpu, &full);
	if (!w) {
		st->no_window += full;
		return full ? 0 : -1;
	}
	max_series__add(&w->steps, col[COL_TIME][i], old, now);
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
	struct halt_state *st = calloc(1, sizeof(*st));

	if (!st)
		error("out of memory");
	return st;
}

static int halt_model__merge(void *to, const void *from)
{
	struct halt_state *st = to;
	const struct halt_state *other = from;

	st->no_window += other->no_window;
	for (u32 i = 0; i < other->nr; i++) {
		const struct window *w = other->window[i];
		struct window *mine;
		bool full;

		mine = window_of(st, w->vcpu, &full);
		if (!mine && !full)
			return -1;
		if (mine)
			max_series__merge(&mine->steps, &w->steps);
		else
			st->no_window += w->steps.changes;
	}
	return agg_table__merge(&st->counts, &other->counts);
}

static void halt_model__free_state(void *state)
{
	struct halt_state *st = state;

	for (u32 i = 0; i < st->nr; i++)
		free(st->window[i]);
	free(st->window);
	free(st->model.vcpu);
	agg_table__free(&st->counts);
	free(st);
}

/* ---- the model ---------------------------------------------------------- */

static int compare_ids(const void *a, const void *b)
{
	const struct halt_vcpu *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static int compare_order(const void *a, const void *b)
{
	const struct halt_vcpu *x = a, *y = b;

	return x->order != y->order ? (x->order < y->order ? -1 : 1) : compare_ids(a, b);
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

/* Each selected vCPU once, ascending by id. */
static int find_vcpus(struct halt_model *v, const struct thread_names *names,
		      const struct halt_state *st)
{
	const struct report *rep = names->rep;
	const struct hist none = { 0 };
	u32 *id = calloc(st->counts.nr + st->nr ?: 1, sizeof(*id)), nr = 0;

	if (!id)
		goto no_memory;
	/* Any vCPU has one of these, unless it was one too many. */
	for (u32 i = 0; i < st->counts.nr; i++)
		if (st->counts.entry[i].key.reason == HALTED)
			id[nr++] = st->counts.entry[i].key.vcpu;
	for (u32 i = 0; i < st->nr; i++)
		id[nr++] = st->window[i]->vcpu;
	v->vcpu = calloc(nr ?: 1, sizeof(*v->vcpu));
	if (!v->vcpu)
		goto no_memory;
	for (u32 i = 0; i < nr; i++)
		if (report__selects(rep->rec, rep->opt, id[i]))
			v->vcpu[v->nr++].id = id[i];
	free(id);
	qsort(v->vcpu, v->nr, sizeof(*v->vcpu), compare_ids);
	nr = v->nr;
	v->nr = 0;
	for (u32 i = 0; i < nr && v->nr < HALT_VCPUS; i++)
		if (!v->nr || v->vcpu[v->nr - 1].id != v->vcpu[i].id)
			v->vcpu[v->nr++] = v->vcpu[i];
	for (u32 i = 0; i < v->nr; i++) {
		v->vcpu[i].span = hist__stats(&none);
		v->vcpu[i].halted_ns = KVMW_NONE;
		name(names, &v->vcpu[i]);
	}
	return 0;
no_memory:
	free(id);
	return error("out of memory for the vCPUs that halted");
}

static void halt_model__fill(struct halt_vcpu *vcpu, const struct agg *agg)
{
	switch (agg->key.reason) {
	case HALTED:
		vcpu->halts = agg->rows;
		vcpu->span = hist__stats(&agg->span);
		vcpu->halted_ns = vcpu->span.count ? vcpu->span.sum - agg->before_ns : KVMW_NONE;
		break;
	case POLLED:
		vcpu->polls = agg->rows;
		vcpu->poll_ns = agg->span.sum - agg->before_ns;
		break;
	case PAID:
		vcpu->paid = agg->rows;
		break;
	case VALID:
		vcpu->valid = agg->rows;
		break;
	case INVALID:
		vcpu->invalid = agg->rows;
		break;
	case WAKER:
		vcpu->woken += agg->rows;
		break;
	case GREW:
		vcpu->grew = agg->rows;
		break;
	case SHRANK:
		vcpu->shrank = agg->rows;
		break;
	}
}

static int find_wakers(struct halt_model *v, const struct thread_names *names,
		       const struct halt_state *st)
{
	struct view_pair *pair = calloc(st->counts.nr ?: 1, sizeof(*pair));
	u32 nr = 0, end;
	int ret = 0;

	if (!pair)
		return error("out of memory for %u wakers", st->counts.nr);
	for (u32 i = 0; i < st->counts.nr; i++) {
		const struct agg *agg = &st->counts.entry[i];

		if (agg->key.reason == WAKER)
			pair[nr++] = (struct view_pair) { agg->key.vcpu, agg->key.detail, agg->rows };
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
	free(pair);
	return ret < 0 ? -1 : 0;
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
	v->over_limit = st->counts.over_limit + st->no_window;
	ret = find_vcpus(v, &names, st);
	for (u32 i = 0; !ret && i < st->counts.nr; i++) {
		const struct agg *agg = &st->counts.entry[i];
		struct halt_vcpu *vcpu = halt_model__find(v, agg->key.vcpu);

		if (vcpu)
			halt_model__fill(vcpu, agg);
		else if (v->nr == HALT_VCPUS && agg->key.reason == HALTED &&
			 report__selects(rep->rec, rep->opt, agg->key.vcpu))
			v->over_limit += agg->rows;
	}
	for (u32 i = 0; !ret && i < v->nr; i++) {
		u32 at = halt_model__place_of(st, v->vcpu[i].id);

		if (at < st->nr && st->window[at]->vcpu == v->vcpu[i].id)
			v->vcpu[i].window = &st->window[at]->steps;
	}
	ret = ret ? ret : find_wakers(v, &names, st);
	thread_names__free(&names);
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
