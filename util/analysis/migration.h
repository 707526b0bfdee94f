/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whether a VM would migrate: pre-copy, replayed round by round over the recorded marks.
 *
 * The first round sends all memory; each next one sends what was marked during the previous one,
 * until what is left can be sent within the downtime. A recording that is over begins again. A page
 * is marked only once until the VMM takes the log, with which a round begins: so it sees what was
 * marked since the log was taken last (migration_takes.h). Pages are sent as 4 KiB; zero pages,
 * compression and protocol are not counted. With auto-converge, vCPUs are slowed down as QEMU's
 * defaults do it: by 20 %, then by 10 % more each time, whenever twice a round was marked more than
 * half of what it sent.
 */
#ifndef KVMW_MIGRATION_H
#define KVMW_MIGRATION_H

#include "util/analysis/report/report.h"

struct dirty_mark;

#define MIGRATION_ROUNDS	100
/* times the recording, after the first round; then it does not converge */
#define MIGRATION_REPLAYS 4
#define MIGRATION_BITS_MAX	400e9
#define MIGRATION_BITS_MIN	1e6

struct migration {
	bool converges;
	u32 rounds;		/* with the last one, in which the VM stands still */
	/* sent in all rounds; if it does not converge, until it was given up */
	u64 bytes;
	u64 total_ns, downtime_ns;	/* of the latter, what is left would take */
	u64 left_bytes;		/* when the VM is stopped, or migration was given up */
	double throttle;	/* 0 to 0.99 of the vCPUs' time, at the end */
};

struct migration_link {
	u64 bits;		/* per second */
	struct migration plain, slowed;	/* slowed: with auto-converge */
};

struct migration_replay {
	char why_not[200];	/* there is no answer; else "" */
	u64 memory_bytes, downtime_ns;
	u64 gap_ns;		/* median time from one take of the log to the next */
	u64 span_ns;		/* from the first mark to the last, both included */
	struct migration_link link[REPORT_LINKS];
	u32 nr_links;
	/* about, that converges without auto-converge; 0: none up to MIGRATION_BITS_MAX */
	double slowest_bits;
};

struct dirty_log {
	const struct dirty_mark *mark;	/* by time; entry is the number of the page, below pages */
	u64 nr, pages;
	u32 pieces, vcpus;	/* vcpus: that marked pages */
};

/* memory_bytes, or why_not, is the caller's.  0, or -1 out of memory (error() said so). */
int migration_replay__make(struct migration_replay *m, const struct dirty_log *log,
			   const struct report_options *opt);

#endif
