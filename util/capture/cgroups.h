/* SPDX-License-Identifier: GPL-2.0 */
/* The control groups of VMs' threads: cgroup v2, or the cpu and cpuset hierarchies of v1. */
#ifndef KVMW_CGROUPS_H
#define KVMW_CGROUPS_H

#include "util/capture/interned.h"
#include "util/event_desc.h"

#define CGROUPS_PATH	512	/* bytes of a path */

struct cgroups {			/* all zero: empty */
	struct kvmw_cgroup *row;	/* of the moment that was read last */
	u32 nr, room;
};

/*
 * Adds the groups of one process, at this moment (KVMW_cgroup_*). Those that cannot be seen, as
 * from within a container, are missing. 0, or -1: out of memory (error() said so).
 */
int cgroups__read(struct cgroups *groups, u32 kind, u32 pid, struct interned *names);
/*
 * Whether a control group of v2 has the memory of this process and of no other: then dir, of at
 * most CGROUPS_PATH bytes, is its directory.
 */
bool cgroups__own(u32 pid, char *dir, size_t size);
/* The mount point of the v2 hierarchy, CGROUPS_PATH bytes; false: it is not mounted. */
bool cgroups__mounted(char *dir);
/*
 * The path below it of the group of v2 that a process is in, CGROUPS_PATH bytes; false: none that
 * can be seen.
 */
bool cgroups__of_process(u32 pid, char *path);
void cgroups__free(struct cgroups *groups);

#endif
