// SPDX-License-Identifier: GPL-2.0
#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "util/arch/access.h"
#include "util/privacy/privacy.h"

#define SECRET_DESC(NAME, smember, sway, sword, sdoc)			\
	[KVMW_SECRET_##NAME] = { #smember, PRIVACY_##sway, sword, sdoc },
static const struct secret_desc secrets[KVMW_NR_SECRETS] = { KVMW_SECRETS(SECRET_DESC) };

#define HOLDS_SECRET(NAME, secret, doc) [KVMW_HOLDS_##NAME] = KVMW_SECRET_##secret,
static const enum kvmw_secret held[] = { KVMW_HOLDS(HOLDS_SECRET) };

const struct secret_desc *secret_desc(enum kvmw_secret secret)
{
	return &secrets[secret];
}

enum kvmw_secret secret_of_field(const struct field_desc *field)
{
	return held[field->holds];
}

static const char *const state_names[] = {
	[PRIVACY_REMAP] = "remapped", [PRIVACY_REMOVE] = "removed", [SECRET_NOT_RECORDED] = "not_recorded",
};

const char *secret_state__name(u32 state)
{
	return state_names[state];
}

int secret_state__parse(const char *name)
{
	for (u32 i = 0; i < ARRAY_SIZE(state_names); i++)
		if (state_names[i] && !strcmp(state_names[i], name))
			return i;
	return -1;
}

const char *secrets__in_state(const u32 *state, u32 which, bool docs, char *buf)
{
	size_t len = 0;

	buf[0] = '\0';
	for (u32 i = 0; i < KVMW_NR_SECRETS; i++)
		if (state[i] == which)
			len += snprintf(buf + len, SECRETS_LIST - len, "%s%s",
					!len ? "" : docs ? "; " : ", ",
					docs ? secrets[i].doc : secrets[i].word);
	return buf;
}

/* ---- names --------------------------------------------------------------- */

/* Threads that are called the same on every host: what they do is needed to understand a report. */
static bool is_public(const char *name)
{
	static const char *const names[] = {
		"ksmd", "khugepaged", "kswapd", "kcompactd", "kworker", "ksoftirqd", "migration", "rcu_preempt",
		"rcu_sched", "swapper", "vhost", "kvm-pit", "live_migration", "mig/src/main",
	};
	static const char digits[] = "0123456789", ends[] = "0123456789/:-uH";

	if (!strncmp(name, "CPU ", 4) && !strcmp(name + 4 + strspn(name + 4, digits), "/KVM"))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		size_t at = strlen(names[i]);

		if (!strncmp(name, names[i], at) && !name[at + strspn(name + at, ends)])
			return true;
	}
	return false;
}

static const char *hidden_name(const struct privacy *p, const char *text, char *buf)
{
	size_t len = strlen(text);

	if (len >= REMAP_NAME || !is_public(text))
		return remap__name(p->remap, text, len, buf);
	memcpy(buf, text, len + 1);
	return buf;
}

const char *privacy__name(const struct privacy *p, const char *text, char *buf)
{
	char name[REMAP_NAME];

	snprintf(buf, PRIVACY_TEXT, "%s", p->way[KVMW_SECRET_NAMES] == PRIVACY_KEEP ? text :
		 hidden_name(p, text, name));
	return buf;
}

const char *privacy__path(const struct privacy *p, const char *text, char *buf)
{
	char name[REMAP_NAME];
	size_t to = 0;

	if (p->way[KVMW_SECRET_NAMES] == PRIVACY_KEEP) {
		snprintf(buf, PRIVACY_TEXT, "%s", text);
		return buf;
	}
	buf[0] = '\0';
	while (*text && to < PRIVACY_TEXT - REMAP_NAME - 1) {
		size_t len = strcspn(text, "/");

		to += snprintf(buf + to, PRIVACY_TEXT - to, "%s%s",
			       remap__name(p->remap, text, len, name), text[len] ? "/" : "");
		text += len + !!text[len];
	}
	return buf;
}

const char *privacy__function(const struct privacy *p, const char *text, char *buf)
{
	char name[REMAP_NAME];

	snprintf(buf, PRIVACY_TEXT, "%s", p->way[KVMW_SECRET_STACKS] == PRIVACY_KEEP ? text :
		 remap__name(p->remap, text, strlen(text), name));
	return buf;
}

/* ---- rows ---------------------------------------------------------------- */

static const u64 *privacy__column(const struct event_desc *event, u64 *const *col, const char *name)
{
	return col[event_desc__field(event, name, strlen(name))];
}

static u64 hidden_address(const struct privacy *p, enum remap_space space, enum kvmw_secret secret,
			  u64 v)
{
	return p->way[secret] == PRIVACY_REMAP ? remap__address(p->remap, space, v) : KVMW_NONE;
}

/* hidden: remap__address or remap__frame. */
static void hide_places(const struct privacy *p, enum kvmw_secret secret, enum remap_space space,
			u64 (*hidden)(struct remap *r, enum remap_space space, u64 value), u64 *v,
			u32 rows)
{
	for (u32 i = 0; i < rows; i++)
		v[i] = p->way[secret] == PRIVACY_REMAP ? hidden(p->remap, space, v[i]) : KVMW_NONE;
}

