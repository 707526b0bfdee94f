/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every event and every field, declared once.
 *
 * These lists generate the C struct that a BPF program fills, the schema stored in
 * a recording, the column codec, the names in JSON and CSV, `kvmw list`, the words
 * of -e, and what `kvmw report` shows of an event.  A test keeps the tables of the
 * format page in step and can write them (tests/test_format.py).
 *
 * To add a family, add an entry to KVMW_EVENTS with its KVMW_FIELDS_name and
 * KVMW_KINDS_name, its tracepoints to bpf_skel/points.h, and its bpf_skel/name.bpf.c.
 * Probes other than tracepoints are listed in util/capture/provider.c.  Ids of events
 * and the order of fields are append-only, because a recording names a column by
 * (event id, field index).
 *
 * BPF programs include this file too, so it must not include anything but the rest of the
 * lists: util/event_holds.h, util/event_memory.h, util/event_raw.h, util/event_stack.h and
 * util/event_tables.h.
 */
#ifndef KVMW_EVENTS_H
#define KVMW_EVENTS_H

#include "util/event_holds.h"
#include "util/event_memory.h"
#include "util/event_raw.h"
#include "util/event_stack.h"
#include "util/event_tables.h"

/*
 * Captured events have ids below this, tables that the recorder writes have ids from here
 * on.  This is part of the recording format.  A set of captured events is a bitmap of this
 * many bits.
 */
#define KVMW_MAX_EVENTS	32

/* GROUP(NAME, name): the groups of -e; "all" contains all events except those with .apart. */
#define KVMW_GROUPS(GROUP)						\
	GROUP(ALL, all)							\
	GROUP(MEMORY, memory)						\
	GROUP(INTERRUPTS, interrupts)					\
	GROUP(SCHEDULING, scheduling)					\
	GROUP(VMM, vmm)

/*
 * EVENT(NAME, name, id, class, doc, attributes)
 *
 * class       CYCLE   part of a vCPU's time, with fields of its own
 *             FAMILY  begins with KVMW_HEAD
 *             RAW     any tracepoint, as the kernel wrote it; begins with KVMW_HEAD
 *             TABLE   written by the recorder, about the recording
 * attributes  members of struct event_desc, explained in util/event_desc.h; CYCLE and
 *             FAMILY must have .cost, .singular and .plural, all others are optional
 */
