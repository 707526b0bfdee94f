/* SPDX-License-Identifier: GPL-2.0 */
/* The options of kvmw stat, and its counters. */
#ifndef KVMW_BUILTIN_STAT_H
#define KVMW_BUILTIN_STAT_H

#include "builtin-common.h"
#include "builtin-record.h"
#include "util/analysis/counts.h"
#include "util/capture/holders.h"
#include "util/capture/ident.h"
#include "util/capture/session.h"
#include "util/capture/taken.h"

enum stat_per { PER_REASON, PER_VCPU, PER_VM };

struct live;

/* Who looks at intervals instead of printing them. Functions return 0, 1 (enough), -1: error(). */
struct stat_viewer {
	void *arg;
	int fd;				/* readable when there is input; -1: there is none */
	int (*begin)(void *arg);	/* when counting has begun */
	/*
	 * The interval from from_ns on is counted, of exits or returns to the VMM; start_ns: when
	 * counting began.
	 */
	int (*interval)(void *arg, struct live *live, u32 event, u64 start_ns, u64 from_ns);
	bool (*waits)(void *arg);	/* whether intervals go on, though their time is over */
	int (*input)(void *arg);	/* also after a signal */
};

/* Input of stat_argp. */
struct stat_options {
	struct record_options record;
	u64 interval_ns;		/* 0: only one account, at the end */
	enum stat_per per;
	enum output_format format;
	const char *openmetrics;	/* where to; NULL: not asked for */
	const struct stat_viewer *viewer;	/* or NULL */
};

/* Counts; returns the exit status. */
int stat__run(const struct stat_options *opt);

/* What the programs count, as a recording without events. */
struct live {			/* all zero but for session in the beginning */
	struct session *session;
	struct sink *sink;		/* to rec */
	struct recording *rec;
	struct counts counts;
	struct ident *ident;
	struct holders *holders;
	struct taken taken;
	u64 time_ns;			/* of counts */
	bool forgets;			/* vCPUs that ended are not of interest for long */
	u32 nr_ended;			/* that are still in rec and counts */
	char *meta;			/* the last META frame; or NULL */
};

/* command: the process that kvmw stat runs, or 0.  0, or -1 (error() said why). */
int live__init(struct live *live, pid_t command);
void live__free(struct live *live);
/* Counts up to now.  0 or -1. */
int live__count(struct live *live, u64 now);
/* Then: makes room for new vCPUs in place of those that ended.  0 or -1. */
int live__free_ended(struct live *live);

/*
 * Reports of what was counted from a time on, which is the last interval's end or the start: one
 * for each of nr options, up to two. They refer to part and opt. 0 or -1; live__end_report() in
 * both cases.
 */
struct live_report {
	struct recording part;
	struct agg_table aggs[2];
	struct report rep[2];
};
int live__report(struct live *live, u64 from_ns, enum counts_span span,
		 const struct report_options *opt, u32 nr, struct live_report *r);
void live__end_report(struct live_report *r);

/* --openmetrics: where is an address or a file.  0, or EINVAL: it is neither (error() said so). */
int stat_export__check(const char *where);

/*
 * The counters of an event, of each vCPU or of each VM, for Prometheus. The functions return NULL
 * or -1 after error().
 */
struct stat_export;
struct stat_export *stat_export__new(struct live *live, const char *where, u32 event, bool vcpus);
void stat_export__free(struct stat_export *e);
bool stat_export__is_file(const struct stat_export *e);
/* When counting has begun; writes the file, whose folder privileges may be needed for. */
int stat_export__start(struct stat_export *e, u64 start_ns);
/* By HTTP: readable when stat_export__run() has something to do, which it looks for each second. */
int stat_export__fd(const struct stat_export *e);
void stat_export__run(struct stat_export *e);
/* Into the file, what was counted last. */
int stat_export__write(struct stat_export *e);
/* Likewise; a file that cannot be written is a warning, once until it can be. */
int stat_export__write_again(struct stat_export *e);

#endif
