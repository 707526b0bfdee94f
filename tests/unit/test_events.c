// SPDX-License-Identifier: GPL-2.0
/* The event list, walked: what is declared there is usable everywhere. */
#include <ctype.h>

#include "frames.h"

/* Units that readers know what to do with: the list is in util/events.h. */
static const char *const units[] = {
	"time", "ns", "addr", "hex", "id", "count", "bytes", "reason", "isa", "errno",
	"kind", "detail", "access", "ioctl", "bool", "clock", "user",
	"ret_pf", "cause",
};

static void check_name(const char *name, size_t size)
{
	assert_true(islower(name[0]));
	for (const char *p = name; *p; p++)
		assert_true(islower(*p) || isdigit(*p) || *p == '_');
	assert_true(strlen(name) < size);
}

static void check_doc(const char *doc, size_t size)
{
	assert_true(strlen(doc) > 5 && strlen(doc) < size);
	for (const char *p = doc; *p; p++)
		assert_true(*p >= ' ' && *p < 0x7f && *p != '|' && *p != '"' && *p != '\\');
}

static void check_refs(const struct event_desc *event, const struct field_desc *field)
{
	static const u32 most[] = { [ENC_CHAIN] = 3, [ENC_TOKENS] = 2, [ENC_DICT] = 1 };
	const char *ref = field->ref;
	u32 n = 0;

	for (; *ref; n++) {
		size_t len = strcspn(ref, ",");
		int k = event_desc__field(event, ref, len);

		assert_true(k >= 0);
		/* Of what a column refers to, only TOKENS may be the column itself. */
		if (&event->fields[k] == field)
			assert_true(field->encoding == ENC_TOKENS && n == 1);
		ref += len + (ref[len] == ',');
	}
	assert_true(n <= (field->encoding < ARRAY_SIZE(most) ? most[field->encoding] : 0));
	if (field->encoding == ENC_CHAIN)
		assert_int_equal(n, 3);
}

static void check_kinds(const struct event_desc *event)
{
	int kind = event_desc__field(event, "kind", 4);

	for (u32 i = 0; i < event->nr_kinds; i++) {
		const struct kind_desc *k = &event->kinds[i];

		check_name(k->name, sizeof(((struct data_kind *)0)->name));
		check_doc(k->doc, sizeof(((struct data_field *)0)->doc));
		/* Numbered without gaps: so no number is used twice or again. */
		assert_int_equal(k->number, i + 1);
	}
	if (event->nr_kinds)
		assert_string_equal(event->fields[kind].unit, "kind");
}

/* What a field may reveal: hidden, it is all ones, which only fields of 64 bits can say. */
static void check_holds(const struct event_desc *event, u32 i)
{
	const struct field_desc *f = &event->fields[i], *before = i ? f - 1 : f;
	bool wide = field_type__width(f->type) == sizeof(u64);

	assert_true(wide || f->holds == KVMW_HOLDS_NUMBER || f->holds == KVMW_HOLDS_TEXT ||
		    f->holds == KVMW_HOLDS_PATH);
	assert_true(strcmp(f->unit, "addr") || f->holds != KVMW_HOLDS_NUMBER);
	assert_true(f->holds != KVMW_HOLDS_HOST_END || before->holds == KVMW_HOLDS_HOST_ADDR);
	assert_true(f->holds != KVMW_HOLDS_NAME_REST || before->holds == KVMW_HOLDS_NAME);
	if (f->holds == KVMW_HOLDS_DETAIL)
		assert_true(event_desc__field(event, "detail_kind", strlen("detail_kind")) >= 0);
	if (f->holds == KVMW_HOLDS_INFO1 || f->holds == KVMW_HOLDS_INFO2)
		assert_true(event_desc__field(event, "isa", strlen("isa")) >= 0 &&
			    event_desc__field(event, "reason", strlen("reason")) >= 0);
}

