/* SPDX-License-Identifier: GPL-2.0 */
/* How much of the host VMs may use, in words and JSON. */
#ifndef KVMW_RENDER_LIMITS_H
#define KVMW_RENDER_LIMITS_H

#include "util/render/json.h"
#include "util/analysis/vm_limits.h"

#define LIMITS_WORDS	5000	/* bytes */

/* "pid 4711: 4 vCPUs may use 2 CPUs, of these the time of 1.50". Returns buf, of LIMITS_WORDS. */
const char *limits__of_vm(const struct vm_cpus *vm, char *buf);
/* "/machine.slice/x (pid 4711, 9 threads): CPUs 0-3, quota 30 of each 100 ms, ..." likewise. */
const char *limits__of_group(const struct vm_group *g, char *buf);

/* Members "vm_cpus" and "cgroups". */
void limits__json(struct json_writer *w, struct json_object *root, const struct vm_limits *limits);

#endif