#define KVMW_EVENTS(EVENT)						\
	EVENT(EXIT, exit, 1, CYCLE,					\
	      "one cycle of a vCPU: guest, VM exit, until the guest runs again", \
	      .on_by_default = true,					\
	      .cost = "each VM exit and entry, each host context switch", \
	      .singular = "exit", .plural = "exits",			\
	      .span = "total_ns", .gap = "guest_ns",	\
	      .parts = { "user_ns", "halt_ns", "poll_ns", "wait_ns", "block_ns",	\
			 "throttled_ns" },				\
	      .detail = "detail", .detail_kind = "detail_kind", .detail_title = "detail", \
	      .user = "user_reason", .cpu = "exit_cpu")			\
	EVENT(USERSPACE, userspace, 2, CYCLE,				\
	      "one return of KVM_RUN to the VMM, until the VMM runs the vCPU again", \
	      .groups = IN(VMM), .cost = "each return to the VMM",	\
	      .singular = "return to the VMM", .plural = "returns to the VMM", \
	      .span = "user_ns", .gap = "run_ns", \
	      .parts = { "user_ns" })					\
	EVENT(FAULT, fault, 3, FAMILY,					\
	      "guest page faults and how KVM handled them",		\
	      .groups = IN(MEMORY), .cost = "each page fault of a guest", \
	      .singular = "event of page faults", .plural = "events of page faults", \
	      .detail = "gpa", .detail_title = "page") \
	EVENT(DIRTY, dirty, 4, FAMILY,					\
	      "guest pages made dirty, dirty rings, page-modification logs", \
	      .groups = IN(MEMORY), .cost = "each page marked dirty",	\
	      .singular = "event of dirty pages", .plural = "events of dirty pages", \
	      .detail = "gfn", .detail_title = "gfn") \
	EVENT(IRQ, irq, 5, FAMILY,					\
	      "interrupts from assertion to injection to EOI",		\
	      .groups = IN(INTERRUPTS), .cost = "each step of an interrupt", \
	      .singular = "event of interrupts", .plural = "events of interrupts", \
	      .detail = "vector", .detail_title = "vector") \
	EVENT(HALT, halt, 6, FAMILY,					\
	      "halts of a vCPU and its halt-polling window",		\
	      .groups = IN(SCHEDULING),					\
	      .cost = "each halt, each host context switch and wakeup", \
	      .singular = "event of halts", .plural = "events of halts", \
	      .detail = "waker", .detail_title = "waker") \
	EVENT(SCHED, sched, 7, FAMILY,					\
	      "threads of the VM on and off their CPUs",		\
	      .groups = IN(SCHEDULING), .cost = "each host context switch and wakeup", \
	      .singular = "event of the scheduler", .plural = "events of the scheduler", \
	      .detail = "other", .detail_title = "other thread")	\
	EVENT(IOCTL, ioctl, 8, FAMILY,					\
	      "KVM ioctls of the VMM",					\
	      .groups = IN(VMM), .cost = "each ioctl on the host; " IN_SYSCALLS, \
	      .singular = "ioctl", .plural = "ioctls",			\
	      .detail = "cmd", .detail_title = "ioctl", .sort = "detail") \
	EVENT(HYPERCALL, hypercall, 9, FAMILY,				\
	      "hypercalls of the guest",				\
	      .cost = "each hypercall",					\
	      .singular = "hypercall", .plural = "hypercalls",		\
	      .detail = "nr", .detail_title = "hypercall", \
	      .sort = "reason,detail")					\
	EVENT(TIMER, timer, 10, FAMILY,					\
	      "APIC timer, TSC and clocks of the guest",		\
	      .groups = IN(INTERRUPTS),					\
	      .cost = "APIC timers, clock updates, and, at little cost, each host timer", \
	      .singular = "event of timers", .plural = "events of timers") \
	EVENT(MMU, mmu, 11, FAMILY,					\
	      "guest memory unmapped by the host, shadow pages, zaps, splits", \
	      .groups = IN(MEMORY), .cost = "each change of the nested page tables", \
	      .singular = "event of the MMU", .plural = "events of the MMU", \
	      .detail = "gfn", .detail_title = "gfn") \
	EVENT(MEMSLOT, memslot, 12, FAMILY,				\
	      "memory slots: where guest memory is mapped in the VMM",	\
	      .groups = IN(MEMORY) | IN(VMM),				\
	      .cost = "each ioctl on the host, each page marked dirty; " IN_SYSCALLS, \
	      .singular = "event of memory slots", .plural = "events of memory slots", \
	      .detail = "slot", .detail_title = "slot") \
	EVENT(NESTED, nested, 13, FAMILY,				\
	      "entries and exits of nested guests (L2)",		\
	      .cost = "each exit of a nested guest",			\
	      .singular = "event of nested guests", .plural = "events of nested guests", \
	      .detail = "reason", .detail_title = "exit reason", .sort = "reason,detail") \
	EVENT(STACK, stack, 14, FAMILY,					\
	      "host stacks at selected events",			\
	      .apart = true,						\
	      .cost = "each host context switch, and what --stack names", \
	      .singular = "stack", .plural = "stacks",			\
	      .detail = "kernel", .detail_title = "stack", .sort = "detail") \
	EVENT(RAW, raw, 15, RAW,					\
	      "any tracepoint, as the kernel wrote it",			\
	      .apart = true, .singular = "tracepoint", .plural = "tracepoints") \
	EVENT(TOTAL, total, 32, TABLE,					\
	      "exact totals per vCPU and reason, kept in the kernel")	\
	EVENT(LOSS, loss, 33, TABLE,					\
	      "records of a vCPU lost because a ring buffer was full")	\
	EVENT(COST, cost, 34, TABLE,					\
	      "what the recording cost so far")				\
	EVENT(INDEX, index, 35, TABLE,					\
	      "one frame of this recording")				\
	EVENT(HOLDER, holder, 36, TABLE,				\
	      "a thread that had the CPU for which a vCPU waited")	\
	EVENT(THREAD, thread, 37, TABLE,				\
	      "a thread of a VM's process, when the recording began or ended") \
	EVENT(CGROUP, cgroup, 38, TABLE,				\
	      "a control group of a VM's threads, when the recording began or ended") \
	EVENT(SLOT, slot, 39, TABLE,					\
	      "a memory slot of a VM, when the recording began")	\
	EVENT(HOST, host, 40, TABLE,					\
	      "one property of the host, when the recording began or ended") \
	EVENT(TAKEN, taken, 41, TABLE,					\
	      "memory that one thread took from a VM, for one reason") \
	EVENT(VM_CONFIG, vm_config, 42, TABLE,				\
	      "how a VM is set up, when the recording began or ended")	\
	EVENT(VCPU_CONFIG, vcpu_config, 43, TABLE,			\
	      "how a vCPU is set up, when the recording began or ended") \
	EVENT(VM_MEMORY, vm_memory, 44, TABLE,				\
	      "memory of a VM's process, when the recording began or ended")

/*
 * FIELD(S, type, name, unit, holds, encoding, ref, doc)
 *
 * S         passed through to FIELD
 * type      u16 u32 s32 u64 s64
 * unit      time   ns of CLOCK_MONOTONIC
 *           ns     a duration; all ones: unknown
 *           addr, hex, id, count, bytes, reason, isa, errno
 *           kind    what happened: a number of the event's KVMW_KINDS list
 *           detail  likewise, of KVMW_DETAILS
 *           access  bits: 1 read, 2 write, 4 execute
 *           ioctl   number of an ioctl, include/uapi/linux/kvm.h
 *           bool    0 or 1
 *           clock   ns of CLOCK_MONOTONIC, but not when the event happened
 *           user    KVM_EXIT_* number of struct kvm_run
 *           ret_pf  a number of KVMW_RET_PFS
 *           cause   a number of KVMW_CAUSES
 *           In 64-bit fields all ones mean unknown.
 * holds     what it may reveal of guest, host and user: a number of KVMW_HOLDS
 * encoding  how the column is laid out (Documentation/kvmw.data-file-format.txt)
 *           CHAIN  ref "key,gap,span": predicted from the previous row with
 *                  the same key; the (mostly zero) difference is stored
 *           TOKENS ref "key,like": for durations; rows are grouped by key and by
 *                  the magnitude of like (or of the field itself, in the previous row)
 *           DICT   dictionary of distinct values; ref "key": the field that
 *                  mostly determines the value.  PLANES if there are many values
 *           PLANES byte planes
 *           DELTA  difference from the previous row, as byte planes
 */
