// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "util/memory.h"
#include "util/part/cut.h"

/* ---- what is in the part ------------------------------------------------------ */

bool cut__selects(const struct cut *c)
{
	return c->vcpus->nr || c->vms->nr;
}

bool cut__has_vm(const struct cut *c, const struct rec_vm *vm)
{
	return vm ? rec_vm__is_on(vm, c->vms) : !c->vms->nr;
}

bool cut__has_vcpu(const struct cut *c, u32 id)
{
	const struct rec_vcpu *vcpu = recording__vcpu(c->rec, id);

	if (c->vcpus->nr && (!vcpu || vcpu->vcpu < 0 || !number_list__has(c->vcpus, vcpu->vcpu)))
		return false;
	return cut__has_vm(c, vcpu ? recording__vm(c->rec, vcpu->vm) : NULL);
}

static bool cut__has_pid(const struct cut *c, u32 pid)
{
	const struct list_vm vm = { .pid = pid, .name = "", .vmm = "" };

	for (u32 i = 0; i < c->rec->nr_vms; i++)
		if (c->rec->vm[i].pid == pid && cut__has_vm(c, &c->rec->vm[i]))
			return true;
	return !c->vms->nr || number_list__has_vm(c->vms, &vm);
}

static int cut__field(const struct event_desc *event, const char *name)
{
	return event_desc__field(event, name, strlen(name));
}

/* What rows are chosen by. */
static bool is_chosen_by(const struct event_desc *event, u32 field)
{
	static const char *const names[] = { "time_ns", "vcpu", "pid", "number", "event",
					     "first_ns", "last_ns", "kind" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(event->fields[field].name, names[i]))
			return true;
	return false;
}

static u64 cut__value(const struct cut *c, int field, u32 row)
{
	return field < 0 ? KVMW_NONE : c->out.col[field][row];
}

/* A vCPU of these tables may have no id, but its number in the VM. */
static bool has_number(const struct cut *c, u64 number)
{
	return !c->vcpus->nr || number == KVMW_NONE || number == UINT32_MAX ||
	       number_list__has(c->vcpus, number);
}

static bool keeps_of_vcpu(const struct cut *c, u64 id)
{
	/* Older recordings do not know whose records were lost; totals do, but not when. */
	return id == KVMW_NONE || id == UINT32_MAX ? c->rec->window.active : cut__has_vcpu(c, id);
}

/* Slots are of no vCPU, and all that is said of addresses needs them. */
static bool cut__has_slots_of(const struct cut *c, u32 id)
{
	const struct rec_vcpu *vcpu = recording__vcpu(c->rec, id);

	return cut__has_vm(c, vcpu ? recording__vm(c->rec, vcpu->vm) : NULL);
}

bool cut__has_rows_of(const struct cut *c, u32 event, u32 id)
{
	return event == KVMW_EVENT_MEMSLOT ? cut__has_slots_of(c, id) : cut__has_vcpu(c, id);
}

/* Which rows of this frame are kept, in time not asked.  Returns their number. */
static u32 choose_rows(struct cut *c, const struct event_desc *event, u32 rows)
{
	bool by_id = event->class != EVENT_TABLE || event->id == KVMW_EVENT_TOTAL ||
		     event->id == KVMW_EVENT_HOLDER || event->id == KVMW_EVENT_LOSS;
	bool of_events = event->id == KVMW_EVENT_TOTAL || event->id == KVMW_EVENT_LOSS;
	int vcpu = cut__field(event, "vcpu"), pid = cut__field(event, "pid"),
	    number = cut__field(event, "number");
	int of = of_events ? cut__field(event, "event") : -1;
	u64 last = KVMW_NONE, last_event = KVMW_NONE, nr = 0;
	bool kept = true;

	for (u32 i = 0; i < rows; i++) {
		u64 id = by_id ? cut__value(c, vcpu, i) : cut__value(c, pid, i),
		    event_id = cut__value(c, of, i);

		if (cut__selects(c) && (id != last || event_id != last_event || !i))
			kept = event->id == KVMW_EVENT_LOSS ? keeps_of_vcpu(c, id) :
			       by_id ? cut__has_rows_of(c, of < 0 ? event->id : event_id, id) :
			       pid < 0 || cut__has_pid(c, id);
		last = id;
		last_event = event_id;
		c->out.keep[i] =
			kept && (by_id || has_number(c, cut__value(c, number, i))) &&
			(!of_events || (event_id < KVMW_MAX_EVENTS && c->events >> event_id & 1));
		nr += c->out.keep[i];
	}
	return nr;
}

/* ---- frames ------------------------------------------------------------------- */

static bool ends_before(const struct cut *c, u64 time_ns)
{
	const struct time_window *w = &c->rec->window;

	return w->active && time_ns < w->from && w->from > c->rec->meta.start_ns;
}

bool cut__has_time(const struct cut *c, u64 time_ns)
{
	return !c->rec->window.active || (time_ns <= c->rec->window.to && !ends_before(c, time_ns));
}

static bool is_inside(const struct cut *c, const struct data_frame *f)
{
	return cut__has_time(c, f->first_ns) && cut__has_time(c, f->last_ns);
}

