// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/arch/arch.h"
#include "util/array.h"
#include "util/capture/proc.h"
#include "util/capture/vm_configs.h"

#define KVM_DEBUGFS "/sys/kernel/debug/kvm"

/* A moment by both clocks: of three tries the one that took least. */
static void read_clocks(u64 *time_ns, u64 *counter)
{
	u64 least = KVMW_NONE;

	for (u32 i = 0; i < 3; i++) {
		u64 before = monotonic_ns(), now = arch__counter(), after = monotonic_ns();

		if (after - before >= least)
			continue;
		least = after - before;
		*time_ns = before + least / 2;
		*counter = now;
	}
}

static struct kvmw_vm_config *vm_configs__add_vm(struct vm_configs *c, u32 kind, u32 pid, u32 place)
{
	struct kvmw_vm_config *vm;

	if (array__reserve(c->vm, c->nr_vms, c->vms_room, NULL))
		return NULL;
	vm = &c->vm[c->nr_vms++];
	memset(vm, 0xff, sizeof(*vm));
	vm->kind = kind;
	vm->pid = pid;
	vm->place = place;
	vm->time_ns = monotonic_ns();
	return vm;
}

static struct kvmw_vcpu_config *vm_configs__add_vcpu(struct vm_configs *c,
						     const struct kvmw_vm_config *vm, u32 number)
{
	struct kvmw_vcpu_config *vcpu;

	if (array__reserve(c->vcpu, c->nr_vcpus, c->vcpus_room, NULL))
		return NULL;
	vcpu = &c->vcpu[c->nr_vcpus++];
	memset(vcpu, 0xff, sizeof(*vcpu));
	vcpu->kind = vm->kind;
	vcpu->pid = vm->pid;
	vcpu->place = vm->place;
	vcpu->number = number;
	read_clocks(&vcpu->time_ns, &vcpu->host_tsc);
	return vcpu;
}

/* Its parameter; "auto" is Y where the CPU needs it (set_nx_huge_pages() in kvm/mmu/mmu.c). */
static char parameter(const char *name)
{
	char text[16];

	return *proc__line(text, sizeof(text), "/sys/module/kvm/parameters/%s", name);
}

static int fill_vm_config(struct kvmw_vm_config *vm, const struct kvmw_vcpu_thread *file,
			  struct interned *names)
{
	struct kvmw_vm_config row = file->of_vm;
	char text[512];

	row.time_ns = vm->time_ns;
	row.kind = vm->kind;
	row.pid = vm->pid;
	row.place = vm->place;
	/* Without a limit of its own, the module's holds. */
	if (row.halt_poll_ns == KVMW_NONE &&
	    *proc__line(text, sizeof(text), "/sys/module/kvm/parameters/halt_poll_ns"))
		row.halt_poll_ns = strtoull(text, NULL, 10);
	/* Without a choice of its own, likewise. */
	if (row.nx_huge_pages && parameter("nx_huge_pages"))
		row.nx_huge_pages = parameter("nx_huge_pages") == 'Y';
	*text = '\0';
	if (row.apicv_inhibits && row.apicv_inhibits != KVMW_NONE)
		arch__name_inhibits(row.apicv_inhibits, text, sizeof(text));
	*vm = row;
	return interned__text(names, text, &vm->apicv_not);
}

/* All ones: it has had no event. */
static u32 id_of_vcpu(const struct session *session, u64 vcpu)
{
	const struct kvmw_vcpu_state *states = session__states(session);

	for (u32 i = 0; i < session__nr_states(session); i++)
		if (states[i].tid && states[i].vcpu == vcpu &&
		    !session__gone_ns(session, &states[i]))
			return states[i].exit.e.vcpu;
	return ~0U;
}

static int add_file(struct vm_configs *c, const struct kvmw_vm_config *vm,
		    const struct kvmw_vcpu_thread *file, const struct session *session)
{
	struct kvmw_vcpu_config *vcpu = vm_configs__add_vcpu(c, vm, file->number);

	if (!vcpu)
		return -1;
	vcpu->vcpu = id_of_vcpu(session, file->vcpu);
	vcpu->apic_mode = file->config.apic_mode;
	vcpu->apicv = file->config.apicv;
	vcpu->tsc_offset = file->config.tsc_offset;
	vcpu->tsc_khz = file->config.tsc_khz;
	vcpu->tsc_ratio = arch__tsc_ratio(file->config.tsc_ratio);
	return 0;
}