#define KVMW_FIELDS_exit(FIELD, S)					\
	FIELD(S, u64, time_ns, "time", NUMBER, CHAIN, "vcpu,guest_ns,total_ns", \
	      "when the VM exit happened")				\
	FIELD(S, u64, guest_ns, "ns", NUMBER, TOKENS, "reason,total_ns", \
	      "time in the guest before the exit, since the last entry") \
	FIELD(S, u64, total_ns, "ns", NUMBER, TOKENS, "reason,total_ns", \
	      "time from the exit to the next entry; unknown: unfinished") \
	FIELD(S, u64, user_ns, "ns", NUMBER, TOKENS, "reason,total_ns",	\
	      "part of total_ns on a CPU in the VMM, outside of KVM_RUN") \
	FIELD(S, u64, rip, "addr", GUEST_CODE, DICT, "reason",		\
	      "guest instruction pointer at the exit")			\
	FIELD(S, u64, info1, "hex", INFO1, DICT, "rip", "VMX: exit qualification; SVM: EXITINFO1") \
	FIELD(S, u64, info2, "hex", INFO2, DICT, "rip",			\
	      "VMX: IDT-vectoring information; SVM: EXITINFO2")		\
	FIELD(S, u32, intr_info, "hex", NUMBER, DICT, "rip",		\
	      "VMX: VM-exit interruption information; SVM: EXITINTINFO") \
	FIELD(S, u32, error_code, "hex", NUMBER, DICT, "rip", "error code belonging to intr_info") \
	FIELD(S, u32, reason, "reason", NUMBER, DICT, "vcpu", "exit reason, named by isa") \
	FIELD(S, u32, vcpu, "id", NUMBER, DICT, "", "vCPU, an id of the IDENT frames") \
	FIELD(S, u16, isa, "isa", NUMBER, DICT, "", "1 VMX, 2 SVM: which table names the reason") \
	FIELD(S, u64, halt_ns, "ns", NUMBER, TOKENS, "reason,total_ns",	\
	      "part of total_ns halted: polling or asleep until woken")	\
	FIELD(S, u64, poll_ns, "ns", NUMBER, TOKENS, "reason,halt_ns",	\
	      "part of halt_ns spent polling, on a CPU")		\
	FIELD(S, u64, wait_ns, "ns", NUMBER, TOKENS, "reason,total_ns",	\
	      "part of total_ns runnable, but not on a CPU (steal)")	\
	FIELD(S, u64, block_ns, "ns", NUMBER, TOKENS, "reason,total_ns", \
	      "part of total_ns asleep, other than halted")		\
	FIELD(S, u64, detail, "hex", DETAIL, DICT, "rip",		\
	      "port, gpa, MSR, CR, CPUID leaf, hypercall or vector")	\
	FIELD(S, u16, detail_kind, "detail", NUMBER, DICT, "rip",	\
	      "type of the detail, with its direction")			\
	FIELD(S, u16, detail_size, "bytes", NUMBER, DICT, "rip",	\
	      "bytes accessed (port, MMIO); 0: unknown")		\
	FIELD(S, u32, user_reason, "user", NUMBER, DICT, "reason",	\
	      "KVM_EXIT_* of the first return to the VMM; all ones: none") \
	FIELD(S, u16, exit_cpu, "id", NUMBER, DICT, "vcpu", "host CPU it exited on") \
	FIELD(S, u16, entry_cpu, "id", NUMBER, DICT, "vcpu", "host CPU it entered on next") \
	FIELD(S, u16, nested, "bool", NUMBER, DICT, "rip",		\
	      "1: a nested guest (L2) exited: rip and detail are its own; all ones: unknown") \
	FIELD(S, u64, throttled_ns, "ns", NUMBER, TOKENS, "reason,wait_ns", \
	      "part of wait_ns in which the quota of its cgroup was used up") \
	FIELD(S, u64, written, "hex", VALUE, DICT, "rip",		\
	      "value that the guest writes to an MSR; all ones: unknown, or it writes none")

/*
 * DETAIL(NAME, name, number, what, doc): what the detail of a cycle is, and what its number is
 * called in --where and --sort.  Numbers are append-only, like all ids here.
 */
