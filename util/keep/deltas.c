// SPDX-License-Identifier: GPL-2.0
#include "util/keep/deltas.h"

#define EVICTED	(~0U)		/* place of what became part of all others' and was told before */

struct last_holder {
	struct { u32 vcpu, place; } key;
	bool used;
	u32 tid;
	u64 turns, time_ns;
};

struct last_taken {
	struct { u64 place; } key;
	struct kvmw_taken row;
};

static u64 beyond(u64 now, u64 before)
{
	return now == KVMW_NONE || before == KVMW_NONE ? KVMW_NONE :
	       now > before ? now - before : 0;
}

static struct last_holder *last_of(struct deltas *d, u32 vcpu, u32 place)
{
	const struct last_holder key = { .key = { vcpu, place } };

	if (!d->holders.entry_size)
		d->holders = HASH_TABLE(struct last_holder, d->budget);
	return hash_table__get(&d->holders, &key.key);
}

/* A place that another thread has now: the kernel added what was there to all others'. */
static int evict(struct deltas *d, u32 vcpu, u64 turns, u64 time_ns)
{
	struct last_holder *gone = last_of(d, vcpu, EVICTED);

	if (!gone)
		return -1;
	gone->turns += turns;
	gone->time_ns += time_ns;
	return 0;
}

/* Places come in order, all others' behind those that became part of them. */
static int take_evicted(struct deltas *d, struct kvmw_holder *row)
{
	struct last_holder *gone = last_of(d, row->vcpu, EVICTED);

	if (!gone)
		return -1;
	row->turns = beyond(row->turns, gone->turns);
	row->time_ns = beyond(row->time_ns, gone->time_ns);
	gone->turns = gone->time_ns = 0;
	return 0;
}

static int delta_of(struct deltas *d, struct kvmw_holder *row)
{
	struct last_holder *last = last_of(d, row->vcpu, row->place), was;

	if (!last)
		return -1;
	was = *last;
	last->used = true;
	last->tid = row->tid;
	last->turns = row->turns;
	last->time_ns = row->time_ns;
	if (was.used && was.tid != row->tid)
		return evict(d, row->vcpu, was.turns, was.time_ns);
	row->turns = beyond(row->turns, was.turns);
	row->time_ns = beyond(row->time_ns, was.time_ns);
	return row->kind == KVMW_holder_OTHERS ? take_evicted(d, row) : 0;
}

int deltas__holders(struct deltas *d, struct kvmw_holder *rows, u32 nr)
{
	for (u32 i = 0; i < nr; i++)
		if (delta_of(d, &rows[i]))
			return -1;
	return 0;
}

int deltas__takens(struct deltas *d, struct kvmw_taken *rows, u32 nr)
{
	if (!d->takens.entry_size)
		d->takens = HASH_TABLE(struct last_taken, d->budget);
	for (u32 i = 0; i < nr; i++) {
		const struct last_taken key = { .key = { rows[i].place } };
		struct last_taken *last = hash_table__get(&d->takens, &key.key);
		const struct kvmw_taken now = rows[i];

		if (!last)
			return -1;
		rows[i].count = beyond(now.count, last->row.count);
		rows[i].bytes = beyond(now.bytes, last->row.bytes);
		rows[i].guest_count = beyond(now.guest_count, last->row.guest_count);
		rows[i].guest_bytes = beyond(now.guest_bytes, last->row.guest_bytes);
		last->row = now;
		d->knows_taken = true;
		if (now.kind == KVMW_taken_OTHERS)
			d->others = now;
	}
	return 0;
}

struct kvmw_cost deltas__cost(const struct kvmw_cost *from, const struct kvmw_cost *to, u64 bytes)
{
	return (struct kvmw_cost) {
		.time_ns = to->time_ns,
		.bpf_ns = to->bpf_ns - from->bpf_ns,
		.bpf_events = to->bpf_events - from->bpf_events,
		.cpu_ns = to->cpu_ns - from->cpu_ns,
		.events = to->events - from->events,
		.bytes = bytes,
	};
}

static bool holder__may_come(const void *identity, const void *entry)
{
	const struct last_holder *last = entry;

	return !identity__is_over(identity, last->key.vcpu);
}

void deltas__forget(struct deltas *d, const struct identity *identity)
{
	hash_table__keep(&d->holders, holder__may_come, identity);
}

void deltas__free(struct deltas *d)
{
	hash_table__free(&d->holders);
	hash_table__free(&d->takens);
}

void deltas__add_holder(struct kvmw_holder *to, const struct kvmw_holder *from)
{
	u64 turns = to->turns + from->turns, time_ns = to->time_ns + from->time_ns;

	*to = *from;
	to->turns = turns;
	to->time_ns = time_ns;
}

static u64 deltas__sum(u64 a, u64 b)
{
	return a == KVMW_NONE || b == KVMW_NONE ? KVMW_NONE : a + b;
}

void deltas__add_taken(struct kvmw_taken *to, const struct kvmw_taken *from)
{
	const struct kvmw_taken was = *to;

	*to = *from;
	to->count += was.count;
	to->bytes += was.bytes;
	to->guest_count = deltas__sum(was.guest_count, from->guest_count);
	to->guest_bytes = deltas__sum(was.guest_bytes, from->guest_bytes);
}
