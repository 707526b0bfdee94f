// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "builtin-record-output.h"
#include "util/capture/sudo.h"
#include "util/error.h"
#include "util/memory.h"

/* ---- sudo ---------------------------------------------------------------- */

/* Whether the user may make files in a directory; his other groups are not considered. */
static bool may_write(int dir, const struct sudo_user *user)
{
	struct sudo_self self;
	bool may;

	if (!sudo__act_as(user, &self))
		return false;
	may = !faccessat(dir, ".", W_OK | X_OK, AT_EACCESS);
	sudo__act_as_self(&self);
	return may;
}

/* ---- what has the name already -------------------------------------------- */

static int refuse(const struct record_output *out, const char *why)
{
	return error("cannot write %s: %s; choose another file%s", out->path, why,
		     out->option ? " with -o" : "");
}

/* Root's, the caller's, or that of the user who asked: all else is none of ours to touch. */
static bool is_ours(const struct stat *st)
{
	struct sudo_user user;

	return !st->st_uid || st->st_uid == geteuid() ||
	       (sudo__user(&user) && st->st_uid == user.uid);
}

/* Why a file of this name is neither replaced nor written to; NULL: it may be. */
static const char *why_not(const struct stat *st, char *buf, size_t size)
{
	switch (st->st_mode & S_IFMT) {
	case S_IFREG:
	case S_IFIFO:
		if (is_ours(st))
			return NULL;
		snprintf(buf, size, "it belongs to user %u", st->st_uid);
		return buf;
	case S_IFCHR:
		return NULL;
	case S_IFLNK:
		return "it is a symbolic link, and these are not followed";
	case S_IFDIR:
		return "it is a directory";
	case S_IFBLK:
		return "it is a block device";
	default:
		return "it is a socket";
	}
}

/* The links of /proc/self/fd lead to what the caller has opened: >(COMMAND) of a shell. */
static bool in_proc(int dir)
{
	struct statfs fs;

	return !fstatfs(dir, &fs) && fs.f_type == PROC_SUPER_MAGIC;
}

/* A FIFO or a character device, which is looked at before it is opened. */
static int open_special(struct record_output *out, bool follow)
{
	int fd, seen = openat(out->dir, out->name, O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW));
	char path[64], buf[64];
	const char *why;
	struct stat st;

	if (seen < 0 || fstat(seen, &st))
		return refuse(out, strerror(errno));
	why = S_ISREG(st.st_mode) ? "the link leads to a file" :
	      follow && S_ISFIFO(st.st_mode) ? NULL : why_not(&st, buf, sizeof(buf));
	if (why) {
		close(seen);
		return refuse(out, why);
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", seen);
	fd = open(path, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno == ENXIO && S_ISFIFO(st.st_mode)) {
		notice("%s: a FIFO that nobody reads; waiting for a reader, Ctrl-C stops",
		       out->path);
		fd = open(path, O_WRONLY | O_CLOEXEC);
	}
	close(seen);
	if (fd < 0)
		return refuse(out, strerror(errno));
	if (isatty(fd)) {
		close(fd);
		return refuse(out, "it is a terminal");
	}
	fcntl(fd, F_SETFL, 0);
	return fd;
}

/* ---- the file ------------------------------------------------------------ */

static int refuse_old(const struct record_output *out, const char *why)
{
	return error("%s: cannot keep the old recording as %s.old: %s; choose another file%s",
		     out->path, out->path, why, out->option ? " with -o" : "");
}

static int keep_old(struct record_output *out)
{
	if (renameat(out->dir, out->name, out->dir, out->old))
		return refuse_old(out, strerror(errno));
	out->kept_old = true;
	return 0;
}

/*
 * Nothing that exists is opened: an old recording is renamed, an empty file removed, and O_EXCL
 * makes a new one, which follows no link, whoever else may write to the directory.  It is given
 * to the user who asked if he could have made it himself.  Otherwise sudo rights for kvmw alone
 * would be enough to own a new file anywhere.
 */
static int make_file(struct record_output *out)
{
	int fd = openat(out->dir, out->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			0600);
	struct sudo_user user;
	struct stat st;

	if (fd < 0)
		return refuse(out,
			      errno == EEXIST ? "another process just made a file of this name" :
			      strerror(errno));
	if (!fstat(fd, &st)) {
		out->device = st.st_dev;
		out->inode = st.st_ino;
	}
	if (fchmod(fd, 0600))
		warning("%s: cannot make it private: %s", out->path, strerror(errno));
	if (sudo__user(&user) && may_write(out->dir, &user) && fchown(fd, user.uid, user.gid))
		warning("%s: cannot give it to the user who asked: %s", out->path, strerror(errno));
	return fd;
}

