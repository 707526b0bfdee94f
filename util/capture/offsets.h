/* SPDX-License-Identifier: GPL-2.0 */
/* Where the fields of a tracepoint lie on the running kernel. */
#ifndef KVMW_OFFSETS_H
#define KVMW_OFFSETS_H

#include "util/types.h"
#include "bpf_skel/shared.h"

/*
 * Fills config with the offsets which the providers (bitmap of provider_id) need.
 * -1 with errno: a format cannot be read, or lacks a field (error() named it).
 */
int offsets__read(u32 providers, struct kvmw_config *config);

#endif
