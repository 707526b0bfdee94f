// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/error.h"
#include "util/memory.h"
#include "util/sandbox.h"
#include "util/symbols/namer.h"

#define FIND		"debuginfod-find"
#define SOCKET		(STDERR_FILENO + 1)	/* of the child */
#define PATH_BYTES	4096
#define MAX_FILES	256	/* build ids; a recording of many programs has some dozen */

struct namer {
	int fd;
	pid_t child;
};

struct answer {
	u64 into;
	char name[NAMER_NAME];	/* "": unknown */
};

/* Where files are looked for. */
struct finder {
	const char *dir;	/* or NULL */
	bool debuginfod;	/* until it cannot be run */
	struct named_file *files;
	u32 nr_files;
	bool full;			/* said so */
};

/* One that was looked for; what is in it may be hostile, too, and is read by a child of its own. */
struct named_file {
	struct named_file *next;
	pid_t child;			/* 0: there is no such file */
	int fd;				/* to it */
	u8 id[ELF_ID_MAX];
	u32 id_len;
};

static bool namer__read(int fd, void *to, size_t size)
{
	for (size_t at = 0; at < size;) {
		ssize_t got = read(fd, (char *)to + at, size - at);

		if (got <= 0 && !(got < 0 && errno == EINTR))
			return false;
		at += got > 0 ? got : 0;
	}
	return true;
}

/* MSG_NOSIGNAL: the other one may be gone. */
static bool namer__send(int fd, const void *from, size_t size)
{
	for (size_t at = 0; at < size;) {
		ssize_t sent = send(fd, (const char *)from + at, size - at, MSG_NOSIGNAL);

		if (sent <= 0 && !(sent < 0 && errno == EINTR))
			return false;
		at += sent > 0 ? sent : 0;
	}
	return true;
}

/* ---- the child ----------------------------------------------------------- */

/* Runs it with its output in a pipe, from which this reads. -1: it cannot be run (said so). */
static int spawn_find(const char *id, pid_t *pid)
{
	char *argv[] = { (char []) { FIND }, (char []) { "debuginfo" }, (char *)id, NULL };
	posix_spawn_file_actions_t actions;
	int fds[2], err;

	if (pipe2(fds, O_CLOEXEC))
		return -1;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	err = posix_spawnp(pid, FIND, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(fds[1]);
	if (!err)
		return fds[0];
	close(fds[0]);
	warning("--debuginfod: cannot run %s, which the package debuginfod has: %s", FIND,
		strerror(err));
	return -1;
}

/* What debuginfod-find has downloaded, or has from before; -1: nothing. */
static int open_found(struct finder *finder, const u8 *id, u32 len)
{
	char text[2 * ELF_ID_MAX + 1] = "", path[PATH_BYTES];
	size_t at = 0;
	ssize_t got;
	pid_t pid;
	int fd;

	for (u32 i = 0; i < len; i++)
		snprintf(text + (size_t)2 * i, 3, "%02x", id[i]);
	fd = spawn_find(text, &pid);
	finder->debuginfod = fd >= 0;
	if (fd < 0)
		return -1;
	while (at + 1 < sizeof(path) && (got = read(fd, path + at, sizeof(path) - at - 1)) > 0)
		at += got;
	close(fd);
	waitpid(pid, NULL, 0);
	path[at] = 0;
	path[strcspn(path, "\n")] = 0;
	return *path == '/' ? open(path, O_RDONLY | O_CLOEXEC) : -1;
}

/* Answers from the file as long as it is asked; has nothing but that and the socket. */
static void __attribute__((noreturn))
named_file__serve(const struct named_file *f, int socket, int file)
{
	struct answer answer = { .into = 0 };
	struct elf_symbols symbols = { .nr = 0 };
	struct elf_place place;
	const char *name;

	/* Both are above these: the namer has them, too. */
	if (dup2(socket, STDIN_FILENO) < 0 || dup2(file, STDOUT_FILENO) < 0)
		_exit(1);
	sandbox__close_files(STDOUT_FILENO + 1);
	sandbox__enter(SANDBOX_COMPUTE);
	elf_symbols__read_debug(&symbols, STDOUT_FILENO, f->id, f->id_len);
	while (namer__read(STDIN_FILENO, &place, sizeof(place))) {
		name = elf_symbols__find_address(&symbols, place.address, &answer.into);
		snprintf(answer.name, sizeof(answer.name), "%s", name ?: "");
		if (!namer__send(STDIN_FILENO, &answer, sizeof(answer)))
			break;
	}
	_exit(0);
}

/* Without a child it has no names. */
static void named_file__start(struct named_file *f, int file)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
		return;
	f->child = fork();
	if (!f->child)
		named_file__serve(f, fds[1], file);
	close(fds[1]);
	f->fd = fds[0];
	if (f->child > 0)
		return;
	close(f->fd);
	f->child = 0;
}

