/* SPDX-License-Identifier: GPL-2.0 */
/* META: the host, the command and the settings of a recording, as JSON. */
#ifndef KVMW_META_H
#define KVMW_META_H

#include "util/capture/filter_options.h"
#include "util/capture/session.h"
#include "util/privacy/privacy.h"
#include "util/symbols/guest_symbols.h"

struct meta;

/*
 * Collects what is known at the start; copies all of it.  NULL after error().
 * skipped: by event id, why an event that was asked for is not recorded; NULL: it is.
 */
struct meta *meta__new(int argc, const char **argv, const struct session *session,
		       const struct session_opts *opts,
		       const struct record_filter *filter, char *const *skipped);
void meta__free(struct meta *meta);

void meta__start(struct meta *meta, u64 start_ns);
/* why: a word or two, such as "interrupted" or "command ended" */
void meta__stop(struct meta *meta, u64 stop_ns, const char *why);
/* Functions of the guest are recorded, where rows are about them. */
void meta__symbols(struct meta *meta, const struct guest_symbols *symbols);
void meta__note(struct meta *meta, const char *note);	/* shown in the heading of reports */

u32 meta__nr_notes(const struct meta *meta);
/* Forgets all but the first nr. */
void meta__forget_notes(struct meta *meta, u32 nr);

/* The resolution of durations. */
void meta__resolution(struct meta *meta, const struct resolution *resolution);

/* What is not recorded. */
void meta__hide(struct meta *meta, const struct privacy *privacy);

/* The text for a snapshot: what triggered it, when; the clocks now. To be freed; NULL: error(). */
char *meta__of_snapshot(struct meta *meta, const char *trigger, u64 time_ns);

/* Likewise for the next file of a series: the clocks now, and those of its recorder's start. */
char *meta__of_next_file(struct meta *meta);

/* The JSON text, to be freed; NULL after error(). */
char *meta__json(const struct meta *meta);

#endif
