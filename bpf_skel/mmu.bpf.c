// SPDX-License-Identifier: GPL-2.0
/* Provider "mmu": the host changing guest memory, and the shadow MMU. */
#include "point.bpf.h"
#include "sched.bpf.h"
#include "taken.bpf.h"

POINT_PROGRAM(KVMW_EVENT_MMU, mmu, UNMAP, kvm, kvm_unmap_hva_range)
POINT_PROGRAM(KVMW_EVENT_MMU, mmu, AGE, kvm, kvm_age_hva)
POINT_PROGRAM(KVMW_EVENT_MMU, mmu, AGE, kvm, kvm_age_page)
POINT_PROGRAM(KVMW_EVENT_MMU, mmu, TEST_AGE, kvm, kvm_test_age_hva)
POINT_PROGRAM(KVMW_EVENT_MMU, mmu, SET_SPTE, kvm, kvm_set_spte_hva)
POINT_PROGRAM(KVMW_EVENT_MMU, mmu, GET_PAGE, kvmmmu, kvm_mmu_get_page)
POINT_PROGRAM(KVMW_EVENT_MMU, mmu, SYNC_PAGE, kvmmmu, kvm_mmu_sync_page)
POINT_PROGRAM(KVMW_EVENT_MMU, mmu, UNSYNC_PAGE, kvmmmu, kvm_mmu_unsync_page)
POINT_PROGRAM(KVMW_EVENT_MMU, mmu, ZAP_PAGE, kvmmmu, kvm_mmu_prepare_zap_page)
POINT_PROGRAM(KVMW_EVENT_MMU, mmu, ZAP_ALL, kvmmmu, kvm_mmu_zap_all_fast)
POINT_PROGRAM(KVMW_EVENT_MMU, mmu, SPLIT, kvmmmu, kvm_mmu_split_huge_page)
POINT_PROGRAM(KVMW_EVENT_MMU, mmu, SPTE_CHANGED, kvmmmu, kvm_tdp_mmu_spte_changed)

/* A vCPU has no valid root for its next entry and gets one. */
static __always_inline void mmu_load(void)
{
	struct kvmw_vcpu_state *s = active ? state_of_current() : NULL;
	struct kvmw_ring_row row;

	if (!s)
		return;
	row_begin(&row, s, KVMW_EVENT_MMU, KVMW_mmu_LOAD, NR_VALUES(mmu));
	point_send(s, &row, mmu, LOAD);
}

SEC("kprobe/kvm_mmu_load")
int mmu_load_kprobe(void *ctx)
{
	mmu_load();
	return 0;
}

SEC("fentry/kvm_mmu_load")
int mmu_load_fentry(void *ctx)
{
	mmu_load();
	return 0;
}

/*
 * Whose row it is: the thread's own, if it is one of the VM's process; else that process's other
 * threads.  Kernel threads and other processes take memory from a VM, too.  NULL: not recorded.
 */
static __always_inline struct kvmw_vcpu_state *state_of_taken(u32 tgid, struct task_struct *owner)
{
	if (tgid == bpf_get_current_pid_tgid() >> 32)
		return state_of_current();
	return config.vcpu_filter ? NULL : state_of_process(tgid, only_vm(tgid), owner);
}

/* A function of its own, because each has a stack of only 512 bytes. */
static __noinline int mmu_send_taken(struct kvmw_vcpu_state *s, u64 start, u64 end, u64 cause,
				     u64 syscall)
{
	struct kvmw_ring_row row;

	if (!s)
		return 0;
	row_begin(&row, s, KVMW_EVENT_MMU, KVMW_mmu_INVALIDATE, NR_VALUES(mmu));
	row.value[VALUE(mmu, start)] = start;
	row.value[VALUE(mmu, end)] = end;
	row.value[VALUE(mmu, cause)] = cause;
	row.value[VALUE(mmu, syscall)] = syscall;
	name_task(s, row.e.tid, (void *)bpf_get_current_task());
	point_send(s, &row, mmu, INVALIDATE);
	return 0;
}

/*
 * Memory of a process with a VM is taken, or mapped differently, and KVM is about to unmap it from
 * the guest: kvm_mmu_notifier_invalidate_range_start(), virt/kvm/kvm_main.c.
 */
SEC("kprobe/__mmu_notifier_invalidate_range_start")
int BPF_KPROBE(mmu_invalidate, struct mmu_notifier_range *range)
{
	struct task_struct *task = (void *)bpf_get_current_task(), *owner;
	u64 start, end, cause, syscall = KVMW_NONE;
	struct mm_struct *mm;
	u32 tgid;

	if (!active || !bpf_core_field_exists(((struct mm_struct *)0)->owner))
		return 0;
	mm = BPF_CORE_READ(range, mm);
	owner = BPF_CORE_READ(mm, owner);
	tgid = owner ? BPF_CORE_READ(owner, tgid) : 0;
	if (!owner || !is_vm(tgid, owner))
		return 0;
	start = BPF_CORE_READ(range, start);
	end = BPF_CORE_READ(range, end);
	/* enum mmu_notifier_event has only grown so far; ours begins at 1. */
	cause = BPF_CORE_READ(range, event) + 1;
	if (cause > KVMW_CAUSE_OTHER)
		cause = KVMW_CAUSE_OTHER;
	if (!(BPF_CORE_READ(task, flags) & PF_KTHREAD))
		syscall = arch_syscall_nr(arch_syscall_regs());
	taken_count(tgid, owner, start, end, cause, syscall);
	if (wants(KVMW_EVENT_MMU))
		mmu_send_taken(state_of_taken(tgid, owner), start, end, cause, syscall);
	return 0;
}

char LICENSE[] SEC("license") __weak = "GPL";
