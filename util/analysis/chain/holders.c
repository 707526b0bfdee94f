// SPDX-License-Identifier: GPL-2.0
/*
 * Who had a CPU while a thread waited for it, by the rows of event sched: when one of the VMs' threads
 * leaves a CPU, or gets it, the row has the thread that comes, or went.  What others switched among
 * themselves in between has no rows: such a stretch belongs to the thread that began it, if it is the
 * one that ended it; else to nobody that is known.
 */
#include <stdlib.h>
#include <string.h>

#include "util/analysis/chain/internal.h"
#include "util/search.h"

struct stretch {
	u64 time_ns;
	u64 begins, ends;	/* threads that had the CPU after, and before it; KVMW_NONE: unknown */
	bool in;
};

static int compare_stretches(const void *a, const void *b)
{
	const struct stretch *x = a, *y = b;

	COMPARE(x->time_ns, y->time_ns);
	/* One switch of the host may be two rows: the one that leaves comes first. */
	COMPARE(x->in, y->in);
	return 0;
}

static u32 take_switches(const struct chain_work *w, const struct chain_row *wait, struct stretch *list)
{
	u32 nr = 0;

	for (u32 i = 0; i < w->nr_rows + 2; i++) {
		const struct chain_row *row = i < w->nr_rows ? &w->row[i] : i == w->nr_rows ? &w->self : &w->out;
		bool in = row->kind == KVMW_sched_IN;
		u64 other = row->v[SCHED_OTHER];

		if (row->event != KVMW_EVENT_SCHED || (!in && row->kind != KVMW_sched_OUT) ||
		    row->cpu != wait->cpu || row->time_ns > wait->to_ns)
			continue;
		list[nr++] = (struct stretch) {
			.time_ns = row->time_ns, .begins = in ? row->tid : other, .ends = in ? other : row->tid,
			.in = in,
		};
	}
	qsort(list, nr, sizeof(*list), compare_stretches);
	return nr;
}

static void add_time(struct chain *chain, u64 tid, u64 ns)
{
	struct chain_holder *h = chain->holder;
	u32 i = 0;

	while (i < chain->nr_holders && h[i].tid != (u32)tid)
		i++;
	if (i == CHAIN_HOLDERS || !ns)
		return;
	if (i == chain->nr_holders)
		h[chain->nr_holders++] = (struct chain_holder) { .tid = tid };
	h[i].time_ns += ns;
}

static int longest_holder_first(const void *a, const void *b)
{
	const struct chain_holder *x = a, *y = b;

	COMPARE(y->time_ns, x->time_ns);
	COMPARE(x->tid, y->tid);
	return 0;
}

void chain_work__find_holders(const struct chain_context *c, struct chain_work *w, const struct chain_row *wait)
{
	struct stretch list[CHAIN_ROWS + 2];
	struct chain *chain = w->chain;
	u32 nr = take_switches(w, wait, list);
	u64 since = wait->from_ns, who = KVMW_NONE, last = KVMW_NONE;

	chain->wait_cpu = wait->cpu;
	for (u32 i = 0; i < nr; i++) {
		if (list[i].time_ns > since && list[i].ends != KVMW_NONE) {
			if (who == list[i].ends)
				add_time(chain, who, list[i].time_ns - since);
			last = who == list[i].ends ? KVMW_NONE : list[i].ends;
		}
		who = list[i].begins;
		if (list[i].time_ns > since)
			since = list[i].time_ns;
	}
	if (last != KVMW_NONE)
		chain_words__thread(c, last, chain->last_holder, CHAIN_NAME);
	for (u32 i = 0; i < chain->nr_holders; i++)
		chain_words__thread(c, chain->holder[i].tid, chain->holder[i].name, CHAIN_NAME);
	qsort(chain->holder, chain->nr_holders, sizeof(*chain->holder), longest_holder_first);
}
