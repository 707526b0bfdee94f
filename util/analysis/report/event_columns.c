// SPDX-License-Identifier: GPL-2.0
#include "util/analysis/report/event_columns.h"
#include "util/events.h"

#define NO_PARTS	{ "", "", "", "", "" }

/* Every family begins with the same head. */
#define FAMILY(event, column, title, words, ...)			\
	{ .id = KVMW_EVENT_##event, .span = "span_ns", .gap = "", .reason = "kind", .isa = "", \
	  .parts = NO_PARTS, .detail = column, .detail_kind = "kind", .user = "", .cpu = "cpu", \
	  .reason_title = "what", .detail_title = title, .plural = words, __VA_ARGS__ }
#define BY(...)								\
	.sort = { __VA_ARGS__ },					\
	.nr_sort = sizeof((enum report_key[]) { __VA_ARGS__ }) / sizeof(enum report_key)

static const struct report_event events[] = {
	{ .id = KVMW_EVENT_EXIT, .span = "total_ns", .gap = "guest_ns", .reason = "reason",
	  .isa = "isa", .parts = { "user_ns", "halt_ns", "poll_ns", "wait_ns", "block_ns" },
	  .detail = "detail", .detail_kind = "detail_kind", .user = "user_reason",
	  .cpu = "exit_cpu", .reason_title = "reason", .detail_title = "detail",
	  .plural = "exits", BY(KEY_REASON) },
	{ .id = KVMW_EVENT_USERSPACE, .span = "user_ns", .gap = "run_ns", .reason = "reason",
	  .isa = "isa", .parts = { "user_ns", "", "", "", "" }, .detail = "", .detail_kind = "",
	  .user = "", .cpu = "", .reason_title = "reason", .detail_title = "detail",
	  .plural = "returns to the VMM", BY(KEY_REASON) },
	FAMILY(FAULT, "gpa", "page", "events of page faults", BY(KEY_REASON)),
	FAMILY(DIRTY, "gfn", "gfn", "events of dirty pages", BY(KEY_REASON)),
	FAMILY(IRQ, "vector", "vector", "events of interrupts", BY(KEY_REASON)),
	FAMILY(HALT, "waker", "waker", "events of halts", BY(KEY_REASON)),
	FAMILY(SCHED, "other", "other thread", "events of the scheduler", BY(KEY_REASON)),
	FAMILY(IOCTL, "cmd", "ioctl", "ioctls", BY(KEY_DETAIL)),
	FAMILY(HYPERCALL, "nr", "hypercall", "hypercalls", BY(KEY_REASON, KEY_DETAIL)),
	FAMILY(TIMER, "", "", "events of timers", BY(KEY_REASON)),
	FAMILY(MMU, "gfn", "gfn", "events of the MMU", BY(KEY_REASON)),
	FAMILY(MEMSLOT, "slot", "slot", "events of memory slots", BY(KEY_REASON)),
	FAMILY(NESTED, "reason", "exit reason", "events of nested guests",
	       BY(KEY_REASON, KEY_DETAIL)),
	FAMILY(STACK, "kernel", "stack", "stacks", BY(KEY_DETAIL)),
	FAMILY(RAW, "", "", "tracepoints", BY(KEY_REASON)),
};

const struct report_event *report_event__find(u32 id)
{
	for (size_t i = 0; i < ARRAY_SIZE(events); i++)
		if (events[i].id == id)
			return &events[i];
	return NULL;
}

bool report_event__is_cycle(u32 id)
{
	return id == KVMW_EVENT_EXIT || id == KVMW_EVENT_USERSPACE;
}
