/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which state an event belongs to, and whether it is wanted.
 *
 * A vCPU is its struct kvm_vcpu, a VM its struct kvm.  The kernel uses their addresses again,
 * so kvm_arch_vcpu_destroy() ends what an address stood for.  The thread that runs a vCPU, and
 * the process, are properties that may change.
 *
 * A thread has a current vCPU, the one that it ran last.  KVM_RUN, VM entries and, where these
 * were missed, the loaded vCPU show which it is.
 */
#ifndef KVMW_IDENTITY_BPF_H
#define KVMW_IDENTITY_BPF_H

#include "compat.bpf.h"
#include "ioctl.bpf.h"
#include "syscall.bpf.h"
#include "thread.bpf.h"

/* The member vm of a VM's states, by address of struct kvm: the id of its first state. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2 * KVMW_DEFAULT_VCPUS);
	__type(key, u64);
	__type(value, u32);
} vm_ids __weak SEC(".maps");

/* How many states a process has, including ended ones that are not reused yet. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2 * KVMW_DEFAULT_VCPUS);
	__type(key, u32);
	__type(value, s32);
} charges __weak SEC(".maps");

/* The VMs of the processes of -p were looked for before the recording began. */
u32 vms_listed __weak = 0;

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

/* The first member of struct kvm_vcpu (include/linux/kvm_host.h), 5.10 to 7.x. */
static __always_inline u64 kvm_of(u64 vcpu)
{
	u64 kvm = 0;

	bpf_probe_read_kernel(&kvm, sizeof(kvm), (void *)vcpu);
	return kvm;
}

/* ---- states --------------------------------------------------------------- */

/* The state of a vCPU, whoever runs it; NULL: it has none. */
static __always_inline struct kvmw_vcpu_state *state_of_address(u64 vcpu)
{
	u32 *id = bpf_map_lookup_elem(&vcpu_states, &vcpu);

	return id ? state_of_id(*id) : NULL;
}

static __always_inline void charge(u32 tgid, s32 by)
{
	s32 *found = bpf_map_lookup_elem(&charges, &tgid);

	if (found)
		__sync_fetch_and_add(found, by);
	else if (by > 0)
		bpf_map_update_elem(&charges, &tgid, &by, BPF_ANY);
	/* A charge between these two is lost: it is only one of many. */
	if (found && by < 0 && *found <= 0)
		bpf_map_delete_elem(&charges, &tgid);
}

/*
 * A process has at most three times as many states as are free, three in four if it is alone:
 * whatever some VMMs do, others find one.
 */
static __always_inline bool has_its_share(u32 tgid)
{
	s32 *found = bpf_map_lookup_elem(&charges, &tgid);

	return found && *found > 3 * (s32)(config.max_vcpus - states_used);
}

/* Charges a state to a process instead of the one before; tgid 0: to none. */
static __always_inline void charge_state(u32 id, u32 tgid)
{
	u32 i = KVMW_STATE(id), before;

	/* The mask must stay: compat.bpf.h, scalar spill. */
	barrier_var(i);
	i &= KVMW_MAX_VCPUS - 1;
	before = charged_to[i];
	if (before)
		charge(before, -1);
	charged_to[i] = tgid;
	if (tgid)
		charge(tgid, 1);
}

/* A free state, for this process; NULL: all are taken, or it has its share. */
static __noinline struct kvmw_vcpu_state *state_take(u32 role, u32 tgid)
{
	struct kvmw_vcpu_state *s;
	u32 id = 0;

	if (tgid && has_its_share(tgid)) {
		__sync_fetch_and_add(&over_share, 1);
		over_share_tgid = tgid;
		return NULL;
	}
	if (bpf_map_pop_elem(&free_states, &id)) {
		__sync_fetch_and_add(&no_state, 1);
		return NULL;
	}
	__sync_fetch_and_add(&states_used, 1);
	charge_state(id, tgid);
	s = state_at(KVMW_STATE(id));
	if (!s)
		return NULL;
	s->role = role;
	s->vm = KVMW_NO_VM;
	s->exit.event = KVMW_EVENT_EXIT;
	s->exit.e.vcpu = id;
	s->exits.event = KVMW_RING_EXITS;
	s->exits.vcpu = id;
	s->user.event = KVMW_EVENT_USERSPACE;
	s->user.e.vcpu = id;
	return s;
}

