/* SPDX-License-Identifier: GPL-2.0 */
/* The options of kvmw record. */
#ifndef KVMW_BUILTIN_RECORD_H
#define KVMW_BUILTIN_RECORD_H

#include <argp.h>
#include <sys/types.h>

#include "builtin-record-keep.h"
#include "builtin-record-switch.h"
#include "util/capture/events_option.h"
#include "util/capture/filter_options.h"
#include "util/capture/session.h"
#include "util/symbols/guest_symbols.h"

#define DEFAULT_OUTPUT	"kvmw.data"
#define DEFAULT_RING	(16ULL << 20)
#define MAX_PIDS	256
#define MIN_LIMIT	(64u << 10)

/* Arguments of an option that may be repeated. */
struct record_words {
	u32 nr;
	const char *word[MAX_PIDS];
};

/* What the command line asks for; input of record_argp. */
struct record_options {
	int argc;			/* as typed, for META */
	const char **argv;
	const char *output;		/* NULL: the default */
	struct event_choice choice;	/* -e; no events: not given */
	u32 besides;			/* a bitmap of events that are not instead of the default */
	struct record_filter filter;
	const char **command;		/* after "--", or NULL */
	u32 nr_pids;
	pid_t pids[MAX_PIDS];
	struct record_words names;	/* of --vm, which become pids */
	struct record_words groups, containers;		/* of -G and --container, */
	struct group_choices in_groups;			/* which become these */
	struct record_words excludes;	/* of --exclude, which become */
	u32 nr_excluded;
	pid_t excluded[MAX_PIDS];
	u64 vcpus[KVMW_VCPU_ID_WORDS];	/* bitmap of --vcpu */
	u32 max_vcpus;			/* of --max-vcpus; 0: not given */
	u64 ring_bytes;
	u64 duration_ns;		/* 0: no limit */
	double cpu_limit;		/* percent of a CPU; 0: no limit */
	s32 nice;			/* added to the recorder's */
	struct resolution resolution;	/* of durations */
	u64 limit_bytes;		/* of the file; 0: likewise */
	struct guest_symbol_files symbols;
	struct keep_options keep;
	struct switch_options switching;
	bool all, vcpu_filter, as_user, quiet, verbose, no_addresses;
};

/*
 * What is observed, of kvmw record, stat and top: a child of their argp;
 * its input is a struct record_options.
 */
enum { RECORD_MAX_VCPUS = 0x1fc, RECORD_EXCLUDE, RECORD_CONTAINER, RECORD_VM };
extern const struct argp record_targets_argp;
/* Whether any of these options was given; whether one that chooses some VMs was. */
bool record_options__any_target(const struct record_options *o);
bool record_options__chooses(const struct record_options *o);
/* What they mean together, for the verb of a command. */
error_t record_options__check_observed(const struct record_options *o, const char *verb);

/* What kvmw stat has as well: -d, -q and -v.  0, or an errno: wrong usage (error() said what). */
error_t record_options__observe(struct record_options *o, int key, char *arg);
error_t record_options__command(struct record_options *o, const struct argp_state *state);

/* Finds what they name: processes, each once, and control groups.  0, or -1 (error() said why). */
int record_options__find_targets(struct record_options *o);
/* Then says so to the session, whose opts point into o. */
void record_options__choose(const struct record_options *o, struct session_opts *opts);
/* What to ask oneself if nothing was seen; children: of COMMAND only. */
const char *record_options__why_nothing(const struct record_options *o, bool children);
/* Whether VMs that start later are observed, too, so that no end of one is the last. */
bool record_options__has_groups(const struct record_options *o);
/*
 * Chooses the events that this host can show, those of -e or the default; doing: "recording", for
 * messages; skipped: by event id, why one is skipped (free() it).  0, or -1 (error() said why).
 */
int record_options__choose_events(struct record_options *o, const char *doing, char **skipped);

#endif
