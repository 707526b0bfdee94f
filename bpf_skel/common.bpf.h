/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What every provider uses: finding the current vCPU and deciding whether it is wanted, its
 * state, sums, and the rings.
 *
 * Maps are weak: each provider's object has them, and the linker keeps one.
 */
#ifndef KVMW_COMMON_BPF_H
#define KVMW_COMMON_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "shared.h"

const volatile struct kvmw_config config __weak = {};

/*
 * What a program on a tracepoint returns.  Zero would hide the event from all perf
 * users of that tracepoint (trace_call_bpf(), kernel/trace/bpf_trace.c).
 */
#define PASS_ON 1

/* Records are made only between the moment when all programs are attached and the end. */
u32 active __weak = 0;
/* Events of vCPUs for which no state was free; they are not recorded. */
u64 no_state __weak = 0;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, KVMW_MAX_VCPUS);
	__type(key, u32);
	__type(value, struct kvmw_vcpu_state);
} states __weak SEC(".maps");

/* Indices of free states; filled by the recorder.  A queue: compat.bpf.h. */
struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, KVMW_MAX_VCPUS);
	__uint(value_size, sizeof(u32));
} free_states __weak SEC(".maps");

struct vcpu_key {
	u32 tid, vcpu_id;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2 * KVMW_MAX_VCPUS);
	__type(key, struct vcpu_key);
	__type(value, u32);
} state_of __weak SEC(".maps");

/* tgids, for KVMW_TARGET_PIDS */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, KVMW_MAX_TARGETS);
	__type(key, u32);
	__type(value, u8);
} targets __weak SEC(".maps");

/* Processes known to be recorded VMs; with KVMW_TARGET_PIDS, all of them from the start. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2 * KVMW_MAX_VCPUS);
	__type(key, u32);
	__type(value, u8);
} vms __weak SEC(".maps");

/* What is known about a thread: the index of its vCPU's state plus one, or one of these. */
#define NO_STATE_YET	0U
#define UNWANTED	(~0U)

struct thread {
	u32 tgid;	/* its process: thread ids are reused */
	u32 known;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8 * KVMW_MAX_VCPUS);
	__type(key, u32);
	__type(value, struct thread);
} threads __weak SEC(".maps");

/*
 * The same for the thread that each CPU ran last, as tid << 32 | known: one word, so no other
 * program sees half an update.  This avoids the lookup in threads except for the first exit
 * after a context switch, costs a tenth of task storage, and works on 5.10.
 */
#define MAX_CPUS 1024
struct {
	u64 known;
	u64 pad[7];		/* a cache line each */
} here[MAX_CPUS] __weak = {};

struct ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, KVMW_MAX_RINGS);
	__type(key, u32);
	__array(values, struct ring);
} rings __weak SEC(".maps");

/* The recorder itself does not count.  It is a subreaper, so orphans are found too. */
static __always_inline bool descends_from_recorder(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	for (int depth = 0; depth < 32; depth++) {
		int tgid = BPF_CORE_READ(task, tgid);

		if (tgid == (int)config.parent)
			return (int)(bpf_get_current_pid_tgid() >> 32) != tgid;
		if (tgid <= 1)
			break;
		task = BPF_CORE_READ(task, real_parent);
	}
	return false;
}

static __always_inline bool is_target(void)
{
	u32 tgid = bpf_get_current_pid_tgid() >> 32;

	switch (config.target) {
	case KVMW_TARGET_ALL:
		return true;
	case KVMW_TARGET_PIDS:
		return bpf_map_lookup_elem(&targets, &tgid);
	default:
		return descends_from_recorder();
	}
}

static __always_inline bool vcpu_wanted(u32 vcpu_id)
{
	u32 word;

	if (!config.vcpu_filter)
		return true;
	if (vcpu_id >= KVMW_MAX_VCPU_IDS)
		return false;
	/* The mask must stay: compat.bpf.h, scalar spill. */
	word = vcpu_id >> 6;
	barrier_var(word);
	return config.vcpus[word & (KVMW_VCPU_ID_WORDS - 1)] >> (vcpu_id & 63) & 1;
}

