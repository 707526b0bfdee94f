/* SPDX-License-Identifier: GPL-2.0 */
/* The KVM ioctls as system calls, and the files that they are made on. */
#ifndef KVMW_IOCTL_BPF_H
#define KVMW_IOCTL_BPF_H

#include "common.bpf.h"

/* include/uapi/linux/kvm.h: all are of type KVMIO */
#define KVMIO				0xae
#define KVM_CREATE_VM			0xae01
#define KVM_CREATE_VCPU			0xae41
#define KVM_RUN				0xae80
#define KVM_SET_USER_MEMORY_REGION	0x4020ae46
#define KVM_SET_USER_MEMORY_REGION2	0x40a0ae49

/* struct syscall_trace_enter of the kernel: 16 bytes, then the arguments */
struct ioctl_args {
	u64 common, nr, fd, cmd, arg;
};

/* struct syscall_trace_exit */
struct ioctl_exit_args {
	u64 common, nr;
	s64 result;
};

/* By thread.  Not an LRU map: KVM_RUN may take long. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, KVMW_MAX_CALLS);
	__type(key, u32);
	__type(value, struct kvmw_call);
} calls __weak SEC(".maps");

static __always_inline struct file *file_in(struct file **files, u32 max, u32 fd)
{
	struct file *file = NULL;

	if (fd < max)
		bpf_probe_read_kernel(&file, sizeof(file), files + fd);
	return file;
}

static __always_inline struct file *file_of(u32 fd)
{
	struct task_struct *task;
	struct fdtable *table;

	/* 3ca1032ab7ab ("bpf: Implement get_current_task_btf and RET_PTR_TO_BTF_ID"), 5.11 */
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf)) {
		table = bpf_get_current_task_btf()->files->fdt;
		return table ? file_in(table->fd, table->max_fds, fd) : NULL;
	}
	task = (void *)bpf_get_current_task();
	table = BPF_CORE_READ(task, files, fdt);
	return file_in(BPF_CORE_READ(table, fd), BPF_CORE_READ(table, max_fds), fd);
}

#define FD_OTHER	0
#define FD_KVM		1
#define FD_VM		2
#define FD_VCPU		3
#define FD_DEVICE	4

/* MKDEV(MISC_MAJOR, KVM_MINOR), include/linux/miscdevice.h */
#define DEV_KVM		(10 << 20 | 232)

/* Except for /dev/kvm, these are anonymous inodes with known names (virt/kvm/kvm_main.c). */
static __always_inline u32 fd_kind(struct file *file)
{
	char name[16] = {};

	if (BPF_CORE_READ(file, f_inode, i_rdev) == DEV_KVM)
		return FD_KVM;
	bpf_probe_read_kernel_str(name, sizeof(name),
				  BPF_CORE_READ(file, f_path.dentry, d_name.name));
	if (name[0] != 'k' || name[1] != 'v' || name[2] != 'm' || name[3] != '-')
		return FD_OTHER;
	if (name[4] == 'v' && name[5] == 'm' && !name[6])
		return FD_VM;
	if (name[4] == 'v' && name[5] == 'c' && name[6] == 'p' && name[7] == 'u')
		return name[8] == ':' || !name[8] ? FD_VCPU : FD_OTHER;
	return FD_DEVICE;
}

#endif
