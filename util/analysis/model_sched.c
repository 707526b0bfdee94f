// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "util/analysis/model_sched.h"
#include "util/error.h"

/*
 * What a row says of its thread, as the reason of a key; the thread is the key's user.  Its
 * open_since is the time of the latest such row.
 */
enum { NOTHING, PREEMPTED, SLEPT, ENDED, LEFT /* why is not told */, CAME, WOKEN,
       STILL_ON /* woken before it slept */, MOVED, TAKER /* detail: its tid */ };

/* include/linux/sched.h: EXIT_DEAD, EXIT_ZOMBIE, TASK_DEAD; no other time on a CPU follows. */
#define TASK_ENDS	0xb0

enum { COL_KIND, COL_VCPU, COL_TID, COL_TIME, COL_SPAN, COL_OTHER, COL_STATE };

static const char *const columns[] = {
	[COL_KIND] = "kind", [COL_VCPU] = "vcpu", [COL_TID] = "tid", [COL_TIME] = "time_ns",
	[COL_SPAN] = "span_ns", [COL_OTHER] = "other", [COL_STATE] = "state", NULL,
};

static const struct scan_event events[] = {{ .id = KVMW_EVENT_SCHED, .columns = columns }};

static u32 what_left(u64 state)
{
	if (state == KVMW_NONE)
		return LEFT;
	if (!state)
		return PREEMPTED;
	return state & TASK_ENDS ? ENDED : SLEPT;
}

static u32 what(u64 *const *col, u32 i)
{
	switch (col[COL_KIND][i]) {
	case KVMW_sched_OUT:
		return what_left(col[COL_STATE][i]);
	case KVMW_sched_IN:
		return CAME;
	case KVMW_sched_WAKEUP:
		return col[COL_SPAN][i] ? WOKEN : STILL_ON;
	case KVMW_sched_MIGRATE:
		return MOVED;
	default:
		return NOTHING;
	}
}

struct sched_state {
	struct sched_model model;
	struct agg_table counts;
};

static int sched_model__count(struct agg_table *t, struct agg_key key, u64 time_ns, u64 span_ns,
			      u64 before_ns)
{
	struct agg *agg;
	bool full;

	agg = agg_table__get(t, &key, &full);
	if (!agg) {
		t->over_limit += full;
		return full ? 0 : -1;
	}
	agg->rows++;
	if (time_ns != KVMW_NONE && time_ns > agg->open_since)
		agg->open_since = time_ns;
	if (span_ns == KVMW_NONE)
		return 0;
	agg->before_ns = sat_add(agg->before_ns, before_ns);
	return hist__add(&agg->span, span_ns);
}

static int sched_model__take(void *state, const struct scan_batch *b)
{
	struct agg_table *counts = &((struct sched_state *)state)->counts;
	u64 *const *col = b->col;
	int ret = 0;

	for (u32 i = 0; !ret && i < b->rows; i++) {
		u64 time = col[COL_TIME][i], span = col[COL_SPAN][i];
		struct agg_key key = { .vcpu = col[COL_VCPU][i], .user = col[COL_TID][i],
				       .event = KVMW_EVENT_SCHED, .reason = what(col, i) };

		if (key.reason == NOTHING)
			continue;
		ret = sched_model__count(counts, key, time, span, scan_batch__before(b, time, span));
		if (ret || key.reason != PREEMPTED || col[COL_OTHER][i] == KVMW_NONE)
			continue;
		key.reason = TAKER;
		key.detail = col[COL_OTHER][i];
		ret = sched_model__count(counts, key, KVMW_NONE, KVMW_NONE, 0);
	}
	return ret;
}

static void *sched_model__new_state(void *arg)
{
	struct sched_state *st = calloc(1, sizeof(*st));

	if (!st)
		error("out of memory");
	return st;
}

static int sched_model__merge(void *to, const void *from)
{
	return agg_table__merge(&((struct sched_state *)to)->counts,
				&((const struct sched_state *)from)->counts);
}

static void sched_model__free_state(void *state)
{
	struct sched_state *st = state;

	free(st->model.thread);
	agg_table__free(&st->counts);
	free(st);
}

/* ---- the model ---------------------------------------------------------- */

