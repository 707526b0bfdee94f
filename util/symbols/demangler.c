// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/error.h"
#include "util/memory.h"
#include "util/sandbox.h"
#include "util/symbols/demangle.h"
#include "util/symbols/demangler.h"
#include "util/text.h"

/* of a frame, and of what it is called; longer ones stay as they are */
#define FRAME_BYTES 4096
#define NR_KNOWN	8192	/* a power of two: of a thousand bytes, at most */
#define KNOWN_BYTES	1000
#define CPU_USEC	250000	/* of all frames of a recording: a name takes a few */

/* Most frames are in many stacks. */
struct known_frame {
	char *frame;
	char *is;		/* NULL: no such name */
};

struct demangler {
	int fd;
	pid_t child;
	bool over;
	struct known_frame *known;	/* NR_KNOWN of them, from the first question on; or NULL */
};

/* ---- the child ----------------------------------------------------------- */

/* All frames together: a recording can hold any number of slow ones. */
static void limit_child(void)
{
	const struct itimerval t = { .it_value.tv_usec = CPU_USEC };
	const struct rlimit none = { 0, 0 };

	signal(SIGVTALRM, SIG_DFL);
	setrlimit(RLIMIT_CORE, &none);
	setitimer(ITIMER_VIRTUAL, &t, NULL);
	sandbox__enter(SANDBOX_COMPUTE);
}

/* A first byte of an answer says whether there is one. */
static void __attribute__((noreturn)) demangler__serve(int fd)
{
	char frame[FRAME_BYTES], answer[1 + FRAME_BYTES];
	ssize_t got;

	if (dup2(fd, STDIN_FILENO) < 0)
		_exit(1);
	sandbox__close_files(STDIN_FILENO + 1);
	limit_child();
	while ((got = recv(STDIN_FILENO, frame, sizeof(frame) - 1, 0)) > 0) {
		frame[got] = '\0';
		*answer = demangle__frame(frame, answer + 1, sizeof(answer) - 1);
		if (send(STDIN_FILENO, answer, 1 + (*answer ? strlen(answer + 1) : 0),
			 MSG_NOSIGNAL) < 0)
			break;
	}
	_exit(0);
}

/* ---- its parent ---------------------------------------------------------- */

struct demangler *demangler__start(void)
{
	struct demangler *d = mem__calloc(1, sizeof(*d));
	int fds[2];

	if (!d)
		return NULL;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds)) {
		error("cannot demangle functions: %s; --no-demangle", strerror(errno));
		free(d);
		return NULL;
	}
	d->child = fork();
	if (!d->child)
		demangler__serve(fds[1]);
	close(fds[1]);
	d->fd = fds[0];
	if (d->child > 0)
		return d;
	error("cannot start a process that demangles functions: %s; --no-demangle",
	      strerror(errno));
	close(d->fd);
	free(d);
	return NULL;
}

/* False: it did not answer, and never will. */
static bool demangler__ask(struct demangler *d, const char *frame, char *answer)
{
	size_t len = strlen(frame);
	ssize_t got = -1;

	if (send(d->fd, frame, len, MSG_NOSIGNAL) == (ssize_t)len)
		while ((got = recv(d->fd, answer, FRAME_BYTES, 0)) < 0 && errno == EINTR)
			;
	if (got <= 0) {
		d->over = true;
		warning("C++ and Rust functions: no time is left to demangle more of them; the others "
			"keep their mangled names");
		return false;
	}
	answer[got] = '\0';
	return true;
}

static struct known_frame *known_frame(struct demangler *d, const char *frame)
{
	u32 hash = 2166136261U;

	for (const char *c = frame; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 16777619U;
	return &d->known[hash & (NR_KNOWN - 1)];
}

static void known_frame__clear(struct known_frame *k)
{
	free(k->frame);
	free(k->is);
	*k = (struct known_frame) { .frame = NULL };
}

/* One that is not kept is asked for again. */
static void known_frame__set(struct known_frame *k, const char *frame, const char *answer)
{
	known_frame__clear(k);
	if (strlen(frame) + strlen(answer) > KNOWN_BYTES)
		return;
	k->frame = strdup(frame);
	k->is = *answer ? strdup(answer + 1) : NULL;
	if (*answer && !k->is)
		known_frame__clear(k);
}

bool demangler__frame(struct demangler *d, const char *frame, char *buf, size_t size)
{
	static const char *const begins[] = { "_Z", "_R" };
	char answer[1 + FRAME_BYTES];
	struct known_frame *k;
	const char *is;

	if (!text__begins(frame, begins, ARRAY_SIZE(begins)) || strlen(frame) >= FRAME_BYTES)
		return false;
	d->known = d->known ?: calloc(NR_KNOWN, sizeof(*d->known));
	k = d->known ? known_frame(d, frame) : NULL;
	if (!k || !k->frame || strcmp(k->frame, frame)) {
		if (d->over || !demangler__ask(d, frame, answer))
			return false;
		if (k)
			known_frame__set(k, frame, answer);
		is = *answer ? answer + 1 : NULL;
	} else {
		is = k->is;
	}
	return is && (size_t)snprintf(buf, size, "%s", is) < size;
}

void demangler__end(struct demangler *d)
{
	if (!d)
		return;
	close(d->fd);
	while (waitpid(d->child, NULL, 0) < 0 && errno == EINTR)
		;
	for (u32 i = 0; d->known && i < NR_KNOWN; i++)
		known_frame__clear(&d->known[i]);
	free(d->known);
	free(d);
}