/* Two callers raced and this one lost: nobody has seen its state. */
static __always_inline void state_give_back(struct kvmw_vcpu_state *s)
{
	u32 id = s->exit.e.vcpu;

	s->vcpu = s->kvm = 0;
	bpf_map_push_elem(&free_states, &id, BPF_ANY);
	__sync_fetch_and_add(&states_used, -1);
}

/* id: of the caller's state, if it is the VM's first. */
static __always_inline u32 vm_of(u64 kvm, u32 id)
{
	u32 *found;

	bpf_map_update_elem(&vm_ids, &kvm, &id, BPF_NOEXIST);
	found = bpf_map_lookup_elem(&vm_ids, &kvm);
	return found ? *found : id;
}

static __always_inline void name_process(struct kvmw_vcpu_state *s, const struct task_struct *task)
{
	const struct task_struct *leader = BPF_CORE_READ(task, group_leader);

	bpf_core_read_str(s->leader, sizeof(s->leader), &leader->comm);
	s->start_ns = BPF_CORE_READ(leader, start_time);
}

static __noinline struct kvmw_vcpu_state *state_new(u64 vcpu, u32 vcpu_id)
{
	struct kvmw_vcpu_state *s = state_take(KVMW_ROLE_VCPU, bpf_get_current_pid_tgid() >> 32);
	u32 id;

	if (!s)
		return NULL;
	id = s->exit.e.vcpu;
	s->vcpu_id = vcpu_id;
	s->vcpu = vcpu;
	s->kvm = kvm_of(vcpu);
	/* An interrupt may have been here first. */
	if (bpf_map_update_elem(&vcpu_states, &vcpu, &id, BPF_NOEXIST)) {
		state_give_back(s);
		return state_of_address(vcpu);
	}
	s->vm = vm_of(s->kvm, id);
	return s;
}

/* The process runs a vCPU of this VM. */
static __always_inline void process_runs(u32 tgid, u64 start_ns, u64 kvm)
{
	struct kvmw_process *found = bpf_map_lookup_elem(&vms, &tgid);
	struct kvmw_process p = { .start_ns = start_ns, .kvm = kvm };

	if (found && found->start_ns == start_ns && found->kvm && found->kvm != kvm)
		p.kvm = KVMW_SEVERAL_VMS;
	bpf_map_update_elem(&vms, &tgid, &p, BPF_ANY);
}

/* The only VM of a process; 0: it has several, or unknown. */
static __always_inline u64 only_vm(u32 tgid)
{
	struct kvmw_process *p = bpf_map_lookup_elem(&vms, &tgid);

	return p && p->kvm != KVMW_SEVERAL_VMS ? p->kvm : 0;
}

static __always_inline bool has_several_vms(u32 tgid)
{
	struct kvmw_process *p = bpf_map_lookup_elem(&vms, &tgid);

	return p && p->kvm == KVMW_SEVERAL_VMS;
}

/* Whether the process of task is known to be a recorded VM. */
static __always_inline bool is_vm(u32 tgid, struct task_struct *task)
{
	struct kvmw_process *p = bpf_map_lookup_elem(&vms, &tgid);

	return p && (!p->start_ns || p->start_ns == BPF_CORE_READ(task, group_leader, start_time));
}

/*
 * The current thread runs the vCPU from now on.  If the thread before, or this one, was in the
 * VMM and has done other things since, all the time outside of KVM_RUN is the VMM's.
 */
