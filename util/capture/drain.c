// SPDX-License-Identifier: GPL-2.0
#include <bpf/libbpf.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "util/capture/drain.h"
#include "util/capture/filter_options.h"
#include "util/capture/ident.h"
#include "util/capture/pending.h"
#include "util/capture/privileges.h"
#include "util/capture/stack_symbols.h"
#include "util/capture/states.h"
#include "util/capture/sums.h"
#include "util/capture/tasks.h"
#include "util/error.h"
#include "util/memory.h"

#define POLL_MS		50
#define ROUND_ROWS	(16 * 1024)
#define FLUSH_NS	NSEC_PER_SEC
#define CROWDED_NS	(NSEC_PER_SEC / 10)
#define CUT_ROUNDS	64		/* of ROUND_ROWS: more than a ring holds */

struct stream {
	struct drain *drain;
	u32 id;
	struct ring_buffer *rb;
	u32 quota;			/* rows left in this round */
	struct batch *batches[KVMW_MAX_EVENTS];
};

struct drain {
	struct session *session;
	struct sink *sink;
	struct stream streams[KVMW_MAX_RINGS];
	struct sums sums;
	struct ident *ident;
	u64 empty_ns;			/* when the rings were last found empty */
	/* when states were last looked at for what is not in the rings yet */
	u64 pending_ns;
	struct pending pending;
	struct tasks tasks;
	struct stacks *stacks;		/* NULL: no stacks are recorded */
	const struct event_desc *descs[KVMW_MAX_EVENTS];
	pthread_t thread;
	bool running, stop;
	u64 flush_ns;			/* when next */
	bool keeps;			/* for a window or a series: sums are sent each second */
	bool aside;			/* rows are for a snapshot alone */
	/* drain__cut(), drain__next_file() */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	u32 cuts, cuts_done;
	char *meta;			/* of the next file; NULL: it is for a snapshot */
	bool ended;			/* the thread */
	struct drain_counts counts;
	struct kvmw_vcpu_state copy;	/* of the part of a state before its sums */
};

/* size: bytes of the row that were sent; the rest becomes 0. */
static int drain__add_row(struct stream *stream, u32 event, const void *row, size_t size)
{
	struct drain *d = stream->drain;
	const struct event_desc *desc = d->descs[event];
	struct batch **b = &stream->batches[event];
	u8 *to;

	if (!*b)
		*b = sink__batch(d->sink, DATA_EVENTS, desc, stream->id, DATA_MAX_ROWS);
	if (!*b)
		return -1;
	(*b)->aside = d->aside;
	to = (*b)->rows + (size_t)(*b)->nr++ * desc->size;
	if (size < desc->size)
		memset(to + size, 0, desc->size - size);
	memcpy(to, row, size < desc->size ? size : desc->size);
	/* Others only read it: no lock is needed. */
	if (!(*b)->aside)
		__atomic_store_n(&d->counts.events, d->counts.events + 1, __ATOMIC_RELAXED);
	if ((*b)->nr == (*b)->size) {
		sink__put(d->sink, *b);
		*b = NULL;
	}
	return 0;
}

static int take_exits(struct stream *stream, const struct kvmw_exit *rows, u32 nr)
{
	struct batch *b = stream->batches[KVMW_EVENT_EXIT];
	struct drain *d = stream->drain;

	/* All at once, unless a batch begins or ends with them. */
	if (b && b->size - b->nr > nr && !b->aside && !d->aside) {
		memcpy((struct kvmw_exit *)b->rows + b->nr, rows, nr * sizeof(*rows));
		b->nr += nr;
		__atomic_store_n(&d->counts.events, d->counts.events + nr, __ATOMIC_RELAXED);
		return 0;
	}
	for (u32 i = 0; i < nr; i++)
		if (drain__add_row(stream, KVMW_EVENT_EXIT, &rows[i], sizeof(rows[i])))
			return -1;
	return 0;
}

static int drain__take_batch(struct stream *stream, const struct kvmw_exits *batch)
{
	u32 taken = pending__taken(&stream->drain->pending, batch);

	return take_exits(stream, batch->rows + taken, KVMW_BATCH - taken);
}

