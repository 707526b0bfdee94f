// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "util/analysis/model_sched.h"
#include "util/analysis/span_table.h"
#include "util/analysis/vcpu_life.h"
#include "util/search.h"

/* What a row says of its thread. */
enum { NOTHING, PREEMPTED, SLEPT, ENDED, LEFT /* why is unknown */, CAME, WOKEN,
       STILL_ON /* woken before it slept */, MOVED, TAKER /* who took the CPU */ };

/* sum.last_ns: the time of the latest such row. */
struct sched_entry {
	struct {
		u32 vcpu, tid;
		u64 what;
		u64 taker;		/* tid; of other rows 0 */
	} key;
	struct span_sum sum;
};

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
	struct span_table counts;
};

static int sched_model__count(struct sched_state *st, const struct sched_entry *e, u64 time_ns,
			      u64 span_ns, u64 before_ns)
{
	struct span_sum *sum;

	if (span_table__count(&st->counts, &e->key, &sum))
		return -1;
	if (!sum)
		return 0;
	if (time_ns != KVMW_NONE && time_ns > sum->last_ns)
		sum->last_ns = time_ns;
	if (span_ns == KVMW_NONE)
		return 0;
	sum->before_ns = sat_add(sum->before_ns, before_ns);
	return hist__add(&sum->span, span_ns);
}

static int sched_model__take(void *state, const struct scan_batch *b)
{
	u64 *const *col = b->col;
	int ret = 0;

	for (u32 i = 0; !ret && i < b->rows; i++) {
		u64 time = col[COL_TIME][i], span = col[COL_SPAN][i];
		struct sched_entry e = { .key = {
			.vcpu = col[COL_VCPU][i], .tid = col[COL_TID][i], .what = what(col, i),
		} };

		if (e.key.what == NOTHING)
			continue;
		ret = sched_model__count(state, &e, time, span, scan_batch__before(b, time, span));
		if (ret || e.key.what != PREEMPTED || col[COL_OTHER][i] == KVMW_NONE)
			continue;
		e.key.what = TAKER;
		e.key.taker = col[COL_OTHER][i];
		ret = sched_model__count(state, &e, KVMW_NONE, KVMW_NONE, 0);
	}
	return ret;
}

static void *sched_model__new_state(void *arg)
{
	const struct report_options *opt = arg;
	struct sched_state *st = mem__calloc(1, sizeof(*st));

	if (st)
		st->counts = SPAN_TABLE(struct sched_entry, opt->budget);
	return st;
}

static int sched_model__merge(void *to, const void *from)
{
	return span_table__merge(&((struct sched_state *)to)->counts,
				 &((const struct sched_state *)from)->counts);
}

static void sched_model__free_state(void *state)
{
	struct sched_state *st = state;

	free(st->model.thread);
	span_table__free(&st->counts);
	free(st);
}

/* ---- the model ---------------------------------------------------------- */

static int sched_model__compare_tids(const void *a, const void *b)
{
	const struct sched_entry *x = *(const struct sched_entry *const *)a;
	const struct sched_entry *y = *(const struct sched_entry *const *)b;

	COMPARE(x->key.tid, y->key.tid);
	COMPARE(x->key.vcpu, y->key.vcpu);
	COMPARE(x->key.what, y->key.what);
	return 0;
}

static int compare_threads(const void *a, const void *b)
{
	const struct sched_thread *x = a, *y = b;

	COMPARE(y->wait_ns, x->wait_ns);
	COMPARE(y->on_ns, x->on_ns);
	COMPARE(x->tid, y->tid);
	return 0;
}

static int sched_model__add(struct sched_thread *t, struct hist *wait,
			    const struct sched_entry *e)
{
	u64 ns = e->sum.span.sum - e->sum.before_ns;
	u32 what = e->key.what;
	bool off = what >= PREEMPTED && what <= LEFT;

	if (off) {
		t->switches += e->sum.rows;
		t->on_ns = sat_add(t->on_ns, ns);
	}
	if (what == PREEMPTED)
		t->preempted += e->sum.rows;
	else if (what == WOKEN)
		t->asleep_ns = sat_add(t->asleep_ns, ns);
	else if (what == MOVED)
		t->moved += e->sum.rows;
	if (what <= WOKEN && e->sum.last_ns > t->last_ns) {
		t->last_ns = e->sum.last_ns;
		t->last = what;
	}
	if (what != CAME)
		return 0;
	t->wait_ns = sat_add(t->wait_ns, ns);
	return hist__merge(wait, &e->sum.span);
}

/* What it did in its last row it did until the end: none of its rows are missing. */
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
	const struct rec_vcpu *before = recording__vcpu(rec, t->vcpu);

	if (!vcpu || !rec_vcpu__is_vcpu(vcpu))
		return;
	t->several |= before && rec_vcpu__is_vcpu(before) && t->vcpu != id;
	t->vcpu = id;
}