static void named_file__end(struct named_file *f)
{
	if (f->child) {
		close(f->fd);
		waitpid(f->child, NULL, 0);
	}
	f->child = 0;
}

/* A recording can name any number of them, and each may be a request to a server. */
static bool finder__full(struct finder *finder)
{
	if (finder->nr_files < MAX_FILES)
		return false;
	if (!finder->full)
		warning("debug symbols: more than %u build ids; the others are not looked up",
			MAX_FILES);
	finder->full = true;
	return true;
}

static struct named_file *namer__file(struct finder *finder, const struct elf_place *place)
{
	struct named_file *f = finder->files;
	int fd = -1;

	while (f && (f->id_len != place->id_len || memcmp(f->id, place->id, f->id_len)))
		f = f->next;
	if (f)
		return f;
	f = finder__full(finder) ? NULL : mem__calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	finder->nr_files++;
	f->id_len = place->id_len;
	memcpy(f->id, place->id, sizeof(f->id));
	f->next = finder->files;
	finder->files = f;
	if (finder->dir)
		fd = elf_symbols__open_debug(finder->dir, f->id, f->id_len);
	if (fd < 0 && finder->debuginfod)
		fd = open_found(finder, f->id, f->id_len);
	if (fd >= 0) {
		named_file__start(f, fd);
		close(fd);
	}
	return f;
}

static struct answer namer__answer(struct finder *finder, const struct elf_place *place)
{
	struct answer answer = { .into = 0 };
	struct named_file *f = namer__file(finder, place);

	if (f && f->child &&
	    (!namer__send(f->fd, place, sizeof(*place)) ||
	     !namer__read(f->fd, &answer, sizeof(answer)))) {
		answer = (struct answer) { .into = 0 };
		named_file__end(f);
	}
	return answer;
}

static void namer__serve(int fd, struct finder *finder)
{
	struct elf_place place;

	/* What else the command had open is not for the files found, nor for who finds them. */
	if (fd != SOCKET && dup3(fd, SOCKET, O_CLOEXEC) < 0)
		return;
	fd = SOCKET;
	sandbox__close_files(SOCKET + 1);
	while (namer__read(fd, &place, sizeof(place)) && place.id_len > 1 &&
	       place.id_len <= ELF_ID_MAX) {
		const struct answer answer = namer__answer(finder, &place);

		if (!namer__send(fd, &answer, sizeof(answer)))
			break;
	}
	for (struct named_file *f = finder->files, *next; f; f = next) {
		next = f->next;
		named_file__end(f);
		free(f);
	}
}

/* ---- its parent ---------------------------------------------------------- */

struct namer *namer__start(const char *debug_dir, bool debuginfod)
{
	struct finder finder = { .dir = debug_dir, .debuginfod = debuginfod };
	struct namer *n = mem__calloc(1, sizeof(*n));
	int fds[2];

	if (!n)
		return NULL;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds)) {
		error("cannot ask for debug symbols: %s", strerror(errno));
		free(n);
		return NULL;
	}
	n->child = fork();
	if (!n->child) {
		close(fds[0]);
		namer__serve(fds[1], &finder);
		_exit(0);
	}
	close(fds[1]);
	n->fd = fds[0];
	if (n->child > 0)
		return n;
	error("cannot start a process that looks for debug symbols: %s", strerror(errno));
	close(n->fd);
	free(n);
	return NULL;
}

bool namer__ask(struct namer *n, const struct elf_place *place, char *name, u64 *into)
{
	struct answer answer;

	if (!namer__send(n->fd, place, sizeof(*place)) ||
	    !namer__read(n->fd, &answer, sizeof(answer)) || !*answer.name)
		return false;
	answer.name[sizeof(answer.name) - 1] = 0;
	strcpy(name, answer.name);
	*into = answer.into;
	return true;
}

void namer__end(struct namer *n)
{
	if (!n)
		return;
	close(n->fd);
	waitpid(n->child, NULL, 0);
	free(n);
}
