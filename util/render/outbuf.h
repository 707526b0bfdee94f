/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Lines by the million: a buffer before a file descriptor, or one that grows, and numbers put into
 * it without printf.
 */
#ifndef KVMW_OUTBUF_H
#define KVMW_OUTBUF_H

#include <string.h>

#include "util/render/digits.h"
#include "util/render/screen.h"

/* Clearing what is filled in anyway, for every number of every row, took half of the time again. */
#if defined(__has_attribute)
#if __has_attribute(uninitialized)
#define NOT_CLEARED	__attribute__((uninitialized))
#endif
#endif
#ifndef NOT_CLEARED
#define NOT_CLEARED
#endif

#define OUT_SIZE (256u << 10)
#define OUT_ROOM 512u		/* what one call of out__room() makes sure of */

struct out {
	int fd;			/* -1: all of it remains in the buffer */
	bool utf8;		/* else what is not ASCII becomes '?' */
	int err;		/* errno of the first write that failed; of no memory */
	size_t len, size;
	char *buf;
};

/* Prints to the screen, after what was printed so far. NULL: out of memory, said so. */
struct out *out__new(const struct screen *s);
/* For lines that out__move() takes to another one, such as like. NULL: out of memory, said so. */
struct out *out__in_memory(const struct out *like);
/*
 * Empties from. 0, or -1: it lacks some of what was put into it, out of memory (reported);
 * nothing is taken.
 */
int out__move(struct out *to, struct out *from);
/* Writes what is in the buffer; frees. 0, or -1: not everything was written (said so). */
int out__free(struct out *out);
/* 0, or -1: the reader is gone or the disk is full; out__free() says it, if it is an error. */
int out__flush(struct out *out);

/* Writes, or grows. */
void out__make_room(struct out *out);

static inline char *out__room(struct out *out)
{
	if (out->len > out->size - OUT_ROOM)
		out__make_room(out);
	return out->buf + out->len;
}

/* What follows can be cut off again, as long as it is no longer than half of the buffer. */
static inline void out__half(struct out *out)
{
	if (out->fd >= 0 && out->len > OUT_SIZE / 2)
		out__make_room(out);
}

static inline void out__char(struct out *out, char c)
{
	*out__room(out) = c;
	out->len++;
}

/* Text that is as it shall be, of any length. */
void out__long(struct out *out, const char *text, size_t len);
static inline void out__bytes(struct out *out, const char *text, size_t len)
{
	if (len > OUT_ROOM) {
		out__long(out, text, len);
		return;
	}
	memcpy(out__room(out), text, len);
	out->len += len;
}

/* The same, as a move or two: OUT_SHORT bytes of the text are read, however short it is. */
#define OUT_SHORT	32u
/* A label, a number after it, and what ends it, in one room. */
_Static_assert(OUT_SHORT + DIGITS_ROOM < OUT_ROOM, "room for a field");
static inline void out__short(struct out *out, const char *text, u32 len)
{
	if (len > OUT_SHORT) {
		out__bytes(out, text, len);
		return;
	}
	memcpy(out__room(out), text, OUT_SHORT);
	out->len += len;
}

/* What was put into the room ends here. */
static inline void out__end(struct out *out, const char *end)
{
	out->len = end - out->buf;
}

static inline void out__dec(struct out *out, u64 value)
{
	out__end(out, digits__dec(out__room(out), value));
}

static inline void out__hex(struct out *out, u64 value)	/* with 0x */
{
	out__end(out, digits__hex(out__room(out), value));
}

static inline void out__ns(struct out *out, u64 ns)	/* 12.34us */
{
	out__end(out, digits__ns(out__room(out), ns));
}

static inline void out__nine(struct out *out, u32 value)	/* digits, with leading zeros */
{
	out__end(out, digits__nine(out__room(out), value));
}

void out__padded(struct out *out, u64 value, u32 width, char pad);	/* at least width */
void out__hex_bytes(struct out *out, const u8 *p, u32 len);	/* 00ff */

static inline void out__text(struct out *out, const char *text)
{
	out__bytes(out, text, strlen(text));
}

/* Text from a recording, which is safe: as this terminal can show it. */
void out__shown(struct out *out, const char *text);
/* Any text: as JSON with its quotes, as a field of CSV that no spreadsheet takes for a formula. */
void out__json(struct out *out, const char *text);
void out__csv(struct out *out, const char *text);

#endif
