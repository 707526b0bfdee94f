// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/array.h"
#include "util/capture/cgroups.h"
#include "util/capture/proc.h"
#include "util/capture/session.h"

#define PATH_SIZE	CGROUPS_PATH
#define MAX_GROUPS	512	/* distinct ones of a process */

/* Where the hierarchies are mounted; "": not at all. */
struct mounts {
	char v2[PATH_SIZE], cpu[PATH_SIZE], cpuset[PATH_SIZE];
};

/* A group that threads of the process are in. */
struct group {
	char path[PATH_SIZE];	/* of the hierarchy that has quotas */
	char cpuset[PATH_SIZE];	/* of the one that has CPUs */
	u32 threads;
};

struct groups_of {
	struct mounts mounts;
	struct group *group;
	u32 nr, room;
	bool failed;
};

/* "36 25 0:31 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw": mountinfo, proc(5). */
static void take_mount(struct mounts *m, const char *line)
{
	char root[PATH_SIZE], point[PATH_SIZE], type[32], options[PATH_SIZE];
	const char *dash = strstr(line, " - ");

	if (!dash || sscanf(line, "%*d %*d %*s %511s %511s", root, point) != 2 ||
	    sscanf(dash, " - %31s %*s %511s", type, options) != 2 || strcmp(root, "/"))
		return;
	if (!strcmp(type, "cgroup2") && !*m->v2)
		strcpy(m->v2, point);
	if (strcmp(type, "cgroup"))
		return;
	for (char *save = NULL, *word = strtok_r(options, ",", &save); word;
	     word = strtok_r(NULL, ",", &save)) {
		if (!strcmp(word, "cpu"))
			strcpy(m->cpu, point);
		if (!strcmp(word, "cpuset"))
			strcpy(m->cpuset, point);
	}
}

static void find_mounts(struct mounts *m)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char line[4 * PATH_SIZE];

	memset(m, 0, sizeof(*m));
	while (f && fgets(line, sizeof(line), f))
		take_mount(m, line);
	if (f)
		fclose(f);
}

static bool has_controller(const char *list, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = strstr(list, name); at; at = strstr(at + 1, name))
		if ((at == list || at[-1] == ',') && (!at[len] || at[len] == ','))
			return true;
	return false;
}

/* Groups of a thread, one line for each hierarchy: "4:cpu,cpuacct:/path", of v2 "0::/path". */
static bool groups_of_thread(const struct mounts *m, u32 pid, const char *tid, struct group *g)
{
	char text[4096], v2[PATH_SIZE] = "";

	*g = (struct group) { .threads = 1 };
	proc__read(text, sizeof(text), "/proc/%u/task/%s/cgroup", pid, tid);
	for (char *save = NULL, *line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		char *list = strchr(line, ':'), *path = list ? strchr(list + 1, ':') : NULL;

		if (!path)
			continue;
		*path++ = '\0';
		list++;
		if (!*list)
			snprintf(v2, sizeof(v2), "%s", path);
		if (has_controller(list, "cpu"))
			snprintf(g->path, sizeof(g->path), "%s", path);
		if (has_controller(list, "cpuset"))
			snprintf(g->cpuset, sizeof(g->cpuset), "%s", path);
	}
	if (!*m->cpu)
		strcpy(g->path, v2);
	if (!*m->cpuset)
		strcpy(g->cpuset, v2);
	/* "/../x" is outside of our namespace. */
	return *g->path && strncmp(g->path, "/..", 3);
}

static void add_group_of_thread(struct groups_of *of, const struct group *g)
{
	for (u32 i = 0; i < of->nr; i++) {
		if (strcmp(of->group[i].path, g->path))
			continue;
		of->group[i].threads++;
		return;
	}
	if (of->nr == MAX_GROUPS)
		return;
	of->failed = array__reserve(of->group, of->nr, of->room, NULL);
	if (!of->failed)
		of->group[of->nr++] = *g;
}

static void collect_groups(struct groups_of *of, u32 pid)
{
	struct dirent *entry;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%u/task", pid);
	dir = opendir(path);
	while (dir && !of->failed && (entry = readdir(dir))) {
		struct group g;

		if (*entry->d_name != '.' && groups_of_thread(&of->mounts, pid, entry->d_name, &g))
			add_group_of_thread(of, &g);
	}
	if (dir)
		closedir(dir);
}