/* All records begin alike. */
static int drain__take(struct stream *stream, const struct kvmw_ring_exit *record, size_t size)
{
	struct drain *d = stream->drain;

	if (record->event == KVMW_RING_EXITS)
		return drain__take_batch(stream, (const void *)record);
	if (record->event == KVMW_RING_TASK)
		return tasks__note(&d->tasks, (const void *)record);
	if (record->event == KVMW_EVENT_STACK && d->stacks) {
		const struct kvmw_stack *row = (const void *)&record->e;

		stacks__note(d->stacks, row,
			     session__states(d->session)[KVMW_STATE(row->vcpu)].tgid);
	}
	return drain__add_row(stream, record->event, &record->e,
			      size - offsetof(struct kvmw_ring_exit, e));
}

static int on_record(void *arg, void *data, size_t size)
{
	const struct kvmw_ring_exit *record = data;
	struct stream *stream = arg;
	u32 rows = record->event == KVMW_RING_EXITS ? KVMW_BATCH : 1;

	/* A negative value ends the loop after this record. */
	if (drain__take(stream, record, size))
		return -EIO;
	stream->quota -= rows < stream->quota ? rows : stream->quota;
	return stream->quota ? 0 : -EAGAIN;
}

/* Takes the cycles of state i that are not in the rings yet. */
static int take_pending(struct drain *d, u32 i)
{
	struct kvmw_exit rows[KVMW_BATCH];
	u32 nr = pending__take(&d->pending, i, session__states(d->session), rows);

	return take_exits(&d->streams[i & (session__nr_rings(d->session) - 1)], rows, nr);
}

static int take_all_pending(struct drain *d, u64 now)
{
	struct pending *p = &d->pending;

	pending__find(p, session__states(d->session), session__nr_states(d->session),
		      session__changes(d->session));
	for (u32 i = 0; i < p->nr_vcpus; i++)
		if (take_pending(d, p->vcpus[i]))
			return -1;
	d->pending_ns = now;
	return 0;
}

/*
 * Takes rows from all rings, up to a quota from each, so that a ring which fills as fast as it
 * is read cannot starve the others or the rest of the loop.  1: there is more; -1: failed.
 */
static int drain__consume(struct drain *d)
{
	u64 now = monotonic_ns();
	bool more = false;

	for (u32 i = 0; i < session__nr_rings(d->session); i++) {
		int got;

		d->streams[i].quota = ROUND_ROWS;
		got = ring_buffer__consume(d->streams[i].rb);
		if (got < 0 && got != -EAGAIN)
			return -1;
		more |= got == -EAGAIN;
	}
	if (!more)
		d->empty_ns = now;
	return more;
}

/* Until a ring reaches its wake-up level, or the polling interval is over. */
static void wait_for_data(struct drain *d)
{
	struct pollfd fds[KVMW_MAX_RINGS];
	u32 nr = session__nr_rings(d->session);

	for (u32 i = 0; i < nr; i++)
		fds[i] = (struct pollfd) { ring_buffer__epoll_fd(d->streams[i].rb), POLLIN, 0 };
	poll(fds, nr, POLL_MS);
}

static void flush(struct drain *d, u64 now)
{
	for (u32 i = 0; i < session__nr_rings(d->session); i++)
		for (u32 k = 0; k < KVMW_MAX_EVENTS; k++) {
			if (d->streams[i].batches[k])
				sink__put(d->sink, d->streams[i].batches[k]);
			d->streams[i].batches[k] = NULL;
		}
	if (ident__send(d->ident, d->sink, d->session) || tasks__send(&d->tasks, d->sink))
		sink__fail(d->sink);
	d->flush_ns = now + FLUSH_NS;
}

static int add_held(struct drain *d, struct stream *stream, const struct kvmw_vcpu_state *state)
{
	for (u32 i = 0; i < KVMW_NR_HELD; i++) {
		const struct kvmw_held *held = &state->held[i];

		if (!held->size || !record_filter__held(session__filter(d->session), held))
			continue;
		if (drain__add_row(stream, held->row.event, &held->row.e,
				   held->size - offsetof(struct kvmw_ring_row, e)))
			return -1;
		d->counts.unfinished++;
	}
	return 0;
}