/* Whether an earlier file, of the same VM or of the same vCPU, is among those of the process. */
static bool is_repeated(const struct vcpu_files *files, u32 i, bool of_vm)
{
	const struct kvmw_vcpu_thread *f = &files->vcpu[i];

	for (u32 k = 0; k < i; k++)
		if (files->vcpu[k].tgid == f->tgid &&
		    (of_vm ? files->vcpu[k].kvm == f->kvm : files->vcpu[k].vcpu == f->vcpu))
			return true;
	return false;
}

/* From the vCPU files that KVM itself has listed. */
static int add_files(struct vm_configs *c, u32 kind, u32 pid, const struct vcpu_files *files,
		     const struct session *session, struct interned *names)
{
	u32 place = 0;

	for (u32 i = 0; i < files->nr; i++) {
		const struct kvmw_vcpu_thread *first = &files->vcpu[i];
		struct kvmw_vm_config *vm;

		if (first->tgid != pid || is_repeated(files, i, true))
			continue;
		vm = vm_configs__add_vm(c, kind, pid, place++);
		if (!vm || fill_vm_config(vm, first, names))
			return -1;
		for (u32 k = i; k < files->nr && c->nr_vcpus < VM_CONFIGS_MAX; k++)
			if (files->vcpu[k].tgid == pid && files->vcpu[k].kvm == first->kvm &&
			    !is_repeated(files, k, false) &&
			    add_file(c, vm, &files->vcpu[k], session))
				return -1;
	}
	return 0;
}

static u64 debugfs_number(const char *dir, const char *vcpu, const char *name)
{
	char text[32], *end;
	long long value;

	proc__line(text, sizeof(text), KVM_DEBUGFS "/%s/%s/%s", dir, vcpu, name);
	value = strtoll(text, &end, 10);
	return *text && !*end ? (u64)value : KVMW_NONE;
}

static int add_debugfs_vcpu(struct vm_configs *c, const struct kvmw_vm_config *vm, const char *dir,
			    const char *name)
{
	unsigned long id = strtoul(name + strlen("vcpu"), NULL, 10);
	struct kvmw_vcpu_config *vcpu = vm_configs__add_vcpu(c, vm, id);

	if (!vcpu)
		return -1;
	vcpu->tsc_offset = debugfs_number(dir, name, "tsc-offset");
	vcpu->tsc_ratio = arch__tsc_ratio(debugfs_number(dir, name, "tsc-scaling-ratio"));
	return 0;
}

static int add_debugfs_vm(struct vm_configs *c, u32 kind, u32 pid, u32 place, const char *name)
{
	struct kvmw_vm_config *vm = vm_configs__add_vm(c, kind, pid, place);
	struct dirent *entry;
	char path[300];
	int err = 0;
	DIR *dir;

	if (!vm)
		return -1;
	snprintf(path, sizeof(path), KVM_DEBUGFS "/%s", name);
	dir = opendir(path);
	if (!dir)
		return 0;
	vm->vcpus = 0;
	while (!err && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, "vcpu", strlen("vcpu")))
			continue;
		vm->vcpus++;
		if (c->nr_vcpus < VM_CONFIGS_MAX)
			err = add_debugfs_vcpu(c, vm, name, entry->d_name);
	}
	closedir(dir);
	return err;
}

/* Directories "PID-FD"; pid: that of the thread that created the VM (kvm_create_vm_debugfs()). */
static int add_debugfs(struct vm_configs *c, u32 kind, u32 pid)
{
	DIR *dir = opendir(KVM_DEBUGFS);
	struct dirent *entry;
	u32 place = 0;
	int err = 0;

	while (dir && !err && (entry = readdir(dir))) {
		u32 tid = strtoul(entry->d_name, NULL, 10);
		char path[64];

		snprintf(path, sizeof(path), "/proc/%u/task/%u", pid, tid);
		if (tid && strchr(entry->d_name, '-') && !access(path, F_OK))
			err = add_debugfs_vm(c, kind, pid, place++, entry->d_name);
	}
	if (dir)
		closedir(dir);
	return err;
}

int vm_configs__read(struct vm_configs *configs, u32 kind, u32 pid, const struct vcpu_files *files,
		     const struct session *session, struct interned *names)
{
	return files->known ? add_files(configs, kind, pid, files, session, names) :
	       add_debugfs(configs, kind, pid);
}

void vm_configs__free(struct vm_configs *configs)
{
	free(configs->vm);
	free(configs->vcpu);
	memset(configs, 0, sizeof(*configs));
}
