// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/analysis/vm_threads.h"
#include "util/hash_table.h"

/* A thread: its id may be used again. */
struct joined {
	struct { u64 started_ns; u32 pid, tid, number, pad; } key;
	const struct kvmw_thread *row[2];	/* start, end */
};

/* Ids of the recording's vCPUs: by thread, or by number. */
struct known_vcpu {
	struct { u32 pid, of; } key;
	u32 id;
	bool several;
};

struct known {
	struct hash_table by_tid, by_number, gone;
};

static int know(struct hash_table *table, u32 pid, u32 of, u32 id)
{
	const struct known_vcpu key = { .key = { pid, of } };
	struct known_vcpu *known = hash_table__find(table, &key.key);

	if (known) {
		known->several = true;
		return 0;
	}
	known = hash_table__get(table, &key.key);
	if (!known)
		return -1;
	known->id = id;
	return 0;
}

static int make_known(struct known *known, const struct recording *rec)
{
	int err = 0;

	*known = (struct known) {
		.by_tid = HASH_TABLE(struct known_vcpu, NULL),
		.by_number = HASH_TABLE(struct known_vcpu, NULL),
		.gone = HASH_TABLE(struct known_vcpu, NULL),
	};
	for (u32 i = 0; i < rec->nr_vcpus && !err; i++) {
		const struct rec_vcpu *v = &rec->vcpu[i];
		const struct rec_vm *vm = recording__vm(rec, v->vm);

		if (!vm || !rec_vcpu__is_vcpu(v) || v->vcpu < 0)
			continue;
		if (v->gone_ns)
			err = know(&known->gone, vm->pid, v->vcpu, v->id);
		else
			err = know(&known->by_tid, vm->pid, v->tid, v->id) ||
			      know(&known->by_number, vm->pid, v->vcpu, v->id) ? -1 : 0;
	}
	return err;
}

/* The only one; all ones: there is none, or several. */
static u32 id_of(const struct hash_table *table, u32 pid, u32 of)
{
	const struct known_vcpu key = { .key = { pid, of } };
	const struct known_vcpu *known = hash_table__find(table, &key.key);

	return known && !known->several ? known->id : ~0U;
}

static bool was_known(const struct hash_table *table, u32 pid, u32 of)
{
	const struct known_vcpu key = { .key = { pid, of } };

	return hash_table__find(table, &key.key);
}

static int join_rows(struct hash_table *joined, const struct rec_table *rows)
{
	for (u32 i = 0; i < rows->nr; i++) {
		const struct kvmw_thread *row = rec_table__thread(rows, i);
		bool thread = row->tid != ~0U;
		const struct joined key = {
			.key = { thread ? row->started_ns : 0, row->pid, row->tid,
				 thread ? 0 : row->number, 0 },
		};
		struct joined *j;

		if (row->kind != KVMW_thread_START && row->kind != KVMW_thread_END)
			continue;	/* from a newer version */
		j = hash_table__get(joined, &key.key);
		if (!j)
			return -1;
		j->row[row->kind == KVMW_thread_END] = row;
	}
	return 0;
}

/* What was counted from the start to the end. since: the thread is younger than the start. */
static u64 difference(u64 start, u64 end, bool since)
{
	return since ? end : since_start(start, end);
}

static void account_thread(struct vm_thread *t, const struct recording *rec)
{
	static const struct kvmw_thread nothing;
	const struct kvmw_thread *start = t->start ?: &nothing, *end = t->end;
	bool since = !t->start && !rec->nr_damage && !rec->threads.over_limit;

	t->user_ns = t->system_ns = t->guest_ns = t->run_ns = t->delay_ns = KVMW_NONE;
	t->span_ns = t->asleep_ns = KVMW_NONE;
	if (!end || t->tid == ~0U || (!t->start && !since))
		return;
	t->user_ns = difference(start->user_ns, end->user_ns, since);
	t->system_ns = difference(start->system_ns, end->system_ns, since);
	t->guest_ns = difference(start->guest_ns, end->guest_ns, since);
	t->run_ns = difference(start->run_ns, end->run_ns, since);
	t->delay_ns = difference(start->delay_ns, end->delay_ns, since);
	if (since)
		return;
	t->span_ns = since_start(start->time_ns, end->time_ns);
	if (t->span_ns == KVMW_NONE || t->run_ns == KVMW_NONE || t->delay_ns == KVMW_NONE)
		return;
	t->asleep_ns = t->span_ns;
	t->asleep_ns -= t->run_ns < t->asleep_ns ? t->run_ns : t->asleep_ns;
	t->asleep_ns -= t->delay_ns < t->asleep_ns ? t->delay_ns : t->asleep_ns;
}

