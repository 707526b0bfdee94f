// SPDX-License-Identifier: GPL-2.0
/* --where: what its names and values are to an event. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/analysis/where_internal.h"
#include "util/arch/ioctl.h"
#include "util/arch/isa.h"
#include "util/arch/reason.h"
#include "util/error.h"
#include "util/memory.h"
#include "util/parse.h"

#define ERRNO_MAX	4095	/* the kernel's MAX_ERRNO */
#define LISTED_MAX	256	/* above all numbers of lists: details, causes, accesses, ... */

static const char *const *where__columns(const struct row_filter *f, u32 event)
{
	const struct where *w = (const struct where *)f;

	return event < KVMW_MAX_EVENTS && w->event[event] ? w->event[event]->columns : NULL;
}

struct where *where__parse(const char *option, const char *text)
{
	struct where *w = mem__calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->filter = (struct row_filter) { .columns = where__columns, .rows = where_rows__keep };
	w->option = option;
	w->text = text;
	w->term = mem__calloc(WHERE_TERMS, sizeof(*w->term));
	if (w->term && !where_parse__text(w))
		return w;
	where__free(w);
	return NULL;
}

static void unbind(struct where *w)
{
	for (u32 i = 0; i < KVMW_MAX_EVENTS; i++) {
		free(w->event[i]);
		w->event[i] = NULL;
	}
	w->filter.identity = false;
}

void where__free(struct where *w)
{
	if (!w)
		return;
	for (u32 i = 0; i < w->nr_terms; i++) {
		for (u32 k = 0; k < w->term[i].nr_values; k++)
			free(w->term[i].value[k].text);
		if (w->term[i].has_regex)
			regfree(&w->term[i].regex);
	}
	unbind(w);
	free(w->term);
	free(w);
}

const char *where__text(const struct where *w)
{
	return w->text;
}

const struct row_filter *where__filter(const struct where *w)
{
	return &w->filter;
}

/* ---- words -------------------------------------------------------------- */

#define OFFER_IOCTL(ioctl, number) nearest__offer(n, #ioctl); known |= !strcasecmp(word, #ioctl);

static bool is_ioctl(const char *word, struct nearest *n)
{
	bool known = false;

	KVMW_IOCTLS(OFFER_IOCTL)
	KVMW_IOCTLS_LATER(OFFER_IOCTL)
	return known;
}

static bool where__is_kind(const struct event_desc *event, const char *word, struct nearest *n)
{
	bool known = false;

	for (u32 i = 0; i < event->nr_kinds; i++) {
		nearest__offer(n, event->kinds[i].name);
		known |= !strcasecmp(word, event->kinds[i].name);
	}
	return known;
}

static bool is_event(const char *word, struct nearest *n)
{
	for_each_captured_event(event) {
		nearest__offer(n, event->name);
		if (!strcasecmp(word, event->name))
			return true;
	}
	return false;
}

static bool is_reason(const char *word, struct nearest *n)
{
	for (u32 isa = KVMW_ISA_NONE; isa <= KVMW_ISA_SVM; isa++)
		reason_offer(isa, n);
	return reason_exists(word);
}

/* Numbers with names that have no list here: all of them are tried. */
static bool where__has_name(enum field_form form, const char *word, struct nearest *n)
{
	u32 max = form == FORM_ERRNO ? ERRNO_MAX : LISTED_MAX;

	for (u32 i = 0; i <= max; i++) {
		u64 value = form == FORM_ERRNO ? -(u64)i : i;
		char buf[FIELD_NAME_MAX];
		const char *name = field__name(form, NULL, value, KVMW_NONE, buf);

		if (!name)
			continue;
		nearest__offer(n, name);
		if (!strcasecmp(word, name))
			return true;
	}
	return false;
}

/* Whether a value of the event may have this name; if not, n has the most similar one. */
static bool word_exists(const struct event_desc *event, const struct name_ref *ref,
			const char *word, struct nearest *n)
{
	if (ref->source == NAME_EVENT)
		return is_event(word, n);
	if (name_ref__is_text(ref))
		return true;
	switch (ref->form) {
	case FORM_REASON:
	case FORM_USER:
		return is_reason(word, n);
	case FORM_KIND:
		return where__is_kind(event, word, n) || event->id == KVMW_EVENT_RAW;
	case FORM_IOCTL:
		return is_ioctl(word, n);
	default:
		return where__has_name(ref->form, word, n);
	}
}

