// SPDX-License-Identifier: GPL-2.0
/* kvmw script: which events and fields are selected, by -e and -F. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/analysis/script_internal.h"
#include "util/analysis/where.h"
#include "util/array.h"
#include "util/error.h"
#include "util/nearest.h"

static const char *const head_names[] = {
	[HEAD_COMM] = "comm", [HEAD_TID] = "tid", [HEAD_PID] = "pid", [HEAD_CPU] = "cpu",
	[HEAD_TIME] = "time_ns", [HEAD_EVENT] = "event", [HEAD_KIND] = "kind",
	[HEAD_VCPU] = "vcpu", [HEAD_VCPU_ID] = "vcpu_id",
};

const char *script_head__name(enum script_head head)
{
	return head_names[head];
}

static const char *const clock_names[NR_SCRIPT_CLOCKS] = {
	[CLOCK_START] = "start", [CLOCK_MONO] = "mono", [CLOCK_WALL] = "wall",
};

const char *script_clock__name(enum script_clock clock)
{
	return clock_names[clock];
}

/* The next item of a comma-separated list; NULL: no more. */
static const char *next_item(const char **list, size_t *len)
{
	const char *item = *list;

	if (!item)
		return NULL;
	*len = strcspn(item, ",");
	*list = item[*len] ? item + *len + 1 : NULL;
	return item;
}

static bool equals(const char *item, size_t len, const char *name)
{
	return strlen(name) == len && !memcmp(item, name, len);
}

/* ---- -F ----------------------------------------------------------------- */

static bool is_sign(char c)
{
	return c == '+' || c == '-';
}

/* A time without its unit, as the text has it; or what JSON and CSV have beside the field. */
static bool equals_short(const char *item, size_t len, const char *name)
{
	static const char *const beside[] = { "_hex", "_number", "_stack" };

	if (!strncmp(item, name, len) && !strcmp(name + len, "_ns"))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(beside); i++) {
		size_t suffix = strlen(beside[i]);

		if (len > suffix && !memcmp(item + len - suffix, beside[i], suffix) &&
		    equals(item, len - suffix, name))
			return true;
	}
	return false;
}

enum selected { NOT_SELECTED, BY_DEFAULT, BY_NAME };

static enum selected script__selects(const struct script *sc, const char *name, bool shown)
{
	enum selected selected = shown ? BY_DEFAULT : NOT_SELECTED;
	const char *list = sc->opt->fields, *item;
	size_t len;

	/* The first item says which: changes to the default, or the whole list. */
	if (list && !is_sign(*list))
		selected = NOT_SELECTED;
	for (u32 i = 0; (item = next_item(&list, &len)); i++) {
		bool minus = len && *item == '-', whole = i < 64 && sc->whole >> i & 1;

		if (len && is_sign(*item)) {
			item++;
			len--;
		}
		if (whole ? equals(item, len, name) : equals_short(item, len, name))
			selected = minus ? NOT_SELECTED : BY_NAME;
	}
	return selected;
}

typedef bool same_fn(const char *item, size_t len, const char *name);

static bool is_field(const struct data_reader *r, const char *item, size_t len, same_fn *same)
{
	for (u32 i = 0; i < NR_HEADS; i++)
		if (same(item, len, head_names[i]))
			return true;
	for (u32 id = 0; id < KVMW_MAX_EVENTS; id++) {
		const struct data_event *event = data_reader__event(r, id);

		for (u32 i = 0; event && i < event->nr_fields; i++)
			if (same(item, len, event->fields[i].name))
				return true;
	}
	return false;
}

static int no_field(const struct data_reader *r, const char *item, size_t len)
{
	struct nearest n;

	nearest__begin(&n, item, len);
	for (u32 i = 0; i < NR_HEADS; i++)
		nearest__offer(&n, head_names[i]);
	for (u32 id = 0; id < KVMW_MAX_EVENTS; id++) {
		const struct data_event *event = data_reader__event(r, id);

		for (u32 i = 0; event && i < event->nr_fields; i++)
			nearest__offer(&n, event->fields[i].name);
	}
	return error("--fields: no event has a field '%.*s'%s; there are comm, tid, pid, cpu, time, "
		     "event, kind, vcpu, vcpu_id, and the columns that kvmw info -v lists",
		     (int)len, item, nearest__hint(&n));
}

