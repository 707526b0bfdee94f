/* SPDX-License-Identifier: GPL-2.0 */
/* How the host maps guest memory: what tells a page fault's numbers apart. */
#ifndef KVMW_MMU_CONFIG_H
#define KVMW_MMU_CONFIG_H

#include "util/types.h"
#include "bpf_skel/shared.h"

/* Fills config->fault, but for what the probes tell. */
void mmu_config__read(struct kvmw_config *config);

#endif
