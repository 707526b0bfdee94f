// SPDX-License-Identifier: GPL-2.0
/* kvmw script --json: one object per line, named as in util/events.h; null: unknown. */
#include "util/render/script_print.h"

static void begin_object(struct script_printer *p)
{
	out__char(p->out, '{');
	p->first = true;
}

static void put_key(struct script_printer *p, const char *key, const char *more)
{
	if (!p->first)
		out__char(p->out, ',');
	p->first = false;
	out__char(p->out, '"');
	out__text(p->out, key);
	out__text(p->out, more);
	out__text(p->out, "\":");
}

static void script_json__put_number(struct out *out, u64 value, bool is_signed)
{
	if (is_signed && (s64)value < 0) {
		out__char(out, '-');
		value = -value;
	}
	out__dec(out, value);
}

static void script_json__put_u64(struct script_printer *p, enum script_head head, u64 value)
{
	if (!p->model->head[head])
		return;
	put_key(p, script_head__name(head), "");
	if (value == KVMW_NONE)
		out__text(p->out, "null");
	else
		out__dec(p->out, value);
}

static void put_text(struct script_printer *p, enum script_head head, const char *text)
{
	if (!p->model->head[head])
		return;
	put_key(p, script_head__name(head), "");
	if (text)
		out__json(p->out, text);
	else
		out__text(p->out, "null");
}

static void script_json__put_head(struct script_printer *p, const struct script_row *row)
{
	const struct rec_vcpu *entry = row->who->entry;

	script_json__put_u64(p, HEAD_TIME, row->time_ns);
	put_text(p, HEAD_EVENT, row->view->event->name);
	if (row->kind_name || row->kind == KVMW_NONE)
		put_text(p, HEAD_KIND, row->kind_name);
	else
		script_json__put_u64(p, HEAD_KIND, row->kind);
	script_json__put_u64(p, HEAD_PID, row->who->vm ? row->who->vm->pid : KVMW_NONE);
	script_json__put_u64(p, HEAD_VCPU,
			     entry && entry->vcpu >= 0 ? (u64)entry->vcpu : KVMW_NONE);
	script_json__put_u64(p, HEAD_VCPU_ID, row->view->vcpu < 0 ? KVMW_NONE : row->who->id);
	script_json__put_u64(p, HEAD_TID, row->tid);
	put_text(p, HEAD_COMM, row->comm);
	script_json__put_u64(p, HEAD_CPU, row->cpu);
}

static void script_json__put_value(struct script_printer *p, const struct script_row *row,
				   const struct field_view *f, u64 value)
{
	char buf[FIELD_NAME_MAX];
	const char *name;

	if (f->form == FORM_BOOL && value <= 1) {
		out__text(p->out, value ? "true" : "false");
		return;
	}
	/* An error is a number to programs, as in C. */
	name = f->form == FORM_ERRNO ? NULL : script_printer__name(p, row, f->form, value, buf);
	if (name)
		out__json(p->out, name);
	else if (field__numbered(f->form))
		out__text(p->out, "null");
	else
		script_json__put_number(p->out, value, field_type__signed(f->desc->type));
}

static void put_name_of_row(struct script_printer *p, const struct script_row *row)
{
	char buf[ICR_NAME_MAX];
	const char *name = script_row__name(p->model, row, buf);

	if (!name)
		return;
	put_key(p, "name", "");
	out__json(p->out, name);
}

/* Addresses and the like; JavaScript and jq would keep only 53 bits. */
static bool is_wide_hex(const struct field_view *f)
{
	return f->form == FORM_HEX && field_type__width(f->desc->type) == 8;
}

static void put_hex(struct out *out, u64 value)
{
	out__char(out, '"');
	out__hex(out, value);
	out__char(out, '"');
}

static void script_json__put_field(struct script_printer *p, const struct script_row *row,
				   const struct field_view *f)
{
	u64 value = script_row__get(row, f->field);
	bool none = field__none(f->desc, value);

	put_key(p, f->desc->name, "");
	if (none)
		out__text(p->out, "null");
	else
		script_json__put_value(p, row, f, value);
	if (is_wide_hex(f)) {
		put_key(p, f->desc->name, "_hex");
		if (none)
			out__text(p->out, "null");
		else
			put_hex(p->out, value);
	}
	if ((int)f->field == script_row__named_field(row))
		put_name_of_row(p, row);
	if (!field__numbered(f->form))
		return;
	put_key(p, f->desc->name, "_number");
	if (none)
		out__text(p->out, "null");
	else
		script_json__put_number(p->out, value, field_type__signed(f->desc->type));
}

static void script_json__put_stacks(struct script_printer *p, const struct script_row *row)
{
	const struct event_view *v = row->view;

	for (u32 i = 0; i < v->nr_fields; i++) {
		const struct rec_stack *stack = script_row__stack(p->model, row, &v->field[i]);

		if (!event_view__is_stack(v, &v->field[i]))
			continue;
		put_key(p, v->field[i].desc->name, "_stack");
		out__text(p->out, stack ? "[" : "null");
		for (u32 k = 0; stack && k < stack->nr; k++) {
			if (k)
				out__char(p->out, ',');
			out__json(p->out, stack->frame[k]);
		}
		if (stack)
			out__char(p->out, ']');
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

static void put_raw_hex(struct script_printer *p, const struct tracepoint_field *f,
			const struct script_row *row)
{
	u64 value;

	if (!f->hex || !tracepoint__number(f, row->raw, row->raw_size, &value))
		return;
	put_key(p, f->name, "_hex");
	put_hex(p->out, value);
}

/* "fields" by their names in the kernel; "bytes": the bytes of what cannot be decoded. */
static void script_json__put_raw(struct script_printer *p, const struct script_row *row)
{
	struct out *out = p->out;

	if (row->tp && row->tp->nr_fields) {
		put_key(p, "fields", "");
		begin_object(p);
		for (u32 i = 0; i < row->tp->nr_fields; i++) {
			put_key(p, row->tp->field[i].name, "");
			put_raw_value(out, &row->tp->field[i], row);
			put_raw_hex(p, &row->tp->field[i], row);
		}
		out__char(out, '}');
		return;
	}
	put_key(p, "bytes", "");
	if (!row->raw_size && script_printer__hides_raw(p)) {
		out__text(out, "null");
		return;
	}
	out__char(out, '"');
	out__hex_bytes(out, row->raw, row->raw_size);
	out__char(out, '"');
}

static void script_json__row(struct script_printer *p, const struct script_row *row)
{
	const struct event_view *v = row->view;

	begin_object(p);
	script_json__put_head(p, row);
	for (u32 i = 0; i < v->nr_fields; i++)
		script_json__put_field(p, row, &v->field[i]);
	script_json__put_stacks(p, row);
	if (v->event->id == KVMW_EVENT_RAW)
		script_json__put_raw(p, row);
	out__text(p->out, "}\n");
}

const struct script_format script_json = {
	.row = script_json__row,
};
