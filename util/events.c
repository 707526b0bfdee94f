// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "util/event_desc.h"

#define FIELD(S, ftype, fname, funit, fenc, fref, fdoc)			\
	{ .name = #fname, .type = FIELD_##ftype, .unit = funit,		\
	  .encoding = ENC_##fenc, .ref = fref, .doc = fdoc,		\
	  .offset = offsetof(struct kvmw_##S, fname) },
#define FIELDS(NAME, ename, eid, eprovider, edoc)			\
	static const struct field_desc ename##_fields[] = {		\
		KVMW_FIELDS_##ename(FIELD, ename) };
KVMW_EVENTS(FIELDS)

#define KIND(S, NAME, kname, knumber, kdoc)				\
	{ .number = knumber, .name = #kname, .doc = kdoc },
/* One more than there are: some events have none. */
#define KINDS(NAME, ename, eid, eprovider, edoc)			\
	static const struct kind_desc ename##_kinds[] = {		\
		KVMW_KINDS_##ename(KIND, ename) { .name = NULL } };
KVMW_EVENTS(KINDS)

#define EVENT(NAME, ename, eid, eprovider, edoc)			\
	{ .id = eid, .name = #ename, .provider = eprovider, .doc = edoc, \
	  .fields = ename##_fields, .nr_fields = ARRAY_SIZE(ename##_fields), \
	  .kinds = ARRAY_SIZE(ename##_kinds) > 1 ? ename##_kinds : NULL, \
	  .nr_kinds = ARRAY_SIZE(ename##_kinds) - 1,			\
	  .size = sizeof(struct kvmw_##ename) },
static const struct event_desc events[] = { KVMW_EVENTS(EVENT) };

const struct event_desc *event_desc__all(size_t *nr)
{
	*nr = ARRAY_SIZE(events);
	return events;
}

const struct event_desc *event_desc__by_id(u32 id)
{
	for (size_t i = 0; i < ARRAY_SIZE(events); i++)
		if (events[i].id == id)
			return &events[i];
	return NULL;
}

const struct event_desc *event_desc__by_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(events); i++)
		if (!strcmp(events[i].name, name))
			return &events[i];
	return NULL;
}

int event_desc__field(const struct event_desc *event, const char *name, size_t len)
{
	for (u32 i = 0; i < event->nr_fields; i++)
		if (strlen(event->fields[i].name) == len &&
		    !memcmp(event->fields[i].name, name, len))
			return i;
	return -1;
}

#define DETAIL(NAME, dname, dnumber, ddoc) { .number = dnumber, .name = dname, .doc = ddoc },
static const struct kind_desc details[] = { KVMW_DETAILS(DETAIL) };

const struct kind_desc *detail_desc__all(size_t *nr)
{
	*nr = ARRAY_SIZE(details);
	return details;
}

static const struct { const char *name; u32 width; bool is_signed; } types[] = {
	[FIELD_u16] = { "u16", 2, false },
	[FIELD_u32] = { "u32", 4, false },
	[FIELD_s32] = { "s32", 4, true },
	[FIELD_u64] = { "u64", 8, false },
	[FIELD_s64] = { "s64", 8, true },
};

const char *field_type__name(enum field_type type)
{
	return types[type].name;
}

u32 field_type__width(enum field_type type)
{
	return types[type].width;
}

bool field_type__signed(enum field_type type)
{
	return types[type].is_signed;
}

int field_type__parse(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (!strcmp(types[i].name, name))
			return i;
	return -1;
}
