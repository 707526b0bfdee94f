// SPDX-License-Identifier: GPL-2.0
#include "util/recording/holders.h"

#define MADE_OF_ONE	512	/* bytes more than itself that a report makes of a holder */

enum { COL_VCPU, COL_PLACE, COL_KIND, COL_TID, COL_PID, COL_NUMBER, COL_COMM0, COL_COMM1, COL_TURNS,
       COL_TIME };

int rec_holders__take(struct rec_holders *holders, u64 *const *col, u32 i)
{
	const struct rec_holder key = { .key = { col[COL_VCPU][i], col[COL_PLACE][i] } };
	struct rec_holder *h;
	bool full;

	if (!holders->table.entry_size)
		holders->table = HASH_TABLE(struct rec_holder, NULL);
	h = hash_table__find(&holders->table, &key.key);
	full = !h && budget__take(holders->table.budget, MADE_OF_ONE);
	if (!h && !full)
		h = hash_table__get_limited(&holders->table, &key.key, REC_MAX_HOLDERS, &full);
	holders->over_limit += full;
	if (!h)
		return full ? 0 : -1;
	h->kind = col[COL_KIND][i];
	h->tid = col[COL_TID][i];
	h->pid = col[COL_PID][i];
	h->number = col[COL_NUMBER][i];
	h->turns = col[COL_TURNS][i];
	h->time_ns = col[COL_TIME][i];
	return rec_comm(col[COL_COMM0][i], col[COL_COMM1][i], h->comm);
}

void rec_holders__free(struct rec_holders *holders)
{
	hash_table__free(&holders->table);
}