static u64 number_in(const char *text, const char *name, u64 unit)
{
	const char *at = strstr(text, name);

	/* The name of a line, not the end of another one. */
	while (at && ((at != text && at[-1] != '\n') || at[strlen(name)] != ' '))
		at = strstr(at + 1, name);
	return at ? strtoull(at + strlen(name), NULL, 10) * unit : KVMW_NONE;
}

/* The quota is 0 if the group has none: also if it has no controller that could enforce one. */
static void read_quota(const struct mounts *m, const char *path, struct kvmw_cgroup *row)
{
	bool v1 = *m->cpu;
	const char *at = v1 ? m->cpu : m->v2;
	unsigned long long period;
	char text[1024], quota[32];

	row->quota_ns = row->period_ns = KVMW_NONE;
	proc__read(text, sizeof(text), "%s%s/cpu.stat", at, path);
	row->periods = number_in(text, "nr_periods", 1);
	row->throttled = number_in(text, "nr_throttled", 1);
	row->throttled_ns = v1 ? number_in(text, "throttled_time", 1) :
				 number_in(text, "throttled_usec", 1000);
	if (v1) {
		proc__line(quota, sizeof(quota), "%s%s/cpu.cfs_quota_us", at, path);
		proc__line(text, sizeof(text), "%s%s/cpu.cfs_period_us", at, path);
		if (!*quota || !*text)
			return;
		row->quota_ns = *quota == '-' ? 0 : strtoull(quota, NULL, 10) * 1000;
		row->period_ns = strtoull(text, NULL, 10) * 1000;
		return;
	}
	/* The root, and a group without the controller, have no such file, and no quota. */
	if (proc__read(text, sizeof(text), "%s%s/cpu.max", at, path) < 0 && errno == ENOENT) {
		snprintf(text, sizeof(text), "%s%s/cgroup.procs", at, path);
		row->quota_ns = access(text, F_OK) ? KVMW_NONE : 0;
		return;
	}
	if (sscanf(text, "%31s %llu", quota, &period) != 2)
		return;
	row->quota_ns = strtoull(quota, NULL, 10) * 1000;	/* "max" has none */
	row->period_ns = period * 1000;
}

/* Where the memory controller is on, and of v2 alone; the root group has none, either. */
static void read_memory(const struct mounts *m, const char *path, struct kvmw_cgroup *row)
{
	char text[8192] = "";

	if (*m->v2 && !*m->cpu)
		proc__read(text, sizeof(text), "%s%s/memory.stat", m->v2, path);
	row->anon_bytes = number_in(text, "anon", 1);
	row->anon_huge_bytes = number_in(text, "anon_thp", 1);
	row->shmem_bytes = number_in(text, "shmem", 1);
	row->shmem_huge_bytes = number_in(text, "shmem_thp", 1);
}

/* The root group of v2 has no such file. */
static int read_cpuset(const struct mounts *m, const char *path, struct interned *names,
		       struct kvmw_cgroup *row)
{
	char text[4096];

	if (*m->cpuset)
		proc__line(text, sizeof(text), "%s%s/cpuset.effective_cpus", m->cpuset, path);
	else
		proc__line(text, sizeof(text), "%s%s/cpuset.cpus.effective", m->v2, path);
	return interned__text(names, text, &row->cpuset);
}

static bool lies_in(const char *path, const char *group)
{
	size_t len = strlen(group);

	return !strcmp(group, "/") ||
	       (!strncmp(path, group, len) && (!path[len] || path[len] == '/'));
}

/* above: a group that has none of the threads itself; it is added only for its quota. */
static int add_row(struct cgroups *groups, const struct groups_of *of, const struct group *g,
		   bool above, struct kvmw_cgroup *row, struct interned *names)
{
	row->threads = 0;
	for (u32 i = 0; i < of->nr; i++)
		row->threads += lies_in(of->group[i].path, g->path) ? of->group[i].threads : 0;
	read_quota(&of->mounts, g->path, row);
	if (above && (!row->quota_ns || row->quota_ns == KVMW_NONE))
		return 0;
	read_memory(&of->mounts, g->path, row);
	row->time_ns = monotonic_ns();
	row->cpuset = INTERNED_NONE;
	if (interned__text(names, g->path, &row->path) ||
	    (!above && read_cpuset(&of->mounts, g->cpuset, names, row)) ||
	    array__reserve(groups->row, groups->nr, groups->room, NULL))
		return -1;
	groups->row[groups->nr++] = *row;
	return 0;
}

