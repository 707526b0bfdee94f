// SPDX-License-Identifier: GPL-2.0
#include <libiberty/demangle.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

/* libiberty has one, too. */
#undef ARRAY_SIZE
#include "util/symbols/demangle.h"
#include "util/text.h"
#include "util/types.h"

#define NAME_BYTES	1024

struct demangled {
	char *buf;
	size_t size, len;
	jmp_buf full;
};

/*
 * A name of a few characters may stand for one that goes on for ever. The library cannot be asked
 * to stop; all of its memory is on its stack.
 */
static void demangle__part(const char *part, size_t len, void *arg)
{
	struct demangled *d = arg;

	if (len >= d->size - d->len)
		longjmp(d->full, 1);
	memcpy(d->buf + d->len, part, len);
	d->len += len;
	d->buf[d->len] = 0;
}

/* Names of Rust first: to C++ its older ones are functions with a number for a name. */
static bool demangle(const char *name, char *buf, size_t size)
{
	struct demangled d = { .buf = buf, .size = size };

	*buf = 0;
	if (setjmp(d.full))
		return false;
	if (rust_demangle_callback(name, 0, demangle__part, &d))
		return d.len;
	d.len = 0;
	return cplus_demangle_v3_callback(name, 0, demangle__part, &d) && d.len;
}

bool demangle__frame(const char *frame, char *buf, size_t size)
{
	static const char *const begins[] = { "_Z", "_R" };
	size_t len = strcspn(frame, "+ "), name_len;
	char mangled[NAME_BYTES], name[NAME_BYTES];

	if (!text__begins(frame, begins, ARRAY_SIZE(begins)) || len >= sizeof(mangled))
		return false;
	memcpy(mangled, frame, len);
	mangled[len] = 0;
	if (!demangle(mangled, name, sizeof(name)))
		return false;
	text__clean_into(buf, size, name);
	name_len = strlen(buf);
	return name_len + 1 < size &&
	       (size_t)snprintf(buf + name_len, size - name_len, "%s", frame + len) <
	       size - name_len;
}
