// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/analysis/thread_names.h"
#include "util/memory.h"
#include "util/search.h"

static int thread_names__compare_tids(const void *a, const void *b)
{
	const struct rec_vcpu *x = *(const struct rec_vcpu *const *)a;
	const struct rec_vcpu *y = *(const struct rec_vcpu *const *)b;

	if (x->tid != y->tid)
		return x->tid < y->tid ? -1 : 1;
	/* A vCPU first. */
	if (rec_vcpu__is_vcpu(x) != rec_vcpu__is_vcpu(y))
		return rec_vcpu__is_vcpu(x) ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

int thread_names__init(struct thread_names *n, const struct report *rep)
{
	const struct recording *rec = rep->rec;

	memset(n, 0, sizeof(*n));
	n->rep = rep;
	n->by_tid = calloc(rec->nr_vcpus ?: 1, sizeof(*n->by_tid));
	if (!n->by_tid)
		return out_of_memory();
	for (u32 i = 0; i < rec->nr_vcpus; i++)
		n->by_tid[n->nr++] = &rec->vcpu[i];
	qsort(n->by_tid, n->nr, sizeof(*n->by_tid), thread_names__compare_tids);
	return 0;
}

void thread_names__free(struct thread_names *n)
{
	free(n->by_tid);
	memset(n, 0, sizeof(*n));
}

static int compare_tid(const void *key, const void *element)
{
	const struct rec_vcpu *vcpu = *(const struct rec_vcpu *const *)element;

	return *(const u64 *)key > vcpu->tid ? 1 : -1;
}

/* *one: it is the only vCPU that the thread ran; a thread may run one after the other. */
static const struct rec_vcpu *find_tid(const struct thread_names *n, u64 tid, bool *one)
{
	u32 i = lower_bound(&tid, n->by_tid, n->nr, sizeof(*n->by_tid), compare_tid);
	const struct rec_vcpu *vcpu = i < n->nr && n->by_tid[i]->tid == tid ? n->by_tid[i] : NULL;

	*one = vcpu && rec_vcpu__is_vcpu(vcpu) &&
	       !(i + 1 < n->nr && n->by_tid[i + 1]->tid == tid &&
		 rec_vcpu__is_vcpu(n->by_tid[i + 1]));
	return vcpu;
}

bool thread_names__is_of_vm(const struct thread_names *n, u64 tid)
{
	bool one;

	return tid && find_tid(n, tid, &one);
}

const struct rec_vcpu *thread_names__vcpu_of(const struct thread_names *n, u64 tid)
{
	bool one;
	const struct rec_vcpu *vcpu = find_tid(n, tid, &one);

	return one ? vcpu : NULL;
}

void thread_names__vcpu(const struct thread_names *n, u32 id, char *buf)
{
	const struct rec_vcpu *vcpu = recording__vcpu(n->rep->rec, id);
	/* "tid 101" where its number is not known. */
	bool number = vcpu && rec_vcpu__is_vcpu(vcpu) && vcpu->vcpu >= 0;
	char label[THREAD_NAME_MAX - 8];

	report__vcpu_label(n->rep, id, n->rep->rec->nr_vms > 1, label, sizeof(label));
	snprintf(buf, THREAD_NAME_MAX, "%s%s", number ? "vCPU " : "", label);
}

void thread_names__thread(const struct thread_names *n, u64 tid, const char *zero, char *buf)
{
	bool one;
	const struct rec_vcpu *vcpu = find_tid(n, tid, &one);
	const struct rec_task *task = NULL;
	const char *comm;

	if (tid && tid <= UINT32_MAX)
		task = recording__task(n->rep->rec, tid);
	comm = task && *task->comm ? task->comm : vcpu ? vcpu->comm : "";
	if (!tid)
		snprintf(buf, THREAD_NAME_MAX, "%s", zero);
	else if (one)
		thread_names__vcpu(n, vcpu->id, buf);
	else if (*comm)
		snprintf(buf, THREAD_NAME_MAX, "%s", comm);
	else
		snprintf(buf, THREAD_NAME_MAX, "tid %llu", (unsigned long long)tid);
}

static int compare_pairs(const void *a, const void *b)
{
	const struct view_pair *x = a, *y = b;

	if (x->owner != y->owner)
		return x->owner < y->owner ? -1 : 1;
	return x->tid < y->tid ? -1 : x->tid > y->tid;
}

void view_pairs__sort(struct view_pair *pair, u32 nr)
{
	qsort(pair, nr, sizeof(*pair), compare_pairs);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct view_top *)a)->name, ((const struct view_top *)b)->name);
}

static int compare_counts(const void *a, const void *b)
{
	const struct view_top *x = a, *y = b;

	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return compare_names(a, b);
}

int thread_names__top(const struct thread_names *n, const struct view_pair *pair, u32 nr,
		    const char *zero, struct view_top *top, u32 max)
{
	struct view_top *all = calloc(nr ?: 1, sizeof(*all));
	u32 used = 0;

	if (!all)
		return out_of_memory();
	for (u32 i = 0; i < nr; i++) {
		thread_names__thread(n, pair[i].tid, zero, all[i].name);
		all[i].count = pair[i].count;
	}
	qsort(all, nr, sizeof(*all), compare_names);
	for (u32 i = 0; i < nr; i++) {
		if (used && !strcmp(all[used - 1].name, all[i].name))
			all[used - 1].count += all[i].count;
		else
			all[used++] = all[i];
	}
	qsort(all, used, sizeof(*all), compare_counts);
	used = used < max ? used : max;
	memcpy(top, all, used * sizeof(*top));
	free(all);
	return used;
}

void view_span(const struct report *rep, u64 *from_ns, u64 *to_ns)
{
	const struct recording *rec = rep->rec;
	u64 start = rec->meta.start_ns ?: rec->first_ns;
	u64 end = sat_add(start, rep->duration_ns);

	*from_ns = start;
	*to_ns = end;
	if (!rec->window.active)
		return;
	if (rec->window.from > start)
		*from_ns = rec->window.from < end ? rec->window.from : end;
	if (rec->window.to < end)
		*to_ns = rec->window.to > *from_ns ? rec->window.to : *from_ns;
}
