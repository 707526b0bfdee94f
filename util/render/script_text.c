// SPDX-License-Identifier: GPL-2.0
/*
 * kvmw script: lines as perf script has them.
 *
 *         CPU 0/KVM  4712 [003] 12345.678901234: exit: vcpu=0 reason=npf total=4.5us ...
 */
#include <string.h>

#include "util/arch/names.h"
#include "util/render/script_print.h"
#include "util/symbols/regions.h"
#include "util/text.h"

#define COMM_WIDTH 16

/* The same width for ASCII, which comms are, as for what comes in its place. */
static void put_comm(struct out *out, const char *comm)
{
	size_t len = strlen(comm);

	for (; len < COMM_WIDTH; len++)
		out__char(out, ' ');
	out__shown(out, comm);
}

static void put_time(struct out *out, u64 ns, u32 width)
{
	out__padded(out, ns / NSEC_PER_SEC, width, ' ');
	out__char(out, '.');
	out__padded(out, ns % NSEC_PER_SEC, 9, '0');
}

static void put_event(struct script_printer *p, const struct script_row *row)
{
	const struct event_view *v = row->view;
	bool kind = p->model->head[HEAD_KIND] && row->kind != KVMW_NONE;

	/* A tracepoint's name says it all. */
	if (p->model->head[HEAD_EVENT] && !(kind && row->tp))
		out__text(p->out, v->event->name);
	if (kind && p->model->head[HEAD_EVENT] && !row->tp)
		out__char(p->out, ':');
	if (kind && row->kind_name)
		out__shown(p->out, row->kind_name);
	else if (kind)
		out__dec(p->out, row->kind);
	if (kind || p->model->head[HEAD_EVENT])
		out__text(p->out, ": ");
}

static void put_who(struct script_printer *p, const struct script_row *row)
{
	const struct rec_vcpu *entry = row->who->entry;
	const struct rec_vm *vm = row->who->vm;
	char name[REC_VM_NAME];

	if (p->model->head[HEAD_VCPU_ID] && row->view->vcpu >= 0) {
		out__text(p->out, "vcpu_id=");
		out__dec(p->out, row->who->id);
		out__char(p->out, ' ');
	}
	if (!p->model->head[HEAD_VCPU] || !entry || entry->vcpu < 0)
		return;
	out__text(p->out, "vcpu=");
	if (vm && vm->number) {
		out__text(p->out, rec_vm__name(vm, name));
		out__char(p->out, '/');
	}
	out__dec(p->out, entry->vcpu);
	out__char(p->out, ' ');
}

static void script_text__put_head(struct script_printer *p, const struct script_row *row)
{
	const struct rec_vm *vm = row->who->vm;
	struct out *out = p->out;
	char name[REC_VM_NAME];

	if (p->model->head[HEAD_COMM]) {
		put_comm(out, row->comm ?: ":");
		out__char(out, ' ');
	}
	if (p->model->head[HEAD_PID]) {
		if (vm && vm->number)
			out__text(out, rec_vm__name(vm, name));
		else if (vm)
			out__padded(out, vm->pid, p->model->head[HEAD_TID] ? 0 : 7, ' ');
		else
			out__text(out, "?");
		out__char(out, p->model->head[HEAD_TID] ? '/' : ' ');
	}
	if (p->model->head[HEAD_TID]) {
		if (row->tid != KVMW_NONE)
			out__padded(out, row->tid, 7, ' ');
		else
			out__text(out, "      ?");
		out__char(out, ' ');
	}
	if (p->model->head[HEAD_CPU]) {
		if (row->cpu != KVMW_NONE) {
			out__char(out, '[');
			out__padded(out, row->cpu, 3, '0');
			out__text(out, "] ");
		} else {
			out__text(out, "[---] ");
		}
	}
	if (p->model->head[HEAD_TIME]) {
		put_time(out, row->time_ns, 5);
		out__text(out, ": ");
	}
	put_event(p, row);
	put_who(p, row);
}

/* What a number means, as one word: "(COM1_transmit)" */
static void put_name_of_number(struct script_printer *p, const struct script_row *row, u32 field)
{
	char buf[ICR_NAME_MAX], word[4 * REGION_NAME_MAX + 1];
	const char *name = script_row__number_name(p->model, row, field, buf);
	size_t len = 0;

	if (!name)
		return;
	for (; *name && len < sizeof(word) - 1; name++)
		if (*name != ' ' || (len && word[len - 1] != ':'))
			word[len++] = *name == ' ' ? '_' : *name;
	word[len] = '\0';
	out__char(p->out, '(');
	out__shown(p->out, word);
	out__char(p->out, ')');
}

/* The number that a detail's kind says something of: "wrmsr:0x6e0(TSC_DEADLINE)" */
static void put_detail(struct script_printer *p, const struct script_row *row,
		       const struct field_view *f)
{
	u64 value = script_row__get(row, f->detail_of);

	if (value == KVMW_NONE)
		return;
	out__char(p->out, ':');
	out__hex(p->out, value);
	put_name_of_number(p, row, f->detail_of);
}

