/* SPDX-License-Identifier: GPL-2.0 */
/* Decodes two frames at once, as far as this is faster than one after the other. */
#ifndef KVMW_DATA_PAIR_H
#define KVMW_DATA_PAIR_H

#include "util/data/data.h"

struct pair_frame {
	struct data_decoder *dec;
	const struct data_frame *f;
	int field;		/* the column */
};

/*
 * Decodes a column of two frames whose rows depend on previous rows, if both are so. Then the first
 * call of data_decoder__columns() for each frame finds it decoded; it also does what was not done,
 * or reports what is wrong.
 */
void data_decoder__pair(const struct pair_frame *a, const struct pair_frame *b);

#endif
