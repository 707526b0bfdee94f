// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event-parse.h>
#include <trace-seq.h>

#include "util/analysis/tracepoint.h"
#include "util/memory.h"
#include "util/text.h"

#define MAX_PRINT	(16u << 10)	/* bytes of "print fmt:" */
#define MAX_OPERATORS	1000u		/* in it: the parser calls itself for each */
#define MAX_WIDTH	3u		/* digits of a width: "%16s" */
#define MAX_DEPTH	1200u		/* of what was parsed */
#define MAX_FIELDS	64u
/* A record, and what 16 bits of offset and length can reach from anywhere in it. */
#define REACH		(4u << 16)

struct tracepoint_decoder {
	struct tep_handle *tep;
	struct tep_event *event;
	struct trace_seq text;
	u8 *record;		/* REACH bytes */
};

struct tracepoints {
	u32 nr;
	u32 kind[REC_MAX_TRACEPOINTS];
	struct tracepoint tp[REC_MAX_TRACEPOINTS];
};

/* ---- may the text be parsed? -------------------------------------------- */

/* "%lx" and "%-16s" are, "%2000000000d" and "%*d" are not. */
static bool sound_width(const char *p, const char *end)
{
	u32 digits = 0;

	for (; p < end && (isdigit(*p) || strchr("-+ #.", *p)); p++)
		digits += isdigit(*p) != 0;
	return digits <= MAX_WIDTH && (p == end || *p != '*');
}

static bool sound_print(const char *p, const char *end)
{
	bool string = false;
	u32 operators = 0;

	if ((size_t)(end - p) > MAX_PRINT)
		return false;
	for (; p < end; p++) {
		if (*p == '"' && p[-1] != '\\')
			string = !string;
		else if (string && *p == '%' && !sound_width(p + 1, end))
			return false;
		else if (!string && strchr("(+-*/%<>=!&|^?:~", *p))
			operators++;
	}
	return operators <= MAX_OPERATORS;
}

static bool sound_format(const char *text)
{
	const char *print = strstr(text, "\nprint fmt:");

	for (const char *p = text; *p; p++)
		if (*p != '\n' && *p != '\t' && (*p < ' ' || *p > '~'))
			return false;
	return print && print - text <= (ptrdiff_t)MAX_PRINT &&
	       sound_print(print + 1, print + strlen(print));
}

/* ---- is the parsed result safe to follow? ------------------------------- */

static bool sound_arg(const struct tep_print_arg *arg, u32 depth);

/* No division by zero, and no array: its index may be anything. */
static bool sound_op(const struct tep_print_arg *arg, u32 depth)
{
	const struct tep_print_arg *right = arg->op.right;

	switch (arg->op.op[0]) {
	case '[':
		return false;
	case '/':
	case '%':
		if (!right || right->type != TEP_PRINT_ATOM || strtoll(right->atom.atom, NULL, 0) <= 0)
			return false;
		break;
	case '?':
		if (!right || right->type != TEP_PRINT_OP)
			return false;
		break;
	}
	return sound_arg(arg->op.left, depth) && sound_arg(right, depth);
}

static bool sound_arg(const struct tep_print_arg *arg, u32 depth)
{
	if (!arg)
		return true;
	if (depth == MAX_DEPTH)
		return false;
	switch (arg->type) {
	case TEP_PRINT_NULL:
	case TEP_PRINT_ATOM:
	case TEP_PRINT_FIELD:
	case TEP_PRINT_STRING:
		return true;
	case TEP_PRINT_FLAGS:
		return sound_arg(arg->flags.field, depth + 1);
	case TEP_PRINT_SYMBOL:
		return sound_arg(arg->symbol.field, depth + 1);
	case TEP_PRINT_TYPE:
		return sound_arg(arg->typecast.item, depth + 1);
	case TEP_PRINT_OP:
		return sound_op(arg, depth + 1);
	default:	/* functions, and lengths that come from the record */
		return false;
	}
}

static bool tracepoint__within(const struct tep_format_field *list)
{
	for (; list; list = list->next)
		if (list->offset < 0 || list->size < 0 || list->size > (int)TRACEPOINT_BYTES ||
		    list->offset > (int)TRACEPOINT_BYTES - list->size)
			return false;
	return true;
}

static bool safe_to_print(const struct tep_event *event)
{
	if (event->flags & TEP_EVENT_FL_FAILED)
		return false;
	for (const struct tep_print_arg *arg = event->print_fmt.args; arg; arg = arg->next)
		if (!sound_arg(arg, 0))
			return false;
	return true;
}

/* ---- its fields --------------------------------------------------------- */

#define DECL_MAX 160

