/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where KASLR put the kernel of a guest: an exit by CPUID, OUT, WRMSR or HLT happened at such an
 * instruction, so the image has one there, once it is moved to the right place.
 */
#ifndef KVMW_KASLR_H
#define KVMW_KASLR_H

#include "util/types.h"

struct data_reader;
struct guest_code;
struct recording;

struct kaslr {
	u64 slide;		/* the offset at which most instructions fit */
	u32 fits, of;		/* how many fit, of how many */
	u32 next;		/* how many fit at the next best offset */
	bool certain;
};

/*
 * Takes the reader and reads exits from its first frames.  Without exits of a kernel by such
 * instructions k->of is 0.  0, or -1 (error() said why).
 */
int kaslr__find(struct kaslr *k, struct data_reader *r, struct recording *rec,
		const struct guest_code *code);

#endif