static bool has_words(const struct name_ref *ref)
{
	switch (ref->form) {
	case FORM_DEC:
	case FORM_SIGNED:
	case FORM_HEX:
	case FORM_NS:
	case FORM_TIME:
	case FORM_THREAD:
		return name_ref__is_text(ref);
	default:
		return true;
	}
}

/* ---- numbers ------------------------------------------------------------ */

/* What a term is bound to, and what is wrong with it. */
struct binding {
	const struct where *w;
	const struct event_desc *event;
	const struct where_term *term;
	struct where_bound *bound;
	char *wrong;		/* of the first event where something is, with the column */
	size_t size;
	u64 known;		/* bitmap: values whose words exist */
};

#define WRONG(b, at, fmt, ...) (*(b)->wrong ? 1 :						\
	(snprintf((b)->wrong, (b)->size, "column %u: " fmt, at, ##__VA_ARGS__), 1))

/* The name as it was typed says that numbers are ns. */
static bool in_ns(const struct where_term *t)
{
	return t->len > 3 && !memcmp(t->name + t->len - 3, "_ns", 3);
}

/* A time is since the recording's start, unless all are plain numbers of a field in ns. */
static bool is_since_start(const struct where_term *t)
{
	bool plain = in_ns(t);

	for (u32 i = 0; i < t->nr_values; i++)
		plain &= t->value[i].kind == VALUE_NUMBER || t->value[i].kind == VALUE_NONE;
	return !plain;
}

static int time_number(struct binding *b, const struct where_value *v, u64 *number)
{
	*number = v->number;
	if (v->kind == VALUE_TIME || !b->bound->since_start)
		return 0;
	return parse_time(v->text, number) ?
	       WRONG(b, v->column, "'%.40s' is not a time, such as 2.1 or 2100ms", v->text) :
	       0;
}

static int span_number(struct binding *b, const struct where_value *v, u64 *number)
{
	*number = v->number;
	if (v->kind == VALUE_TIME && v->bare)
		return WRONG(b, v->column, "'%.40s' has no unit; give one, such as 100us", v->text);
	if (v->kind == VALUE_TIME || !v->number || in_ns(b->term))
		return 0;
	return WRONG(b, v->column,
		     "%.*s is a time: give a unit, as in %.20sus (or name it %.*s_ns, and "
		     "numbers are ns)", (int)b->term->len, b->term->name, v->text,
		     (int)b->term->len, b->term->name);
}

/* 0; 1: it is no value of this field. */
static int where__number(struct binding *b, const struct where_value *v, u64 *number)
{
	const struct name_ref *ref = &b->bound->ref;

	if (v->negative && (ref->form == FORM_TIME || v->kind == VALUE_TIME ||
			    !b->bound->is_signed || v->number > 1ULL << 63))
		return WRONG(b, v->column, "%.*s is never negative", (int)b->term->len,
			     b->term->name);
	if (ref->form == FORM_TIME)
		return time_number(b, v, number);
	if (ref->form == FORM_NS)
		return span_number(b, v, number);
	if (v->kind == VALUE_TIME)
		return WRONG(b, v->column, "%.*s is not a time, so '%.40s' is no value of it",
			     (int)b->term->len, b->term->name, v->text);
	if (b->bound->is_signed && !v->negative && v->number >> 63)
		return WRONG(b, v->column, "'%.40s' is more than %.*s can be", v->text,
			     (int)b->term->len, b->term->name);
	*number = v->negative ? -v->number : v->number;
	return 0;
}

static int where__add_range(struct binding *b, u64 from, u64 to, u32 column)
{
	struct where_bound *bound = b->bound;

	from = where_key(from, bound->is_signed);
	to = where_key(to, bound->is_signed);
	if (from > to)
		return WRONG(b, column, "the range ends before it begins");
	bound->range[bound->nr_ranges++] = (struct where_range) { from, to };
	return 0;
}

/* <, <=, >, >=: one range, which may be empty. */
static int where__compare(struct binding *b, const struct where_value *v)
{
	struct where_range *range = &b->bound->range[0];
	enum where_op op = b->term->op;
	u64 number, key;

	if (v->kind != VALUE_NUMBER && v->kind != VALUE_TIME)
		return WRONG(b, v->column, "'%.40s' is not a number; names are compared with ==, !=, in, ~ and !~",
			     v->text);
	if (name_ref__is_text(&b->bound->ref))
		return WRONG(b, b->term->column,
			     "%.*s is a text, which is compared with ==, !=, in, ~ and !~",
			     (int)b->term->len, b->term->name);
	if (where__number(b, v, &number))
		return 1;
	key = where_key(number, b->bound->is_signed);
	if ((op == WHERE_LT && !key) || (op == WHERE_GT && key == UINT64_MAX))
		return 0;
	*range = op == WHERE_LT ? (struct where_range) { 0, key - 1 } :
		 op == WHERE_LE ? (struct where_range) { 0, key } :
		 op == WHERE_GT ? (struct where_range) { key + 1, UINT64_MAX } :
		 (struct where_range) { key, UINT64_MAX };
	b->bound->nr_ranges = 1;
	return 0;
}

/* ---- a value among those of ==, != and in -------------------------------- */

static int bool_word(struct binding *b, const struct where_value *v)
{
	bool yes = !strcasecmp(v->text, "true");

	if (!yes && strcasecmp(v->text, "false"))
		return WRONG(b, v->column, "%.*s is true or false, not '%.40s'", (int)b->term->len,
			     b->term->name, v->text);
	return where__add_range(b, yes, yes, v->column);
}

static int where__word(struct binding *b, const struct where_value *v, u32 i)
{
	const struct name_ref *ref = &b->bound->ref;
	struct nearest n;

	if (ref->form == FORM_BOOL && ref->source == NAME_FIELD) {
		b->known |= 1ULL << i;
		return bool_word(b, v);
	}
	if (!has_words(ref))
		return WRONG(b, v->column, "%.*s is a number, so '%.40s' is no value of it",
			     (int)b->term->len, b->term->name, v->text);
	/* Nothing is like "": what a word could mean is looked for only if nobody knows it. */
	nearest__begin(&n, "", 0);
	if (word_exists(b->event, ref, v->text, &n)) {
		b->known |= 1ULL << i;
		return 0;
	}
	if (*b->wrong)
		return 0;
	nearest__begin(&n, v->text, strlen(v->text));
	word_exists(b->event, ref, v->text, &n);
	WRONG(b, v->column, "%.*s is never '%.40s'%s", (int)b->term->len, b->term->name, v->text,
	      nearest__hint(&n));
	return 0;
}

static int equal(struct binding *b, u32 *i)
{
	const struct where_value *v = &b->term->value[*i], *end = v;
	u64 from, to;

	if (v->kind == VALUE_NONE) {
		b->known |= 1ULL << *i;
		return b->term->nr_values == 1 ? 0 :
		       WRONG(b, v->column, "'unknown' stands alone: %.*s==unknown",
			     (int)b->term->len, b->term->name);
	}
	if (v->kind == VALUE_WORD || name_ref__is_text(&b->bound->ref))
		return where__word(b, v, *i);
	b->known |= 1ULL << *i;
	if (v->range_begins) {
		end = &b->term->value[++*i];
		b->known |= 1ULL << *i;
	}
	return where__number(b, v, &from) || where__number(b, end, &to) ||
	       where__add_range(b, from, to, v->column);
}

static int bind_values(struct binding *b)
{
	const struct where_term *t = b->term;

	if (t->op == WHERE_MATCH) {
		b->known = ~0ULL;
		return has_words(&b->bound->ref) ? 0 :
		       WRONG(b, t->column, "%.*s is a number, and has no name for ~", (int)t->len,
			     t->name);
	}
	if (t->op != WHERE_EQ) {
		b->known = ~0ULL;
		return where__compare(b, &t->value[0]);
	}
	for (u32 i = 0; i < t->nr_values; i++)
		if (equal(b, &i))
			return 1;
	return 0;
}

/* ---- terms and events ---------------------------------------------------- */

static u8 column_at(struct where_event *e, const char *name)
{
	u32 i;

	if (!name)
		return UINT8_MAX;
	for (i = 0; i < e->nr_columns && strcmp(e->columns[i], name);)
		i++;
	if (i == e->nr_columns)
		e->columns[e->nr_columns++] = name;
	return i;
}

static bool bind_term(struct binding *b, struct where_event *e)
{
	struct where_bound *bound = b->bound;
	const struct field_desc *field;

	bound->ref = name_ref__find(b->event, b->term->name, b->term->len);
	field = bound->ref.field;
	bound->is_signed = field && field_type__signed(field->type);
	if (bound->ref.source == NAME_NONE)
		return false;
	bound->since_start = bound->ref.form == FORM_TIME && is_since_start(b->term);
	/* Some were armed before. */
	bound->is_signed |= bound->since_start;
	if (bind_values(b)) {
		bound->ref.source = NAME_NONE;
		return false;
	}
	for (u32 i = 0; i < NAME_COLUMNS; i++)
		bound->column[i] = column_at(e, bound->ref.column[i]);
	return true;
}

/* "; irq and others have it": events that were not asked for. */
static void offer_events(const struct where_term *t, u32 events, char *buf, size_t size)
{
	size_t len = 0;

	*buf = '\0';
	for_each_captured_event(event) {
		if (events & BIT(event->id) ||
		    name_ref__find(event, t->name, t->len).source == NAME_NONE)
			continue;
		if (len < size)
			len += snprintf(buf + len, size - len, "%s%s",
					len ? ", " : " (events that have it: ", event->name);
	}
}

static int no_name(const struct where *w, const struct where_term *t, u32 events)
{
	const struct event_desc *first = NULL;
	struct word_list all, names;
	char others[256], who[40];
	u32 nr = 0;

	word_list__begin(&all, t->name, t->len);
	for_each_captured_event(event) {
		if (!(events & BIT(event->id)))
			continue;
		name_ref__list(event, &all);
		/* Without exits, report shows returns to the VMM. */
		nr += event->id != KVMW_EVENT_USERSPACE || !first;
		first = first ?: event;
	}
	word_list__begin(&names, "", 0);
	if (first)
		name_ref__list(first, &names);
	snprintf(who, sizeof(who), "%s", nr == 1 ? first->plural : "the events");
	offer_events(t, events, others, sizeof(others));
	return error("%s, column %u: %s have no field '%.*s'%s%s%s; %s%s", w->option, t->column,
		     who, (int)(t->len < 40 ? t->len : 40), t->name, nearest__hint(&all.nearest),
		     others, *others ? ")" : "",
		     nr == 1 ? "their fields are " : "kvmw info -v lists those of a recording",
		     nr == 1 ? names.text : "");
}

static struct where_event *new_event(const struct where *w, const struct event_desc *desc)
{
	struct where_event *e = mem__calloc(1, sizeof(*e) + w->nr_terms * sizeof(e->bound[0]));

	if (e)
		e->desc = desc;
	return e;
}

/* A term in all events: one of them has to take it, and any word has to exist in one. */
static int bind_everywhere(struct where *w, u32 i, u32 events)
{
	const struct where_term *t = &w->term[i];
	bool there = false, taken = false;
	char wrong[256] = "";
	u64 known = 0;

	for (u32 id = 0; id < KVMW_MAX_EVENTS; id++) {
		struct where_event *e = w->event[id];
		struct binding b = { .w = w, .term = t, .wrong = wrong, .size = sizeof(wrong) };

		if (!e)
			continue;
		b.event = e->desc;
		b.bound = &e->bound[i];
		taken |= bind_term(&b, e);
		there |= name_ref__find(e->desc, t->name, t->len).source != NAME_NONE;
		known |= b.known;
		/* Tracepoints have names that the recording knows. */
		w->filter.identity |= name_ref__is_identity(&b.bound->ref) || id == KVMW_EVENT_RAW;
	}
	if (!there)
		return no_name(w, t, events);
	for (u32 k = 0; k < t->nr_values; k++)
		taken &= known >> k & 1;
	return taken ? 0 : error("%s, %s", w->option, wrong);
}

static bool needs_symbols(const struct where *w)
{
	for (u32 i = 0; i < w->nr_terms; i++)
		for (u32 id = 0; id < KVMW_MAX_EVENTS; id++)
			if (w->event[id] && w->event[id]->bound[i].ref.source == NAME_SYM)
				return true;
	return false;
}

void where__use_symbols(struct where *w, const struct guest_symbols *symbols)
{
	w->symbols = symbols;
}

int where__without_symbols(const struct where *w)
{
	return !needs_symbols(w) ? 0 :
	       error("%s: sym: the guest's functions are unknown; give a copy of its /proc/kallsyms "
		     "(--guest-kallsyms FILE), here or to kvmw record, or compare rip", w->option);
}

int where__bind(struct where *w, u32 events)
{
	unbind(w);
	for_each_captured_event(event) {
		if (!(events & BIT(event->id)))
			continue;
		w->event[event->id] = new_event(w, event);
		if (!w->event[event->id])
			return -1;
	}
	for (u32 i = 0; i < w->nr_terms; i++)
		if (bind_everywhere(w, i, events))
			return -1;
	return 0;
}
