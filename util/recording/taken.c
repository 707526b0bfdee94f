// SPDX-License-Identifier: GPL-2.0
#include "util/recording/taken.h"

enum {
	COL_PLACE,
	COL_KIND,
	COL_PID,
	COL_TID,
	COL_TGID,
	COL_COMM0,
	COL_COMM1,
	COL_CAUSE,
	COL_SYSCALL,
	COL_COUNT,
	COL_BYTES,
	COL_GUEST_COUNT,
	COL_GUEST_BYTES
};

int rec_takens__take(struct rec_takens *takens, u64 *const *col, u32 i)
{
	const struct rec_taken key = { .key = { col[COL_PLACE][i] } };
	struct rec_taken *t;
	bool full;

	if (!takens->table.entry_size)
		takens->table = HASH_TABLE(struct rec_taken, NULL);
	t = hash_table__get_limited(&takens->table, &key.key, REC_MAX_TAKEN, &full);
	takens->over_limit += full;
	if (!t)
		return full ? 0 : -1;
	t->kind = col[COL_KIND][i];
	t->pid = col[COL_PID][i];
	t->tid = col[COL_TID][i];
	t->tgid = col[COL_TGID][i];
	t->cause = col[COL_CAUSE][i];
	t->syscall = col[COL_SYSCALL][i];
	t->count = col[COL_COUNT][i];
	t->bytes = col[COL_BYTES][i];
	t->guest_count = col[COL_GUEST_COUNT][i];
	t->guest_bytes = col[COL_GUEST_BYTES][i];
	return rec_comm(col[COL_COMM0][i], col[COL_COMM1][i], t->comm);
}

void rec_takens__free(struct rec_takens *takens)
{
	hash_table__free(&takens->table);
}