/* "__data_loc char[] name", "u8 bytes[4]", "struct kvm * kvm"; false: no declaration */
static bool take_declaration(struct tracepoint_field *f, char *decl, bool is_signed)
{
	char *name = strrchr(decl, ' '), *array;

	if (!name || !*++name)
		return false;
	f->dynamic = !strncmp(decl, "__data_loc ", 11) || !strncmp(decl, "__rel_loc ", 10);
	f->relative = f->dynamic && decl[2] == 'r';
	array = strchr(name, '[');
	if (array)
		*array = 0;
	for (const char *p = name; *p; p++)
		if (!isalnum(*p) && *p != '_')
			return false;
	name[-1] = 0;
	if (f->dynamic || array || (f->size != 1 && f->size != 2 && f->size != 4 && f->size != 8))
		f->type = strstr(decl, "char") && !strstr(decl, "unsigned") ? TP_STRING : TP_BYTES;
	else
		f->type = is_signed ? TP_SIGNED : TP_UNSIGNED;
	f->hex = strchr(decl, '*') || (f->size == 8 && !is_signed);
	f->name = strdup(name);
	return f->name;
}

/* "\tfield:u8 rw;\toffset:8;\tsize:1;\tsigned:0;" */
static bool take_field(struct tracepoint *tp, const char *line)
{
	struct tracepoint_field f = { .name = NULL };
	char decl[DECL_MAX];
	u32 is_signed;

	if (sscanf(line, " field:%159[^;\n]; offset:%9u; size:%9u; signed:%1u;", decl, &f.offset,
		   &f.size, &is_signed) != 4)
		return true;
	if (f.size > TRACEPOINT_BYTES || f.offset > TRACEPOINT_BYTES - f.size)
		return false;
	/* "unsigned short common_type" */
	if (strstr(decl, " common_") || tp->nr_fields == MAX_FIELDS)
		return true;
	if (!take_declaration(&f, decl, is_signed))
		return false;
	tp->field[tp->nr_fields++] = f;
	return true;
}

/* All of them, or none. */
static int take_fields(struct tracepoint *tp, const char *format)
{
	tp->field = calloc(MAX_FIELDS, sizeof(*tp->field));
	if (!tp->field)
		return out_of_memory();
	for (const char *line = format; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		/* A blank line would be taken together with the one behind it. */
		if (*line == '\n' || take_field(tp, line))
			continue;
		while (tp->nr_fields)
			free((char *)tp->field[--tp->nr_fields].name);
		break;
	}
	return 0;
}

static void free_decoder(struct tracepoint_decoder *d)
{
	if (!d)
		return;
	if (d->tep)
		tep_free(d->tep);	/* and the event */
	trace_seq_destroy(&d->text);
	free(d->record);
	free(d);
}

/* "kvm" of "kvm:kvm_pio" */
static void system_of(const char *name, char *to, size_t size)
{
	snprintf(to, size, "%.*s", (int)strcspn(name, ":"), name);
}

/* What tracepoint__text() does. */
static const char *tracepoint__print(struct tracepoint_decoder *d, const u8 *record, u32 size)
{
	struct tep_format_field *type = tep_find_common_field(d->event, "common_type");
	struct tep_record rec = { .size = size, .data = d->record };

	if (!type || type->size != 2)
		return NULL;
	memset(d->record, 0, TRACEPOINT_BYTES);
	memcpy(d->record, record, size);
	/* The recorder cannot read the head, by which libtraceevent knows the event. */
	d->record[type->offset] = d->event->id;
	d->record[type->offset + 1] = d->event->id >> 8;
	trace_seq_reset(&d->text);
	tep_print_event(d->tep, &d->text, &rec, "%s", TEP_PRINT_INFO);
	trace_seq_terminate(&d->text);
	return d->text.state == TRACE_SEQ__GOOD ? d->text.buffer : NULL;
}

static bool tracepoint__parse(struct tracepoint_decoder *d, const struct rec_tracepoint *from)
{
	struct tep_event *event;
	char system[64];

	tep_set_long_size(d->tep, sizeof(u64));
	tep_set_file_bigendian(d->tep, TEP_LITTLE_ENDIAN);
	system_of(from->name, system, sizeof(system));
	if (tep_parse_event(d->tep, from->format, strlen(from->format), system))
		return false;
	event = tep_get_first_event(d->tep);
	if (!event || event->id < 0 || event->id > UINT16_MAX || !safe_to_print(event) ||
	    !tracepoint__within(event->format.common_fields) ||
	    !tracepoint__within(event->format.fields))
		return false;
	d->event = event;
	return true;
}

/*
 * libtraceevent 1.7 does not stand every text: a child tries first, with a few records.
 * It may crash, and it may go on for ever.
 */
