// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "util/analysis/model_mmu.h"
#include "util/analysis/span_table.h"
#include "util/array.h"
#include "util/search.h"

#define RANGE_BITS	21
#define MAX_PARTS	512	/* memory slots that one row is compared with */

/* A memory slot by its place in the VMM. */
struct mmu_slot {
	u32 pid, vm;
	u64 hva, gpa, size;
};

struct mmu_state {
	struct mmu_model model;
	struct refault_rows rows;
	struct hash_table ranges;
	struct mmu_slot *slot;
	u32 nr_slots, slot_room;
};

static const struct scan_event mmu_events[] = { { .id = KVMW_EVENT_MMU,
						  .columns = refault_taken_columns } };

static int mmu_model__take(void *state, const struct scan_batch *b)
{
	struct mmu_state *st = state;

	return refault_rows__take(&st->rows, b, false);
}

static void *mmu_model__new_state(void *arg)
{
	const struct report_options *opt = arg;
	struct mmu_state *st = mem__calloc(1, sizeof(*st));

	if (!st)
		return NULL;
	st->rows.budget = opt->budget;
	st->rows.kept = opt->kept;
	st->ranges = HASH_TABLE(struct mmu_range, opt->budget);
	return st;
}

static int mmu_model__merge(void *to, const void *from)
{
	struct mmu_state *t = to;
	const struct mmu_state *f = from;

	return refault_rows__merge(&t->rows, &f->rows);
}

static void mmu_model__free_state(void *state)
{
	struct mmu_state *st = state;

	free(st->model.range);
	array__free(st->slot, st->slot_room, st->rows.budget);
	hash_table__free(&st->ranges);
	refault_rows__free(&st->rows);
	free(st);
}

/* ---- the model ---------------------------------------------------------- */

static int mmu_slot__compare(const void *a, const void *b)
{
	const struct mmu_slot *x = a, *y = b;

	COMPARE(x->pid, y->pid);
	COMPARE(x->hva, y->hva);
	return 0;
}

static int mmu_slots__make(struct mmu_state *st, const struct report *rep)
{
	const struct hash_table *t = &rep->rec->memslots.table;

	for (u32 i = 0; i < t->nr; i++) {
		const struct memslot *m = hash_table__at(t, i);
		const struct rec_vcpu *vcpu = recording__vcpu(rep->rec, m->key.vcpu);

		if (m->key.slot >> 16 || m->hva == KVMW_NONE || !vcpu)
			continue;
		if (array__reserve(st->slot, st->nr_slots, st->slot_room, st->rows.budget))
			return -1;
		st->slot[st->nr_slots++] = (struct mmu_slot) {
			.pid = taken_pid(rep->rec, m->key.vcpu), .vm = vcpu->vm, .hva = m->hva,
			.gpa = m->key.gpa, .size = m->key.size,
		};
	}
	if (st->nr_slots)
		qsort(st->slot, st->nr_slots, sizeof(*st->slot), mmu_slot__compare);
	return 0;
}

static int count_mmu_range(struct mmu_state *st, u32 vm, u64 gpa, u64 size)
{
	struct mmu_range wanted = { .key = { .vm = vm, .gpa = gpa, .size = size } }, *range;

	if (size <= 1ULL << RANGE_BITS) {
		wanted.key.gpa = gpa >> RANGE_BITS << RANGE_BITS;
		wanted.key.size = 1ULL << RANGE_BITS;
	}
	if (st->ranges.nr >= MMU_RANGES_MAX && !hash_table__find(&st->ranges, &wanted.key))
		return 0;
	range = hash_table__get(&st->ranges, &wanted.key);
	if (!range)
		return -1;
	range->count++;
	range->bytes = sat_add(range->bytes, size);
	return 0;
}

/* Which part of what a row took is guest memory: *bytes. 0, or -1 out of memory. */
static int take_guest_part(struct mmu_state *st, const struct refault_taken *t, u64 *bytes)
{
	struct mmu_slot key = { .pid = t->pid, .hva = t->start };
	u32 i = lower_bound(&key, st->slot, st->nr_slots, sizeof(key), mmu_slot__compare);
	u64 done = 0;

	*bytes = 0;
	/* The slot before may reach into it. */
	i -= i > 0;
	for (u32 n = 0; n < MAX_PARTS && i < st->nr_slots; n++, i++) {
		const struct mmu_slot *s = &st->slot[i];
		u64 from = s->hva > t->start ? s->hva : t->start, part;

		if (s->pid > t->pid || (s->pid == t->pid && s->hva >= t->end))
			break;
		part = s->pid == t->pid ? overlap(t->start, t->end - t->start, s->hva, s->size) : 0;
		/* An older slot may have been at the same place. */
		if (!part || from < done)
			continue;
		done = from + part;
		*bytes += part;
		if (count_mmu_range(st, s->vm, s->gpa + (from - s->hva), part))
			return -1;
	}
	return 0;
}

