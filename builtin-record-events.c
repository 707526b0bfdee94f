// SPDX-License-Identifier: GPL-2.0
/* kvmw record, kvmw stat: which events this host can show. */
#include "builtin-record.h"
#include "util/arch/arch.h"
#include "util/capture/provider.h"
#include "util/error.h"
#include "util/memory.h"

/* Leaves out an event that this host cannot record. */
static int skip_event(char **skipped, u32 event, const char *why, u32 *set)
{
	*set &= ~BIT(event);
	skipped[event] = mem__strdup(why);
	return skipped[event] ? 0 : -1;
}

static int no_exits(const struct record_options *o, const char *why)
{
	return o->choice.stacks & BIT(KVMW_stack_EXIT) ?
	       error("--stack exit: %s; --stack userspace records the stacks of returns to the VMM", why) :
	       error("event exit cannot be recorded: %s; -e userspace records returns to the VMM instead", why);
}

/* Without VM entries, only these events show which processes are VMs, unless -p does. */
#define FIND_VMS (BIT(KVMW_EVENT_USERSPACE) | BIT(KVMW_EVENT_IOCTL) | \
		  BIT(KVMW_EVENT_MEMSLOT) | BIT(KVMW_EVENT_RAW))

/* Whether returns to the VMM have to be recorded, too. */
static bool find_vms_otherwise(const struct record_options *o, const char *why, u32 *set)
{
	if (*set & FIND_VMS || (o->nr_pids && !record_options__has_groups(o)))
		return false;
	*set |= BIT(KVMW_EVENT_USERSPACE);
	if (!o->quiet)
		warning("%s: recording event userspace as well, to find the VMs", why);
	return true;
}

/* If VM exits cannot be seen, returns to the VMM are recorded, unless exits are required. */
static int check_exits(struct record_options *o, const char *doing, u32 *set, char **skipped)
{
	const char *idle, *acts_on, *why = arch__silent_exit();
	bool chosen = o->choice.events;
	char missing[256];

	if (!why)
		why = provider__missing(KVMW_EVENT_EXIT, missing, sizeof(missing));
	if (!why)
		return 0;
	if (!(*set & BIT(KVMW_EVENT_EXIT))) {
		find_vms_otherwise(o, why, set);
		return 0;
	}
	if (chosen && o->choice.named & BIT(KVMW_EVENT_EXIT))
		return no_exits(o, why);
	if (skip_event(skipped, KVMW_EVENT_EXIT, why, set))
		return -1;
	if (!chosen)
		*set |= BIT(KVMW_EVENT_USERSPACE);
	idle = record_filter__idle(&o->filter.f, *set, &acts_on);
	if (idle)
		return error("%s only filters %s, and %s", idle, acts_on, why);
	if (find_vms_otherwise(o, why, set) || o->quiet)
		return 0;
	if (chosen)
		warning("skipping event exit: %s", why);
	else
		warning("%s: %s returns to the VMM instead", why, doing);
	return 0;
}

int record_options__choose_events(struct record_options *o, const char *doing, char **skipped)
{
	bool chosen = o->choice.events;
	u32 set = chosen ? o->choice.events : events_option__defaults();

	if (!chosen)
		o->choice.named |= set;
	if (check_exits(o, doing, &set, skipped))
		return -1;
	set |= o->besides;
	for_each_captured_event(event) {
		char buf[256];
		const char *why;

		if (!(set & BIT(event->id)))
			continue;
		why = provider__missing(event->id, buf, sizeof(buf));
		if (!why)
			continue;
		if (o->choice.named & BIT(event->id))
			return error("event %s cannot be recorded: %s", event->name, why);
		if (skip_event(skipped, event->id, why, &set))
			return -1;
		if (!o->quiet)
			warning("skipping event %s: %s", event->name, why);
	}
	o->choice.events = set;
	return 0;
}
