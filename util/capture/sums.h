/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the recorder sends of sums, whatever becomes of rows: totals, who had the CPU, who took
 * memory, and what recording costs. One thread at a time, but where it says otherwise.
 */
#ifndef KVMW_SUMS_H
#define KVMW_SUMS_H

#include <sys/types.h>

#include "util/capture/bpf_sample.h"
#include "util/capture/holders.h"
#include "util/capture/session.h"
#include "util/capture/sink.h"
#include "util/capture/taken.h"
#include "util/capture/totals.h"

struct sums {
	const struct session *session;
	struct sink *sink;
	struct totals *totals;
	struct holders *holders;
	struct taken taken;
	struct bpf_sample sample;
	u64 cpu_base;		/* CPU time spent on setting up */
	u64 next_ns;		/* when they are sent, if nothing is lost */
};

/*
 * Takes all memory at once, if it may not grow. command: the child that runs it, or 0. 0, or -1
 * after error().
 */
int sums__init(struct sums *s, const struct session *session, struct sink *sink, pid_t command,
	       bool at_once);
void sums__free(struct sums *s);

/* From here on, with the programs' cost. */
void sums__begin(struct sums *s, u64 now);
/* Measures the programs if it is time. */
void sums__sample(struct sums *s, u64 now);
/* What programs took in all samples so far. Any thread may ask. */
void sums__sampled(struct sums *s, u64 *events, u64 *ns);
/* The last measurement ends. */
void sums__end(struct sums *s);

/* As they are now; events: rows so far.  Fails the sink. */
void sums__send(struct sums *s, u64 now, u64 cpu, u64 events);
struct totals_sum sums__all(const struct sums *s);
/* State i is reused for another thread. */
void sums__forget(struct sums *s, u32 i);

#endif
