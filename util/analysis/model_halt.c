// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "util/analysis/model_halt.h"
#include "util/analysis/span_table.h"
#include "util/analysis/vcpu_life.h"
#include "util/search.h"

/* What is counted of a vCPU. */
struct vcpu_entry {
	struct { u32 vcpu; } key;
	u64 halts, polls, paid, valid, invalid, woken, grew, shrank;
	/* The parts of the two histograms that lie before the report's begin. */
	u64 halted_before_ns, polled_before_ns;
	struct hist halted, polled;
	struct max_series *window;	/* of polling; NULL: no change recorded */
};

struct waker_entry {
	struct {
		u32 vcpu, unused;
		u64 waker;	/* tid */
	} key;
	struct span_sum sum;
};

struct halt_state {
	struct halt_model model;
	struct hash_table vcpus;
	u32 nr_windows;		/* vCPUs that have one */
	struct span_table wakers;
	u64 over_limit;		/* rows of vCPUs or windows beyond the limits */
};

enum { COL_KIND, COL_VCPU, COL_TIME, COL_SPAN, COL_POLL, COL_SLEPT, COL_VALID, COL_WAKER,
       COL_WINDOW, COL_OLD };

static const char *const columns[] = {
	[COL_KIND] = "kind", [COL_VCPU] = "vcpu", [COL_TIME] = "time_ns", [COL_SPAN] = "span_ns",
	[COL_POLL] = "poll_ns", [COL_SLEPT] = "slept", [COL_VALID] = "valid",
	[COL_WAKER] = "waker", [COL_WINDOW] = "window_ns", [COL_OLD] = "old_window_ns", NULL,
};

static const struct scan_event events[] = {{ .id = KVMW_EVENT_HALT, .columns = columns }};

/* NULL in *vcpu: one vCPU too many. 0, or -1 out of memory. */
static int vcpu_of(struct halt_state *st, u32 id, struct vcpu_entry **vcpu)
{
	const struct vcpu_entry key = { .key = { .vcpu = id } };
	bool full;

	*vcpu = hash_table__get_limited(&st->vcpus, &key.key, SPAN_TABLE_MAX, &full);
	if (*vcpu)
		(*vcpu)->halted.budget = (*vcpu)->polled.budget = st->vcpus.budget;
	return *vcpu || full ? 0 : -1;
}

/* Its polling window; NULL in *window: one too many. 0, or -1 out of memory. */
static int window_of(struct halt_state *st, struct vcpu_entry *vcpu, struct max_series **window)
{
	if (!vcpu->window && st->nr_windows < HALT_VCPUS) {
		vcpu->window = mem__calloc(1, sizeof(*vcpu->window));
		if (!vcpu->window)
			return -1;
		st->nr_windows++;
	}
	*window = vcpu->window;
	return 0;
}

static int count_span(struct hist *h, u64 *sum_before_ns, u64 span_ns, u64 before_ns)
{
	if (span_ns == KVMW_NONE)
		return 0;
	*sum_before_ns = sat_add(*sum_before_ns, before_ns);
	return hist__add(h, span_ns);
}

static int take_halt(struct halt_state *st, struct vcpu_entry *vcpu, const struct scan_batch *b,
		     u32 i)
{
	u64 *const *col = b->col;
	u64 poll = col[COL_POLL][i], slept = col[COL_SLEPT][i], valid = col[COL_VALID][i];
	u64 before = scan_batch__before(b, col[COL_TIME][i], col[COL_SPAN][i]);
	const struct waker_entry waker = {
		.key = { .vcpu = vcpu->key.vcpu, .waker = col[COL_WAKER][i] },
	};

	vcpu->halts++;
	vcpu->paid += !slept;
	if (valid != KVMW_NONE)
		*(valid ? &vcpu->valid : &vcpu->invalid) += 1;
	if (count_span(&vcpu->halted, &vcpu->halted_before_ns, col[COL_SPAN][i], before))
		return -1;
	/* A vCPU polls before it sleeps. */
	if (!slept || (poll && poll != KVMW_NONE)) {
		vcpu->polls++;
		if (count_span(&vcpu->polled, &vcpu->polled_before_ns, poll,
			       before < poll ? before : poll))
			return -1;
	}
	if (waker.key.waker == KVMW_NONE)
		return 0;
	vcpu->woken++;
	return span_table__add(&st->wakers, &waker.key, KVMW_NONE);
}