static int check_fields(struct script *sc, const struct data_reader *r)
{
	const char *list = sc->opt->fields, *item;
	size_t len;

	for (u32 i = 0; (item = next_item(&list, &len)); i++) {
		if (len && is_sign(*item)) {
			item++;
			len--;
		}
		if (i < 64 && is_field(r, item, len, equals))
			sc->whole |= 1ULL << i;
		else if (i >= 64 || !is_field(r, item, len, equals_short))
			break;
	}
	if (!item)
		return 0;
	sc->result->usage = true;
	return no_field(r, item, len);
}

/* ---- -e ----------------------------------------------------------------- */

static int script_view__want(struct event_view *view, const u32 *kind)
{
	view->wanted = true;
	view->all_kinds |= !kind;
	if (view->all_kinds)
		return 0;
	if (array__reserve(view->kinds, view->nr_kinds, view->room_kinds, NULL))
		return -1;
	view->kinds[view->nr_kinds++] = *kind;
	return 0;
}

/* "irq:eoi": 1: no such kind */
static int want_kind(struct event_view *view, const struct data_event *event, const char *name,
		     size_t len)
{
	for (u32 i = 0; i < event->nr_kinds; i++)
		if (equals(name, len, event->kinds[i].name))
			return script_view__want(view, &event->kinds[i].number);
	return 1;
}

/* "kvm:kvm_pio", or of any name it may have. 1: no such tracepoint */
static int want_tracepoint(struct script *sc, const char *item, size_t len)
{
	const struct rec_meta *m = &sc->model.rec->meta;

	for (u32 i = 0; i < m->nr_tracepoints; i++)
		if (equals(item, len, m->tracepoint[i].name))
			return script_view__want(&sc->model.view[KVMW_EVENT_RAW],
						 &m->tracepoint[i].kind);
	return 1;
}

/* Returns 1 if there is no such event, kind or tracepoint. */
static int want_item(struct script *sc, const struct data_reader *r, const char *item, size_t len)
{
	const char *colon = memchr(item, ':', len);
	size_t name_len = colon ? (size_t)(colon - item) : len;
	int ret;

	for (u32 id = 0; id < KVMW_MAX_EVENTS; id++) {
		const struct data_event *event = data_reader__event(r, id);
		const struct event_desc *desc = event_desc__by_id(id);
		struct event_view *view = &sc->model.view[id];

		/* An event newer than the recording is not a mistake: it has no rows. */
		if (!event && desc && equals(item, name_len, desc->name))
			return 0;
		if (!event || !equals(item, name_len, event->name))
			continue;
		if (!colon)
			return script_view__want(view, NULL);
		/* Categories of tracepoints, as sched, may have a family's name. */
		ret = want_kind(view, event, colon + 1, len - name_len - 1);
		return ret > 0 ? want_tracepoint(sc, item, len) : ret;
	}
	return want_tracepoint(sc, item, len);
}

static int script_view__no_event(const struct script *sc, const struct data_reader *r,
				 const char *item, size_t len)
{
	const struct rec_meta *m = &sc->model.rec->meta;
	char name[NEAREST_MAX + 1];
	struct nearest n;

	nearest__begin(&n, item, len);
	for (u32 id = 0; id < KVMW_MAX_EVENTS; id++) {
		const struct data_event *event = data_reader__event(r, id);

		if (event)
			nearest__offer(&n, event->name);
		for (u32 i = 0; event && i < event->nr_kinds && memchr(item, ':', len); i++) {
			snprintf(name, sizeof(name), "%.20s:%.19s", event->name,
				 event->kinds[i].name);
			nearest__offer(&n, name);
		}
	}
	for (u32 i = 0; i < m->nr_tracepoints; i++)
		nearest__offer(&n, m->tracepoint[i].name);
	return error("--event: no event '%.*s' in this recording%s; kvmw info lists its events, "
		     "kvmw list all known ones", (int)len, item, nearest__hint(&n));
}

static int take_events(struct script *sc, const struct data_reader *r)
{
	const char *list = sc->opt->events, *item;
	size_t len;
	int ret;

	if (!list) {
		for (u32 id = 0; id < KVMW_MAX_EVENTS; id++)
			script_view__want(&sc->model.view[id], NULL);
		return 0;
	}
	while ((item = next_item(&list, &len))) {
		ret = want_item(sc, r, item, len);
		if (ret < 0)
			return -1;
		if (!ret)
			continue;
		sc->result->usage = true;
		return script_view__no_event(sc, r, item, len);
	}
	return 0;
}

