// SPDX-License-Identifier: GPL-2.0
/* Provider "halt": halts; of the provider "exit": what they take of a cycle. */
#include "cycle.bpf.h"
#include "point.bpf.h"

POINT_PROGRAM(KVMW_EVENT_HALT, halt, WINDOW, kvm, kvm_halt_poll_ns)

/* The same on all kernels; the recorder has looked. */
struct wakeup_args {
	u64 common, ns;
	bool waited, valid;
};

/* The end of a halt, ns after it began. */
SEC("tp/kvm/kvm_vcpu_wakeup")
int kvm_vcpu_wakeup(struct wakeup_args *ctx)
{
	u64 now = bpf_ktime_get_ns();
	struct kvmw_slot *s = active ? slot_of_thread(false) : NULL;

	if (!s)
		return PASS_ON;
	if (wants(KVMW_EVENT_EXIT))
		cycle_halted(s, now, ctx->ns, ctx->waited);
	return PASS_ON;
}

char LICENSE[] SEC("license") __weak = "GPL";
