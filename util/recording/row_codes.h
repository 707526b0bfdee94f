/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Several columns of a batch as one number for each row, made of their codes: rows with the same
 * number have the same value in each of these columns.
 */
#ifndef KVMW_ROW_CODES_H
#define KVMW_ROW_CODES_H

#include "util/recording/scan.h"

#define ROW_CODES_COLUMNS 12

struct row_codes {
	u32 all;		/* numbers that rows may have; 0: they have none */
	u32 nr;			/* columns that differ */
	const u8 *code[ROW_CODES_COLUMNS];
	u32 values[ROW_CODES_COLUMNS];
};

/*
 * Of the columns in a bitmap.  Rows have no numbers where one of these differs and has no codes, or
 * if there might be more than max of them.
 */
struct row_codes row_codes__of(const struct scan_batch *b, u64 columns, u32 max);

/* The number of row i; nr is codes->nr, as a constant where that saves time. */
static inline __attribute__((always_inline)) u32 row_codes__at(const struct row_codes *codes, u32 i,
							       const u32 nr)
{
	u32 number = nr ? codes->code[0][i] : 0;

	for (u32 c = 1; c < nr; c++)
		number = number * codes->values[c] + codes->code[c][i];
	return number;
}

/* Fills in what has codes so far: a row, or all of them. */
static inline void scan_batch__set_coded(const struct scan_batch *b, u32 i)
{
	for (u64 coded = b->coded; coded; coded &= coded - 1)
		scan_batch__set_row(b, __builtin_ctzll(coded), i);
}

void scan_batch__set_rows(const struct scan_batch *b);

#endif
