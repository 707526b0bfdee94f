/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who had the CPU, and who took memory: sums since the recording began, as what they grew by since
 * the last time, so that those of a window can be added up.
 */
#ifndef KVMW_KEEP_DELTAS_H
#define KVMW_KEEP_DELTAS_H

#include "util/event_desc.h"
#include "util/keep/identity.h"

struct deltas {			/* all zero but for budget: empty */
	struct budget *budget;	/* or NULL */
	struct hash_table holders, takens;
	/* there was a row of what was taken, at least that it was nothing */
	bool knows_taken;
	struct kvmw_taken others;	/* the last one of all others */
};

/* Rows become what they grew by.  0, or -1 out of memory. */
int deltas__holders(struct deltas *d, struct kvmw_holder *rows, u32 nr);
int deltas__takens(struct deltas *d, struct kvmw_taken *rows, u32 nr);
/* What recording cost in between, for so many bytes of a file. */
struct kvmw_cost deltas__cost(const struct kvmw_cost *from, const struct kvmw_cost *to, u64 bytes);
/* Forgets vCPUs that send nothing more. */
void deltas__forget(struct deltas *d, const struct identity *identity);
void deltas__free(struct deltas *d);

/* The sum of such rows, of one holder, or one place. */
void deltas__add_holder(struct kvmw_holder *to, const struct kvmw_holder *from);
void deltas__add_taken(struct kvmw_taken *to, const struct kvmw_taken *from);

#endif
