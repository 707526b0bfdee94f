// SPDX-License-Identifier: GPL-2.0
/* Rows, threads and vCPUs in words. */
#include <stdio.h>
#include <string.h>

#include "util/analysis/chain/internal.h"
#include "util/analysis/detail_name.h"
#include "util/analysis/field.h"
#include "util/arch/names.h"
#include "util/arch/reason.h"

#define PREEMPTED	0	/* sched:out: the state of a thread that would go on */

const char *chain_words__ns(u64 ns, char *buf)
{
	if (ns < 10000)
		snprintf(buf, CHAIN_NS_MAX, "%.2f us", ns / 1e3);
	else if (ns < NSEC_PER_SEC)
		snprintf(buf, CHAIN_NS_MAX, "%.3f ms", ns / 1e6);
	else
		snprintf(buf, CHAIN_NS_MAX, "%.3f s", ns / 1e9);
	return buf;
}

void chain_words__thread(const struct chain_context *c, u64 tid, char *to, size_t size)
{
	char name[THREAD_NAME_MAX];

	if (tid == KVMW_NONE) {
		snprintf(to, size, "an unknown thread");
		return;
	}
	thread_names__thread(&c->names, tid, "nobody", name);
	if (!tid || !strncmp(name, "tid ", 4))
		snprintf(to, size, "%s", name);
	else
		snprintf(to, size, "%s (%llu)", name, (unsigned long long)tid);
}

void chain_words__who(const struct chain_context *c, u32 vcpu, u32 tid, char *to, size_t size)
{
	const struct rec_vcpu *entry = recording__vcpu(c->rec, vcpu);
	char name[THREAD_NAME_MAX];

	if (entry && !rec_vcpu__is_vcpu(entry) && tid != NO_ID) {
		chain_words__thread(c, tid, to, size);
		return;
	}
	thread_names__vcpu(&c->names, vcpu, name);
	snprintf(to, size, "%s", name);
}

/* The number that an exit was about, and its name. */
static void put_exit_detail(const struct chain_context *c, const struct chain_row *row, char *to,
			    size_t size)
{
	u64 kind = row->v[EXIT_DETAIL_KIND], detail = row->v[EXIT_DETAIL];
	const struct regions *regions = row->v[EXIT_NESTED] == 1 ? NULL : c->opt->regions;
	const char *word = kind == KVMW_NONE ? NULL : field__detail(kind), *name;

	*to = '\0';
	if (!kind || kind == KVMW_NONE || detail == KVMW_NONE)
		return;
	name = detail_name__exit(regions, kind, detail);
	snprintf(to, size, " %s 0x%llx%s%s%s", word ?: "detail", (unsigned long long)detail,
		 name ? " (" : "", name ?: "", name ? ")" : "");
}

void chain_words__exit(const struct chain_context *c, const struct chain_row *row, char *to,
		       size_t size)
{
	char reason[REASON_NAME_MAX] = "exit", detail[CHAIN_WORDS], *number = detail;
	size_t len;

	if (row->v[EXIT_REASON] != KVMW_NONE)
		reason_name(row->v[EXIT_ISA], row->v[EXIT_REASON], reason, sizeof(reason));
	put_exit_detail(c, row, detail, sizeof(detail));
	/* A detail may be called like its reason. */
	len = strlen(reason);
	if (*detail && !strncmp(detail + 1, reason, len) && detail[1 + len] == ' ')
		number += 1 + len;
	snprintf(to, size, "%s%s", reason, number);
}

static void put_exit(const struct chain_context *c, const struct chain_row *row, char *to,
		     size_t size)
{
	char what[CHAIN_WORDS], user[REASON_NAME_MAX];

	chain_words__exit(c, row, what, sizeof(what));
	if (row->v[EXIT_USER_REASON] != KVMW_NONE)
		snprintf(to, size, "exit: %s, to the VMM: %s", what,
			 reason_name(KVMW_ISA_NONE, row->v[EXIT_USER_REASON], user, sizeof(user)));
	else
		snprintf(to, size, "exit: %s", what);
}