static __noinline int take_over(struct kvmw_vcpu_state *s)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	u64 pid_tgid = bpf_get_current_pid_tgid();
	u32 tid = pid_tgid, tgid = pid_tgid >> 32;

	if (!s)
		return 0;
	if (s->user_ns && config.parts) {
		s->exit.e.wait_ns = s->user_wait;
		s->exit.e.block_ns = s->user_block;
		s->exit.e.throttled_ns = s->user_throttled;
	}
	s->steady = 0;
	s->off_ns = s->slept_ns = s->wait_ns = s->throttled_ns = 0;
	s->exit_page = 0;
	s->runner = tid;
	/* With chosen control groups it is not enough: the thread may have been moved. */
	s->runner_pid = config.by_group ? 0 : (u64)BPF_CORE_READ(task, thread_pid);
	if (s->tid == tid && s->tgid == tgid && !s->gone_ns)
		return 0;
	s->gone_ns = 0;
	s->moved |= s->tid && s->tid != tid;
	bpf_get_current_comm(s->comm, sizeof(s->comm));
	name_process(s, task);
	s->tgid = tgid;
	/* Last, because this shows the state to the recorder. */
	s->tid = tid;
	changed();
	process_runs(tgid, s->start_ns, s->kvm);
	return 0;
}

/*
 * The global functions below are relocated once, and verified once per program instead of on
 * each path to them; but they can only return a number, such as a state's index.
 */
static __always_inline int index_of_state(const struct kvmw_vcpu_state *s)
{
	return s ? (int)KVMW_STATE(s->exit.e.vcpu) : -1;
}

static __always_inline struct kvmw_vcpu_state *state_of_index(int index)
{
	return index < 0 ? NULL : state_at(index);
}

/* The verifier refuses pointers for such functions' numbers. */
static __always_inline u64 as_number(u64 pointer)
{
	u64 number = 0;

	bpf_probe_read_kernel(&number, sizeof(number), &pointer);
	return number;
}

static __always_inline struct kvmw_vcpu_state *find_switched(u64 vcpu)
{
	u32 now = moves_now(), tid = bpf_get_current_pid_tgid();
	u32 known = thread_known(bpf_get_smp_processor_id(), tid);
	struct kvmw_vcpu_state *s = known_state(known, tid);
	u32 vcpu_id = compat_vcpu_id((void *)vcpu);

	if (s)
		lose_runner(s);
	if (!vcpu_wanted(vcpu_id)) {
		if (known != OTHER_VCPU)
			remember(tid, thread_start(), OTHER_VCPU, now);
		return NULL;
	}
	s = state_of_address(vcpu);
	if (!s)
		s = state_new(vcpu, vcpu_id);
	if (!s)
		return NULL;
	take_over(s);
	remember(tid, thread_start(), KVMW_STATE(s->exit.e.vcpu) + 1, now);
	return s;
}

__weak __noinline int index_of_switched(u64 vcpu)
{
	return index_of_state(find_switched(vcpu));
}

/* The current thread, which is wanted, turns to another vCPU, or runs its first one. */
static __always_inline struct kvmw_vcpu_state *state_switch(u64 vcpu)
{
	return state_of_index(index_of_switched(as_number(vcpu)));
}

/*
 * The state that was found last on a CPU; NULL: none.  Its steady or runner_pid shows whether it
 * is the one looked for.
 */
static __always_inline struct kvmw_vcpu_state *state_found_on(u32 cpu)
{
	return state_at(here[cpu_index(cpu)].state);
}

/* The state of a vCPU that the current thread runs, on this CPU; NULL: not recorded. */
static __always_inline struct kvmw_vcpu_state *state_of_vcpu(u64 vcpu, u32 cpu)
{
	u32 tid = bpf_get_current_pid_tgid(), known = thread_known(cpu, tid);
	struct kvmw_vcpu_state *s = known_state(known, tid);

	if (s && s->vcpu == vcpu)
		return s;
	return known == UNWANTED || !vcpu ? NULL : state_switch(vcpu);
}

/*
 * The same in KVM_RUN, where the verifier knows the type of vcpu, whether active or not.
 * kvm_vcpu_ioctl() has noted by then who runs it (virt/kvm/kvm_main.c), so no helper is asked.
 * s: the one that was found last on the CPU where it was loaded last.
 */
