// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "util/array.h"
#include "util/error.h"
#include "util/keep/window.h"
#include "util/memory.h"

#define KIND_START	1	/* of all tables that have moments */
#define PART		8	/* SIZE by it: a second that is larger is divided */

int keep_window__init(struct keep_window *w, u64 bytes, u64 time_ns)
{
	memset(w, 0, sizeof(*w));
	w->time_ns = time_ns;
	w->needed = KVMW_NONE;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->changed, NULL);
	account__init(&w->account);
	account__init(&w->open);
	w->encoder = data_encoder__new();
	return !w->encoder || keep_ring__init(&w->ring, bytes) ? -1 : 0;
}

void keep_window__start(struct keep_window *w, u64 start_ns)
{
	w->begin.time_ns = w->last.time_ns = w->newest_ns = w->identity.now_ns = start_ns;
}

void keep_window__free(struct keep_window *w)
{
	keep_ring__free(&w->ring);
	account__free(&w->account);
	account__free(&w->open);
	deltas__free(&w->deltas);
	identity__free(&w->identity);
	data_encoder__free(w->encoder);
	free(w->frame.data);
	free(w->totals);
}

/* ---- what is dropped ----------------------------------------------------- */

/* Whether a snapshot that is being written still needs the entry there. */
static bool is_needed(struct keep_window *w, u64 at)
{
	bool needed;

	pthread_mutex_lock(&w->lock);
	needed = w->needed <= at;
	pthread_mutex_unlock(&w->lock);
	return needed;
}

static void wait_for_writer(struct keep_window *w)
{
	pthread_mutex_lock(&w->lock);
	while (w->needed <= w->ring.oldest)
		pthread_cond_wait(&w->changed, &w->lock);
	pthread_mutex_unlock(&w->lock);
}

/* The oldest second; false: it has not ended yet, and all that there is was dropped. */
static bool drop_second(struct keep_window *w)
{
	while (w->ring.oldest < w->ring.end) {
		struct keep_entry *e;
		bool ends;

		wait_for_writer(w);
		e = keep_ring__at(&w->ring, w->ring.oldest);
		ends = e->what == KEEP_SECOND;
		if (ends)
			memcpy(&w->begin, e->data, sizeof(w->begin));
		/* Without its beginning, no snapshot has it. */
		if (e->what == KEEP_MOMENT && !e->len)
			w->past_moment = e->number;
		keep_ring__drop(&w->ring);
		if (ends)
			return true;
	}
	return false;
}

static void forget_gone(struct keep_window *w)
{
	if (!identity__forget(&w->identity, w->begin.time_ns, w->past_moment))
		return;
	account__forget(&w->account, &w->identity);
	deltas__forget(&w->deltas, &w->identity);
}

/* Whether there is a second that ended, is too old, and no snapshot being written needs it. */
static bool is_old(struct keep_window *w)
{
	u64 at = w->ring.oldest;
	struct keep_second second;
	struct keep_entry *e;

	for (;; at += e->bytes) {
		if (at >= w->ring.end)
			return false;
		e = keep_ring__at(&w->ring, at);
		if (e->what == KEEP_SECOND)
			break;
	}
	memcpy(&second, e->data, sizeof(second));
	return second.time_ns + w->time_ns <= w->last.time_ns && !is_needed(w, at);
}

/* What is needed is dropped later: while there is room, nobody waits for a disk. */
static void drop_old(struct keep_window *w)
{
	if (w->held)
		return;
	while (is_old(w))
		drop_second(w);
	forget_gone(w);
}

/* ---- what is added ------------------------------------------------------- */

static int add_entry(struct keep_window *w, enum keep_what what, u32 number, const void *data,
		     u32 len)
{
	for (u64 lacks; (lacks = keep_ring__lacks(&w->ring, len)); ) {
		if (lacks == KVMW_NONE)
			return 1;
		/* Not even a part of a second fits: what is left of it begins here. */
		if (!drop_second(w)) {
			w->last.time_ns = w->newest_ns;
			w->begin = w->last;
			w->part = w->ring.end;
			account__restart(&w->account);
		}
	}
	keep_ring__add(&w->ring, what, number, data, len);
	if (what == KEEP_SECOND)
		w->part = w->ring.end;
	return 0;
}