static bool is_listed(const struct groups_of *of, u32 before, const char *path)
{
	for (u32 i = 0; i < of->nr; i++)
		if (!strcmp(of->group[i].path, path) ||
		    (i < before && lies_in(of->group[i].path, path)))
			return true;
	return false;
}

/* A group, and those above it that no earlier one is in. */
static int add_group(struct cgroups *groups, const struct groups_of *of, u32 i,
		     struct kvmw_cgroup *row, struct interned *names)
{
	struct group g = of->group[i];
	int err = add_row(groups, of, &g, false, row, names);
	char *slash;

	while (!err && (slash = strrchr(g.path, '/')) && slash != g.path) {
		*slash = '\0';
		if (!is_listed(of, i, g.path))
			err = add_row(groups, of, &g, true, row, names);
	}
	return err;
}

int cgroups__read(struct cgroups *groups, u32 kind, u32 pid, struct interned *names)
{
	struct kvmw_cgroup row = { .kind = kind, .pid = pid };
	struct groups_of of = { .nr = 0 };
	int err;

	find_mounts(&of.mounts);
	if (*of.mounts.v2 || *of.mounts.cpu)
		collect_groups(&of, pid);
	err = of.failed ? -1 : 0;
	for (u32 i = 0; i < of.nr && !err; i++)
		err = add_group(groups, &of, i, &row, names);
	free(of.group);
	return err;
}

/* Threads of the kernel have none: KVM and vhost put those of a VM into its group. */
static bool has_memory(u32 pid)
{
	char text[8192], value[32];

	proc__read(text, sizeof(text), "/proc/%u/status", pid);
	return !*text || proc__value(text, "VmRSS", value, sizeof(value));
}

static bool is_alone_in(const char *dir, u32 pid)
{
	char text[4096], type[32], descendants[32];
	bool found = false;

	if (proc__read(text, sizeof(text), "%s/cgroup.procs", dir) >= (ssize_t)sizeof(text) - 1)
		return false;
	for (char *save = NULL, *word = strtok_r(text, "\n", &save); word;
	     word = strtok_r(NULL, "\n", &save)) {
		u32 other = strtoul(word, NULL, 10);

		found |= other == pid;
		if (other != pid && has_memory(other))
			return false;
	}
	/* Processes in groups below may be charged here; of threads, those of the same process. */
	proc__line(type, sizeof(type), "%s/cgroup.type", dir);
	proc__line(descendants, sizeof(descendants), "%s/cgroup.stat", dir);
	return found &&
	       (!strcmp(type, "domain threaded") || !strcmp(descendants, "nr_descendants 0"));
}

bool cgroups__mounted(char *dir)
{
	struct mounts m;

	find_mounts(&m);
	strcpy(dir, m.v2);
	return *dir;
}

bool cgroups__of_process(u32 pid, char *path)
{
	char text[4096], *at;

	proc__read(text, sizeof(text), "/proc/%u/cgroup", pid);
	at = strncmp(text, "0::/", 4) ? strstr(text, "\n0::/") : text;
	at = at ? strchr(at, '/') : NULL;
	if (!at)
		return false;
	at[strcspn(at, "\n")] = '\0';
	/* "/../x" is outside of our namespace. */
	if (!strncmp(at, "/..", 3) || strlen(at) >= PATH_SIZE)
		return false;
	strcpy(path, at);
	return true;
}

bool cgroups__own(u32 pid, char *dir, size_t size)
{
	char mount[PATH_SIZE], path[PATH_SIZE], type[32];
	size_t root;

	if (!cgroups__mounted(mount) || !cgroups__of_process(pid, path))
		return false;
	root = strlen(mount);
	if (root + strlen(path) >= size)
		return false;
	snprintf(dir, size, "%s%s", mount, path);
	/* Memory is charged to the group that those of single threads are below. */
	while (!strcmp(proc__line(type, sizeof(type), "%s/cgroup.type", dir), "threaded") &&
	       strlen(dir) > root + 1)
		*strrchr(dir, '/') = '\0';
	return is_alone_in(dir, pid);
}

void cgroups__free(struct cgroups *groups)
{
	free(groups->row);
	memset(groups, 0, sizeof(*groups));
}
