/* SPDX-License-Identifier: GPL-2.0 */
/* kvmw top -i: a recording, interval by interval, as if it was being counted. */
#ifndef KVMW_TOP_PLAY_H
#define KVMW_TOP_PLAY_H

#include "util/analysis/top.h"

struct top_play {
	struct recording *rec;
	u64 interval_ns;
	bool stream;		/* the input cannot be read twice */
	void *arg;
	/*
	 * An interval; at the end of the recording the last one is shorter. 0; 1: enough; -1:
	 * failed (error() said why).
	 */
	int (*interval)(void *arg, const struct report *rep, const struct report *by_reason,
			u64 end_ns);
	/* nr intervals without a row follow, up to end_ns; they have no reports. */
	void (*skipped)(void *arg, u64 nr, u64 end_ns);
};

/* 0; 1: interval() had enough; -1 (error() said why).  The caller closes the reader. */
int top_play__read(const struct top_play *play, struct data_reader *r);

#endif