/* What `kvmw list` and `kvmw report` need to know. */
static void check_attributes(const struct event_desc *event)
{
	const char *const columns[] = { event->span, event->gap, event->reason, event->detail,
					event->detail_kind, event->user, event->cpu };

	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		if (columns[i])
			assert_true(event_desc__field(event, columns[i], strlen(columns[i])) >= 0);
	for (size_t i = 0; i < ARRAY_SIZE(event->parts); i++)
		if (event->parts[i])
			assert_true(event_desc__field(event, event->parts[i],
						      strlen(event->parts[i])) >= 0);
	if (event->class == EVENT_TABLE) {
		assert_null(event_desc__captured(event->id));
		return;
	}
	assert_ptr_equal(event_desc__captured(event->id), event);
	assert_true(event->singular && event->plural && event->reason_title && event->span &&
		    event->reason);
	assert_true(event->cost || event->class == EVENT_RAW);
	assert_int_equal(!event->detail, !event->detail_title);
}

static void test_list(void **state)
{
	size_t nr;
	const struct event_desc *events = event_desc__all(&nr);

	assert_true(nr >= 6);
	for (size_t i = 0; i < nr; i++) {
		const struct event_desc *e = &events[i];

		check_name(e->name, sizeof(((struct data_event *)0)->name));
		check_doc(e->doc, sizeof(((struct data_field *)0)->doc));
		check_kinds(e);
		assert_true(e->id >= 1);
		assert_true(e->provider[0]);
		assert_true(!i || e->id > events[i - 1].id);
		check_attributes(e);
		assert_ptr_equal(event_desc__by_id(e->id), e);		/* so they are unique */
		assert_ptr_equal(event_desc__by_name(e->name), e);
		assert_true(e->nr_fields >= 1 && e->nr_fields <= DATA_MAX_FIELDS);
		for (u32 k = 0; k < e->nr_fields; k++) {
			const struct field_desc *f = &e->fields[k];
			bool known = false;

			check_name(f->name, sizeof(((struct data_field *)0)->name));
			check_doc(f->doc, sizeof(((struct data_field *)0)->doc));
			assert_int_equal(event_desc__field(e, f->name, strlen(f->name)), k);
			assert_int_equal(field_type__parse(field_type__name(f->type)), f->type);
			assert_true(f->offset + field_type__width(f->type) <= e->size);
			for (size_t u = 0; u < ARRAY_SIZE(units); u++)
				known |= !strcmp(units[u], f->unit);
			assert_true(known);
			check_refs(e, f);
			check_holds(e, k);
		}
	}
	assert_null(event_desc__by_id(0));
	assert_null(event_desc__by_name("bogus"));
}

/* The list may have grown since, at the ends of what was released. */
static void check_unchanged(const struct data_event *was)
{
	const struct event_desc *is = event_desc__by_id(was->id);

	assert_non_null(is);
	assert_string_equal(is->name, was->name);
	assert_true(is->nr_fields >= was->nr_fields);
	for (u32 i = 0; i < was->nr_fields; i++) {
		assert_string_equal(is->fields[i].name, was->fields[i].name);
		assert_int_equal(is->fields[i].type, was->fields[i].type);
		assert_string_equal(is->fields[i].unit, was->fields[i].unit);
	}
	assert_true(is->nr_kinds >= was->nr_kinds);
	for (u32 i = 0; i < was->nr_kinds; i++) {
		assert_int_equal(is->kinds[i].number, was->kinds[i].number);
		assert_string_equal(is->kinds[i].name, was->kinds[i].name);
	}
}

/*
 * Append-only for ever: a golden file of format 1.1 describes every event that was released
 * with it, 1 to 15 and 32 to 35.
 */
static void test_released(void **state)
{
	struct data_reader *r = data_reader__open("tests/data/svm-families.kvmw");
	struct data_frame *f;
	u32 nr = 0;

	assert_non_null(r);
	while (data_reader__next(r, &f) > 0)
		data_frame__put(f);
	for (u32 id = 0; id < 64; id++) {
		const struct data_event *was = data_reader__event(r, id);

		assert_int_equal(was != NULL, (id >= 1 && id <= 15) || (id >= 32 && id <= 35));
		if (!was)
			continue;
		check_unchanged(was);
		nr += was->nr_fields + was->nr_kinds;
	}
	/* So none of them has gone unseen. */
	assert_int_equal(nr, 326);
	data_reader__close(r);
}

