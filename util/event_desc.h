/* SPDX-License-Identifier: GPL-2.0 */
/* The lists of util/events.h as tables, to be walked at run time. */
#ifndef KVMW_EVENT_DESC_H
#define KVMW_EVENT_DESC_H

#include "util/types.h"
#include "util/events.h"

enum field_type { FIELD_u16, FIELD_u32, FIELD_s32, FIELD_u64, FIELD_s64 };

/* What the event list asks for; a frame tells for each column what was done. */
enum field_encoding { ENC_CHAIN, ENC_PLANES, ENC_DICT, ENC_DELTA, ENC_TOKENS };

struct field_desc {
	const char *name;
	enum field_type type;
	const char *unit;
	enum field_encoding encoding;
	const char *ref;	/* names of other fields, comma separated, or "" */
	const char *doc;
	u32 offset;		/* in bytes, within the event's struct */
};

/* What a number of a field with unit "kind" or "detail" means. */
struct kind_desc {
	u32 number;
	const char *name;
	const char *doc;
};

struct event_desc {
	u32 id;
	const char *name;
	const char *provider;
	const char *doc;
	const struct field_desc *fields;
	u32 nr_fields;
	const struct kind_desc *kinds;	/* NULL: it is of one kind */
	u32 nr_kinds;
	u32 size;		/* sizeof the event's struct, padding included */
};

/* All of them live as long as the program. NULL or -1: there is none. */
const struct event_desc *event_desc__all(size_t *nr);
const struct event_desc *event_desc__by_id(u32 id);
const struct event_desc *event_desc__by_name(const char *name);
int event_desc__field(const struct event_desc *event, const char *name, size_t len);

/* KVMW_DETAILS; the number is the index. */
const struct kind_desc *detail_desc__all(size_t *nr);

const char *field_type__name(enum field_type type);
u32 field_type__width(enum field_type type);	/* bytes */
bool field_type__signed(enum field_type type);
int field_type__parse(const char *name);

#endif
