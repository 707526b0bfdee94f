/* SPDX-License-Identifier: GPL-2.0 */
/* record --keep: what makes a snapshot of the window, when, and under which name. */
#ifndef KVMW_BUILTIN_RECORD_KEEP_H
#define KVMW_BUILTIN_RECORD_KEEP_H

#include <argp.h>
#include <limits.h>
#include <poll.h>

#include "builtin-record-control.h"
#include "builtin-record-files.h"
#include "util/keep/window.h"

#define KEEP_DEFAULT_BYTES	(256ULL << 20)
#define KEEP_MIN_BYTES		(16ULL << 20)
#define KEEP_MAX_BYTES		(64ULL << 30)
#define KEEP_DEFAULT_COOLDOWN	(10 * NSEC_PER_SEC)
#define KEEP_MIN_NS		NSEC_PER_SEC
#define CLEAR_STATUS_LINE	"\r\033[K"	/* before anything else is said */
#define KEEP_SUFFIX		".20261128-120304.567"	/* of -o FILE */

/* What the command line says of it; time_ns 0: nothing is kept, all is written. */
struct keep_options {
	u64 time_ns, bytes;
	u64 after_ns, cooldown_ns;
	u32 max_snapshots;	/* 0: no limit */
	struct keep_triggers triggers;	/* used by the recorder; nr 0: none */
	const char *exec;	/* NULL: none */
	const char *of_snapshots;	/* an option that needs TIME; NULL: there is none */
	bool has_cooldown;	/* it was given */
};

/* File descriptors that wait for something: for poll(). */
enum keep_fd {
	KEEP_FD_SIGNAL,
	KEEP_FD_WRITTEN,
	KEEP_FD_MOMENT,
	KEEP_FD_AFTER,
	KEEP_FD_HIT,
	KEEP_FD_WATCH,
	KEEP_FD_CONTROL,
	NR_KEEP_FDS
};

struct record_keep {
	struct keep_options *opt;
	struct record_uses uses;
	struct record_files files;
	struct record_control control;
	struct keep_window window;
	int fd[NR_KEEP_FDS];	/* -1: none */
	/* The one that is being made, or that waits for --after. */
	struct keep_snapshot snapshot;
	char path[PATH_MAX];
	char name[128];		/* of the VM, when it was seen last */
	pid_t named;		/* its process; 0: none */
	char why[KEEP_WHY_MAX];
	u64 trigger_ns;
	bool waiting, writing;
	bool again;		/* another one is asked for meanwhile */
	u32 number;		/* of the one that is or was made last, from 1 */
	u32 nr, nr_failed, nr_ignored;
	u64 last_ns;		/* trigger of the last one; 0: none */
	u32 vcpu;		/* that it is about, an id; all ones: none */
	char vm[KEEP_VM_MAX];	/* name of the VM that it is about, if the trigger knows it; or "" */
	u64 lost;		/* records, that a trigger knows of */
	u64 stuck_ns[KVMW_MAX_VCPUS];	/* since when, of the last trigger of a state */
};

/* Input: a struct keep_options. */
extern const struct argp record_keep_argp;
/*
 * What options mean together; output: of -o, or NULL; events: those that may be recorded, a bitmap;
 * thins: of --cpu-limit.  0, or EINVAL after error().
 */
error_t record_keep__check_options(const struct keep_options *o, const char *output, u32 events,
				   bool thins);
/* output: of -o, or NULL. Before there are threads and privileges are dropped. 0; -1: error(). */
int record_keep__open(struct record_keep *k, struct keep_options *opt, const char *output);
/* For these events, a bitmap.  0, or -1 after error(). */
int record_keep__bind(struct record_keep *k, u32 events);
/* Once the recording has begun.  0, or -1 after error(). */
int record_keep__start(struct record_keep *k, const struct record_uses *uses, u64 start_ns);
/* Says how to ask for a snapshot. */
void record_keep__say(const struct record_keep *k);
void record_keep__fds(const struct record_keep *k, struct pollfd *fds);
/* After poll(). 0, or -1: out of memory, or the drain is gone. */
int record_keep__handle(struct record_keep *k, const struct pollfd *fds);
/*
 * A snapshot that is being made is completed; one that waits for --after is made now.  gone: the
 * recording ends because its VMs did.
 */
void record_keep__finish(struct record_keep *k, bool gone);
/* Whether vCPUs were recorded and none of their processes is left. */
bool record_keep__vms_gone(const struct record_keep *k);
void record_keep__close(struct record_keep *k);

#endif
