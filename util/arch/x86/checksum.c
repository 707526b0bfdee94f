// SPDX-License-Identifier: GPL-2.0
/*
 * CRC-32 with carry-less multiplication: a block of 16 bytes that lies n bits before another one
 * counts as much as the block times x^n modulo the polynomial at the other one's place. So blocks
 * are added to those behind them until one remains, with the same checksum as all. The bits of a
 * byte are mirrored, hence the constants: of x^(n + 32) for a block's lower half, of x^(n - 32) for
 * its upper one, each mirrored and shifted by one. See Gopal et al., "Fast CRC Computation for
 * Generic Polynomials Using PCLMULQDQ Instruction", Intel 2009.
 */
#include <immintrin.h>
#include <zlib.h>

#include "util/arch/checksum.h"

#define BLOCK	sizeof(__m128i)
#define AHEAD	4		/* blocks at once, since a multiplication takes some cycles */

/* By 4 blocks, 512 bits, and by one, 128. */
#define FOLD_4	_mm_set_epi64x(0x1c6e41596, 0x154442bd4)
#define FOLD_1	_mm_set_epi64x(0x0ccaa009e, 0x1751997d0)

static inline __m128i load_block(const u8 *p)
{
	return _mm_loadu_si128((const __m128i *)p);
}

__attribute__((target("pclmul")))
static inline __m128i fold(__m128i block, __m128i by, __m128i onto)
{
	return _mm_xor_si128(onto, _mm_xor_si128(_mm_clmulepi64_si128(block, by, 0x00),
						 _mm_clmulepi64_si128(block, by, 0x11)));
}

/* len: a multiple of BLOCK, at least AHEAD of them. */
__attribute__((target("pclmul")))
static __m128i fold_all(const u8 *p, size_t len)
{
	__m128i block[AHEAD];

	for (u32 i = 0; i < AHEAD; i++)
		block[i] = load_block(p + i * BLOCK);
	/* A checksum begins with all ones. */
	block[0] = _mm_xor_si128(block[0], _mm_cvtsi32_si128(-1));
	for (p += sizeof(block), len -= sizeof(block); len >= sizeof(block);
	     p += sizeof(block), len -= sizeof(block))
		for (u32 i = 0; i < AHEAD; i++)
			block[i] = fold(block[i], FOLD_4, load_block(p + i * BLOCK));
	for (u32 i = 1; i < AHEAD; i++)
		block[i] = fold(block[i - 1], FOLD_1, block[i]);
	for (; len; p += BLOCK, len -= BLOCK)
		block[AHEAD - 1] = fold(block[AHEAD - 1], FOLD_1, load_block(p));
	return block[AHEAD - 1];
}

u32 checksum__crc32(const u8 *p, size_t len)
{
	size_t whole = len - len % BLOCK;
	u8 rest[BLOCK];

	if (len < AHEAD * BLOCK || !__builtin_cpu_supports("pclmul"))
		return crc32(0, p, len);
	_mm_storeu_si128((__m128i *)rest, fold_all(p, whole));
	/* zlib's begins where it ended: here with all ones turned over, which are in the block. */
	return crc32(crc32(UINT32_MAX, rest, sizeof(rest)), p + whole, len - whole);
}
