// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "util/error.h"
#include "util/keep/trigger.h"
#include "util/memory.h"
#include "util/parse.h"

#define BATCH	1024		/* rows at a time */
#define FEW	4096		/* entries of identities that are kept anyway */

/* ---- what was typed ------------------------------------------------------ */

/* What follows "NAME >"; NULL: text is something else. */
static const char *limit_of(const char *text, const char *name)
{
	size_t len = strlen(name);

	text += strspn(text, " ");
	if (strncmp(text, name, len))
		return NULL;
	text += len + strspn(text + len, " ");
	return *text == '>' && text[1] != '=' ? text + 1 + strspn(text + 1, " ") : NULL;
}

static bool is_one_word(const char *text)
{
	for (const char *p = text; *p; p++)
		if (!isalnum((unsigned char)*p) && *p != '_' && *p != '-')
			return false;
	return *text;
}

/* "rate(io)>50000" */
static int parse_rate(struct keep_trigger *t)
{
	const char *from = t->text + strcspn(t->text, "(") + 1, *end = strrchr(from, ')'), *limit;
	char *inner;

	limit = end ? limit_of(end, ")") : NULL;
	if (!limit || parse_u64(limit, &t->limit))
		return error("--trigger '%s': must be rate(EXPR)>N, N rows a second, such as rate(io)>50000", t->text);
	inner = strndup(from, end - from);
	if (!inner)
		return out_of_memory();
	if (asprintf(&t->expr, "%s%s", is_one_word(inner) ? "reason==" : "", inner) < 0)
		t->expr = NULL;
	free(inner);
	t->kind = TRIGGER_RATE;
	return t->expr ? 0 : out_of_memory();
}

static int parse_trigger(const struct keep_triggers *all, struct keep_trigger *t)
{
	const char *limit = limit_of(t->text, "stuck");

	t->kind = TRIGGER_ROW;
	if (!strcmp(t->text, "gone") || !strcmp(t->text, "lost")) {
		t->kind = *t->text == 'g' ? TRIGGER_GONE : TRIGGER_LOST;
		return 0;
	}
	if (limit) {
		const struct keep_trigger *other = keep_triggers__of(all, TRIGGER_STUCK);

		if (other)
			return error("--trigger '%s': '%s' is given already; the shorter TIME covers both", t->text,
				     other->text);
		t->kind = TRIGGER_STUCK;
		return !parse_time(limit, &t->limit) && t->limit ? 0 :
		       error("--trigger '%s': must be stuck>TIME, such as stuck>2s", t->text);
	}
	if (!strncmp(t->text, "rate(", 5))
		return parse_rate(t);
	if (is_one_word(t->text) || !strncmp(t->text, "stuck", 5))
		return error("--trigger '%s': must be stuck>TIME, gone, lost, rate(EXPR)>N, or an expression as for kvmw report "
			     "--where, such as total>100ms", t->text);
	return 0;
}

int keep_triggers__add(struct keep_triggers *t, const char *text)
{
	struct keep_trigger *new = &t->trigger[t->nr];

	if (t->nr == KEEP_MAX_TRIGGERS)
		return error("--trigger: more than %d; || joins expressions", KEEP_MAX_TRIGGERS);
	t->nr++;
	new->text = text;
	if (parse_trigger(t, new))
		return -1;
	if (new->kind > TRIGGER_RATE)
		return 0;
	if (asprintf(&new->option, "--trigger '%s'", text) < 0) {
		new->option = NULL;
		return out_of_memory();
	}
	new->where = where__parse(new->option, new->expr ?: text);
	return new->where ? 0 : -1;
}

static int new_names(struct keep_triggers *t)
{
	if (t->rec)
		recording__free(t->rec);
	t->rec = recording__new("");
	if (!t->rec)
		return -1;
	/* What this recorder says costs what it costs. */
	t->rec->json.earned = KVMW_NONE;
	return t->meta && recording__meta(t->rec, t->meta) < 0 ? -1 : 0;
}

int keep_triggers__check(const struct keep_triggers *t, u32 events)
{
	for (u32 i = 0; i < t->nr; i++) {
		struct where *where = t->trigger[i].where;

		if (where && (where__bind(where, events) || where__without_symbols(where)))
			return -1;
	}
	return 0;
}

int keep_triggers__bind(struct keep_triggers *t, u32 events, int told)
{
	t->told = told;
	pthread_mutex_init(&t->lock, NULL);
	if (keep_triggers__check(t, events))
		return -1;
	for (u32 i = 0; i < t->nr; i++) {
		struct keep_trigger *one = &t->trigger[i];

		if (!one->where)
			continue;
		t->of_rows = true;
		t->of_identity |= where__filter(one->where)->identity;
	}
	if (!t->of_rows)
		return 0;
	t->keep = mem__calloc(BATCH, sizeof(*t->keep));
	if (!t->keep || new_names(t))
		return -1;
	for (u32 i = 0; i < ARRAY_SIZE(t->column); i++) {
		t->column[i] = mem__calloc(BATCH, sizeof(*t->column[i]));
		if (!t->column[i])
			return -1;
	}
	for_each_captured_event(event)
		if (schema__builtin(&t->schema, event->id))
			return -1;
	return 0;
}

void keep_triggers__free(struct keep_triggers *t)
{
	for (u32 i = 0; i < t->nr; i++) {
		where__free(t->trigger[i].where);
		free(t->trigger[i].expr);
		free(t->trigger[i].option);
	}
	for (u32 i = 0; i < ARRAY_SIZE(t->column); i++)
		free(t->column[i]);
	free(t->keep);
	free(t->meta);
	schema__free(&t->schema);
	if (t->rec)
		recording__free(t->rec);
}

