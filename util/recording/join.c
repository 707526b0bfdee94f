// SPDX-License-Identifier: GPL-2.0
/* Several recordings as one: what identifies VMs and vCPUs, and what is counted. */
#include <stdlib.h>
#include <string.h>

#include "util/array.h"
#include "util/error.h"
#include "util/recording/recording.h"

static u32 joined_id(u32 id, u32 base)
{
	return id == UINT32_MAX ? id : id + base;
}

static int join_vm(struct recording *all, const struct rec_vm *from, u32 file, u32 base)
{
	struct rec_vm vm = *from;

	if (array__reserve(all->vm, all->nr_vms, all->vm_room, NULL))
		return -1;
	vm.id = joined_id(vm.id, base);
	vm.file = file;
	vm.name = mem__strdup(from->name);
	vm.vmm = mem__strdup(from->vmm);
	if (!vm.name || !vm.vmm) {
		free(vm.name);
		free(vm.vmm);
		return -1;
	}
	all->vm[all->nr_vms++] = vm;
	return 0;
}

static int join_vcpu(struct recording *all, const struct rec_vcpu *from, u32 base)
{
	struct rec_vcpu vcpu = *from;

	if (array__reserve(all->vcpu, all->nr_vcpus, all->vcpu_room, NULL))
		return -1;
	vcpu.id = joined_id(vcpu.id, base);
	vcpu.vm = joined_id(vcpu.vm, base);
	/* By the clock of its own recording. */
	vcpu.gone_ns = 0;
	vcpu.comm = mem__strdup(from->comm);
	vcpu.role = mem__strdup(from->role);
	if (!vcpu.comm || !vcpu.role) {
		free(vcpu.comm);
		free(vcpu.role);
		return -1;
	}
	all->vcpu[all->nr_vcpus++] = vcpu;
	return 0;
}

/* The names of kinds never change: the newest recorder knows most of them. */
static int join_kinds(struct recording *all, const struct recording *rec)
{
	for (size_t i = 0; i < ARRAY_SIZE(all->kinds); i++) {
		struct data_kind *kind;

		if (rec->kinds[i].nr <= all->kinds[i].nr)
			continue;
		kind = mem__calloc(rec->kinds[i].nr, sizeof(*kind));
		if (!kind)
			return -1;
		memcpy(kind, rec->kinds[i].kind, rec->kinds[i].nr * sizeof(*kind));
		free(all->kinds[i].kind);
		all->kinds[i].kind = kind;
		all->kinds[i].nr = rec->kinds[i].nr;
	}
	return 0;
}

/* Their times are of different clocks: all that remains is how long they are together. */
static void join_times(struct recording *all, const struct recording *rec)
{
	u64 covered = recording__covered(rec);

	if (!all->meta.start_ns)
		all->meta.start_ns = all->meta.stop_ns = 1;
	all->meta.stop_ns = sat_add(all->meta.stop_ns, covered);
	all->window.active |= rec->window.active;
	all->window.resolved = true;
	all->window.from = all->meta.start_ns;
	all->window.to = all->meta.stop_ns;
}

int recording__join(struct recording *all, const struct recording *rec, u32 file, u32 base)
{
	for (u32 i = 0; i < rec->nr_vms; i++)
		if (join_vm(all, &rec->vm[i], file, base))
			return -1;
	for (u32 i = 0; i < rec->nr_vcpus; i++)
		if (join_vcpu(all, &rec->vcpu[i], base))
			return -1;
	all->several_vms_of_pid = true;
	for (size_t i = 0; i < ARRAY_SIZE(all->event_rows); i++) {
		all->event_rows[i] = sat_add(all->event_rows[i], rec->event_rows[i]);
		all->lost[i] = sat_add(all->lost[i], rec->lost[i]);
		all->lost_window[i] = sat_add(all->lost_window[i], rec->lost_window[i]);
	}
	all->filter = rec->filter;
	all->meta.selective |= rec->meta.selective;
	all->ids_left_out |= rec->ids_left_out;
	all->bytes = sat_add(all->bytes, rec->bytes);
	all->missing_rows = sat_add(all->missing_rows, rec->missing_rows);
	all->nr_damage += rec->nr_damage;
	join_times(all, rec);
	return join_kinds(all, rec);
}

static void take_id(u64 *ids, u32 id)
{
	if (id != UINT32_MAX && id >= *ids)
		*ids = (u64)id + 1;
}

u64 recording__ids(const struct recording *rec)
{
	u64 ids = 0;

	for (u32 i = 0; i < rec->nr_vms; i++)
		take_id(&ids, rec->vm[i].id);
	for (u32 i = 0; i < rec->nr_vcpus; i++) {
		take_id(&ids, rec->vcpu[i].id);
		take_id(&ids, rec->vcpu[i].vm);
	}
	return ids;
}

bool recording__is_same_recorder(const struct recording *a, const struct recording *b)
{
	const struct rec_meta *x = &a->meta, *y = &b->meta;

	return x->has_clock && y->has_clock && x->first_monotonic_ns == y->first_monotonic_ns &&
	       x->first_realtime_ns == y->first_realtime_ns &&
	       !strcmp(x->host ?: "", y->host ?: "") && !strcmp(x->kernel ?: "", y->kernel ?: "");
}

bool recording__are_files_of_series(const struct recording *a, const struct recording *b)
{
	const struct rec_meta *x = &a->meta, *y = &b->meta;

	return x->series_number && y->series_number &&
	       (x->series_to < y->series_number || y->series_to < x->series_number) &&
	       recording__is_same_recorder(a, b);
}
