// SPDX-License-Identifier: GPL-2.0
/*
 * Several digits at a time: to divide takes longer than all else.  Digits are written in place:
 * copying bytes just written in pairs would take as long again.
 */
#include <string.h>

#include "util/render/digits.h"

/* The first character of a word is its low byte. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words of digits");

static const char pairs[] =
	"0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849"
	"5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";

static inline const char *digits__two(u64 value)
{
	return &pairs[2 * value];
}

static inline u64 digit_pair(u64 value)
{
	u16 two;

	memcpy(&two, digits__two(value), sizeof(two));
	return two;
}

static inline char *put_word(char *to, u64 word)
{
	memcpy(to, &word, sizeof(word));
	return to + sizeof(word);
}

static inline u64 four_digits(u64 value)
{
	return digit_pair(value / 100) | digit_pair(value % 100) << 16;
}

u32 digits__number(u64 value)
{
	static const u64 powers[] = {
		1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000,
		10000000000, 100000000000, 1000000000000, 10000000000000, 100000000000000,
		1000000000000000,
		10000000000000000, 100000000000000000, 1000000000000000000, 10000000000000000000U,
	};
	u32 nr = (64 - __builtin_clzll(value | 1)) * 1233 >> 12;	/* 1233 / 4096: log10(2) */

	return nr + ((value | 1) >= powers[nr]);
}

char *digits__dec(char *to, u64 value)
{
	u32 nr = digits__number(value);
	char *end = to + nr;

	for (char *p = end; value >= 10; value /= 100) {
		p -= 2;
		memcpy(p, digits__two(value % 100), 2);
	}
	/* A leading digit, or the 0 of 0. */
	if (nr & 1)
		*to = '0' + value;
	return end;
}

char *digits__three(char *to, u32 value)
{
	*to = '0' + value / 100;
	memcpy(to + 1, digits__two(value % 100), 2);
	return to + 3;
}

char *digits__nine(char *to, u32 value)
{
	u32 first = value / 10000;

	*to++ = '0' + first / 10000;
	return put_word(to, four_digits(first % 10000) | four_digits(value % 10000) << 32);
}

/* Each nibble becomes a byte, the highest one the first, and each byte a character. */
static inline u64 eight_hex(u32 value)
{
	u64 x = value >> 16 | (u64)(value & 0xffff) << 32, letters;

	x = (x >> 8 & 0x000000ff000000ff) | (x & 0x000000ff000000ff) << 16;
	x = (x >> 4 & 0x000f000f000f000f) | (x & 0x000f000f000f000f) << 8;
	letters = (x + 0x0606060606060606) >> 4 & 0x0101010101010101;
	return x + 0x3030303030303030 + letters * ('a' - '9' - 1);
}

char *digits__hex(char *to, u64 value)
{
	u32 nr = (67 - __builtin_clzll(value | 1)) / 4;

	value <<= 64 - 4 * nr;
	*to++ = '0';
	*to++ = 'x';
	put_word(put_word(to, eight_hex(value >> 32)), eight_hex(value));
	return to + nr;
}

static char *digits__seconds(char *to, u64 ns)
{
	u64 whole = ns / NSEC_PER_SEC;

	to = digits__dec(to, whole);
	if (whole < 1000) {
		*to++ = '.';
		digits__three(to, ns % NSEC_PER_SEC / 1000000);
		to += whole < 10 ? 3 : whole < 100 ? 2 : 1;
	}
	*to++ = 's';
	return to;
}

/* Of 4 to 9 digits: how four of them become text, without a branch, which would be mispredicted. */
struct four_of {
	u64 inverse;	/* of 10^n, 2^47 times and more: exact for 4 + n digits */
	u32 bits;	/* of the text before the point */
	u64 unit;	/* where it belongs */
};

char *digits__ns(char *to, u64 ns)
{
#define FOUR_OF(power, before, prefix)	{ BIT(47) / (power) + 1, 8 * (before), \
					  (u64)(prefix) << 40 | (u64)'s' << 48 }
	static const struct four_of by_number[] = {
		FOUR_OF(1, 1, 'u'), FOUR_OF(10, 2, 'u'), FOUR_OF(100, 3, 'u'),
		FOUR_OF(1000, 1, 'm'), FOUR_OF(10000, 2, 'm'), FOUR_OF(100000, 3, 'm'),
	};
	const struct four_of *of;
	u64 digits, before;

	if (ns < 1000) {
		to = digits__dec(to, ns);
		*to++ = 'n';
		*to++ = 's';
		return to;
	}
	if (ns >= NSEC_PER_SEC)
		return digits__seconds(to, ns);
	of = &by_number[digits__number(ns) - 4];
	digits = four_digits(ns * of->inverse >> 47);
	before = digits & (BIT(of->bits) - 1);
	put_word(to, before | (u64)'.' << of->bits | (digits ^ before) << 8 | of->unit);
	return to + 7;
}
