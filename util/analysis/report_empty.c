// SPDX-License-Identifier: GPL-2.0
/* An empty report says why it is empty. */
#include <stdio.h>
#include <string.h>

#include "util/analysis/report_parts.h"

static void list_vcpus(const struct recording *rec, char *buf, size_t size)
{
	size_t len = 0;

	*buf = '\0';
	for (u32 i = 0; i < rec->nr_vcpus && len + 64 < size; i++) {
		const struct rec_vm *vm = recording__vm(rec, rec->vcpu[i].vm);

		if (i == 8) {
			snprintf(buf + len, size - len, ", ...");
			break;
		}
		len += snprintf(buf + len, size - len, "%s%lld of pid %u", i ? ", " : "",
				(long long)rec->vcpu[i].vcpu, vm ? vm->pid : 0);
	}
}

static void why_filtered(struct report *rep)
{
	const struct recording *rec = rep->rec;
	const char *given[] = { rep->opt->vcpus.nr ? "--vcpu" : NULL,
				rep->opt->pids.nr ? "--pid" : NULL,
				rec->window.active ? "--time" : NULL };
	double seconds = rep->duration_ns / 1e9;
	char vcpus[320], by[32] = "";

	if (rec->window.active && rep->lost) {
		snprintf(rep->empty, sizeof(rep->empty),
			 "nothing was recorded in that window of --time; up to %llu events of it "
			 "were lost: the ring was full", (unsigned long long)rep->lost);
		return;
	}
	if (rec->window.active && !rep->opt->vcpus.nr && !rep->opt->pids.nr) {
		snprintf(rep->empty, sizeof(rep->empty),
			 "nothing happened in that window of --time; the recording lasts %.6f s",
			 seconds);
		return;
	}
	list_vcpus(rec, vcpus, sizeof(vcpus));
	for (size_t i = 0; i < ARRAY_SIZE(given); i++)
		if (given[i])
			snprintf(by + strlen(by), sizeof(by) - strlen(by), "%s%s",
				 *by ? ", " : "", given[i]);
	snprintf(rep->empty, sizeof(rep->empty),
		 "none of the %llu recorded events is left by %s; the recording holds vCPUs: %s",
		 (unsigned long long)rep->all_recorded, by, rec->nr_vcpus ? vcpus : "none");
}

void report__say_why_empty(struct report *rep)
{
	const struct recording *rec = rep->rec;
	u64 rows = rep->all_recorded;

	if (rows && rep->opt->event && !rec->event_rows[rep->event])
		snprintf(rep->empty, sizeof(rep->empty),
			 "the recording holds no %s events; without --event, those that it holds "
			 "are shown", rep->event == KVMW_EVENT_EXIT ? "exit" : "userspace");
	else if (rec->window.active || rep->opt->vcpus.nr || rep->opt->pids.nr)
		why_filtered(rep);
	else if (rows)
		snprintf(rep->empty, sizeof(rep->empty),
			 "none of its %llu events could be read", (unsigned long long)rows);
	else if (rec->nr_damage || !rec->finished)
		snprintf(rep->empty, sizeof(rep->empty),
			 "nothing was recorded before the %s", rec->nr_damage ?
			 "damage" : "recorder was ended");
	else if (!rec->nr_vcpus)
		snprintf(rep->empty, sizeof(rep->empty),
			 "no VM was running while it was recorded (%.3f s)",
			 rep->duration_ns / 1e9);
	else
		snprintf(rep->empty, sizeof(rep->empty),
			 "no VM exit happened while it was recorded (%.3f s, %u vCPU%s)",
			 rep->duration_ns / 1e9, rec->nr_vcpus, rec->nr_vcpus == 1 ? "" : "s");
}
