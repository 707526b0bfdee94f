// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "util/error.h"
#include "util/memory.h"
#include "util/render/outbuf.h"
#include "util/text.h"

static struct out *new_out(int fd, bool utf8)
{
	struct out *out = mem__calloc(1, sizeof(*out));

	if (!out)
		return NULL;
	*out = (struct out) { .fd = fd, .utf8 = utf8, .size = OUT_SIZE, .buf = malloc(OUT_SIZE) };
	if (out->buf)
		return out;
	free(out);
	out_of_memory();
	return NULL;
}

struct out *out__new(const struct screen *s)
{
	fflush(s->out);
	return new_out(fileno(s->out), s->utf8);
}

struct out *out__in_memory(const struct out *like)
{
	return new_out(-1, like->utf8);
}

int out__flush(struct out *out)
{
	size_t done = 0;

	while (!out->err && done < out->len) {
		ssize_t n = write(out->fd, out->buf + done, out->len - done);

		if (n < 0 && errno != EINTR)
			out->err = errno;
		done += n > 0 ? n : 0;
	}
	out->len = 0;
	return out->err ? -1 : 0;
}

/* Without memory what is in the buffer is lost, which out__move() says. */
void out__make_room(struct out *out)
{
	char *buf;

	if (out->fd >= 0) {
		out__flush(out);
		return;
	}
	buf = realloc(out->buf, 2 * out->size);
	if (buf) {
		out->buf = buf;
		out->size *= 2;
	} else {
		out->err = ENOMEM;
		out->len = 0;
	}
}

int out__move(struct out *to, struct out *from)
{
	struct out moved = *from;

	if (from->err)
		return out_of_memory();
	out__flush(to);
	from->buf = to->buf;
	from->size = to->size;
	from->len = 0;
	to->buf = moved.buf;
	to->size = moved.size;
	to->len = moved.len;
	return 0;
}

int out__free(struct out *out)
{
	int err;

	if (out->fd >= 0)
		out__flush(out);
	err = out->fd >= 0 ? out->err : 0;
	free(out->buf);
	free(out);
	/* Whoever read had enough: head, or a pager. */
	if (!err || err == EPIPE)
		return 0;
	return error("standard output: %s", strerror(err));
}

void out__long(struct out *out, const char *text, size_t len)
{
	while (len) {
		char *to = out__room(out);
		size_t n = len < OUT_ROOM ? len : OUT_ROOM;

		memcpy(to, text, n);
		out->len += n;
		text += n;
		len -= n;
	}
}

void out__dec(struct out *out, u64 value)
{
	out__padded(out, value, 0, ' ');
}

/* Decimal digits of a value: 1 to 20. */
static u32 nr_digits(u64 value)
{
	static const u64 powers[] = {
		1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000,
		10000000000,
		100000000000, 1000000000000, 10000000000000, 100000000000000, 1000000000000000,
		10000000000000000, 100000000000000000, 1000000000000000000, 10000000000000000000U,
	};
	u32 nr = (64 - __builtin_clzll(value | 1)) * 1233 >> 12;	/* 1233 / 4096: log10(2) */

	return nr + ((value | 1) >= powers[nr]);
}

/*
 * Two digits at a time: to divide takes longer than all else.  Where they belong: to copy what was
 * written by twos just now takes as long again.
 */
void out__padded(struct out *out, u64 value, u32 width, char pad)
{
	static const char pairs[] =
		"0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849"
		"5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";
	u32 nr = nr_digits(value);
	char *p = out__room(out);

	for (; width > nr; width--) {
		*p++ = pad;
		out->len++;
	}
	out->len += nr;
	for (p += nr; value >= 10; value /= 100) {
		p -= 2;
		memcpy(p, &pairs[value % 100 * 2], 2);
	}
	/* A leading digit, or the 0 of 0. */
	if (nr & 1)
		*--p = '0' + value;
}

void out__hex(struct out *out, u64 value)
{
	u32 nr = value ? (67 - __builtin_clzll(value)) / 4 : 1;
	char *to = out__room(out);

	*to++ = '0';
	*to++ = 'x';
	for (u32 i = nr; i--; )
		*to++ = "0123456789abcdef"[value >> (4 * i) & 15];
	out->len += 2 + nr;
}

void out__hex_bytes(struct out *out, const u8 *p, u32 len)
{
	for (; len; len--, p++) {
		out__char(out, "0123456789abcdef"[*p >> 4]);
		out__char(out, "0123456789abcdef"[*p & 15]);
	}
}

static void put_units(struct out *out, u64 whole, u64 thousandths, const char *unit)
{
	out__dec(out, whole);
	if (whole < 1000) {
		out__char(out, '.');
		if (whole < 10)
			out__padded(out, thousandths, 3, '0');
		else if (whole < 100)
			out__padded(out, thousandths / 10, 2, '0');
		else
			out__dec(out, thousandths / 100);
	}
	out__text(out, unit);
}

/* As units__ns() with UNITS_FULL, four digits, but cut, and quicker. */
void out__ns(struct out *out, u64 ns)
{
	if (ns >= NSEC_PER_SEC) {
		put_units(out, ns / NSEC_PER_SEC, ns % NSEC_PER_SEC / (NSEC_PER_SEC / 1000), "s");
	} else if (ns >= 1000000) {
		put_units(out, ns / 1000000, ns % 1000000 / 1000, "ms");
	} else if (ns >= 1000) {
		put_units(out, ns / 1000, ns % 1000, "us");
	} else {
		out__dec(out, ns);
		out__text(out, "ns");
	}
}

void out__shown(struct out *out, const char *text)
{
	u32 code;

	if (out->utf8) {
		out__text(out, text);
		return;
	}
	while (*text) {
		size_t len = text__utf8(text, &code);

		out__char(out, len == 1 ? *text : '?');
		text += len ?: 1;
	}
}

void out__json(struct out *out, const char *text)
{
	u32 code;

	out__char(out, '"');
	while (*text) {
		size_t len = text__utf8(text, &code);

		if (!len) {
			out__char(out, '?');
		} else if (code == '"' || code == '\\') {
			out__char(out, '\\');
			out__char(out, code);
		} else if (code < ' ') {
			const u8 byte = code;

			out__text(out, "\\u00");
			out__hex_bytes(out, &byte, 1);
		} else {
			out__bytes(out, text, len);
		}
		text += len ?: 1;
	}
	out__char(out, '"');
}

void out__csv(struct out *out, const char *text)
{
	/* Spreadsheets take these for the beginning of a formula, and this for that of a text. */
	const char *mark = *text && text[1] && strchr("=+-@\t\r", *text) ? "'" : "";

	if (!strpbrk(text, ",\"\r\n")) {
		out__text(out, mark);
		out__text(out, text);
		return;
	}
	out__char(out, '"');
	out__text(out, mark);
	for (; *text; text++) {
		if (*text == '"')
			out__char(out, '"');
		out__char(out, *text);
	}
	out__char(out, '"');
}
