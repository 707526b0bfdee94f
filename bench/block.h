/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The page with which the VMM instructs one vCPU and the guest reports what
 * it did. Included by C and by the guest's assembly, hence the offsets as
 * macros; guest.c asserts that both agree.
 */
#ifndef BENCH_BLOCK_H
#define BENCH_BLOCK_H

/* The operations of the guest, in the order of one round. */
#define OP_CPUID	0
#define OP_PIO		1
#define OP_MMIO		2
#define OP_MSR		3
#define OP_HLT		4
#define OP_TOUCH	5
#define OP_VMCALL	6
#define OP_IPI		7
#define OP_TIMER	8
#define NR_OPS		9

/* What the guest counts. */
#define CNT_CPUID	0
#define CNT_PIO		1
#define CNT_MMIO	2
#define CNT_RDMSR	3
#define CNT_WRMSR	4
#define CNT_HLT		5
#define CNT_TOUCH	6
#define CNT_ROUNDS	7
#define CNT_REFILLS	8
#define CNT_VMCALL	9
#define CNT_IPI		10	/* sent */
#define CNT_IPI_TAKEN	11
#define CNT_TIMER	12	/* armed */
#define CNT_TIMER_FIRED	13
#define CNT_HALT	14	/* HLTs that waited for the timer */
#define NR_COUNTS	15

#define BLK_ROUNDS	0x00
#define BLK_STOP	0x08
#define BLK_CRASH	0x10
#define BLK_WARM_GPA	0x18
#define BLK_WARM_PAGES	0x20
#define BLK_MMIO_GPA	0x28
#define BLK_TOUCH_GPA	0x30
#define BLK_TOUCH_END	0x38
#define BLK_ARCH	0x40
#define BLK_TIMER	0x48
#define BLK_PER_ROUND	0x50
#define BLK_COUNT	0xa0

/*
 * Guest pages that the VMM fills lie this far apart. KVM's legacy MMU maps
 * present neighbours in the same aligned group of eight 4 KiB pages along with
 * a faulting one, its TDP MMU does not; with one present page a group both take
 * exactly one fault a page. The TDP MMU is the default since 71ba3f3189c7
 * ("KVM: x86: enable TDP MMU by default"), 5.15.
 */
#define GUEST_STRIDE	0x8000

#ifndef __ASSEMBLER__
#include <stdint.h>

struct guest_block {
	uint64_t rounds;	/* 0: until stop is set */
	uint64_t stop;		/* the VMM asks for an end after this round */
	uint64_t crash;		/* end with a triple fault */
	uint64_t warm_gpa;	/* first of the pages to write to before the start */
	uint64_t warm_pages;
	uint64_t mmio_gpa;	/* no memory there */
	uint64_t touch_gpa;	/* window of pages to touch: [gpa, end) */
	uint64_t touch_end;
	uint64_t arch;		/* the architecture's own */
	uint64_t timer;		/* initial count of the timer: nanoseconds */
	uint64_t per_round[NR_OPS];
	uint64_t pad;
	uint64_t count[NR_COUNTS];
	/* The rest of the page is the stack for interrupts. */
};
#endif

#endif
