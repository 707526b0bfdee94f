// SPDX-License-Identifier: GPL-2.0
#include <bpf/bpf.h>
#include <unistd.h>

#include "util/capture/bpf_sample.h"

#define SAMPLE_NS	(NSEC_PER_SEC / 20)
#define SAMPLE_EVENTS	1000
#define SAMPLE_EVERY_NS	(5 * NSEC_PER_SEC)

void bpf_sample__init(struct bpf_sample *s, u64 now)
{
	*s = (struct bpf_sample) { .fd = -1, .next_ns = now };
	pthread_mutex_init(&s->lock, NULL);
}

bool bpf_sample__is_due(const struct bpf_sample *s, u64 now)
{
	return now >= s->next_ns && !s->refused;
}

void bpf_sample__end(struct bpf_sample *s, const struct session *session, u64 events)
{
	u64 ns;

	if (s->fd < 0)
		return;
	bpf_sample__close(s);
	/* Excludes what was counted between samples: bpf_stats_enabled may be on anyway. */
	ns = session__bpf_ns(session) - s->bpf_ns;
	pthread_mutex_lock(&s->lock);
	s->sum_events += events - s->events;
	s->sum_ns += ns;
	pthread_mutex_unlock(&s->lock);
}

void bpf_sample__turn(struct bpf_sample *s, const struct session *session, u64 now, u64 events)
{
	if (s->fd >= 0) {
		if (events - s->events < SAMPLE_EVENTS)
			return;
		bpf_sample__end(s, session, events);
		s->next_ns = now + SAMPLE_EVERY_NS - SAMPLE_NS;
		return;
	}
	s->events = events;
	s->bpf_ns = session__bpf_ns(session);
	s->fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	s->refused = s->fd < 0;
	s->next_ns = now + SAMPLE_NS;
}

void bpf_sample__close(struct bpf_sample *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

void bpf_sample__sums(struct bpf_sample *s, u64 *events, u64 *ns)
{
	pthread_mutex_lock(&s->lock);
	*events = s->sum_events;
	*ns = s->sum_ns;
	pthread_mutex_unlock(&s->lock);
}
