// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util/capture/proc.h"

static ssize_t read_path(char *buf, size_t size, const char *path)
{
	ssize_t got = 0, len = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;

	buf[0] = '\0';
	if (fd < 0)
		return -1;
	while ((size_t)len < size - 1 && (got = read(fd, buf + len, size - 1 - len)) > 0)
		len += got;
	err = errno;
	close(fd);
	errno = err;
	buf[len] = '\0';
	return len || !got ? len : -1;
}

ssize_t proc__read(char *buf, size_t size, const char *fmt, ...)
{
	char path[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	return read_path(buf, size, path);
}

char *proc__line(char *buf, size_t size, const char *fmt, ...)
{
	char path[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	read_path(buf, size, path);
	buf[strcspn(buf, "\n")] = '\0';
	return buf;
}

const char *proc__value(const char *text, const char *name, char *buf, size_t size)
{
	size_t len = strlen(name);

	while (text && *text) {
		const char *end = strchr(text, '\n');

		if (!strncmp(text, name, len) && text[len] == ':') {
			text += len + 1;
			text += strspn(text, " \t");
			snprintf(buf, size, "%.*s", (int)strcspn(text, "\n"), text);
			return buf;
		}
		text = end ? end + 1 : NULL;
	}
	return NULL;
}