static int take_window(struct halt_state *st, struct vcpu_entry *vcpu, u64 *const *col, u32 i)
{
	u64 now = col[COL_WINDOW][i], old = col[COL_OLD][i];
	struct max_series *window;

	if (now == KVMW_NONE || col[COL_TIME][i] == KVMW_NONE)
		return 0;
	if (window_of(st, vcpu, &window))
		return -1;
	if (!window) {
		st->over_limit++;
		return 0;
	}
	max_series__add(window, col[COL_TIME][i], old, now);
	if (old != KVMW_NONE && old != now)
		*(now > old ? &vcpu->grew : &vcpu->shrank) += 1;
	return 0;
}

static int halt_model__take(void *state, const struct scan_batch *b)
{
	struct halt_state *st = state;
	struct vcpu_entry *vcpu;
	int ret = 0;

	for (u32 i = 0; !ret && i < b->rows; i++) {
		u64 kind = b->col[COL_KIND][i];

		if (kind != KVMW_halt_WAKEUP && kind != KVMW_halt_WINDOW)
			continue;
		ret = vcpu_of(st, b->col[COL_VCPU][i], &vcpu);
		if (ret)
			break;
		if (!vcpu)
			st->over_limit++;
		else if (kind == KVMW_halt_WAKEUP)
			ret = take_halt(st, vcpu, b, i);
		else
			ret = take_window(st, vcpu, b->col, i);
	}
	return ret;
}

static void *halt_model__new_state(void *arg)
{
	const struct report_options *opt = arg;
	struct halt_state *st = mem__calloc(1, sizeof(*st));

	if (!st)
		return NULL;
	st->vcpus = HASH_TABLE(struct vcpu_entry, opt->budget);
	st->wakers = SPAN_TABLE(struct waker_entry, opt->budget);
	return st;
}

static int merge_vcpu(struct halt_state *st, const struct vcpu_entry *from)
{
	struct max_series *window;
	struct vcpu_entry *to;

	if (vcpu_of(st, from->key.vcpu, &to))
		return -1;
	if (!to) {
		st->over_limit += from->halts;
		return 0;
	}
	to->halts += from->halts;
	to->polls += from->polls;
	to->paid += from->paid;
	to->valid += from->valid;
	to->invalid += from->invalid;
	to->woken += from->woken;
	to->grew += from->grew;
	to->shrank += from->shrank;
	to->halted_before_ns = sat_add(to->halted_before_ns, from->halted_before_ns);
	to->polled_before_ns = sat_add(to->polled_before_ns, from->polled_before_ns);
	if (hist__merge(&to->halted, &from->halted) || hist__merge(&to->polled, &from->polled))
		return -1;
	if (!from->window)
		return 0;
	if (window_of(st, to, &window))
		return -1;
	if (window)
		max_series__merge(window, from->window);
	else
		st->over_limit += from->window->changes;
	return 0;
}

static int halt_model__merge(void *to, const void *from)
{
	struct halt_state *st = to;
	const struct halt_state *other = from;

	st->over_limit += other->over_limit;
	for (u32 i = 0; i < other->vcpus.nr; i++)
		if (merge_vcpu(st, hash_table__at(&other->vcpus, i)))
			return -1;
	return span_table__merge(&st->wakers, &other->wakers);
}

static void halt_model__free_state(void *state)
{
	struct halt_state *st = state;

	for (u32 i = 0; i < st->vcpus.nr; i++) {
		struct vcpu_entry *vcpu = hash_table__at(&st->vcpus, i);

		hist__free(&vcpu->halted);
		hist__free(&vcpu->polled);
		free(vcpu->window);
	}
	hash_table__free(&st->vcpus);
	span_table__free(&st->wakers);
	free(st->model.vcpu);
	free(st);
}

/* ---- the model ---------------------------------------------------------- */

static int compare_ids(const void *a, const void *b)
{
	const struct halt_vcpu *x = a, *y = b;

	COMPARE(x->id, y->id);
	return 0;
}

