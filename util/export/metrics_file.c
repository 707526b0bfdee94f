// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/export/metrics_file.h"
#include "util/types.h"

static int metrics_file__put(int fd, const char *text, size_t size)
{
	while (size) {
		ssize_t done = write(fd, text, size);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -1;
		text += done;
		size -= done;
	}
	return 0;
}

/* The collector reads names that end with .prom, which the new one has only when it is complete. */
int metrics_file__write(const char *path, const char *text, size_t size)
{
	int fd, err;
	char *new;
	bool ok;

	if (asprintf(&new, "%s.new", path) < 0)
		return ENOMEM;
	/* One that a killed kvmw left behind.  A link is not followed. */
	unlink(new);
	fd = open(new, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	ok = fd >= 0 && !fchmod(fd, 0644) && !metrics_file__put(fd, text, size);
	if (fd >= 0 && close(fd))
		ok = false;
	ok = ok && !rename(new, path);
	err = ok ? 0 : errno;
	if (!ok && fd >= 0)
		unlink(new);
	free(new);
	return err;
}