/* The numbers of details are not in SCHEMA. */
static void test_released_details(void **state)
{
	static const char *const names[] = {
		"", "in", "out", "mmio-read", "mmio-write", "mmio-fast", "fault-read",
		"fault-write", "fault-exec", "rdmsr", "wrmsr", "cr-read", "cr-write", "cpuid",
		"hypercall", "interrupt", "exception",
	};
	const struct kind_desc *details;
	size_t nr;

	details = detail_desc__all(&nr);
	assert_true(nr >= ARRAY_SIZE(names));
	for (size_t i = 0; i < nr; i++)
		assert_int_equal(details[i].number, i);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_string_equal(details[i].name, names[i]);
}

static void check_numbers(const struct kind_desc *list, size_t nr, const char *const *names,
			  size_t least)
{
	assert_true(nr >= least);
	for (size_t i = 0; i < nr; i++)
		assert_int_equal(list[i].number, i);
	for (size_t i = 0; i < least; i++)
		assert_string_equal(list[i].name, names[i]);
}

/* Nor are those of results of page faults, and why memory is taken. */
static void test_released_numbers(void **state)
{
	static const char *const results[] = {
		"", "retry", "emulate", "invalid", "fixed", "spurious", "continue", "write_protected",
		"error", "other",
	};
	static const char *const causes[] = {
		"", "unmap", "clear", "protect", "protect_page", "soft_dirty", "release", "migrate",
		"exclusive", "other",
	};
	const struct kind_desc *list;
	size_t nr;

	list = ret_pf_desc__all(&nr);
	check_numbers(list, nr, results, ARRAY_SIZE(results));
	list = cause_desc__all(&nr);
	check_numbers(list, nr, causes, ARRAY_SIZE(causes));
}

/* The schema in a recording gives back the list. */
static void test_schema(void **state)
{
	struct schema s = { 0 };
	char *text = schema__text(DATA_ALL_EVENTS);
	size_t nr;
	const struct event_desc *events = event_desc__all(&nr);

	assert_non_null(text);
	assert_int_equal(schema__parse(&s, text), 0);
	assert_int_equal(s.nr, nr);
	for (size_t i = 0; i < nr; i++) {
		const struct data_event *e = schema__find(&s, events[i].id);

		assert_non_null(e);
		assert_string_equal(e->name, events[i].name);
		assert_int_equal(e->nr_fields, events[i].nr_fields);
		for (u32 k = 0; k < e->nr_fields; k++) {
			assert_string_equal(e->fields[k].name, events[i].fields[k].name);
			assert_string_equal(e->fields[k].unit, events[i].fields[k].unit);
			assert_string_equal(e->fields[k].doc, events[i].fields[k].doc);
			assert_int_equal(e->fields[k].type, events[i].fields[k].type);
		}
		assert_int_equal(e->nr_kinds, events[i].nr_kinds);
		for (u32 k = 0; k < e->nr_kinds; k++)
			assert_string_equal(data_event__kind(e, events[i].kinds[k].number),
					    events[i].kinds[k].name);
	}
	schema__free(&s);
	free(text);
}

/* A recording describes the events that it may have, and all tables. */
static void test_schema_of_some(void **state)
{
	struct schema s = { 0 };
	char *text = schema__text(1U << KVMW_EVENT_EXIT | 1U << KVMW_EVENT_IRQ);
	size_t nr;
	const struct event_desc *events = event_desc__all(&nr);

	assert_int_equal(schema__parse(&s, text), 0);
	for (size_t i = 0; i < nr; i++)
		assert_int_equal(!!schema__find(&s, events[i].id),
				 events[i].id == KVMW_EVENT_EXIT ||
					 events[i].id == KVMW_EVENT_IRQ ||
					 events[i].id >= KVMW_MAX_EVENTS);
	schema__free(&s);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_released),
		cmocka_unit_test(test_released_details),
		cmocka_unit_test(test_released_numbers),
		cmocka_unit_test(test_schema),
		cmocka_unit_test(test_schema_of_some),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