static bool try_out(struct tracepoint_decoder *d, const struct rec_tracepoint *from)
{
	static const u8 bytes[] = { 0, 1, 0x7f, 0x80, 0xff };
	const struct rlimit none = { 0, 0 }, second = { 1, 1 };
	u8 record[TRACEPOINT_BYTES];
	int status = 0;
	pid_t pid = fork();

	if (pid < 0)
		return false;
	if (!pid) {
		setrlimit(RLIMIT_CORE, &none);
		setrlimit(RLIMIT_CPU, &second);
		if (!tracepoint__parse(d, from))
			_exit(1);
		for (size_t i = 0; i < sizeof(bytes); i++) {
			memset(record, bytes[i], sizeof(record));
			tracepoint__print(d, record, sizeof(record));
		}
		_exit(0);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

/* A handle of its own for each: their ids may be the same. 0, also if it cannot; -1 */
static int take_tracepoint(struct tracepoint *tp, const struct rec_tracepoint *from)
{
	struct tracepoint_decoder *d;

	tp->name = strdup(from->name);
	if (!tp->name)
		return out_of_memory();
	if (take_fields(tp, from->format))
		return -1;
	if (!tp->nr_fields || !sound_format(from->format))
		return 0;
	d = tp->decoder = calloc(1, sizeof(*d));
	if (!d)
		return out_of_memory();
	trace_seq_init(&d->text);
	d->tep = tep_alloc();
	d->record = calloc(1, REACH);
	if (!d->tep || !d->record)
		return out_of_memory();
	if (try_out(d, from))
		tracepoint__parse(d, from);
	return 0;
}

struct tracepoints *tracepoints__new(const struct recording *rec)
{
	const struct rec_meta *m = &rec->meta;
	struct tracepoints *tps = calloc(1, sizeof(*tps));

	if (!tps) {
		out_of_memory();
		return NULL;
	}
	/* What it cannot parse is shown in hex: nothing for standard error. */
	tep_set_loglevel(TEP_LOG_NONE);
	for (; tps->nr < m->nr_tracepoints; tps->nr++) {
		tps->kind[tps->nr] = m->tracepoint[tps->nr].kind;
		if (take_tracepoint(&tps->tp[tps->nr], &m->tracepoint[tps->nr])) {
			tps->nr++;
			tracepoints__free(tps);
			return NULL;
		}
	}
	return tps;
}

void tracepoints__free(struct tracepoints *tps)
{
	if (!tps)
		return;
	for (u32 i = 0; i < tps->nr; i++) {
		free_decoder(tps->tp[i].decoder);
		for (u32 k = 0; k < tps->tp[i].nr_fields; k++)
			free((char *)tps->tp[i].field[k].name);
		free(tps->tp[i].field);
		free((char *)tps->tp[i].name);
	}
	free(tps);
}

const struct tracepoint *tracepoints__find(const struct tracepoints *tps, u32 kind)
{
	for (u32 i = 0; i < tps->nr; i++)
		if (tps->kind[i] == kind)
			return &tps->tp[i];
	return NULL;
}

/* ---- records ------------------------------------------------------------ */

static u64 little_endian(const u8 *p, u32 size)
{
	u64 value = 0;

	while (size--)
		value = value << 8 | p[size];
	return value;
}

const u8 *tracepoint__value(const struct tracepoint_field *f, const u8 *record, u32 size, u32 *len)
{
	u32 at = f->offset, where;

	*len = f->size;
	if (at > size || f->size > size - at)
		return NULL;
	if (!f->dynamic)
		return record + at;
	if (f->size != 4)
		return NULL;
	where = little_endian(record + at, 4);
	at = (f->relative ? at + 4 : 0) + (where & 0xffff);
	*len = where >> 16;
	return at > size || *len > size - at ? NULL : record + at;
}

bool tracepoint__number(const struct tracepoint_field *f, const u8 *record, u32 size, u64 *value)
{
	u32 len;
	const u8 *p = f->type == TP_UNSIGNED || f->type == TP_SIGNED ?
		      tracepoint__value(f, record, size, &len) : NULL;
	u32 shift;

	if (!p)
		return false;
	*value = little_endian(p, len);
	shift = 64 - 8 * len;
	if (f->type == TP_SIGNED && shift)
		*value = (u64)((s64)(*value << shift) >> shift);
	return true;
}

const char *tracepoint__text(const struct tracepoint *tp, const u8 *record, u32 size)
{
	struct tracepoint_decoder *d = tp->decoder;
	const char *text;

	if (!d || !d->event || size > TRACEPOINT_BYTES)
		return NULL;
	text = tracepoint__print(d, record, size);
	/* Strings of the record, and of the format, may be anything. */
	for (char *p = text ? d->text.buffer : NULL; p && *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	return text;
}
