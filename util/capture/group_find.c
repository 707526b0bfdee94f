// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fnmatch.h>
#include <fts.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "util/array.h"
#include "util/capture/group_find.h"
#include "util/error.h"
#include "util/nearest.h"
#include "bpf_skel/shared.h"

#define GROUPS_LISTED	6	/* that a message names */

typedef bool group_has(const char *path, const char *name);

static bool group_find__pattern(const char *name)
{
	return strpbrk(name, "*?[");
}

static const char *last_word(const char *path)
{
	return strrchr(path, '/') + 1;
}

/* systemd's names have backslashes that are no escapes. */
static bool is_named_group(const char *path, const char *name)
{
	const char *whole = name + (*name == '/');

	if (!group_find__pattern(name))
		return !strcmp(last_word(path), name);
	return !fnmatch(name, last_word(path), FNM_NOESCAPE) ||
	       !fnmatch(whole, path + 1, FNM_NOESCAPE | FNM_PATHNAME);
}

/* A pod's id has dashes, which systemd has no room for: kubelet writes underscores. */
static bool begins_with(const char *text, size_t len, const char *id)
{
	size_t i;

	for (i = 0; i < len && id[i]; i++)
		if (text[i] != id[i] && !(text[i] == '_' && id[i] == '-'))
			return false;
	return i && !id[i];
}

static bool is_hexadecimal(const char *text, size_t len)
{
	return len && strspn(text, "0123456789abcdef") >= len;
}

/*
 * docker-ID.scope, libpod-ID.scope, cri-containerd-ID.scope, crio-ID.scope and the like by systemd,
 * ID alone by cgroupfs, which is hexadecimal: any group could begin with another word;
 * kubepods-besteffort-podID.slice, podID. But libpod-conmon-ID.scope is not the container.
 */
bool group_find__is_container(const char *directory, const char *id)
{
	static const char *const before[] = {
		"", "docker-", "libpod-", "libpod_pod_", "cri-containerd-", "crio-", "nerdctl-", "lxc.payload.", "lxc-",
		"machine-", "pod", "kubepods-pod", "kubepods-besteffort-pod", "kubepods-burstable-pod",
	};
	size_t len = strlen(directory);
	const char *dot = strrchr(directory, '.');

	if (dot && (!strcmp(dot, ".scope") || !strcmp(dot, ".slice")))
		len = dot - directory;
	for (size_t i = 0; i < ARRAY_SIZE(before); i++) {
		size_t skip = strlen(before[i]);

		if (!skip && !is_hexadecimal(directory, strlen(directory)))
			continue;
		if (skip < len && !strncmp(directory, before[i], skip) &&
		    begins_with(directory + skip, len - skip, id))
			return true;
	}
	return false;
}

static bool is_container_group(const char *path, const char *id)
{
	return group_find__is_container(last_word(path), id);
}

static int group_find__add(struct group_choices *choices, u64 id, const char *path)
{
	for (u32 i = 0; i < choices->nr; i++)
		if (choices->list[i].id == id)
			return 0;
	if (choices->nr == KVMW_MAX_GROUPS)
		return error("-G, --container: more than %d control groups; choose one above them",
			     KVMW_MAX_GROUPS);
	if (array__reserve(choices->list, choices->nr, choices->room, NULL))
		return -1;
	choices->list[choices->nr].id = id;
	snprintf(choices->list[choices->nr++].path, CGROUPS_PATH, "%s", *path ? path : "/");
	return 0;
}

/* All groups of the hierarchy that have the name; what is below one of them comes with it. */
static int find_all(struct group_choices *choices, char *mount, group_has *has, const char *name,
		    struct nearest *n)
{
	char *const roots[] = { mount, NULL };
	FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
	size_t root = strlen(mount);
	FTSENT *entry;
	int err = 0;

	if (!tree)
		return error("cannot read %s: %s", mount, strerror(errno));
	while (!err && (entry = fts_read(tree))) {
		const char *path = entry->fts_path + root;

		/* Its st_ino is the group's id: kernfs, 5.5. */
		if (entry->fts_info != FTS_D || !*path || strlen(path) >= CGROUPS_PATH)
			continue;
		nearest__offer(n, last_word(path));
		if (!has(path, name))
			continue;
		err = group_find__add(choices, entry->fts_statp->st_ino, path);
		fts_set(tree, entry, FTS_SKIP);
	}
	fts_close(tree);
	return err;
}