#define KVMW_DETAILS(DETAIL)						\
	DETAIL(NONE, "", 0, "", "no detail is known")			\
	DETAIL(PIO_IN, "in", 1, "port", "port read")			\
	DETAIL(PIO_OUT, "out", 2, "port", "port written")		\
	DETAIL(MMIO_READ, "mmio-read", 3, "gpa", "gpa without memory, read") \
	DETAIL(MMIO_WRITE, "mmio-write", 4, "gpa", "gpa without memory, written") \
	DETAIL(FAST_MMIO, "mmio-fast", 5, "gpa", "gpa of an ioeventfd, written") \
	DETAIL(FAULT_READ, "fault-read", 6, "gpa", "gpa of a page fault, read") \
	DETAIL(FAULT_WRITE, "fault-write", 7, "gpa", "gpa of a page fault, written") \
	DETAIL(FAULT_EXEC, "fault-exec", 8, "gpa", "gpa of a page fault, executed") \
	DETAIL(MSR_READ, "rdmsr", 9, "msr", "MSR read")			\
	DETAIL(MSR_WRITE, "wrmsr", 10, "msr", "MSR written")		\
	DETAIL(CR_READ, "cr-read", 11, "cr", "control register read")	\
	DETAIL(CR_WRITE, "cr-write", 12, "cr", "control register written") \
	DETAIL(CPUID, "cpuid", 13, "leaf", "CPUID leaf")		\
	DETAIL(HYPERCALL, "hypercall", 14, "nr", "number of a hypercall") \
	DETAIL(INTERRUPT, "interrupt", 15, "vector", "vector of an interrupt") \
	DETAIL(EXCEPTION, "exception", 16, "vector", "vector of an exception") \
	DETAIL(HV_HYPERCALL, "hv-hypercall", 17, "nr", "code of a Hyper-V hypercall")

/*
 * The fields that every family begins with.  A family's own fields all have 64 bits, so
 * that its programs can fill them by number; all ones: unknown, or not a field of this kind.
 */
#define KVMW_HEAD(FIELD, S, span_doc)					\
	FIELD(S, u64, time_ns, "time", NUMBER, DELTA, "", "when it happened") \
	FIELD(S, u64, span_ns, "ns", NUMBER, TOKENS, "kind,span_ns", span_doc) \
	FIELD(S, u32, vcpu, "id", NUMBER, DICT, "",			\
	      "vCPU, or the VMM or kernel, an id of the IDENT frames")	\
	FIELD(S, u32, tid, "id", NUMBER, DICT, "vcpu", "thread it happened in") \
	FIELD(S, u16, cpu, "id", NUMBER, DICT, "vcpu", "host CPU")	\
	FIELD(S, u16, kind, "kind", NUMBER, DICT, "vcpu", "what happened")

#define KVMW_FIELDS_fault(FIELD, S)					\
	KVMW_HEAD(FIELD, S, "how long KVM handled the fault")		\
	FIELD(S, u64, gpa, "addr", GUEST_PHYS, DICT, "kind", "guest physical address") \
	FIELD(S, u64, error_code, "hex", NUMBER, DICT, "kind",		\
	      "as KVM traces it: page-fault error code, or exit qualification") \
	FIELD(S, u64, rip, "addr", GUEST_CODE, DICT, "kind", "guest instruction pointer") \
	FIELD(S, u64, access, "access", NUMBER, DICT, "kind", "access the guest attempted") \
	FIELD(S, u64, mmio, "bool", NUMBER, DICT, "kind", "1: no memory at this address") \
	FIELD(S, u64, level, "count", NUMBER, DICT, "kind",		\
	      "level of the mapping: 1 4 KiB, 2 2 MiB, 3 1 GiB")	\
	FIELD(S, u64, pfn, "hex", HOST_FRAME, DICT, "kind", "host page frame number") \
	FIELD(S, u64, hva, "addr", HOST_ADDR, DICT, "kind", "address in the VMM") \
	FIELD(S, u64, result, "count", NUMBER, DICT, "kind",		\
	      "return value of kvm_mmu_page_fault(), or the tracepoint's own result") \
	FIELD(S, u64, nested, "bool", NUMBER, DICT, "kind",		\
	      "1: gpa is an address of a nested guest (L2)")		\
	FIELD(S, u64, ret_pf, "ret_pf", NUMBER, DICT, "kind",		\
	      "what the fault's handler returned, RET_PF_*")

/* KIND(S, NAME, name, number, doc) */
#define KVMW_KINDS_fault(KIND, S)					\
	KIND(S, PAGE_FAULT, page_fault, 1, "a fault, from its exit until it was handled") \
	KIND(S, FAST, fast_page_fault, 2, "fast path: a permission was restored") \
	KIND(S, MMIO, mmio_page_fault, 3, "no memory at this address")		\
	KIND(S, SET_SPTE, set_spte, 4, "a page was mapped")		\
	KIND(S, ASYNC_GET, async_get_page, 5, "a host page is fetched in the background") \
	KIND(S, ASYNC_NOT_PRESENT, async_not_present, 6, "the guest was told to wait for a page") \
	KIND(S, ASYNC_READY, async_ready, 7, "the guest was told that its page is available") \
	KIND(S, ASYNC_DONE, async_completed, 8, "a page fetched in the background arrived")

#define KVMW_FIELDS_dirty(FIELD, S)					\
	KVMW_HEAD(FIELD, S, "unused")					\
	FIELD(S, u64, gfn, "hex", GUEST_FRAME, DELTA, "", "guest frame number") \
	FIELD(S, u64, slot, "id", NUMBER, DICT, "kind", "memory slot: id + (address space << 16)") \
	FIELD(S, u64, logging, "bool", NUMBER, DICT, "kind",		\
	      "1: dirty logging is on for the slot")			\
	FIELD(S, u64, offset, "count", GUEST_PLACE, DICT, "kind",	\
	      "dirty ring: page within the slot")			\
	FIELD(S, u64, index, "count", NUMBER, DICT, "kind", "dirty ring: entry") \
	FIELD(S, u64, used, "count", NUMBER, DICT, "kind", "dirty ring: entries not yet reset")

