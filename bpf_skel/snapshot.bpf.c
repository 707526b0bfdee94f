// SPDX-License-Identifier: GPL-2.0
/* The vCPUs of the host, read when the recorder asks for them: also those without an event. */
#include "common.bpf.h"
#include "ioctl.bpf.h"

SEC("iter/task_file")
int vcpu_files(struct bpf_iter__task_file *ctx)
{
	const struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct kvmw_vcpu_thread row = {};
	const struct kvm_vcpu *vcpu;

	if (!task || !file || fd_kind(file) != FD_VCPU)
		return 0;
	vcpu = BPF_CORE_READ(file, private_data);
	row.tgid = task->tgid;
	row.number = BPF_CORE_READ(vcpu, vcpu_id);
	row.tid = BPF_CORE_READ(vcpu, pid) ? BPF_CORE_READ(vcpu, pid, numbers[0].nr) : 0;
	bpf_seq_write(ctx->meta->seq, &row, sizeof(row));
	return 0;
}