static int encode(struct keep_window *w, struct data_encoder *enc, enum data_frame_type type,
		  const struct event_desc *event, u32 stream, const void *rows, u32 nr)
{
	w->frame.len = 0;
	return data_encoder__rows(enc, type, event, stream, rows, nr, &w->frame);
}

/* As many rows as a frame has room for, which is at most half of SIZE. How many; 0: error(). */
static u32 keep_window__add_frame(struct keep_window *w, const struct keep_entry *as,
				  struct data_encoder *enc, enum data_frame_type type,
				  const struct event_desc *event, u32 stream, const void *rows,
				  u32 nr)
{
	for (nr = nr < DATA_MAX_ROWS ? nr : DATA_MAX_ROWS; nr; nr /= 2) {
		if (encode(w, enc, type, event, stream, rows, nr))
			return 0;
		if (!add_entry(w, as->what, as->number, w->frame.data, w->frame.len))
			return nr;
	}
	error("--keep: a row of %s does not fit into half of SIZE; a larger SIZE helps",
	      event->name);
	return 0;
}

static int add_table(struct keep_window *w, const struct keep_entry *as, struct data_encoder *enc,
		     const struct event_desc *event, const void *rows, u32 nr)
{
	for (u32 some; nr; nr -= some, rows = (const u8 *)rows + (size_t)some * event->size) {
		some = keep_window__add_frame(w, as, enc, DATA_STATS, event, 0, rows, nr);
		if (!some)
			return -1;
	}
	return 0;
}

/* What is part of the second's sums. */
static int keep_window__add_sums(struct keep_window *w, const struct event_desc *event,
				 const void *rows, u32 nr)
{
	const struct keep_entry as = { .what = KEEP_SUMS };

	return add_table(w, &as, w->encoder, event, rows, nr);
}

/* A row refers to this, of the second that has not ended: its name is needed until that goes. */
static void needs_name(struct keep_window *w, enum identity_list list, u32 number)
{
	identity__needed(&w->identity, list, number, w->last.time_ns + 1);
}

static int add_total(void *arg, const struct kvmw_total *row)
{
	struct keep_window *w = arg;

	if (array__reserve(w->totals, w->nr_totals, w->totals_room, NULL))
		return -1;
	w->totals[w->nr_totals++] = *row;
	return 0;
}

static int end_part(struct keep_window *w, u64 time_ns, const struct kvmw_cost *cost)
{
	w->nr_totals = 0;
	if (account__end(&w->account, add_total, w) ||
	    keep_window__add_sums(w, event_desc__by_id(KVMW_EVENT_TOTAL), w->totals, w->nr_totals))
		return -1;
	for (u32 i = 0; i < w->nr_totals; i++)
		needs_name(w, IDENTITY_VCPUS, w->totals[i].vcpu);
	if (time_ns > w->newest_ns)
		w->newest_ns = time_ns;
	w->last = (struct keep_second) { .time_ns = w->newest_ns, .cost = *cost };
	w->identity.now_ns = w->newest_ns;
	return add_entry(w, KEEP_SECOND, 0, &w->last, sizeof(w->last)) ? -1 : 0;
}

static int end_second(struct keep_window *w, const struct kvmw_cost *cost)
{
	if (end_part(w, cost->time_ns, cost))
		return -1;
	if (w->triggers)
		keep_triggers__end_second(w->triggers, cost->time_ns);
	drop_old(w);
	return 0;
}

/*
 * A second that takes much of SIZE ends in parts, to be dropped one by one. What they cost is only
 * known at its end.
 */
static int end_part_if_large(struct keep_window *w)
{
	return w->ring.end - w->part < w->ring.size / PART ? 0 :
	       end_part(w, w->newest_ns, &w->last.cost);
}

/* Rows come in the order of their ends; which began last is known well enough from the last one. */
static void see_time(struct keep_window *w, const struct event_desc *event, const void *rows,
		     u32 nr)
{
	int field = event_desc__field(event, "time_ns", strlen("time_ns"));
	u64 time_ns;

	if (field < 0)
		return;
	time_ns = field_desc__value(&event->fields[field],
				    (const u8 *)rows + (size_t)(nr - 1) * event->size);
	if (time_ns > w->newest_ns)
		w->newest_ns = time_ns;
}

