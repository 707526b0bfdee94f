/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The few kernel types that the BPF programs use, only the fields they use.
 * preserve_access_index makes libbpf look up the real offsets in the BTF of the
 * running kernel and its modules, so that no BTF is needed to build.
 */
#ifndef __VMLINUX_H__
#define __VMLINUX_H__

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed char __s8;
typedef short __s16;
typedef int __s32;
typedef long long __s64;
typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s8 s8;
typedef __s16 s16;
typedef __s32 s32;
typedef __s64 s64;
typedef _Bool bool;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
enum { false = 0, true = 1 };

/* include/uapi/linux/bpf.h: numbers of the kernel's ABI */
enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_STACK_TRACE = 7,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_ARRAY_OF_MAPS = 12,
	BPF_MAP_TYPE_QUEUE = 22,
	BPF_MAP_TYPE_RINGBUF = 27,
};
enum {
	BPF_F_MMAPABLE = 1U << 10,
};
enum { BPF_F_USER_STACK = 1U << 8 };
enum { BPF_ANY = 0, BPF_NOEXIST = 1 };
enum { BPF_RB_NO_WAKEUP = 1ULL << 0, BPF_RB_FORCE_WAKEUP = 1ULL << 1 };
enum { BPF_RB_AVAIL_DATA = 0 };

enum bpf_func_id {
	BPF_FUNC_get_current_task_btf = 158,
	BPF_FUNC_task_pt_regs = 175,
};
enum special_kfunc_type {
	KF_bpf_rdonly_cast,
};

/* include/linux/sched.h */
#define PF_KTHREAD 0x00200000

/* struct kvm_vcpu_arch, struct pt_regs */
#if defined(__TARGET_ARCH_x86)
#include "x86/vmlinux.h"
#endif

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct thread_info {
	unsigned int cpu;
};

/* include/linux/types.h, preempt.h */
struct hlist_node {
	struct hlist_node *next;
};
struct hlist_head {
	struct hlist_node *first;
};
struct preempt_notifier {
	struct hlist_node link;
};

/* include/linux/types.h, sched/signal.h */
typedef struct {
	int counter;
} atomic_t;
struct signal_struct {
	atomic_t live;
};

/* kernel/sched/sched.h */
struct rq {
	struct task_struct *curr;
	u64 clock;
	u64 clock_task;
	u64 clock_pelt;
	unsigned long lost_idle_time;
};
struct cfs_rq {
	struct rq *rq;
	u64 throttled_clock_pelt;
	u64 throttled_clock_pelt_time;
	u64 throttled_clock_self;
	u64 throttled_clock_self_time;
	int throttle_count;
};
struct task_group {
	struct cfs_rq **cfs_rq;
};

/* include/linux/sched.h */
struct sched_entity {
	struct cfs_rq *cfs_rq;
};
/* Control groups: include/linux/cgroup-defs.h, kernfs.h */
struct kernfs_node {
	u64 id;
};
struct cgroup_subsys_state {
	struct cgroup_subsys_state *parent;
};
struct cgroup {
	struct cgroup_subsys_state self;
	struct kernfs_node *kn;
};
struct css_set {
	struct cgroup *dfl_cgrp;
};
struct task_struct {
	struct thread_info thread_info;
	unsigned int __state;
	unsigned int flags;
	struct sched_entity se;
	struct task_group *sched_task_group;
	bool throttled;
	int pid;
	int tgid;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	char comm[16];
	void *stack;
	u64 start_time;
	struct signal_struct *signal;
	struct mm_struct *mm;
	struct files_struct *files;
	struct css_set *cgroups;
	struct hlist_head preempt_notifiers;
};

/* An open file: include/linux/fdtable.h, fs.h, dcache.h */
struct qstr {
	const unsigned char *name;
};
struct dentry {
	struct qstr d_name;
};
struct path {
	struct dentry *dentry;
};
struct inode {
	unsigned int i_rdev;
};
struct file {
	struct path f_path;
	struct inode *f_inode;
	void *private_data;
};
/* What an iterator over the files of all processes gets: kernel/bpf/task_iter.c */
struct seq_file;
struct bpf_iter_meta {
	union {
		struct seq_file *seq;
		__u64 : 64;
	};
	__u64 session_id;
	__u64 seq_num;
};
struct bpf_iter__task_file {
	union {
		struct bpf_iter_meta *meta;
		__u64 : 64;
	};
	union {
		struct task_struct *task;
		__u64 : 64;
	};
	__u32 fd;
	union {
		struct file *file;
		__u64 : 64;
	};
};
struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};
struct files_struct {
	struct fdtable *fdt;
};

/* include/linux/mm_types.h */
struct mm_struct {
	struct task_struct *owner;
};

/* include/linux/mmu_notifier.h */
enum mmu_notifier_event {
	MMU_NOTIFY_UNMAP,
};
struct mmu_notifier_range {
	struct mm_struct *mm;
	unsigned long start, end;
	enum mmu_notifier_event event;
};

/* Only their sizes are used. */
struct mutex {
	int any;
};
struct spinlock {
	int any;
};

/* include/linux/hrtimer_types.h; in 7.x node has another type with the same member */
struct timerqueue_node {
	s64 expires;
};
struct hrtimer {
	struct timerqueue_node node;
	void *function;
};

/* include/linux/kvm_host.h; in the BTF of kvm.ko where that is a module */
struct upid {
	int nr;
};
struct pid {
	struct upid numbers[1];
};
struct kvm_vcpu_stat {
	u64 guest_mode;
} __attribute__((preserve_access_index));
struct kvm_vcpu {
	struct preempt_notifier preempt_notifier;
	int cpu;
	int vcpu_id;
	struct pid *pid;
	unsigned int halt_poll_ns;
	struct kvm *kvm;
	struct kvm_vcpu_arch arch;
	struct kvm_vcpu_stat stat;
};

/* include/linux/rbtree.h, interval_tree.h */
struct rb_node {
	struct rb_node *rb_right, *rb_left;
};
struct rb_root {
	struct rb_node *rb_node;
};
struct rb_root_cached {
	struct rb_root rb_root;
};
struct interval_tree_node {
	struct rb_node rb;
	unsigned long start, last, __subtree_last;
};
struct kvm_memslots {
	struct rb_root_cached hva_tree;
	struct hlist_head id_hash[128];
	int node_idx;
};

struct kvm {
	struct mm_struct *mm;
	unsigned int dirty_ring_size;
	struct kvm_memslots *memslots[1];	/* and, on some, that of system-management mode */
	int created_vcpus;
	unsigned int max_halt_poll_ns;
	bool override_halt_poll_ns;
	struct kvm_arch arch;
};
struct kvm_memory_slot {
	struct hlist_node id_node[2];
	__u64 base_gfn;
	unsigned long npages;
	unsigned long *dirty_bitmap;
	unsigned long userspace_addr;
	__u32 flags;
	short id;
	__u16 as_id;
};

#pragma clang attribute pop

#endif