/* Where the range would end if it began elsewhere. */
static u64 hidden_end(const struct privacy *p, u64 start, u64 end)
{
	u64 from = hidden_address(p, REMAP_HOST_VIRTUAL, KVMW_SECRET_HOST, start);

	return start == KVMW_NONE || end == KVMW_NONE || from == KVMW_NONE ? KVMW_NONE :
	       from + (end - start);
}

static void hide_details(const struct privacy *p, const u64 *kind, u64 *v, u32 rows)
{
	for (u32 i = 0; i < rows; i++) {
		if (detail_is_mmio(kind[i]) || detail_is_fault(kind[i]))
			v[i] = hidden_address(p, REMAP_GUEST_PHYSICAL, KVMW_SECRET_GUEST, v[i]);
		/* From a newer version: it may be an address. */
		else if (kind[i] > KVMW_DETAIL_HV_HYPERCALL)
			v[i] = KVMW_NONE;
	}
}

/* A name is 16 bytes at most, and need not end in a zero. */
static void hide_names(const struct privacy *p, u64 *first, u64 *rest, u32 rows)
{
	for (u32 i = 0; i < rows; i++) {
		u64 word[3] = { htole64(first[i]), htole64(rest[i]), 0 };
		char name[REMAP_NAME];

		if (first[i] == KVMW_NONE)
			continue;
		hidden_name(p, (const char *)word, name);
		memset(word, 0, sizeof(word));
		memcpy(word, name, strlen(name));
		first[i] = le64toh(word[0]);
		rest[i] = le64toh(word[1]);
	}
}

/* To hold no address, it must be known what they hold. */
static void hide_info(const struct event_desc *event, u64 *const *col, u64 *v, u32 rows,
		      bool second)
{
	const u64 *isa = privacy__column(event, col, "isa"),
		  *reason = privacy__column(event, col, "reason");

	for (u32 i = 0; i < rows; i++)
		if (!exit_info_is_plain(isa[i], reason[i], second))
			v[i] = KVMW_NONE;
}

static void privacy__forget(u64 *v, u32 rows)
{
	memset(v, 0xff, rows * sizeof(*v));
}

static void hide_column(const struct privacy *p, const struct event_desc *event, u64 *const *col,
			u32 field, u32 rows)
{
	enum kvmw_holds holds = event->fields[field].holds;
	u64 *v = col[field];

	switch (holds) {
	case KVMW_HOLDS_GUEST_CODE:
		return hide_places(p, KVMW_SECRET_GUEST, REMAP_GUEST_VIRTUAL, remap__address, v,
				   rows);
	case KVMW_HOLDS_GUEST_PHYS:
		return hide_places(p, KVMW_SECRET_GUEST, REMAP_GUEST_PHYSICAL, remap__address, v,
				   rows);
	case KVMW_HOLDS_GUEST_FRAME:
		return hide_places(p, KVMW_SECRET_GUEST, REMAP_GUEST_PHYSICAL, remap__frame, v,
				   rows);
	case KVMW_HOLDS_HOST_ADDR:
		return hide_places(p, KVMW_SECRET_HOST, REMAP_HOST_VIRTUAL, remap__address, v,
				   rows);
	case KVMW_HOLDS_HOST_FRAME:
		return hide_places(p, KVMW_SECRET_HOST, REMAP_HOST_PHYSICAL, remap__frame, v, rows);
	case KVMW_HOLDS_HOST_END:
		for (u32 i = 0; i < rows; i++)
			v[i] = hidden_end(p, col[field - 1][i], v[i]);
		return;
	case KVMW_HOLDS_DETAIL:
		return hide_details(p, privacy__column(event, col, "detail_kind"), v, rows);
	case KVMW_HOLDS_INFO1:
	case KVMW_HOLDS_INFO2:
		return hide_info(event, col, v, rows, holds == KVMW_HOLDS_INFO2);
	case KVMW_HOLDS_NAME:
		return hide_names(p, v, col[field + 1], rows);
	case KVMW_HOLDS_GUEST_PLACE:
	case KVMW_HOLDS_HOST_PLACE:
	case KVMW_HOLDS_VALUE:
	case KVMW_HOLDS_RECORD:
		return privacy__forget(v, rows);
	case KVMW_HOLDS_NUMBER:
	case KVMW_HOLDS_NAME_REST:
	case KVMW_HOLDS_PATH:
	case KVMW_HOLDS_TEXT:
		return;
	}
}

void privacy__hide(const struct privacy *p, const struct event_desc *event, u64 *const *col,
		   u32 rows)
{
	/* The end of a range first: it depends on where that begins. */
	for (u32 i = event->nr_fields; i--;) {
		enum kvmw_secret secret = secret_of_field(&event->fields[i]);

		if (secret != KVMW_SECRET_NONE && p->way[secret] != PRIVACY_KEEP)
			hide_column(p, event, col, i, rows);
	}
}

int privacy__each_text(const struct event_desc *event, u64 *const *col, u32 rows,
		       int (*use)(void *ctx, u32 id, bool path), void *ctx)
{
	int ret = 0;

	for (u32 f = 0; f < event->nr_fields; f++) {
		enum kvmw_holds holds = event->fields[f].holds;

		if (holds != KVMW_HOLDS_PATH && holds != KVMW_HOLDS_TEXT)
			continue;
		for (u32 i = 0; i < rows && !ret; i++)
			if (col[f][i] < UINT32_MAX)
				ret = use(ctx, col[f][i], holds == KVMW_HOLDS_PATH);
	}
	return ret;
}
