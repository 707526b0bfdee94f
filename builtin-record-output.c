// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builtin-record-output.h"
#include "util/error.h"
#include "util/parse.h"

/* ---- sudo ---------------------------------------------------------------- */

/* The user that sudo(8) runs this for; false: none, or not root, or no such numbers. */
static bool asked_by(uid_t *uid, gid_t *gid)
{
	const char *user = getenv("SUDO_UID"), *group = getenv("SUDO_GID");
	u32 u, g;

	if (getuid() || geteuid() || !user || !group || parse_u32(user, &u) || parse_u32(group, &g))
		return false;
	/* -1 would leave the owner as it is. */
	if (!u || u == UINT32_MAX || g == UINT32_MAX)
		return false;
	*uid = u;
	*gid = g;
	return true;
}

/* Whether the user may make files in a directory; his other groups are not considered. */
static bool may_write(int dir, uid_t uid, gid_t gid)
{
	gid_t groups[NGROUPS_MAX];
	int nr = getgroups(NGROUPS_MAX, groups);
	bool may = false;

	if (nr < 0 || setgroups(1, &gid))
		return false;
	if (!setegid(gid)) {
		if (!seteuid(uid)) {
			may = !faccessat(dir, ".", W_OK | X_OK, AT_EACCESS);
			if (seteuid(0))
				abort();
		}
		if (setegid(0))
			abort();
	}
	if (setgroups(nr, groups))
		abort();
	return may;
}

/*
 * Makes a new file, which follows no symbolic link, and gives it to the user who asked. Otherwise
 * sudo rights for kvmw alone would be enough to own a new file anywhere. -1: it exists, or errno.
 */
static int make_file(const char *path)
{
	char *copy = strdup(path), *other = strdup(path);
	int dir = -1, fd = -1;
	uid_t uid;
	gid_t gid;

	if (copy && other)
		dir = open(dirname(copy), O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0)
		fd = openat(dir, basename(other), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0 && asked_by(&uid, &gid) && may_write(dir, uid, gid) && fchown(fd, uid, gid))
		warning("%s: cannot give it to the user who asked: %s", path, strerror(errno));
	if (dir >= 0)
		close(dir);
	free(copy);
	free(other);
	return fd;
}

/* ---- the file ------------------------------------------------------------ */

static int keep_old(struct record_output *out)
{
	char old[4096];
	struct stat st;

	if (stat(out->path, &st) || !S_ISREG(st.st_mode) || !st.st_size)
		return 0;
	snprintf(old, sizeof(old), "%s.old", out->path);
	if (rename(out->path, old))
		return error("%s: cannot keep the old recording as %s: %s", out->path, old,
			     strerror(errno));
	out->kept_old = true;
	return 0;
}

void record_output__undo(const struct record_output *out)
{
	char old[4096];
	struct stat st;

	if (!out->kept_old && !out->to_stdout && !stat(out->path, &st) && S_ISREG(st.st_mode))
		unlink(out->path);
	snprintf(old, sizeof(old), "%s.old", out->path);
	if (out->kept_old && rename(old, out->path))
		warning("the old recording is now %s: %s", old, strerror(errno));
}

static int open_file(struct record_output *out)
{
	struct stat st;
	int fd;

	if (keep_old(out))
		return -1;
	fd = make_file(out->path);
	/* It may have existed, empty; a device keeps its mode. */
	if (fd < 0)
		fd = open(out->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return error("cannot write %s: %s; choose another file with -o", out->path,
			     strerror(errno));
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && fchmod(fd, 0600))
		warning("%s: cannot make it private: %s", out->path, strerror(errno));
	return fd;
}

struct data_writer *record_output__open(struct record_output *out, const char *path, u32 events)
{
	int fd;

	out->path = path;
	if (strcmp(path, "-")) {
		fd = open_file(out);
		return fd < 0 ? NULL : data_writer__new(fd, path, events);
	}
	if (isatty(STDOUT_FILENO)) {
		error("will not write a recording to a terminal: use -o FILE or a pipe");
		return NULL;
	}
	out->to_stdout = true;
	fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	if (fd < 0) {
		error("cannot write standard output: %s; choose a file with -o", strerror(errno));
		return NULL;
	}
	return data_writer__new(fd, "standard output", events);
}
