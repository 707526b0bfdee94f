/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every event and every field, declared once.
 *
 * From these lists come: the C struct which a BPF program fills, the schema
 * stored in a recording, the column codec, the names in JSON and CSV, `kvmw
 * list`, and the tables of the format page (a test compares them).
 *
 * Adding an event: one KVMW_FIELDS_name list, one line in KVMW_EVENTS, one
 * program that emits it.  Ids of events and the order of fields are append-only
 * for ever: a recording names a column by (event id, field index).
 *
 * This file is read by BPF programs too: it includes nothing.
 */
#ifndef KVMW_EVENTS_H
#define KVMW_EVENTS_H

/*
 * EVENT(NAME, name, id, provider, doc)
 *
 * Ids below 32 are events captured from the kernel, ids from 32 on are tables
 * which the recorder writes about the recording itself.
 */
#define KVMW_EVENTS(EVENT)						\
	EVENT(EXIT, exit, 1, "exit",					\
	      "one cycle of a vCPU: guest, VM exit, until the guest runs again") \
	EVENT(USERSPACE, userspace, 2, "userspace",			\
	      "one return of KVM_RUN to the VMM, until the VMM runs the vCPU again") \
	EVENT(TOTAL, total, 32, "recorder",				\
	      "exact totals of a vCPU and reason, kept in the kernel")	\
	EVENT(LOSS, loss, 33, "recorder",				\
	      "records of a vCPU which found no room in the ring")	\
	EVENT(COST, cost, 34, "recorder",				\
	      "what the recording cost so far")				\
	EVENT(INDEX, index, 35, "recorder",				\
	      "one frame of this recording")

/*
 * FIELD(S, type, name, unit, encoding, ref, doc)
 *
 * S         handed through, for whoever expands the list
 * type      u16 u32 s32 u64
 * unit      time   ns of CLOCK_MONOTONIC
 *           ns     a duration; all ones: not captured
 *           addr, hex, id, count, bytes, reason, isa, errno
 * encoding  how the column is laid out (Documentation/kvmw.data-file-format.txt)
 *           CHAIN  ref "key,gap,span": predicted from the previous row of the
 *                  same key; what is stored is the (mostly zero) difference
 *           TOKENS ref "key,like": for durations; rows are divided by key and by
 *                  the magnitude of like (of the field itself: in the row before)
 *           DICT   dictionary of distinct values; ref "key": what a row holds
 *                  mostly follows from key.  PLANES where there are many
 *           PLANES byte planes
 *           DELTA  difference to the previous row, as byte planes
 */
#define KVMW_FIELDS_exit(FIELD, S)						\
	FIELD(S, u64, time_ns, "time", CHAIN, "vcpu,guest_ns,total_ns",	\
	      "when the VM exit happened")				\
	FIELD(S, u64, guest_ns, "ns", TOKENS, "reason,total_ns",	\
	      "time in the guest before the exit, since the last entry") \
	FIELD(S, u64, total_ns, "ns", TOKENS, "reason,total_ns",	\
	      "time from the exit to the next entry; not captured: unfinished") \
	FIELD(S, u64, user_ns, "ns", TOKENS, "reason,total_ns",		\
	      "part of total_ns spent in the VMM, outside of KVM_RUN")	\
	FIELD(S, u64, rip, "addr", DICT, "reason",			\
	      "guest instruction pointer at the exit")			\
	FIELD(S, u64, info1, "hex", DICT, "rip",			\
	      "VMX: exit qualification; SVM: EXITINFO1")		\
	FIELD(S, u64, info2, "hex", DICT, "rip",			\
	      "VMX: IDT-vectoring information; SVM: EXITINFO2")		\
	FIELD(S, u32, intr_info, "hex", DICT, "rip",			\
	      "VMX: VM-exit interruption information; SVM: EXITINTINFO") \
	FIELD(S, u32, error_code, "hex", DICT, "rip",			\
	      "error code that goes with intr_info")			\
	FIELD(S, u32, reason, "reason", DICT, "vcpu",			\
	      "exit reason, named by isa")				\
	FIELD(S, u32, vcpu, "id", DICT, "",				\
	      "vCPU, an id of the IDENT frames")			\
	FIELD(S, u16, isa, "isa", DICT, "",				\
	      "1 VMX, 2 SVM: which table names the reason")

