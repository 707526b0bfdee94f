// SPDX-License-Identifier: GPL-2.0
/* The first reading: which events are the longest. */
#include <stdlib.h>
#include <string.h>

#include "util/analysis/chain/internal.h"
#include "util/arch/access.h"
#include "util/memory.h"

enum {
	FIND_TIME,
	FIND_SPAN,
	FIND_VCPU,
	FIND_HALT,
	FIND_POLL,
	FIND_KIND,
	FIND_TID,
	FIND_CPU,
	FIND_IRQ,
	/* In their places: */
	FIND_ISA = FIND_KIND,
	FIND_REASON,
	FIND_CMD = FIND_IRQ
};

#define OPEN_MAX	65536	/* vCPUs */

static const char *const *columns_of(u32 event)
{
	static const char *const exits[] = { "time_ns", "total_ns", "vcpu", "halt_ns", "poll_ns",
					     "isa", "reason", NULL };
	static const char *const returns[] = { "time_ns", "user_ns", "vcpu", NULL };
	static const char *const rows[] = { "time_ns", "span_ns", "vcpu", "", "", "kind", "tid",
					    "cpu", NULL };
	static const char *const ioctls[] = { "time_ns", "span_ns", "vcpu", "", "", "kind", "tid",
					      "cpu", "cmd", NULL };
	static const char *const irqs[] = { "time_ns", "span_ns", "vcpu", "", "", "kind", "tid",
					    "cpu", "irq", "vector", "dest", "source", "level",
					    NULL };

	switch (event) {
	case KVMW_EVENT_EXIT:
		return exits;
	case KVMW_EVENT_USERSPACE:
		return returns;
	case KVMW_EVENT_IRQ:
		return irqs;
	case KVMW_EVENT_IOCTL:
		return ioctls;
	default:
		return rows;
	}
}

/*
 * Spans that are nobody's delay: a thread that runs or sleeps, a guest that handles its interrupt,
 * a vCPU that runs.
 */
static bool is_delay(const struct scan_batch *b, u32 i)
{
	u32 event = b->event->id;
	u64 kind = b->col[FIND_KIND][i];

	if (event == KVMW_EVENT_IOCTL)
		return b->col[FIND_CMD][i] != IOCTL_KVM_RUN;
	if (event == KVMW_EVENT_SCHED)
		return kind == KVMW_sched_IN;
	if (event == KVMW_EVENT_IRQ)
		return kind == KVMW_irq_ACCEPT || kind == KVMW_irq_INJECT;
	return true;
}

static void *found__new(void *arg)
{
	struct chain_found *f = mem__calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->arg = *(struct chain_find_arg *)arg;
	for (u32 i = 0; i < 2; i++)
		f->open[i] = HASH_TABLE(struct chain_open, NULL);
	return f;
}

static int found__keep(struct outliers *o, u32 max, u64 length, const struct chain_key *key)
{
	struct outlier one = { .length = length, .order = key->time_ns };

	one.row = mem__calloc(1, sizeof(*key));
	if (!one.row)
		return -1;
	*(struct chain_key *)one.row = *key;
	return outliers__add(o, max, one);
}

static struct chain_key chain_key_of(const struct scan_batch *b, u32 i)
{
	struct chain_key key = {
		.time_ns = b->col[FIND_TIME][i], .span_ns = b->col[FIND_SPAN][i],
		.vcpu = b->col[FIND_VCPU][i],
		.tid = NO_ID, .kind = NO_ID, .cpu = NO_ID,
	};

	if (event_desc__is_cycle(b->event->id))
		return key;
	key.tid = b->col[FIND_TID][i];
	key.kind = b->col[FIND_KIND][i];
	key.cpu = b->col[FIND_CPU][i] == UINT16_MAX ? NO_ID : b->col[FIND_CPU][i];
	for (u32 k = 0; b->event->id == KVMW_EVENT_IRQ && k < NR_IRQ_VALUES; k++)
		key.irq[k] = b->col[FIND_IRQ + k][i];
	return key;
}

