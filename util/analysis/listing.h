/* SPDX-License-Identifier: GPL-2.0 */
/* The model of `kvmw list`: the VMs of this host, and what can be recorded here. */
#ifndef KVMW_LISTING_H
#define KVMW_LISTING_H

#include "util/event_desc.h"

struct listing_vm {
	u32 pid, nr_vcpus;
	const char *vmm, *name, *uuid;	/* the last two: "" where unknown */
};

/* A tracepoint that becomes rows of an event as it is. */
struct listing_point {
	u32 event, kind;
	const char *name;		/* "kvm:kvm_eoi" */
	bool here;			/* this kernel has it */
};

/* Of a captured event, by its id. */
struct listing_event {
	const char *missing;		/* why it cannot be recorded here; NULL: it can */
	const char *lacks;		/* parts of it that this kernel lacks; NULL: none */
	char missing_text[512], lacks_text[512];
};

struct listing {
	struct listing_vm *vm;		/* ascending by pid */
	u32 nr_vms;
	u32 hidden;			/* processes that could not be inspected */
	bool privileged;		/* although this process may inspect others */
	struct listing_point *point;
	u32 nr_points;
	struct listing_event event[KVMW_MAX_EVENTS];
};

/* Whether kvmw record takes an event if there is no -e: if exits cannot be seen, returns. */
static inline bool listing__is_default(const struct listing *list, const struct event_desc *event)
{
	bool instead =
		list->event[KVMW_EVENT_EXIT].missing && !list->event[KVMW_EVENT_USERSPACE].missing;

	return event->id == KVMW_EVENT_USERSPACE ? instead :
	       event->on_by_default && !(instead && event->id == KVMW_EVENT_EXIT);
}

#endif