static void put_thread(struct script_printer *p, u64 tid)
{
	const struct rec_task *task = tid > UINT32_MAX ? NULL : recording__task(p->model->rec, tid);

	out__dec(p->out, tid);
	if (!task || !*task->comm)
		return;
	out__char(p->out, '(');
	out__shown(p->out, task->comm);
	out__char(p->out, ')');
}

static void script_text__put_value(struct script_printer *p, const struct script_row *row,
				   const struct field_view *f, u64 value)
{
	char buf[FIELD_NAME_MAX];
	const char *name = script_printer__name(p, row, f->form, value, buf);

	if (name) {
		out__text(p->out, name);
		return;
	}
	switch (f->form) {
	case FORM_NS:
		out__ns(p->out, value);
		break;
	case FORM_TIME:
		put_time(p->out, value, 0);
		break;
	case FORM_HEX:
	case FORM_IOCTL:
	case FORM_REASON:
		out__hex(p->out, value);
		break;
	case FORM_THREAD:
		put_thread(p, value);
		break;
	case FORM_SIGNED:
	case FORM_ERRNO:
		if ((s64)value < 0)
			out__char(p->out, '-');
		out__dec(p->out, (s64)value < 0 ? -value : value);
		break;
	default:
		out__dec(p->out, value);
		break;
	}
}

/* Nothing more is known, no bytes were counted, the guest is an ordinary one: not worth a word. */
static bool is_nothing(const struct field_view *f, u64 value)
{
	if (f->form == FORM_DETAIL && value == KVMW_DETAIL_NONE)
		return true;
	return !value && (!strcmp(f->desc->name, "detail_size") || !strcmp(f->desc->name, "nested"));
}

static void script_text__put_field(struct script_printer *p, const struct script_row *row,
				   const struct field_view *f)
{
	u64 value = script_row__get(row, f->field);

	if (field__none(f->desc, value) || is_nothing(f, value))
		return;
	out__text(p->out, f->label);
	out__char(p->out, '=');
	script_text__put_value(p, row, f, value);
	if (f->detail_of >= 0)
		put_detail(p, row, f);
	else
		put_name_of_number(p, row, f->field);
	out__char(p->out, ' ');
}

/* The innermost first, as perf script has them. */
static void script_text__put_stack(struct script_printer *p, const struct rec_stack *stack)
{
	for (u32 i = 0; i < stack->nr; i++) {
		out__text(p->out, "\n\t    ");
		out__shown(p->out, stack->frame[i]);
	}
}

static void script_text__put_stacks(struct script_printer *p, const struct script_row *row)
{
	const struct event_view *v = row->view;

	for (u32 i = 0; i < v->nr_fields; i++) {
		const struct rec_stack *stack = script_row__stack(p->model, row, &v->field[i]);

		if (stack)
			script_text__put_stack(p, stack);
	}
}

static void put_raw_field(struct out *out, const struct tracepoint_field *f,
			  const struct script_row *row)
{
	u32 len;
	const u8 *p = tracepoint__value(f, row->raw, row->raw_size, &len);
	u64 value;

	if (!p)
		return;
	out__text(out, f->name);
	out__char(out, '=');
	if (tracepoint__number(f, row->raw, row->raw_size, &value)) {
		if (f->hex) {
			out__hex(out, value);
		} else {
			if (f->type == TP_SIGNED && (s64)value < 0)
				out__char(out, '-');
			out__dec(out, f->type == TP_SIGNED && (s64)value < 0 ? -value : value);
		}
	} else if (f->type == TP_STRING) {
		for (u32 i = 0; i < len && p[i]; i++)
			out__char(out, p[i] >= ' ' && p[i] < 0x7f ? p[i] : '?');
	} else {
		out__hex_bytes(out, p, len);
	}
	out__char(out, ' ');
}

/* As the kernel prints it; else field by field; else as bytes. */
static void script_text__put_raw(struct script_printer *p, const struct script_row *row)
{
	const char *text = row->tp ? tracepoint__text(row->tp, row->raw, row->raw_size) : NULL;

	if (text) {
		out__text(p->out, text);
	} else if (row->tp && row->tp->nr_fields) {
		for (u32 i = 0; i < row->tp->nr_fields; i++)
			put_raw_field(p->out, &row->tp->field[i], row);
	} else {
		out__hex_bytes(p->out, row->raw, row->raw_size);
	}
}

static void script_text__row(struct script_printer *p, const struct script_row *row)
{
	const struct event_view *v = row->view;

	script_text__put_head(p, row);
	for (u32 i = 0; i < v->nr_fields; i++)
		script_text__put_field(p, row, &v->field[i]);
	if (v->event->id == KVMW_EVENT_RAW)
		script_text__put_raw(p, row);
	/* No blanks at the end of lines. */
	while (p->out->len && p->out->buf[p->out->len - 1] == ' ')
		p->out->len--;
	script_text__put_stacks(p, row);
	out__char(p->out, '\n');
}

const struct script_format script_text = {
	.row = script_text__row,
	.for_people = true,
};