static __always_inline struct kvmw_vcpu_state *state_at(u32 index)
{
	return bpf_map_lookup_elem(&states, &index);
}

/* A fresh state for this thread's vCPU; NULL: all are taken. */
static __noinline struct kvmw_vcpu_state *state_new(u32 vcpu_id)
{
	u64 pid_tgid = bpf_get_current_pid_tgid();
	struct vcpu_key key = { .tid = pid_tgid, .vcpu_id = vcpu_id };
	u32 index = 0, tgid = pid_tgid >> 32;
	struct task_struct *leader;
	struct kvmw_vcpu_state *s;
	u8 one = 1;

	if (bpf_map_pop_elem(&free_states, &index)) {
		__sync_fetch_and_add(&no_state, 1);
		return NULL;
	}
	s = state_at(index);
	if (!s)
		return NULL;
	s->tgid = tgid;
	s->vcpu_id = vcpu_id;
	s->run_fd = -1;
	s->role = KVMW_ROLE_VCPU;
	s->exit.event = KVMW_EVENT_EXIT;
	s->exit.e.vcpu = index;
	s->user.event = KVMW_EVENT_USERSPACE;
	s->user.e.vcpu = index;
	bpf_get_current_comm(s->comm, sizeof(s->comm));
	leader = BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), group_leader);
	bpf_core_read_str(s->leader, sizeof(s->leader), &leader->comm);
	s->tid = pid_tgid;
	bpf_map_update_elem(&state_of, &key, &index, BPF_ANY);
	bpf_map_update_elem(&vms, &tgid, &one, BPF_ANY);
	return s;
}

/*
 * A fresh state for threads that are not vCPUs: those of a process (task is one of them) or,
 * with tgid 0, kernel threads.  If two callers race, the first one's state is used and the
 * other is given back.
 */
static __noinline struct kvmw_vcpu_state *state_new_other(u32 tgid, struct task_struct *task)
{
	struct vcpu_key key = { .tid = tgid, .vcpu_id = KVMW_VCPU_NONE };
	struct task_struct *leader;
	struct kvmw_vcpu_state *s;
	u32 index = 0, *found;

	if (bpf_map_pop_elem(&free_states, &index)) {
		__sync_fetch_and_add(&no_state, 1);
		return NULL;
	}
	s = state_at(index);
	if (!s)
		return NULL;
	/* Fill it in before others can find it. */
	s->vcpu_id = KVMW_VCPU_NONE;
	s->run_fd = -1;
	s->exit.e.vcpu = index;
	s->user.e.vcpu = index;
	s->role = tgid ? KVMW_ROLE_VMM : KVMW_ROLE_KERNEL;
	s->tgid = tgid;
	leader = BPF_CORE_READ(task, group_leader);
	if (tgid) {
		bpf_core_read_str(s->leader, sizeof(s->leader), &leader->comm);
		bpf_core_read_str(s->comm, sizeof(s->comm), &leader->comm);
	}
	if (bpf_map_update_elem(&state_of, &key, &index, BPF_NOEXIST)) {
		bpf_map_push_elem(&free_states, &index, BPF_ANY);
		found = bpf_map_lookup_elem(&state_of, &key);
		return found ? state_at(*found) : NULL;
	}
	/* Last, because this shows the state to the recorder. */
	s->tid = tgid ? tgid : KVMW_VCPU_NONE;
	return s;
}

static __always_inline struct kvmw_vcpu_state *state_of_other(u32 tgid, struct task_struct *task)
{
	struct vcpu_key key = { .tid = tgid, .vcpu_id = KVMW_VCPU_NONE };
	u32 *index = bpf_map_lookup_elem(&state_of, &key);

	return index ? state_at(*index) : state_new_other(tgid, task);
}

