// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "util/event_desc.h"

#define FIELD(S, ftype, fname, funit, fholds, fenc, fref, fdoc)		\
	{ .name = #fname, .type = FIELD_##ftype, .unit = funit,		\
	  .holds = KVMW_HOLDS_##fholds, .encoding = ENC_##fenc, .ref = fref,	\
	  .doc = fdoc, .offset = offsetof(struct kvmw_##S, fname) },
#define FIELDS(NAME, ename, eid, eclass, edoc, ...)			\
	static const struct field_desc ename##_fields[] = {		\
		KVMW_FIELDS_##ename(FIELD, ename) };
KVMW_EVENTS(FIELDS)

#define KIND(S, NAME, kname, knumber, kdoc)				\
	{ .number = knumber, .name = #kname, .doc = kdoc },
/* One more than there are: some events have none. */
#define KINDS(NAME, ename, eid, eclass, edoc, ...)			\
	static const struct kind_desc ename##_kinds[] = {		\
		KVMW_KINDS_##ename(KIND, ename) { .name = NULL } };
KVMW_EVENTS(KINDS)

/* What all events of a class have in common. */
#define CLASS_CYCLE(ename)						\
	.class = EVENT_CYCLE, .provider = #ename, .reason = "reason", .reason_title = "reason"
#define CLASS_HEAD							\
	.span = "span_ns", .reason = "kind", .reason_title = "what", .detail_kind = "kind", .cpu = "cpu"
#define CLASS_FAMILY(ename)	.class = EVENT_FAMILY, .provider = #ename, CLASS_HEAD
#define CLASS_RAW(ename)	.class = EVENT_RAW, .provider = "tracepoint", CLASS_HEAD
#define CLASS_TABLE(ename)	.class = EVENT_TABLE, .provider = "recorder"

/* Attributes are written with these. */
#define IN(GROUP)	BIT(KVMW_GROUP_##GROUP)
#define IN_SYSCALLS	"on a preemptible kernel also, at little cost, each system call"

#define EVENT(NAME, ename, eid, eclass, edoc, ...)			\
	{ .id = eid, .name = #ename, .doc = edoc,			\
	  .fields = ename##_fields, .nr_fields = ARRAY_SIZE(ename##_fields), \
	  .kinds = ARRAY_SIZE(ename##_kinds) > 1 ? ename##_kinds : NULL, \
	  .nr_kinds = ARRAY_SIZE(ename##_kinds) - 1,			\
	  .size = sizeof(struct kvmw_##ename),				\
	  CLASS_##eclass(ename), __VA_ARGS__ },
static const struct event_desc events[] = { KVMW_EVENTS(EVENT) };

#define CHECK(NAME, ename, eid, eclass, edoc, ...)			\
	_Static_assert((EVENT_##eclass == EVENT_TABLE) == (eid >= KVMW_MAX_EVENTS), \
		       #ename ": ids of tables begin at KVMW_MAX_EVENTS");	\
	_Static_assert(sizeof(struct kvmw_##ename) % 8 == 0,		\
		       #ename ": rows are compared by words, util/data/encode.c");
KVMW_EVENTS(CHECK)

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

const struct event_desc *event_desc__captured(u32 id)
{
	return id < KVMW_MAX_EVENTS ? event_desc__by_id(id) : NULL;
}

const struct event_desc *event_desc__next(const struct event_desc *event)
{
	for (event = event ? event + 1 : events; event < events + ARRAY_SIZE(events); event++)
		if (event->class != EVENT_TABLE)
			return event;
	return NULL;
}

bool event_desc__is_cycle(u32 id)
{
	const struct event_desc *event = event_desc__by_id(id);

	return event && event->class == EVENT_CYCLE;
}

#define GROUP_NAME(NAME, name) #name,

const char *event_group__name(enum event_group group)
{
	static const char *const names[] = { KVMW_GROUPS(GROUP_NAME) };

	return names[group];
}

u32 event_group__events(enum event_group group)
{
	u32 set = 0;

	for_each_captured_event(event)
		if (group == KVMW_GROUP_ALL ? !event->apart : event->groups & BIT(group))
			set |= BIT(event->id);
	return set;
}

const struct kind_desc *event_desc__kind(const struct event_desc *event, u64 number)
{
	for (u32 i = 0; i < event->nr_kinds; i++)
		if (event->kinds[i].number == number)
			return &event->kinds[i];
	return NULL;
}

const char *event_desc__noun(const struct event_desc *event, u64 count)
{
	return count == 1 ? event->singular : event->plural;
}

int event_desc__field(const struct event_desc *event, const char *name, size_t len)
{
	for (u32 i = 0; i < event->nr_fields; i++)
		if (strlen(event->fields[i].name) == len &&
		    !memcmp(event->fields[i].name, name, len))
			return i;
	return -1;
}

#define DETAIL(NAME, dname, dnumber, dwhat, ddoc)			\
	{ .number = dnumber, .name = dname, .what = dwhat, .doc = ddoc },
static const struct kind_desc details[] = { KVMW_DETAILS(DETAIL) };

const struct kind_desc *detail_desc__all(size_t *nr)
{
	*nr = ARRAY_SIZE(details);
	return details;
}

#define RET_PF_DESC(NAME, rname, rnumber, rdoc) { .number = rnumber, .name = rname, .doc = rdoc },
static const struct kind_desc ret_pfs[] = { KVMW_RET_PFS(RET_PF_DESC) };

const struct kind_desc *ret_pf_desc__all(size_t *nr)
{
	*nr = ARRAY_SIZE(ret_pfs);
	return ret_pfs;
}

#define CAUSE_DESC(NAME, cname, cnumber, cdoc) { .number = cnumber, .name = cname, .doc = cdoc },
static const struct kind_desc causes[] = { KVMW_CAUSES(CAUSE_DESC) };

const struct kind_desc *cause_desc__all(size_t *nr)
{
	*nr = ARRAY_SIZE(causes);
	return causes;
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

/* Little endian, as all that kvmw runs on: the low bytes come first. */
void event_desc__row(const struct event_desc *event, u64 *const *col, u32 i, void *row)
{
	for (u32 k = 0; k < event->nr_fields; k++)
		memcpy((u8 *)row + event->fields[k].offset, &col[k][i],
		       field_type__width(event->fields[k].type));
}

u64 field_desc__value(const struct field_desc *f, const void *row)
{
	u32 bits = 8 * field_type__width(f->type);
	u64 value = 0;

	/* Little endian, as all that kvmw runs on: the low bytes come first. */
	memcpy(&value, (const char *)row + f->offset, bits / 8);
	if (field_type__signed(f->type) && bits < 64 && value >> (bits - 1))
		value |= ~0ULL << bits;
	return value;
}