static void put_sched(const struct chain_context *c, const struct chain_row *row, char *to,
		      size_t size)
{
	char other[CHAIN_NAME], who[CHAIN_NAME];
	u64 tid = row->v[SCHED_OTHER];

	chain_words__who(c, row->vcpu, row->tid, who, sizeof(who));
	chain_words__thread(c, tid, other, sizeof(other));
	switch (row->kind) {
	case KVMW_sched_OUT:
		snprintf(to, size, "%s %s CPU %u to %s", who,
			 row->v[SCHED_STATE] == PREEMPTED ? "lost" : "fell asleep and left",
			 row->cpu, other);
		break;
	case KVMW_sched_IN:
		snprintf(to, size, "%s got CPU %u from %s%s", who, row->cpu, other,
			 row->span_ns == KVMW_NONE ? "" : " after a wait");
		break;
	case KVMW_sched_WAKEUP:
		snprintf(to, size, "%s was woken by %s", who, tid ? other : "an interrupt");
		break;
	default:
		snprintf(to, size, "%s was moved to CPU %u by %s", who, row->cpu,
			 tid ? other : "an interrupt");
		break;
	}
}

static void put_irq(const struct chain_context *c, const struct chain_row *row, char *to,
		    size_t size)
{
	const struct kind_desc *source =
		event_desc__kind(event_desc__by_id(KVMW_EVENT_IRQ), row->v[IRQ_SOURCE]);
	const char *kind = recording__kind(c->rec, row->event, row->kind) ?: "irq", *name;
	u64 vector = row->v[IRQ_VECTOR];
	char what[64] = "";

	name = vector == KVMW_NONE ? NULL :
	       detail_name__family(c->opt->regions, row->event, row->kind, vector);
	if (vector != KVMW_NONE)
		snprintf(what, sizeof(what), " vector 0x%llx%s%.30s%s", (unsigned long long)vector,
			 name ? " (" : "", name ?: "", name ? ")" : "");
	else if (row->v[IRQ_IRQ] != KVMW_NONE)
		snprintf(what, sizeof(what), " GSI %llu", (unsigned long long)row->v[IRQ_IRQ]);
	if (row->kind == KVMW_irq_ACCEPT || row->kind == KVMW_irq_INJECT)
		snprintf(to, size, "irq:%s%s%s%s", kind, what, source ? ", since " : "",
			 source ? source->name : "");
	else
		snprintf(to, size, "irq:%s%s", kind, what);
}

static void put_fault(const struct chain_context *c, const struct chain_row *row, char *to,
		      size_t size)
{
	const char *kind = row->kind == KVMW_fault_PAGE_FAULT ? NULL :
			   recording__kind(c->rec, row->event, row->kind);
	const char *ret = row->v[FAULT_RET_PF] == KVMW_NONE ? NULL :
			  field__ret_pf(row->v[FAULT_RET_PF]);

	snprintf(to, size, "fault:%s gpa 0x%llx%s%s", kind ?: "",
		 (unsigned long long)row->v[FAULT_GPA], ret ? ", " : "", ret ?: "");
}

static void put_timer(const struct chain_context *c, const struct chain_row *row, char *to,
		      size_t size)
{
	char ahead[CHAIN_NS_MAX];

	if (row->kind == KVMW_timer_APIC_START && row->v[TIMER_EXPIRES] != KVMW_NONE &&
	    row->v[TIMER_EXPIRES] >= row->time_ns)
		snprintf(to, size, "timer: armed for %s later",
			 chain_words__ns(row->v[TIMER_EXPIRES] - row->time_ns, ahead));
	else if (row->kind == KVMW_timer_APIC_START)
		snprintf(to, size, "timer: armed%s",
			 row->v[TIMER_EXPIRES] == KVMW_NONE ? "" : " for the past");
	else if (row->kind != KVMW_timer_APIC_EXPIRE || row->span_ns == KVMW_NONE)
		snprintf(to, size, "timer:%s",
			 recording__kind(c->rec, row->event, row->kind) ?: "?");
	else
		snprintf(to, size, "timer: expired %s late",
			 chain_words__ns(captured(row->span_ns), ahead));
}