static __always_inline void remember(u64 pid_tgid, u32 known)
{
	struct thread thread = { .tgid = pid_tgid >> 32, .known = known };
	u32 tid = pid_tgid;

	bpf_map_update_elem(&threads, &tid, &thread, BPF_ANY);
	here[bpf_get_smp_processor_id() & (MAX_CPUS - 1)].known = (u64)tid << 32 | known;
}

/* The thread switches to another vCPU, or runs its first one. */
static __noinline struct kvmw_vcpu_state *state_switch(u32 vcpu_id)
{
	u64 pid_tgid = bpf_get_current_pid_tgid();
	struct vcpu_key key = { .tid = pid_tgid, .vcpu_id = vcpu_id };
	u32 *index = bpf_map_lookup_elem(&state_of, &key);
	struct kvmw_vcpu_state *s = index ? state_at(*index) : NULL;

	if (!s || s->tgid != pid_tgid >> 32)
		s = state_new(vcpu_id);
	if (s)
		remember(pid_tgid, s->exit.e.vcpu + 1);
	return s;
}

/* Another thread than before runs on this CPU. */
static __noinline u32 thread_lookup(void)
{
	u64 pid_tgid = bpf_get_current_pid_tgid();
	u32 tid = pid_tgid, tgid = pid_tgid >> 32, known;
	struct thread *found = bpf_map_lookup_elem(&threads, &tid);

	if (found && found->tgid == tgid)
		known = found->known;
	else
		known = is_target() ? NO_STATE_YET : UNWANTED;
	remember(pid_tgid, known);
	return known;
}

static __always_inline u32 thread_known(u32 tid)
{
	u64 last = here[bpf_get_smp_processor_id() & (MAX_CPUS - 1)].known;

	/* "No state yet" may be stale: the thread may have got one on another CPU. */
	if (last >> 32 == tid && (u32)last != NO_STATE_YET)
		return (u32)last;
	return thread_lookup();
}

/* The state of vCPU vcpu_id, run by the current thread; NULL: not recorded. */
static __always_inline struct kvmw_vcpu_state *state_of_vcpu(u32 vcpu_id)
{
	u32 tid = bpf_get_current_pid_tgid(), known = thread_known(tid);
	struct kvmw_vcpu_state *s;

	if (known == UNWANTED || !vcpu_wanted(vcpu_id))
		return NULL;
	s = known == NO_STATE_YET ? NULL : state_at(known - 1);
	if (s && s->vcpu_id == vcpu_id)
		return s;
	if (s && s->vcpu_id == KVMW_VCPU_UNKNOWN) {
		struct vcpu_key key = { .tid = tid, .vcpu_id = vcpu_id };
		u32 index = known - 1;

		s->vcpu_id = vcpu_id;
		bpf_map_update_elem(&state_of, &key, &index, BPF_ANY);
		return s;
	}
	return state_switch(vcpu_id);
}

/* The state of the vCPU that this thread ran last; make: create one if there is none. */
static __always_inline struct kvmw_vcpu_state *state_of_thread(bool make)
{
	u32 tid = bpf_get_current_pid_tgid(), known = thread_known(tid);

	if (known == UNWANTED)
		return NULL;
	if (known != NO_STATE_YET)
		return state_at(known - 1);
	return make ? state_switch(KVMW_VCPU_UNKNOWN) : NULL;
}

/*
 * The vCPU that is loaded on this thread: its latest preempt notifier (vcpu_load(),
 * virt/kvm/kvm_main.c).  NULL: none, or KVM has no BTF.
 */
static __always_inline struct kvm_vcpu *loaded_vcpu(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct kvm_vcpu *vcpu = (void *)BPF_CORE_READ(task, preempt_notifiers.first);

	if (!vcpu || !bpf_core_field_exists(vcpu->preempt_notifier))
		return NULL;
	return (void *)vcpu - bpf_core_field_offset(vcpu->preempt_notifier.link);
}

