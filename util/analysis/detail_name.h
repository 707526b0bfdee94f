/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The meaning of an event's number: "COM1 transmit" for port 0x3f8.  regions: the user's names of
 * addresses and ports, which take precedence over the tables; or NULL.
 *
 * Names are NULL if unknown, and live as long as the regions.
 */
#ifndef KVMW_DETAIL_NAME_H
#define KVMW_DETAIL_NAME_H

#include "util/recording/recording.h"
#include "util/symbols/regions.h"

/* kind: enum kvmw_detail; KVMW_NONE has no name. */
const char *detail_name__exit(const struct regions *regions, u32 kind, u64 detail);

/*
 * The value written to a register may say more than the register: the bits of it that matter, in
 * 48 bits; 0: none.  written: of an exit, KVMW_NONE: unknown; nested: 1: of a nested guest.
 */
u64 detail_name__group(u64 kind, u64 detail, u64 written, u64 nested);
/*
 * "ICR: IPI vector 0xfd to vCPU 1", in buf, of ICR_NAME_MAX bytes (util/arch/names.h); NULL: of
 * group
 * 0.  vm: an id; REC_NO_VM: that of any.
 */
const char *detail_name__written(const struct recording *rec, u32 vm, u64 group, char *buf);

/* Of page faults in a range of addresses: NULL also if there is more than one thing in it. */
const char *detail_name__range(const struct regions *regions, u64 from, u64 to);

/* Of an event of a family: the field that util/events.h calls its .detail. */
const char *detail_name__family(const struct regions *regions, u32 event, u32 kind, u64 detail);

#endif