/* A guest that sleeps is waiting for nobody. */
static bool is_halt(const struct scan_batch *b, u32 i)
{
	return b->event->id == KVMW_EVENT_EXIT &&
	       exit_class(b->col[FIND_ISA][i], b->col[FIND_REASON][i]) == EXIT_HALT;
}

/* Of two rows of a vCPU the later one. */
static int found__see(struct hash_table *open, u64 time_ns, u32 vcpu, bool is_open,
		      const struct chain_key *key)
{
	bool full = false;
	struct chain_open *o = hash_table__get_limited(open, &vcpu, OPEN_MAX, &full);

	if (!o || time_ns < o->last_ns)
		return o || full ? 0 : -1;
	o->last_ns = time_ns;
	o->open = is_open;
	if (is_open)
		o->row = *key;
	return 0;
}

static int found__take(void *state, const struct scan_batch *b)
{
	struct chain_found *f = state;
	bool exit = b->event->id == KVMW_EVENT_EXIT, cycle = event_desc__is_cycle(b->event->id);
	u32 which = b->event->id != chain_found__event(f->arg.opt, 0);

	for (u32 i = 0; i < b->rows; i++) {
		u64 span = b->col[FIND_SPAN][i], time_ns = b->col[FIND_TIME][i], length;
		struct chain_key key;

		if (cycle) {
			key = chain_key_of(b, i);
			if (found__see(&f->open[which], time_ns, key.vcpu,
				       span == KVMW_NONE && !is_halt(b, i), &key))
				return -1;
		}
		if (span == KVMW_NONE || (!cycle && !is_delay(b, i)))
			continue;
		length = outlier__length(span, exit ? b->col[FIND_HALT][i] : KVMW_NONE,
					 exit ? b->col[FIND_POLL][i] : KVMW_NONE);
		if (!outliers__takes(&f->done[which], f->arg.max, length, time_ns))
			continue;
		key = chain_key_of(b, i);
		if (found__keep(&f->done[which], f->arg.max, length, &key))
			return -1;
	}
	return 0;
}

static int found__add_all(struct outliers *to, const struct outliers *from, u32 max)
{
	for (u32 i = 0; i < from->nr; i++)
		if (outliers__takes(to, max, from->list[i].length, from->list[i].order) &&
		    found__keep(to, max, from->list[i].length, from->list[i].row))
			return -1;
	return 0;
}

static int found__merge(void *state, const void *other)
{
	struct chain_found *to = state;
	const struct chain_found *from = other;

	for (u32 i = 0; i < 2; i++) {
		if (found__add_all(&to->done[i], &from->done[i], to->arg.max))
			return -1;
		for (u32 k = 0; k < from->open[i].nr; k++) {
			const struct chain_open *o = hash_table__at(&from->open[i], k);

			if (found__see(&to->open[i], o->last_ns, o->key, o->open, &o->row))
				return -1;
		}
	}
	return 0;
}

void chain_find__free(void *state)
{
	struct chain_found *f = state;

	for (u32 i = 0; f && i < 2; i++) {
		outliers__free(&f->done[i]);
		hash_table__free(&f->open[i]);
	}
	free(f);
}

u32 chain_found__event(const struct report_options *opt, u32 which)
{
	return opt->event ?: which ? KVMW_EVENT_USERSPACE : KVMW_EVENT_EXIT;
}

int chains__begin(struct chains *chains, void *found, const struct recording *first)
{
	struct chain_found *f = found;
	/* Exits, or where there are none returns to the VMM. */
	u32 which = !f->arg.opt->event && !first->event_rows[KVMW_EVENT_EXIT];

	*chains = (struct chains) {
		.event = chain_found__event(f->arg.opt, which),
		.recording_ends_ns = recording__end(first),
	};
	chains->rows = first->event_rows[chains->event];
	for (u32 i = 0; i < f->open[which].nr; i++) {
		const struct chain_open *o = hash_table__at(&f->open[which], i);
		const struct rec_vcpu *vcpu = recording__vcpu(first, o->key);
		u64 end_ns = vcpu && vcpu->gone_ns ? vcpu->gone_ns : chains->recording_ends_ns,
		    length;

		if (!o->open || end_ns <= o->row.time_ns)
			continue;
		length = end_ns - o->row.time_ns;
		if (outliers__takes(&f->done[which], f->arg.max, length, o->row.time_ns) &&
		    found__keep(&f->done[which], f->arg.max, length, &o->row))
			return -1;
	}
	chains->nr = f->done[which].nr;
	return 0;
}

