/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A part of a recording, which is a recording itself. The recording is read twice: its description
 * of itself has to be known before the first row is looked at.
 *
 * Times stay as they were, and META says which part it is: reports of it are those of the whole
 * with --time. Totals, which those do not use, become those of the part: the sums of its rows, and
 * what was counted and has no record between the first and last reading of them in it.
 */
#ifndef KVMW_PART_CUT_H
#define KVMW_PART_CUT_H

#include "util/keep/account.h"
#include "util/keep/deltas.h"
#include "util/keep/sums.h"
#include "util/part/out.h"
#include "util/recording/recording.h"

/* Of a part in time. */
struct cut_sums {
	struct account account;
	struct deltas deltas;
	struct keep_sums sums;
	struct kvmw_cost before, last;	/* readings: the last one before it, and in it */
	bool has_cost;
	/* something has no record: those outside have to be looked at, too */
	bool all_rows;
	u64 now_ns;		/* latest time of rows so far */
	u8 *inside;		/* which rows of a frame are in it */
};

struct cut {
	/* Set by the caller. */
	struct part_out out;
	const struct recording *rec;	/* all of it was read, with the window of the part */
	const struct number_list *vcpus, *vms;	/* empty: all */
	u32 events;			/* that are kept, a bitmap */
	/* the recording does: of the part, nobody knows how many, so it has no totals */
	bool lacks_rows;
	const char *by;			/* how it is cut, as options */
	struct budget budget;		/* for what is below */

	struct cut_sums sums;
};

/* Before the reader is at the first frame again.  0, or -1 after error(), as below. */
int cut__begin(struct cut *c);
int cut__take(struct cut *c, const struct data_reader *r, const struct data_frame *f);
/* finished: the recorder did.  missing_rows: that the recording or the part lacks. */
int cut__end(struct cut *c, bool finished, u64 missing_rows);
void cut__free(struct cut *c);

/* ---- within util/part -------------------------------------------------------- */

bool cut__has_vm(const struct cut *c, const struct rec_vm *vm);
bool cut__has_vcpu(const struct cut *c, u32 id);
/* The same of rows of an event. */
bool cut__has_rows_of(const struct cut *c, u32 event, u32 id);
/* What began before the recording did is in the part that has its beginning, and in no other. */
bool cut__has_time(const struct cut *c, u64 time_ns);
/* Whether it is of some VMs or vCPUs only. */
bool cut__selects(const struct cut *c);

/* cut_json.c */
int cut__put_meta(struct cut *c, u64 missing_rows, bool first);
/* META and IDENT; c is a struct cut. */
int cut__text(void *c, const struct data_frame *f, const char *text);

/* cut_sums.c: of a part in time. */
int cut_sums__begin(struct cut *c);
void cut_sums__free(struct cut_sums *s);
/* EVENTS, before what is kept of them is put. 0; 1: damaged; -1 */
int cut_sums__rows(struct cut *c, const struct data_reader *r, const struct data_frame *f,
		   const struct event_desc *event);
/* Rows of a table whose last ones count; all columns are decoded. */
int cut_sums__table(struct cut *c, const struct event_desc *event, u32 rows);
int cut_sums__put(struct cut *c);
/*
 * What the recorder did not know in all of rec is also unknown in this total, which is of a part,
 * or of more.
 */
void part_total__without_unknown(const struct recording *rec, struct kvmw_total *row);
/* Rows of all sums; total() changes those of totals before. */
int part_out__sums(struct part_out *o, const struct keep_sums *sums,
		   void (*total)(const void *ctx, struct kvmw_total *row), const void *ctx);

#endif