static int sched_model__compare_tids(const void *a, const void *b)
{
	const struct agg *x = *(const struct agg *const *)a, *y = *(const struct agg *const *)b;

	if (x->key.user != y->key.user)
		return x->key.user < y->key.user ? -1 : 1;
	if (x->key.vcpu != y->key.vcpu)
		return x->key.vcpu < y->key.vcpu ? -1 : 1;
	return x->key.reason < y->key.reason ? -1 : x->key.reason > y->key.reason;
}

static int compare_threads(const void *a, const void *b)
{
	const struct sched_thread *x = a, *y = b;

	if (x->wait_ns != y->wait_ns)
		return x->wait_ns > y->wait_ns ? -1 : 1;
	if (x->on_ns != y->on_ns)
		return x->on_ns > y->on_ns ? -1 : 1;
	return x->tid < y->tid ? -1 : x->tid > y->tid;
}

static int sched_model__add(struct sched_thread *t, struct hist *wait, const struct agg *agg)
{
	u64 ns = agg->span.sum - agg->before_ns;
	u32 what = agg->key.reason;
	bool off = what >= PREEMPTED && what <= LEFT;

	if (off) {
		t->switches += agg->rows;
		t->on_ns = sat_add(t->on_ns, ns);
	}
	if (what == PREEMPTED)
		t->preempted += agg->rows;
	else if (what == WOKEN)
		t->asleep_ns = sat_add(t->asleep_ns, ns);
	else if (what == MOVED)
		t->moved += agg->rows;
	if (what <= WOKEN && agg->open_since > t->last_ns) {
		t->last_ns = agg->open_since;
		t->last = what;
	}
	if (what != CAME)
		return 0;
	t->wait_ns = sat_add(t->wait_ns, ns);
	return hist__merge(wait, &agg->span);
}

/* What it does after its last row, it does until the end: none of its rows are missing. */
static void until_the_end(struct sched_thread *t, u64 end_ns)
{
	u64 rest = t->last_ns && end_ns > t->last_ns ? end_ns - t->last_ns : 0;

	if (t->last == CAME)
		t->on_ns = sat_add(t->on_ns, rest);
	else if (t->last == PREEMPTED || t->last == WOKEN)
		t->wait_ns = sat_add(t->wait_ns, rest);
	else if (t->last == SLEPT)
		t->asleep_ns = sat_add(t->asleep_ns, rest);
}

static void set_vcpu(struct sched_thread *t, const struct recording *rec, u32 id)
{
	const struct rec_vcpu *vcpu = recording__vcpu(rec, id);

	if (vcpu && rec_vcpu__is_vcpu(vcpu))
		t->vcpu = id;
}

/* Rows of m[0..nr) are of one thread. */
static int make_thread(struct sched_model *v, const struct thread_names *names,
		       const struct agg *const *m, u32 nr, bool whole)
{
	struct sched_thread *t = &v->thread[v->nr++];
	struct hist wait = { 0 };
	int ret = 0;

	t->tid = m[0]->key.user;
	t->vcpu = m[0]->key.vcpu;
	for (u32 i = 0; !ret && i < nr; i++) {
		set_vcpu(t, names->rep->rec, m[i]->key.vcpu);
		ret = sched_model__add(t, &wait, m[i]);
	}
	if (whole)
		until_the_end(t, v->to_ns);
	t->wait = hist__stats(&wait);
	hist__free(&wait);
	return ret;
}

static const struct agg **sched_model__select_aggs(const struct report *rep,
						   const struct agg_table *t, u32 *nr)
{
	const struct agg **list = calloc(t->nr ?: 1, sizeof(*list));

	*nr = 0;
	for (u32 i = 0; list && i < t->nr; i++)
		if (report__selects(rep->rec, rep->opt, t->entry[i].key.vcpu))
			list[(*nr)++] = &t->entry[i];
	if (list)
		qsort(list, *nr, sizeof(*list), sched_model__compare_tids);
	else
		error("out of memory for %u threads", t->nr);
	return list;
}

