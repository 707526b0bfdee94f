/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the programs cost, sampled. BPF statistics are not free: they stay on for at least a
 * twentieth of a second and a thousand events, then off until the next sample.
 */
#ifndef KVMW_BPF_SAMPLE_H
#define KVMW_BPF_SAMPLE_H

#include <pthread.h>

#include "util/capture/session.h"

struct bpf_sample {
	int fd;			/* statistics are on; -1: off */
	u64 next_ns;		/* when they are switched on, or may be switched off */
	/* counted until they were switched on, and the programs' run time */
	u64 events, bpf_ns;
	bool refused;		/* by the kernel */
	/* Over all samples so far: one without the other would be a wrong cost. */
	pthread_mutex_t lock;
	u64 sum_events, sum_ns;
};

void bpf_sample__init(struct bpf_sample *s, u64 now);
/* Whether there is something to do, which may take a while. */
bool bpf_sample__is_due(const struct bpf_sample *s, u64 now);
/* Does it, given how many events were counted so far. */
void bpf_sample__turn(struct bpf_sample *s, const struct session *session, u64 now, u64 events);
/* Off, however short the sample is. */
void bpf_sample__end(struct bpf_sample *s, const struct session *session, u64 events);
/* Off, and it does not count. */
void bpf_sample__close(struct bpf_sample *s);
/* Any thread may ask. */
void bpf_sample__sums(struct bpf_sample *s, u64 *events, u64 *ns);

#endif
