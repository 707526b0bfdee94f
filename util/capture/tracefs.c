// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <linux/magic.h>
#include <traceevent/event-parse.h>

#include "util/capture/tracefs.h"
#include "util/nearest.h"

#define FORMAT_MAX (64 * 1024)

static bool is_tracefs(const char *path)
{
	struct statfs fs;

	return !statfs(path, &fs) && fs.f_type == TRACEFS_MAGIC;
}

const char *tracefs__path(void)
{
	static const char *const places[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (is_tracefs(places[i]))
			return places[i];
	if (!mount("tracefs", places[0], "tracefs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
		return places[0];
	return NULL;
}

static int event_path(char *path, size_t size, const char *category, const char *name,
		      const char *file)
{
	const char *root = tracefs__path();
	int len;

	if (!root)
		return ENOENT;
	len = snprintf(path, size, "%s/events/%s/%s/%s", root, category, name, file);
	return len < 0 || (size_t)len >= size ? ENAMETOOLONG : 0;
}

int tracefs__tracepoint(const char *category, const char *name)
{
	char path[PATH_MAX];
	int err = event_path(path, sizeof(path), category, name, "id");

	if (err)
		return err;
	/* access(2) ignores effective capabilities, and so may eaccess(3). */
	return faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) ? errno : 0;
}

u64 tracefs__id(const char *category, const char *name)
{
	char path[PATH_MAX];
	unsigned long long id = 0;
	FILE *f;

	if (event_path(path, sizeof(path), category, name, "id"))
		return 0;
	f = fopen(path, "re");
	if (f && fscanf(f, "%llu", &id) != 1)
		id = 0;
	if (f)
		fclose(f);
	return id;
}

static void offer_category(const char *category, struct nearest *n)
{
	char path[PATH_MAX], name[NEAREST_MAX + 1];
	const struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/events/%s", tracefs__path() ?: "", category);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (snprintf(name, sizeof(name), "%s:%s", category, entry->d_name) <
		    (int)sizeof(name) && entry->d_type == DT_DIR && *entry->d_name != '.')
			nearest__offer(n, name);
	if (dir)
		closedir(dir);
}

void tracefs__offer(const char *category, struct nearest *n)
{
	char path[PATH_MAX];
	const struct dirent *entry;
	DIR *dir;

	offer_category(category, n);
	snprintf(path, sizeof(path), "%s/events", tracefs__path() ?: "");
	dir = *n->word ? NULL : opendir(path);
	while (dir && (entry = readdir(dir)))
		if (entry->d_type == DT_DIR && *entry->d_name != '.')
			offer_category(entry->d_name, n);
	if (dir)
		closedir(dir);
}

/* 0 and text, of less than FORMAT_MAX bytes; or an errno. */
static int read_format(const char *category, const char *name, char *text)
{
	char path[PATH_MAX];
	size_t len = 0;
	ssize_t got = 1;
	int fd, err;

	err = event_path(path, sizeof(path), category, name, "format");
	if (err)
		return err;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	while (got > 0 && len < FORMAT_MAX - 1) {
		got = read(fd, text + len, FORMAT_MAX - 1 - len);
		len += got > 0 ? got : 0;
	}
	err = got < 0 ? errno : 0;
	close(fd);
	text[len] = '\0';
	return err;
}

char *tracefs__format_text(const char *category, const char *name)
{
	char text[FORMAT_MAX];

	errno = read_format(category, name, text);
	return errno ? NULL : strdup(text);
}

struct tep_event *tracefs__format(const char *category, const char *name,
				  struct tep_handle **tep)
{
	struct tep_event *event = NULL;
	char text[FORMAT_MAX];

	errno = read_format(category, name, text);
	if (errno)
		return NULL;
	*tep = tep_alloc();
	if (*tep && tep_parse_format(*tep, &event, text, strlen(text), category) != 0) {
		/* The fields are read even if libtraceevent cannot parse the print format. */
		if (!event || !event->format.nr_fields) {
			tep_free(*tep);
			*tep = NULL;
			event = NULL;
			errno = EPROTO;
		}
	}
	return event;
}
