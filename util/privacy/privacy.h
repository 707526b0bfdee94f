/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a recording reveals, and how that is hidden: in rows while they are recorded
 * (record --no-addresses), or in a whole file (kvmw scrub). What each field holds:
 * util/event_holds.h.
 */
#ifndef KVMW_PRIVACY_H
#define KVMW_PRIVACY_H

#include "util/event_desc.h"
#include "util/privacy/remap.h"

/* REMAP: the same made-up one for the same real one; REMOVE: unknown, as if it were never seen. */
enum privacy_way { PRIVACY_KEEP, PRIVACY_REMAP, PRIVACY_REMOVE };

struct secret_desc {
	const char *member;	/* in META and JSON */
	enum privacy_way way;	/* what scrub does to it */
	const char *word, *doc;
};

const struct secret_desc *secret_desc(enum kvmw_secret secret);
/* What a field is part of; KVMW_SECRET_NONE: it reveals nothing. */
enum kvmw_secret secret_of_field(const struct field_desc *field);

/* How META says what became of a secret: the ways, and not recorded in the first place. */
#define SECRET_NOT_RECORDED	(PRIVACY_REMOVE + 1)
const char *secret_state__name(u32 state);	/* "remapped"; NULL: PRIVACY_KEEP, which is not said */
int secret_state__parse(const char *name);	/* -1: unknown */
/* Secrets in this state, "a, b", by words or docs, in buf, of SECRETS_LIST. Returns it. */
#define SECRETS_LIST	512
const char *secrets__in_state(const u32 *state, u32 which, bool docs, char *buf);

struct privacy {
	enum privacy_way way[KVMW_NR_SECRETS];
	struct remap *remap;	/* NULL: there is no REMAP among the ways */
};

/* Of rows; col[i]: the column of the event's field i. */
void privacy__hide(const struct privacy *p, const struct event_desc *event, u64 *const *col,
		   u32 rows);

/* Which ids of texts the rows refer to; path: as one that is a path. 0, or what use() returns. */
int privacy__each_text(const struct event_desc *event, u64 *const *col, u32 rows,
		       int (*use)(void *ctx, u32 id, bool path), void *ctx);

#define PRIVACY_TEXT	4096	/* bytes */

/* A name, a path, word by word, or a stack's function; into buf, of PRIVACY_TEXT. Returns buf. */
const char *privacy__name(const struct privacy *p, const char *text, char *buf);
const char *privacy__path(const struct privacy *p, const char *text, char *buf);
const char *privacy__function(const struct privacy *p, const char *text, char *buf);

#endif
