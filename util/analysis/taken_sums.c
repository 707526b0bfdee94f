// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "util/analysis/span_table.h"
#include "util/analysis/taken_sums.h"
#include "util/memory.h"
#include "util/parse.h"
#include "util/search.h"

#define NOBODY	(~0U)

const char *taken_sum__kind(u32 kind)
{
	const struct kind_desc *desc = event_desc__kind(event_desc__by_id(KVMW_EVENT_TAKEN), kind);

	return desc ? desc->name : NULL;
}

bool taken_sums__known(const struct report *rep)
{
	return rep->rec->takens.table.nr && !recording__is_part(rep->rec);
}

u64 taken_sum__guest(const struct taken_sum *sum)
{
	return sum->guest_bytes == KVMW_NONE ? sum->bytes : sum->guest_bytes;
}

/* By --vm; what belongs to a VM as a whole belongs to all of its vCPUs. */
static bool selects_pid(const struct report *rep, u32 pid)
{
	const struct rec_neighbour *named = recording__neighbour(rep->rec, pid);
	const struct list_vm vm = { .pid = pid, .name = named ? named->name : "",
				    .vmm = named ? named->vmm : "" };

	if (!rep->opt->pids.nr)
		return true;
	for (u32 i = 0; i < rep->rec->nr_vms; i++)
		if (rep->rec->vm[i].pid == pid)
			return rec_vm__is_on(&rep->rec->vm[i], &rep->opt->pids);
	return pid != NOBODY && number_list__has_vm(&rep->opt->pids, &vm);
}

static struct taken_sum name_sum(const struct thread_names *names, const struct rec_taken *row)
{
	const struct rec_vcpu *vcpu = row->kind == KVMW_taken_VMM ?
		thread_names__vcpu_of(names, row->tid) : NULL;
	struct taken_sum sum = {
		.kind = row->kind, .pid = row->tgid, .cause = row->cause, .syscall = row->syscall,
		.count = row->count, .bytes = row->bytes,
		.guest_count = row->guest_count, .guest_bytes = row->guest_bytes,
	};

	if (row->kind == KVMW_taken_OTHERS) {
		snprintf(sum.how, sizeof(sum.how), "others");
		return sum;
	}
	taken_how(row->cause, row->syscall, row->comm, vcpu != NULL, sum.how);
	if (vcpu)
		snprintf(sum.by, sizeof(sum.by), "vCPUs");
	else if (*row->comm)
		snprintf(sum.by, sizeof(sum.by), "%s", row->comm);
	else
		snprintf(sum.by, sizeof(sum.by), "tid %u", row->tid);
	return sum;
}

static u64 sum_known(u64 a, u64 b)
{
	return a == KVMW_NONE || b == KVMW_NONE ? KVMW_NONE : sat_add(a, b);
}

static void add_sum(struct taken_sum *to, const struct taken_sum *from)
{
	to->pid = to->pid == from->pid ? to->pid : NOBODY;
	to->cause = to->cause == from->cause ? to->cause : KVMW_NONE;
	to->syscall = to->syscall == from->syscall ? to->syscall : KVMW_NONE;
	to->count = sat_add(to->count, from->count);
	to->bytes = sat_add(to->bytes, from->bytes);
	to->guest_count = sum_known(to->guest_count, from->guest_count);
	to->guest_bytes = sum_known(to->guest_bytes, from->guest_bytes);
}

static int taken_sums__by_name(const void *a, const void *b)
{
	const struct taken_sum *x = a, *y = b;

	COMPARE(x->kind, y->kind);
	return strcmp(x->how, y->how) ?: strcmp(x->by, y->by);
}

static int most_taken_first(const void *a, const void *b)
{
	const struct taken_sum *x = a, *y = b;

	COMPARE(taken_sum__guest(y), taken_sum__guest(x));
	COMPARE(y->count, x->count);
	return taken_sums__by_name(a, b);
}

/* Joins those of the same name, and adds up all. */
static void join_sums(struct taken_sums *sums)
{
	u32 nr = 0;

	if (sums->nr)
		qsort(sums->line, sums->nr, sizeof(*sums->line), taken_sums__by_name);
	for (u32 i = 0; i < sums->nr; i++) {
		add_sum(&sums->all, &sums->line[i]);
		if (nr && !taken_sums__by_name(&sums->line[nr - 1], &sums->line[i]))
			add_sum(&sums->line[nr - 1], &sums->line[i]);
		else
			sums->line[nr++] = sums->line[i];
	}
	sums->nr = nr;
	if (nr)
		qsort(sums->line, nr, sizeof(*sums->line), most_taken_first);
}

int taken_sums__make(struct taken_sums *sums, const struct thread_names *names)
{
	const struct rec_takens *all = &names->rep->rec->takens;

	memset(sums, 0, sizeof(*sums));
	sums->line = mem__calloc(all->table.nr ?: 1, sizeof(*sums->line));
	if (!sums->line)
		return -1;
	for (u32 i = 0; i < all->table.nr; i++) {
		const struct rec_taken *row = rec_takens__at(all, i);

		if (captured(row->count) && selects_pid(names->rep, row->pid))
			sums->line[sums->nr++] = name_sum(names, row);
	}
	join_sums(sums);
	sums->over_limit = all->over_limit;
	return 0;
}

void taken_sums__free(struct taken_sums *sums)
{
	free(sums->line);
	memset(sums, 0, sizeof(*sums));
}
