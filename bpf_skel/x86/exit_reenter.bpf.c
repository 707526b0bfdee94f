// SPDX-License-Identifier: GPL-2.0
/*
 * Provider "exit": VM entries without a kvm_entry.  From 404d5d7bff0d ("KVM: X86: Introduce more
 * exit_fastpath_completion enum values"), 5.8, to d95df9510679 ("kvm: tracing: Fix unmatched
 * kvm_entry and kvm_exit events"), 5.12, vmx_vcpu_run() runs the guest again after the fast paths
 * of IA32_TSC_DEADLINE and the preemption timer, below the tracepoint.  Each time it calls this
 * function shortly before.
 */
#include "exit.bpf.h"

SEC("kprobe/kvm_load_guest_xsave_state")
int exit_reenter(void *ctx)
{
	struct kvmw_vcpu_state *s = active ? state_of_thread(false) : NULL;

	/* After a kvm_entry no cycle is open. */
	if (s && s->exit_open)
		cycle_enter(s, bpf_ktime_get_ns(), bpf_get_smp_processor_id());
	return 0;
}

char LICENSE[] SEC("license") __weak = "GPL";
