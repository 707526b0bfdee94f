// SPDX-License-Identifier: GPL-2.0
/* Where vCPUs, VMs and their threads end: identity.bpf.h. */
#include "identity.bpf.h"

/* vCPUs are destroyed with their VM only. */
static __always_inline void vcpu_ends(u64 vcpu)
{
	struct kvmw_vcpu_state *s = state_of_address(vcpu);
	u64 now = bpf_ktime_get_ns();

	if (!s)
		return;
	bpf_map_delete_elem(&vcpu_states, &vcpu);
	vm_ends(s->tgid, s->kvm, now);
	lose_runner(s);
	if (!s->gone_ns)
		s->gone_ns = now;
	s->ended_ns = now;
	changed();
}

SEC("kprobe/kvm_arch_vcpu_destroy")
int BPF_KPROBE(vcpu_ends_kprobe, struct kvm_vcpu *vcpu)
{
	vcpu_ends((u64)vcpu);
	return 0;
}

SEC("fentry/kvm_arch_vcpu_destroy")
int BPF_PROG(vcpu_ends_fentry, struct kvm_vcpu *vcpu)
{
	vcpu_ends((u64)vcpu);
	return 0;
}

/* Where no program sees that a vCPU or VM ends: another one has its address. */
SEC("tp/syscalls/sys_exit_ioctl")
int vcpu_begins(struct ioctl_exit_args *ctx)
{
	struct file *file;
	u32 cmd;

	/* First, because most calls return 0, and file descriptor 0 is another file. */
	if (ctx->result <= 0 || !active)
		return PASS_ON;
	cmd = arch_syscall_arg(arch_syscall_regs(), 1);
	if (cmd == KVM_CREATE_VM)
		vm_begins(ctx->result);
	if (cmd != KVM_CREATE_VCPU)
		return PASS_ON;
	file = file_of(ctx->result);
	if (fd_kind(file) == FD_VCPU)
		vcpu_ends((u64)BPF_CORE_READ(file, private_data));
	return PASS_ON;
}

static __always_inline void process_ends(struct task_struct *task)
{
	u32 tgid = task->tgid;
	struct kvmw_process *p = bpf_map_lookup_elem(&vms, &tgid);
	u64 now = bpf_ktime_get_ns();

	if (p && p->start_ns == task->group_leader->start_time) {
		p->gone_ns = now;
		changed();
	}
	other_ends(tgid, 0, now);
}

/* The last thread of a process ends before the process closes its files, and so its VMs. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(thread_ends, struct task_struct *task)
{
	struct kvmw_vcpu_state *s;
	struct thread *found;
	u32 tid;

	if (!active || !task)
		return 0;
	tid = task->pid;
	found = bpf_map_lookup_elem(&threads, &tid);
	if (found)
		__sync_fetch_and_add(&epoch, 1);
	s = found && found->start_ns == task->start_time ? known_state(found->known, tid) : NULL;
	if (s) {
		s->gone_ns = bpf_ktime_get_ns();
		lose_runner(s);
		changed();
	}
	if (!task->signal->live.counter)
		process_ends(task);
	return 0;
}

/* Of all threads of the process, or of one: who has a state is looked for again. */
SEC("tp_btf/cgroup_attach_task")
int BPF_PROG(threads_move)
{
	__sync_fetch_and_add(&moves, 1);
	return 0;
}

char LICENSE[] SEC("license") __weak = "GPL";
