/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Fields, and kinds, of the tables that the recorder writes: class TABLE of KVMW_EVENTS
 * (util/events.h, which includes this file).
 */
#ifndef KVMW_EVENT_TABLES_H
#define KVMW_EVENT_TABLES_H

#define KVMW_FIELDS_total(FIELD, S)					\
	FIELD(S, u32, vcpu, "id", NUMBER, DICT, "", "vCPU, an id of the IDENT frames") \
	FIELD(S, u32, event, "id", NUMBER, DICT, "", "id of the event counted") \
	FIELD(S, u32, isa, "isa", NUMBER, DICT, "", "as in the event")	\
	FIELD(S, u32, reason, "reason", NUMBER, DICT, "",		\
	      "as in the event; for a family: its kind")		\
	FIELD(S, u64, count, "count", NUMBER, PLANES, "", "events that began") \
	FIELD(S, u64, done, "count", NUMBER, PLANES, "", "events that were completed") \
	FIELD(S, u64, lost, "count", NUMBER, PLANES, "",		\
	      "events that were completed, but whose record was lost")	\
	FIELD(S, u64, gap_ns, "ns", NUMBER, PLANES, "",			\
	      "sum of guest_ns (exit), run_ns (userspace)")		\
	FIELD(S, u64, span_ns, "ns", NUMBER, PLANES, "",		\
	      "sum of total_ns (exit), user_ns (userspace), span_ns")	\
	FIELD(S, u64, user_ns, "ns", NUMBER, PLANES, "", "sum of user_ns") \
	FIELD(S, u64, halt_ns, "ns", NUMBER, PLANES, "", "sum of halt_ns") \
	FIELD(S, u64, poll_ns, "ns", NUMBER, PLANES, "", "sum of poll_ns") \
	FIELD(S, u64, wait_ns, "ns", NUMBER, PLANES, "", "sum of wait_ns") \
	FIELD(S, u64, block_ns, "ns", NUMBER, PLANES, "", "sum of block_ns") \
	FIELD(S, u64, left_out, "count", NUMBER, PLANES, "",		\
	      "events without a record because of filters")		\
	FIELD(S, u64, throttled_ns, "ns", NUMBER, PLANES, "",		\
	      "sum of throttled_ns, where it is known")

/* The rows of a vCPU say who had the CPU during all of its wait_ns. */
#define KVMW_FIELDS_holder(FIELD, S)					\
	FIELD(S, u32, vcpu, "id", NUMBER, DICT, "", "vCPU that waited, an id of the IDENT frames") \
	FIELD(S, u32, place, "id", NUMBER, PLANES, "", "place among the holders of this vCPU") \
	FIELD(S, u16, kind, "kind", NUMBER, DICT, "", "what had the CPU") \
	FIELD(S, u32, tid, "id", NUMBER, PLANES, "", "thread; others: all ones") \
	FIELD(S, u32, pid, "id", NUMBER, PLANES, "", "its process; others: all ones") \
	FIELD(S, u32, number, "id", NUMBER, DICT, "",			\
	      "vCPU that it runs, as numbered by KVM; all ones: none, or unknown") \
	FIELD(S, u64, comm0, "hex", NAME, PLANES, "",			\
	      "bytes 0 to 7 of the thread's name, the first one lowest") \
	FIELD(S, u64, comm1, "hex", NAME_REST, PLANES, "", "bytes 8 to 15 of the name") \
	FIELD(S, u64, turns, "count", NUMBER, PLANES, "",		\
	      "how often it had the CPU during a wait")			\
	FIELD(S, u64, time_ns, "ns", NUMBER, PLANES, "", "how long, in all waits")

/*
 * The threads of the VMs' processes, and their vCPUs that no thread is known to run, at two
 * moments.  Times are counted from the thread's start: what the recording saw is the difference.
 */
