// SPDX-License-Identifier: GPL-2.0
/* A row of any event, as chains need it. */
#include <string.h>

#include "util/analysis/chain/internal.h"
#include "util/analysis/field.h"

/* By the enums of internal.h; an event that has none here is no step: they are too many. */
static const char *const value_names[KVMW_MAX_EVENTS][ROW_VALUES + 1] = {
	[KVMW_EVENT_EXIT] = { "guest_ns", "user_ns", "halt_ns", "poll_ns", "wait_ns", "block_ns", "throttled_ns",
			      "reason", "isa", "detail", "detail_kind", "user_reason", "entry_cpu", "nested" },
	[KVMW_EVENT_USERSPACE] = { "reason", "error" },
	[KVMW_EVENT_FAULT] = { "gpa", "ret_pf", "access" },
	[KVMW_EVENT_IRQ] = { "irq", "vector", "dest", "source", "level" },
	[KVMW_EVENT_HALT] = { "poll_ns", "slept", "waker" },
	[KVMW_EVENT_SCHED] = { "other", "state", "from_cpu" },
	[KVMW_EVENT_IOCTL] = { "cmd", "result" },
	[KVMW_EVENT_HYPERCALL] = { "nr" },
	[KVMW_EVENT_TIMER] = { "expires_ns" },
	[KVMW_EVENT_MMU] = { "cause" },
	[KVMW_EVENT_MEMSLOT] = { "slot" },
	[KVMW_EVENT_NESTED] = { "reason", "isa" },
};

bool chain_event__has_length(u32 event)
{
	return event < KVMW_MAX_EVENTS && value_names[event][0];
}

void row_fields__resolve(struct row_fields *f, const struct data_event *event)
{
	const struct event_desc *desc = event_desc__by_id(event->id);

	f->known = true;
	f->time = data_event__field(event, "time_ns");
	f->span = data_event__field(event, desc->span ?: "span_ns");
	f->vcpu = data_event__field(event, "vcpu");
	f->tid = data_event__field(event, "tid");
	f->cpu = data_event__field(event, desc->cpu ?: "cpu");
	f->kind = data_event__field(event, "kind");
	for (u32 i = 0; i < ROW_VALUES; i++)
		f->v[i] = value_names[event->id][i] ?
			  data_event__field(event, value_names[event->id][i]) : -1;
}

static u64 value_of(const struct slice *s, int field, u32 i)
{
	u64 value = field < 0 ? KVMW_NONE : slice__get(s, field, i);

	return field >= 0 && field__none(&s->event->fields[field], value) ? KVMW_NONE : value;
}

void chain_row__take(struct chain_row *row, const struct row_fields *f, const struct slice *s,
		     u32 i)
{
	row->event = s->event->id;
	row->time_ns = slice__time(s, i);
	row->span_ns = value_of(s, f->span, i);
	row->vcpu = value_of(s, f->vcpu, i);
	row->tid = value_of(s, f->tid, i);
	row->cpu = value_of(s, f->cpu, i);
	row->kind = value_of(s, f->kind, i);
	row->weight = 0;
	for (u32 k = 0; k < ROW_VALUES; k++)
		row->v[k] = value_of(s, f->v[k], i);
	chain_row__set_extent(row);
}

/* Whether a row is made at the end of what its span is of. */
static bool looks_back(const struct chain_row *row)
{
	switch (row->event) {
	case KVMW_EVENT_IRQ:
	case KVMW_EVENT_HALT:
	case KVMW_EVENT_SCHED:
	case KVMW_EVENT_TIMER:
		return true;
	case KVMW_EVENT_HYPERCALL:
		return row->kind == KVMW_hypercall_HYPERV_DONE;
	default:
		return false;
	}
}

void chain_row__set_extent(struct chain_row *row)
{
	u64 span = captured(row->span_ns);

	row->from_ns = row->to_ns = row->time_ns;
	if (looks_back(row))
		row->from_ns = row->time_ns > span ? row->time_ns - span : 0;
	else
		row->to_ns = row->time_ns > UINT64_MAX - span ? UINT64_MAX : row->time_ns + span;
}