#define KVMW_FIELDS_userspace(FIELD, S)					\
	FIELD(S, u64, time_ns, "time", CHAIN, "vcpu,run_ns,user_ns",	\
	      "when KVM_RUN returned to the VMM")			\
	FIELD(S, u64, run_ns, "ns", TOKENS, "reason,user_ns",		\
	      "time inside KVM_RUN before that return")			\
	FIELD(S, u64, user_ns, "ns", TOKENS, "reason,user_ns",		\
	      "time in the VMM until the next KVM_RUN; not captured: unfinished") \
	FIELD(S, u32, reason, "reason", DICT, "vcpu",			\
	      "KVM_EXIT_* number of struct kvm_run")			\
	FIELD(S, s32, error, "errno", DICT, "reason",			\
	      "what KVM_RUN returned: 0 or a negative errno")		\
	FIELD(S, u32, vcpu, "id", DICT, "",				\
	      "vCPU, an id of the IDENT frames")			\
	FIELD(S, u16, isa, "isa", DICT, "",				\
	      "0: the reason is a KVM_EXIT_* number")

#define KVMW_FIELDS_total(FIELD, S)					\
	FIELD(S, u32, vcpu, "id", DICT, "", "vCPU, an id of the IDENT frames") \
	FIELD(S, u32, event, "id", DICT, "", "id of the event counted")	\
	FIELD(S, u32, isa, "isa", DICT, "", "as in the event")		\
	FIELD(S, u32, reason, "reason", DICT, "", "as in the event")	\
	FIELD(S, u64, count, "count", PLANES, "", "events that began")	\
	FIELD(S, u64, done, "count", PLANES, "", "events that were completed") \
	FIELD(S, u64, lost, "count", PLANES, "", "completed ones without a record") \
	FIELD(S, u64, gap_ns, "ns", PLANES, "",				\
	      "sum of guest_ns (exit), run_ns (userspace)")		\
	FIELD(S, u64, span_ns, "ns", PLANES, "",			\
	      "sum of total_ns (exit), user_ns (userspace)")		\
	FIELD(S, u64, user_ns, "ns", PLANES, "", "sum of user_ns")

#define KVMW_FIELDS_loss(FIELD, S)						\
	FIELD(S, u32, vcpu, "id", DICT, "", "vCPU, an id of the IDENT frames") \
	FIELD(S, u32, event, "id", DICT, "", "id of the event lost")	\
	FIELD(S, u64, count, "count", PLANES, "", "records lost in this span") \
	FIELD(S, u64, first_ns, "time", PLANES, "", "time of the first one") \
	FIELD(S, u64, last_ns, "time", PLANES, "", "time of the last one")

#define KVMW_FIELDS_cost(FIELD, S)						\
	FIELD(S, u64, time_ns, "time", PLANES, "", "when this was read") \
	FIELD(S, u64, bpf_ns, "ns", PLANES, "", "sampled run time of the BPF programs") \
	FIELD(S, u64, bpf_events, "count", PLANES, "",			\
	      "events begun while it was sampled; 0: not measured")	\
	FIELD(S, u64, cpu_ns, "ns", PLANES, "", "CPU time of the recorder itself") \
	FIELD(S, u64, events, "count", PLANES, "", "records drained so far") \
	FIELD(S, u64, bytes, "bytes", PLANES, "", "bytes written so far")

#define KVMW_FIELDS_index(FIELD, S)					\
	FIELD(S, u64, offset, "bytes", DELTA, "", "where the frame begins") \
	FIELD(S, u32, type, "id", DICT, "", "frame type")		\
	FIELD(S, u32, event, "id", DICT, "", "event id of its rows, or 0") \
	FIELD(S, u32, stream, "id", DICT, "", "stream of its rows")	\
	FIELD(S, u32, rows, "count", PLANES, "", "number of rows")	\
	FIELD(S, u64, first_ns, "time", PLANES, "", "time of its first row") \
	FIELD(S, u64, last_ns, "time", PLANES, "", "time of its last row")

/* The structs: struct kvmw_exit, struct kvmw_userspace, … */
#define KVMW_MEMBER(S, type, name, unit, encoding, ref, doc) type name;
#define KVMW_STRUCT(NAME, name, id, provider, doc) \
	struct kvmw_##name { KVMW_FIELDS_##name(KVMW_MEMBER, name) };
KVMW_EVENTS(KVMW_STRUCT)

/* The ids: KVMW_EVENT_EXIT, … */
#define KVMW_ID(NAME, name, id, provider, doc) KVMW_EVENT_##NAME = id,
enum kvmw_event_id { KVMW_EVENTS(KVMW_ID) };

/* A duration or address that was not captured; neither zero nor lost. */
#define KVMW_NONE	(~0ULL)

/*
 * Reason of the "total" that holds all further ones, once a vCPU has had as many
 * distinct reasons as are counted one by one.  No KVM and no CPU has it.
 */
#define KVMW_REASON_OTHER	0xfffffff0U

/* enum kvmw_isa: as the kernel's KVM_ISA_VMX, KVM_ISA_SVM in kvm/trace.h */
enum kvmw_isa { KVMW_ISA_NONE = 0, KVMW_ISA_VMX = 1, KVMW_ISA_SVM = 2 };

#endif
