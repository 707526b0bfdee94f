// SPDX-License-Identifier: GPL-2.0
/*
 * Providers "ioctl" and "memslot": the KVM ioctls of the VMM, seen as system calls.  A call is
 * sent when it returns; the recorder makes the rows of those still running at the end.
 */
#include "arch.bpf.h"
#include "ioctl.bpf.h"
#include "memslot.bpf.h"
#include "stack.bpf.h"

static __always_inline bool sets_region(u32 cmd)
{
	return cmd == KVM_SET_USER_MEMORY_REGION || cmd == KVM_SET_USER_MEMORY_REGION2;
}

/*
 * The state to which a call belongs.  KVM_RUN comes before any other event that shows which vCPU
 * the thread runs.
 */
static __always_inline struct kvmw_vcpu_state *state_of_call(u32 cmd, u32 kind, struct file *file)
{
	u64 object = kind == FD_VM || kind == FD_VCPU ? (u64)BPF_CORE_READ(file, private_data) : 0;

	if (cmd == KVM_RUN && kind == FD_VCPU)
		return state_of_vcpu(object, bpf_get_smp_processor_id());
	return state_of_vm(object && kind == FD_VCPU ? kvm_of(object) : object);
}

static __always_inline void send_set(struct kvmw_vcpu_state *s, const struct kvmw_call *call)
{
	const struct kvmw_region *r = &call->region;
	u64 result = call->row.value[VALUE(ioctl, result)];
	struct kvmw_ring_row row;
	struct memslot m = {};

	row_begin(&row, s, KVMW_EVENT_MEMSLOT, KVMW_memslot_SET, NR_VALUES(memslot));
	row.e = call->row.e;
	row.e.kind = KVMW_memslot_SET;
	row.value[VALUE(memslot, result)] = result;
	if (r->size != KVMW_NONE) {
		row.value[VALUE(memslot, slot)] = r->slot;
		row.value[VALUE(memslot, flags)] = r->flags;
		row.value[VALUE(memslot, gpa)] = r->gpa;
		row.value[VALUE(memslot, size)] = r->size;
		row.value[VALUE(memslot, hva)] = r->hva;
	}
	row_count(&s->kinds[SUM_OF(memslot, SET)], row.e.span_ns);
	if (!row_wanted(row.e.span_ns, KVMW_NONE)) {
		__sync_fetch_and_add(&s->kinds[SUM_OF(memslot, SET)].filtered, 1);
		return;
	}
	/* As memslot_seen(): --cpu-limit does not apply. */
	row_put(s, &row, SUM_OF(memslot, SET), 8 + sizeof(struct kvmw_memslot));
	if (result || r->size == KVMW_NONE)
		return;
	/* This row describes the slot: no row "seen" is needed when it is met. */
	m.base_gfn = r->gpa >> 12;
	m.npages = r->size >> 12;
	m.hva = r->hva;
	m.flags = r->flags;
	m.slot = r->slot;
	memslot_note(s, &m);
}

#define CALL_SUM	SUM_OF(ioctl, CALL)
#define CALL_SIZE	(8 + sizeof(struct kvmw_ioctl))

/* span_ns KVMW_NONE: its return was missed. */
static __always_inline void call_end(u32 tid, struct kvmw_call *call, u64 span_ns, u64 result)
{
	struct kvmw_vcpu_state *s = state_of_id(call->row.e.vcpu);

	call->row.e.span_ns = span_ns;
	call->row.value[VALUE(ioctl, result)] = result;
	if (s && wants(KVMW_EVENT_IOCTL)) {
		row_done(&s->kinds[CALL_SUM], span_ns);
		row_emit(s, &call->row, CALL_SUM, CALL_SIZE);
	}
	if (s && wants(KVMW_EVENT_MEMSLOT) && sets_region(call->row.value[VALUE(ioctl, cmd)]))
		send_set(s, call);
	bpf_map_delete_elem(&calls, &tid);
}

/* Ends an earlier call of this thread whose return was missed. */
static __noinline int call_missed(u32 tid)
{
	struct kvmw_call *call = bpf_map_lookup_elem(&calls, &tid);

	if (call)
		call_end(tid, call, KVMW_NONE, KVMW_NONE);
	return 0;
}

