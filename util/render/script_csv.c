// SPDX-License-Identifier: GPL-2.0
/*
 * kvmw script --csv: RFC 4180, one line per event; an empty field is unknown, or another
 * event's.  The columns are those of all events shown, each name once.
 */
#include "util/array.h"
#include "util/render/script_print.h"

/* In the order of their columns. */
static const enum script_head heads[] = {
	HEAD_TIME, HEAD_EVENT, HEAD_KIND, HEAD_PID, HEAD_VCPU, HEAD_VCPU_ID, HEAD_TID, HEAD_COMM,
	HEAD_CPU,
};

static struct csv_column *add_column(struct script_printer *p, const struct field_view *f)
{
	struct csv_column *c;

	for (u32 i = 0; i < p->nr_columns; i++)
		if (!strcmp(p->column[i].name, f->desc->name))
			return &p->column[i];
	if (array__reserve(p->column, p->nr_columns, p->room_columns, NULL))
		return NULL;
	c = &p->column[p->nr_columns++];
	c->name = f->desc->name;
	c->form = f->form;
	for (u32 id = 0; id < KVMW_MAX_EVENTS; id++)
		c->field[id] = -1;
	return c;
}

static bool shows(const struct script_printer *p, u32 event)
{
	return p->model->view[event].event && p->model->view[event].wanted;
}

static void script_csv__put_header(struct script_printer *p)
{
	struct out *out = p->out;
	const char *comma = "";

	for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
		if (!p->model->head[heads[i]])
			continue;
		out__text(out, comma);
		out__text(out, script_head__name(heads[i]));
		comma = ",";
	}
	for (u32 i = 0; i < p->nr_columns; i++) {
		out__text(out, comma);
		out__text(out, p->column[i].name);
		comma = ",";
		if (field__numbered(p->column[i].form)) {
			out__char(out, ',');
			out__text(out, p->column[i].name);
			out__text(out, "_number");
		}
	}
	if (p->names)
		out__text(out, ",name");
	if (shows(p, KVMW_EVENT_STACK))
		out__text(out, ",kernel_stack,user_stack");
	if (shows(p, KVMW_EVENT_RAW))
		out__text(out, ",text,bytes");
	out__char(out, '\n');
}

static int script_csv__begin(struct script_printer *p)
{
	for (u32 id = 0; id < KVMW_MAX_EVENTS; id++) {
		const struct event_view *v = &p->model->view[id];

		for (u32 i = 0; shows(p, id) && i < v->nr_fields; i++) {
			struct csv_column *c = add_column(p, &v->field[i]);

			if (!c)
				return -1;
			c->field[id] = i;
			p->names |= (int)v->field[i].field == v->named.number;
			/* With names in one event and plain numbers in another: both. */
			if (field__numbered(v->field[i].form))
				c->form = v->field[i].form;
		}
	}
	script_csv__put_header(p);
	return 0;
}

static void script_csv__put_u64(struct out *out, u64 value)
{
	if (value != KVMW_NONE)
		out__dec(out, value);
}

static void script_csv__put_head(struct script_printer *p, const struct script_row *row,
				 enum script_head head)
{
	const struct rec_vcpu *entry = row->who->entry;
	struct out *out = p->out;

	switch (head) {
	case HEAD_TIME:
		script_csv__put_u64(out, row->time_ns);
		break;
	case HEAD_EVENT:
		out__csv(out, row->view->event->name);
		break;
	case HEAD_KIND:
		if (row->kind_name)
			out__csv(out, row->kind_name);
		else
			script_csv__put_u64(out, row->kind);
		break;
	case HEAD_PID:
		script_csv__put_u64(out, row->who->vm ? row->who->vm->pid : KVMW_NONE);
		break;
	case HEAD_VCPU:
		script_csv__put_u64(out, entry && entry->vcpu >= 0 ? (u64)entry->vcpu : KVMW_NONE);
		break;
	case HEAD_VCPU_ID:
		script_csv__put_u64(out, row->view->vcpu < 0 ? KVMW_NONE : row->who->id);
		break;
	case HEAD_TID:
		script_csv__put_u64(out, row->tid);
		break;
	case HEAD_COMM:
		out__csv(out, row->comm ?: "");
		break;
	default:
		script_csv__put_u64(out, row->cpu);
		break;
	}
}