/* What has no record and no end: of a window's totals, only its count is known. */
static int add_begun(struct drain *d, u32 event, u32 vcpu, u32 isa, u32 reason, u64 gap_ns)
{
	const struct kvmw_total total = {
		.vcpu = vcpu, .event = event, .isa = isa, .reason = reason, .count = 1,
		.gap_ns = captured(gap_ns),
	};

	return d->keeps ? sink__begun(d->sink, d->aside, &total) : 0;
}

/* Adds what has not ended in state i. */
static int add_open(struct drain *d, u32 i, u64 now)
{
	const struct kvmw_filter *filter = session__filter(d->session);
	const struct kvmw_vcpu_state *live = &session__states(d->session)[i], *s = &d->copy;
	u64 gone_ns = session__gone_ns(d->session, live), end = gone_ns ?: now;
	struct stream *stream = &d->streams[i & (session__nr_rings(d->session) - 1)];
	struct kvmw_exit exit;
	struct kvmw_userspace user;

	/* If it never stands still, its cycles are short. */
	if (!states__copy(&d->copy, live))
		return 0;
	exit = s->exit.e;
	user = s->user.e;
	if (s->exit_open && !record_filter__open(filter, exit.time_ns, end, exit.reason)) {
		if (add_begun(d, KVMW_EVENT_EXIT, exit.vcpu, exit.isa, exit.reason, exit.guest_ns))
			return -1;
	} else if (s->exit_open) {
		exit.total_ns = KVMW_NONE;
		if (drain__add_row(stream, KVMW_EVENT_EXIT, &exit, sizeof(exit)))
			return -1;
		d->counts.unfinished += !gone_ns;
	}
	if (s->user_open && end - user.time_ns < filter->min_ns) {
		if (add_begun(d, KVMW_EVENT_USERSPACE, user.vcpu, user.isa, user.reason,
			      user.run_ns))
			return -1;
	} else if (s->user_open) {
		user.user_ns = KVMW_NONE;
		if (drain__add_row(stream, KVMW_EVENT_USERSPACE, &user, sizeof(user)))
			return -1;
		d->counts.unfinished += !gone_ns;
	}
	return add_held(d, stream, s);
}

/* No row of what ended is in a ring any more. */
static bool has_ended(const struct kvmw_vcpu_state *s, u64 before_ns)
{
	return s->tid && s->ended_ns && s->ended_ns <= before_ns;
}

/*
 * Makes the states of vCPUs and processes that ended free for others.  Their last totals were
 * sent by the flush before; their last rows precede the word that they ended.
 */
static int free_ended(struct drain *d, u64 now)
{
	const struct kvmw_vcpu_state *states = session__states(d->session);
	u64 before_ns = d->empty_ns - (session__crowded(d->session) ? CROWDED_NS : FLUSH_NS);
	u32 ended = 0;

	if (!d->empty_ns)
		return 0;
	for (u32 i = 0; i < session__nr_states(d->session); i++)
		if (has_ended(&states[i], before_ns) &&
		    (ended++, take_pending(d, i) || add_open(d, i, states[i].ended_ns)))
			return -1;
	if (ended && d->keeps)
		flush(d, now);
	for (u32 i = 0; i < session__nr_states(d->session); i++) {
		if (!has_ended(&states[i], before_ns))
			continue;
		if (d->keeps && sink__ended(d->sink, states[i].exit.e.vcpu))
			return -1;
		sums__forget(&d->sums, i);
		ident__forget(d->ident, states, session__nr_states(d->session), i);
		pending__forget(&d->pending, i);
		session__free_state(d->session, i);
	}
	return 0;
}

static void count(struct drain *d)
{
	struct totals_sum sum = sums__all(&d->sums);

	__atomic_store_n(&d->counts.lost, sum.lost, __ATOMIC_RELAXED);
	__atomic_store_n(&d->counts.counted, sum.count, __ATOMIC_RELAXED);
	__atomic_store_n(&d->counts.vcpus, sum.vcpus, __ATOMIC_RELAXED);
}

/*
 * While everything counted has a record, the rows of a recording say what its totals do, and a
 * small recording would consist mainly of totals: they are sent less often then.  But they are
 * sent before their states are used again.
 */