static __noinline int call_begin(u32 fd, u32 cmd, u64 arg)
{
	u32 tid = bpf_get_current_pid_tgid(), kind;
	struct kvmw_call call = {};
	struct kvmw_vcpu_state *s;
	struct file *file;

	if (!active || !(wants(KVMW_EVENT_IOCTL) || sets_region(cmd)))
		return 0;
	file = file_of(fd);
	kind = fd_kind(file);
	s = state_of_call(cmd, kind, file);
	if (!s)
		return 0;
	row_begin(&call.row, s, KVMW_EVENT_IOCTL, KVMW_ioctl_CALL, NR_VALUES(ioctl));
	call.row.value[VALUE(ioctl, cmd)] = cmd;
	call.row.value[VALUE(ioctl, fd_kind)] = kind;
	call.row.value[VALUE(ioctl, fd)] = (s64)(s32)fd;
	call.row.value[VALUE(ioctl, arg)] = arg;
	if (sets_region(cmd)) {
		call.kvm = (u64)BPF_CORE_READ(file, private_data);
		if (bpf_probe_read_user(&call.region, sizeof(call.region), (void *)arg))
			call.region.size = KVMW_NONE;
	}
	if (wants(KVMW_EVENT_IOCTL))
		row_count(&s->kinds[CALL_SUM], KVMW_NONE);
	bpf_map_update_elem(&calls, &tid, &call, BPF_ANY);
	return 0;
}

static __always_inline bool is_kvm(u32 cmd)
{
	return (cmd >> 8 & 0xff) == KVMIO;
}

/* Only ioctl() pays for this, whereas the tracepoint slows down every system call of the host. */
SEC("kprobe/" ARCH_SYSCALL "ioctl")
int BPF_KPROBE(ioctl_enter_kprobe, struct pt_regs *regs)
{
	u32 cmd = arch_syscall_arg(regs, 1);

	if (!is_kvm(cmd))
		return 0;
	call_missed(bpf_get_current_pid_tgid());
	call_begin(arch_syscall_arg(regs, 0), cmd, arch_syscall_arg(regs, 2));
	return 0;
}

SEC("tp/syscalls/sys_enter_ioctl")
int ioctl_enter(struct ioctl_args *ctx)
{
	if (is_kvm(ctx->cmd)) {
		call_missed(bpf_get_current_pid_tgid());
		call_begin(ctx->fd, ctx->cmd, ctx->arg);
	}
	return PASS_ON;
}

/* The caller's stack has not changed; the kernel's is best where the thread first left its CPU. */
static __always_inline void stack_of_call(void *ctx, struct kvmw_call *call, u64 span_ns)
{
	struct kvmw_vcpu_state *s = state_of_id(call->row.e.vcpu);
	struct kvmw_ring_row row;

	if (!s)
		return;
	stack_take_late(ctx, &call->stack, span_ns, false);
	stack_fill(&row, s, KVMW_stack_IOCTL, &call->stack);
	row.e.time_ns = call->row.e.time_ns;
	row.e.span_ns = span_ns;
	row.value[VALUE(stack, cmd)] = call->row.value[VALUE(ioctl, cmd)];
	point_send(s, &row, stack, IOCTL);
}

static __always_inline void returned(void *ctx, s64 result)
{
	u32 tid = bpf_get_current_pid_tgid();
	struct kvmw_call *call = bpf_map_lookup_elem(&calls, &tid);
	u64 span_ns;

	if (!call || !active)
		return;
	span_ns = bpf_ktime_get_ns() - call->row.e.time_ns;
	if (call->row.value[VALUE(ioctl, cmd)] == KVM_CREATE_VM && result >= 0)
		vm_begins(result);
	if (call_wants_stack(call))
		stack_of_call(ctx, call, span_ns);
	call_end(tid, call, span_ns, result);
}

SEC("fexit/" ARCH_SYSCALL "ioctl")
int BPF_PROG(ioctl_fexit, struct pt_regs *regs, long result)
{
	returned(ctx, result);
	return 0;
}

SEC("tp/syscalls/sys_exit_ioctl")
int ioctl_exit(struct ioctl_exit_args *ctx)
{
	returned(ctx, ctx->result);
	return PASS_ON;
}

char LICENSE[] SEC("license") __weak = "GPL";
