/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the number that an event was about means: "COM1 transmit" of port 0x3f8.  regions: what the
 * user says of addresses and ports, which counts more than the tables of names; or NULL.
 *
 * Names are NULL where none is known, and live as long as the regions.
 */
#ifndef KVMW_DETAIL_NAME_H
#define KVMW_DETAIL_NAME_H

#include "util/symbols/regions.h"

/* kind: enum kvmw_detail; KVMW_NONE has no name. */
const char *detail_name__exit(const struct regions *regions, u32 kind, u64 detail);

/* Of page faults in a range of addresses: NULL also if there is more than one thing in it. */
const char *detail_name__range(const struct regions *regions, u64 from, u64 to);

/* Of an event of a family: the field that util/events.h calls its .detail. */
const char *detail_name__family(const struct regions *regions, u32 event, u32 kind, u64 detail);

#endif
