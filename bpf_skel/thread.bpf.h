/* SPDX-License-Identifier: GPL-2.0 */
/* What is known about threads: whether they are wanted, and which vCPU each runs. */
#ifndef KVMW_THREAD_BPF_H
#define KVMW_THREAD_BPF_H

#include "common.bpf.h"

/*
 * tgids of the chosen processes.  The value is when the process started, because tgids are
 * reused; 0 until it is first seen.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, KVMW_MAX_TARGETS);
	__type(key, u32);
	__type(value, u64);
} targets __weak SEC(".maps");

/* Ids of the chosen control groups (v2): threads in them and in all below. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, KVMW_MAX_GROUPS);
	__type(key, u64);
	__type(value, u32);
} groups __weak SEC(".maps");

/* How often a thread was moved to another control group. */
u32 moves __weak = 1;

/*
 * What is known about a thread: the index of its current vCPU's state plus one, or one of these.
 * The state may have another thread by now: known_state().
 */
#define NO_STATE_YET	0U
#define OTHER_VCPU	16382U	/* its current vCPU is not selected by --vcpu */
#define UNWANTED	16383U
#define KNOWN_BITS	14

struct thread {
	u64 start_ns;	/* when it started: thread ids are reused */
	u32 known;
	u32 moves;	/* when the chosen control groups were last searched */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8 * KVMW_DEFAULT_VCPUS);
	__type(key, u32);
	__type(value, struct thread);
} threads __weak SEC(".maps");

/*
 * The same for the thread that each CPU ran last: tid (22 bits, PID_MAX_LIMIT), epoch, known, in
 * one word, so no other program sees half an update.  This avoids the lookup in threads except
 * for the first exit after a context switch, costs a tenth of task storage, and works on 5.10.
 *
 * The epoch changes when a known thread ends, before its tid can be used again.  A state says
 * itself whether it is still that thread's.
 */
#define MAX_CPUS 1024
#define EPOCH_BITS 28
#define EPOCH_MASK ((1U << EPOCH_BITS) - 1)
struct {
	u64 known;
	/* wait.bpf.h: the states that wait for this CPU */
	u64 waiter;		/* one of them, its index plus one; 0: it is in the set */
	u64 waiters;		/* how many are in the set */
	u32 moves;		/* likewise of the thread; 0: unknown */
	u32 state;		/* of known: its index, if it is one */
	u32 pad[8];		/* a cache line each */
} here[MAX_CPUS] __weak = {};
u32 epoch __weak = 0;

/* Opaque, or the compiler drops the mask that the verifier needs. */
static __always_inline u32 cpu_index(u32 cpu)
{
	barrier_var(cpu);
	return cpu & (MAX_CPUS - 1);
}

static __always_inline u64 known_word(u32 tid, u32 known)
{
	return ((u64)tid << EPOCH_BITS | (epoch & EPOCH_MASK)) << KNOWN_BITS | known;
}

/* Read this before deciding what is known, so as not to miss a move meanwhile. */
static __always_inline u32 moves_now(void)
{
	return config.by_group ? *(volatile u32 *)&moves : 0;
}

static __always_inline void here_set(u32 tid, u32 known, u32 at_moves)
{
	u32 cpu = cpu_index(bpf_get_smp_processor_id());

	here[cpu].known = known_word(tid, known);
	here[cpu].state = known - 1;
	if (config.by_group)
		here[cpu].moves = at_moves;
}

/* NO_STATE_YET also if nothing is known about the thread on this CPU. */
static __always_inline u32 known_on(const typeof(here[0]) *cpu, u32 tid)
{
	u64 last = cpu->known;
	u32 known = last & ((1 << KNOWN_BITS) - 1);

	if (last >> (EPOCH_BITS + KNOWN_BITS) != tid)
		return NO_STATE_YET;
	if (known >= OTHER_VCPU && (last >> KNOWN_BITS & EPOCH_MASK) != (epoch & EPOCH_MASK))
		return NO_STATE_YET;
	return known;
}

static __always_inline u32 here_known(u32 cpu, u32 tid)
{
	return known_on(&here[cpu_index(cpu)], tid);
}

/* at_moves: moves_now() before. */
static __always_inline void remember(u32 tid, u64 start_ns, u32 known, u32 at_moves)
{
	struct thread thread = { .start_ns = start_ns, .known = known, .moves = at_moves };

	bpf_map_update_elem(&threads, &tid, &thread, BPF_ANY);
	here_set(tid, known, at_moves);
}