static __always_inline struct kvmw_vcpu_state *state_of_running(struct kvmw_vcpu_state *s,
								const struct kvm_vcpu *vcpu)
{
	if (s && s->vcpu == (u64)vcpu && s->runner_pid == (u64)vcpu->pid)
		return s;
	return active ? state_of_vcpu((u64)vcpu, bpf_get_smp_processor_id()) : NULL;
}

/*
 * The vCPU that is loaded on this thread: its latest preempt notifier (vcpu_load(),
 * virt/kvm/kvm_main.c); 0: none.  Threads load vCPUs for other ioctls than KVM_RUN too.
 */
static __always_inline u64 loaded_vcpu(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	u64 link = (u64)BPF_CORE_READ(task, preempt_notifiers.first);

	return link ? link - compat_vcpu_notifier() : 0;
}

/* The vCPU whose KVM_RUN this thread is in; 0: none. */
__weak __noinline u64 running_vcpu(void)
{
	const struct pt_regs *regs = arch_syscall_regs();
	struct file *file;

	if (!arch_is_ioctl(regs) || (u32)arch_syscall_arg(regs, 1) != KVM_RUN)
		return 0;
	file = file_of(arch_syscall_arg(regs, 0));
	return fd_kind(file) == FD_VCPU ? (u64)BPF_CORE_READ(file, private_data) : 0;
}

/* The state of the thread's current vCPU; make: create one if there is none. */
static __always_inline struct kvmw_vcpu_state *state_of_thread(bool make)
{
	u32 tid = bpf_get_current_pid_tgid(), known = thread_known(bpf_get_smp_processor_id(), tid);
	struct kvmw_vcpu_state *s = known_state(known, tid);
	u64 vcpu;

	if (s || !make || known == UNWANTED || known == OTHER_VCPU)
		return s;
	vcpu = running_vcpu();
	return vcpu ? state_switch(vcpu) : NULL;
}

/* The same in a program that may use the type of the current thread, whether active or not. */
static __always_inline struct kvmw_vcpu_state *state_of_typed_thread(bool make)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct kvmw_vcpu_state *s = state_found_on(compat_task_cpu(task));

	if (s && s->runner_pid == (u64)task->thread_pid)
		return s;
	return active ? state_of_thread(make) : NULL;
}

/* ---- threads that are not vCPUs -------------------------------------------- */

static __always_inline struct kvmw_vcpu_state *make_other(u32 tgid, u64 kvm,
							  struct task_struct *task)
{
	struct other_key key = { .kvm = kvm, .tgid = tgid };
	struct kvmw_vcpu_state *s = state_take(tgid ? KVMW_ROLE_VMM : KVMW_ROLE_KERNEL, tgid);
	u32 id, *found;

	if (!s)
		return NULL;
	id = s->exit.e.vcpu;
	s->vcpu_id = KVMW_VCPU_NONE;
	s->tgid = tgid;
	s->kvm = kvm;
	if (tgid) {
		name_process(s, task);
		__builtin_memcpy(s->comm, s->leader, sizeof(s->comm));
	}
	found = bpf_map_lookup_elem(&other_states, &key);
	/* Another process had this tgid. */
	if (found && !state_of_id(*found))
		bpf_map_delete_elem(&other_states, &key);
	if (bpf_map_update_elem(&other_states, &key, &id, BPF_NOEXIST)) {
		state_give_back(s);
		return state_of_key(&key);
	}
	if (kvm)
		s->vm = vm_of(kvm, id);
	/* Last, because this shows the state to the recorder. */
	s->tid = tgid ? tgid : KVMW_VCPU_NONE;
	changed();
	return s;
}

__weak __noinline int index_of_new_other(u32 tgid, u64 kvm, u64 task)
{
	return index_of_state(make_other(tgid, kvm, (void *)task));
}

/* A fresh state for threads that are not vCPUs; task is one of them. */
static __always_inline struct kvmw_vcpu_state *state_new_other(u32 tgid, u64 kvm,
							       struct task_struct *task)
{
	return state_of_index(index_of_new_other(tgid, as_number(kvm), as_number((u64)task)));
}