#define KVMW_KINDS_dirty(KIND, S)					\
	KIND(S, PAGE, page, 1, "KVM marks a page dirty")		\
	KIND(S, RING_PUSH, ring_push, 2, "an entry was pushed to a dirty ring") \
	KIND(S, RING_RESET, ring_reset, 3, "entries of a dirty ring were reset") \
	KIND(S, RING_EXIT, ring_exit, 4, "a full dirty ring stopped its vCPU") \
	KIND(S, PML_FULL, pml_full, 5, "a page-modification log was full")

#define KVMW_FIELDS_irq(FIELD, S)					\
	KVMW_HEAD(FIELD, S, "since the previous step: assertion, acceptance, injection") \
	FIELD(S, u64, irq, "count", NUMBER, DICT, "kind", "GSI, or pin of the chip") \
	FIELD(S, u64, vector, "count", NUMBER, DICT, "kind", "interrupt or exception vector") \
	FIELD(S, u64, dest, "hex", NUMBER, DICT, "kind",		\
	      "APIC id of the target; pi_irte_update: vCPU")		\
	FIELD(S, u64, mode, "count", NUMBER, DICT, "kind",		\
	      "delivery mode of the APIC; avic_incomplete_ipi: the cause; apicv_change: the inhibit's number") \
	FIELD(S, u64, level, "count", NUMBER, DICT, "kind",		\
	      "level of the line; apic, avic_unaccelerated: 1, a write; apicv_change: 1, it is set") \
	FIELD(S, u64, trigger, "count", NUMBER, DICT, "kind", "1: level triggered") \
	FIELD(S, u64, coalesced, "bool", NUMBER, DICT, "kind", "1: one was already pending") \
	FIELD(S, u64, source, "count", NUMBER, DICT, "kind", "kind of the event that asserted it") \
	FIELD(S, u64, address, "hex", NUMBER, DICT, "kind",		\
	      "MSI address, register, or chip: 0, 1 PIC, 2 IOAPIC")	\
	FIELD(S, u64, data, "hex", VALUE, DICT, "kind",			\
	      "MSI data, ICR, value, the host's interrupt, or all inhibits of APICv as bits") \
	FIELD(S, u64, error_code, "hex", NUMBER, DICT, "kind", "error code of an exception")

#define KVMW_KINDS_irq(KIND, S)						\
	KIND(S, SET_IRQ, set_irq, 1, "a line of the VM was set or cleared") \
	KIND(S, PIC_SET, pic_set_irq, 2, "a pin of the PIC changed")	\
	KIND(S, IOAPIC_SET, ioapic_set_irq, 3, "a pin of the IOAPIC changed") \
	KIND(S, MSI_SET, msi_set_irq, 4, "a message-signalled interrupt was sent") \
	KIND(S, IPI, apic_ipi, 5, "a vCPU sent an interprocessor interrupt") \
	KIND(S, ACCEPT, apic_accept_irq, 6, "a local APIC accepted an interrupt") \
	KIND(S, INJECT, inj_virq, 7, "an interrupt was injected")	\
	KIND(S, EXCEPTION, inj_exception, 8, "an exception was injected") \
	KIND(S, EOI, eoi, 9, "the guest ended an interrupt")		\
	KIND(S, PV_EOI, pv_eoi, 10, "the guest ended an interrupt without an exit")	\
	KIND(S, ACK, ack_irq, 11, "a chip's pin was acknowledged")	\
	KIND(S, APIC, apic, 12, "a register of the local APIC was read or written") \
	KIND(S, IOAPIC_EOI, ioapic_delayed_eoi, 13, "an EOI came while the line was still set") \
	KIND(S, AVIC_IPI, avic_incomplete_ipi, 14, "AVIC could not deliver an IPI") \
	KIND(S, AVIC_ACCESS, avic_unaccelerated, 15, "AVIC left a register access to KVM") \
	KIND(S, PI_UPDATE, pi_irte_update, 16, "a posted interrupt was routed") \
	KIND(S, SET_UP, set_up, 17, "the VMM set up an interrupt chip or its routes") \
	KIND(S, APICV_ACCEPT, apicv_accept_irq, 18, "the CPU delivers an accepted interrupt itself") \
	KIND(S, APICV_CHANGE, apicv_change, 19, "what inhibits APICv or AVIC in the VM changed")

#define KVMW_FIELDS_halt(FIELD, S)					\
	KVMW_HEAD(FIELD, S, "how long the vCPU was halted")		\
	FIELD(S, u64, poll_ns, "ns", NUMBER, DICT, "kind", "part of span_ns spent polling") \
	FIELD(S, u64, slept, "bool", NUMBER, DICT, "kind", "0: polling sufficed") \
	FIELD(S, u64, valid, "bool", NUMBER, DICT, "kind", "1: there was something to do") \
	FIELD(S, u64, waker, "id", NUMBER, DICT, "kind", "thread that woke it; 0: an interrupt") \
	FIELD(S, u64, grow, "bool", NUMBER, DICT, "kind", "1: the window grew") \
	FIELD(S, u64, window_ns, "ns", NUMBER, DICT, "kind", "the new polling window") \
	FIELD(S, u64, old_window_ns, "ns", NUMBER, DICT, "kind", "the previous polling window")

