/* SPDX-License-Identifier: GPL-2.0 */
/* What was taken from VMs: the sums of the BPF programs as rows of "taken". */
#ifndef KVMW_TAKEN_H
#define KVMW_TAKEN_H

#include "util/capture/sink.h"
#include "bpf_skel/shared.h"

struct taken {				/* all zero: nothing was sent */
	u64 counts[KVMW_MAX_TAKEN];	/* each sum as it was last sent */
	u64 others;			/* likewise, plus one */
};

/*
 * Sends a row for each sum that changed since the last call, and the first time one for all
 * others: that nothing was taken is known.  sums NULL: it is not, no rows.  0 or -1.
 */
int taken__send(struct taken *taken, struct sink *sink, const struct kvmw_taken_sum *sums);

#endif
