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
#include "util/symbols/namer.h"

#define FIND		"debuginfod-find"
#define PATH_BYTES	4096

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
};

struct named_file {
	struct named_file *next;
	struct elf_symbols symbols;
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
	warning("--debuginfod: cannot run %s, which the package debuginfod has: %s", FIND, strerror(err));
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

static struct named_file *namer__file(struct finder *finder, const struct elf_place *place)
{
	struct named_file *f = finder->files;
	int fd = -1;

	while (f && (f->id_len != place->id_len || memcmp(f->id, place->id, f->id_len)))
		f = f->next;
	if (f)
		return f;
	f = mem__calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	f->id_len = place->id_len;
	memcpy(f->id, place->id, sizeof(f->id));
	f->next = finder->files;
	finder->files = f;
	if (finder->dir)
		fd = elf_symbols__open_debug(finder->dir, f->id, f->id_len);
	if (fd < 0 && finder->debuginfod)
		fd = open_found(finder, f->id, f->id_len);
	if (fd >= 0) {
		elf_symbols__read_debug(&f->symbols, fd, f->id, f->id_len);
		close(fd);
	}
	return f;
}

static void namer__serve(int fd, struct finder *finder)
{
	struct answer answer = { .into = 0 };
	struct elf_place place;

	while (namer__read(fd, &place, sizeof(place)) && place.id_len > 1 && place.id_len <= ELF_ID_MAX) {
		const struct named_file *f = namer__file(finder, &place);
		const char *name = f ? elf_symbols__find_address(&f->symbols, place.address, &answer.into) : NULL;

		snprintf(answer.name, sizeof(answer.name), "%s", name ?: "");
		if (!namer__send(fd, &answer, sizeof(answer)))
			break;
	}
	for (struct named_file *f = finder->files, *next; f; f = next) {
		next = f->next;
		elf_symbols__free(&f->symbols);
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

	if (!namer__send(n->fd, place, sizeof(*place)) || !namer__read(n->fd, &answer, sizeof(answer)) || !*answer.name)
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
