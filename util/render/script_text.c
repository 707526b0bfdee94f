// SPDX-License-Identifier: GPL-2.0
/*
 * kvmw script: lines as perf script has them.
 *
 * [003]     2.103456789: exit: vcpu=0 reason=npf total=4.5us ...
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "util/arch/names.h"
#include "util/arch/reason.h"
#include "util/error.h"
#include "util/render/script_print.h"
#include "util/symbols/regions.h"
#include "util/text.h"

#define COMM_WIDTH 16

/* What is copied as OUT_SHORT bytes has as many; the label of a field is its name and a '='. */
#define BYTES(type, member)	sizeof(((type *)NULL)->member)
_Static_assert(BYTES(struct data_event, name) >= OUT_SHORT, "names of events");
_Static_assert(BYTES(struct script_name, text) >= OUT_SHORT, "names of reasons");
_Static_assert(BYTES(struct field_view, label) >= OUT_SHORT, "labels");
_Static_assert(BYTES(struct data_field, name) <= OUT_SHORT, "no label is longer");

/* Columns of a line without -F, and what stands for what does not fit. */
#define WIDTH	139
#define MORE	" ..."

/* The same width for ASCII, which comms are, as for what comes in its place. */
static void put_comm(struct out *out, const char *comm)
{
	size_t len = strlen(comm);

	for (; len < COMM_WIDTH; len++)
		out__char(out, ' ');
	out__shown(out, comm);
}

/* The text of a second is that of many rows. */
static void find_second(struct script_printer *p, u64 ns)
{
	struct script_second *second = &p->second;

	second->number = ns / NSEC_PER_SEC;
	if (p->model->clock == CLOCK_WALL)
		recording__local_time(ns, TIME_AS_TYPED, second->text, sizeof(second->text) - 1);
	else
		snprintf(second->text, sizeof(second->text) - 1, "%llu",
			 (unsigned long long)second->number);
	second->len = strlen(second->text);
	second->text[second->len++] = '.';
}

/* To the nanosecond, the seconds right-aligned; ns is of the clock that was asked for. */
static inline char *put_seconds(struct script_printer *p, char *to, u64 ns, u32 width)
{
	if (ns / NSEC_PER_SEC != p->second.number)
		find_second(p, ns);
	/* Its point is not one of them. */
	for (u32 len = p->second.len; len <= width; len++)
		*to++ = ' ';
	memcpy(to, p->second.text, sizeof(p->second.text));
	return digits__nine(to + p->second.len, ns % NSEC_PER_SEC);
}

/* A time of CLOCK_MONOTONIC. */
static inline char *put_time(struct script_printer *p, char *to, u64 ns, u32 width)
{
	const struct recording *rec = p->model->rec;
	u64 start = rec->meta.start_ns ?: rec->first_ns;

	if (p->model->clock == CLOCK_WALL)
		return put_seconds(p, to, recording__realtime(rec, ns), 0);
	if (p->model->clock == CLOCK_MONO)
		return put_seconds(p, to, ns, width);
	if (ns >= start)
		return put_seconds(p, to, ns - start, width);
	/* It began before the recording did: not long before. */
	for (u32 i = 2; i < width; i++)
		*to++ = ' ';
	*to++ = '-';
	return put_seconds(p, to, start - ns, 0);
}

