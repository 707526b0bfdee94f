// SPDX-License-Identifier: GPL-2.0
/* What threads, kinds, details and stacks are called. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "util/analysis/detail_name.h"
#include "util/analysis/report/internal.h"
#include "util/arch/ioctl.h"
#include "util/arch/names.h"
#include "util/event_desc.h"

#define STACK_FRAMES	3	/* of each stack in a label */

void report__vcpu_label(const struct report *rep, u32 id, bool with_vm, char *buf, size_t size)
{
	const struct rec_vcpu *vcpu = recording__vcpu(rep->rec, id);
	const struct rec_vm *vm = vcpu ? recording__vm(rep->rec, vcpu->vm) : NULL;
	bool role = vcpu && !rec_vcpu__is_vcpu(vcpu);
	char name[REC_VM_NAME];

	if (!vcpu)
		snprintf(buf, size, "#%u", id);
	else if (role && with_vm && vm)
		snprintf(buf, size, "%s/%s", rec_vm__name(vm, name), vcpu->role);
	else if (role)
		snprintf(buf, size, "%s", vcpu->role);
	else if (vcpu->vcpu < 0)
		snprintf(buf, size, "tid %u", vcpu->tid);
	else if (with_vm && vm)
		snprintf(buf, size, "%s/%u", rec_vm__name(vm, name), (u32)vcpu->vcpu);
	else
		snprintf(buf, size, "%u", (u32)vcpu->vcpu);
}

void label__kind(const struct report *rep, u32 kind, char *buf, size_t size)
{
	const char *name = recording__kind(rep->rec, rep->event, kind);

	if (name)
		snprintf(buf, size, "%s", name);
	else
		snprintf(buf, size, "%s %u", rep->event == KVMW_EVENT_RAW ? "tracepoint" : "kind",
			 kind);
}

/* The detail of a cycle, in the words that users search for. */
void label__exit_detail(const struct report *rep, u32 kind, u64 detail, u64 group, char *buf,
			size_t size)
{
	const char *name = detail_name__exit(rep->opt->regions, kind, detail), *what;
	char written[ICR_NAME_MAX];
	unsigned long long value = detail;
	const struct kind_desc *details;
	size_t nr;

	details = detail_desc__all(&nr);
	what = kind < nr ? details[kind].name : "?";
	if (!*what || kind == UINT16_MAX)
		snprintf(buf, size, "-");
	else if (value == KVMW_NONE)
		snprintf(buf, size, "%s", what);
	else if (group)
		snprintf(buf, size, "%s %s", what,
			 detail_name__written(rep->rec, REC_NO_VM, group, written));
	else if (kind == KVMW_DETAIL_CR_READ || kind == KVMW_DETAIL_CR_WRITE)
		snprintf(buf, size, "%s CR%llu", what, value);
	else if (kind == KVMW_DETAIL_EXCEPTION)
		snprintf(buf, size, "%s %llu%s%s", what, value, name ? " " : "", name ?: "");
	else
		snprintf(buf, size, "%s 0x%llx%s%s", what, value, name ? " " : "", name ?: "");
}

void report__name_exit(const char *reason, const char *detail, char *buf, size_t size)
{
	size_t len = strlen(reason);

	if (!strcmp(detail, "-"))
		snprintf(buf, size, "%s", reason);
	else if (!strncasecmp(detail, reason, len) && detail[len] == ' ')
		snprintf(buf, size, "%s", detail);
	else
		snprintf(buf, size, "%s %s", reason, detail);
}

static int label__frame(const char *frame, bool by_function, bool exact, char *buf, size_t size)
{
	const char *file;
	int len;

	if (!by_function)
		return snprintf(buf, size, "%s", frame);
	len = rec_frame__function(frame, exact, &file);
	return snprintf(buf, size, "%.*s%s", len, frame, file);
}

