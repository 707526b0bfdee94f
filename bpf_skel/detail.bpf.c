// SPDX-License-Identifier: GPL-2.0
/* Provider "exit": exits that turn out to be MMIO while KVM handles them. */
#include "exit_detail.bpf.h"

/* KVM_TRACE_MMIO_WRITE of the kernel; 0 and 1 are reads */
#define MMIO_WRITE 2

SEC("tp_btf/kvm_mmio")
int BPF_PROG(mmio_btf, int type, int len, u64 gpa)
{
	mmio(type == MMIO_WRITE ? KVMW_DETAIL_MMIO_WRITE : KVMW_DETAIL_MMIO_READ, gpa, len);
	return 0;
}

/* The same layout on all kernels from 5.10 to 7.2; the recorder checks it. */
struct mmio_args {
	u64 common;
	u32 type, len;
	u64 gpa;
};

SEC("tp/kvm/kvm_mmio")
int mmio_tp(struct mmio_args *ctx)
{
	mmio(ctx->type == MMIO_WRITE ? KVMW_DETAIL_MMIO_WRITE : KVMW_DETAIL_MMIO_READ, ctx->gpa,
	     ctx->len);
	return PASS_ON;
}

char LICENSE[] SEC("license") __weak = "GPL";