static struct mmu_cause *find_mmu_cause(struct mmu_model *m, const struct mmu_cause *c)
{
	u32 i = 0;

	while (i < m->nr_causes && i < MMU_CAUSES &&
	       (strcmp(m->cause[i].how, c->how) || strcmp(m->cause[i].by, c->by)))
		i++;
	if (i == m->nr_causes) {
		m->nr_causes++;
		m->cause[i] = *c;
		if (i == MMU_CAUSES) {
			strcpy(m->cause[i].how, "others");
			*m->cause[i].by = '\0';
			m->cause[i].cause = m->cause[i].syscall = KVMW_NONE;
		}
	}
	return &m->cause[i];
}

static int count_mmu_row(struct mmu_state *st, const struct thread_names *names,
			 struct refault_taken *t)
{
	struct mmu_cause c = {
		.cause = t->cause, .syscall = t->syscall, .first_ns = t->time_ns,
		.last_ns = t->time_ns,
	}, *to;
	struct mmu_model *m = &st->model;
	u64 bytes, guest;

	m->no_addresses |= t->start == KVMW_NONE;
	if (t->start >= t->end || t->end == KVMW_NONE)
		t->end = t->start;
	bytes = t->end - t->start;
	t->pid = taken_pid(names->rep->rec, t->vcpu);
	if (take_guest_part(st, t, &guest))
		return -1;
	taken_names(names, t, c.how, c.by);
	to = find_mmu_cause(m, &c);
	to->cause = to->cause == t->cause ? to->cause : KVMW_NONE;
	to->syscall = to->syscall == t->syscall ? to->syscall : KVMW_NONE;
	to->count++;
	to->bytes = sat_add(to->bytes, bytes);
	to->max_bytes = bytes > to->max_bytes ? bytes : to->max_bytes;
	to->first_ns = t->time_ns < to->first_ns ? t->time_ns : to->first_ns;
	to->last_ns = t->time_ns > to->last_ns ? t->time_ns : to->last_ns;
	to->guest_count += guest > 0;
	to->guest_bytes = sat_add(to->guest_bytes, guest);
	m->count++;
	m->bytes = sat_add(m->bytes, bytes);
	m->guest_count += guest > 0;
	m->guest_bytes = sat_add(m->guest_bytes, guest);
	return 0;
}

static int most_taken(const void *a, const void *b)
{
	const struct mmu_cause *x = a, *y = b;

	COMPARE(y->guest_count, x->guest_count);
	COMPARE(y->count, x->count);
	return strcmp(x->how, y->how) ?: strcmp(x->by, y->by);
}

static int most_of_range(const void *a, const void *b)
{
	const struct mmu_range *x = a, *y = b;

	COMPARE(y->count, x->count);
	COMPARE(y->bytes, x->bytes);
	COMPARE(x->key.vm, y->key.vm);
	COMPARE(x->key.gpa, y->key.gpa);
	COMPARE(x->key.size, y->key.size);
	return 0;
}

static int finish_mmu_ranges(struct mmu_state *st, const struct report *rep)
{
	struct mmu_model *m = &st->model;
	u32 top = rep->opt->top ?: MMU_RANGES, nr = st->ranges.nr;
	const struct mmu_range *all = st->ranges.entry;

	if (nr)
		qsort(st->ranges.entry, nr, sizeof(*all), most_of_range);
	m->nr_ranges = nr < top ? nr : top;
	m->hidden = nr - m->nr_ranges;
	m->range = mem__calloc(m->nr_ranges + 1, sizeof(*m->range));
	if (!m->range)
		return -1;
	if (nr)
		memcpy(m->range, all, m->nr_ranges * sizeof(*all));
	return 0;
}

static int mmu_model__finish(void *state, const struct report *rep)
{
	struct mmu_state *st = state;
	struct mmu_model *m = &st->model;
	struct thread_names names;
	int ret;

	if (thread_names__init(&names, rep))
		return -1;
	view_span(rep, &m->from_ns, &m->to_ns);
	m->over_limit = st->rows.no_taken;
	ret = mmu_slots__make(st, rep);
	m->slots_known = st->nr_slots > 0;
	for (u32 i = 0; !ret && i < st->rows.nr_taken; i++)
		if (report__selects(rep->rec, rep->opt, st->rows.taken[i].vcpu))
			ret = count_mmu_row(st, &names, &st->rows.taken[i]);
	qsort(m->cause, m->nr_causes, sizeof(*m->cause), most_taken);
	thread_names__free(&names);
	return ret ?: finish_mmu_ranges(st, rep);
}

const struct report_model mmu_report_model = {
	.event = KVMW_EVENT_MMU,
	.scan = {
		.events = mmu_events,
		.nr_events = ARRAY_SIZE(mmu_events),
		.new = mmu_model__new_state,
		.take = mmu_model__take,
		.merge = mmu_model__merge,
		.free = mmu_model__free_state,
	},
	.finish = mmu_model__finish,
};
