// SPDX-License-Identifier: GPL-2.0
/* Decodes DICT columns, see lay_dict(). Nothing that is read here is trusted. */
#include "util/data/format.h"

_Static_assert(DICT_MAX > 0xff, "an index of one byte is within a dictionary");

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

/* Counts rows by code; in four parts, since one code often follows itself, and the CPU waits for its count. */
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

void order_by_codes(u32 *order, const u8 *code, u32 nr)
{
	u32 count[256], next[256], sum = 0;

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

/* Nearly always there is one plane; value[] has more room than a byte can tell. */
static void look_up_bytes(const u64 *value, const u8 *plane, const u32 *order, u32 nr, u64 *out, u8 *code)
{
	if (!order) {
		for (u32 i = 0; i < nr; i++)
			out[i] = value[plane[i]];
		if (code)
			memcpy(code, plane, nr);
		return;
	}
	if (!code) {
		for (u32 i = 0; i < nr; i++)
			out[i] = value[plane[order[i]]];
		return;
	}
	for (u32 i = 0; i < nr; i++) {
		code[i] = plane[order[i]];
		out[i] = value[code[i]];
	}
}

static bool look_up_words(const u64 *value, u32 n, const u8 *plane, u32 planes, const u32 *order, u32 nr, u64 *out)
{
	u32 most = 0;

	for (u32 i = 0; i < nr; i++) {
		u32 at = order ? order[i] : i;

		out[i] = planes ? plane[at] | plane[nr + at] << 8 : 0;
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

const char *dict__decode(const u8 *raw, size_t size, u64 base, const u32 *order, u32 nr, u64 *out, u8 **code)
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
	/* Where two codes may mean the same, they do not tell values apart. */
	if (index != 1 || !ascend(value, n))
		*code = NULL;
	if (index == 1 && most_of(plane, nr) < n)
		look_up_bytes(value, plane, order, nr, out, *code);
	else if (index == 1 || !look_up_words(value, n, plane, index, order, nr, out))
		return "an index points past its dictionary";
	return NULL;
}
