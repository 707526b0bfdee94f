/* SPDX-License-Identifier: GPL-2.0 */
/* Which events are recorded: what -e and --stack ask for. */
#ifndef KVMW_EVENTS_OPTION_H
#define KVMW_EVENTS_OPTION_H

#include "util/event_desc.h"

/* A raw tracepoint of -e category:name. */
struct raw_choice {
	char category[64], name[64];
};

struct event_choice {
	u32 events;		/* bitmap of ids; KVMW_EVENT_RAW where there are raw tracepoints */
	u32 named;		/* those given by name, not by a group */
	struct raw_choice raw[KVMW_MAX_RAW];
	u32 nr_raw;
	u32 stacks;		/* bitmap of the kinds of event stack: --stack */
	/* for messages: it may name only families of events and groups */
	bool families;
};

/*
 * Adds a comma separated list of names, groups and tracepoints.  0; -1: error() named
 * the unknown one and the valid ones, the nearest first.
 */
int events_option__parse(struct event_choice *choice, const char *names);
/* The words of --stack, a comma separated list; the events are chosen with their stacks. */
int events_option__stacks(struct event_choice *choice, const char *names);
/* The events recorded without -e, as a bitmap. */
u32 events_option__defaults(void);

#endif