static int bind_where(struct script *sc)
{
	u32 events = 0;

	for (u32 id = 0; id < KVMW_MAX_EVENTS; id++)
		events |= sc->model.view[id].wanted ? BIT(id) : 0;
	if (!sc->opt->where || (!where__bind(sc->opt->where, events) &&
				(sc->opt->has_symbols || sc->model.rec->has_symbols ||
				 !where__without_symbols(sc->opt->where))))
		return 0;
	sc->result->usage = true;
	return -1;
}

int script__resolve(struct script *sc, const struct data_reader *r)
{
	/* A vCPU's thread is known by its number. */
	const bool not_brief[NR_HEADS] = {
		[HEAD_COMM] = true, [HEAD_TID] = true, [HEAD_PID] = true, [HEAD_VCPU_ID] = true,
	};

	sc->resolved = true;
	sc->model.clock = sc->opt->clock;
	sc->model.chosen = sc->opt->fields;
	sc->model.exact = sc->opt->fields && !is_sign(*sc->opt->fields);
	if (check_fields(sc, r))
		return -1;
	for (u32 i = 0; i < NR_HEADS; i++)
		sc->model.head[i] = script__selects(sc, head_names[i],
						    !sc->opt->brief || !not_brief[i]);
	if (take_events(sc, r) || bind_where(sc))
		return -1;
	/* CSV has its columns first. */
	for (u32 id = 0; sc->opt->stream && id < KVMW_MAX_EVENTS; id++) {
		const struct data_event *event = data_reader__event(r, id);

		if (event && sc->model.view[id].wanted && !script__view(sc, event))
			return -1;
	}
	return 0;
}

/* ---- the fields of an event --------------------------------------------- */

/* Shown before the event's fields. */
static bool in_head(const struct event_view *v, u32 i)
{
	return (int)i == v->vcpu || (int)i == v->tid || (int)i == v->cpu || (int)i == v->kind ||
	       !strcmp(v->event->fields[i].name, "time_ns");
}

static bool is_word(const struct data_field *f)
{
	return f->name[0] == 'w' && f->name[1] >= '0' && f->name[1] <= '9';
}

/* "detail" of "detail_kind": the two are shown as one; or -1. */
static int detail_of(const struct data_event *event, u32 i)
{
	const struct data_field *f = &event->fields[i];
	size_t len = strlen(f->name);
	char name[sizeof(f->name)];

	if (strcmp(f->unit, "detail") || len <= 5 || strcmp(f->name + len - 5, "_kind"))
		return -1;
	memcpy(name, f->name, len - 5);
	name[len - 5] = 0;
	return data_event__field(event, name);
}

/* Text has first what names the event, then times, then the rest: what does not fit is cut off. */
static u32 script_view__rank(const struct field_view *f)
{
	switch (f->form) {
	case FORM_REASON:
		return 0;
	case FORM_DETAIL:
	case FORM_RET_PF:
	case FORM_CAUSE:
		return 1;
	case FORM_IOCTL:
		return 2;
	case FORM_NS:
		return 3;
	case FORM_USER:
		return 5;
	default:
		return 4;
	}
}

static void script_view__put_in_order(struct event_view *v)
{
	for (u32 i = 1; i < v->nr_fields; i++) {
		struct field_view f = v->field[i];
		u32 at = i;

		for (; at && script_view__rank(&v->field[at - 1]) > script_view__rank(&f); at--)
			v->field[at] = v->field[at - 1];
		v->field[at] = f;
	}
}

/* A part of an exit's time. */
static bool is_part(const struct data_event *event, const char *name)
{
	const struct event_desc *desc = event_desc__by_id(event->id);

	for (size_t i = 0; desc && event->id == KVMW_EVENT_EXIT && i < ARRAY_SIZE(desc->parts); i++)
		if (desc->parts[i] && !strcmp(name, desc->parts[i]))
			return true;
	return false;
}

static enum field_omit omit_of(const struct data_event *event, const char *name)
{
	static const char *const zeros[] = { "poll_ns", "info1", "info2", "intr_info", "error_code",
					     "detail_size", "nested", "throttled_ns", "written" };

