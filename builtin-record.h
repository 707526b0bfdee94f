/* SPDX-License-Identifier: GPL-2.0 */
/* The options of kvmw record. */
#ifndef KVMW_BUILTIN_RECORD_H
#define KVMW_BUILTIN_RECORD_H

#include <sys/types.h>

#include "builtin-record-keep.h"
#include "util/capture/events_option.h"
#include "util/capture/filter_options.h"
#include "util/symbols/guest_symbols.h"

#define DEFAULT_OUTPUT	"kvmw.data"
#define DEFAULT_RING	(16ULL << 20)
#define MAX_PIDS	256

/* What the command line asks for; input of record_argp. */
struct record_options {
	int argc;			/* as typed, for META */
	const char **argv;
	const char *output;		/* NULL: the default */
	struct event_choice choice;	/* -e; no events: not given */
	struct record_filter filter;
	const char **command;		/* after "--", or NULL */
	u32 nr_pids;
	pid_t pids[MAX_PIDS];
	u32 nr_names;
	const char *names[MAX_PIDS];	/* of --vm, which become pids */
	u64 vcpus[KVMW_VCPU_ID_WORDS];	/* bitmap of --vcpu */
	u64 ring_bytes;
	u64 duration_ns;		/* 0: no limit */
	struct guest_symbol_files symbols;
	struct keep_options keep;
	bool all, vcpu_filter, as_user, quiet, verbose, no_addresses;
};

/* The processes of -p and --vm, each once. 0, or -1 after error(). */
int record_options__find_targets(struct record_options *o);

#endif
