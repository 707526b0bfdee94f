// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "builtin-guess.h"
#include "util/analysis/report/keys.h"
#include "util/arch/reason.h"
#include "util/error.h"

/* What exits are about; the reason is one that all such exits have. */
static const struct {
	const char *word, *reason;
} details[] = {
	{ "port", "io" }, { "ports", "io" }, { "pio", "io" }, { "msrs", "msr" }, { "rdmsr", "msr" },
	{ "wrmsr", "msr" }, { "leaf", "cpuid" }, { "gpa", "npf" }, { "page", "npf" }, { "mmio", "npf" },
	{ "address", NULL }, { "vector", NULL },
};

static bool is_detail(struct guess *g)
{
	for (size_t i = 0; i < ARRAY_SIZE(details); i++) {
		if (strcmp(g->word, details[i].word))
			continue;
		g->what = "a detail of exits";
		g->reason = details[i].reason;
		g->sort = "detail";
		return true;
	}
	return false;
}

bool guess__word(struct guess *g, const char *word)
{
	static const char kvm_exit[] = "KVM_EXIT_";
	const struct event_desc *event = event_desc__by_name(word);
	enum report_key key = sort_key__find(word);

	*g = (struct guess) { .what = NULL };
	if (strlen(word) >= sizeof(g->word))
		return false;
	strcpy(g->word, word);
	if (event && event_desc__captured(event->id)) {
		g->what = "an event";
		g->event = event->name;
	} else if (key != NR_REPORT_KEYS) {
		g->what = "a key of --sort";
		g->sort = sort_key__get(key)->name;
	} else if (!is_detail(g) && reason_exists(word)) {
		g->what = "an exit reason";
		g->reason = g->word;
		if (!strncasecmp(word, kvm_exit, strlen(kvm_exit)))
			g->event = "userspace";
	}
	return g->what;
}

void guess__say(const struct guess *g, const char *option)
{
	char taken[128] = "";
	size_t len = 0;

	if (g->event)
		len += snprintf(taken + len, sizeof(taken) - len, " -e %s", g->event);
	if (g->reason)
		len += snprintf(taken + len, sizeof(taken) - len, " --reason %s", g->reason);
	if (g->sort)
		snprintf(taken + len, sizeof(taken) - len, " --sort %s", g->sort);
	notice("%s '%s': %s; taken as%s", option, g->word, g->what, taken);
}
