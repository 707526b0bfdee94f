/* SPDX-License-Identifier: GPL-2.0 */
/* The facts about the host that matter to its VMs, from the rows of table "host". */
#ifndef KVMW_HOST_FACTS_H
#define KVMW_HOST_FACTS_H

#include "util/recording/recording.h"

struct host_fact {
	u32 kind;		/* KVMW_host_* */
	const char *name, *doc;	/* of the kind */
	const char *text;	/* safe to print, "" if it has none */
	u64 value;		/* at the end, else at the start; KVMW_NONE: it has none */
	/* from the start to the end; KVMW_NONE: it has none, or it is unknown */
	u64 change;
	double percent;		/* times: change, of the time of all CPUs; negative: unknown */
};

struct host_facts {
	struct host_fact *fact;	/* by kind */
	u32 nr;
};

/* 0, or -1 out of memory (error() said so); to be freed in both cases. rec must outlive it. */
int host_facts__make(struct host_facts *facts, const struct recording *rec);
void host_facts__free(struct host_facts *facts);

/* The first of this kind; NULL: there is none. */
const struct host_fact *host_facts__find(const struct host_facts *facts, u32 kind);

#endif