static int cut__take_events(struct cut *c, const struct data_reader *r, const struct data_frame *f,
		       const struct event_desc *event)
{
	const struct time_window *w = &c->rec->window;
	bool outside = w->active && (f->first_ns > w->to || ends_before(c, f->last_ns));
	int time = cut__field(event, "time_ns"), ret = 0;
	u32 nr = f->rows;

	if (f->event >= KVMW_MAX_EVENTS || !(c->events >> f->event & 1))
		return 0;
	if (w->active && (!outside || c->sums.all_rows))
		ret = cut_sums__rows(c, r, f, event);
	if (ret || outside)
		return ret;
	memset(c->out.keep, 1, f->rows);
	if (cut__selects(c) || !is_inside(c, f)) {
		ret = part_out__decode(&c->out, r, f, event, is_chosen_by);
		if (ret)
			return ret;
		nr = choose_rows(c, event, f->rows);
		for (u32 i = 0; i < f->rows && w->active; i++) {
			bool kept = c->out.keep[i] && cut__has_time(c, cut__value(c, time, i));

			nr -= c->out.keep[i] && !kept;
			c->out.keep[i] = kept;
		}
	}
	return part_out__put_kept(&c->out, r, f, event, nr);
}

/* Of a span of time: how many of them were lost in the part of it that is kept is not known. */
static u32 choose_losses(struct cut *c, const struct event_desc *event, u32 rows, u32 nr)
{
	int first = cut__field(event, "first_ns"), last = cut__field(event, "last_ns");
	const struct time_window *w = &c->rec->window;

	for (u32 i = 0; i < rows && w->active; i++) {
		bool kept = c->out.keep[i] && cut__value(c, first, i) <= w->to &&
			    !ends_before(c, cut__value(c, last, i));

		nr -= c->out.keep[i] && !kept;
		c->out.keep[i] = kept;
	}
	return nr;
}

static bool is_sum(u32 event)
{
	return event == KVMW_EVENT_TOTAL || event == KVMW_EVENT_HOLDER ||
	       event == KVMW_EVENT_TAKEN || event == KVMW_EVENT_COST;
}

/* What nobody in particular took is of no VM; without its row, what was taken would be unknown. */
static int put_others(struct cut *c, const struct event_desc *event, u32 rows)
{
	int kind = cut__field(event, "kind");
	struct kvmw_taken row;

	for (u32 i = 0; i < rows; i++) {
		if (cut__value(c, kind, i) != KVMW_taken_OTHERS)
			continue;
		memset(&row, 0xff, sizeof(row));
		row.place = cut__value(c, cut__field(event, "place"), i);
		row.kind = KVMW_taken_OTHERS;
		row.count = row.bytes = row.guest_count = row.guest_bytes = 0;
		row.cause = 0;
		if (part_out__rows(&c->out, KVMW_EVENT_TAKEN, &row, 1))
			return -1;
	}
	return 0;
}

static int cut__take_table(struct cut *c, const struct data_reader *r, const struct data_frame *f,
		      const struct event_desc *event)
{
	bool in_time = is_sum(event->id) && c->rec->window.active;
	int ret = part_out__decode(&c->out, r, f, event,
				   in_time || event->id == KVMW_EVENT_TAKEN ? NULL : is_chosen_by);
	u32 nr;

	if (ret)
		return ret;
	nr = choose_rows(c, event, f->rows);
	if (in_time) {
		part_out__compact(&c->out, event, f->rows, NULL);
		return cut_sums__table(c, event, nr);
	}
	if (event->id == KVMW_EVENT_LOSS)
		nr = choose_losses(c, event, f->rows, nr);
	if (event->id == KVMW_EVENT_TAKEN && c->vms->nr && put_others(c, event, f->rows))
		return -1;
	return part_out__put_kept(&c->out, r, f, event, nr);
}

static int cut__take_rows(void *ctx, const struct data_reader *r, const struct data_frame *f,
			  const struct event_desc *event)
{
	struct cut *c = ctx;

	if (f->type != DATA_EVENTS)
		return cut__take_table(c, r, f, event);
	if (f->last_ns > c->sums.now_ns)
		c->sums.now_ns = f->last_ns;
	return cut__take_events(c, r, f, event);
}

int cut__take(struct cut *c, const struct data_reader *r, const struct data_frame *f)
{
	return part_out__take(&c->out, r, f, cut__text, cut__take_rows, c);
}

int cut__begin(struct cut *c)
{
	return part_out__open(&c->out) || cut_sums__begin(c) || cut__put_meta(c, 0, true) ? -1 : 0;
}

int cut__end(struct cut *c, bool finished, u64 missing_rows)
{
	bool whole = finished && !missing_rows && !c->out.dropped_frames;

	if ((c->rec->window.active && cut_sums__put(c)) ||
	    cut__put_meta(c, missing_rows + c->out.dropped_rows, false))
		return -1;
	/* Without its end, it is seen to lack something, as the recording does. */
	return whole ? data_writer__finish(c->out.writer) : 0;
}

void cut__free(struct cut *c)
{
	cut_sums__free(&c->sums);
	part_out__close(&c->out);
}
