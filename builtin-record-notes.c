// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>

#include "builtin-record-notes.h"
#include "util/capture/preflight.h"
#include "util/error.h"

static void record_note(struct meta *meta, const char *note, bool say)
{
	meta__note(meta, note);
	if (say)
		warning("%s", note);
}

/* The kernel counts for the whole host, for any thread: ours may be none of these. */
static void note_missed(struct meta *meta, u64 missed, const char *what, bool say)
{
	char note[256];

	snprintf(note, sizeof(note),
		 "missed up to %llu %s: the kernel skipped our BPF program that often "
		 "because it was already running on that CPU; whose events these were is unknown",
		 (unsigned long long)missed, what);
	record_note(meta, note, say);
}

/* Whether there is any. */
static bool note_unseen(struct meta *meta, const struct session *session, bool say)
{
	struct session_unseen u;
	char note[200];

	session__unseen(session, &u);
	if (u.no_state) {
		snprintf(note, sizeof(note),
			 "more than %u vCPUs and VMMs at a time: %llu events of the "
			 "others are not recorded", session__nr_states(session),
			 (unsigned long long)u.no_state);
		record_note(meta, note, say);
	}
	if (u.over_share) {
		snprintf(note, sizeof(note),
			 "process %u, and maybe others, had too many vCPUs at a time: "
			 "%llu events of those beyond its share are not recorded", u.pid,
			 (unsigned long long)u.over_share);
		record_note(meta, note, say);
	}
	return u.no_state || u.over_share;
}

bool record_notes__add(struct meta *meta, const struct session *session, bool say)
{
	bool unseen = note_unseen(meta, session, say);

	if (!host__knows_pids())
		meta__note(meta, "recorded in a PID namespace: process ids are the host's, and what /proc says of "
			   "them, such as names, threads and memory, is unknown");

	for (u32 h = 0; h < NR_PROBES; h++) {
		u64 missed = session__missed(session, h);

		if (missed)
			note_missed(meta, missed, session__what(session, h), say);
	}
	return unseen;
}
