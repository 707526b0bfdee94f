// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include "builtin-record-limit.h"
#include "util/error.h"

#define SETTLE_NS	(2 * NSEC_PER_SEC)	/* rows of the step before are still drained */
#define CALM_SECONDS	10			/* in a row, before more is recorded again */
#define ROOM		0.8			/* of the limit, that more detail may take */
#define MAX_NOTES	32			/* in the recording; the last of them says so */

static const struct {
	u32 one_in;
	const char *words;
} steps[LIMIT_STEPS] = {
	{ 1, "every event is recorded" },
	{ 10, "one in 10 events is recorded" },
	{ 100, "one in 100 events is recorded" },
	{ ~0U, "totals alone are recorded" },
};

void record_limit__start(struct record_limit *l, u64 start_ns)
{
	l->start_ns = l->time_ns = l->step_ns = start_ns;
	l->cpu_ns = cpu_ns();
}

u32 record_limit__next(struct record_limit *l, double percent, double counted, u64 now)
{
	u32 step = l->step;
	bool calm;

	if (now < l->step_ns + SETTLE_NS)
		return step;
	if (counted > 0)
		l->each[step] = percent / 100 * NSEC_PER_SEC / counted;
	l->over = percent > l->most ? l->over + 1 : 0;
	calm = step && !l->over &&
	       counted * l->each[step - 1] / NSEC_PER_SEC * 100 < ROOM * l->most;
	l->calm = calm ? l->calm + 1 : 0;
	if (l->over > 1)
		step += step + 1 < LIMIT_STEPS;
	else if (l->calm == CALM_SECONDS)
		step--;
	if (step != l->step)
		l->calm = 0;
	return step;
}

static void change(struct record_limit *l, struct session *session, struct meta *meta, u32 step,
		   double percent, u64 now)
{
	char note[200];

	l->step = step;
	l->step_ns = now;
	session__thin(session, steps[step].one_in);
	snprintf(note, sizeof(note), "--cpu-limit %.4g%%: at %.0f s kvmw took %.1f%% of a CPU; since then %s, and all are counted",
		 l->most, (now - l->start_ns) / 1e9, percent, steps[step].words);
	if (!l->quiet)
		notice("%s", note);
	if (++l->nr_changes == MAX_NOTES)
		meta__note(meta,
			   "--cpu-limit: what was recorded changed more often than is noted here");
	else if (l->nr_changes < MAX_NOTES)
		meta__note(meta, note);
}

void record_limit__look(struct record_limit *l, struct session *session, struct drain *drain,
			struct meta *meta)
{
	u64 now = monotonic_ns(), cpu = cpu_ns();
	struct drain_counts c;
	double percent, counted;
	u32 step;

	if (l->most <= 0 || now < l->time_ns + NSEC_PER_SEC / 2)
		return;
	drain__counts(drain, &c);
	if (c.bpf_events > l->bpf_events) {
		l->bpf_each = (double)(c.bpf_ns - l->bpf_ns) / (c.bpf_events - l->bpf_events);
		l->bpf_ns = c.bpf_ns;
		l->bpf_events = c.bpf_events;
	}
	percent = 100.0 * (cpu - l->cpu_ns + l->bpf_each * (c.counted - l->counted)) /
		  (now - l->time_ns);
	counted = (double)(c.counted - l->counted) * NSEC_PER_SEC / (now - l->time_ns);
	step = record_limit__next(l, percent, counted, now);
	if (step != l->step)
		change(l, session, meta, step, percent, now);
	l->time_ns = now;
	l->cpu_ns = cpu;
	l->counted = c.counted;
}