static __always_inline u64 thread_start(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return BPF_CORE_READ(task, start_time);
}

static __always_inline u64 process_start(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return BPF_CORE_READ(task, group_leader, start_time);
}

#define IS_RECORDER	1	/* of ancestor_step() */

/*
 * A process's parent; 0: it has none, or IS_RECORDER.  Global, so that it is verified once, and
 * not for each generation.
 */
__weak __noinline u64 ancestor_step(u64 of)
{
	struct task_struct *task = (void *)of;
	int tgid = BPF_CORE_READ(task, tgid);

	if (tgid == (int)config.parent)
		return IS_RECORDER;
	return tgid <= 1 ? 0 : (u64)BPF_CORE_READ(task, real_parent);
}

/* The recorder itself does not count.  It is a subreaper, so orphans are found too. */
static __always_inline bool descends_from_recorder(void)
{
	u64 task = bpf_get_current_task();

	if ((u32)(bpf_get_current_pid_tgid() >> 32) == config.parent)
		return false;
	for (int depth = 0; depth < 32 && task > IS_RECORDER; depth++)
		task = ancestor_step(task);
	return task == IS_RECORDER;
}

static __always_inline bool selected_by_pid(u32 tgid)
{
	u64 *start = bpf_map_lookup_elem(&targets, &tgid), now = process_start();

	if (!start)
		return false;
	if (!*start)
		*start = now;
	return *start == now;
}

#define GROUP_DEPTH 32

/* The helper for the id of an ancestor exists from 5.15 on (95b861a7935b). */
__weak __noinline int selected_by_group(u64 of)
{
	struct task_struct *task = (void *)of;
	struct cgroup *group = BPF_CORE_READ(task, cgroups, dfl_cgrp);

	for (int depth = 0; depth < GROUP_DEPTH && group; depth++) {
		u64 id = BPF_CORE_READ(group, kn, id);

		if (bpf_map_lookup_elem(&groups, &id))
			return 1;
		/* self is the first member, so this is the parent's address. */
		group = (void *)BPF_CORE_READ(group, self.parent);
	}
	return 0;
}

static __always_inline bool is_chosen(void)
{
	if (config.by_process && selected_by_pid(bpf_get_current_pid_tgid() >> 32))
		return true;
	return config.by_group && selected_by_group(bpf_get_current_task());
}

/* Whoever it is. */
static __always_inline bool all_wanted(void)
{
	return config.target == KVMW_TARGET_ALL && !config.by_process;
}

static __always_inline bool is_target(void)
{
	switch (config.target) {
	case KVMW_TARGET_ALL:
		return !is_chosen();
	case KVMW_TARGET_CHOSEN:
		return is_chosen();
	default:
		return descends_from_recorder();
	}
}

static __always_inline u64 current_leader(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return (u64)BPF_CORE_READ(task, group_leader);
}

/* For a thread that is not chosen otherwise. */
static __always_inline bool is_target_by_group(u64 task)
{
	return config.target == KVMW_TARGET_ALL ? !selected_by_group(task) :
	       selected_by_group(task);
}

/* The state known for a thread, if it is still the thread's. */
static __always_inline struct kvmw_vcpu_state *known_state(u32 known, u32 tid)
{
	struct kvmw_vcpu_state *s = known == NO_STATE_YET ? NULL : state_at(known - 1);

	return s && s->runner == tid ? s : NULL;
}

/*
 * Nearly always an exit follows an entry, and an entry an exit, in a thread that kept its CPU.  So
 * a vCPU becomes steady when a program has found out which thread runs it on this CPU, and has
 * noted that in here[].  It stops being steady when the thread loses the CPU or turns to another
 * vCPU, or another thread takes the vCPU over.  A program that finds the state of a steady vCPU as
 * the last one of its CPU needs no other proof of who runs it, not even that programs are active:
 * when they no longer are, none is found on any CPU.
 */
static __always_inline void make_steady(struct kvmw_vcpu_state *s, u32 cpu)
{
	u32 index = KVMW_STATE(s->exit.e.vcpu);

	if (!config.steadies)
		return;
	here[cpu_index(cpu)].known = known_word(s->runner, index + 1);
	here[cpu_index(cpu)].state = index;
	s->steady = s->vcpu;
}

/* Its thread runs another vCPU, or has ended. */
static __always_inline void lose_runner(struct kvmw_vcpu_state *s)
{
	s->steady = 0;
	s->runner = 0;
	s->runner_pid = 0;
}

