/* SPDX-License-Identifier: GPL-2.0 */
/* What script.c and script_view.c share; for them alone. */
#ifndef KVMW_SCRIPT_INTERNAL_H
#define KVMW_SCRIPT_INTERNAL_H

#include "util/analysis/outliers.h"
#include "util/analysis/script.h"
#include "util/hash_table.h"
#include "util/recording/row_filter.h"

#define SCRIPT_BLOCK	64		/* rows at a time */
#define SCRIPT_REASONS	64		/* whose selection is remembered, by hash */
#define SCRIPT_WHOS	64		/* vCPUs and threads that are remembered, by id */

/* The latest cycle of a vCPU, as long as it has no end and no other one follows. */
struct script_unended {
	struct { u32 event, vcpu; } key;
	struct slice *row;	/* from slice__copy(); NULL: there is none */
	u64 order;
};

struct script {
	struct script_model model;
	const struct script_options *opt;
	const struct script_output *output;
	struct script_result *result;
	struct script_known_who {
		struct script_who who;
		bool known, wanted;
		u64 as_of;		/* IDENT frames then */
	} known_who[SCRIPT_WHOS];
	struct tracepoints *tps;
	struct { u64 key; bool known, wanted; } reason[SCRIPT_REASONS];
	struct outliers outliers;
	u64 offered;			/* rows that might be one of them */
	struct hash_table unended;	/* of script_unended */
	u32 nr_unended;			/* of them that have a row */
	u64 asked[ROW_FILTER_COLUMNS][SCRIPT_BLOCK];	/* of opt->where */
	u64 whole;			/* items of -F that are the whole name of a field */
	bool resolved, begun;
	struct script_jobs *jobs;	/* NULL: rows are printed one after another */
};

/* script.c: prints the selected ones of rows [from, to) of a slice. 0; 1: enough; -1 */
int script__give(struct script *sc, const struct slice *s, u32 from, u32 to);

/*
 * script_jobs.c: the same by several threads, once sc->output has begun; what was added is written
 * in its order, all of it by finish(). All return 0; 1: enough; -1.
 */
struct script_jobs *script_jobs__new(struct script *sc);
int script_jobs__add(struct script_jobs *jobs, struct slice *s, u32 from, u32 to);
int script_jobs__finish(struct script_jobs *jobs);
void script_jobs__free(struct script_jobs *jobs);

/* script_names.c: fills in v->named, once the other fields are. */
void script_names__find_fields(struct event_view *v);

/* script_view.c: 0, or -1: no memory (said so), or result->usage. */
int script__resolve(struct script *sc, const struct data_reader *r);
/* NULL: out of memory (said so). */
struct event_view *script__view(struct script *sc, const struct data_event *event);

#endif
