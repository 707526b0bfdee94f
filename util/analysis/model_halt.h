/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The model of `kvmw report -e halt`: how each vCPU halted, whether polling for its end paid
 * off, who ended it, and the polling window over time.
 */
#ifndef KVMW_MODEL_HALT_H
#define KVMW_MODEL_HALT_H

#include "util/recording/scan.h"
#include "util/analysis/max_series.h"
#include "util/analysis/thread_names.h"

#define HALT_WAKERS	5
#define HALT_VCPUS	2048	/* more of them are left out */

struct halt_vcpu {
	u32 id;
	u64 order;		/* VM and number */
	char name[THREAD_NAME_MAX];
	u64 halts;
	const struct hist *span;	/* of the halts whose time is told, each whole; or NULL */
	u64 halted_ns;		/* of these, within the report's time */
	/* Those that polled, those of them that did not have to sleep; all the time of it. */
	u64 polls, paid, poll_ns;
	u64 valid, invalid;
	u64 woken;		/* halts of which it is known who ended them */
	struct view_top waker[HALT_WAKERS];
	u32 nr_wakers;
	const struct max_series *window;	/* of polling; NULL: no change was seen */
	u64 grew, shrank;
};

struct halt_model {
	struct halt_vcpu *vcpu;	/* by VM and number */
	u32 nr;
	u64 from_ns, to_ns;	/* what the report is of */
	u64 over_limit;		/* rows of vCPUs or wakers that were one too many */
};

extern const struct scan_consumer halt_consumer;

/*
 * state: the consumer's, which has to outlive the view.  0, or -1 out of memory (error()
 * said so).
 */
int halt_model__make(struct halt_model *v, const struct report *rep, const void *state);
void halt_model__free(struct halt_model *v);

#endif