#define KVMW_FIELDS_thread(FIELD, S)					\
	FIELD(S, u64, time_ns, "time", NUMBER, PLANES, "", "when this was read") \
	FIELD(S, u16, kind, "kind", NUMBER, DICT, "", "at which moment") \
	FIELD(S, u32, pid, "id", NUMBER, DICT, "", "process of the VM")	\
	FIELD(S, u32, tid, "id", NUMBER, PLANES, "",			\
	      "thread; all ones: unknown, a vCPU without a known thread") \
	FIELD(S, u32, number, "id", NUMBER, DICT, "",			\
	      "vCPU that it runs, as numbered by KVM; all ones: none, or unknown") \
	FIELD(S, u64, started_ns, "ns", NUMBER, PLANES, "",		\
	      "when the thread started, of CLOCK_BOOTTIME, to a clock tick") \
	FIELD(S, u64, comm0, "hex", NAME, PLANES, "",			\
	      "bytes 0 to 7 of the thread's name, the first one lowest") \
	FIELD(S, u64, comm1, "hex", NAME_REST, PLANES, "", "bytes 8 to 15 of the name") \
	FIELD(S, u16, state, "hex", NUMBER, DICT, "",			\
	      "its state, a letter as in proc_pid_stat(5); all ones: unknown") \
	FIELD(S, u16, in_run, "bool", NUMBER, DICT, "",			\
	      "1: asleep inside KVM_RUN, 0: elsewhere; 0 without tid: no thread has run it; all ones: unknown") \
	FIELD(S, u64, syscall, "count", NUMBER, DICT, "",		\
	      "number of the system call that it sleeps in; all ones: none, or unknown") \
	FIELD(S, u32, stack, "id", NUMBER, DICT, "",			\
	      "where it sleeps in the kernel, a stack of the IDENT frames; all ones: unknown") \
	FIELD(S, u64, user_ns, "ns", NUMBER, PLANES, "",		\
	      "time in user space, without guest_ns; to a clock tick")	\
	FIELD(S, u64, system_ns, "ns", NUMBER, PLANES, "", "time in the kernel; to a clock tick") \
	FIELD(S, u64, guest_ns, "ns", NUMBER, PLANES, "", "time in a guest; to a clock tick") \
	FIELD(S, u64, run_ns, "ns", NUMBER, PLANES, "", "time on a CPU") \
	FIELD(S, u64, delay_ns, "ns", NUMBER, PLANES, "", "time runnable, but not on a CPU") \
	FIELD(S, u32, cpu, "id", NUMBER, DICT, "", "CPU that it ran on last") \
	FIELD(S, u32, cpus, "count", NUMBER, DICT, "", "CPUs that it may use; all ones: unknown") \
	FIELD(S, u32, affinity, "id", TEXT, DICT, "",			\
	      "their list, a text of the IDENT frames; all ones: unknown") \
	FIELD(S, u32, policy, "id", NUMBER, DICT, "",			\
	      "scheduling policy, a number of sched(7); all ones: unknown") \
	FIELD(S, u32, rt_priority, "count", NUMBER, DICT, "", "real-time priority; 0: none") \
	FIELD(S, s32, nice, "count", NUMBER, DICT, "", "nice value")

/* Groups that VMs' threads are in, and those above them that have a quota. */
#define KVMW_FIELDS_cgroup(FIELD, S)					\
	FIELD(S, u64, time_ns, "time", NUMBER, PLANES, "", "when this was read") \
	FIELD(S, u16, kind, "kind", NUMBER, DICT, "", "at which moment") \
	FIELD(S, u32, pid, "id", NUMBER, DICT, "", "process of the VM")	\
	FIELD(S, u32, path, "id", PATH, DICT, "",			\
	      "where the group is in its hierarchy, a text of the IDENT frames") \
	FIELD(S, u32, threads, "count", NUMBER, DICT, "",		\
	      "threads of this process in it, or below it")		\
	FIELD(S, u32, cpuset, "id", TEXT, DICT, "",			\
	      "CPUs that its threads may use, a text of the IDENT frames; all ones: unknown") \
	FIELD(S, u64, quota_ns, "ns", NUMBER, DICT, "",			\
	      "CPU time that it may use in each period; 0: it has no quota") \
	FIELD(S, u64, period_ns, "ns", NUMBER, DICT, "", "the period")	\
	FIELD(S, u64, periods, "count", NUMBER, PLANES, "",		\
	      "periods so far in which it wanted a CPU")		\
	FIELD(S, u64, throttled, "count", NUMBER, PLANES, "",		\
	      "of these, those in which the quota was used up")		\
	FIELD(S, u64, throttled_ns, "ns", NUMBER, PLANES, "",		\
	      "time so far that its queues were throttled, the sum over all CPUs") \
	FIELD(S, u64, anon_bytes, "bytes", NUMBER, PLANES, "", "anonymous memory of the group") \
	FIELD(S, u64, anon_huge_bytes, "bytes", NUMBER, PLANES, "",	\
	      "of this, in transparent huge pages")			\
	FIELD(S, u64, shmem_bytes, "bytes", NUMBER, PLANES, "", "shared memory, tmpfs and memfd") \
	FIELD(S, u64, shmem_huge_bytes, "bytes", NUMBER, PLANES, "",	\
	      "of this, in transparent huge pages")