#define KVMW_KINDS_halt(KIND, S)					\
	KIND(S, WAKEUP, wakeup, 1, "a halt ended")			\
	KIND(S, WINDOW, poll_window, 2, "the polling window changed")

#define KVMW_FIELDS_sched(FIELD, S)					\
	KVMW_HEAD(FIELD, S, "out: time on the CPU; in: time runnable before; wakeup: time asleep") \
	FIELD(S, u64, other, "id", NUMBER, DICT, "kind",		\
	      "thread that took over the CPU, gave it up, woke it or moved it; 0: idle") \
	FIELD(S, u64, state, "hex", NUMBER, DICT, "kind",		\
	      "out: task state; 0: runnable, that is, preempted")	\
	FIELD(S, u64, from_cpu, "id", NUMBER, DICT, "kind", "CPU it was moved from")

#define KVMW_KINDS_sched(KIND, S)					\
	KIND(S, OUT, out, 1, "a thread left its CPU")			\
	KIND(S, IN, in, 2, "a thread got a CPU")			\
	KIND(S, WAKEUP, wakeup, 3, "a thread was woken")		\
	KIND(S, MIGRATE, migrate, 4, "a thread was moved to another CPU")

#define KVMW_FIELDS_ioctl(FIELD, S)					\
	KVMW_HEAD(FIELD, S, "how long the ioctl took")			\
	FIELD(S, u64, cmd, "ioctl", NUMBER, DICT, "kind", "number of the ioctl") \
	FIELD(S, u64, fd_kind, "count", NUMBER, DICT, "cmd",		\
	      "1 /dev/kvm, 2 VM, 3 vCPU, 4 device, 0 other")		\
	FIELD(S, s64, fd, "count", NUMBER, DICT, "cmd", "file descriptor") \
	FIELD(S, u64, arg, "hex", VALUE, DICT, "cmd", "argument of the ioctl") \
	FIELD(S, s64, result, "errno", NUMBER, DICT, "cmd", "return value")

#define KVMW_KINDS_ioctl(KIND, S)					\
	KIND(S, CALL, call, 1, "an ioctl on a file of KVM")

#define KVMW_FIELDS_hypercall(FIELD, S)					\
	KVMW_HEAD(FIELD, S, "time until it was completed")			\
	FIELD(S, u64, nr, "hex", NUMBER, DICT, "kind", "number of the hypercall") \
	FIELD(S, u64, a0, "hex", VALUE, DICT, "nr", "argument; Hyper-V: fast") \
	FIELD(S, u64, a1, "hex", VALUE, DICT, "nr", "argument; Hyper-V: rep count") \
	FIELD(S, u64, a2, "hex", VALUE, DICT, "nr", "argument; Hyper-V: rep start") \
	FIELD(S, u64, a3, "hex", VALUE, DICT, "nr", "argument; Hyper-V: input") \
	FIELD(S, u64, a4, "hex", VALUE, DICT, "nr", "argument; Hyper-V: output") \
	FIELD(S, u64, a5, "hex", VALUE, DICT, "nr", "argument")		\
	FIELD(S, u64, result, "hex", VALUE, DICT, "nr", "result returned to the guest")

#define KVMW_KINDS_hypercall(KIND, S)					\
	KIND(S, KVM, kvm, 1, "a KVM hypercall")		\
	KIND(S, HYPERV, hyperv, 2, "a Hyper-V hypercall")		\
	KIND(S, HYPERV_DONE, hyperv_done, 3, "a Hyper-V hypercall was completed") \
	KIND(S, XEN, xen, 4, "a Xen hypercall")

#define KVMW_FIELDS_timer(FIELD, S)					\
	KVMW_HEAD(FIELD, S, "apic_expire: how late it expired")		\
	FIELD(S, u64, expires_ns, "clock", NUMBER, DELTA, "",		\
	      "CLOCK_MONOTONIC time at which it expires, ns")		\
	FIELD(S, u64, in_use, "bool", NUMBER, DICT, "kind",		\
	      "1: the CPU's own timer is used; for clocks: the master clock") \
	FIELD(S, s64, delta, "count", NUMBER, DICT, "kind",		\
	      "TSC cycles from deadline to expiry, negative: early")	\
	FIELD(S, u64, old, "hex", NUMBER, DICT, "kind",			\
	      "value before; pvclock_update: TSC; track_tsc: vCPUs matched") \
	FIELD(S, u64, new, "hex", NUMBER, DICT, "kind",			\
	      "value after; pvclock_update: system time; track_tsc: all vCPUs")

#define KVMW_KINDS_timer(KIND, S)					\
	KIND(S, HV_STATE, hv_timer_state, 1, "KVM started or stopped using the CPU's preemption timer") \
	KIND(S, WAIT_EXPIRE, wait_lapic_expire, 2, "KVM waited for a deadline before entry") \
	KIND(S, APIC_START, apic_start, 3, "the APIC timer was armed")	\
	KIND(S, APIC_EXPIRE, apic_expire, 4, "the APIC timer expired")	\
	KIND(S, PVCLOCK, pvclock_update, 5, "the guest's paravirtual clock was updated") \
	KIND(S, MASTERCLOCK, update_master_clock, 6, "the VM's master clock was updated") \
	KIND(S, TRACK_TSC, track_tsc, 7, "TSCs of the vCPUs were matched") \
	KIND(S, TSC_OFFSET, write_tsc_offset, 8, "a TSC offset was written")

