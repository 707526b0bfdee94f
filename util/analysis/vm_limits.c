// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "util/analysis/vm_limits.h"
#include "util/hash_table.h"
#include "util/parse.h"

#define MAX_CPUS	8192	/* of a host: the most that Linux can be built for */

struct joined_group {
	struct { u32 pid, path; } key;
	const struct kvmw_cgroup *row[2];	/* start, end */
};

static void fill_vm_group(struct vm_group *g, const struct joined_group *j,
			  const struct recording *rec)
{
	const struct kvmw_cgroup *start = j->row[0], *end = j->row[1], *last = end ?: start;
	bool both = start && end;

	*g = (struct vm_group) {
		.pid = last->pid, .threads = last->threads,
		.path = recording__text(rec, last->path) ?: "",
		.cpuset = recording__text(rec, last->cpuset) ?: "",
		.quota_ns = last->quota_ns, .period_ns = last->period_ns,
		.anon_bytes = last->anon_bytes, .anon_huge_bytes = last->anon_huge_bytes,
		.shmem_bytes = last->shmem_bytes, .shmem_huge_bytes = last->shmem_huge_bytes,
		.periods = KVMW_NONE, .throttled = KVMW_NONE, .throttled_ns = KVMW_NONE,
	};
	if (!both)
		return;
	g->periods = since_start(start->periods, end->periods);
	g->throttled = since_start(start->throttled, end->throttled);
	g->throttled_ns = since_start(start->throttled_ns, end->throttled_ns);
}

static int vm_limits__compare(const void *a, const void *b)
{
	const struct vm_group *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	/* The outermost first. */
	return strcmp(x->path, y->path);
}

static int make_groups(struct vm_limits *limits, const struct recording *rec)
{
	struct hash_table joined = HASH_TABLE(struct joined_group, NULL);
	int err = 0;

	for (u32 i = 0; i < rec->cgroups.nr && !err; i++) {
		const struct kvmw_cgroup *row = rec_table__cgroup(&rec->cgroups, i);
		const struct joined_group key = { .key = { row->pid, row->path } };
		struct joined_group *j;

		if (row->kind != KVMW_cgroup_START && row->kind != KVMW_cgroup_END)
			continue;	/* from a newer version */
		if (row->path == ~0U)
			continue;	/* one of many whose names are not recorded */
		j = hash_table__get(&joined, &key.key);
		err = j ? 0 : -1;
		if (j)
			j->row[row->kind == KVMW_cgroup_END] = row;
	}
	if (!err) {
		limits->group = calloc(joined.nr ?: 1, sizeof(*limits->group));
		err = limits->group ? 0 : out_of_memory();
	}
	for (u32 i = 0; i < joined.nr && !err; i++)
		fill_vm_group(&limits->group[limits->nr_groups++], hash_table__at(&joined, i), rec);
	if (limits->nr_groups)
		qsort(limits->group, limits->nr_groups, sizeof(*limits->group), vm_limits__compare);
	hash_table__free(&joined);
	return err;
}

/* What the vCPUs' threads among those from first to end may use; if none is known, all threads. */
/* NOLINTNEXTLINE(misc-no-recursion): once */
static u32 count_cpus(const struct recording *rec, const struct vm_threads *threads, u32 first,
		      u32 end, bool vcpus)
{
	u64 all[MAX_CPUS / 64] = { 0 };
	bool any = false;
	u32 nr = 0;

	for (u32 i = first; i < end; i++) {
		const struct vm_thread *t = &threads->thread[i];
		const char *list = recording__text(rec, t->last->affinity);
		u64 cpus[MAX_CPUS / 64] = { 0 };

		if (t->tid == ~0U || vm_thread__is_vcpu(t) != vcpus)
			continue;
		if (!list || parse_list(list, cpus, MAX_CPUS))
			return ~0U;
		any = true;
		for (u32 k = 0; k < ARRAY_SIZE(all); k++)
			all[k] |= cpus[k];
	}
	for (u32 k = 0; k < ARRAY_SIZE(all); k++)
		nr += __builtin_popcountll(all[k]);
	return any ? nr : vcpus ? count_cpus(rec, threads, first, end, false) : ~0U;
}

static double least_quota(const struct vm_limits *limits, u32 pid, u32 threads)
{
	double least = 0;

	for (u32 i = 0; i < limits->nr_groups; i++) {
		const struct vm_group *g = &limits->group[i];
		double cpus;

		if (g->pid != pid || g->threads < threads || !g->quota_ns ||
		    g->quota_ns == KVMW_NONE || !g->period_ns || g->period_ns == KVMW_NONE)
			continue;
		cpus = (double)g->quota_ns / g->period_ns;
		least = !least || cpus < least ? cpus : least;
	}
	return least;
}

static void fill_vm_cpus(struct vm_cpus *vm, const struct vm_limits *limits,
			 const struct recording *rec, const struct vm_threads *threads, u32 first,
			 u32 end)
{
	u32 at_start = 0, at_end = 0, last = ~0U;

	*vm = (struct vm_cpus) { .pid = threads->thread[first].pid };
	for (u32 i = first; i < end; i++) {
		const struct vm_thread *t = &threads->thread[i];

		at_start += t->tid != ~0U && t->start;
		at_end += t->tid != ~0U && t->end;
		vm->vcpus += vm_thread__is_vcpu(t) && t->number != last;
		last = t->number;
	}
	vm->cpus = count_cpus(rec, threads, first, end, true);
	vm->quota_cpus = least_quota(limits, vm->pid, at_end ?: at_start);
}

static int make_vms(struct vm_limits *limits, const struct recording *rec,
		    const struct vm_threads *threads)
{
	limits->vm = calloc(threads->nr ?: 1, sizeof(*limits->vm));
	if (!limits->vm)
		return out_of_memory();
	for (u32 i = 0, end; i < threads->nr; i = end) {
		for (end = i;
		     end < threads->nr && threads->thread[end].pid == threads->thread[i].pid;)
			end++;
		fill_vm_cpus(&limits->vm[limits->nr_vms++], limits, rec, threads, i, end);
	}
	return 0;
}

int vm_limits__make(struct vm_limits *limits, const struct recording *rec,
		    const struct vm_threads *threads)
{
	memset(limits, 0, sizeof(*limits));
	return make_groups(limits, rec) || make_vms(limits, rec, threads) ? -1 : 0;
}

void vm_limits__free(struct vm_limits *limits)
{
	free(limits->group);
	free(limits->vm);
	memset(limits, 0, sizeof(*limits));
}

const struct vm_cpus *vm_limits__of(const struct vm_limits *limits, u32 pid)
{
	for (u32 i = 0; i < limits->nr_vms; i++)
		if (limits->vm[i].pid == pid)
			return &limits->vm[i];
	return NULL;
}
