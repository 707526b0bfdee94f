/* SPDX-License-Identifier: GPL-2.0 */
/* The instruction that a VM exit was about, and where a guest's kernel may have its code. */
#ifndef KVMW_EXIT_CODE_H
#define KVMW_EXIT_CODE_H

#include "util/types.h"

#define EXIT_CODE_MAX	15	/* bytes of the longest instruction */

/*
 * How sure it is that code, size bytes of it, is the instruction that made this exit: the bits in
 * which it agrees.  0: it is another one, or the reason is about no certain instruction.
 */
u32 exit_code__fits(u32 isa, u32 reason, u32 detail_kind, const u8 *code, size_t size);

/* Whether an exit with this reason and detail is about an instruction that is known. */
bool exit_code__is_known(u32 isa, u32 reason, u32 detail_kind);

/*
 * Where KASLR may put the code of a kernel, and in what steps; modules are above.  From is where an
 * image without an offset begins, at the earliest.
 */
struct kernel_range {
	u64 from, to, step;
};
extern const struct kernel_range guest_kernel_range;

#endif