/* The thread of the entries e[0..nr). */
static int make_thread(struct sched_model *v, const struct thread_names *names,
		       const struct sched_entry *const *e, u32 nr, bool whole)
{
	struct sched_thread *t = &v->thread[v->nr++];
	struct hist wait = { 0 };
	struct vcpu_life life;
	int ret = 0;

	t->tid = e[0]->key.tid;
	t->vcpu = e[0]->key.vcpu;
	for (u32 i = 0; !ret && i < nr; i++) {
		set_vcpu(t, names->rep->rec, e[i]->key.vcpu);
		ret = sched_model__add(t, &wait, e[i]);
	}
	life = vcpu_life__of(names->rep->rec, t->vcpu);
	t->died_ns = KVMW_NONE;
	/* A thread may outlive its vCPU, and run others. */
	if (whole && !t->several && vcpu_life__is_gone(&life) && t->last_ns <= life.until_ns) {
		t->died_ns = vcpu_life__died(&life);
		t->gone_ns = life.to_ns - life.until_ns;
	}
	if (whole)
		until_the_end(t, t->gone_ns ? life.until_ns : v->to_ns);
	t->wait = hist__stats(&wait);
	hist__free(&wait);
	return ret;
}

static int make_threads(struct sched_model *v, const struct thread_names *names,
			const struct sched_entry *const *list, u32 nr)
{
	const struct report *rep = names->rep;
	bool whole = !rep->rec->window.active && !rep->rec->lost[KVMW_EVENT_SCHED] &&
		     !rep->rec->nr_damage && rep->rec->finished && !rep->rec->meta.selective;
	u32 threads = 0, end;
	int ret = 0;

	for (u32 i = 0; i < nr; i++)
		threads += !i || list[i - 1]->key.tid != list[i]->key.tid;
	v->thread = mem__calloc(threads ?: 1, sizeof(*v->thread));
	if (!v->thread)
		return -1;
	for (u32 i = 0; !ret && i < nr; i = end) {
		for (end = i + 1; end < nr && list[end]->key.tid == list[i]->key.tid;)
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

	if (vcpu && rec_vcpu__is_vcpu(vcpu) && !t->several) {
		thread_names__vcpu(names, t->vcpu, t->name);
		return;
	}
	thread_names__thread(names, t->tid, "idle", name);
	if (!t->tid || !strncmp(name, "tid ", 4))
		snprintf(t->name, sizeof(t->name), "%s", name);
	else
		snprintf(t->name, sizeof(t->name), "%u %.*s", t->tid, THREAD_NAME_MAX - 12, name);
}

static int compare_owner(const void *key, const void *element)
{
	const struct view_pair *pair = element;

	return *(const u32 *)key > pair->owner ? 1 : -1;
}

static int find_takers(struct sched_thread *t, const struct thread_names *names,
		       struct view_pair *pair, u32 nr)
{
	u32 first = lower_bound(&t->tid, pair, nr, sizeof(*pair), compare_owner), end = first;

	while (end < nr && pair[end].owner == t->tid)
		end++;
	if (end == first)
		return 0;
	return thread_names__top(names, &pair[first], end - first, "idle", &t->by, 1) < 0 ? -1 : 0;
}

static int name_all(struct sched_model *v, const struct thread_names *names,
		    const struct sched_entry *const *list, u32 nr)
{
	struct budget *budget = names->rep->opt->budget;
	struct view_pair *pair = budget__calloc(budget, nr + 1, sizeof(*pair));
	u32 nr_pairs = 0;
	int ret = 0;

	if (!pair)
		return -1;
	for (u32 i = 0; i < nr; i++)
		if (list[i]->key.what == TAKER)
			pair[nr_pairs++] = (struct view_pair) {
				list[i]->key.tid, list[i]->key.taker, list[i]->sum.rows,
			};
	view_pairs__sort(pair, nr_pairs);
	for (u32 i = 0; !ret && i < v->nr; i++) {
		name_thread(&v->thread[i], names);
		ret = find_takers(&v->thread[i], names, pair, nr_pairs);
	}
	budget__free(budget, pair, (nr + 1) * sizeof(*pair));
	return ret;
}

static int sched_model__finish(void *state, const struct report *rep)
{
	struct sched_state *st = state;
	struct sched_model *v = &st->model;
	const struct sched_entry **list;
	struct thread_names names;
	int ret = -1;
	u32 nr;

	if (thread_names__init(&names, rep))
		return -1;
	view_span(rep, &v->from_ns, &v->to_ns);
	v->over_limit = st->counts.over_limit;
	list = (const struct sched_entry **)span_table__select(&st->counts, rep,
							       sched_model__compare_tids, &nr);
	if (list && !make_threads(v, &names, list, nr) && !name_all(v, &names, list, nr))
		ret = 0;
	budget__free(rep->opt->budget, list, (nr + 1) * sizeof(*list));
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
