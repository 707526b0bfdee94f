// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "builtin-record-files.h"
#include "builtin-record-output.h"
#include "util/capture/sudo.h"
#include "util/error.h"
#include "util/memory.h"

#define MAX_COMMAND	4096

enum what { MAKE, RUN, UNDO, DONE };

struct request {
	enum what what;
	char path[PATH_MAX];
	char command[MAX_COMMAND];
	u32 most;
};

/* One that is complete. */
struct done_file {
	char suffix[FILES_SUFFIX];
	dev_t device;
	ino_t inode;
};

/* What the process has. */
struct server {
	int socket;
	struct record_output out;	/* of the file that was made last */
	char path[PATH_MAX];		/* its */
	struct done_file *done;		/* a ring of them */
	u32 most;			/* its size */
	u64 nr_done;			/* so far */
};

/* ---- names --------------------------------------------------------------- */

error_t record_files__check_name(const char *path, const char *option, const char *suffix)
{
	struct stat st;

	if (!strcmp(path, "-"))
		return usage_error("-o - and %s exclude each other: its files need names; -o FILE",
				   option);
	if (strlen(path) + strlen(suffix) >= PATH_MAX)
		return usage_error("-o: a path of %zu bytes is too long: the time of each file follows it; choose a shorter one",
				   strlen(path));
	if (!stat(path, &st) && !S_ISREG(st.st_mode))
		return usage_error("-o %s: it is %s; %s makes files, named FILE%s", path,
				   S_ISDIR(st.st_mode) ? "a directory" : "not a regular file",
				   option, suffix);
	return 0;
}

/* ---- in the process ------------------------------------------------------ */

/* error() has said why there is none. */
static void send_file(int socket, int fd)
{
	char made = fd >= 0, room[CMSG_SPACE(sizeof(fd))] = { 0 };
	struct iovec data = { &made, sizeof(made) };
	struct msghdr msg = { .msg_iov = &data, .msg_iovlen = 1 };

	if (made) {
		struct cmsghdr *c;

		msg.msg_control = room;
		msg.msg_controllen = sizeof(room);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	sendmsg(socket, &msg, MSG_NOSIGNAL);
	if (made)
		close(fd);
}

/* Requests that follow are about this file. */
static void make(struct server *s, const char *path)
{
	struct record_output *out = &s->out;

	record_output__free(out);
	*out = (struct record_output) { .option = true };
	snprintf(s->path, sizeof(s->path), "%s", path);
	send_file(s->socket,
		  record_output__check(out, s->path) ? -1 : record_output__open_file(out));
}

/* The oldest makes room. */
static void note_done(struct server *s, const struct request *r)
{
	struct done_file *to;

	if (!s->done)
		s->done = mem__calloc(r->most, sizeof(*s->done));
	if (!s->done)
		return;
	s->most = r->most;
	to = &s->done[s->nr_done % s->most];
	if (s->nr_done >= s->most)
		record_output__remove(&s->out, to->suffix, to->device, to->inode);
	*to = (struct done_file) { .device = s->out.device, .inode = s->out.inode };
	memcpy(to->suffix, r->command, sizeof(to->suffix) - 1);
	s->nr_done++;
}

static void done(struct server *s, const struct request *r)
{
	int err = record_output__rename(&s->out, r->command);

	if (!err && r->most)
		note_done(s, r);
	send(s->socket, &err, sizeof(err), MSG_NOSIGNAL);
}

/* In a process of its own, which does not return. */
static void run_command(const struct request *r)
{
	struct sudo_user user;
	bool asked = sudo__user(&user);
	sigset_t none;
	int err;

	setsid();
	/* What kvmw reads is not for several commands, which may outlive it. */
	close(STDIN_FILENO);
	if (open("/dev/null", O_RDONLY) < 0)
		warning("--exec %s: no standard input: /dev/null: %s", r->command, strerror(errno));
	close_range(3, ~0U, 0);
	for (int signal_nr = 1; signal_nr < NSIG; signal_nr++)
		signal(signal_nr, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	err = asked ? sudo__become(&user) : 0;
	if (!err) {
		execl("/bin/sh", "sh", "-c", r->command, r->command, r->path, NULL);
		err = errno;
	}
	error("--exec %s: %s", r->command, strerror(err));
	_exit(127);
}

static void start_command(const struct request *r)
{
	pid_t pid = fork();

	if (!pid)
		run_command(r);
	if (pid < 0)
		error("--exec %s: cannot start it for %s: %s", r->command, r->path,
		      strerror(errno));
}

static void serve(int socket)
{
	struct server s = { .socket = socket, .out.option = true };
	struct request r;

	while (recv(socket, &r, sizeof(r), 0) == sizeof(r)) {
		if (r.what == MAKE)
			make(&s, r.path);
		else if (r.what == DONE)
			done(&s, &r);
		else if (r.what == UNDO)
			record_output__undo(&s.out);
		else
			start_command(&r);
	}
	record_output__free(&s.out);
	free(s.done);
}

/* ---- for the recorder ---------------------------------------------------- */

int record_files__start(struct record_files *f)
{
	int pair[2];

	f->socket = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return error("cannot set up the process that makes files: %s", strerror(errno));
	f->pid = fork();
	if (f->pid < 0) {
		close(pair[0]);
		close(pair[1]);
		return error("cannot start the process that makes files: %s", strerror(errno));
	}
	if (!f->pid) {
		close(pair[0]);
		/* What a terminal sends to all is for the recorder, which may still need a file. */
		signal(SIGINT, SIG_IGN);
		signal(SIGTERM, SIG_IGN);
		signal(SIGHUP, SIG_IGN);
		signal(SIGUSR2, SIG_IGN);
		signal(SIGCHLD, SIG_IGN);
		serve(pair[1]);
		_exit(0);
	}
	close(pair[1]);
	f->socket = pair[0];
	return 0;
}

static int ask(const struct record_files *f, enum what what, const char *command, const char *path,
	       u32 most)
{
	struct request r = { .what = what, .most = most };

	snprintf(r.path, sizeof(r.path), "%s", path);
	snprintf(r.command, sizeof(r.command), "%s", command);
	return send(f->socket, &r, sizeof(r), MSG_NOSIGNAL) == sizeof(r) ? 0 : -1;
}

int record_files__make(struct record_files *f, const char *path)
{
	char made = 0, room[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec data = { &made, sizeof(made) };
	struct msghdr msg = {
		.msg_iov = &data, .msg_iovlen = 1, .msg_control = room,
		.msg_controllen = sizeof(room),
	};
	const struct cmsghdr *c;
	int fd;

	if (ask(f, MAKE, "", path, 0) || recvmsg(f->socket, &msg, MSG_CMSG_CLOEXEC) != 1)
		return error("%s: the process that makes files is gone", path);
	c = CMSG_FIRSTHDR(&msg);
	if (!made || !c)
		return -1;
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

int record_files__done(struct record_files *f, const char *suffix, u32 most)
{
	int err;

	if (ask(f, DONE, suffix, "", most) || recv(f->socket, &err, sizeof(err), 0) != sizeof(err))
		return error("the process that makes files is gone");
	return err;
}

void record_files__run(struct record_files *f, const char *command, const char *path)
{
	if (ask(f, RUN, command, path, 0))
		warning("--exec %s: the process that runs it is gone", command);
}

void record_files__undo(struct record_files *f)
{
	ask(f, UNDO, "", "", 0);
}

void record_files__end(struct record_files *f)
{
	if (f->socket < 0)
		return;
	close(f->socket);
	waitpid(f->pid, NULL, 0);
	f->socket = -1;
}