static bool sums_are_due(const struct drain *d, u64 now)
{
	const struct kvmw_vcpu_state *states = session__states(d->session);

	if (now >= d->sums.next_ns || d->keeps || d->counts.lost || session__thins(d->session) ||
	    record_filter__any(session__filter(d->session)))
		return true;
	for (u32 i = 0; i < session__nr_states(d->session); i++)
		if (states[i].tid && states[i].ended_ns)
			return true;
	return false;
}

/* More often while states run short: only here are those that ended freed. */
static void once_a_second(struct drain *d, u64 now)
{
	u64 early_ns = session__crowded(d->session) ? FLUSH_NS - CROWDED_NS : 0;

	if (now + early_ns < d->flush_ns)
		return;
	flush(d, now);
	count(d);
	if (sums_are_due(d, now))
		sums__send(&d->sums, now, cpu_ns(), d->counts.events);
	else
		d->sums.totals->time_ns = now;	/* nothing was lost until now */
	if (free_ended(d, now))
		sink__fail(d->sink);
}

static int add_calls(struct drain *d, u64 now)
{
	u64 min_ns = session__filter(d->session)->min_ns;
	u32 nr_rings = session__nr_rings(d->session), tid = 0;
	struct kvmw_call call;

	while (session__next_call(d->session, &tid, &call)) {
		if (now - call.row.e.time_ns < min_ns)
			continue;
		if (drain__add_row(&d->streams[call.row.e.vcpu & (nr_rings - 1)], call.row.event,
				   &call.row.e, sizeof(struct kvmw_ioctl)))
			return -1;
		d->counts.unfinished++;
	}
	return 0;
}

/* Cycles without an end are recorded as unfinished. */
static int add_all_open(struct drain *d, u64 now)
{
	for (u32 i = 0; i < session__nr_states(d->session); i++)
		if (add_open(d, i, now))
			return -1;
	return 0;
}

/*
 * What is in the rings now, and then what has not ended.  A vCPU that goes on may end its cycle in
 * between: then it has no row in this snapshot.
 */
static int cut_window(struct drain *d, u64 now)
{
	const struct drain_counts counts = d->counts;
	int err;

	d->aside = true;
	err = add_all_open(d, now) || add_calls(d, now) ? -1 : 0;
	flush(d, now);
	d->aside = false;
	d->counts.unfinished = counts.unfinished;
	count(d);
	sums__send(&d->sums, now, cpu_ns(), d->counts.events);
	return err | sink__mark(d->sink, MARK_CUT, NULL);
}

/* What has not ended will be in the file in which it does. */
static int cut_file(struct drain *d, u64 now)
{
	char *meta = d->meta;

	d->meta = NULL;
	/* Rows and names of their stacks are not to be in different files. */
	stacks__settle(d->stacks);
	count(d);
	sums__send(&d->sums, now, cpu_ns(), d->counts.events);
	return sink__next(d->sink, meta);
}

static int drain__cut_now(struct drain *d)
{
	u64 now;
	int err = 1;

	for (u32 i = 0; i < CUT_ROUNDS && err > 0; i++)
		err = drain__consume(d);
	now = monotonic_ns();
	err = err < 0 || take_all_pending(d, now) ? -1 : 0;
	flush(d, now);
	return err | (d->meta ? cut_file(d, now) : cut_window(d, now)) | free_ended(d, now);
}

static int cut_if_asked(struct drain *d)
{
	u32 cuts = __atomic_load_n(&d->cuts, __ATOMIC_ACQUIRE);
	int err;

	if (cuts == d->cuts_done)
		return 0;
	err = drain__cut_now(d);
	pthread_mutex_lock(&d->lock);
	d->cuts_done = cuts;
	pthread_cond_broadcast(&d->changed);
	pthread_mutex_unlock(&d->lock);
	return err;
}

static void cut_and_wait(struct drain *d, char *meta)
{
	pthread_mutex_lock(&d->lock);
	d->meta = meta;
	d->cuts++;
	while (d->cuts_done != d->cuts && !d->ended)
		pthread_cond_wait(&d->changed, &d->lock);
	pthread_mutex_unlock(&d->lock);
}

void drain__cut(struct drain *d)
{
	cut_and_wait(d, NULL);
}

void drain__next_file(struct drain *d, char *meta)
{
	if (meta)
		cut_and_wait(d, meta);
}