/* Whether a state of an earlier process has the tgid of this thread. */
static __always_inline bool is_earlier(const struct kvmw_vcpu_state *s, struct task_struct *task)
{
	return s->gone_ns && s->start_ns != BPF_CORE_READ(task, group_leader, start_time);
}

static __always_inline struct kvmw_vcpu_state *state_of_other(u32 tgid, u64 kvm,
							      struct task_struct *task)
{
	struct other_key key = { .kvm = kvm, .tgid = tgid };
	struct kvmw_vcpu_state *s = state_of_key(&key);

	if (s && is_earlier(s, task)) {
		bpf_map_delete_elem(&other_states, &key);
		s = NULL;
	}
	return s ? s : state_new_other(tgid, kvm, task);
}

static __always_inline struct kvmw_vcpu_state *find_state_of_current(void)
{
	u64 pid_tgid = bpf_get_current_pid_tgid(), vcpu;
	u32 tid = pid_tgid, known = thread_known(bpf_get_smp_processor_id(), tid);
	struct kvmw_vcpu_state *s = known_state(known, tid);
	struct task_struct *task;

	if (known == UNWANTED)
		return NULL;
	vcpu = loaded_vcpu();
	if (vcpu && !(s && s->vcpu == vcpu) && running_vcpu() == vcpu)
		return state_switch(vcpu);
	if (s || config.vcpu_filter)
		return s;
	task = (void *)bpf_get_current_task();
	return state_of_other(BPF_CORE_READ(task, flags) & PF_KTHREAD ? 0 : pid_tgid >> 32, 0,
			      task);
}

__weak __noinline int index_of_current(void)
{
	return index_of_state(find_state_of_current());
}

/*
 * The state to which an event in the current context belongs: the vCPU of this thread, or
 * its process, or the kernel; NULL: not recorded.  --vcpu excludes everything but vCPUs.
 */
static __always_inline struct kvmw_vcpu_state *state_of_current(void)
{
	return state_of_index(index_of_current());
}

/* The state for threads that are not vCPUs, of a VM of a process; task is one of its threads. */
static __always_inline struct kvmw_vcpu_state *state_of_process(u32 tgid, u64 kvm,
								struct task_struct *task)
{
	struct kvmw_vcpu_state *s = state_of_other(tgid, 0, task);

	if (!s || s->kvm == kvm)
		return s;
	if (s->kvm)
		return state_of_other(tgid, kvm, task);
	/* The process's first VM. */
	s->kvm = kvm;
	s->vm = vm_of(kvm, s->exit.e.vcpu);
	changed();
	return s;
}

/* As state_of_current(), for an event of a VM; kvm 0: unknown. */
static __always_inline struct kvmw_vcpu_state *state_of_vm(u64 kvm)
{
	struct kvmw_vcpu_state *s = state_of_current();
	u32 tgid = bpf_get_current_pid_tgid() >> 32;

	if (!s || !kvm || s->kvm == kvm || s->role == KVMW_ROLE_KERNEL)
		return s;
	if (config.vcpu_filter)
		return NULL;
	return state_of_process(tgid, kvm, (void *)bpf_get_current_task());
}

/* From now on the address stands for another VM. */
static __always_inline void vm_ends(u32 tgid, u64 kvm, u64 now)
{
	struct kvmw_process *p = bpf_map_lookup_elem(&vms, &tgid);
	struct other_key key = { .tgid = tgid };
	struct kvmw_vcpu_state *s;

	bpf_map_delete_elem(&vm_ids, &kvm);
	if (p && p->kvm == kvm)
		p->kvm = 0;
	other_ends(tgid, kvm, now);
	s = state_of_key(&key);
	if (s && s->kvm == kvm)
		s->kvm = KVMW_VM_ENDED;
}

/* An earlier VM, without vCPUs or with a missed end, may have had this address. */
static __always_inline void vm_begins(u32 fd)
{
	struct file *file = file_of(fd);

	if (fd_kind(file) == FD_VM)
		vm_ends(bpf_get_current_pid_tgid() >> 32, (u64)BPF_CORE_READ(file, private_data),
			bpf_ktime_get_ns());
}

#endif
