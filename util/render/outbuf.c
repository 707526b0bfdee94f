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

void out__padded(struct out *out, u64 value, u32 width, char pad)
{
	char *to = out__room(out);

	for (u32 nr = digits__number(value); nr < width; nr++)
		*to++ = pad;
	out__end(out, digits__dec(to, value));
}

void out__hex_bytes(struct out *out, const u8 *p, u32 len)
{
	for (; len; len--, p++) {
		out__char(out, "0123456789abcdef"[*p >> 4]);
		out__char(out, "0123456789abcdef"[*p & 15]);
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