static void put_event(struct script_printer *p, const struct script_row *row)
{
	const struct event_view *v = row->view;
	bool kind = p->model->head[HEAD_KIND] && row->kind != KVMW_NONE;

	/* A tracepoint's name says it all. */
	if (p->model->head[HEAD_EVENT] && !(kind && row->tp))
		out__short(p->out, v->event->name, v->name_len);
	if (kind && p->model->head[HEAD_EVENT] && !row->tp)
		out__char(p->out, ':');
	if (kind && row->kind_name)
		out__shown(p->out, row->kind_name);
	else if (kind)
		out__dec(p->out, row->kind);
	if (kind || p->model->head[HEAD_EVENT])
		out__text(p->out, ": ");
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

/* Where there are no columns for it: who it was that is no vCPU. */
static void put_other_thread(struct script_printer *p, const struct script_row *row)
{
	if (p->model->exact || p->model->head[HEAD_COMM] || p->model->head[HEAD_TID] ||
	    row->tid == KVMW_NONE)
		return;
	out__text(p->out, "tid=");
	out__dec(p->out, row->tid);
	if (row->comm) {
		out__char(p->out, '(');
		out__shown(p->out, row->comm);
		out__char(p->out, ')');
	}
	out__char(p->out, ' ');
}

/* Lines without it need none, and VMs may be many. */
static void put_vm_name(struct script_printer *p, const struct rec_vm *vm)
{
	struct script_vm_name *name = &p->vm_name[(vm->pid ^ vm->number) % SCRIPT_VMS];

	if (!name->len || name->pid != vm->pid || name->number != vm->number ||
	    name->file != vm->file) {
		rec_vm__name(vm, name->text);
		name->len = strlen(name->text);
		name->pid = vm->pid;
		name->number = vm->number;
		name->file = vm->file;
	}
	out__bytes(p->out, name->text, name->len);
}

static void put_who(struct script_printer *p, const struct script_row *row)
{
	const struct script_model *m = p->model;
	const struct rec_vcpu *entry = row->who->entry;
	const struct rec_vm *vm = row->who->vm;

	if (m->head[HEAD_VCPU_ID] && row->view->vcpu >= 0) {
		out__text(p->out, "vcpu_id=");
		out__dec(p->out, row->who->id);
		out__char(p->out, ' ');
	}
	if (!m->head[HEAD_VCPU] || !entry || entry->vcpu < 0) {
		put_other_thread(p, row);
		return;
	}
	out__text(p->out, "vcpu=");
	/* Without the thread's id, nothing else distinguishes the VMs. */
	if (vm && (vm->number || (m->rec->nr_vms > 1 && !m->exact && !m->head[HEAD_TID] &&
				  !m->head[HEAD_PID]))) {
		put_vm_name(p, vm);
		out__char(p->out, '/');
	}
	out__dec(p->out, entry->vcpu);
	out__char(p->out, ' ');
}

static inline void put_cpu(struct out *out, u64 cpu)
{
	char *to = out__room(out);

	if (cpu == KVMW_NONE) {
		out__text(out, "[---] ");
		return;
	}
	*to++ = '[';
	to = cpu < 1000 ? digits__three(to, cpu) : digits__dec(to, cpu);
	*to++ = ']';
	*to++ = ' ';
	out__end(out, to);
}

static void script_text__put_head(struct script_printer *p, const struct script_row *row)
{
	const struct rec_vm *vm = row->who->vm;
	struct out *out = p->out;

	if (p->model->head[HEAD_COMM]) {
		put_comm(out, row->comm ?: ":");
		out__char(out, ' ');
	}
	if (p->model->head[HEAD_PID]) {
		if (vm && vm->number)
			put_vm_name(p, vm);
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
	if (p->model->head[HEAD_CPU])
		put_cpu(out, row->cpu);
	if (p->model->head[HEAD_TIME]) {
		out__end(out, put_time(p, out__room(out), row->time_ns, 5));
		out__text(out, ": ");
	}
	put_event(p, row);
	put_who(p, row);
}

/* What a number means, as one word: "(COM1_transmit)" */
static void put_name_of_number(struct script_printer *p, const struct script_row *row, u32 field)
{
	NOT_CLEARED char buf[ICR_NAME_MAX], word[4 * REGION_NAME_MAX + 1];
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

static void put_reason(struct script_printer *p, const struct script_row *row,
		       enum field_form form, u64 value)
{
	const struct script_name *name = script_printer__reason(p, row, form, value);

	if (name)
		out__short(p->out, name->text, name->len);
	else if (form == FORM_REASON)
		out__hex(p->out, value);
	else
		out__dec(p->out, value);
}

static void put_signed(struct out *out, u64 value)
{
	if ((s64)value < 0)
		out__char(out, '-');
	out__dec(out, (s64)value < 0 ? -value : value);
}

static void put_named(struct script_printer *p, const struct script_row *row,
		      const struct field_view *f, u64 value)
{
	NOT_CLEARED char buf[FIELD_NAME_MAX];
	const char *name = script_printer__name(p, row, f->form, value, buf);

	if (name)
		out__text(p->out, name);
	else if (f->form == FORM_IOCTL)
		out__hex(p->out, value);
	else if (f->form == FORM_ERRNO)
		put_signed(p->out, value);
	else
		out__dec(p->out, value);
}

static void script_text__put_value(struct script_printer *p, const struct script_row *row,
				   const struct field_view *f, u64 value)
{
	switch (f->form) {
	case FORM_NS:
		out__ns(p->out, value);
		break;
	case FORM_HEX:
		out__hex(p->out, value);
		break;
	case FORM_DEC:
	case FORM_BOOL:
		out__dec(p->out, value);
		break;
	case FORM_REASON:
	case FORM_USER:
		put_reason(p, row, f->form, value);
		break;
	case FORM_TIME:
		out__end(p->out, put_time(p, out__room(p->out), value, 0));
		break;
	case FORM_THREAD:
		put_thread(p, value);
		break;
	case FORM_SIGNED:
		put_signed(p->out, value);
		break;
	default:
		put_named(p, row, f, value);
	}
}

/* "io" and KVM_EXIT_IO, "mmio-read" and KVM_EXIT_MMIO. */
static bool says_the_same(const struct script_implied *i)
{
	const char *name = reason_known(KVMW_ISA_NONE, i->user), *detail = field__detail(i->kind);
	size_t prefix = strlen("KVM_EXIT_");

	if (!name || strlen(name) <= prefix)
		return false;
	name += prefix;
	return (i->reason != KVMW_NONE && reason_is(i->isa, i->reason, name)) ||
	       (detail && !strncasecmp(detail, name, strlen(name)));
}

/* Comparing names takes longer than all else of a line, and few differ. */
static bool is_implied(struct script_printer *p, const struct script_row *row, u64 user_reason)
{
	const struct event_view *v = row->view;
	struct script_implied now = {
		.isa = v->isa < 0 ? KVMW_NONE : script_row__get(row, v->isa),
		.reason = v->reason < 0 ? KVMW_NONE : script_row__get(row, v->reason),
		.kind = v->detail_kind < 0 ? KVMW_NONE : script_row__get(row, v->detail_kind),
		.user = user_reason, .known = true,
	};
	struct script_implied *kept =
		&p->implied[(now.reason ^ now.user * 5 ^ now.kind * 11) % SCRIPT_NAMES];

	if (!kept->known || kept->isa != now.isa || kept->reason != now.reason ||
	    kept->kind != now.kind || kept->user != now.user) {
		now.yes = says_the_same(&now);
		*kept = now;
	}
	return kept->yes;
}

/* What a line has no word about; unknown: nothing but "-" is known of it. */
static inline bool omits(struct script_printer *p, const struct script_row *row,
			 const struct field_view *f, u64 value, bool unknown)
{
	if (f->form == FORM_DETAIL && value == KVMW_DETAIL_NONE)
		return true;
	switch (f->omit) {
	case OMIT_ZERO:
		return unknown || !value;
	case OMIT_ZERO_ONLY:
		return !unknown && !value;
	case OMIT_SAME_CPU:
		return unknown || value == row->cpu;
	case OMIT_IMPLIED:
		return unknown || is_implied(p, row, value);
	default:
		return unknown;
	}
}

/* Of a value that all rows of a slice have, whatever else they have. */
static bool always_omits(struct script_printer *p, const struct script_row *row,
			 const struct field_view *f)
{
	const struct slice_column *column = row->slice->column;
	int cpu = row->view->cpu;
	u64 value = script_row__get(row, f->field);
	bool unknown = field__none(f->desc, value);

	if (column[f->field].width)
		return false;
	if (f->omit == OMIT_IMPLIED || (f->omit == OMIT_SAME_CPU && (cpu < 0 || column[cpu].width)))
		return unknown;
	return omits(p, row, f, value, unknown);
}

static enum script_put put_of(const struct field_view *f)
{
	if (f->named || f->detail_of >= 0 || f->omit == OMIT_SAME_CPU || f->omit == OMIT_IMPLIED)
		return PUT_ANY;
	return f->form == FORM_NS ? PUT_NS : f->form == FORM_HEX ? PUT_HEX :
	       f->form == FORM_DEC ? PUT_DEC : PUT_ANY;
}

/* Most fields are the same in all rows of a slice, and say nothing. */
static const struct script_shown *find_shown(struct script_printer *p, const struct script_row *row)
{
	struct script_shown *shown = &p->shown[row->slice->number % SCRIPT_SLICES];
	const struct event_view *v = row->view;

	if (shown->slice && shown->slice == row->slice->number)
		return shown;
	shown->slice = row->slice->number;
	shown->nr = 0;
	for (u32 i = 0; i < v->nr_fields; i++) {
		if (always_omits(p, row, &v->field[i]))
			continue;
		shown->field[shown->nr] = i;
		shown->put[shown->nr++] = put_of(&v->field[i]);
	}
	return shown;
}

/* A number, which is neither unknown nor 0. */
static inline void put_plain(struct out *out, const struct field_view *f, enum script_put put,
			     u64 value)
{
	char *to = out__room(out);

	memcpy(to, f->label, OUT_SHORT);
	to += f->label_len;
	to = put == PUT_NS ? digits__ns(to, value) : put == PUT_HEX ? digits__hex(to, value) :
	     digits__dec(to, value);
	*to++ = ' ';
	out__end(out, to);
}

static void script_text__put_field(struct script_printer *p, const struct script_row *row,
				   const struct field_view *f, u64 value)
{
	bool unknown = field__none(f->desc, value);

	if (omits(p, row, f, value, unknown))
		return;
	out__short(p->out, f->label, f->label_len);
	if (unknown)
		out__char(p->out, '-');
	else
		script_text__put_value(p, row, f, value);
	if (f->detail_of >= 0)
		put_detail(p, row, f);
	else if (f->named)
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

	for (u32 i = 0; v->event->id == KVMW_EVENT_STACK && i < v->nr_fields; i++) {
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
		if (f->hex)
			out__hex(out, value);
		else if (f->type == TP_SIGNED)
			put_signed(out, value);
		else
			out__dec(out, value);
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

	if (text || !row->raw_size) {
		out__text(p->out,
			  row->raw_size ? text : script_printer__hides_raw(p) ? "removed" :
			  "not recorded");
	} else if (row->tp && row->tp->nr_fields) {
		for (u32 i = 0; i < row->tp->nr_fields; i++)
			put_raw_field(p->out, &row->tp->field[i], row);
	} else {
		out__hex_bytes(p->out, row->raw, row->raw_size);
	}
}

/* Blanks at the end of a line. */
static void trim(struct out *out)
{
	while (out->len && out->buf[out->len - 1] == ' ')
		out->len--;
}

/* Columns that a line may have. */
static size_t room(const struct script_printer *p)
{
	return p->model->chosen ? SIZE_MAX : p->width > WIDTH ? p->width : WIDTH;
}

/*
 * Cuts a line that is too long. It begins at begin, and up to fits it has whole fields; of a
 * tracepoint's text, what fits remains.
 */
static void cut_line(struct script_printer *p, size_t begin, size_t fits, bool raw)
{
	struct out *out = p->out;

	if (out->len < begin || out->len - begin <= room(p))
		return;
	out->len = raw ? begin + room(p) - strlen(MORE) : fits;
	trim(out);
	out__text(out, MORE);
}

static void script_text__row(struct script_printer *p, const struct script_row *row)
{
	const struct event_view *v = row->view;
	const struct script_shown *shown = find_shown(p, row);
	bool raw = v->event->id == KVMW_EVENT_RAW;
	/* A blank is at the end of a field. */
	size_t most = room(p) - (strlen(MORE) - 1), begin, fits;

	/* What is in the buffer can be cut. */
	out__half(p->out);
	begin = p->out->len;
	script_text__put_head(p, row);
	fits = p->out->len;
	for (u32 i = 0; i < shown->nr; i++) {
		const struct field_view *f = &v->field[shown->field[i]];
		u64 value = script_row__get(row, f->field);

		if (shown->put[i] != PUT_ANY && field__surely_some(value))
			put_plain(p->out, f, shown->put[i], value);
		else
			script_text__put_field(p, row, f, value);
		if (p->out->len - begin <= most)
			fits = p->out->len;
	}
	if (raw)
		script_text__put_raw(p, row);
	trim(p->out);
	cut_line(p, begin, fits, raw);
	script_text__put_stacks(p, row);
	out__char(p->out, '\n');
}

/* Nothing was printed yet. */
static int script_text__begin(struct script_printer *p)
{
	if (p->model->clock != CLOCK_WALL || p->model->rec->meta.has_clock)
		return 0;
	return error("%s: does not say when it was made: --clock wall is not possible",
		     p->model->rec->path);
}

const struct script_format script_text = {
	.begin = script_text__begin,
	.row = script_text__row,
	.for_people = true,
	.texts = true,
};
