// SPDX-License-Identifier: GPL-2.0
/* Decodes DICT columns, see lay_dict(). Nothing that is read here is trusted. */
#include "util/data/decode.h"

_Static_assert(DICT_CODES == 0x100 && DICT_MAX >= DICT_CODES,
	       "an index of one byte is within a dictionary");

void get_planes(u64 *out, const u8 *p, u32 nr, u32 planes, u64 base)
{
	if (!planes) {
		for (u32 i = 0; i < nr; i++)
			out[i] = base;
		return;
	}
	for (u32 i = 0; i < nr; i++)
		out[i] = p[i];
	for (u32 k = 1; k < planes; k++) {
		p += nr;
		for (u32 i = 0; i < nr; i++)
			out[i] |= (u64)p[i] << (8 * k);
	}
	for (u32 i = 0; base && i < nr; i++)
		out[i] += base;
}

/* Counts rows by code; in four parts: one code often follows itself, and the CPU would wait. */
static void count_codes(u32 *count, const u8 *code, u32 nr)
{
	u32 part[4][256] = { 0 }, i;

	for (i = 0; nr - i >= 4; i += 4)
		for (u32 k = 0; k < 4; k++)
			part[k][code[i + k]]++;
	for (; i < nr; i++)
		part[0][code[i]]++;
	for (i = 0; i < 256; i++)
		count[i] = part[0][i] + part[1][i] + part[2][i] + part[3][i];
}

/* Where the rows of each code begin once they are in order. */
static void begin_codes(u32 *next, const u8 *code, u32 nr)
{
	u32 count[256], sum = 0;

	count_codes(count, code, nr);
	/* In the order in which they appear; most do so soon. */
	for (u32 i = 0; sum < nr; i++) {
		u32 rows = count[code[i]];

		if (!rows)
			continue;
		next[code[i]] = sum;
		sum += rows;
		count[code[i]] = 0;
	}
}

void order_by_codes(u32 *order, const u8 *code, u32 nr)
{
	u32 next[256];

	begin_codes(next, code, nr);
	for (u32 i = 0; i < nr; i++)
		order[i] = next[code[i]]++;
}

/* The greatest of an index of one byte; sixteen at a time. */
static u32 most_of(const u8 *plane, u32 nr)
{
	typedef u8 sixteen __attribute__((vector_size(16), aligned(1), may_alias));
	sixteen most = { 0 };
	u32 i = 0, greatest = 0;

	for (; nr - i >= 16; i += 16) {
		sixteen v = *(const sixteen *)&plane[i], more = (sixteen)(v > most);

		most = (v & more) | (most & ~more);
	}
	for (u32 k = 0; k < 16; k++)
		greatest = most[k] > greatest ? most[k] : greatest;
	for (; i < nr; i++)
		greatest = plane[i] > greatest ? plane[i] : greatest;
	return greatest;
}

/* Values too, if out is not NULL: in the same loop, which is what most time goes into. */
static inline __attribute__((always_inline)) void get_codes(struct codes *codes, const u8 *plane,
							    const struct dict_order *order, u32 nr,
							    u64 *out, const bool values)
{
	const u8 *by = order->by ? order->by->of_row : NULL;
	u8 *code = codes->of_row;
	u32 next[256];

	if (by)
		begin_codes(next, by, nr);
	if (!by && !order->at) {
		memcpy(code, plane, nr);
		for (u32 i = 0; values && i < nr; i++)
			out[i] = codes->value[plane[i]];
	} else if (by) {
		for (u32 i = 0; i < nr; i++) {
			code[i] = plane[next[by[i]]++];
			if (values)
				out[i] = codes->value[code[i]];
		}
	} else {
		for (u32 i = 0; i < nr; i++) {
			code[i] = plane[order->at[i]];
			if (values)
				out[i] = codes->value[code[i]];
		}
	}
}

void dict__values(const struct codes *codes, u32 nr, u64 *out)
{
	for (u32 i = 0; i < nr; i++)
		out[i] = codes->value[codes->of_row[i]];
}

static bool look_up(const u64 *value, u32 n, const u8 *plane, u32 planes,
		    const struct dict_order *order, u32 nr, u64 *out)
{
	u32 next[256], most = 0;

	if (order->by)
		begin_codes(next, order->by->of_row, nr);
	for (u32 i = 0; i < nr; i++) {
		u32 at = order->at ? order->at[i] : order->by ? next[order->by->of_row[i]]++ : i;

		out[i] = !planes ? 0 : planes == 1 ? plane[at] : plane[at] | plane[nr + at] << 8;
		most = out[i] > most ? out[i] : most;
	}
	for (u32 i = 0; most < n && i < nr; i++)
		out[i] = value[out[i]];
	return most < n;
}

static bool ascend(const u64 *value, u32 n)
{
	for (u32 i = 1; i < n; i++)
		if (value[i] <= value[i - 1])
			return false;
	return true;
}

const char *dict__decode(const u8 *raw, size_t size, u64 base, const struct dict_order *order,
			 u32 nr, u64 *out, struct codes *codes)
{
	const u8 *plane;
	u64 value[DICT_MAX];
	u32 n, planes, index;

	if (size < DICT_HDR_SIZE)
		return "a dictionary is cut short";
	n = get32(raw);
	planes = raw[4];
	index = raw[5];
	if (!n || n > DICT_MAX || planes > sizeof(u64) || index > 2 ||
	    size != DICT_HDR_SIZE + n * planes + nr * index)
		return "a dictionary has a wrong size";
	get_planes(value, raw + DICT_HDR_SIZE, n, planes, base);
	plane = raw + DICT_HDR_SIZE + (size_t)n * planes;
	/* If two codes may mean the same, they do not distinguish values. */
	if (codes)
		codes->nr = index == 1 && n <= DICT_CODES && ascend(value, n) ? n : 0;
	if (!codes || !codes->nr)
		return !out || look_up(value, n, plane, index, order, nr, out) ? NULL :
		       "an index points past its dictionary";
	if (most_of(plane, nr) >= n)
		return "an index points past its dictionary";
	memcpy(codes->value, value, n * sizeof(*value));
	if (out)
		get_codes(codes, plane, order, nr, out, true);
	else
		get_codes(codes, plane, order, nr, NULL, false);
	return NULL;
}
