/* SPDX-License-Identifier: GPL-2.0 */
/* Numbers as people read them. */
#ifndef KVMW_UNITS_H
#define KVMW_UNITS_H

#include "util/types.h"
#include "util/events.h"

#define UNITS_MAX 32	/* bytes that hold every result, NUL included */

enum units {
	UNITS_2,	/* two digits or more: "1.2us" "12us" "123ns" */
	UNITS_3,	/* three: "1.23us" "12.3us" "123us" */
	UNITS_FULL,	/* four: "1.234us" "12.34us" "123ns" */
};

/* A duration; "-" where it was not captured (KVMW_NONE). buf is returned. */
const char *units__ns(u64 ns, enum units style, char *buf);
/* One unit for all durations of a column, so that they compare by eye. */
struct unit_scale {
	const char *name;	/* "us", "ms" or "s" */
	double ns;		/* of one */
	int places;		/* after the point */
};

/* Of durations from least to greatest; none at all: least is KVMW_NONE. */
struct unit_scale units__common(u64 least, u64 greatest);
/* Of sums up to greatest, such as a share of the recording. */
struct unit_scale units__of_sums(u64 greatest);
/* "12.3", without the unit; "-": not captured; "<0.01": too little for that. buf is returned. */
const char *units__scaled(u64 ns, const struct unit_scale *scale, char *buf);
/* "12.3", "100"; UNITS_FULL: "12.34". */
const char *units__percent(double percent, enum units style, char *buf);
/* "1,234,567" */
const char *units__count(u64 count, char *buf);
/* part of whole as "12.3%"; "-" for nothing captured or a whole of 0. */
const char *units__share(u64 part, u64 whole, char *buf);
/* A memory slot, address space << 16 | id: "5", "1/5" in address space 1; "-": unknown. */
const char *units__slot(u64 slot, char *buf);
/* "4.00 KiB" */
const char *units__bytes(double bytes, char *buf);

#endif