/* Of the first address space of each VM, without that of system-management mode. */
#define KVMW_FIELDS_slot(FIELD, S)					\
	FIELD(S, u64, time_ns, "time", NUMBER, PLANES, "", "when this was read") \
	FIELD(S, u16, kind, "kind", NUMBER, DICT, "", "at which moment") \
	FIELD(S, u32, pid, "id", NUMBER, DICT, "", "process of the VM")	\
	FIELD(S, u32, vm, "count", NUMBER, DICT, "",			\
	      "number of the VM among those of the process, from 0")	\
	FIELD(S, u32, slot, "id", NUMBER, PLANES, "", "id + (address space << 16)") \
	FIELD(S, u32, flags, "hex", NUMBER, DICT, "", "KVM_MEM_*; 1: dirty logging") \
	FIELD(S, u64, gpa, "addr", GUEST_PLACE, PLANES, "", "guest physical address") \
	FIELD(S, u64, size, "bytes", NUMBER, PLANES, "", "its size")	\
	FIELD(S, u64, hva, "addr", HOST_PLACE, PLANES, "", "address in the VMM") \
	FIELD(S, u16, logging, "bool", NUMBER, DICT, "",		\
	      "1: writes are noted, in a bitmap or in dirty rings")

/* What could not be read has no row. */
#define KVMW_FIELDS_host(FIELD, S)					\
	FIELD(S, u64, time_ns, "time", NUMBER, PLANES, "", "when this was read") \
	FIELD(S, u16, moment, "count", NUMBER, DICT, "",		\
	      "1: the beginning of the recording, 2: the end")		\
	FIELD(S, u16, kind, "kind", NUMBER, PLANES, "", "what it is")	\
	FIELD(S, u64, value, "count", NUMBER, PLANES, "",		\
	      "as a number; all ones: it has only a text")		\
	FIELD(S, u32, text, "id", TEXT, PLANES, "",			\
	      "a text of the IDENT frames; all ones: it has only a number")

/* Sums from the beginning of the recording on. */
#define KVMW_FIELDS_taken(FIELD, S)					\
	FIELD(S, u32, place, "id", NUMBER, PLANES, "", "number of this sum") \
	FIELD(S, u16, kind, "kind", NUMBER, DICT, "", "what took it")	\
	FIELD(S, u32, pid, "id", NUMBER, DICT, "",			\
	      "process of the VM whose memory it was; others: all ones") \
	FIELD(S, u32, tid, "id", NUMBER, PLANES, "", "thread that took it; others: all ones") \
	FIELD(S, u32, tgid, "id", NUMBER, PLANES, "", "its process; others: all ones") \
	FIELD(S, u64, comm0, "hex", NAME, PLANES, "",			\
	      "bytes 0 to 7 of the thread's name, the first one lowest") \
	FIELD(S, u64, comm1, "hex", NAME_REST, PLANES, "", "bytes 8 to 15 of the name") \
	FIELD(S, u64, cause, "cause", NUMBER, DICT, "", "what it did to these addresses") \
	FIELD(S, u64, syscall, "count", NUMBER, DICT, "",		\
	      "number of the system call that it was in; all ones: none, or unknown") \
	FIELD(S, u64, count, "count", NUMBER, PLANES, "", "how often")	\
	FIELD(S, u64, bytes, "bytes", NUMBER, PLANES, "",		\
	      "addresses of the VMM in all, mapped or not; of a range of all addresses: guest_bytes") \
	FIELD(S, u64, guest_count, "count", NUMBER, PLANES, "",		\
	      "of count, how often guest memory was among them; all ones: unknown") \
	FIELD(S, u64, guest_bytes, "bytes", NUMBER, PLANES, "",		\
	      "of bytes, those in the VM's memory slots; all ones: unknown")

