// SPDX-License-Identifier: GPL-2.0
/* The words of -e. */
#include <stdio.h>
#include <string.h>

#include "util/capture/provider.h"
#include "util/error.h"

#define E(NAME) BIT(KVMW_EVENT_##NAME)

const struct group groups[] = {
	{ "all", E(EXIT) | E(USERSPACE) | E(FAULT) | E(DIRTY) | E(IRQ) | E(HALT) | E(SCHED) | E(IOCTL) |
		 E(HYPERCALL) | E(TIMER) | E(MMU) | E(MEMSLOT) | E(NESTED) },
	{ "memory", E(FAULT) | E(DIRTY) | E(MMU) | E(MEMSLOT) },
	{ "interrupts", E(IRQ) | E(TIMER) },
	{ "scheduling", E(HALT) | E(SCHED) },
	{ "vmm", E(USERSPACE) | E(IOCTL) | E(MEMSLOT) },
	{ NULL, 0 }
};

/* Levenshtein distance of two short words. */
static u32 distance(const char *a, size_t la, const char *b)
{
	size_t lb = strlen(b);
	u32 row[64];

	if (lb >= ARRAY_SIZE(row))
		return ~0u;
	for (size_t j = 0; j <= lb; j++)
		row[j] = j;
	for (size_t i = 1; i <= la; i++) {
		u32 diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			u32 best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[lb];
}

/* The i-th word that -e knows: events, then groups; NULL: there are no more. */
static const char *word(u32 i)
{
	for (u32 event = 0; event < KVMW_EVENT_RAW; event++)
		if (provider__name(event) && !i--)
			return provider__name(event);
	return groups[i].name;
}

static int unknown(const char *name, size_t len)
{
	u32 nearest = 0, best = ~0u;
	char others[256] = "";

	for (u32 i = 0; word(i); i++) {
		u32 d = distance(name, len, word(i));

		if (d < best) {
			best = d;
			nearest = i;
		}
	}
	for (u32 i = 0; word(i); i++) {
		if (i == nearest)
			continue;
		strncat(others, ", ", sizeof(others) - strlen(others) - 1);
		strncat(others, word(i), sizeof(others) - strlen(others) - 1);
	}
	return error("unknown event '%.*s'; there are: %s%s, and CATEGORY:NAME of any tracepoint "
		     "(kvmw list tells what each one is)", (int)len, name, word(nearest), others);
}

/* category:name of a tracepoint. */
static int add_raw(struct event_choice *c, const char *text, size_t len)
{
	const char *colon = memchr(text, ':', len);
	struct raw_choice raw = { "", "" };
	size_t name_len = len - (colon - text) - 1;

	if (colon == text || !name_len || (size_t)(colon - text) >= sizeof(raw.category) ||
	    name_len >= sizeof(raw.name) || memchr(text, '/', len))
		return error("'%.*s' is no tracepoint: it is CATEGORY:NAME, as kvm:kvm_pio",
			     (int)(len < 60 ? len : 60), text);
	memcpy(raw.category, text, colon - text);
	memcpy(raw.name, colon + 1, name_len);
	for (u32 i = 0; i < c->nr_raw; i++)
		if (!strcmp(c->raw[i].category, raw.category) && !strcmp(c->raw[i].name, raw.name))
			return 0;
	if (c->nr_raw == KVMW_MAX_RAW)
		return error("-e: more than %d tracepoints", KVMW_MAX_RAW);
	c->raw[c->nr_raw++] = raw;
	c->events |= E(RAW);
	return 0;
}

static bool add_named(struct event_choice *c, const char *name, size_t len)
{
	for (u32 i = 0; i < KVMW_EVENT_RAW; i++) {
		const char *is = provider__name(i);

		if (!is || strlen(is) != len || memcmp(is, name, len))
			continue;
		c->events |= BIT(i);
		c->named |= BIT(i);
		return true;
	}
	for (u32 i = 0; groups[i].name; i++) {
		if (strlen(groups[i].name) != len || memcmp(groups[i].name, name, len))
			continue;
		for (u32 event = 0; event < KVMW_EVENT_RAW; event++)
			if (groups[i].events & BIT(event) && provider__name(event))
				c->events |= BIT(event);
		return true;
	}
	return false;
}

int events_option__stacks(struct event_choice *c, const char *names)
{
	for (const char *p = names; ; p++) {
		size_t len = strcspn(p, ",");

		if (len == 4 && !memcmp(p, "exit", len)) {
			c->stacks |= BIT(KVMW_stack_EXIT);
			c->named |= E(EXIT);
		} else if (len == 9 && !memcmp(p, "userspace", len)) {
			c->stacks |= BIT(KVMW_stack_USERSPACE);
			c->named |= E(USERSPACE);
		} else {
			return error("--stack: '%.*s' is neither exit nor userspace, of which stacks are taken",
				     (int)(len < 60 ? len : 60), p);
		}
		c->named |= E(STACK);
		c->events |= c->named;
		p += len;
		if (!*p)
			return 0;
	}
}

int events_option__parse(struct event_choice *c, const char *names)
{
	for (const char *p = names; ; p++) {
		size_t len = strcspn(p, ",");

		if (!add_named(c, p, len)) {
			if (!memchr(p, ':', len))
				return unknown(p, len < 60 ? len : 60);
			if (add_raw(c, p, len))
				return -1;
		}
		p += len;
		if (!*p)
			return 0;
	}
}
