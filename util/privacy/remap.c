// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "util/arch/access.h"
#include "util/error.h"
#include "util/event_desc.h"
#include "util/memory.h"
#include "util/privacy/remap.h"

#define PAGE_SHIFT	12
#define PAGE_BITS	52		/* of the number of a page */
/* the same within half of a canonical address space, of 47 bits */
#define HALF_BITS 35
#define BLOCK_BITS	9		/* pages of 2 MiB */
#define ROUNDS		6		/* of a Feistel network; 4 would do for larger halves */
#define NR_CACHED	4096		/* a power of two */

#define LOW(bits)	((1ULL << (bits)) - 1)

struct remap {
	u64 key[2];
	/* key: the number of what moved, and its space, plus 1; 0: free */
	struct { u64 key, to; } cached[NR_CACHED];
};

/* What a result depends on, beside the key and the value. */
enum domain { DOMAIN_PAGE, DOMAIN_BLOCK, DOMAIN_ODD, DOMAIN_NAME };

static bool is_virtual(enum remap_space space)
{
	return space == REMAP_GUEST_VIRTUAL || space == REMAP_HOST_VIRTUAL;
}

static u64 rotated(u64 v, u32 bits)
{
	return v << bits | v >> (64 - bits);
}

static void mix(u64 v[4], u32 rounds)
{
	while (rounds--) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotated(v[1], 13) ^ v[0];
		v[3] = rotated(v[3], 16) ^ v[2];
		v[0] = rotated(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = rotated(v[1], 17) ^ v[2];
		v[3] = rotated(v[3], 21) ^ v[0];
		v[2] = rotated(v[2], 32);
	}
}

/* SipHash-1-3 of whole words (Aumasson and Bernstein, 2012): a made-up address takes a dozen. */
static u64 siphash(const u64 key[2], const u64 *word, u32 nr)
{
	u64 v[4] = {
		key[0] ^ 0x736f6d6570736575ULL, key[1] ^ 0x646f72616e646f6dULL,
		key[0] ^ 0x6c7967656e657261ULL, key[1] ^ 0x7465646279746573ULL,
	};

	for (u32 i = 0; i <= nr; i++) {
		u64 m = i < nr ? word[i] : (u64)nr * sizeof(*word) << 56;

		v[3] ^= m;
		mix(v, 1);
		v[0] ^= m;
	}
	v[2] ^= 0xff;
	mix(v, 3);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

struct remap *remap__new(void)
{
	struct remap *r = mem__calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	if (getrandom(r->key, sizeof(r->key), 0) == sizeof(r->key))
		return r;
	error("no random key: %s", strerror(errno));
	free(r);
	return NULL;
}

void remap__free(struct remap *r)
{
	if (r)
		explicit_bzero(r, sizeof(*r));
	free(r);
}

/* A permutation of the numbers below 2^bits, one for each domain, space and tweak. */
static u64 permuted(const struct remap *r, enum domain domain, u32 space, u64 tweak, u64 v,
		    u32 bits)
{
	u32 low_bits = bits / 2;
	u64 low = v & LOW(low_bits), high = v >> low_bits;

	for (u32 round = 0; round < ROUNDS; round++) {
		u64 word[] = { domain | space << 4 | round << 8 | (round & 1 ? high : low) << 12,
			       tweak };
		u64 change = siphash(r->key, word, ARRAY_SIZE(word));

		if (round & 1)
			low ^= change & LOW(low_bits);
		else
			high ^= change & LOW(bits - low_bits);
	}
	return high << low_bits | low;
}

static bool is_canonical(u64 block)
{
	u64 half = block >> (HALF_BITS - BLOCK_BITS);

	return !half || half == LOW(PAGE_BITS - HALF_BITS);
}

/* The last block has all ones, which is no address. */
static bool is_fixed(enum remap_space space, u64 block)
{
	return !block || block == LOW(PAGE_BITS - BLOCK_BITS) ||
	       (space == REMAP_GUEST_PHYSICAL &&
		gpa_is_of_platform(block << BLOCK_BITS << PAGE_SHIFT));
}

/* Within its half; or, if that is none of an address space, wherever. */
static u64 moved_once(const struct remap *r, enum remap_space space, u64 block, bool canonical)
{
	u32 bits = HALF_BITS - BLOCK_BITS;
	u64 half = block >> bits;

	return canonical ?
	       half << bits | permuted(r, DOMAIN_BLOCK, space, half, block & LOW(bits), bits) :
	       permuted(r, DOMAIN_ODD, space, 0, block, PAGE_BITS - BLOCK_BITS);
}

/* Whatever leads out of a set of blocks leads on until it is in there again: it is one to one. */
static u64 moved_block(const struct remap *r, enum remap_space space, u64 block)
{
	bool canonical = is_canonical(block);

	if (is_fixed(space, block))
		return block;
	do
		block = moved_once(r, space, block, canonical);
	while (is_fixed(space, block) || is_canonical(block) != canonical);
	return block;
}

/*
 * In memory, neighbours stay neighbours: hot ranges are made of them.  A virtual address would be
 * known by its place: a kernel's text begins at 2 MiB.
 */
static u64 moved(const struct remap *r, enum remap_space space, u64 page)
{
	u64 block = moved_block(r, space, page >> BLOCK_BITS), in_block = page & LOW(BLOCK_BITS);

	if (is_virtual(space) && !is_fixed(space, block))
		in_block = permuted(r, DOMAIN_PAGE, space, block, in_block, BLOCK_BITS);
	return block << BLOCK_BITS | in_block;
}

u64 remap__frame(struct remap *r, enum remap_space space, u64 frame)
{
	/* Of what moves as a whole. */
	u32 shift = is_virtual(space) ? 0 : BLOCK_BITS;
	u64 part = frame >> shift;
	typeof(*r->cached) *c = &r->cached[(part ^ part >> 12) & (NR_CACHED - 1)];
	u64 key = (part << 4 | space) + 1;

	/* All ones, or the number of no page. */
	if (frame > LOW(PAGE_BITS))
		return KVMW_NONE;
	if (c->key != key) {
		c->key = key;
		c->to = moved(r, space, part << shift);
	}
	return c->to | (frame & LOW(shift));
}

u64 remap__address(struct remap *r, enum remap_space space, u64 address)
{
	return remap__frame(r, space, address >> PAGE_SHIFT) << PAGE_SHIFT |
	       (address & LOW(PAGE_SHIFT));
}

const char *remap__name(const struct remap *r, const char *text, size_t len, char *buf)
{
	u64 h = len;

	buf[0] = '\0';
	if (!len)
		return buf;
	for (size_t at = 0; at < len; at += sizeof(u64)) {
		u64 word[] = { DOMAIN_NAME, h, 0 };

		memcpy(&word[2], text + at, len - at < sizeof(u64) ? len - at : sizeof(u64));
		h = siphash(r->key, word, ARRAY_SIZE(word));
	}
	snprintf(buf, REMAP_NAME, "name-%08x", (u32)h);
	return buf;
}