static void *drain__run(void *arg)
{
	struct drain *d = arg;
	int more = 0;

	privileges__drop();
	while (!__atomic_load_n(&d->stop, __ATOMIC_ACQUIRE)) {
		u64 now = monotonic_ns();

		sums__sample(&d->sums, now);
		once_a_second(d, now);
		if (!more)
			wait_for_data(d);
		more = drain__consume(d);
		/* Also while a ring is never empty: what is not in it does not wait for that. */
		if (more >= 0 && now >= d->pending_ns + POLL_MS * NSEC_PER_SEC / 1000 &&
		    take_all_pending(d, now))
			more = -1;
		/* At once, because a VM may be gone within a second. */
		if (more < 0 || ident__send(d->ident, d->sink, d->session) || cut_if_asked(d)) {
			sink__fail(d->sink);
			break;
		}
	}
	pthread_mutex_lock(&d->lock);
	d->ended = true;
	pthread_cond_broadcast(&d->changed);
	pthread_mutex_unlock(&d->lock);
	return NULL;
}

static int add_rings(struct drain *d)
{
	for (u32 i = 0; i < session__nr_rings(d->session); i++) {
		struct stream *stream = &d->streams[i];

		stream->drain = d;
		stream->id = i;
		stream->rb =
			ring_buffer__new(session__ring_fd(d->session, i), on_record, stream, NULL);
		if (!stream->rb)
			return error("cannot read ring %u: %s", i, strerror(errno));
	}
	return 0;
}

struct drain *drain__new(struct session *session, struct sink *sink, pid_t command, bool keeps)
{
	struct drain *d = mem__calloc(1, sizeof(*d));
	u64 now = monotonic_ns();

	if (!d)
		return NULL;
	d->session = session;
	d->sink = sink;
	d->keeps = keeps;
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->changed, NULL);
	for (u32 i = 0; i < KVMW_MAX_EVENTS; i++)
		d->descs[i] = event_desc__by_id(i);
	d->flush_ns = now + FLUSH_NS;
	d->ident = mem__calloc(1, sizeof(*d->ident));
	if (sums__init(&d->sums, session, sink, command, keeps) || !d->ident || add_rings(d))
		goto fail;
	if (keeps)
		ident__take_memory(d->ident, session__nr_states(session));
	if (session__method(session, PROBE_STACK_SWITCH) ||
	    session__method(session, PROBE_STACK_SAMPLE)) {
		d->stacks = stacks__new(session, sink);
		if (!d->stacks)
			goto fail;
	}
	sums__begin(&d->sums, now);
	if (pthread_create(&d->thread, NULL, drain__run, d)) {
		error("cannot start the drain thread: %s", strerror(errno));
		goto fail;
	}
	d->running = true;
	return d;
fail:
	drain__free(d);
	return NULL;
}

int drain__finish(struct drain *d, u64 stop_ns)
{
	u64 cpu = cpu_ns();	/* from here on the guests are not affected */
	int err;

	__atomic_store_n(&d->stop, true, __ATOMIC_RELEASE);
	pthread_join(d->thread, NULL);
	d->running = false;
	sums__end(&d->sums);
	do {
		err = drain__consume(d);
	} while (err > 0);
	err = err || take_all_pending(d, stop_ns) ? -1 : 0;
	stacks__finish(d->stacks);
	d->stacks = NULL;
	err = err || add_all_open(d, stop_ns) || add_calls(d, stop_ns);
	flush(d, stop_ns);
	count(d);
	sums__send(&d->sums, stop_ns, cpu, d->counts.events);
	return err ? -1 : 0;
}

void drain__free(struct drain *d)
{
	if (!d)
		return;
	if (d->running) {
		__atomic_store_n(&d->stop, true, __ATOMIC_RELEASE);
		pthread_join(d->thread, NULL);
	}
	stacks__finish(d->stacks);
	sums__free(&d->sums);
	free(d->meta);
	for (u32 i = 0; i < KVMW_MAX_RINGS; i++)
		ring_buffer__free(d->streams[i].rb);
	tasks__forget(&d->tasks);
	free(d->ident);
	free(d);
}

void drain__counts(struct drain *d, struct drain_counts *counts)
{
	/* What the drain thread counts are words, one by one. */
	*counts = d->counts;
	sums__sampled(&d->sums, &counts->bpf_events, &counts->bpf_ns);
}