static void put_halt(const struct chain_context *c, const struct chain_row *row, char *to,
		     size_t size)
{
	u64 waker = row->v[HALT_WAKER];
	char name[CHAIN_NAME];

	chain_words__thread(c, waker, name, sizeof(name));
	if (!row->v[HALT_SLEPT])
		snprintf(to, size, "halt: ended, polling sufficed");
	else
		snprintf(to, size, "halt: ended, woken by %s", waker ? name : "an interrupt");
}

/* Of another family: event, kind, and what it was about. */
static void put_other(const struct chain_context *c, const struct chain_row *row, char *to,
		      size_t size)
{
	const struct event_desc *desc = event_desc__by_id(row->event);
	const char *kind = row->kind == NO_ID ? NULL :
			   recording__kind(c->rec, row->event, row->kind), *name = NULL;
	char buf[FIELD_NAME_MAX], number[32] = "", who[CHAIN_NAME];
	u64 value = row->v[0];

	if (row->event == KVMW_EVENT_IOCTL)
		name = field__name(FORM_IOCTL, NULL, value, KVMW_NONE, buf);
	else if (row->event == KVMW_EVENT_MMU)
		name = field__cause(value);
	else if (row->event == KVMW_EVENT_NESTED && value != KVMW_NONE)
		name = reason_name(row->v[NESTED_ISA], value, buf, sizeof(buf));
	else if (row->event == KVMW_EVENT_HYPERCALL)
		name = detail_name__family(c->opt->regions, row->event, row->kind, value);
	if (!name && value != KVMW_NONE)
		snprintf(number, sizeof(number), " 0x%llx", (unsigned long long)value);
	chain_words__who(c, row->vcpu, row->tid, who, sizeof(who));
	snprintf(to, size, "%s%s%s%s%s%s by %s", desc->name, kind && desc->nr_kinds > 1 ? ":" : "",
		 kind && desc->nr_kinds > 1 ? kind : "", name ? " " : "", name ?: "", number, who);
}

static void put_entered(const struct chain_row *row, char *to, size_t size)
{
	if (row->v[EXIT_ENTRY_CPU] == KVMW_NONE)
		snprintf(to, size, "entered the guest");
	else
		snprintf(to, size, "entered the guest on CPU %llu",
			 (unsigned long long)row->v[EXIT_ENTRY_CPU]);
}

void chain_words__row(const struct chain_context *c, const struct chain_row *row,
		      enum chain_role role, char *to, size_t size)
{
	char name[REASON_NAME_MAX];

	if (role == CHAIN_ENTERED) {
		put_entered(row, to, size);
		return;
	}
	switch (row->event) {
	case KVMW_EVENT_EXIT:
		put_exit(c, row, to, size);
		break;
	case KVMW_EVENT_USERSPACE:
		snprintf(to, size, "userspace: %s",
			 reason_name(KVMW_ISA_NONE, row->v[USER_REASON], name, sizeof(name)));
		break;
	case KVMW_EVENT_SCHED:
		put_sched(c, row, to, size);
		break;
	case KVMW_EVENT_IRQ:
		put_irq(c, row, to, size);
		break;
	case KVMW_EVENT_FAULT:
		put_fault(c, row, to, size);
		break;
	case KVMW_EVENT_TIMER:
		put_timer(c, row, to, size);
		break;
	case KVMW_EVENT_HALT:
		put_halt(c, row, to, size);
		break;
	default:
		put_other(c, row, to, size);
		break;
	}
}
