// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "util/analysis/tracepoint.h"
#include "util/analysis/tracepoint_text.h"
#include "util/memory.h"

#define MAX_FIELDS	64u

struct tracepoints {
	struct tracepoint_printer *printer;
	u32 nr;
	u32 kind[REC_MAX_TRACEPOINTS];
	struct tracepoint tp[REC_MAX_TRACEPOINTS];
};

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
		if (!isalnum((unsigned char)*p) && *p != '_')
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

/* 0, also if it cannot be decoded; -1 */
static int take_tracepoint(struct tracepoints *tps, u32 i, const struct rec_tracepoint *from)
{
	struct tracepoint *tp = &tps->tp[i];

	tps->kind[i] = from->kind;
	tp->printer = tps->printer;
	tp->number = i;
	tp->name = mem__strdup(from->name);
	if (!tp->name || take_fields(tp, from->format))
		return -1;
	return tp->nr_fields && tps->printer ? tracepoint_printer__take(tps->printer, i, from) : 0;
}

struct tracepoints *tracepoints__new(const struct recording *rec,
				     struct tracepoint_printer *printer)
{
	const struct rec_meta *m = &rec->meta;
	struct tracepoints *tps = mem__calloc(1, sizeof(*tps));
	int ret = 0;

	if (!tps)
		return NULL;
	tps->printer = printer;
	while (!ret && tps->nr < m->nr_tracepoints) {
		ret = take_tracepoint(tps, tps->nr, &m->tracepoint[tps->nr]);
		tps->nr++;
	}
	if (!ret)
		return tps;
	tracepoints__free(tps);
	return NULL;
}

void tracepoints__free(struct tracepoints *tps)
{
	if (!tps)
		return;
	for (u32 i = 0; i < tps->nr; i++) {
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
	return size > TRACEPOINT_BYTES || !tp->printer ? NULL :
	       tracepoint_printer__text(tp->printer, tp->number, record, size);
}