static bool is_start(const struct event_desc *event, const void *rows)
{
	/* Where rows say it in a field of its own, the kind says something else. */
	int moment = event_desc__field(event, "moment", strlen("moment"));
	int field = moment >= 0 ? moment : event_desc__field(event, "kind", strlen("kind"));
	u16 kind = 0;

	if (field >= 0)
		memcpy(&kind, (const u8 *)rows + event->fields[field].offset, sizeof(kind));
	return kind == KIND_START;
}

/* Of all the recording, until now: what they grew by. */
static int keep_window__take_sums(struct keep_window *w, const struct event_desc *event, void *rows,
				  u32 nr)
{
	bool holds = event->id == KVMW_EVENT_HOLDER;
	const struct kvmw_holder *holders = rows;
	const struct kvmw_taken *takens = rows;
	int err = holds ? deltas__holders(&w->deltas, rows, nr) :
		  deltas__takens(&w->deltas, rows, nr);

	for (u32 i = 0; i < nr; i++) {
		if (holds)
			needs_name(w, IDENTITY_VCPUS, holders[i].vcpu);
		needs_name(w, IDENTITY_NEIGHBOURS, holds ? holders[i].pid : takens[i].pid);
	}
	return err ? -1 : keep_window__add_sums(w, event, rows, nr);
}

static int take_table(struct keep_window *w, struct data_encoder *enc,
		      const struct event_desc *event, void *rows, u32 nr)
{
	bool start = is_start(event, rows);
	const struct keep_entry as = {
		.what = start ? KEEP_MOMENT : KEEP_ASIDE,
		.number = start ? w->moment : w->snapshot + 1,
	};

	if (event->id == KVMW_EVENT_TOTAL)
		return account__counted(&w->account, rows, nr);
	if (event->id == KVMW_EVENT_COST)
		return end_second(w, rows);
	if (event->id == KVMW_EVENT_HOLDER || event->id == KVMW_EVENT_TAKEN)
		return keep_window__take_sums(w, event, rows, nr);
	return add_table(w, &as, enc, event, rows, nr);
}

/* What had not ended when its vCPU went, before the window, is not of it. How many remain. */
static u32 drop_gone(const struct keep_window *w, const struct event_desc *event, u8 *rows, u32 nr)
{
	int vcpu = event_desc__field(event, "vcpu", strlen("vcpu"));
	u32 left = 0;

	for (u32 i = 0; i < nr; i++) {
		const u8 *row = rows + (size_t)i * event->size;

		if (vcpu >= 0 &&
		    identity__was_gone(&w->identity, field_desc__value(&event->fields[vcpu], row),
				       w->begin.time_ns))
			continue;
		memmove(rows + (size_t)left++ * event->size, row, event->size);
	}
	return left;
}

int keep_window__rows(struct keep_window *w, struct data_encoder *enc, enum data_frame_type type,
		      const struct event_desc *event, u32 stream, bool aside, void *rows, u32 nr)
{
	const struct keep_entry as = {
		.what = aside ? KEEP_ASIDE : KEEP_FRAME, .number = aside ? w->snapshot + 1 : 0,
	};

	if (type == DATA_STATS)
		return take_table(w, enc, event, rows, nr);
	if (aside)
		nr = drop_gone(w, event, rows, nr);
	if (w->triggers && type == DATA_EVENTS && !aside)
		keep_triggers__rows(w->triggers, event, rows, nr);
	for (u32 some; nr; nr -= some, rows = (u8 *)rows + (size_t)some * event->size) {
		some = !aside && end_part_if_large(w) ? 0 :
		       keep_window__add_frame(w, &as, enc, type, event, stream, rows, nr);
		/* Its totals are those of the second that it is in. */
		if (!some || (type == DATA_EVENTS &&
			      account__rows(aside ? &w->open : &w->account, event, rows, some)))
			return -1;
		if (type == DATA_EVENTS && !aside)
			see_time(w, event, rows, some);
	}
	return 0;
}

int keep_window__begun(struct keep_window *w, bool aside, const struct kvmw_total *row)
{
	if (aside && identity__was_gone(&w->identity, row->vcpu, w->begin.time_ns))
		return 0;
	return account__begun(aside ? &w->open : &w->account, row);
}