	if (event->id == KVMW_EVENT_EXIT && !strcmp(name, "entry_cpu"))
		return OMIT_SAME_CPU;
	if (event->id == KVMW_EVENT_EXIT && !strcmp(name, "user_reason"))
		return OMIT_IMPLIED;
	for (size_t i = 0; event->id == KVMW_EVENT_EXIT && i < ARRAY_SIZE(zeros); i++)
		if (!strcmp(name, zeros[i]))
			return OMIT_ZERO;
	if (is_part(event, name))
		return OMIT_ZERO_ONLY;
	return strcmp(name, "nested") ? OMIT_UNKNOWN : OMIT_ZERO;
}

static struct field_view script_view__describe(const struct data_event *event, u32 i)
{
	struct field_view f = {
		.field = i,
		.form = field__form(event, i),
		.omit = omit_of(event, event->fields[i].name),
		.desc = &event->fields[i],
		.detail_of = detail_of(event, i),
	};
	size_t len = strlen(f.desc->name);

	/* Their values carry a unit. */
	memcpy(f.label, f.desc->name, len + 1);
	if ((f.form == FORM_NS || f.form == FORM_TIME) && len > 3 &&
	    !strcmp(f.label + len - 3, "_ns"))
		f.label[len - 3] = 0;
	if (f.detail_of >= 0)
		memcpy(f.label, event->fields[f.detail_of].name,
		       sizeof(event->fields[f.detail_of].name));
	strcat(f.label, "=");
	f.label_len = strlen(f.label);
	return f;
}

/* What text does not repeat by default. */
static bool said_elsewhere(const struct event_view *v, u32 i)
{
	const char *name = v->event->fields[i].name;

	if ((int)i == v->isa && data_event__field(v->event, "reason") >= 0)
		return true;
	if ((v->cpu < 0 && !strcmp(name, "exit_cpu")) ||
	    (v->event->id == KVMW_EVENT_RAW && !strcmp(name, "size")))
		return true;
	/* What the CPU said is in the detail. */
	if (v->event->id == KVMW_EVENT_EXIT && data_event__field(v->event, "detail") >= 0 &&
	    (!strcmp(name, "info1") || !strcmp(name, "info2") || !strcmp(name, "detail_size")))
		return true;
	for (u32 k = 0; k < v->event->nr_fields; k++)
		if (detail_of(v->event, k) == (int)i)
			return true;
	return false;
}

static int make_view(struct script *sc, struct event_view *v, const struct data_event *event)
{
	const struct event_desc *desc = event_desc__by_id(event->id);
	bool brief = sc->opt->brief;

	v->event = event;
	v->name_len = strlen(event->name);
	v->vcpu = data_event__field(event, "vcpu");
	v->tid = data_event__field(event, "tid");
	v->kind = data_event__field(event, "kind");
	v->isa = data_event__field(event, "isa");
	v->cpu = data_event__field(event, "cpu");
	v->reason = data_event__field(event, "reason");
	if (v->isa < 0 || (v->reason >= 0 && field__form(event, v->reason) != FORM_REASON))
		v->reason = -1;
	v->span = data_event__field(event, desc && desc->span ? desc->span : "span_ns");
	v->halt = data_event__field(event, "halt_ns");
	v->poll = data_event__field(event, "poll_ns");
	v->detail_kind = data_event__field(event, "detail_kind");
	v->field = mem__calloc(event->nr_fields, sizeof(*v->field));
	if (!v->field)
		return -1;
	for (u32 i = 0; i < event->nr_fields; i++) {
		bool shown = !brief || !said_elsewhere(v, i);
		enum selected selected;

		if (in_head(v, i) || (event->id == KVMW_EVENT_RAW && is_word(&event->fields[i])))
			continue;
		selected = script__selects(sc, event->fields[i].name, shown);
		if (!selected)
			continue;
		v->field[v->nr_fields] = script_view__describe(event, i);
		if (selected == BY_NAME)
			v->field[v->nr_fields].omit = OMIT_UNKNOWN;
		v->nr_fields++;
	}
	script_names__find_fields(v);
	/* The CPU of an exit is in the head, and among the fields of JSON and CSV. */
	if (v->cpu < 0)
		v->cpu = data_event__field(event, "exit_cpu");
	if (brief)
		script_view__put_in_order(v);
	return 0;
}

struct event_view *script__view(struct script *sc, const struct data_event *event)
{
	struct event_view *v = &sc->model.view[event->id];

	return v->event || !make_view(sc, v, event) ? v : NULL;
}