/* ---- which rows ---------------------------------------------------------- */

static const char *const *filter__columns(const struct row_filter *f, u32 event)
{
	const struct chain_filter *filter = (const struct chain_filter *)f;

	for (u32 i = 0; i < 2; i++)
		if (filter->event[i] == event)
			return filter->columns[i];
	return NULL;
}

enum { OWN_VCPU, OWN_ISA, OWN_REASON };

static bool is_selected(const struct chain_filter *f, const struct recording *rec, u64 *const *own,
			u32 i)
{
	const struct report_options *opt = f->opt;

	if (opt->reasons.nr &&
	    !reason_list__has(&opt->reasons, own[OWN_ISA][i], own[OWN_REASON][i]))
		return false;
	return report__selects(rec, opt, own[OWN_VCPU][i]);
}

static void filter__rows(const struct row_filter *f, const struct recording *rec, u64 start_ns,
			 const struct data_event *event, u64 *const *col, u32 rows, u8 *keep)
{
	const struct chain_filter *filter = (const struct chain_filter *)f;
	u32 nr = filter->nr_where[event->id != filter->event[0]];

	if (filter->where)
		filter->where->rows(filter->where, rec, start_ns, event, col, rows, keep);
	for (u32 i = 0; i < rows; i++)
		keep[i] = keep[i] && is_selected(filter, rec, col + nr, i);
}

/* Its columns: those of --where, and then our own. */
static void filter__add_event(struct chain_filter *f, u32 i, u32 event)
{
	bool reasons = f->opt->reasons.nr;
	const char *const own[] = { "vcpu", reasons ? "isa" : "vcpu", reasons ? "reason" : "vcpu" };
	const char *const *where = f->where ? f->where->columns(f->where, event) : NULL;
	u32 nr = 0;

	f->event[i] = event;
	/* --where leaves nothing of this event. */
	if (f->where && !where)
		f->event[i] = 0;
	while (where && where[nr] && nr < ROW_FILTER_COLUMNS) {
		f->columns[i][nr] = where[nr];
		nr++;
	}
	f->nr_where[i] = nr;
	for (u32 k = 0; k < ARRAY_SIZE(own); k++)
		f->columns[i][nr + k] = own[k];
	f->columns[i][nr + ARRAY_SIZE(own)] = NULL;
}

void chain_find__init(struct chain_find *find, const struct report_options *opt,
		      const struct row_filter *where, u32 max)
{
	u32 nr = opt->event ? 1 : 2;

	memset(find, 0, sizeof(*find));
	find->arg = (struct chain_find_arg) { .opt = opt, .max = max };
	find->filter.opt = opt;
	find->filter.where = where;
	find->filter.active = where || opt->vcpus.nr || opt->pids.nr || opt->reasons.nr;
	find->filter.filter = (struct row_filter) {
		.columns = filter__columns, .rows = filter__rows,
		.identity = (where && where->identity) || opt->vcpus.nr || opt->pids.nr,
	};
	for (u32 i = 0; i < nr; i++) {
		u32 event = chain_found__event(opt, i);

		find->events[i] = (struct scan_event) { .id = event, .columns = columns_of(event) };
		filter__add_event(&find->filter, i, event);
	}
	find->consumer = (struct scan_consumer) {
		.events = find->events, .nr_events = nr, .arg = &find->arg, .new = found__new,
		.take = found__take, .merge = found__merge, .free = chain_find__free,
	};
}
