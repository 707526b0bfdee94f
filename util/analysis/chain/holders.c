// SPDX-License-Identifier: GPL-2.0
/*
 * Who had a CPU while a thread waited for it, by the rows of event sched: when one of the VMs'
 * threads leaves a CPU, or gets it, the row has the thread that comes, or went. What others
 * switched among themselves in between has no rows. So a stretch without a row that began and ended
 * with the same thread was that thread's if it is one of the VMs' threads: it would have a row if
 * it had left. Of any other thread it is only known that it was there at both ends.
 */
#include <stdlib.h>
#include <string.h>

#include "util/analysis/chain/internal.h"
#include "util/search.h"

/* rows, the outlier, and the first ones of its CPUs */
#define SWITCHES_MAX (CHAIN_ROWS + 5)

bool chain_switch__of(struct chain_switch *sw, const struct chain_row *row)
{
	bool in = row->kind == KVMW_sched_IN;
	u64 tid = row->tid == NO_ID ? KVMW_NONE : row->tid, other = row->v[SCHED_OTHER];

	if (row->event != KVMW_EVENT_SCHED || (!in && row->kind != KVMW_sched_OUT) ||
	    row->cpu == NO_ID)
		return false;
	*sw = (struct chain_switch) {
		.time_ns = row->time_ns, .begins = in ? tid : other, .ends = in ? other : tid,
		.cpu = row->cpu,
		.in = in,
	};
	return true;
}

static int compare_switches(const void *a, const void *b)
{
	const struct chain_switch *x = a, *y = b;

	COMPARE(x->time_ns, y->time_ns);
	/* One switch of the host may be two rows: the one that leaves comes first. */
	COMPARE(x->in, y->in);
	return 0;
}

static u32 take_switches(const struct chain_work *w, const struct chain_row *wait,
			 struct chain_switch *list)
{
	u32 nr = 0;

	for (u32 i = 0; i <= w->nr_rows; i++)
		nr += chain_switch__of(&list[nr], i < w->nr_rows ? &w->row[i] : &w->self) &&
		      list[nr].cpu == wait->cpu && list[nr].time_ns <= wait->to_ns;
	for (u32 i = 0; i < w->nr_cpus; i++)
		if (w->cpus[i] == wait->cpu && w->first[i].time_ns &&
		    w->first[i].time_ns <= wait->to_ns)
			list[nr++] = w->first[i];
	qsort(list, nr, sizeof(*list), compare_switches);
	return nr;
}

/* A thread whose switches have rows, all of them. */
static bool has_all_rows(const struct chain_context *c, const struct chain *chain, u64 tid)
{
	return thread_names__is_of_vm(&c->names, tid) && !chain->lost && !c->rec->meta.selective;
}

static void add_time(struct chain_holder *h, u32 *nr, u64 tid, u64 ns)
{
	u32 i = 0;

	while (i < *nr && h[i].tid != (u32)tid)
		i++;
	if (i == *nr)
		h[(*nr)++] = (struct chain_holder) { .tid = tid };
	h[i].time_ns += ns;
	h[i].stretches++;
}

static int longest_holder_first(const void *a, const void *b)
{
	const struct chain_holder *x = a, *y = b;

	COMPARE(y->certain, x->certain);
	COMPARE(y->time_ns, x->time_ns);
	COMPARE(x->tid, y->tid);
	return 0;
}

/* What all stretches are, and the longest of them as the chain's. */
static void keep_holders(const struct chain_context *c, struct chain *chain,
			 struct chain_holder *had, u32 nr)
{
	for (u32 i = 0; i < nr; i++)
		had[i].certain = has_all_rows(c, chain, had[i].tid);
	qsort(had, nr, sizeof(*had), longest_holder_first);
	for (u32 i = 0; i < nr; i++) {
		chain->certain_ns += had[i].certain ? had[i].time_ns : 0;
		if (i >= CHAIN_HOLDERS) {
			chain->others_ns += had[i].time_ns;
			continue;
		}
		chain->holder[chain->nr_holders++] = had[i];
		chain_words__thread(c, had[i].tid, chain->holder[i].name, CHAIN_NAME);
	}
}

void chain_work__find_holders(const struct chain_context *c, struct chain_work *w,
			      const struct chain_row *wait)
{
	struct chain_holder had[SWITCHES_MAX];
	struct chain_switch list[SWITCHES_MAX];
	struct chain *chain = w->chain;
	u64 since = wait->from_ns, who = KVMW_NONE, last = KVMW_NONE;
	u32 nr = take_switches(w, wait, list), nr_had = 0;

	chain->wait_cpu = wait->cpu;
	for (u32 i = 0; i < nr; i++) {
		if (list[i].time_ns > since && list[i].ends != KVMW_NONE) {
			if (who == list[i].ends && !w->misses_switches)
				add_time(had, &nr_had, who, list[i].time_ns - since);
			last = who == list[i].ends && !w->misses_switches ? KVMW_NONE :
			       list[i].ends;
		}
		who = list[i].begins;
		if (list[i].time_ns > since)
			since = list[i].time_ns;
	}
	if (last != KVMW_NONE)
		chain_words__thread(c, last, chain->last_holder, CHAIN_NAME);
	keep_holders(c, chain, had, nr_had);
}