static char *all_identities(const void *arg)
{
	return identity__json(arg);
}

/* The VM's name is known here; soon nobody knows it any more. */
static void hit_gone(struct keep_window *w)
{
	u32 id = w->identity.gone;
	struct identity_vm vm;

	if (!identity__vm_of(&w->identity, id, &vm))
		keep_triggers__hit(w->triggers, 0, id, NULL, "gone");
	else
		keep_triggers__hit(w->triggers, 0, id, vm.name, "gone: vCPU %lld of %s (pid %lld)",
				   (long long)vm.vcpu, vm.name, (long long)vm.pid);
}

int keep_window__json(struct keep_window *w, enum data_frame_type type, const char *json)
{
	u32 gone = w->identity.nr_gone;

	if (type == DATA_IDENT && identity__take(&w->identity, json))
		return -1;
	if (!w->triggers)
		return 0;
	if (w->identity.nr_gone != gone && keep_triggers__of(w->triggers, TRIGGER_GONE))
		hit_gone(w);
	return keep_triggers__json(w->triggers, type, json, all_identities, &w->identity);
}

int keep_window__moment(struct keep_window *w)
{
	w->identity.moment = ++w->moment;
	return add_entry(w, KEEP_MOMENT, w->moment, NULL, 0);
}

void keep_window__ended(struct keep_window *w, u32 vcpu)
{
	identity__end(&w->identity, vcpu);
}

static void let_go(struct keep_window *w)
{
	w->held = false;
	w->cut = 0;
}

void keep_window__hold(struct keep_window *w)
{
	/* If there are several in a second, each second ends while one is about to be made. */
	drop_old(w);
	w->held = true;
	w->cut = 0;
}

void keep_window__release(struct keep_window *w)
{
	let_go(w);
	/* The next one has another number: what is aside for this one is in none. */
	w->snapshot++;
	account__free(&w->open);
	account__init(&w->open);
}

void keep_window__cut(struct keep_window *w)
{
	w->cut = w->ring.end;
	w->cut_end = w->last;
}

/* ---- snapshots ----------------------------------------------------------- */

/* After the cut, so much may come that all before it is dropped. */
static bool lost_all(const struct keep_window *w)
{
	return w->cut && w->ring.oldest >= w->cut &&
	       error("--keep: no room for the snapshot: while it began, more data came than SIZE holds; a larger SIZE helps");
}

static int take_open(struct keep_window *w, struct keep_snapshot *s)
{
	w->nr_totals = 0;
	if (account__end(&w->open, add_total, w))
		return -1;
	account__free(&w->open);
	account__init(&w->open);
	s->nr_open = w->nr_totals;
	s->open = mem__calloc(s->nr_open ?: 1, sizeof(*s->open));
	if (!s->open)
		return -1;
	if (s->nr_open)
		memcpy(s->open, w->totals, s->nr_open * sizeof(*s->open));
	return 0;
}

static void set_needed(struct keep_window *w, u64 needed)
{
	pthread_mutex_lock(&w->lock);
	w->needed = needed;
	pthread_mutex_unlock(&w->lock);
}

void keep_window__snapshot(struct keep_window *w, struct keep_snapshot *s)
{
	int err;

	s->window = w;
	s->number = ++w->snapshot;
	s->begin = w->begin;
	s->end = w->last;
	s->at = w->ring.oldest;
	s->to = w->ring.end;
	s->cut = w->cut ?: s->to;
	s->failed = lost_all(w);
	if (w->cut)
		s->end = w->cut_end;
	let_go(w);
	s->knows_taken = w->deltas.knows_taken;
	s->others = w->deltas.others;
	s->ident = identity__json(&w->identity);
	s->failed |= take_open(w, s) || !s->ident;
	set_needed(w, s->at);
	err = s->failed ? 0 : pthread_create(&s->thread, NULL, keep_snapshot__write, s);
	if (err)
		error("cannot start the thread that writes a snapshot: %s", strerror(err));
	s->running = !s->failed && !err;
	if (s->running)
		return;
	s->failed = true;
	set_needed(w, KVMW_NONE);
	eventfd_write(s->told, 1);
}
