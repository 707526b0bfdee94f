// SPDX-License-Identifier: GPL-2.0
/* kvmw script --json: one object per line, named as in util/events.h; null: not told. */
#include "util/render/script.h"

static void begin_object(struct script *sc)
{
	out__char(sc->out, '{');
	sc->first = true;
}

static void put_key(struct script *sc, const char *key, const char *more)
{
	if (!sc->first)
		out__char(sc->out, ',');
	sc->first = false;
	out__char(sc->out, '"');
	out__text(sc->out, key);
	out__text(sc->out, more);
	out__text(sc->out, "\":");
}

static void script_json__put_number(struct out *out, u64 value, bool is_signed)
{
	if (is_signed && (s64)value < 0) {
		out__char(out, '-');
		value = -value;
	}
	out__dec(out, value);
}

static void script_json__put_u64(struct script *sc, enum script_head head, u64 value)
{
	if (!sc->head[head])
		return;
	put_key(sc, script_head__name(head), "");
	if (value == KVMW_NONE)
		out__text(sc->out, "null");
	else
		out__dec(sc->out, value);
}

static void put_text(struct script *sc, enum script_head head, const char *text)
{
	if (!sc->head[head])
		return;
	put_key(sc, script_head__name(head), "");
	if (text)
		out__json(sc->out, text);
	else
		out__text(sc->out, "null");
}

static void script_json__put_head(struct script *sc, const struct script_row *row)
{
	const struct rec_vcpu *entry = row->who->entry;

	script_json__put_u64(sc, HEAD_TIME, row->time_ns);
	put_text(sc, HEAD_EVENT, row->view->event->name);
	if (row->kind_name || row->kind == KVMW_NONE)
		put_text(sc, HEAD_KIND, row->kind_name);
	else
		script_json__put_u64(sc, HEAD_KIND, row->kind);
	script_json__put_u64(sc, HEAD_PID, row->who->vm ? row->who->vm->pid : KVMW_NONE);
	script_json__put_u64(sc, HEAD_VCPU,
			     entry && entry->vcpu >= 0 ? (u64)entry->vcpu : KVMW_NONE);
	script_json__put_u64(sc, HEAD_VCPU_ID, row->view->vcpu < 0 ? KVMW_NONE : row->who->id);
	script_json__put_u64(sc, HEAD_TID, row->tid);
	put_text(sc, HEAD_COMM, row->comm);
	script_json__put_u64(sc, HEAD_CPU, row->cpu);
}

static void script_json__put_value(struct script *sc, const struct script_row *row,
				   const struct field_view *f, u64 value)
{
	char buf[FIELD_NAME_MAX];
	const char *name;

	if (f->form == FORM_BOOL && value <= 1) {
		out__text(sc->out, value ? "true" : "false");
		return;
	}
	/* An error is a number to programs, as in C. */
	name = f->form == FORM_ERRNO ? NULL : script__name(sc, row, f->form, value, buf);
	if (name)
		out__json(sc->out, name);
	else if (field__numbered(f->form))
		out__text(sc->out, "null");
	else
		script_json__put_number(sc->out, value, field_type__signed(f->desc->type));
}

static void script_json__put_field(struct script *sc, const struct script_row *row,
				   const struct field_view *f)
{
	u64 value = script_row__get(row, f->field);
	bool none = field__none(f->desc, value);

	put_key(sc, f->desc->name, "");
	if (none)
		out__text(sc->out, "null");
	else
		script_json__put_value(sc, row, f, value);
	if (!field__numbered(f->form))
		return;
	put_key(sc, f->desc->name, "_number");
	if (none)
		out__text(sc->out, "null");
	else
		script_json__put_number(sc->out, value, field_type__signed(f->desc->type));
}

static void script_json__put_stacks(struct script *sc, const struct script_row *row)
{
	const struct event_view *v = row->view;

	for (u32 i = 0; i < v->nr_fields; i++) {
		const struct rec_stack *stack = script__stack(sc, row, &v->field[i]);

		if (!script__is_stack(v, &v->field[i]))
			continue;
		put_key(sc, v->field[i].desc->name, "_stack");
		out__text(sc->out, stack ? "[" : "null");
		for (u32 k = 0; stack && k < stack->nr; k++) {
			if (k)
				out__char(sc->out, ',');
			out__json(sc->out, stack->frame[k]);
		}
		if (stack)
			out__char(sc->out, ']');
	}
}

static void put_raw_value(struct out *out, const struct tracepoint_field *f,
			  const struct script_row *row)
{
	char text[TRACEPOINT_BYTES + 1];
	u64 value;
	u32 len;
	const u8 *p = tracepoint__value(f, row->raw, row->raw_size, &len);

	if (!p) {
		out__text(out, "null");
	} else if (tracepoint__number(f, row->raw, row->raw_size, &value)) {
		script_json__put_number(out, value, f->type == TP_SIGNED);
	} else if (f->type == TP_STRING) {
		snprintf(text, sizeof(text), "%.*s", (int)len, (const char *)p);
		out__json(out, text);
	} else {
		out__char(out, '"');
		out__hex_bytes(out, p, len);
		out__char(out, '"');
	}
}

/* "fields" by their names in the kernel; "bytes": the bytes of what cannot be decoded. */
static void script_json__put_raw(struct script *sc, const struct script_row *row)
{
	struct out *out = sc->out;

	if (row->tp && row->tp->nr_fields) {
		put_key(sc, "fields", "");
		begin_object(sc);
		for (u32 i = 0; i < row->tp->nr_fields; i++) {
			put_key(sc, row->tp->field[i].name, "");
			put_raw_value(out, &row->tp->field[i], row);
		}
		out__char(out, '}');
		return;
	}
	put_key(sc, "bytes", "");
	out__char(out, '"');
	out__hex_bytes(out, row->raw, row->raw_size);
	out__char(out, '"');
}

void script_json__row(struct script *sc, const struct script_row *row)
{
	const struct event_view *v = row->view;

	begin_object(sc);
	script_json__put_head(sc, row);
	for (u32 i = 0; i < v->nr_fields; i++)
		script_json__put_field(sc, row, &v->field[i]);
	script_json__put_stacks(sc, row);
	if (v->event->id == KVMW_EVENT_RAW)
		script_json__put_raw(sc, row);
	out__text(sc->out, "}\n");
}
