/* SPDX-License-Identifier: GPL-2.0 */
/* Control groups of v2, by what -G and --container call them. */
#ifndef KVMW_GROUP_FIND_H
#define KVMW_GROUP_FIND_H

#include <sys/types.h>

#include "util/capture/cgroups.h"

struct group_choice {
	u64 id;				/* the kernel's */
	char path[CGROUPS_PATH];	/* below the mount, such as "/machine.slice" */
};

struct group_choices {			/* all zero: none */
	struct group_choice *list;	/* each once */
	u32 nr, room;
};

/*
 * Adds the groups that have this path, or this name wherever they are; a pattern (fnmatch(3))
 * stands for all that match. 0, or -1: there is none, or several have a name that is no pattern
 * (error() said so).
 */
int group_find__named(struct group_choices *choices, const char *name);
/* Adds that of the container or pod with this id, or the beginning of it. Likewise. */
int group_find__container(struct group_choices *choices, const char *id);
/* Whether a process is in one of them, or below. */
bool group_find__has(const struct group_choices *choices, pid_t pid);
void group_find__free(struct group_choices *choices);

/* Whether the name of a container's or pod's directory gives an id that begins with this. */
bool group_find__is_container(const char *directory, const char *id);

#endif
