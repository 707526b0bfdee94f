/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kvmw bench guest: a small VMM that runs a hand-made guest and knows, at its
 * end, how many VM exits of each kind every vCPU made.
 */
#ifndef BENCH_GUEST_H
#define BENCH_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "block.h"

struct screen;

/* Limits that keep every product of two options within 64 bits. */
#define BENCH_MAX_COUNT		(1ULL << 32)	/* per vCPU and round */
#define BENCH_MAX_ROUNDS	(1ULL << 40)
#define BENCH_MAX_VCPUS		4096
#define BENCH_MAX_DELAY_US	1000000ULL

struct guest_config {
	uint64_t per_round[NR_OPS];
	uint64_t rounds;	/* 0: until a signal */
	uint64_t vmm_delay_us;
	uint64_t timer_delay_us;	/* of OP_TIMER, not 0 */
	unsigned int vcpus;
	bool dirty_log;
	bool crash;		/* triple fault after the last round */
};

/*
 * Only a guest that takes interrupts has an interrupt controller, KVM's own.
 * HLT does not return to the VMM then, so OP_HLT excludes these.
 */
static inline bool guest_has_irqchip(const struct guest_config *cfg)
{
	return cfg->per_round[OP_IPI] || cfg->per_round[OP_TIMER];
}

/* KVM_EXIT_* returns of one vCPU as the VMM saw them. */
struct user_exits {
	uint64_t pio;		/* KVM_EXIT_IO on the counted port */
	uint64_t mmio;		/* KVM_EXIT_MMIO, except that of the set-up */
	uint64_t hlt;		/* KVM_EXIT_HLT */
	uint64_t refill;	/* KVM_EXIT_IO on the control port */
	uint64_t ready;
	uint64_t final;
	uint64_t setup_mmio;	/* 1 with OP_MMIO, else 0 */
};

struct vcpu_result {
	pid_t tid;
	uint64_t count[NR_COUNTS];	/* counted by the guest itself */
	struct user_exits user;		/* counted by the VMM */
	uint64_t vmm_ns;		/* spent in --vmm-delay, at least */
};

struct gfn_range {
	uint64_t first;
	uint64_t last;			/* inclusive */
};

struct guest_result {
	struct vcpu_result *vcpu;	/* one per configured vCPU */
	unsigned int vcpus;
	uint64_t count[NR_COUNTS];	/* sums over the vCPUs */
	struct user_exits user;
	uint64_t vmm_ns;
	uint64_t setup_faults;		/* all by vCPU 0 */
	uint64_t elapsed_ns;		/* common start to the last vCPU's end */
	uint64_t dirty_pages;
	struct gfn_range *dirty;	/* ascending, not adjacent */
	size_t nr_dirty;
	bool interrupted;		/* a signal ended a finite run */
	bool irqchip;			/* see guest_has_irqchip() */
	bool apic_hidden;		/* the CPU may access the APIC without an exit */
};

/*
 * Runs the guest to its end, or until SIGINT, SIGTERM or SIGHUP, which end it
 * after the current round. Every count of the guest is compared with the
 * VMM's. Returns 0, or -1 after one line on stderr; release @res with
 * guest_result_free() in either case.
 */
int guest_run(const struct guest_config *cfg, struct guest_result *res);
void guest_result_free(struct guest_result *res);

void guest_print_table(const struct screen *s, const struct guest_config *cfg,
		       const struct guest_result *res);
/* Returns 0, or -1 after one line on stderr (memory, write error). */
int guest_print_json(const struct screen *s, const struct guest_config *cfg,
		     const struct guest_result *res);

/* Names of the OP_*, as in the options and in JSON. */
extern const char *const guest_op_name[NR_OPS];

#endif
