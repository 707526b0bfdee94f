// SPDX-License-Identifier: GPL-2.0
/* The words of -e. */
#include <stdio.h>
#include <string.h>

#include "util/arch/reason.h"
#include "util/capture/events_option.h"
#include "util/error.h"
#include "util/nearest.h"

#define E(NAME) BIT(KVMW_EVENT_##NAME)

static bool events_option__equals(const char *word, const char *text, size_t len)
{
	return strlen(word) == len && !memcmp(word, text, len);
}

static int unknown(const struct event_choice *c, const char *typed, size_t len)
{
	struct word_list words;
	char reason[64];

	snprintf(reason, sizeof(reason), "%.*s", (int)len, typed);
	if (!c->families && reason_exists(reason))
		return error("-e '%s': an exit reason, not an event; -e exit --reason %s records the "
			     "exits that have it", reason, reason);
	word_list__begin(&words, typed, len);
	for_each_named_event(event)
		if (!c->families || (event->class == EVENT_FAMILY && event->id != KVMW_EVENT_STACK))
			word_list__add(&words, event->name);
	for (u32 i = 0; i < KVMW_NR_GROUPS; i++)
		word_list__add(&words, event_group__name(i));
	return error("unknown event '%.*s'%s; valid events: %s%s (kvmw list describes them)",
		     (int)len, typed, nearest__hint(&words.nearest), words.text,
		     c->families ? "" : ", and any tracepoint as CATEGORY:NAME");
}

/* category:name of a tracepoint. */
static int add_raw(struct event_choice *c, const char *text, size_t len)
{
	const char *colon = memchr(text, ':', len);
	struct raw_choice raw = { "", "" };
	size_t name_len = len - (colon - text) - 1;

	if (colon == text || !name_len || (size_t)(colon - text) >= sizeof(raw.category) ||
	    name_len >= sizeof(raw.name) || memchr(text, '/', len))
		return error("invalid tracepoint '%.*s': must be CATEGORY:NAME, such as kvm:kvm_pio",
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
	for_each_named_event(event) {
		if (!events_option__equals(event->name, name, len))
			continue;
		c->events |= BIT(event->id);
		c->named |= BIT(event->id);
		return true;
	}
	for (u32 i = 0; i < KVMW_NR_GROUPS; i++) {
		if (!events_option__equals(event_group__name(i), name, len))
			continue;
		c->events |= event_group__events(i);
		return true;
	}
	return false;
}

static int no_stack(const struct event_desc *stack, const char *typed, size_t len)
{
	struct word_list words;

	word_list__begin(&words, typed, len);
	for (u32 i = 0; i < stack->nr_kinds; i++)
		word_list__add(&words, stack->kinds[i].name);
	return error("--stack: invalid word '%.*s'%s; valid ones: %s", (int)len, typed,
		     nearest__hint(&words.nearest), words.text);
}

/* NULL: there is no such kind. */
static const struct kind_desc *find_kind(const struct event_desc *event, const char *name,
					 size_t len)
{
	for (u32 i = 0; i < event->nr_kinds; i++)
		if (events_option__equals(event->kinds[i].name, name, len))
			return &event->kinds[i];
	return NULL;
}

/* The events that end where a stack of each kind is taken; samples belong to none. */
static const u32 events_of_stacks[] = {
	[KVMW_stack_EXIT] = E(EXIT),
	[KVMW_stack_USERSPACE] = E(USERSPACE),
	[KVMW_stack_FAULT] = E(FAULT),
	[KVMW_stack_IOCTL] = E(IOCTL),
	[KVMW_stack_VMM] = 0,
};

int events_option__stacks(struct event_choice *c, const char *names)
{
	const struct event_desc *stack = event_desc__by_id(KVMW_EVENT_STACK);

	for (const char *p = names; ; p++) {
		size_t len = strcspn(p, ",");
		const struct kind_desc *kind = find_kind(stack, p, len);

		if (!kind)
			return no_stack(stack, p, len < 60 ? len : 60);
		c->stacks |= BIT(kind->number);
		c->named |= events_of_stacks[kind->number] | E(STACK);
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
				return unknown(c, p, len < 60 ? len : 60);
			if (add_raw(c, p, len))
				return -1;
		}
		p += len;
		if (!*p)
			return 0;
	}
}

u32 events_option__defaults(void)
{
	u32 set = 0;

	for_each_captured_event(event)
		if (event->on_by_default)
			set |= BIT(event->id);
	return set;
}