static int fill_vm_thread(struct vm_thread *t, const struct joined *j, const struct known *known,
			  const struct recording *rec)
{
	const struct rec_vcpu *vcpu;

	*t = (struct vm_thread) { .pid = j->key.pid, .tid = j->key.tid, .number = ~0U, .vcpu = ~0U,
				  .start = j->row[0], .end = j->row[1] };
	t->last = t->end ?: t->start;
	if (t->start)
		t->number = t->start->number;
	if (t->end && t->end->number != ~0U)
		t->number = t->end->number;
	if (t->tid != ~0U)
		t->vcpu = id_of(&known->by_tid, t->pid, t->tid);
	if (t->vcpu == ~0U && t->number != ~0U)
		t->vcpu = id_of(&known->by_number, t->pid, t->number);
	vcpu = t->vcpu == ~0U ? NULL : recording__vcpu(rec, t->vcpu);
	if (vcpu && t->number == ~0U)
		t->number = vcpu->vcpu;
	t->gone = !vcpu && was_known(&known->gone, t->pid, t->number);
	account_thread(t, rec);
	return rec_comm(t->last->comm0, t->last->comm1, t->comm);
}

static int vm_threads__compare(const void *a, const void *b)
{
	const struct vm_thread *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	if (x->tid != y->tid)
		return x->tid < y->tid ? -1 : 1;
	return (x->last->started_ns > y->last->started_ns) -
	       (x->last->started_ns < y->last->started_ns);
}

/* A vCPU without a thread at one moment that has one at the other. */
static void drop_known(struct vm_threads *threads)
{
	u32 kept = 0;

	for (u32 i = 0; i < threads->nr; i++) {
		const struct vm_thread *t = &threads->thread[i];
		const struct vm_thread *before = kept ? &threads->thread[kept - 1] : NULL;

		if (t->tid == ~0U && before && before->pid == t->pid && before->number == t->number)
			continue;
		threads->thread[kept++] = *t;
	}
	threads->nr = kept;
}

int vm_threads__make(struct vm_threads *threads, const struct recording *rec)
{
	struct hash_table joined = HASH_TABLE(struct joined, NULL);
	struct known known = { 0 };
	int err;

	memset(threads, 0, sizeof(*threads));
	threads->rec = rec;
	err = make_known(&known, rec) || join_rows(&joined, &rec->threads) ? -1 : 0;
	if (!err) {
		threads->thread = calloc(joined.nr ?: 1, sizeof(*threads->thread));
		err = threads->thread ? 0 : out_of_memory();
	}
	for (u32 i = 0; i < joined.nr && !err; i++)
		err = fill_vm_thread(&threads->thread[threads->nr++], hash_table__at(&joined, i),
				     &known, rec);
	if (!err) {
		qsort(threads->thread, threads->nr, sizeof(*threads->thread), vm_threads__compare);
		drop_known(threads);
	}
	hash_table__free(&joined);
	hash_table__free(&known.by_tid);
	hash_table__free(&known.by_number);
	hash_table__free(&known.gone);
	return err;
}

void vm_threads__free(struct vm_threads *threads)
{
	free(threads->thread);
	memset(threads, 0, sizeof(*threads));
}

const char *vm_thread__place(const struct recording *rec, const struct kvmw_thread *row, char *buf)
{
	const struct rec_stack *stack = row ? recording__stack(rec, row->stack) : NULL;
	const char *first = stack && stack->nr ? stack->frame[0] : "";

	snprintf(buf, VM_THREAD_PLACE, "%.*s", (int)strcspn(first, "+ "), first);
	return buf;
}
