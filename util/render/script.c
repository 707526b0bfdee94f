// SPDX-License-Identifier: GPL-2.0
/* kvmw script: rows with what is known about them; which of them are shown. */
#include <stdlib.h>
#include <string.h>

#include "util/arch/reason.h"
#include "util/error.h"
#include "util/render/script.h"

void script__free(struct script *sc)
{
	for (u32 i = 0; i < KVMW_MAX_EVENTS; i++) {
		free(sc->view[i].field);
		free(sc->view[i].kinds);
	}
	free(sc->column);
	tracepoints__free(sc->tps);
}

int script__wants(void *script, const struct data_reader *r, const struct data_frame *f)
{
	struct script *sc = script;
	const struct data_event *event = data_reader__event(r, f->event);

	if (!sc->resolved && script__resolve(sc, r))
		return -1;
	if (!event || event->id >= KVMW_MAX_EVENTS || !sc->view[event->id].wanted)
		return 0;
	return script__view(sc, event) ? 1 : -1;
}

/* Reasons repeat, and putting their names together takes longer than all else. */
const char *script__name(struct script *sc, const struct script_row *row, enum field_form form,
			 u64 value, char *buf)
{
	u64 isa = row->view->isa < 0 ? KVMW_NONE : script_row__get(row, row->view->isa);
	struct script_name *name = &sc->name[(value ^ isa << 3) % SCRIPT_NAMES];

	if (form == FORM_USER)
		isa = KVMW_ISA_NONE;
	else if (form != FORM_REASON)
		return field__name(form, row->view->event, value, isa, buf);
	if (isa == KVMW_NONE)
		return NULL;
	if (!*name->text || name->isa != isa || name->reason != value) {
		name->isa = isa;
		name->reason = value;
		reason_name(isa, value, name->text, sizeof(name->text));
	}
	return name->text;
}

bool script__is_stack(const struct event_view *view, const struct field_view *field)
{
	return view->event->id == KVMW_EVENT_STACK &&
	       (!strcmp(field->desc->name, "kernel") || !strcmp(field->desc->name, "user"));
}

const struct rec_stack *script__stack(const struct script *sc, const struct script_row *row,
				      const struct field_view *field)
{
	u64 id;

	if (!script__is_stack(row->view, field))
		return NULL;
	id = script_row__get(row, field->field);
	return id > UINT32_MAX ? NULL : recording__stack(sc->rec, id);
}

static bool kind_wanted(const struct event_view *v, u64 kind)
{
	for (u32 i = 0; !v->all_kinds && i < v->nr_kinds; i++)
		if (v->kinds[i] == kind)
			return true;
	return v->all_kinds;
}

static void ask_who(struct script *sc, u32 id)
{
	const struct script_options *opt = sc->opt;
	struct script_who *who = &sc->who;

	who->valid = true;
	who->id = id;
	who->as_of = sc->rec->frames[DATA_IDENT].frames;
	who->entry = recording__vcpu(sc->rec, id);
	who->vm = who->entry ? recording__vm(sc->rec, who->entry->vm) : NULL;
	who->wanted = (!opt->vcpus.nr || (who->entry && rec_vcpu__is_vcpu(who->entry) &&
					  who->entry->vcpu >= 0 &&
					  number_list__has(&opt->vcpus, who->entry->vcpu))) &&
		      (!opt->pids.nr || (who->vm && number_list__has(&opt->pids, who->vm->pid)));
}

static const char *comm_of(const struct script *sc, const struct script_who *who, u64 tid)
{
	const struct rec_task *task;

	if (who->entry && who->entry->tid == tid && *who->entry->comm)
		return who->entry->comm;
	task = tid > UINT32_MAX ? NULL : recording__task(sc->rec, tid);
	return task && *task->comm ? task->comm : NULL;
}

static u64 get(const struct script_row *row, int field)
{
	u64 value = field < 0 ? KVMW_NONE : script_row__get(row, field);

	if (field >= 0 && field__none(&row->view->event->fields[field], value))
		return KVMW_NONE;
	return value;
}

static void take_raw(struct script *sc, struct script_row *row)
{
	const struct data_event *event = row->view->event;
	int size = data_event__field(event, "size"), first = data_event__field(event, "w0");
	u64 bytes = size < 0 ? 0 : script_row__get(row, size), word = 0;

	row->raw_size = bytes > TRACEPOINT_BYTES ? TRACEPOINT_BYTES : bytes;
	if (first < 0 || event->nr_fields - first < KVMW_RAW_WORDS) {
		row->raw_size = 0;
		return;
	}
	for (u32 i = 0; i < row->raw_size; i++) {
		word = i % 8 ? word >> 8 : script_row__get(row, first + i / 8);
		row->raw[i] = word;
	}
	row->tp = tracepoints__find(sc->tps, row->kind);
	row->kind_name = row->tp ? row->tp->name : NULL;
}

static int begin(struct script *sc)
{
	if (!sc->tps) {
		sc->tps = tracepoints__new(sc->rec);
		if (!sc->tps)
			return -1;
	}
	return sc->opt->form == SCRIPT_CSV && !sc->csv_begun ? script_csv__begin(sc) : 0;
}

static void script__print(struct script *sc, const struct script_row *row)
{
	switch (sc->opt->form) {
	case SCRIPT_JSON:
		script_json__row(sc, row);
		break;
	case SCRIPT_CSV:
		script_csv__row(sc, row);
		break;
	default:
		script_text__row(sc, row);
		break;
	}
	sc->printed++;
}

/* Fills in what all forms need, if the row is wanted. */
static bool take_row(struct script *sc, struct script_row *row)
{
	const struct event_view *v = row->view;
	u64 id = v->vcpu < 0 ? KVMW_NONE : script_row__get(row, v->vcpu);

	row->kind = get(row, v->kind);
	if (!kind_wanted(v, row->kind))
		return false;
	if (!sc->who.valid || sc->who.id != (u32)id ||
	    sc->who.as_of != sc->rec->frames[DATA_IDENT].frames)
		ask_who(sc, id);
	if (!sc->who.wanted)
		return false;
	row->who = &sc->who;
	row->time_ns = slice__time(row->slice, row->i);
	row->cpu = get(row, v->cpu);
	row->tid = get(row, v->tid);
	if (v->tid < 0 && sc->who.entry)
		row->tid = sc->who.entry->tid;
	row->comm = comm_of(sc, &sc->who, row->tid);
	row->kind_name = NULL;
	if (v->event->id == KVMW_EVENT_RAW)
		take_raw(sc, row);
	else if (row->kind != KVMW_NONE)
		row->kind_name = data_event__kind(v->event, row->kind);
	return true;
}

int script__rows(void *script, const struct slice *s, u32 from, u32 to)
{
	struct script *sc = script;
	struct script_row row;

	if (begin(sc))
		return -1;
	/* Not all of it: the room for raw records is large. */
	row.view = &sc->view[s->event->id];
	row.slice = s;
	row.tp = NULL;
	row.raw_size = 0;
	for (row.i = from; row.i < to; row.i++) {
		if (!take_row(sc, &row))
			continue;
		script__print(sc, &row);
		if (sc->out->err || sc->printed == sc->opt->max_events)
			return 1;
	}
	return 0;
}

int script__pause(void *script)
{
	struct script *sc = script;

	return out__flush(sc->out) ? 1 : 0;
}

int script__finish(struct script *sc)
{
	return sc->resolved ? begin(sc) : 0;
}
