// SPDX-License-Identifier: GPL-2.0
/* The vCPUs of the host, read when the recorder asks for them: also those without an event. */
#include "arch.bpf.h"
#include "common.bpf.h"
#include "ioctl.bpf.h"

static __always_inline void config_of_vm(const struct kvm *kvm, struct kvmw_vm_config *c)
{
	if (bpf_core_field_exists(kvm->created_vcpus))
		c->vcpus = (u32)BPF_CORE_READ(kvm, created_vcpus);
	if (bpf_core_field_exists(kvm->dirty_ring_size))
		c->dirty_ring = BPF_CORE_READ(kvm, dirty_ring_size);
	/* acf1b03f1b85 ("KVM: Don't set override_halt_poll_ns on VM creation"); or the module's. */
	if (bpf_core_field_exists(kvm->max_halt_poll_ns) &&
	    (!bpf_core_field_exists(kvm->override_halt_poll_ns) ||
	     BPF_CORE_READ(kvm, override_halt_poll_ns)))
		c->halt_poll_ns = BPF_CORE_READ(kvm, max_halt_poll_ns);
}

SEC("iter/task_file")
int vcpu_files(struct bpf_iter__task_file *ctx)
{
	const struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	const struct kvm_vcpu *vcpu;
	struct kvmw_vcpu_thread *row;

	if (!task || !file || fd_kind(file) != FD_VCPU)
		return 0;
	vcpu = BPF_CORE_READ(file, private_data);
	row = vcpu_row();
	if (!row)
		return 0;
	__builtin_memset(row, 0xff, sizeof(*row));
	row->vcpu = (u64)vcpu;
	row->kvm = (u64)BPF_CORE_READ(vcpu, kvm);
	config_of_vm((void *)row->kvm, &row->of_vm);
	arch_config_of_vm((void *)row->kvm, vcpu, &row->of_vm);
	arch_config_of_vcpu(vcpu, &row->config);
	row->tgid = task->tgid;
	row->number = BPF_CORE_READ(vcpu, vcpu_id);
	row->tid = BPF_CORE_READ(vcpu, pid) ? BPF_CORE_READ(vcpu, pid, numbers[0].nr) : 0;
	bpf_seq_write(ctx->meta->seq, row, sizeof(*row));
	return 0;
}