/* A vCPU has the pid and the place of its VM in the rows of the same moment. */
#define KVMW_FIELDS_vm_config(FIELD, S)					\
	FIELD(S, u64, time_ns, "time", NUMBER, PLANES, "", "when this was read") \
	FIELD(S, u16, kind, "kind", NUMBER, DICT, "", "at which moment") \
	FIELD(S, u32, pid, "id", NUMBER, DICT, "", "process of the VM")	\
	FIELD(S, u32, place, "count", NUMBER, DICT, "",			\
	      "number of the VM among those of the process, at this moment")	\
	FIELD(S, u32, apicv_not, "id", TEXT, DICT, "",			\
	      "why not, a text of the IDENT frames; all ones: none, or unknown") \
	FIELD(S, u64, apicv, "bool", NUMBER, DICT, "",			\
	      "1: the CPU may deliver interrupts without KVM (APICv, AVIC)") \
	FIELD(S, u64, apicv_inhibits, "hex", NUMBER, DICT, "",		\
	      "what prevents that, as bits of the kernel")		\
	FIELD(S, u64, vcpus, "count", NUMBER, DICT, "", "vCPUs created") \
	FIELD(S, u64, irqchip, "count", NUMBER, DICT, "",		\
	      "interrupt controllers in KVM: 0 none, 1 all, 2 split: the local ones") \
	FIELD(S, u64, pit, "bool", NUMBER, DICT, "", "1: there is a PIT in KVM") \
	FIELD(S, u64, dirty_ring, "bytes", NUMBER, DICT, "",		\
	      "size of a vCPU's dirty ring; 0: it has none")		\
	FIELD(S, u64, halt_poll_ns, "ns", NUMBER, DICT, "", "limit of halt polling") \
	FIELD(S, u64, nx_huge_pages, "bool", NUMBER, DICT, "",		\
	      "1: huge pages are split where the guest executes code")	\
	FIELD(S, u64, signature0, "hex", NUMBER, DICT, "",		\
	      "CPUID leaf 0x40000000, as the first vCPU has it: EBX, and ECX << 32; all ones: no such leaf") \
	FIELD(S, u64, signature1, "hex", NUMBER, DICT, "", "EDX of it")	\
	FIELD(S, u64, kvm_features, "hex", NUMBER, DICT, "",		\
	      "EAX of KVM's leaf 1, at 0x40000001 or 0x40000101; all ones: no such leaf") \
	FIELD(S, u64, hyperv_features, "hex", NUMBER, DICT, "",		\
	      "leaf 0x40000003 of Hyper-V: EAX, and EDX << 32; all ones: no such leaf") \
	FIELD(S, u64, hyperv_hints, "hex", NUMBER, DICT, "",		\
	      "EAX of leaf 0x40000004 of Hyper-V; all ones: no such leaf")

#define KVMW_FIELDS_vcpu_config(FIELD, S)				\
	FIELD(S, u64, time_ns, "time", NUMBER, PLANES, "", "when host_tsc was read") \
	FIELD(S, u16, kind, "kind", NUMBER, DICT, "", "at which moment") \
	FIELD(S, u32, pid, "id", NUMBER, DICT, "", "process of the VM")	\
	FIELD(S, u32, place, "count", NUMBER, DICT, "", "that of the VM") \
	FIELD(S, u32, vcpu, "id", NUMBER, PLANES, "",			\
	      "an id of the IDENT frames; all ones: it had no event yet") \
	FIELD(S, u32, number, "id", NUMBER, PLANES, "", "as numbered by KVM") \
	FIELD(S, u64, apic_mode, "count", NUMBER, DICT, "", "0 off, 1 xAPIC, 2 x2APIC") \
	FIELD(S, u64, apicv, "bool", NUMBER, DICT, "", "1: it uses APICv or AVIC") \
	FIELD(S, u64, host_tsc, "count", NUMBER, PLANES, "", "TSC of the host") \
	FIELD(S, s64, tsc_offset, "count", NUMBER, DICT, "",		\
	      "guest's TSC, as L1 sees it, minus the host's, which is scaled first") \
	FIELD(S, u64, tsc_ratio, "hex", NUMBER, DICT, "",		\
	      "cycles of the guest's TSC for one of the host's, times 2^48") \
	FIELD(S, u64, tsc_khz, "count", NUMBER, DICT, "", "frequency of the guest's TSC")

