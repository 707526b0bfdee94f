/* SPDX-License-Identifier: GPL-2.0 */
/* Fields and kinds of the event stack, a family of KVMW_EVENTS (util/events.h includes this). */
#ifndef KVMW_EVENT_STACK_H
#define KVMW_EVENT_STACK_H

#define KVMW_FIELDS_stack(FIELD, S)					\
	KVMW_HEAD(FIELD, S, "duration of the event whose stack it is; of a sample: the CPU time it stands for") \
	FIELD(S, u64, reason, "hex", NUMBER, DICT, "kind", "exit reason of that event") \
	FIELD(S, u64, isa, "isa", NUMBER, DICT, "kind", "isa of that reason") \
	FIELD(S, s64, kernel, "count", NUMBER, DICT, "kind", "id of the kernel stack; < 0: none") \
	FIELD(S, s64, user, "count", NUMBER, DICT, "kind", "id of the VMM's stack; < 0: none") \
	FIELD(S, u64, cmd, "ioctl", NUMBER, DICT, "kind", "number of the ioctl")

/* The names are the words of --stack. */
#define KVMW_KINDS_stack(KIND, S)					\
	KIND(S, EXIT, exit, 1, "at the end of a cycle")			\
	KIND(S, USERSPACE, userspace, 2, "at a return of KVM_RUN")	\
	KIND(S, FAULT, fault, 3, "at the end of a page fault's handling") \
	KIND(S, IOCTL, ioctl, 4, "at the end of a KVM ioctl but KVM_RUN") \
	KIND(S, VMM, vmm, 5, "a sample of a VMM's thread on a CPU, outside of KVM_RUN")

#endif
