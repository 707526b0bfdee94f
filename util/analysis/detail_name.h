/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the number that an event was about means: "COM1 transmit" of port 0x3f8.  regions: what the
 * user says of addresses and ports, which counts more than the tables of names; or NULL.
 *
 * Names are NULL where none is known, and live as long as the regions.
 */
#ifndef KVMW_DETAIL_NAME_H
#define KVMW_DETAIL_NAME_H

#include "util/recording/recording.h"
#include "util/symbols/regions.h"

/* kind: enum kvmw_detail; KVMW_NONE has no name. */
const char *detail_name__exit(const struct regions *regions, u32 kind, u64 detail);

/*
 * What a guest writes to a register may say more than which one it is: what of its value counts, in
 * 48 bits; 0: nothing.  written: of an exit, KVMW_NONE: unknown; nested: 1: of a nested guest.
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