/* A row for a process, and one for each node on which its memory is known. */
#define KVMW_FIELDS_vm_memory(FIELD, S)					\
	FIELD(S, u64, time_ns, "time", NUMBER, PLANES, "", "when this was read") \
	FIELD(S, u16, kind, "kind", NUMBER, DICT, "", "at which moment") \
	FIELD(S, u32, pid, "id", NUMBER, DICT, "", "process of the VM")	\
	FIELD(S, u32, node, "id", NUMBER, DICT, "", "NUMA node; all ones: the process as a whole") \
	FIELD(S, u64, bytes, "bytes", NUMBER, PLANES, "",		\
	      "its memory on the node; of the process: what is resident, without hugetlbfs") \
	FIELD(S, u64, anon_bytes, "bytes", NUMBER, PLANES, "",		\
	      "of a process: of this, anonymous memory")		\
	FIELD(S, u64, anon_huge_bytes, "bytes", NUMBER, PLANES, "",	\
	      "of this, in transparent huge pages")			\
	FIELD(S, u64, shmem_bytes, "bytes", NUMBER, PLANES, "",		\
	      "of a process: of bytes, shared memory, tmpfs and memfd")	\
	FIELD(S, u64, shmem_huge_bytes, "bytes", NUMBER, PLANES, "",	\
	      "of this, mapped by huge pages")				\
	FIELD(S, u64, hugetlb_bytes, "bytes", NUMBER, PLANES, "",	\
	      "of a process: pages of hugetlbfs")			\
	FIELD(S, u32, huge_unknown, "id", TEXT, DICT, "",		\
	      "why transparent huge pages are unknown, a text of the IDENT frames; all ones: they are known") \
	FIELD(S, u16, nodes_from, "count", NUMBER, DICT, "",		\
	      "of a process: source of its nodes: 0 none, 1 the only node, 2 its control group, 3 numa_maps") \
	FIELD(S, u32, nodes_unknown, "id", TEXT, DICT, "", "why there is no source, likewise")

#define KVMW_FIELDS_loss(FIELD, S)					\
	FIELD(S, u32, vcpu, "id", NUMBER, DICT, "", "vCPU, an id of the IDENT frames") \
	FIELD(S, u32, event, "id", NUMBER, DICT, "", "id of the event lost") \
	FIELD(S, u64, count, "count", NUMBER, PLANES, "", "records lost in this span") \
	FIELD(S, u64, first_ns, "time", NUMBER, PLANES, "", "time of the first one") \
	FIELD(S, u64, last_ns, "time", NUMBER, PLANES, "", "time of the last one")

#define KVMW_FIELDS_cost(FIELD, S)					\
	FIELD(S, u64, time_ns, "time", NUMBER, PLANES, "", "when this was read") \
	FIELD(S, u64, bpf_ns, "ns", NUMBER, PLANES, "", "sampled run time of the BPF programs") \
	FIELD(S, u64, bpf_events, "count", NUMBER, PLANES, "",		\
	      "events begun while it was sampled; 0: not measured")	\
	FIELD(S, u64, cpu_ns, "ns", NUMBER, PLANES, "", "CPU time of the recorder itself") \
	FIELD(S, u64, events, "count", NUMBER, PLANES, "", "records drained so far") \
	FIELD(S, u64, bytes, "bytes", NUMBER, PLANES, "", "bytes written so far")

#define KVMW_FIELDS_index(FIELD, S)					\
	FIELD(S, u64, offset, "bytes", NUMBER, DELTA, "", "where the frame begins") \
	FIELD(S, u32, type, "id", NUMBER, DICT, "", "frame type")	\
	FIELD(S, u32, event, "id", NUMBER, DICT, "", "event id of its rows, or 0") \
	FIELD(S, u32, stream, "id", NUMBER, DICT, "", "stream of its rows") \
	FIELD(S, u32, rows, "count", NUMBER, PLANES, "", "number of rows") \
	FIELD(S, u64, first_ns, "time", NUMBER, PLANES, "", "time of its first row") \
	FIELD(S, u64, last_ns, "time", NUMBER, PLANES, "", "time of its last row")

