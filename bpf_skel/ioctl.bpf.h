/* SPDX-License-Identifier: GPL-2.0 */
/* The KVM ioctls as system calls. */
#ifndef KVMW_IOCTL_BPF_H
#define KVMW_IOCTL_BPF_H

#include "vmlinux.h"

/* include/uapi/linux/kvm.h: all are of type KVMIO */
#define KVMIO				0xae
#define KVM_RUN				0xae80
#define KVM_SET_USER_MEMORY_REGION	0x4020ae46
#define KVM_SET_USER_MEMORY_REGION2	0x40a0ae49

/* struct syscall_trace_enter of the kernel: 16 bytes, then the arguments */
struct ioctl_args {
	u64 common, nr, fd, cmd, arg;
};

#endif
