// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include "util/render/json.h"
#include "util/render/limits.h"
#include "util/render/units.h"

const char *limits__of_vm(const struct vm_cpus *vm, char *buf)
{
	char cpus[48] = "an unknown number of CPUs", quota[64] = "";

	if (vm->cpus != ~0U)
		snprintf(cpus, sizeof(cpus), "%u CPU%s", vm->cpus, vm->cpus == 1 ? "" : "s");
	if (vm->quota_cpus)
		snprintf(quota, sizeof(quota), ", but no more than %.2f CPUs' time",
			 vm->quota_cpus);
	snprintf(buf, LIMITS_WORDS, "pid %u: %u vCPU%s, which may use %s%s", vm->pid, vm->vcpus,
		 vm->vcpus == 1 ? "" : "s", cpus, quota);
	return buf;
}

static void say_quota(const struct vm_group *g, char *buf, size_t size)
{
	char time[UNITS_MAX];
	size_t len;

	if (g->quota_ns == KVMW_NONE)
		snprintf(buf, size, "quota unknown");
	else if (!g->quota_ns)
		snprintf(buf, size, "no quota");
	else
		snprintf(buf, size, "quota %.3g of each %.3g ms", g->quota_ns / 1e6,
			 g->period_ns == KVMW_NONE ? 0 : g->period_ns / 1e6);
	len = strlen(buf);
	if (!g->quota_ns || g->periods == KVMW_NONE || g->throttled == KVMW_NONE)
		return;
	snprintf(buf + len, size - len, ", used up in %llu of %llu periods, %s",
		 (unsigned long long)g->throttled, (unsigned long long)g->periods,
		 units__ns(g->throttled_ns, UNITS_FULL, time));
}

/* ", 512 MiB anonymous memory (94.0% in huge pages)"; nothing of what is unknown, or not there */
static void say_memory(const char *what, u64 bytes, u64 huge, char *buf, size_t size)
{
	char share[UNITS_MAX], huge_words[64] = "";

	*buf = '\0';
	if (!bytes || bytes == KVMW_NONE)
		return;
	if (huge != KVMW_NONE)
		snprintf(huge_words, sizeof(huge_words), " (%s in huge pages)",
			 units__share(huge, bytes, share));
	snprintf(buf, size, ", %.0f MiB %s%s", bytes / 1048576.0, what, huge_words);
}

const char *limits__of_group(const struct vm_group *g, char *buf)
{
	char quota[160], anon[128], shmem[128];

	say_memory("anonymous memory", g->anon_bytes, g->anon_huge_bytes, anon, sizeof(anon));
	say_memory("shared memory", g->shmem_bytes, g->shmem_huge_bytes, shmem, sizeof(shmem));
	say_quota(g, quota, sizeof(quota));
	snprintf(buf, LIMITS_WORDS, "%s (pid %u, %u thread%s): %s%s%s%s%s%s",
		 *g->path ? g->path : "?", g->pid, g->threads, g->threads == 1 ? "" : "s",
		 *g->cpuset ? "CPUs " : "", g->cpuset, *g->cpuset ? ", " : "", quota, anon, shmem);
	return buf;
}

static struct json_object *make_group(struct json_writer *w, const void *ctx, u32 i)
{
	const struct vm_group *g = &((const struct vm_limits *)ctx)->group[i];
	struct json_object *item = json_object_new_object();

	json__u64(item, "pid", g->pid);
	json__text(item, "path", *g->path ? g->path : NULL);
	json__u64(item, "threads", g->threads);
	json__text(item, "cpuset", *g->cpuset ? g->cpuset : NULL);
	json__ns(item, "quota_ns", g->quota_ns);
	json__ns(item, "period_ns", g->period_ns);
	json__ns(item, "periods", g->periods);
	json__ns(item, "throttled_periods", g->throttled);
	json__ns(item, "throttled_ns", g->throttled_ns);
	json__ns(item, "anon_bytes", g->anon_bytes);
	json__ns(item, "anon_huge_bytes", g->anon_huge_bytes);
	json__ns(item, "shmem_bytes", g->shmem_bytes);
	json__ns(item, "shmem_huge_bytes", g->shmem_huge_bytes);
	return item;
}

static struct json_object *make_vm_cpus(struct json_writer *w, const void *ctx, u32 i)
{
	const struct vm_cpus *vm = &((const struct vm_limits *)ctx)->vm[i];
	struct json_object *item = json_object_new_object();

	json__u64(item, "pid", vm->pid);
	json__u64(item, "vcpus", vm->vcpus);
	json__ns(item, "cpus", vm->cpus == ~0U ? KVMW_NONE : vm->cpus);
	if (vm->quota_cpus)
		json__real(item, "quota_cpus", vm->quota_cpus);
	else
		json_object_object_add(item, "quota_cpus", NULL);
	return item;
}

void limits__json(struct json_writer *w, struct json_object *root, const struct vm_limits *limits)
{
	if (!limits->nr_vms && !limits->nr_groups)
		return;
	json__list(w, root, "vm_cpus", limits->nr_vms, make_vm_cpus, limits);
	json__list(w, root, "cgroups", limits->nr_groups, make_group, limits);
}
