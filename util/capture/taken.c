// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "util/capture/taken.h"

static int send_taken(struct sink_rows *rows, const struct kvmw_taken_sum *live, u32 place)
{
	bool others = place == KVMW_MAX_TAKEN;
	struct kvmw_taken_sum sum = *live;
	char *name = (char *)sum.comm;
	size_t len = strnlen(name, KVMW_COMM);
	struct kvmw_taken *row = sink__row(rows);

	if (!row)
		return -1;
	/* A name ends with its first 0; what follows is what the kernel had there before. */
	memset(name + len, 0, KVMW_COMM - len);
	*row = (struct kvmw_taken) {
		.place = place,
		.kind = others ? KVMW_taken_OTHERS : sum.kind,
		.pid = others ? ~0U : sum.pid,
		.tid = others ? ~0U : sum.tid,
		.tgid = others ? ~0U : sum.tgid,
		.comm0 = sum.comm[0],
		.comm1 = sum.comm[1],
		.cause = others ? KVMW_NONE : sum.cause,
		.syscall = others ? KVMW_NONE : sum.syscall,
		.count = sum.count,
		.bytes = sum.bytes,
		.guest_count = sum.unplaced ? KVMW_NONE : sum.guest_count,
		.guest_bytes = sum.unplaced ? KVMW_NONE : sum.guest_bytes,
	};
	return 0;
}

int taken__send(struct taken *taken, struct sink *sink, const struct kvmw_taken_sum *sums)
{
	struct sink_rows rows = { sink, DATA_STATS, event_desc__by_id(KVMW_EVENT_TAKEN), NULL };
	int err = 0;

	for (u32 i = 0; sums && i <= KVMW_MAX_TAKEN && !err; i++) {
		bool others = i == KVMW_MAX_TAKEN;
		u64 *sent = others ? &taken->others : &taken->counts[i];
		u64 now = __atomic_load_n(&sums[i].count, __ATOMIC_ACQUIRE) + others;

		if (*sent == now || (!others && !sums[i].kind))
			continue;
		*sent = now;
		err = send_taken(&rows, &sums[i], i);
	}
	sink__end_rows(&rows);
	return err;
}