#define KVMW_KINDS_total(KIND, S)
#define KVMW_KINDS_loss(KIND, S)
#define KVMW_KINDS_cost(KIND, S)
#define KVMW_KINDS_index(KIND, S)
#define KVMW_KINDS_holder(KIND, S)					\
	KIND(S, IDLE, idle, 1, "nobody: the CPU was idle")		\
	KIND(S, VCPU, vcpu, 2, "another vCPU of the same VM")		\
	KIND(S, VMM, vmm, 3, "another thread of the VM's own process")	\
	KIND(S, VM, vm, 4, "a vCPU, or another thread, of another VM")	\
	KIND(S, KERNEL, kernel, 5, "a kernel thread")			\
	KIND(S, PROCESS, process, 6, "another process")			\
	KIND(S, RECORDER, recorder, 7, "kvmw itself")			\
	KIND(S, OTHERS, others, 8, "threads beyond those that are counted separately") \
	KIND(S, COMMAND, command, 9, "the command that kvmw record ran")
#define KVMW_KINDS_thread(KIND, S)					\
	KIND(S, START, start, 1, "when the recording began")		\
	KIND(S, END, end, 2, "when it ended")
#define KVMW_KINDS_host(KIND, S)					\
	KIND(S, STEAL, steal, 1, "time that a host above took from this one's CPUs, ns since boot") \
	KIND(S, IDLE, idle, 2, "time that its CPUs were idle, ns since boot") \
	KIND(S, LOAD, load, 3, "load averages of 1, 5 and 15 minutes, threads that run and that exist") \
	KIND(S, VMS, vms, 4, "processes that run VMs")			\
	KIND(S, GUEST, guest, 5, "1: the host is a guest itself; its vendor") \
	KIND(S, KSM, ksm, 6, "KSM: 0 off, 1 on, 2 off and its pages taken apart") \
	KIND(S, KSM_SHARING, ksm_sharing, 7, "pages that KSM saves")	\
	KIND(S, THP, thp, 8, "transparent huge pages: always, madvise or never") \
	KIND(S, THP_SHMEM, thp_shmem, 9, "the same of shared memory")	\
	KIND(S, HUGEPAGES, hugepages, 10, "huge pages of the default size that are reserved") \
	KIND(S, HUGEPAGES_FREE, hugepages_free, 11, "of these, those that are free") \
	KIND(S, NUMA_NODES, numa_nodes, 12, "NUMA nodes that are online") \
	KIND(S, NUMA_BALANCING, numa_balancing, 13, "NUMA balancing: 0 off, else its modes, as bits") \
	KIND(S, CPUS, cpus, 14, "CPUs that are online")			\
	KIND(S, ISOLATED, isolated, 15, "CPUs without load balancing (isolcpus)") \
	KIND(S, NOHZ_FULL, nohz_full, 16, "CPUs without a tick")	\
	KIND(S, SMT, smt, 17, "simultaneous multithreading: 1 active")	\
	KIND(S, CPUIDLE, cpuidle, 18, "driver and governor of idle states") \
	KIND(S, CPUFREQ, cpufreq, 19, "driver and governor of frequencies, of CPU 0") \
	KIND(S, CLOCKSOURCE, clocksource, 20, "clocksource")		\
	KIND(S, VULNERABILITY, vulnerability, 21, "one of the CPU, and what the kernel does about it")
#define KVMW_KINDS_taken(KIND, S)					\
	KIND(S, VMM, vmm, 1, "a thread of the VM's own process: a vCPU, or another one") \
	KIND(S, KERNEL, kernel, 2, "a kernel thread")			\
	KIND(S, PROCESS, process, 3, "another process")			\
	KIND(S, OTHERS, others, 4,					\
	     "threads and reasons beyond those that are counted separately; 0 if there are none")
#define KVMW_KINDS_slot(KIND, S)					\
	KIND(S, START, start, 1, "when the recording began")
#define KVMW_KINDS_vm_config(KIND, S)					\
	KIND(S, START, start, 1, "when the recording began")		\
	KIND(S, END, end, 2, "when it ended")
#define KVMW_KINDS_vcpu_config(KIND, S)					\
	KIND(S, START, start, 1, "when the recording began")		\
	KIND(S, END, end, 2, "when it ended")
#define KVMW_KINDS_vm_memory(KIND, S)					\
	KIND(S, START, start, 1, "when the recording began")		\
	KIND(S, END, end, 2, "when it ended")
#define KVMW_KINDS_cgroup(KIND, S)					\
	KIND(S, START, start, 1, "when the recording began")		\
	KIND(S, END, end, 2, "when it ended")

#endif
