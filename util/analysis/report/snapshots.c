// SPDX-License-Identifier: GPL-2.0
/* What the states at the start and the end tell: of the host, VMs, and vCPUs without an event. */
#include <stdlib.h>

#include "util/analysis/report/internal.h"
#include "util/analysis/host_facts.h"
#include "util/analysis/vm_limits.h"
#include "util/analysis/vm_setup.h"
#include "util/hash_table.h"
#include "util/memory.h"

struct seen_vcpu {
	struct { u32 id; } key;
};

static int note_seen(struct hash_table *seen, const struct report *rep)
{
	for (u32 i = 0; i < rep->nr_vcpus; i++) {
		const struct seen_vcpu key = { .key = { rep->vcpu[i].id } };

		if (rep->vcpu[i].count && !hash_table__get(seen, &key.key))
			return -1;
	}
	return 0;
}

/* As --vcpu and --vm select it. */
static bool selects_thread(const struct report *rep, const struct vm_thread *t)
{
	const struct report_options *opt = rep->opt;
	const struct rec_neighbour *named = recording__neighbour(rep->rec, t->pid);
	const struct list_vm vm = { .pid = t->pid, .name = named ? named->name : "",
				    .vmm = named ? named->vmm : "" };

	if (t->vcpu != ~0U)
		return report__selects(rep->rec, opt, t->vcpu);
	return (!opt->vcpus.nr || number_list__has(&opt->vcpus, t->number)) &&
	       (!opt->pids.nr || number_list__has_vm(&opt->pids, &vm));
}

static bool is_idle(const struct report *rep, const struct hash_table *seen,
		    const struct vm_thread *t)
{
	const struct seen_vcpu key = { .key = { t->vcpu } };

	return vm_thread__is_vcpu(t) && !t->gone && selects_thread(rep, t) &&
	       !hash_table__find(seen, &key.key);
}

/* Of a window nothing is known; and of vCPUs not recorded nothing says that they had none. */
static bool can_tell(const struct report *rep)
{
	const struct recording *rec = rep->rec;

	return event_desc__is_cycle(rep->event) && !recording__is_part(rec) &&
	       !rec->meta.some_vcpus && !rec->meta.skipped[rep->event] && !rec->nr_damage &&
	       (!rec->meta.events.nr || report__was_asked_for(rec, rep->desc->name));
}

int report__make_snapshots(struct report *rep)
{
	struct hash_table seen = HASH_TABLE(struct seen_vcpu, NULL);
	int err;

	if (rep->rec->host.nr) {
		rep->host = mem__calloc(1, sizeof(*rep->host));
		if (!rep->host || host_facts__make(rep->host, rep->rec))
			return -1;
	}
	if (rep->rec->vm_configs.nr) {
		rep->setups = mem__calloc(1, sizeof(*rep->setups));
		if (!rep->setups || vm_setups__make(rep->setups, rep->rec))
			return -1;
	}
	if (!rep->rec->threads.nr)
		return 0;
	rep->threads = mem__calloc(1, sizeof(*rep->threads));
	if (!rep->threads || vm_threads__make(rep->threads, rep->rec))
		return -1;
	rep->limits = mem__calloc(1, sizeof(*rep->limits));
	if (!rep->limits || vm_limits__make(rep->limits, rep->rec, rep->threads))
		return -1;
	if (!can_tell(rep))
		return 0;
	rep->idle = calloc(rep->threads->nr ?: 1, sizeof(*rep->idle));
	if (!rep->idle)
		return out_of_memory();
	err = note_seen(&seen, rep);
	for (u32 i = 0; i < rep->threads->nr && !err; i++)
		if (is_idle(rep, &seen, &rep->threads->thread[i]))
			rep->idle[rep->nr_idle++] = &rep->threads->thread[i];
	for (u32 i = 1; i < rep->nr_idle; i++)
		rep->several_idle_vms |= rep->idle[i]->pid != rep->idle[0]->pid;
	hash_table__free(&seen);
	return err;
}

bool report__is_idle(const struct report *rep, u32 id)
{
	for (u32 i = 0; i < rep->nr_idle; i++)
		if (rep->idle[i]->vcpu == id)
			return true;
	return false;
}

void report__free_snapshots(struct report *rep)
{
	if (rep->threads)
		vm_threads__free(rep->threads);
	if (rep->limits)
		vm_limits__free(rep->limits);
	free(rep->limits);
	if (rep->host)
		host_facts__free(rep->host);
	free(rep->host);
	if (rep->setups)
		vm_setups__free(rep->setups);
	free(rep->setups);
	free(rep->threads);
	free(rep->idle);
}