static void stack_part(const struct report *rep, u32 id, bool vmm, char *buf, size_t size)
{
	const struct rec_stack *stack = (s32)id < 0 ? NULL : recording__stack(rep->rec, id);
	u32 first = stack ? rec_stack__first(stack) : 0;
	size_t len = 0;

	*buf = '\0';
	if ((s32)id >= 0 && !stack)
		snprintf(buf, size, "#%u", id);
	for (u32 i = first; stack && i < stack->nr && i < first + STACK_FRAMES && len < size; i++) {
		len += snprintf(buf + len, size - len, "%s", i > first ? " < " : "");
		if (len < size)
			len += label__frame(stack->frame[i], rep->opt->functions, vmm && i > first,
					    buf + len, size - len);
	}
}

static void stack_label(const struct report *rep, u64 ids, char *buf, size_t size)
{
	char kernel[REPORT_LABEL_MAX / 2 - 2], user[REPORT_LABEL_MAX / 2 - 2];

	stack_part(rep, ids >> 32, false, kernel, sizeof(kernel));
	stack_part(rep, ids, true, user, sizeof(user));
	snprintf(buf, size, "%s%s%s", kernel, *kernel && *user ? " | " : "", user);
	if (!*buf)
		snprintf(buf, size, "(none)");
}

void label__innermost(const struct report *rep, u32 id, char *buf, size_t size)
{
	const struct rec_stack *stack = (s32)id < 0 ? NULL : recording__stack(rep->rec, id);

	if ((s32)id >= 0 && !stack)
		snprintf(buf, size, "#%u", id);
	else if (!stack || !stack->nr)
		snprintf(buf, size, "-");
	else
		label__frame(stack->frame[rec_stack__first(stack)], true, false, buf, size);
}

void label__thread(const struct report *rep, u64 tid, const char *zero, char *buf, size_t size)
{
	const struct rec_task *task = tid <= UINT32_MAX ? recording__task(rep->rec, tid) : NULL;

	if (!tid)
		snprintf(buf, size, "%s", zero);
	else
		snprintf(buf, size, "%llu%s%s", (unsigned long long)tid, task ? " " : "",
			 task ? task->comm : "");
}

void label__memslot(u64 slot, char *buf, size_t size)
{
	if (slot >> 16)
		snprintf(buf, size, "%llu/%llu", (unsigned long long)slot >> 16,
			 (unsigned long long)slot & 0xffff);
	else
		snprintf(buf, size, "%llu", (unsigned long long)slot);
}

static void family_value(const struct report *rep, u32 kind, u32 isa, u64 detail, char *buf,
			 size_t size)
{
	const char *name;

	switch (rep->event) {
	case KVMW_EVENT_STACK:
		stack_label(rep, detail, buf, size);
		return;
	case KVMW_EVENT_NESTED:
		reason_name(isa, detail, buf, size);
		return;
	case KVMW_EVENT_SCHED:
		label__thread(rep, detail, "idle", buf, size);
		return;
	case KVMW_EVENT_HALT:
		label__thread(rep, detail, "an interrupt", buf, size);
		return;
	case KVMW_EVENT_IOCTL:
		name = ioctl_name(detail);
		if (!name)
			break;
		snprintf(buf, size, "%s", name);
		return;
	case KVMW_EVENT_MEMSLOT:
		/* JSON and CSV have this text: its notation is frozen. */
		snprintf(buf, size, "%llu.%llu", (unsigned long long)detail >> 16,
			 (unsigned long long)detail & 0xffff);
		return;
	default:
		break;
	}
	name = detail_name__family(rep->opt->regions, rep->event, kind, detail);
	snprintf(buf, size, "0x%llx%s%s", (unsigned long long)detail, name ? " " : "", name ?: "");
}

/* Without a column for it, the kind is part of the label, where there are several. */
void label__family_detail(const struct report *rep, u32 kind, u32 isa, u64 detail, char *buf,
			  size_t size)
{
	bool several = rep->event != KVMW_EVENT_IOCTL && rep->event != KVMW_EVENT_STACK;
	size_t len = 0;

	if (several && !report_options__sorts_by(rep->opt, KEY_REASON)) {
		label__kind(rep, kind, buf, size - 2);
		len = strlen(buf);
		buf[len++] = ' ';
	}
	if (detail == KVMW_NONE)
		snprintf(buf + len, size - len, "-");
	else
		family_value(rep, kind, isa, detail, buf + len, size - len);
}
