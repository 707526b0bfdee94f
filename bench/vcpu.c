// SPDX-License-Identifier: GPL-2.0
/* A vCPU thread: runs the guest, counts what comes back from KVM_RUN. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../util/error.h"
#include "vm.h"

int vm_fail(struct guest_vm *vm, const char *fmt, ...)
{
	char line[1024];
	bool first;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);

	pthread_mutex_lock(&vm->lock);
	first = !vm->failed;
	vm->failed = true;
	pthread_mutex_unlock(&vm->lock);
	if (first)
		error("%s", line);
	/* The other vCPUs stop, too. */
	for (unsigned int i = 0; i < vm->cfg->vcpus; i++)
		__atomic_store_n(&vm->vcpu[i].block->stop, 1, __ATOMIC_RELAXED);
	return -1;
}

static bool vm_failed(struct guest_vm *vm)
{
	bool failed;

	pthread_mutex_lock(&vm->lock);
	failed = vm->failed;
	pthread_mutex_unlock(&vm->lock);
	return failed;
}

static int fail_exit(const struct guest_vcpu *vcpu)
{
	const struct kvm_run *run = vcpu->run;
	char why[128], regs[512];

	switch (run->exit_reason) {
	case KVM_EXIT_SHUTDOWN:
		snprintf(why, sizeof(why), "KVM_EXIT_SHUTDOWN (triple fault)");
		break;
	case KVM_EXIT_FAIL_ENTRY:
		snprintf(why, sizeof(why), "KVM_EXIT_FAIL_ENTRY (hardware reason 0x%llx)",
			 run->fail_entry.hardware_entry_failure_reason);
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		snprintf(why, sizeof(why), "KVM_EXIT_INTERNAL_ERROR (suberror %u)",
			 run->internal.suberror);
		break;
	default:
		snprintf(why, sizeof(why), "KVM exit reason %u, which the guest does not cause",
			 run->exit_reason);
	}
	arch_dump(vcpu, regs, sizeof(regs));
	return vm_fail(vcpu->vm, "vCPU %u ended with %s: %s", vcpu->id, why, regs);
}

static int run_guest(struct guest_vcpu *vcpu)
{
	while (ioctl(vcpu->fd, KVM_RUN, 0)) {
		if (errno == EINTR && !vm_failed(vcpu->vm))
			continue;
		return vm_fail(vcpu->vm, "KVM_RUN of vCPU %u: %s", vcpu->id, strerror(errno));
	}
	return 0;
}

/* Up to the guest's report that it is ready. */
static int set_up(struct guest_vcpu *vcpu)
{
	struct user_exits *user = &vcpu->res->user;
	bool mmio = vcpu->block->per_round[OP_MMIO];

	while (!user->ready) {
		enum arch_exit what;

		if (run_guest(vcpu))
			return -1;
		what = arch_exit(vcpu);
		if (what == ARCH_MMIO && mmio && !user->setup_mmio)
			user->setup_mmio = 1;
		else if (what == ARCH_READY)
			user->ready = 1;
		else
			return fail_exit(vcpu);
	}
	return 0;
}

static uint64_t busy_wait(uint64_t delay_us)
{
	uint64_t start, now;

	if (!delay_us)
		return 0;
	start = now_ns();
	do {
		now = now_ns();
	} while (now - start < delay_us * 1000);
	return now - start;
}

static int run_rounds(struct guest_vcpu *vcpu)
{
	uint64_t delay_us = vcpu->vm->cfg->vmm_delay_us;
	struct user_exits *user = &vcpu->res->user;

	for (;;) {
		if (run_guest(vcpu))
			return -1;
		switch (arch_exit(vcpu)) {
		case ARCH_PIO:
			user->pio++;
			break;
		case ARCH_MMIO:
			user->mmio++;
			break;
		case ARCH_HLT:
			user->hlt++;
			break;
		case ARCH_REFILL:
			user->refill++;
			if (memory_refill(vcpu))
				return -1;
			break;
		case ARCH_FINAL:
			user->final++;
			return 0;
		default:
			return fail_exit(vcpu);
		}
		vcpu->res->vmm_ns += busy_wait(delay_us);
	}
}

static enum vm_phase wait_past(struct guest_vm *vm, enum vm_phase phase)
{
	enum vm_phase now;

	pthread_mutex_lock(&vm->lock);
	while (vm->phase == phase)
		pthread_cond_wait(&vm->changed, &vm->lock);
	now = vm->phase;
	pthread_mutex_unlock(&vm->lock);
	return now;
}

void *vcpu_thread(void *arg)
{
	struct guest_vcpu *vcpu = arg;
	struct guest_vm *vm = vcpu->vm;
	uint64_t one = 1;
	char name[16];

	snprintf(name, sizeof(name), "vcpu%u", vcpu->id % 1000000);
	pthread_setname_np(pthread_self(), name);
	vcpu->res->tid = gettid();

	vcpu->failed = set_up(vcpu);
	sem_post(&vm->ready);
	if (wait_past(vm, VM_HOLD) != VM_GO)
		return NULL;

	vcpu->failed = run_rounds(vcpu);
	memory_leave(vm);
	if (write(vm->done_fd, &one, sizeof(one)) != sizeof(one))
		vm_fail(vm, "cannot signal the end of vCPU %u: %s", vcpu->id, strerror(errno));
	/*
	 * The stack of a thread that ends is unmapped; before Linux 5.12
	 * (virt/kvm/kvm_main.c), any unmapping makes KVM repeat the faults
	 * that other vCPUs are taking.
	 */
	wait_past(vm, VM_GO);
	return NULL;
}
