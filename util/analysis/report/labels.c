// SPDX-License-Identifier: GPL-2.0
/* What the keys of a row are called. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/analysis/report/internal.h"
#include "util/arch/ioctl.h"
#include "util/arch/names.h"
#include "util/memory.h"
#include "util/event_desc.h"
#include "util/text.h"

#define STACK_FRAMES	3	/* of each stack in a label */

static bool labels__sorts_by(const struct report *rep, enum report_key key)
{
	return report_options__sorts_by(rep->opt, key);
}

void report__vcpu_label(const struct report *rep, u32 id, bool with_vm, char *buf, size_t size)
{
	const struct rec_vcpu *vcpu = recording__vcpu(rep->rec, id);
	const struct rec_vm *vm = vcpu ? recording__vm(rep->rec, vcpu->vm) : NULL;
	bool role = vcpu && !rec_vcpu__is_vcpu(vcpu);

	if (!vcpu)
		snprintf(buf, size, "#%u", id);
	else if (role && with_vm && vm)
		snprintf(buf, size, "%u/%s", vm->pid, vcpu->role);
	else if (role)
		snprintf(buf, size, "%s", vcpu->role);
	else if (vcpu->vcpu < 0)
		snprintf(buf, size, "tid %u", vcpu->tid);
	else if (with_vm && vm)
		snprintf(buf, size, "%u/%u", vm->pid, (u32)vcpu->vcpu);
	else
		snprintf(buf, size, "%u", (u32)vcpu->vcpu);
}

static void vm_label(const struct report *rep, const struct report_row *row, char *buf,
		     size_t size)
{
	const struct rec_vm *vm = row->has_vm ? recording__vm(rep->rec, row->vm) : NULL;
	const char *name = !vm ? "" : *vm->name ? vm->name : vm->vmm;

	if (!vm)
		snprintf(buf, size, "?");
	else
		snprintf(buf, size, "%u%s%s", vm->pid, *name ? " " : "", name);
}

static const char *kind_label(const struct report *rep, u32 kind, char *buf, size_t size)
{
	const char *name = recording__kind(rep->rec, rep->event, kind);

	if (name)
		snprintf(buf, size, "%s", name);
	else
		snprintf(buf, size, "%s %u", rep->event == KVMW_EVENT_RAW ? "tracepoint" : "kind", kind);
	return buf;
}

/* What the detail of a cycle is, in the words of those who look for it. */
static void exit_detail(const struct report_row *row, char *buf, size_t size)
{
	unsigned long long value = row->detail;
	const struct kind_desc *details;
	const char *name = NULL, *what;
	size_t nr;

	details = detail_desc__all(&nr);
	what = row->detail_kind < nr ? details[row->detail_kind].name : "?";
	if (row->detail_kind == KVMW_DETAIL_MSR_READ || row->detail_kind == KVMW_DETAIL_MSR_WRITE)
		name = msr_name(value);
	else if (row->detail_kind == KVMW_DETAIL_HYPERCALL)
		name = hypercall_name(value);
	if (!*what || row->detail_kind == UINT16_MAX)
		snprintf(buf, size, "-");
	else if (value == KVMW_NONE)
		snprintf(buf, size, "%s", what);
	else if (row->detail_kind == KVMW_DETAIL_CR_READ || row->detail_kind == KVMW_DETAIL_CR_WRITE)
		snprintf(buf, size, "%s CR%llu", what, value);
	else if (row->detail_kind == KVMW_DETAIL_EXCEPTION)
		snprintf(buf, size, "%s %llu", what, value);
	else
		snprintf(buf, size, "%s 0x%llx%s%s", what, value, name ? " " : "", name ?: "");
}

/* How a thread leaves its CPU: the same for all of them. */
static bool of_scheduler(const char *frame)
{
	static const char *const prefixes[] = {
		"__schedule+", "schedule+", "preempt_schedule", "__cond_resched+",
	};

	return text__begins(frame, prefixes, ARRAY_SIZE(prefixes));
}

static void stack_part(const struct recording *rec, u32 id, char *buf, size_t size)
{
	const struct rec_stack *stack = (s32)id < 0 ? NULL : recording__stack(rec, id);
	size_t len = 0;
	u32 first = 0;

	*buf = '\0';
	if ((s32)id >= 0 && !stack)
		snprintf(buf, size, "#%u", id);
	while (stack && first + 1 < stack->nr && of_scheduler(stack->frame[first]))
		first++;
	for (u32 i = first; stack && i < stack->nr && i < first + STACK_FRAMES && len < size; i++)
		len += snprintf(buf + len, size - len, "%s%s", i > first ? " < " : "", stack->frame[i]);
}