/* Ids of the states, by address of struct kvm_vcpu. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2 * KVMW_DEFAULT_VCPUS);
	__type(key, u64);
	__type(value, u32);
} vcpu_states __weak SEC(".maps");

/*
 * The same for threads that are not vCPUs, by process: those of its first VM, and those whose VM
 * is unknown, have kvm 0.  Kernel threads have tgid 0.
 */
struct other_key {
	u64 kvm;
	u32 tgid, pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2 * KVMW_DEFAULT_VCPUS);
	__type(key, struct other_key);
	__type(value, u32);
} other_states __weak SEC(".maps");

/*
 * Processes known to be recorded VMs, by tgid; with KVMW_TARGET_CHOSEN, those of -p from the start.
 * start_ns is as in targets.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2 * KVMW_DEFAULT_VCPUS);
	__type(key, u32);
	__type(value, struct kvmw_process);
} vms __weak SEC(".maps");

/* NULL: this id is no longer in use. */
static __always_inline struct kvmw_vcpu_state *state_of_id(u32 id)
{
	struct kvmw_vcpu_state *s = state_at(KVMW_STATE(id));

	return s && s->exit.e.vcpu == id ? s : NULL;
}

/* The state of a key; NULL: it has none.  For threads that are not vCPUs. */
static __always_inline struct kvmw_vcpu_state *state_of_key(const struct other_key *key)
{
	u32 *id = bpf_map_lookup_elem(&other_states, key);

	return id ? state_of_id(*id) : NULL;
}

static __always_inline void changed(void)
{
	__sync_fetch_and_add(&changes, 1);
}

static __always_inline void other_ends(u32 tgid, u64 kvm, u64 now)
{
	struct other_key key = { .kvm = kvm, .tgid = tgid };
	struct kvmw_vcpu_state *s = state_of_key(&key);

	if (!s)
		return;
	s->gone_ns = s->ended_ns = now;
	changed();
	if (kvm)
		bpf_map_delete_elem(&other_states, &key);
}

/*
 * The process was moved out of the chosen control groups: its VMM is no longer recorded.  Those
 * of its vCPUs that come back enter it again.
 */
static __always_inline void process_leaves(u32 tgid, u64 kvm, u64 now)
{
	struct other_key key = { .tgid = tgid };

	bpf_map_delete_elem(&vms, &tgid);
	if (kvm)
		other_ends(tgid, kvm, now);
	other_ends(tgid, 0, now);
	bpf_map_delete_elem(&other_states, &key);
}

/*
 * The current thread was moved out of the chosen control groups.  If the vCPU that it ran comes
 * back, it gets another state.  s: that of the vCPU, or NULL.
 */
static __always_inline void thread_leaves(struct kvmw_vcpu_state *s)
{
	u64 now = bpf_ktime_get_ns(), vcpu, kvm = 0;

	if (s) {
		vcpu = s->vcpu;
		kvm = s->kvm;
		bpf_map_delete_elem(&vcpu_states, &vcpu);
		lose_runner(s);
		s->left = 1;
		s->gone_ns = s->ended_ns = now;
		changed();
	}
	/* The vCPUs' threads may have groups of their own. */
	if (!is_target_by_group(current_leader()))
		process_leaves(bpf_get_current_pid_tgid() >> 32, kvm, now);
}

/* Another thread than before runs on this CPU. */
static __noinline u32 thread_lookup(void)
{
	u32 tid = bpf_get_current_pid_tgid(), known, now = moves_now();
	u64 start = thread_start();
	struct thread *found = bpf_map_lookup_elem(&threads, &tid);

	if (found && found->start_ns != start)
		found = NULL;
	/* Most often nothing has changed. */
	if (found && (!config.by_group || found->moves == now)) {
		known = found->known;
		here_set(tid, known, now);
		return known;
	}
	if (is_target())
		known = found && found->known != UNWANTED ? found->known : NO_STATE_YET;
	else
		known = UNWANTED;
	if (config.by_group && known == UNWANTED && found && found->known != UNWANTED)
		thread_leaves(known_state(found->known, tid));
	remember(tid, start, known, now);
	return known;
}

/* cpu: that of the current thread. */
static __always_inline u32 thread_known(u32 cpu, u32 tid)
{
	u32 known = here_known(cpu, tid);

	/* "No state yet" may be stale: the thread may have got one on another CPU. */
	if (known == NO_STATE_YET)
		return thread_lookup();
	/* It may have been moved to another control group. */
	if (config.by_group && here[cpu_index(bpf_get_smp_processor_id())].moves != moves)
		return thread_lookup();
	return known;
}

#endif
