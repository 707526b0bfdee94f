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
#define HALF_BITS	35		/* the same within half of a canonical address space, of 47 bits */
#define BLOCK_BITS	9		/* pages of 2 MiB */
#define ROUNDS		8		/* of a Feistel network; 4 would do for larger halves */
#define NR_CACHED	4096		/* a power of two */

#define LOW(bits)	((1ULL << (bits)) - 1)

struct remap {
	u64 key[2];
	struct { u64 page, to; } cached[NR_CACHED];	/* page: with the space, plus 1; 0: free */
};

/* What a result depends on, beside the key and the value. */
enum domain { DOMAIN_PAGE, DOMAIN_BLOCK, DOMAIN_ODD, DOMAIN_NAME };

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

/* SipHash-2-4 of whole words (Aumasson and Bernstein, 2012). */
static u64 siphash(const u64 key[2], const u64 *word, u32 nr)
{
	u64 v[4] = {
		key[0] ^ 0x736f6d6570736575ULL, key[1] ^ 0x646f72616e646f6dULL,
		key[0] ^ 0x6c7967656e657261ULL, key[1] ^ 0x7465646279746573ULL,
	};

	for (u32 i = 0; i <= nr; i++) {
		u64 m = i < nr ? word[i] : (u64)nr * sizeof(*word) << 56;

		v[3] ^= m;
		mix(v, 2);
		v[0] ^= m;
	}
	v[2] ^= 0xff;
	mix(v, 4);
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
static u64 permuted(const struct remap *r, enum domain domain, u32 space, u64 tweak, u64 v, u32 bits)
{
	u32 low_bits = bits / 2;
	u64 low = v & LOW(low_bits), high = v >> low_bits;

	for (u32 round = 0; round < ROUNDS; round++) {
		u64 word[] = { domain | space << 8 | round << 16, tweak, round & 1 ? high : low };
		u64 change = siphash(r->key, word, ARRAY_SIZE(word));

		if (round & 1)
			low ^= change & LOW(low_bits);
		else
			high ^= change & LOW(bits - low_bits);
	}
	return high << low_bits | low;
}

static bool is_canonical(u64 page)
{
	u64 half = page >> HALF_BITS;

	return !half || half == LOW(PAGE_BITS - HALF_BITS);
}

static bool is_fixed(enum remap_space space, u64 page)
{
	return !(page >> BLOCK_BITS) || page == LOW(PAGE_BITS) ||
	       (space == REMAP_GUEST_PHYSICAL && gpa_is_of_platform(page << PAGE_SHIFT));
}

static u64 moved_page(const struct remap *r, enum remap_space space, u64 page)
{
	u64 half = page >> HALF_BITS, block, in_block;

	if (!is_canonical(page))
		return permuted(r, DOMAIN_ODD, space, 0, page, PAGE_BITS);
	block = (page & LOW(HALF_BITS)) >> BLOCK_BITS;
	block = permuted(r, DOMAIN_BLOCK, space, half, block, HALF_BITS - BLOCK_BITS);
	block |= half << (HALF_BITS - BLOCK_BITS);
	in_block = permuted(r, DOMAIN_PAGE, space, block, page & LOW(BLOCK_BITS), BLOCK_BITS);
	return block << BLOCK_BITS | in_block;
}

/* Whatever leads out of a set of pages leads on until it is in there again: so it stays one to one. */
static u64 moved(const struct remap *r, enum remap_space space, u64 page)
{
	bool canonical = is_canonical(page);

	if (is_fixed(space, page))
		return page;
	do
		page = moved_page(r, space, page);
	while (is_fixed(space, page) || is_canonical(page) != canonical);
	return page;
}

u64 remap__frame(struct remap *r, enum remap_space space, u64 frame)
{
	typeof(*r->cached) *c = &r->cached[(frame ^ frame >> 12) & (NR_CACHED - 1)];
	u64 page = (frame << 4 | space) + 1;

	/* All ones, or the number of no page. */
	if (frame > LOW(PAGE_BITS))
		return KVMW_NONE;
	if (c->page != page) {
		c->page = page;
		c->to = moved(r, space, frame);
	}
	return c->to;
}

u64 remap__address(struct remap *r, enum remap_space space, u64 address)
{
	return remap__frame(r, space, address >> PAGE_SHIFT) << PAGE_SHIFT | (address & LOW(PAGE_SHIFT));
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