static void stack_label(const struct report *rep, const struct report_row *row, char *buf,
			size_t size)
{
	char kernel[REPORT_LABEL_MAX / 2 - 2], user[REPORT_LABEL_MAX / 2 - 2];

	stack_part(rep->rec, row->detail >> 32, kernel, sizeof(kernel));
	stack_part(rep->rec, row->detail, user, sizeof(user));
	snprintf(buf, size, "%s%s%s", kernel, *kernel && *user ? " | " : "", user);
	if (!*buf)
		snprintf(buf, size, "(none)");
}

static void thread_label(const struct report *rep, u64 tid, const char *zero, char *buf, size_t size)
{
	const struct rec_task *task = tid <= UINT32_MAX ? recording__task(rep->rec, tid) : NULL;

	if (!tid)
		snprintf(buf, size, "%s", zero);
	else
		snprintf(buf, size, "%llu%s%s", (unsigned long long)tid, task ? " " : "",
			 task ? task->comm : "");
}

static void family_value(const struct report *rep, const struct report_row *row, char *buf,
			 size_t size)
{
	unsigned long long value = row->detail;
	const char *name = NULL;

	switch (value == KVMW_NONE ? 0 : rep->event) {
	case 0:
		snprintf(buf, size, "-");
		return;
	case KVMW_EVENT_STACK:
		stack_label(rep, row, buf, size);
		return;
	case KVMW_EVENT_NESTED:
		reason_name(row->isa, value, buf, size);
		return;
	case KVMW_EVENT_SCHED:
		thread_label(rep, value, "idle", buf, size);
		return;
	case KVMW_EVENT_HALT:
		thread_label(rep, value, "an interrupt", buf, size);
		return;
	case KVMW_EVENT_IOCTL:
		name = ioctl_name(value);
		break;
	case KVMW_EVENT_HYPERCALL:
		name = row->detail_kind == KVMW_hypercall_KVM ? hypercall_name(value) : NULL;
		break;
	case KVMW_EVENT_MEMSLOT:
		snprintf(buf, size, "%llu.%llu", value >> 16, value & 0xffff);
		return;
	default:
		break;
	}
	if (name)
		snprintf(buf, size, "%s", name);
	else
		snprintf(buf, size, "0x%llx", value);
}

/* Without a column for it, the kind is told here, where there are several. */
static void family_detail(const struct report *rep, const struct report_row *row, char *buf,
			  size_t size)
{
	bool several = rep->event != KVMW_EVENT_IOCTL && rep->event != KVMW_EVENT_STACK;
	size_t len = 0;

	if (several && !labels__sorts_by(rep, KEY_REASON)) {
		kind_label(rep, row->detail_kind, buf, size - 2);
		len = strlen(buf);
		buf[len++] = ' ';
	}
	family_value(rep, row, buf + len, size - len);
}

static void label(const struct report *rep, const struct report_row *row, enum report_key key,
		  char *buf, size_t size)
{
	bool several = rep->rec->nr_vms > 1 && !labels__sorts_by(rep, KEY_VM);

	switch (key) {
	case KEY_REASON:
		if (event_desc__is_cycle(rep->event))
			reason_name(row->isa, row->reason, buf, size);
		else
			kind_label(rep, row->reason, buf, size);
		break;
	case KEY_VCPU:
		report__vcpu_label(rep, row->vcpu, several, buf, size);
		break;
	case KEY_VM:
		vm_label(rep, row, buf, size);
		break;
	case KEY_DETAIL:
		if (rep->event == KVMW_EVENT_EXIT)
			exit_detail(row, buf, size);
		else
			family_detail(rep, row, buf, size);
		break;
	case KEY_USER:
		if (row->user == UINT32_MAX)
			snprintf(buf, size, "-");
		else
			reason_name(KVMW_ISA_NONE, row->user, buf, size);
		break;
	default:
		if (row->cpu == UINT16_MAX)
			snprintf(buf, size, "-");
		else
			snprintf(buf, size, "%u", row->cpu);
	}
}

int report__label_row(const struct report *rep, struct report_row *row)
{
	char buf[REPORT_LABEL_MAX];

	for (u32 i = 0; i < rep->opt->nr_sort; i++) {
		enum report_key key = rep->opt->sort[i];

		if (row->label[key])
			continue;
		label(rep, row, key, buf, sizeof(buf));
		row->label[key] = strdup(buf);
		if (!row->label[key])
			return out_of_memory();
	}
	return 0;
}
