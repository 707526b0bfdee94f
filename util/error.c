// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdio.h>

#include "util/error.h"
#include "util/service.h"
#include "util/text.h"

#define MESSAGE_MAX	4096	/* bytes */

static void __attribute__((format(printf, 3, 0)))
error__line(enum service_level level, const char *prefix, const char *fmt, va_list ap)
{
	char text[MESSAGE_MAX], clean[MESSAGE_MAX];

	vsnprintf(text, sizeof(text), fmt, ap);
	fflush(stdout);
	/* A path, or what it names, may be anything.  There may be no memory. */
	fprintf(stderr, "%s%s%s\n", service__level(level), prefix,
		text__clean_into(clean, sizeof(clean), text));
}

int error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	error__line(SERVICE_ERROR, "kvmw: ", fmt, ap);
	va_end(ap);
	return -1;
}

void notice(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	error__line(SERVICE_NOTICE, "kvmw: ", fmt, ap);
	va_end(ap);
}

void tell(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	error__line(SERVICE_INFO, "", fmt, ap);
	va_end(ap);
}

void warning(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	error__line(SERVICE_WARNING, "kvmw: warning: ", fmt, ap);
	va_end(ap);
}
