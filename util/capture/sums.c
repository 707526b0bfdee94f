// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "util/capture/privileges.h"
#include "util/capture/sums.h"
#include "util/memory.h"

#define SUMS_NS		(5 * NSEC_PER_SEC)

int sums__init(struct sums *s, const struct session *session, struct sink *sink, pid_t command,
	       bool at_once)
{
	*s = (struct sums) { .session = session, .sink = sink };
	bpf_sample__init(&s->sample, monotonic_ns());
	s->totals = mem__calloc(1, sizeof(*s->totals));
	s->holders = mem__calloc(1, sizeof(*s->holders));
	if (!s->totals || !s->holders)
		return -1;
	s->holders->command = command;
	if (at_once) {
		totals__take_memory(s->totals, session__nr_states(session));
		holders__take_memory(s->holders, session__nr_states(session));
	}
	return 0;
}

void sums__free(struct sums *s)
{
	bpf_sample__close(&s->sample);
	free(s->totals);
	free(s->holders);
}

struct totals_sum sums__all(const struct sums *s)
{
	return totals__sum(s->totals, session__states(s->session), session__nr_states(s->session));
}

void sums__sampled(struct sums *s, u64 *events, u64 *ns)
{
	bpf_sample__sums(&s->sample, events, ns);
}

void sums__sample(struct sums *s, u64 now)
{
	if (bpf_sample__is_due(&s->sample, now))
		bpf_sample__turn(&s->sample, s->session, now, sums__all(s).count);
}

void sums__begin(struct sums *s, u64 now)
{
	s->cpu_base = cpu_ns();
	s->totals->time_ns = now;
	sums__sample(s, now);
}

void sums__end(struct sums *s)
{
	bpf_sample__end(&s->sample, s->session, sums__all(s).count);
}

void sums__send(struct sums *s, u64 now, u64 cpu, u64 events)
{
	const struct kvmw_vcpu_state *states = session__states(s->session);
	u32 nr = session__nr_states(s->session);
	struct kvmw_cost cost = {
		.time_ns = now, .cpu_ns = cpu - s->cpu_base, .events = events,
		.bytes = sink__bytes(s->sink),
	};

	if (totals__send(s->totals, s->sink, states, nr, now) ||
	    holders__send(s->holders, s->sink, states, nr) ||
	    taken__send(&s->taken, s->sink, session__taken(s->session)))
		sink__fail(s->sink);
	sums__sampled(s, &cost.bpf_events, &cost.bpf_ns);
	totals__send_cost(s->sink, &cost);
	s->next_ns = now + SUMS_NS;
}

void sums__forget(struct sums *s, u32 i)
{
	totals__forget(s->totals, session__states(s->session), i);
	holders__forget(s->holders, i);
}