static int is_several(const struct group_choices *found, const char *option, const char *name)
{
	char list[GROUPS_LISTED * (CGROUPS_PATH + 2) + 8] = "";
	size_t len = 0;

	for (u32 i = 0; i < found->nr && i < GROUPS_LISTED; i++)
		len += snprintf(list + len, sizeof(list) - len, "%s%s", i ? ", " : "",
				found->list[i].path);
	return error("%s '%s': %u control groups have this name: %s%s; give more of the path", option,
		     name, found->nr, list, found->nr > GROUPS_LISTED ? ", ..." : "");
}

static int group_find__all(struct group_choices *choices, char *mount, group_has *has,
			   const char *option, const char *name)
{
	struct group_choices found = { .nr = 0 };
	struct nearest n;
	int err;

	nearest__begin(&n, name, strlen(name));
	err = find_all(&found, mount, has, name, &n);
	if (!err && !found.nr)
		err = has == is_container_group ?
		      error("%s '%s': no control group below %s is that of a container or pod with this id; docker ps, "
			    "podman ps and crictl ps show the ids of those that run", option, name, mount) :
		      error("%s '%s': no control group below %s has this path or name%s; systemd-cgls shows the "
			    "control groups", option, name, mount, nearest__hint(&n));
	else if (!err && found.nr > 1 && (has == is_container_group || !group_find__pattern(name)))
		err = is_several(&found, option, name);
	for (u32 i = 0; i < found.nr && !err; i++)
		err = group_find__add(choices, found.list[i].id, found.list[i].path);
	group_find__free(&found);
	return err;
}

static int find_mount(char *mount, const char *option)
{
	if (cgroups__mounted(mount))
		return 0;
	return error("%s: this host has no cgroup v2 hierarchy mounted, by which the kernel could select; give -p the "
		     "process ids in the group's cgroup.procs, or: mount -t cgroup2 none /mnt", option);
}

/* Whether the name is a path, from / on or below the mount: then it is added. *err: -1: failed. */
static bool group_find__path(struct group_choices *choices, const char *mount, const char *name,
			     int *err)
{
	char path[2 * CGROUPS_PATH], full[PATH_MAX];
	size_t root = strlen(mount);
	struct statfs fs;
	struct stat st;

	for (u32 below = 0; below < 2; below++) {
		if (!below && *name != '/')
			continue;
		snprintf(path, sizeof(path), "%s%s%s", below ? mount : "",
			 below && *name != '/' ? "/" : "", name);
		if (!realpath(path, full) || stat(full, &st) || !S_ISDIR(st.st_mode) ||
		    statfs(full, &fs) || fs.f_type != CGROUP2_SUPER_MAGIC ||
		    strncmp(full, mount, root) || strlen(full + root) >= CGROUPS_PATH)
			continue;
		*err = group_find__add(choices, st.st_ino, full + root);
		return true;
	}
	return false;
}

int group_find__named(struct group_choices *choices, const char *name)
{
	char mount[CGROUPS_PATH];
	int err = 0;

	if (find_mount(mount, "-G"))
		return -1;
	return group_find__path(choices, mount, name, &err) ? err :
	       group_find__all(choices, mount, is_named_group, "-G", name);
}

int group_find__container(struct group_choices *choices, const char *id)
{
	char mount[CGROUPS_PATH];

	return find_mount(mount, "--container") ? -1 :
	       group_find__all(choices, mount, is_container_group, "--container", id);
}

bool group_find__has(const struct group_choices *choices, pid_t pid)
{
	char path[CGROUPS_PATH];

	if (!choices->nr || !cgroups__of_process(pid, path))
		return false;
	for (u32 i = 0; i < choices->nr; i++) {
		const char *of = choices->list[i].path;
		size_t len = strlen(of);

		if (len == 1 || (!strncmp(path, of, len) && (!path[len] || path[len] == '/')))
			return true;
	}
	return false;
}

void group_find__free(struct group_choices *choices)
{
	free(choices->list);
	memset(choices, 0, sizeof(*choices));
}
