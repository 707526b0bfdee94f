/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The model of `kvmw report -e halt`: how each vCPU halted, whether polling for its end paid
 * off, who ended it, and the polling window over time.
 */
#ifndef KVMW_MODEL_HALT_H
#define KVMW_MODEL_HALT_H

#include "util/analysis/hist.h"
#include "util/analysis/max_series.h"
#include "util/analysis/models.h"
#include "util/analysis/thread_names.h"

#define HALT_WAKERS	5
#define HALT_VCPUS	2048	/* shown; the halts of more are only counted */

struct halt_vcpu {
	u32 id;
	u64 order;		/* VM and number */
	char name[THREAD_NAME_MAX];
	u64 halts;
	struct duration_stats span;	/* of the halts whose duration is known, each whole */
	/* of these, the part within the report's time; KVMW_NONE: unknown */
	u64 halted_ns;
	/* Halts that polled, those of them that did not have to sleep, and the time spent. */
	u64 polls, paid, poll_ns;
	u64 valid, invalid;
	u64 woken;		/* halts whose waker is known */
	struct view_top waker[HALT_WAKERS];
	u32 nr_wakers;
	const struct max_series *window;	/* of polling; NULL: no change recorded */
	u64 grew, shrank;
	u64 until_ns;		/* it died then; at or after the report's end: it did not */
	u64 died_ns;		/* the same since the recording's start, or KVMW_NONE */
};

struct halt_model {
	struct halt_vcpu *vcpu;	/* by VM and number */
	u32 nr;
	u64 from_ns, to_ns;	/* what the report is of */
	u64 over_limit;		/* rows of vCPUs and wakers beyond the limits */
};

/*
 * The greatest window in each of nr equal parts of the report's time; all ones: not known.  The
 * vCPU has one.
 */
void halt_vcpu__window(const struct halt_model *m, const struct halt_vcpu *vcpu, u32 nr, u64 *out);

extern const struct report_model halt_report_model;

#endif