static void script_csv__put_number(struct out *out, const struct field_view *f, u64 value)
{
	bool minus = field_type__signed(f->desc->type) && (s64)value < 0;

	if (minus)
		out__char(out, '-');
	out__dec(out, minus ? -value : value);
}

static void script_csv__put_field(struct script_printer *p, const struct script_row *row,
				  const struct field_view *f, bool numbered)
{
	u64 value = script_row__get(row, f->field);
	bool none = field__none(f->desc, value);
	char buf[FIELD_NAME_MAX];
	const char *name = NULL;

	if (!none && f->form != FORM_ERRNO)
		name = script_printer__name(p, row, f->form, value, buf);
	if (name)
		out__csv(p->out, name);
	else if (!none && !numbered)
		script_csv__put_number(p->out, f, value);
	if (!numbered)
		return;
	out__char(p->out, ',');
	if (!none)
		script_csv__put_number(p->out, f, value);
}

/* The outermost first, as flame graphs want them. */
static void script_csv__put_stack(struct out *out, const struct rec_stack *stack)
{
	for (u32 i = stack->nr; i--; ) {
		for (const char *c = stack->frame[i]; *c; c++)
			out__char(out, strchr(",;\"", *c) ? '_' : *c);
		if (i)
			out__char(out, ';');
	}
}

static void script_csv__put_stacks(struct script_printer *p, const struct script_row *row)
{
	static const char *const names[] = { "kernel", "user" };
	const struct event_view *v = row->view;

	for (size_t k = 0; k < ARRAY_SIZE(names); k++) {
		out__char(p->out, ',');
		for (u32 i = 0; i < v->nr_fields; i++) {
			const struct rec_stack *stack =
				script_row__stack(p->model, row, &v->field[i]);

			if (stack && !strcmp(v->field[i].desc->name, names[k]))
				script_csv__put_stack(p->out, stack);
		}
	}
}

static void script_csv__put_raw(struct script_printer *p, const struct script_row *row)
{
	const char *text = NULL;

	out__char(p->out, ',');
	if (row->tp)
		text = tracepoint__text(row->tp, row->raw, row->raw_size);
	if (text)
		out__csv(p->out, text);
	out__char(p->out, ',');
	if (row->view->event->id == KVMW_EVENT_RAW)
		out__hex_bytes(p->out, row->raw, row->raw_size);
}

static void script_csv__row(struct script_printer *p, const struct script_row *row)
{
	const struct event_view *v = row->view;
	char buf[ICR_NAME_MAX];
	bool first = true;

	for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
		if (!p->model->head[heads[i]])
			continue;
		if (!first)
			out__char(p->out, ',');
		first = false;
		script_csv__put_head(p, row, heads[i]);
	}
	for (u32 i = 0; i < p->nr_columns; i++) {
		const struct csv_column *c = &p->column[i];
		int field = c->field[v->event->id];

		if (!first)
			out__char(p->out, ',');
		first = false;
		if (field >= 0)
			script_csv__put_field(p, row, &v->field[field], field__numbered(c->form));
		else if (field__numbered(c->form))
			out__char(p->out, ',');
	}
	if (p->names) {
		out__char(p->out, ',');
		out__csv(p->out, script_row__name(p->model, row, buf) ?: "");
	}
	if (shows(p, KVMW_EVENT_STACK))
		script_csv__put_stacks(p, row);
	if (shows(p, KVMW_EVENT_RAW))
		script_csv__put_raw(p, row);
	out__char(p->out, '\n');
}

const struct script_format script_csv = {
	.begin = script_csv__begin,
	.row = script_csv__row,
	.texts = true,
};
