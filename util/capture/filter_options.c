// SPDX-License-Identifier: GPL-2.0
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/arch/arch.h"
#include "util/arch/reason.h"
#include "util/capture/filter_options.h"
#include "util/capture/json_build.h"
#include "util/capture/provider.h"
#include "util/error.h"
#include "util/memory.h"
#include "util/nearest.h"
#include "util/parse.h"

const char *record_filter__reason_name(u32 number)
{
	return reason_known(arch__host_isa(), number);
}

static int add_reason(struct kvmw_filter *f, u32 reason)
{
	if (f->nr_reasons == KVMW_MAX_FILTER_REASONS)
		return error("--reason: more than %d reasons", KVMW_MAX_FILTER_REASONS);
	f->reasons[f->nr_reasons++] = reason;
	return 0;
}

/* A word may stand for several: "msr" for reads and writes. */
static int add_reasons(struct kvmw_filter *f, const char *name)
{
	u32 isa = arch__host_isa();
	const char *end = name;
	struct nearest n;
	bool found = false;
	u64 value;

	if (!parse_number(&end, 0, UINT32_MAX, &value) && !*end)
		return add_reason(f, value);
	for (u32 i = 0; i < REASON_MAX_NAMED; i++) {
		if (!reason_is(isa, i, name))
			continue;
		found = true;
		if (add_reason(f, i))
			return -1;
	}
	if (found)
		return 0;
	nearest__begin(&n, name, strlen(name));
	reason_offer(isa, &n);
	/* Without either of the modules of KVM, a vendor is only assumed. */
	return error("--reason '%s': not an exit reason of %s%s%s; a number works too, and kvmw report shows the reasons "
		     "that occur", name, arch__silent_exit() ? "" : "this host's ", isa_name(isa), nearest__hint(&n));
}

int record_filter__reasons(struct record_filter *filter, const char *names)
{
	char *copy = strdup(names), *save, *name;
	int ret = copy ? 0 : out_of_memory();

	free(filter->reasons);
	filter->reasons = copy ? strdup(names) : NULL;
	filter->f.nr_reasons = 0;
	for (name = copy ? strtok_r(copy, ",", &save) : NULL; !ret && name;
	     name = strtok_r(NULL, ",", &save))
		ret = add_reasons(&filter->f, name);
	if (!ret && !filter->f.nr_reasons)
		ret = error("--reason: no exit reason given (example: npf,hlt)");
	free(copy);
	return ret;
}

int record_filter__range(struct kvmw_range *range, const char *text)
{
	u64 from, to;

	if (parse_range(&text, 0, UINT64_MAX, &from, &to) || *text)
		return -1;
	*range = (struct kvmw_range) { .from = from, .to = to, .set = 1 };
	return 0;
}

const char *record_filter__idle(const struct kvmw_filter *f, u32 events, const char **acts_on)
{
	u32 with_gpa = BIT(KVMW_EVENT_FAULT) | BIT(KVMW_EVENT_DIRTY);
	const char *of_cycles = f->nr_reasons ? "--reason" : f->port.set ? "--port" :
				f->msr.set ? "--msr" : f->sample > 1 ? "--sample" : NULL;

	/* Stacks of exits are filtered along with event exit. */
	if (events & BIT(KVMW_EVENT_EXIT))
		return NULL;
	*acts_on = of_cycles ? "event exit" : "events exit, fault and dirty";
	return of_cycles ?: f->gpa.set && !(events & with_gpa) ? "--gpa" : NULL;
}

bool record_filter__any(const struct kvmw_filter *f)
{
	return f->min_ns || f->sample > 1 || f->nr_reasons || f->port.set || f->gpa.set ||
	       f->msr.set;
}

bool record_filter__held(const struct kvmw_filter *f, const struct kvmw_held *held)
{
	const struct kvmw_fault *fault = (const void *)&held->row.e;

	return held->row.event != KVMW_EVENT_FAULT || fault->gpa == KVMW_NONE || !f->gpa.set ||
	       (fault->gpa >= f->gpa.from && fault->gpa <= f->gpa.to);
}

bool record_filter__open(const struct kvmw_filter *f, u64 since, u64 now, u32 reason)
{
	bool match = !f->nr_reasons;

	for (u32 i = 0; i < f->nr_reasons; i++)
		match |= f->reasons[i] == reason;
	return match && !f->port.set && !f->gpa.set && !f->msr.set && f->sample <= 1 &&
	       now - since >= f->min_ns;
}

static int range_json(struct json_object *o, const char *name, const struct kvmw_range *range)
{
	char text[64];

	if (!range->set)
		return 0;
	snprintf(text, sizeof(text), "0x%llx-0x%llx", (unsigned long long)range->from,
		 (unsigned long long)range->to);
	return json_build__put_text(o, name, text);
}

int record_filter__json(const struct record_filter *filter, struct json_object *o)
{
	const struct kvmw_filter *f = &filter->f;
	int err = 0;

	if (filter->reasons)
		err |= json_build__put_text(o, "reasons", filter->reasons);
	if (f->min_ns)
		err |= json_build__put(o, "min_ns", json_object_new_int64(f->min_ns));
	err |= range_json(o, "port", &f->port);
	err |= range_json(o, "gpa", &f->gpa);
	err |= range_json(o, "msr", &f->msr);
	if (f->sample > 1)
		err |= json_build__put(o, "sample", json_object_new_int64(f->sample));
	return err;
}
