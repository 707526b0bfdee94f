// SPDX-License-Identifier: GPL-2.0
/*
 * The rest of a duration after its whole ticks: mostly 0 or 1 ns, and the more likely
 * 1 the closer the ticks come to the next whole ns.  So rows are classified by that
 * fraction.  Each row has a code of two bits, and four codes make a byte, because
 * zstd's Huffman codes cannot spend less than one bit on a symbol.
 */
#include "util/data/format.h"

enum { REST_ZERO, REST_ONE, REST_MINUS_ONE, REST_ESCAPED };

static inline u32 rest_class(u64 ticks, u64 tick)
{
	return (u32)(ticks * tick) >> (32 - REST_CLASS_BITS);
}

u32 rests__classes(const u64 *ticks, u32 nr, u64 tick, u32 *start)
{
	u32 sum = 0;

	memset(start, 0, (REST_CLASSES + 1) * sizeof(*start));
	for (u32 i = 0; i < nr; i++)
		if (ticks[i] != KVMW_NONE)
			start[rest_class(ticks[i], tick)]++;
	for (u32 c = 0; c <= REST_CLASSES; c++) {
		u32 rows = start[c];

		start[c] = sum;
		sum += rows;
	}
	return sum;
}

size_t rests__put(u8 *to, const u64 *ticks, const s8 *rest, u32 nr, u64 tick)
{
	u32 next[REST_CLASSES + 1], rows = rests__classes(ticks, nr, tick, next);
	u8 *escape = to + (rows + 3) / 4;

	memset(to, 0, (rows + 3) / 4);
	for (u32 i = 0; i < nr; i++) {
		u32 at, code;

		if (ticks[i] == KVMW_NONE)
			continue;
		code = rest[i] == 0 ? REST_ZERO : rest[i] == 1 ? REST_ONE :
		       rest[i] == -1 ? REST_MINUS_ONE : REST_ESCAPED;
		at = next[rest_class(ticks[i], tick)]++;
		to[at / 4] |= code << at % 4 * 2;
		if (code == REST_ESCAPED)
			*escape++ = rest[i];
	}
	return escape - to;
}

const char *rests__add(u64 *values, u32 nr, u64 tick, const u8 *p, const u8 *end)
{
	u32 next[REST_CLASSES + 1], rows = rests__classes(values, nr, tick, next);
	static const s8 rests[] = { 0, 1, -1 };
	const u8 *escape;

	if ((size_t)(end - p) < (rows + 3) / 4)
		return "remainders are cut short";
	escape = p + (rows + 3) / 4;
	for (u32 i = 0; i < nr; i++) {
		u32 at, code;
		s8 rest;

		if (values[i] == KVMW_NONE)
			continue;
		at = next[rest_class(values[i], tick)]++;
		code = p[at / 4] >> at % 4 * 2 & 3;
		if (code == REST_ESCAPED) {
			if (escape == end)
				return "remainders are cut short";
			rest = *escape++;
		} else {
			rest = rests[code];
		}
		values[i] = quantum_ns(values[i], tick) + rest;
	}
	return NULL;
}
