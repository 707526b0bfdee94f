// SPDX-License-Identifier: GPL-2.0
/*
 * Changes of a recording that a fuzzer would hardly find by itself: of whole frames, of their
 * headers, of a column's entry in the directory, of one payload, with the right size.
 */
#include <stdlib.h>

#include "util/data/format.h"

#define MAX_FRAMES	256u
#define PREFIX		2u	/* bytes that select the command */

size_t LLVMFuzzerMutate(u8 *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(u8 *data, size_t size, size_t max, unsigned int seed);
size_t LLVMFuzzerCustomCrossOver(const u8 *a, size_t na, const u8 *b, size_t nb, u8 *out,
				 size_t max, unsigned int seed);

struct piece {
	size_t at, len;
};

struct frames {
	struct piece piece[MAX_FRAMES];
	u32 nr;
};

static u32 any(unsigned int *seed, u32 below)
{
	*seed = *seed * 1103515245 + 12345;
	return below ? (*seed >> 8) % below : 0;
}

static void find_frames(const u8 *data, size_t size, struct frames *f)
{
	size_t at = PREFIX + FILE_HDR_SIZE;

	f->nr = 0;
	while (at + FRAME_HDR_SIZE <= size && f->nr < MAX_FRAMES) {
		u64 len = FRAME_HDR_SIZE +
			  (((u64)get32(data + at + FRAME_AT_SIZE) + FRAME_ALIGN - 1) &
			   ~(u64)(FRAME_ALIGN - 1));

		if (get32(data + at) != FRAME_MAGIC || len > size - at) {
			at += FRAME_ALIGN;
			continue;
		}
		f->piece[f->nr++] = (struct piece) { at, len };
		at += len;
	}
}

/* Puts len bytes in place of a piece. Returns the size, as before if there is no room. */
static size_t put_in_place(u8 *data, size_t size, size_t max, const struct piece *p, const u8 *with,
			   size_t len)
{
	if (size - p->len + len > max)
		return size;
	memmove(data + p->at + len, data + p->at + p->len, size - p->at - p->len);
	memcpy(data + p->at, with, len);
	return size - p->len + len;
}

/* A frame once more, before another one. */
static size_t twice(u8 *data, size_t size, size_t max, const struct frames *f, unsigned int *seed)
{
	const struct piece *p = &f->piece[any(seed, f->nr)];
	struct piece to = { f->piece[any(seed, f->nr)].at, 0 };
	u8 *copy = malloc(p->len);

	memcpy(copy, data + p->at, p->len);
	size = put_in_place(data, size, max, &to, copy, p->len);
	free(copy);
	return size;
}

static size_t drop(u8 *data, size_t size, size_t max, const struct frames *f, unsigned int *seed)
{
	return put_in_place(data, size, max, &f->piece[any(seed, f->nr)], data, 0);
}

static size_t swap(u8 *data, size_t size, size_t max, const struct frames *f, unsigned int *seed)
{
	u32 first = any(seed, f->nr), second = any(seed, f->nr);
	const struct piece *a = &f->piece[first < second ? first : second];
	const struct piece *b = &f->piece[first < second ? second : first];
	u8 *copy = malloc(size), *to = copy;

	if (a == b) {
		free(copy);
		return size;
	}
	memcpy(copy, data, size);
	to = data + a->at;
	memcpy(to, copy + b->at, b->len);
	to += b->len;
	memcpy(to, copy + a->at + a->len, b->at - a->at - a->len);
	to += b->at - a->at - a->len;
	memcpy(to, copy + a->at, a->len);
	free(copy);
	return size;
}

static u64 odd_value(u64 old, unsigned int *seed)
{
	static const u64 values[] = { 0, 1, 2, 7, 8, 255, 256, 65535, 65536, 65537, 0x7fffffff,
				      0xffffffff, 1ULL << 32, 1ULL << 63, ~0ULL };

	switch (any(seed, 3)) {
	case 0:
		return old + any(seed, 33) - 16;
	case 1:
		return old ^ 1ULL << any(seed, 64);
	}
	return values[any(seed, ARRAY_SIZE(values))];
}

static void change(u8 *p, u32 bytes, unsigned int *seed)
{
	u64 old = 0;

	for (u32 i = 0; i < bytes; i++)
		old |= (u64)p[i] << 8 * i;
	old = odd_value(old, seed);
	for (u32 i = 0; i < bytes; i++)
		p[i] = old >> 8 * i;
}

static size_t change_header(u8 *data, size_t size, size_t max, const struct frames *f,
			    unsigned int *seed)
{
	static const struct { u32 at, bytes; } fields[] = {
		{ FRAME_AT_TYPE, 2 }, { FRAME_AT_FLAGS, 2 }, { FRAME_AT_SIZE, 4 },
		{ FRAME_AT_ROWS, 4 },
		{ FRAME_AT_STREAM, 4 }, { FRAME_AT_EVENT, 4 }, { FRAME_AT_FIRST, 8 },
		{ FRAME_AT_LAST, 8 },
		{ FRAME_AT_SEQ, 4 },
	};
	u32 i = any(seed, ARRAY_SIZE(fields));

	change(data + f->piece[any(seed, f->nr)].at + fields[i].at, fields[i].bytes, seed);
	return size;
}

static size_t change_column(u8 *data, size_t size, size_t max, const struct frames *f,
			    unsigned int *seed)
{
	static const struct { u32 at, bytes; } fields[] = {
		{ COLUMN_AT_FIELD, 2 }, { COLUMN_AT_ENCODING, 1 }, { COLUMN_AT_FLAGS, 1 },
		{ COLUMN_AT_STORED, 4 }, { COLUMN_AT_RAW, 4 }, { COLUMN_AT_REFS, 1 },
		{ COLUMN_AT_REFS + 1, 1 }, { COLUMN_AT_REFS + 2, 1 }, { COLUMN_AT_BASE, 8 },
	};
	const struct piece *p = &f->piece[any(seed, f->nr)];
	u8 *payload = data + p->at + FRAME_HDR_SIZE;
	u32 i = any(seed, ARRAY_SIZE(fields)), nr;
	size_t room = p->len - FRAME_HDR_SIZE;

	if (room < ROWS_HDR_SIZE + COLUMN_HDR_SIZE || *payload == '{')
		return size;
	nr = (room - ROWS_HDR_SIZE) / COLUMN_HDR_SIZE;
	nr = get32(payload) < nr ? get32(payload) : nr;
	change(payload + ROWS_HDR_SIZE + any(seed, nr) * COLUMN_HDR_SIZE + fields[i].at,
	       fields[i].bytes, seed);
	return size;
}

static size_t change_payload(u8 *data, size_t size, size_t max, const struct frames *f,
			     unsigned int *seed)
{
	const struct piece *p = &f->piece[any(seed, f->nr)];
	u32 was = get32(data + p->at + FRAME_AT_SIZE), is, most = was + 64;
	u8 *copy;

	if (size + 64 + FRAME_ALIGN > max)
		return size;
	copy = calloc(1, FRAME_HDR_SIZE + most + FRAME_ALIGN);
	memcpy(copy, data + p->at, FRAME_HDR_SIZE + was);
	is = LLVMFuzzerMutate(copy + FRAME_HDR_SIZE, was, most);
	put32(copy + FRAME_AT_SIZE, is);
	memset(copy + FRAME_HDR_SIZE + is, 0, frame_padded(is) - is);
	size = put_in_place(data, size, max, p, copy, FRAME_HDR_SIZE + frame_padded(is));
	free(copy);
	return size;
}

static size_t (*const changes[])(u8 *data, size_t size, size_t max, const struct frames *f,
				 unsigned int *seed) = {
	twice, drop, swap, change_header, change_column, change_column, change_payload,
	change_payload, change_payload, change_payload,
};

size_t LLVMFuzzerCustomMutator(u8 *data, size_t size, size_t max, unsigned int seed)
{
	struct frames f = { .nr = 0 };

	any(&seed, 1);
	if (size > PREFIX && !any(&seed, 8))
		data[any(&seed, PREFIX)] = any(&seed, 256);
	if (size >= PREFIX + FILE_HDR_SIZE)
		find_frames(data, size, &f);
	if (!f.nr || !any(&seed, 16))
		return LLVMFuzzerMutate(data, size, max);
	for (u32 times = 1 + any(&seed, 3); times && f.nr; times--) {
		size = changes[any(&seed, ARRAY_SIZE(changes))](data, size, max, &f, &seed);
		find_frames(data, size, &f);
	}
	return size;
}

/* The frames of one, some of them replaced by the other's. */
size_t LLVMFuzzerCustomCrossOver(const u8 *a, size_t na, const u8 *b, size_t nb, u8 *out,
				 size_t max, unsigned int seed)
{
	struct frames fa, fb;
	size_t len;

	find_frames(a, na, &fa);
	find_frames(b, nb, &fb);
	if (!fa.nr || !fb.nr)
		return 0;
	len = fa.piece[0].at;
	memcpy(out, a, len);
	/* About as many as before: what is long is slow. */
	for (u32 i = 0; i < fa.nr; i++) {
		bool other = !any(&seed, 4);
		struct piece p = other ? fb.piece[any(&seed, fb.nr)] : fa.piece[i];

		if (p.len > max - len)
			continue;
		memcpy(out + len, (other ? b : a) + p.at, p.len);
		len += p.len;
	}
	return len;
}