/*
 * The state of the vCPU that this thread runs if no VM entry has shown this yet: it has been in
 * KVM_RUN since before the recording, perhaps halted.  Other threads may load a vCPU for other
 * ioctls; the one that called KVM_RUN is its pid.
 */
static __noinline struct kvmw_vcpu_state *state_of_loaded(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct kvm_vcpu *vcpu = loaded_vcpu();

	if (!vcpu || !bpf_core_field_exists(vcpu->pid))
		return NULL;
	if (BPF_CORE_READ(vcpu, pid) != BPF_CORE_READ(task, thread_pid))
		return NULL;
	return state_of_vcpu(BPF_CORE_READ(vcpu, vcpu_id));
}

/*
 * The state to which an event in the current context belongs: the vCPU of this thread, or
 * its process, or the kernel; NULL: not recorded.  --vcpu excludes everything but vCPUs.
 */
static __always_inline struct kvmw_vcpu_state *state_of_current(void)
{
	u64 pid_tgid = bpf_get_current_pid_tgid();
	u32 known = thread_known(pid_tgid);
	struct kvmw_vcpu_state *s;
	struct task_struct *task;

	if (known == UNWANTED)
		return NULL;
	if (known != NO_STATE_YET)
		return state_at(known - 1);
	s = state_of_loaded();
	if (s || config.vcpu_filter)
		return s;
	task = (void *)bpf_get_current_task();
	return state_of_other(BPF_CORE_READ(task, flags) & PF_KTHREAD ? 0 : pid_tgid >> 32, task);
}

/* Index into s->sums of a key; once all sums are in use, the last one is shared. */
static __always_inline u32 sum_index(struct kvmw_vcpu_state *s, u32 event, u32 isa, u32 reason)
{
	u64 key = KVMW_SUM_KEY(event, isa, reason);
	u32 hash = reason ^ reason >> 5 ^ event * 41;

	for (u32 probe = 0; probe < 16; probe++) {
		u32 i = (hash + probe) & (KVMW_MAX_SUMS - 1);

		if (!s->sums[i].key)
			s->sums[i].key = key;
		if (s->sums[i].key == key)
			return i;
	}
	s->sums[KVMW_MAX_SUMS].key = KVMW_SUM_KEY(event, isa, KVMW_REASON_OTHER);
	return KVMW_MAX_SUMS;
}

static __always_inline struct kvmw_sum *sum_at(struct kvmw_vcpu_state *s, u32 i)
{
	if (i > KVMW_MAX_SUMS)
		i = KVMW_MAX_SUMS;
	barrier_var(i);
	return &s->sums[i <= KVMW_MAX_SUMS ? i : KVMW_MAX_SUMS];
}

/*
 * Copies a record into the vCPU's ring; false: the ring is full.  A vCPU always uses the same
 * ring, so its records stay in order.  The recorder polls; every eighth record checks the fill
 * level and wakes the recorder if the ring fills faster than that.
 */
static __always_inline bool emit(struct kvmw_vcpu_state *s, void *record, u32 size)
{
	u32 index = (s->role == KVMW_ROLE_VCPU ? s->exit.e.vcpu : bpf_get_smp_processor_id()) &
		    (config.nr_rings - 1);
	void *ring = bpf_map_lookup_elem(&rings, &index);
	u64 flags = BPF_RB_NO_WAKEUP;

	if (!ring)
		return false;
	if (!(s->sent++ & 7) &&
	    bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) >= config.wakeup_bytes)
		flags = BPF_RB_FORCE_WAKEUP;
	return !bpf_ringbuf_output(ring, record, size, flags);
}

static __always_inline bool wants(u32 event)
{
	return config.events >> event & 1;
}

/* Counts a record that did not fit into the ring. */
static __always_inline void count_lost(struct kvmw_vcpu_state *s, u32 event, u64 now)
{
	__sync_fetch_and_add(&s->lost[event & (KVMW_MAX_EVENTS - 1)].count, 1);
	s->lost[event & (KVMW_MAX_EVENTS - 1)].last_ns = now;
}

#endif