#define KVMW_FIELDS_mmu(FIELD, S)					\
	KVMW_HEAD(FIELD, S, "how long it took")				\
	FIELD(S, u64, start, "addr", HOST_ADDR, DICT, "kind", "first address in the VMM") \
	FIELD(S, u64, end, "addr", HOST_END, DICT, "kind", "first address after it") \
	FIELD(S, u64, gfn, "hex", GUEST_FRAME, DICT, "kind", "guest frame number") \
	FIELD(S, u64, level, "count", NUMBER, DICT, "kind", "level of the page table") \
	FIELD(S, u64, old, "hex", VALUE, DICT, "kind", "page-table entry before") \
	FIELD(S, u64, new, "hex", VALUE, DICT, "kind", "page-table entry after") \
	FIELD(S, u64, count, "count", NUMBER, DICT, "kind", "pages in use, or references") \
	FIELD(S, s64, result, "count", NUMBER, DICT, "kind", "result")	\
	FIELD(S, u64, cause, "cause", NUMBER, DICT, "kind",		\
	      "what the host does to these addresses")			\
	FIELD(S, u64, syscall, "count", NUMBER, DICT, "kind",		\
	      "number of the system call that the thread was in")

#define KVMW_KINDS_mmu(KIND, S)						\
	KIND(S, UNMAP, unmap_hva, 1, "the host unmaps guest memory")	\
	KIND(S, AGE, age_hva, 2, "the host tests and clears accessed bits") \
	KIND(S, TEST_AGE, test_age_hva, 3, "the host tests accessed bits") \
	KIND(S, SET_SPTE, set_spte_hva, 4, "the host changes a page")	\
	KIND(S, GET_PAGE, get_page, 5, "a shadow page was made or found") \
	KIND(S, SYNC_PAGE, sync_page, 6, "a shadow page was synchronized") \
	KIND(S, UNSYNC_PAGE, unsync_page, 7, "a shadow page may be out of sync with the guest's") \
	KIND(S, ZAP_PAGE, zap_page, 8, "a shadow page is to be freed")	\
	KIND(S, ZAP_ALL, zap_all, 9, "all shadow pages are to be freed") \
	KIND(S, SPLIT, split_huge_page, 10, "a huge page was split")	\
	KIND(S, SPTE_CHANGED, spte_changed, 11, "an entry of the nested page tables changed") \
	KIND(S, LOAD, load_root, 12, "a root of the page tables was loaded") \
	KIND(S, INVALIDATE, invalidate, 13, "the host takes memory away from the VM, or maps it differently")

#define KVMW_FIELDS_memslot(FIELD, S)					\
	KVMW_HEAD(FIELD, S, "how long the ioctl took")			\
	FIELD(S, u64, slot, "id", NUMBER, DICT, "kind", "id + (address space << 16)") \
	FIELD(S, u64, flags, "hex", NUMBER, DICT, "kind", "KVM_MEM_*; 1: dirty logging") \
	FIELD(S, u64, gpa, "addr", GUEST_PLACE, DICT, "slot", "guest physical address") \
	FIELD(S, u64, size, "bytes", NUMBER, DICT, "slot", "0: deleted") \
	FIELD(S, u64, hva, "addr", HOST_PLACE, DICT, "slot", "address in the VMM") \
	FIELD(S, s64, result, "errno", NUMBER, DICT, "kind", "return value")

#define KVMW_KINDS_memslot(KIND, S)					\
	KIND(S, SET, set, 1, "the VMM set, moved, changed or deleted a slot") \
	KIND(S, SEEN, seen, 2, "a slot that existed before the recording")

#define KVMW_FIELDS_nested(FIELD, S)					\
	KVMW_HEAD(FIELD, S, "inject: time in L1 until it ran L2 again")	\
	FIELD(S, u64, rip, "addr", GUEST_CODE, DICT, "kind", "instruction pointer") \
	FIELD(S, u64, control, "addr", GUEST_PHYS, DICT, "kind", "gpa of L1's VMCB or VMCS") \
	FIELD(S, u64, reason, "hex", NUMBER, DICT, "kind", "exit reason, as in event exit") \
	FIELD(S, u64, info1, "hex", INFO1, DICT, "reason", "as in event exit") \
	FIELD(S, u64, info2, "hex", INFO2, DICT, "reason", "as in event exit") \
	FIELD(S, u64, intr_info, "hex", NUMBER, DICT, "reason", "as in event exit") \
	FIELD(S, u64, error_code, "hex", NUMBER, DICT, "reason", "as in event exit") \
	FIELD(S, u64, isa, "isa", NUMBER, DICT, "kind", "1 VMX, 2 SVM")

#define KVMW_KINDS_nested(KIND, S)					\
	KIND(S, ENTER, enter, 1, "L1 runs L2")				\
	KIND(S, EXIT, exit, 2, "L2 exits to KVM")			\
	KIND(S, INJECT, inject, 3, "an exit of L2 is forwarded to L1")	\
	KIND(S, INTERCEPTS, intercepts, 4, "what L1 wants to intercept") \
	KIND(S, INTR, intr, 5, "L2 exits for an interrupt of L1")	\
	KIND(S, INVLPGA, invlpga, 6, "L1 executed INVLPGA")		\
	KIND(S, SKINIT, skinit, 7, "L1 executed SKINIT")		\
	KIND(S, FAILED, enter_failed, 8, "L1 could not run L2")

