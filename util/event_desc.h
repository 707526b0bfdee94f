/* SPDX-License-Identifier: GPL-2.0 */
/* The lists of util/events.h as tables, for use at run time. */
#ifndef KVMW_EVENT_DESC_H
#define KVMW_EVENT_DESC_H

#include "util/types.h"
#include "util/events.h"

enum field_type { FIELD_u16, FIELD_u32, FIELD_s32, FIELD_u64, FIELD_s64 };

/* What the list of events asks for; a frame records what was done with each column. */
enum field_encoding { ENC_CHAIN, ENC_PLANES, ENC_DICT, ENC_DELTA, ENC_TOKENS };

struct field_desc {
	const char *name;
	enum field_type type;
	const char *unit;
	enum kvmw_holds holds;
	enum field_encoding encoding;
	const char *ref;	/* names of other fields, comma separated, or "" */
	const char *doc;
	u32 offset;		/* in bytes, within the event's struct */
};

/* The meaning of a number in a field with unit "kind", "detail", "ret_pf" or "cause". */
struct kind_desc {
	u32 number;
	const char *name;
	const char *what;	/* of a detail: "port" */
	const char *doc;
};

/* Kinds of an exit's detail: an access to a gpa without memory; a page fault on memory. */
static inline bool detail_is_mmio(u64 kind)
{
	return kind >= KVMW_DETAIL_MMIO_READ && kind <= KVMW_DETAIL_FAST_MMIO;
}

static inline bool detail_is_fault(u64 kind)
{
	return kind >= KVMW_DETAIL_FAULT_READ && kind <= KVMW_DETAIL_FAULT_EXEC;
}

enum event_class { EVENT_CYCLE, EVENT_FAMILY, EVENT_RAW, EVENT_TABLE };

#define KVMW_GROUP_ID(NAME, name) KVMW_GROUP_##NAME,
enum event_group { KVMW_GROUPS(KVMW_GROUP_ID) KVMW_NR_GROUPS };

struct event_desc {
	u32 id;
	const char *name;
	enum event_class class;
	const char *provider;	/* in the schema of a recording */
	const char *doc;
	const struct field_desc *fields;
	u32 nr_fields;
	const struct kind_desc *kinds;	/* NULL: all of one kind */
	u32 nr_kinds;
	u32 size;		/* sizeof the event's struct, padding included */

	/* How kvmw record chooses it. */
	bool on_by_default;
	bool apart;		/* not in group "all" */
	u32 groups;		/* bitmap of enum event_group, without "all" */
	const char *cost;	/* when its programs run: "each hypercall" */

	/* What kvmw report shows: names of fields; NULL: there is no such field. */
	const char *span, *gap;	/* durations: of the event, and before it */
	const char *parts[6];	/* parts of span, by enum agg_part */
	const char *reason, *detail, *detail_kind, *user, *cpu;
	const char *reason_title, *detail_title;	/* headings of these columns */
	const char *singular, *plural;	/* "exit", "exits" */
	const char *sort;	/* default of --sort; NULL: "reason" */
};

/* Descriptions live as long as the program. NULL or -1: not found. */
const struct event_desc *event_desc__all(size_t *nr);
const struct event_desc *event_desc__by_id(u32 id);
const struct event_desc *event_desc__by_name(const char *name);
/* NULL: it has no kind of this number. */
const struct kind_desc *event_desc__kind(const struct event_desc *event, u64 number);
int event_desc__field(const struct event_desc *event, const char *name, size_t len);
/* "exit" of 1, else "exits". */
const char *event_desc__noun(const struct event_desc *event, u64 count);

/* Events captured from the kernel, in ascending order of ids; NULL: no such id, or no more. */
const struct event_desc *event_desc__captured(u32 id);
const struct event_desc *event_desc__next(const struct event_desc *event);
#define for_each_captured_event(event)					\
	for (const struct event_desc *event = event_desc__next(NULL); event; \
	     event = event_desc__next(event))
/* The same without raw tracepoints: the events that -e knows by name. */
#define for_each_named_event(event)					\
	for_each_captured_event(event)					\
		if (event->class == EVENT_RAW) {} else

/* Events that make up the time of vCPUs: exit and userspace. */
bool event_desc__is_cycle(u32 id);

/* Groups of -e, and the events of one, as a bitmap of ids. */
const char *event_group__name(enum event_group group);
u32 event_group__events(enum event_group group);

/* KVMW_DETAILS; the number is the index. */
const struct kind_desc *detail_desc__all(size_t *nr);

/* KVMW_RET_PFS and KVMW_CAUSES; likewise. */
const struct kind_desc *ret_pf_desc__all(size_t *nr);
const struct kind_desc *cause_desc__all(size_t *nr);

/* Of a row, the event's struct: 64 bits, signed ones sign-extended. */
u64 field_desc__value(const struct field_desc *f, const void *row);

/* The reverse: row i of columns by field, as its struct, whose padding is the caller's. */
void event_desc__row(const struct event_desc *event, u64 *const *col, u32 i, void *row);

const char *field_type__name(enum field_type type);
u32 field_type__width(enum field_type type);	/* bytes */
bool field_type__signed(enum field_type type);
int field_type__parse(const char *name);

#endif