/* What has the name; st_mode 0: nothing.  -1: it is not ours to replace or write to. */
static int look(const struct record_output *out, struct stat *st)
{
	struct stat old;
	const char *why;
	char buf[64];

	memset(st, 0, sizeof(*st));
	if (fstatat(out->dir, out->name, st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : refuse(out, strerror(errno));
	if (S_ISLNK(st->st_mode) && in_proc(out->dir))
		return 0;
	if (!strcmp(out->path, "/dev/stdout"))
		return error("%s/dev/stdout: it is a symbolic link; %s- writes to standard output",
			     out->option ? "-o " : "", out->option ? "-o " : "");
	why = why_not(st, buf, sizeof(buf));
	if (why)
		return refuse(out, why);
	if (!S_ISREG(st->st_mode) || !st->st_size ||
	    fstatat(out->dir, out->old, &old, AT_SYMLINK_NOFOLLOW))
		return 0;
	why = why_not(&old, buf, sizeof(buf));
	return why ? refuse_old(out, why) : 0;
}

static int open_file(struct record_output *out)
{
	struct stat st;

	if (look(out, &st))
		return -1;
	if (st.st_mode && !S_ISREG(st.st_mode))
		return open_special(out, S_ISLNK(st.st_mode));
	if (st.st_mode && st.st_size && keep_old(out))
		return -1;
	if (st.st_mode && !st.st_size && unlinkat(out->dir, out->name, 0))
		return refuse(out, strerror(errno));
	return make_file(out);
}

static int open_dir(struct record_output *out)
{
	char *copy = strdup(out->path), *other = strdup(out->path);
	int ret = -1;

	if (!copy || !other || asprintf(&out->name, "%s", basename(other)) < 0 ||
	    asprintf(&out->old, "%s.old", out->name) < 0) {
		out_of_memory();
		goto out;
	}
	out->dir = open(dirname(copy), O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (out->dir < 0)
		refuse(out, strerror(errno));
	else if (*out->path && out->path[strlen(out->path) - 1] == '/')
		refuse(out, "it is a directory");
	else
		ret = 0;
out:
	free(copy);
	free(other);
	return ret;
}

int record_output__check(struct record_output *out, const char *path)
{
	struct stat st;
	int flags;

	out->path = path;
	out->to_stdout = !strcmp(path, "-");
	if (!out->to_stdout)
		return open_dir(out) || look(out, &st) ? -1 : 0;
	if (isatty(STDOUT_FILENO))
		return error("will not write a recording to a terminal: use %s or a pipe",
			     out->option ? "-o FILE" : "a file");
	flags = fcntl(STDOUT_FILENO, F_GETFL);
	if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY)
		return error("%s-: standard output is closed, or not open for writing; choose a file%s",
			     out->option ? "-o " : "", out->option ? " with -o" : "");
	return 0;
}

static bool is_made_file(const struct record_output *out, const char *name, dev_t device,
			 ino_t inode)
{
	struct stat st;

	return inode && !fstatat(out->dir, name, &st, AT_SYMLINK_NOFOLLOW) && st.st_dev == device &&
	       st.st_ino == inode;
}

/* Some file systems do not know whether there is one. */
static int rename_if_new(const struct record_output *out, const char *name)
{
	struct stat st;

	if (!renameat2(out->dir, out->name, out->dir, name, RENAME_NOREPLACE))
		return 0;
	if (errno != EINVAL)
		return errno;
	if (!fstatat(out->dir, name, &st, AT_SYMLINK_NOFOLLOW))
		return EEXIST;
	return renameat(out->dir, out->name, out->dir, name) ? errno : 0;
}

int record_output__rename(struct record_output *out, const char *suffix)
{
	char *name;
	int err;

	if (!is_made_file(out, out->name, out->device, out->inode))
		return error("%s: it was moved, replaced or removed while it was written",
			     out->path);
	if (asprintf(&name, "%s%s", out->name, suffix) < 0)
		return out_of_memory();
	err = rename_if_new(out, name);
	free(name);
	return !err || err == EEXIST ? err :
	       error("%s: cannot rename it to %s%s: %s", out->path, out->path, suffix,
		     strerror(err));
}

void record_output__remove(const struct record_output *out, const char *suffix, dev_t device,
			   ino_t inode)
{
	char *name;

	if (asprintf(&name, "%s%s", out->name, suffix) < 0) {
		out_of_memory();
		return;
	}
	if (is_made_file(out, name, device, inode) && unlinkat(out->dir, name, 0))
		warning("cannot remove %s%s: %s", out->path, suffix, strerror(errno));
	free(name);
}

void record_output__undo(struct record_output *out)
{
	if (is_made_file(out, out->name, out->device, out->inode))
		unlinkat(out->dir, out->name, 0);
	if (out->kept_old && renameat(out->dir, out->old, out->dir, out->name))
		warning("the old recording is now %s.old: %s", out->path, strerror(errno));
	out->inode = 0;
	out->kept_old = false;
}

void record_output__free(struct record_output *out)
{
	if (out->dir > 0)
		close(out->dir);
	free(out->name);
	free(out->old);
}

int record_output__open_file(struct record_output *out)
{
	int fd;

	/* The write fails, which is said. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	if (out->to_stdout) {
		fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
		return fd < 0 ?
		       error("cannot write standard output: %s; choose a file%s", strerror(errno),
			     out->option ? " with -o" : "") : fd;
	}
	fd = open_file(out);
	if (fd < 0)
		record_output__undo(out);
	return fd;
}

const char *record_output__name(const struct record_output *out)
{
	return out->to_stdout ? "standard output" : out->path;
}

struct data_writer *record_output__open(struct record_output *out, u32 events)
{
	int fd = record_output__open_file(out);
	struct data_writer *writer =
		fd < 0 ? NULL : data_writer__new(fd, record_output__name(out), events);

	if (fd >= 0 && !writer)
		record_output__undo(out);
	return writer;
}