static int compare_entries(const void *a, const void *b)
{
	const struct vcpu_entry *x = *(const struct vcpu_entry *const *)a;
	const struct vcpu_entry *y = *(const struct vcpu_entry *const *)b;

	COMPARE(x->key.vcpu, y->key.vcpu);
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

static void halt_model__fill_vcpu(struct halt_vcpu *vcpu, const struct vcpu_entry *e)
{
	vcpu->id = e->key.vcpu;
	vcpu->halts = e->halts;
	vcpu->span = hist__stats(&e->halted);
	vcpu->halted_ns = e->halted.count ? e->halted.sum - e->halted_before_ns : KVMW_NONE;
	vcpu->polls = e->polls;
	vcpu->paid = e->paid;
	vcpu->poll_ns = e->polled.sum - e->polled_before_ns;
	vcpu->valid = e->valid;
	vcpu->invalid = e->invalid;
	vcpu->woken = e->woken;
	vcpu->grew = e->grew;
	vcpu->shrank = e->shrank;
	vcpu->window = e->window;
}

static void set_life(struct halt_vcpu *vcpu, const struct recording *rec)
{
	struct vcpu_life life = vcpu_life__of(rec, vcpu->id);

	vcpu->until_ns = life.until_ns;
	vcpu->died_ns = vcpu_life__died(&life);
}

void halt_vcpu__window(const struct halt_model *m, const struct halt_vcpu *vcpu, u32 nr, u64 *out)
{
	max_series__columns(vcpu->window, m->from_ns, m->to_ns, nr, out);
	max_series__cut(m->from_ns, m->to_ns, vcpu->until_ns, nr, out);
}

/* The selected vCPUs, ascending by id, at most HALT_VCPUS. */
static int find_vcpus(struct halt_model *v, const struct thread_names *names,
		      const struct halt_state *st)
{
	struct budget *budget = names->rep->opt->budget;
	u32 room = st->vcpus.nr + 1, nr = 0;
	const struct vcpu_entry **list = budget__calloc(budget, room, sizeof(*list));
	int ret = -1;

	if (!list)
		return -1;
	for (u32 i = 0; i < st->vcpus.nr; i++) {
		const struct vcpu_entry *e = hash_table__at(&st->vcpus, i);

		if ((e->halts || e->window) && span_entry__selected(e, names->rep))
			list[nr++] = e;
	}
	qsort(list, nr, sizeof(*list), compare_entries);
	v->nr = nr < HALT_VCPUS ? nr : HALT_VCPUS;
	v->vcpu = mem__calloc(v->nr + 1, sizeof(*v->vcpu));
	if (!v->vcpu)
		goto out;
	for (u32 i = 0; i < v->nr; i++) {
		halt_model__fill_vcpu(&v->vcpu[i], list[i]);
		name(names, &v->vcpu[i]);
		set_life(&v->vcpu[i], names->rep->rec);
	}
	v->over_limit = st->over_limit + st->wakers.over_limit;
	for (u32 i = v->nr; i < nr; i++)
		v->over_limit += list[i]->halts;
	ret = 0;
out:
	budget__free(budget, list, room * sizeof(*list));
	return ret;
}

static int find_wakers(struct halt_model *v, const struct thread_names *names,
		       const struct halt_state *st)
{
	u32 room = span_table__nr(&st->wakers) + 1, nr = 0, end;
	struct budget *budget = names->rep->opt->budget;
	struct view_pair *pair = budget__calloc(budget, room, sizeof(*pair));
	int ret = 0;

	if (!pair)
		return -1;
	for (; nr < span_table__nr(&st->wakers); nr++) {
		const struct waker_entry *e = span_table__at(&st->wakers, nr);

		pair[nr] = (struct view_pair) { e->key.vcpu, e->key.waker, e->sum.rows };
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

static int halt_model__finish(void *state, const struct report *rep)
{
	struct halt_state *st = state;
	struct halt_model *v = &st->model;
	struct thread_names names;
	int ret;

	if (thread_names__init(&names, rep))
		return -1;
	view_span(rep, &v->from_ns, &v->to_ns);
	ret = find_vcpus(v, &names, st) || find_wakers(v, &names, st) ? -1 : 0;
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
