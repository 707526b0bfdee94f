/* SPDX-License-Identifier: GPL-2.0 */
/* Internals of kvmw bench guest: the VM, its vCPU threads, the architecture. */
#ifndef BENCH_VM_H
#define BENCH_VM_H

#include <linux/kvm.h>
#include <pthread.h>
#include <semaphore.h>
#include <time.h>

#include "arch.h"
#include "guest.h"

#define GUEST_PAGE	((uint64_t)4096)
#define GIB		((uint64_t)1 << 30)

/* Guest physical address of slot 0: code, page tables, blocks. */
#define SYS_GPA		0x100000ULL

/* Touched pages a vCPU may hold before the VMM takes them back: 64 MiB. */
#define TOUCH_WINDOW	16384ULL

enum vm_phase {
	VM_HOLD,		/* vCPUs are being set up, one after the other */
	VM_GO,
	VM_ABANDON,		/* set-up failed: vCPUs must not start */
	VM_END,			/* all vCPUs are done, threads may exit */
};

struct guest_vm;

struct guest_vcpu {
	struct guest_vm *vm;
	unsigned int id;
	int fd;
	struct kvm_run *run;
	size_t run_size;
	struct guest_block *block;	/* in guest memory */
	void *touch;			/* the window, in VMM memory */
	uint64_t touch_gpa;
	pthread_t thread;
	bool started;
	bool failed;			/* the reason has been printed */
	bool waits;			/* for a refill; under vm->lock */
	struct vcpu_result *res;
};

struct guest_vm {
	const struct guest_config *cfg;
	int kvm;
	int fd;
	void *arch;			/* the architecture's own, freed with the VM */
	bool apic_hidden;		/* as in struct guest_result */
	size_t run_size;

	uint8_t *sys;			/* at SYS_GPA */
	size_t sys_size;
	uint64_t sys_pages;		/* in use, GUEST_STRIDE apart */
	uint64_t touch_pages;		/* window of one vCPU, 0: no touching */
	uint64_t touch_span;		/* guest physical bytes from vCPU to vCPU */

	struct guest_vcpu *vcpu;
	sem_t ready;			/* a vCPU is set up, or failed */
	int done_fd;			/* eventfd: vCPUs that ended */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	enum vm_phase phase;		/* under lock */
	bool failed;			/* under lock: one line was printed */
	unsigned int running;		/* under lock: vCPUs still running */
	unsigned int waiting;		/* under lock: of these, for a refill */
	uint64_t refills;		/* under lock: of all vCPUs together */
};

/* vm.c */
int vm_create(struct guest_vm *vm);
void vm_destroy(struct guest_vm *vm);

/* memory.c */
int memory_create(struct guest_vm *vm);
void memory_destroy(struct guest_vm *vm);
/*
 * Gives the vCPU a window of untouched pages. Waits until every vCPU that
 * still runs asks for one: while memory is unmapped, KVM makes other vCPUs
 * repeat their page faults, which would add exits.
 */
int memory_refill(struct guest_vcpu *vcpu);
/* This vCPU has ended: the others no longer wait for it. */
int memory_leave(struct guest_vm *vm);
/* Checks that exactly the touched pages hold their marks. */
int memory_check(struct guest_vm *vm);
int memory_dirty_log(struct guest_vm *vm, struct guest_result *res);

/* vcpu.c */
void *vcpu_thread(void *arg);
/* Prints one line, but only for the first failure of a VM; returns -1. */
int vm_fail(struct guest_vm *vm, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static inline uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

#endif