static int make_threads(struct sched_model *v, const struct thread_names *names,
			const struct agg *const *list, u32 nr)
{
	const struct report *rep = names->rep;
	bool whole = !rep->rec->window.active && !rep->rec->lost[KVMW_EVENT_SCHED] &&
		     !rep->rec->nr_damage && rep->rec->finished;
	u32 threads = 0, end;
	int ret = 0;

	for (u32 i = 0; i < nr; i++)
		threads += !i || list[i - 1]->key.user != list[i]->key.user;
	v->thread = calloc(threads ?: 1, sizeof(*v->thread));
	if (!v->thread)
		return error("out of memory for %u threads", threads);
	for (u32 i = 0; !ret && i < nr; i = end) {
		for (end = i + 1; end < nr && list[end]->key.user == list[i]->key.user;)
			end++;
		ret = make_thread(v, names, &list[i], end - i, whole);
	}
	qsort(v->thread, v->nr, sizeof(*v->thread), compare_threads);
	if (v->nr > SCHED_THREADS) {
		v->more = v->nr - SCHED_THREADS;
		v->nr = SCHED_THREADS;
	}
	return ret;
}

/* Its tid too, where that is not its name anyway. */
static void name_thread(struct sched_thread *t, const struct thread_names *names)
{
	const struct rec_vcpu *vcpu = recording__vcpu(names->rep->rec, t->vcpu);
	char name[THREAD_NAME_MAX];

	if (vcpu && rec_vcpu__is_vcpu(vcpu)) {
		thread_names__vcpu(names, t->vcpu, t->name);
		return;
	}
	thread_names__thread(names, t->tid, "idle", name);
	if (!t->tid || !strncmp(name, "tid ", 4))
		snprintf(t->name, sizeof(t->name), "%s", name);
	else
		snprintf(t->name, sizeof(t->name), "%u %.*s", t->tid, THREAD_NAME_MAX - 12, name);
}

static int find_takers(struct sched_thread *t, const struct thread_names *names,
		       struct view_pair *pair, u32 nr)
{
	u32 low = 0, high = nr, end;

	while (low < high) {
		u32 middle = low + (high - low) / 2;

		if (pair[middle].owner < t->tid)
			low = middle + 1;
		else
			high = middle;
	}
	for (end = low; end < nr && pair[end].owner == t->tid;)
		end++;
	if (end == low)
		return 0;
	return thread_names__top(names, &pair[low], end - low, "idle", &t->by, 1) < 0 ? -1 : 0;
}

static int name_all(struct sched_model *v, const struct thread_names *names,
		    const struct agg *const *list, u32 nr)
{
	struct view_pair *pair = calloc(nr ?: 1, sizeof(*pair));
	u32 nr_pairs = 0;
	int ret = 0;

	if (!pair)
		return error("out of memory for the threads that took CPUs");
	for (u32 i = 0; i < nr; i++)
		if (list[i]->key.reason == TAKER)
			pair[nr_pairs++] = (struct view_pair) {
				list[i]->key.user, list[i]->key.detail, list[i]->rows,
			};
	view_pairs__sort(pair, nr_pairs);
	for (u32 i = 0; !ret && i < v->nr; i++) {
		name_thread(&v->thread[i], names);
		ret = find_takers(&v->thread[i], names, pair, nr_pairs);
	}
	free(pair);
	return ret;
}

static int sched_model__finish(void *state, const struct report *rep)
{
	struct sched_state *st = state;
	struct sched_model *v = &st->model;
	const struct agg **list = NULL;
	struct thread_names names;
	int ret = -1;
	u32 nr;

	if (thread_names__init(&names, rep))
		return -1;
	view_span(rep, &v->from_ns, &v->to_ns);
	v->over_limit = st->counts.over_limit;
	list = sched_model__select_aggs(rep, &st->counts, &nr);
	if (list && !make_threads(v, &names, list, nr) && !name_all(v, &names, list, nr))
		ret = 0;
	free(list);
	thread_names__free(&names);
	return ret;
}

const struct report_model sched_report_model = {
	.event = KVMW_EVENT_SCHED,
	.scan = {
		.events = events,
		.nr_events = ARRAY_SIZE(events),
		.new = sched_model__new_state,
		.take = sched_model__take,
		.merge = sched_model__merge,
		.free = sched_model__free_state,
	},
	.finish = sched_model__finish,
};