const struct keep_trigger *keep_triggers__of(const struct keep_triggers *t,
					     enum keep_trigger_kind kind)
{
	for (u32 i = 0; i < t->nr; i++)
		if (t->trigger[i].kind == kind)
			return &t->trigger[i];
	return NULL;
}

/* ---- names --------------------------------------------------------------- */

static u32 identities(const struct recording *rec)
{
	return rec->nr_vms + rec->nr_vcpus + rec->nr_tasks;
}

/* Without the names of what is gone, whose number grows without limit. */
static int name_anew(struct keep_triggers *t, char *text)
{
	char *at = text;
	int err = text ? new_names(t) : -1;

	for (char *line; !err && (line = strsep(&at, "\n")); )
		err = *line ? recording__ident(t->rec, line) : 0;
	free(text);
	t->few = 2 * identities(t->rec) + FEW;
	return err;
}

int keep_triggers__json(struct keep_triggers *t, enum data_frame_type type, const char *json,
			char *(*all)(const void *arg), const void *arg)
{
	if (!t->of_identity)
		return 0;
	if (type == DATA_META) {
		free(t->meta);
		t->meta = mem__strdup(json);
		return t->meta && recording__meta(t->rec, json) >= 0 ? 0 : -1;
	}
	if (recording__ident(t->rec, json) < 0)
		return -1;
	return identities(t->rec) > t->few + FEW ? name_anew(t, all(arg)) : 0;
}

/* ---- rows ---------------------------------------------------------------- */

/* When it ended. */
static u64 end_of(const struct event_desc *event, const u8 *row)
{
	int span = event->span ? event_desc__field(event, event->span, strlen(event->span)) : -1;

	/* The time of an event is its first field. */
	return field_desc__value(&event->fields[0], row) +
	       (span < 0 ? 0 : captured(field_desc__value(&event->fields[span], row)));
}

static void trigger__look_at(struct keep_triggers *t, struct keep_trigger *one,
			     const struct event_desc *event, const char *const *columns,
			     const u8 *rows, u32 nr)
{
	const struct row_filter *filter = where__filter(one->where);

	for (u32 c = 0; columns[c]; c++) {
		int field = event_desc__field(event, columns[c], strlen(columns[c]));

		for (u32 i = 0; i < nr; i++)
			t->column[c][i] = field_desc__value(&event->fields[field],
							    rows + (size_t)i * event->size);
	}
	filter->rows(filter, t->rec, t->rec->meta.start_ns, schema__find(&t->schema, event->id),
		     t->column, nr, t->keep);
	for (u32 i = 0; i < nr; i++) {
		const u8 *row = rows + (size_t)i * event->size;
		int vcpu = event_desc__field(event, "vcpu", 4);

		if (!t->keep[i])
			continue;
		one->rows++;
		if (one->kind == TRIGGER_ROW)
			keep_triggers__hit(t, end_of(event, row),
					   vcpu < 0 ? ~0U :
					   field_desc__value(&event->fields[vcpu], row), NULL, "%s",
					   one->text);
	}
}

void keep_triggers__rows(struct keep_triggers *t, const struct event_desc *event, const u8 *rows,
			 u32 nr)
{
	for (u32 i = 0; i < t->nr; i++) {
		struct keep_trigger *one = &t->trigger[i];
		const struct row_filter *filter = one->where ? where__filter(one->where) : NULL;
		const char *const *columns = filter ? filter->columns(filter, event->id) : NULL;

		for (u32 at = 0; columns && at < nr; at += BATCH)
			trigger__look_at(t, one, event, columns, rows + (size_t)at * event->size,
					 nr - at < BATCH ? nr - at : BATCH);
	}
}

void keep_triggers__end_second(struct keep_triggers *t, u64 time_ns)
{
	u64 since = t->second_ns ? time_ns - t->second_ns : 0;

	for (u32 i = 0; i < t->nr; i++) {
		struct keep_trigger *one = &t->trigger[i];
		u64 rate = since ? (unsigned __int128)one->rows * NSEC_PER_SEC / since : 0;

		/* A short one, made for a snapshot, says little. */
		if (one->kind == TRIGGER_RATE && rate > one->limit && since >= NSEC_PER_SEC / 2)
			keep_triggers__hit(t, time_ns, ~0U, NULL, "%s: %llu/s", one->text,
					   (unsigned long long)rate);
		one->rows = 0;
	}
	t->second_ns = time_ns;
}

/* ---- hits ---------------------------------------------------------------- */

void keep_triggers__hit(struct keep_triggers *t, u64 time_ns, u32 vcpu, const char *vm,
			const char *fmt, ...)
{
	va_list ap;
	bool first;

	pthread_mutex_lock(&t->lock);
	first = !*t->hit.why;
	if (first) {
		va_start(ap, fmt);
		vsnprintf(t->hit.why, sizeof(t->hit.why), fmt, ap);
		va_end(ap);
		t->hit.time_ns = time_ns;
		t->hit.vcpu = vcpu;
		snprintf(t->hit.vm, sizeof(t->hit.vm), "%s", vm ?: "");
	}
	pthread_mutex_unlock(&t->lock);
	if (first)
		eventfd_write(t->told, 1);
}

struct keep_hit keep_triggers__take(struct keep_triggers *t)
{
	struct keep_hit hit;

	pthread_mutex_lock(&t->lock);
	hit = t->hit;
	t->hit.why[0] = '\0';
	pthread_mutex_unlock(&t->lock);
	return hit;
}
