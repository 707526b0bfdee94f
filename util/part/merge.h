/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One recording out of parts of one. Each is read twice, as for a cut: their descriptions have to
 * be known, and to fit together, before the first row is passed on. Frames are copied in
 * order of time.
 */
#ifndef KVMW_PART_MERGE_H
#define KVMW_PART_MERGE_H

#include "util/keep/sums.h"
#include "util/part/out.h"
#include "util/recording/recording.h"

struct merge_input {
	/* Set by the caller. */
	struct data_reader *reader;	/* at its first frame again */
	struct recording *rec;		/* all of it was read, with its losses */
	bool whole;			/* its recorder finished, and nothing is missing */
	u64 missing_rows;		/* because it is damaged itself */

	/* its time; 0 and all ones: from the beginning, to the end */
	u64 from_ns, to_ns;
	/* an earlier one is of the same time; and of the same vCPUs, but other events */
	bool beside, again;
	struct data_frame *next;	/* EVENTS, not yet passed on */
};

struct merge {
	struct part_out out;		/* its writer is set by the caller */
	struct merge_input *input;	/* in order of time, once prepared */
	u32 nr;
	struct budget budget;		/* set by the caller: for what follows */
	struct keep_sums sums;
	struct hash_table seen;		/* rows that several of them have */
	bool any_beside;
	bool of_series;		/* they are files of one, not only parts of one file */
};

/*
 * Puts them in order. 0, or -1: they are no parts of one recording, or what they have overlaps
 * (error() said so).
 */
int merge__prepare(struct merge *m);
/* 0, or -1 after error(). */
int merge__run(struct merge *m);
void merge__free(struct merge *m);	/* but for writer, readers and recordings */

/* ---- within util/part ----------------------------------------------------------- */

/* Whether both are of some time, a beginning no later. */
bool merge__overlap(const struct merge_input *a, const struct merge_input *b);

/* merge_tables.c */

/* Tables of the beginning (1), or of the end (2). */
int merge__put_tables(struct merge *m, u32 moment);
/* Totals and other sums, added up. */
int merge__put_sums(struct merge *m);
/* LOSS: what is lost across the end of a part is in the next one, too.  0; 1: damaged; -1 */
int merge__losses(struct merge *m, u32 nr, const struct data_frame *f);
/* EVENTS of memory slots, which are in all parts of their VM; as above. */
int merge__slots(struct merge *m, u32 nr, const struct data_frame *f);

#endif
