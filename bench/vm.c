// SPDX-License-Identifier: GPL-2.0
/* The VM: /dev/kvm, the file descriptors of the VM and its vCPUs, and their memory. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../util/arch/arch.h"
#include "../util/error.h"
#include "../util/memory.h"
#include "vm.h"

static int open_kvm(struct guest_vm *vm)
{
	int version;

	vm->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vm->kvm < 0 && (errno == ENOENT || errno == ENXIO || errno == ENODEV))
		return error("no KVM on this host (/dev/kvm: %s); load " ARCH_KVM_MODULES ", "
			     "or enable virtualization in the firmware", strerror(errno));
	if (vm->kvm < 0 && (errno == EACCES || errno == EPERM))
		return error("/dev/kvm: %s; run as root or as a member of the group that owns "
			     "it", strerror(errno));
	if (vm->kvm < 0)
		return error("/dev/kvm: %s", strerror(errno));

	version = ioctl(vm->kvm, KVM_GET_API_VERSION, 0);
	if (version != KVM_API_VERSION)
		return error("/dev/kvm is not KVM: its KVM_GET_API_VERSION is not %d",
			     KVM_API_VERSION);
	return 0;
}

static int check_vcpus(struct guest_vm *vm)
{
	int max = ioctl(vm->kvm, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS);

	if (max > 0 && vm->cfg->vcpus > (unsigned int)max)
		return error("--vcpus %u: KVM on this host allows %d vCPUs per VM",
			     vm->cfg->vcpus, max);
	return 0;
}

static int create_vcpu(struct guest_vcpu *vcpu)
{
	struct guest_vm *vm = vcpu->vm;
	void *run;

	vcpu->fd = ioctl(vm->fd, KVM_CREATE_VCPU, (unsigned long)vcpu->id);
	if (vcpu->fd < 0)
		return error("KVM_CREATE_VCPU for vCPU %u: %s; lower --vcpus", vcpu->id,
			     strerror(errno));
	run = mmap(NULL, vm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (run == MAP_FAILED)
		return error("mapping kvm_run of vCPU %u: %s", vcpu->id, strerror(errno));
	vcpu->run = run;
	return 0;
}

static void fill_block(struct guest_vcpu *vcpu)
{
	struct guest_vm *vm = vcpu->vm;
	const struct guest_config *cfg = vm->cfg;
	struct guest_block *block = vcpu->block;

	block->rounds = cfg->rounds;
	block->crash = cfg->crash;
	/* vCPUs share the nested page tables: the first one takes all faults. */
	block->warm_gpa = SYS_GPA;
	block->warm_pages = vcpu->id ? 0 : vm->sys_pages;
	block->mmio_gpa = arch_mmio_gpa(vcpu->id);
	block->touch_gpa = vcpu->touch_gpa;
	block->touch_end = vcpu->touch_gpa + vm->touch_pages * GUEST_PAGE;
	block->timer = cfg->timer_delay_us * 1000;
	arch_fill_block(vcpu);
	memcpy(block->per_round, cfg->per_round, sizeof(block->per_round));
}

static int create_vcpus(struct guest_vm *vm)
{
	unsigned int first = arch_sys_pages(vm);
	int size;

	size = ioctl(vm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (size < (int)sizeof(struct kvm_run))
		return error("KVM_GET_VCPU_MMAP_SIZE: %s", strerror(errno));
	vm->run_size = size;

	for (unsigned int i = 0; i < vm->cfg->vcpus; i++) {
		struct guest_vcpu *vcpu = &vm->vcpu[i];

		vcpu->block = (void *)(vm->sys + (size_t)(first + i) * GUEST_STRIDE);
		fill_block(vcpu);
		if (create_vcpu(vcpu) || arch_vcpu_init(vcpu))
			return -1;
	}
	return 0;
}

int vm_create(struct guest_vm *vm)
{
	vm->kvm = -1;
	vm->fd = -1;
	vm->done_fd = eventfd(0, EFD_CLOEXEC);
	if (vm->done_fd < 0)
		return error("eventfd: %s", strerror(errno));
	vm->vcpu = calloc(vm->cfg->vcpus, sizeof(*vm->vcpu));
	if (!vm->vcpu)
		return out_of_memory();
	for (unsigned int i = 0; i < vm->cfg->vcpus; i++) {
		vm->vcpu[i].vm = vm;
		vm->vcpu[i].id = i;
		vm->vcpu[i].fd = -1;
	}

	if (open_kvm(vm) || check_vcpus(vm))
		return -1;
	vm->fd = ioctl(vm->kvm, KVM_CREATE_VM, 0);
	if (vm->fd < 0)
		return error("KVM_CREATE_VM: %s%s", strerror(errno),
			     errno == EBUSY ? "; another hypervisor holds the CPU" : "");
	if (arch_vm_init(vm) || memory_create(vm))
		return -1;
	arch_load(vm);
	return create_vcpus(vm);
}

void vm_destroy(struct guest_vm *vm)
{
	for (unsigned int i = 0; vm->vcpu && i < vm->cfg->vcpus; i++) {
		struct guest_vcpu *vcpu = &vm->vcpu[i];

		if (vcpu->run)
			munmap(vcpu->run, vm->run_size);
		if (vcpu->fd >= 0)
			close(vcpu->fd);
	}
	if (vm->vcpu)
		memory_destroy(vm);
	if (vm->fd >= 0)
		close(vm->fd);
	if (vm->kvm >= 0)
		close(vm->kvm);
	if (vm->done_fd >= 0)
		close(vm->done_fd);
	free(vm->arch);
	free(vm->vcpu);
}
