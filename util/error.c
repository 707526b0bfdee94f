// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "util/error.h"
#include "util/text.h"

#define MESSAGE_MAX	4096	/* bytes */

static void error__line(const char *prefix, const char *fmt, va_list ap)
{
	char text[MESSAGE_MAX], *clean;

	vsnprintf(text, sizeof(text), fmt, ap);
	/* A path, or what it names, may be anything. */
	clean = text__clean(text, sizeof(text));
	fflush(stdout);
	fprintf(stderr, "kvmw: %s%s\n", prefix, clean ?: "out of memory");
	free(clean);
}

int error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	error__line("", fmt, ap);
	va_end(ap);
	return -1;
}

void notice(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	error__line("", fmt, ap);
	va_end(ap);
}

void warning(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	error__line("warning: ", fmt, ap);
	va_end(ap);
}
