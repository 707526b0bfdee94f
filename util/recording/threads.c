// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>

#include "util/recording/threads.h"
#include "util/text.h"

enum { COL_TIME, COL_KIND, COL_PID, COL_TID, COL_NUMBER, COL_STARTED, COL_COMM0, COL_COMM1, COL_STATE,
       COL_IN_RUN, COL_SYSCALL, COL_STACK, COL_USER, COL_SYSTEM, COL_GUEST, COL_RUN, COL_DELAY, COL_CPU,
       COL_CPUS, COL_AFFINITY, COL_POLICY, COL_RT_PRIORITY, COL_NICE };

int rec_comm(u64 first, u64 second, char *to)
{
	char raw[REC_COMM] = "", *clean;

	/* Unknown. */
	if (first == KVMW_NONE && second == KVMW_NONE) {
		*to = '\0';
		return 0;
	}
	for (u32 i = 0; i < 8; i++) {
		raw[i] = first >> 8 * i;
		raw[8 + i] = second >> 8 * i;
	}
	clean = text__clean(raw, sizeof(raw) - 1);
	if (!clean)
		return out_of_memory();
	/* What is cleaned gets no longer. */
	snprintf(to, REC_COMM, "%s", clean);
	free(clean);
	return 0;
}

int rec_threads__take(struct rec_threads *threads, u64 *const *col, u32 i)
{
	if (threads->nr == REC_MAX_THREADS) {
		threads->over_limit++;
		return 0;
	}
	if (array__reserve(threads->row, threads->nr, threads->room, NULL))
		return -1;
	threads->row[threads->nr++] = (struct kvmw_thread) {
		.time_ns = col[COL_TIME][i], .kind = col[COL_KIND][i], .pid = col[COL_PID][i],
		.tid = col[COL_TID][i], .number = col[COL_NUMBER][i],
		.started_ns = col[COL_STARTED][i], .comm0 = col[COL_COMM0][i],
		.comm1 = col[COL_COMM1][i], .state = col[COL_STATE][i],
		.in_run = col[COL_IN_RUN][i], .syscall = col[COL_SYSCALL][i],
		.stack = col[COL_STACK][i], .user_ns = col[COL_USER][i],
		.system_ns = col[COL_SYSTEM][i], .guest_ns = col[COL_GUEST][i],
		.run_ns = col[COL_RUN][i], .delay_ns = col[COL_DELAY][i], .cpu = col[COL_CPU][i],
		.cpus = col[COL_CPUS][i], .affinity = col[COL_AFFINITY][i],
		.policy = col[COL_POLICY][i], .rt_priority = col[COL_RT_PRIORITY][i],
		.nice = col[COL_NICE][i],
	};
	return 0;
}

void rec_threads__free(struct rec_threads *threads)
{
	array__free(threads->row, threads->room, NULL);
}
