/* SPDX-License-Identifier: GPL-2.0 */
/* How exactly durations are kept in a recording: record --resolution. */
#ifndef KVMW_RESOLUTION_H
#define KVMW_RESOLUTION_H

#include "util/types.h"

#define RESOLUTION_STEPS	16u	/* per power of two: the only number supported */
#define RESOLUTION_MAX_NS	1000000000ULL
#define RESOLUTION_TEXT		24u	/* bytes */

/* All zeros: exactly. */
struct resolution {
	u64 ns;			/* to a multiple of it; or 0 */
	/* to that part of the value, and to RESOLUTION_LONG_NS at least; or 0 */
	u32 steps;
};

/* From 16 times as much on, a part of the value would be coarser. */
#define RESOLUTION_LONG_NS	1024u

static inline bool resolution__is_exact(const struct resolution *r)
{
	return !r->ns && !r->steps;
}

/* "1/16", or a time: "100ns". 0, or -1: it is neither. */
int resolution__parse(struct resolution *r, const char *text);
/* The same of --resolution; -1: error() says what it takes. */
int resolution__option(struct resolution *r, const char *text);
/* The text for it; "" if it is exact. Returns buf, of RESOLUTION_TEXT. */
const char *resolution__text(const struct resolution *r, char *buf);

#endif