#define KVMW_KINDS_exit(KIND, S)
#define KVMW_KINDS_userspace(KIND, S)

#define KVMW_FIELDS_userspace(FIELD, S)					\
	FIELD(S, u64, time_ns, "time", NUMBER, CHAIN, "vcpu,run_ns,user_ns", \
	      "when KVM_RUN returned to the VMM")			\
	FIELD(S, u64, run_ns, "ns", NUMBER, TOKENS, "reason,user_ns",	\
	      "time inside KVM_RUN before that return")			\
	FIELD(S, u64, user_ns, "ns", NUMBER, TOKENS, "reason,user_ns",	\
	      "time in the VMM until the next KVM_RUN; unknown: unfinished") \
	FIELD(S, u32, reason, "reason", NUMBER, DICT, "vcpu",		\
	      "KVM_EXIT_* number; 0x80000000 + errno: KVM_RUN failed")	\
	FIELD(S, s32, error, "errno", NUMBER, DICT, "reason",		\
	      "what KVM_RUN returned: 0 or a negative errno")		\
	FIELD(S, u32, vcpu, "id", NUMBER, DICT, "", "vCPU, an id of the IDENT frames") \
	FIELD(S, u16, isa, "isa", NUMBER, DICT, "", "0: the reason is a KVM_EXIT_* number")

/* The structs: struct kvmw_exit, struct kvmw_userspace, … */
#define KVMW_MEMBER(S, type, name, unit, holds, encoding, ref, doc) type name;
#define KVMW_STRUCT(NAME, name, id, class, doc, ...)			\
	struct kvmw_##name { KVMW_FIELDS_##name(KVMW_MEMBER, name) };
KVMW_EVENTS(KVMW_STRUCT)

/* The ids: KVMW_EVENT_EXIT, … */
#define KVMW_ID(NAME, name, id, class, doc, ...) KVMW_EVENT_##NAME = id,
enum kvmw_event_id { KVMW_EVENTS(KVMW_ID) };

/* The ids by lower-case name, for lists that have only that: KVMW_EVENT_ID_irq, … */
#define KVMW_NAME_ID(NAME, name, id, class, doc, ...) KVMW_EVENT_ID_##name = id,
enum kvmw_event_id_by_name { KVMW_EVENTS(KVMW_NAME_ID) };

/* The kinds: KVMW_irq_SET_IRQ, … */
#define KVMW_KIND_ID(S, NAME, name, number, doc) KVMW_##S##_##NAME = number,
#define KVMW_KIND_IDS(NAME, name, id, class, doc, ...) KVMW_KINDS_##name(KVMW_KIND_ID, name)
enum kvmw_kind { KVMW_NO_KIND = 0, KVMW_EVENTS(KVMW_KIND_IDS) };

/* The kinds of the families that have totals. */
#define KVMW_COUNTED_CYCLE(KIND, name)
#define KVMW_COUNTED_FAMILY(KIND, name)	KVMW_KINDS_##name(KIND, name)
#define KVMW_COUNTED_RAW(KIND, name)
#define KVMW_COUNTED_TABLE(KIND, name)

/* Index of each among all of them: KVMW_SUM_irq_SET_IRQ, …; raw tracepoints come last. */
#define KVMW_KIND_SUM(S, NAME, name, number, doc) KVMW_SUM_##S##_##NAME,
#define KVMW_KIND_SUMS(NAME, name, id, class, doc, ...) KVMW_COUNTED_##class(KVMW_KIND_SUM, name)
enum kvmw_kind_sum {
	KVMW_EVENTS(KVMW_KIND_SUMS)
	KVMW_SUM_RAW,
	KVMW_NR_KIND_SUMS = KVMW_SUM_RAW + KVMW_MAX_RAW,
};

/* The details: KVMW_DETAIL_PIO_IN, … */
#define KVMW_DETAIL_ID(NAME, name, number, what, doc) KVMW_DETAIL_##NAME = number,
enum kvmw_detail { KVMW_DETAILS(KVMW_DETAIL_ID) };

/* An unknown duration or address: neither zero nor lost. */
#define KVMW_NONE	(~0ULL)

/* A duration that was not captured, as a term of a sum or in an order: 0. */
static inline u64 captured(u64 ns)
{
	return ns == KVMW_NONE ? 0 : ns;
}

/*
 * Reason of the "total" that collects all further reasons, once a vCPU has had as many
 * distinct ones as are counted separately.  No KVM and no CPU uses it.
 */
#define KVMW_REASON_OTHER	0xfffffff0U

/*
 * Reason of a "userspace" whose KVM_RUN failed: this plus the errno.  struct kvm_run then
 * holds the exit reason of some earlier return.
 */
#define KVMW_REASON_ERRNO	0x80000000U

/* enum kvmw_isa: the kernel's KVM_ISA_VMX and KVM_ISA_SVM, kvm/trace.h */
enum kvmw_isa { KVMW_ISA_NONE = 0, KVMW_ISA_VMX = 1, KVMW_ISA_SVM = 2 };

#endif
