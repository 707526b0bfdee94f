// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include "util/analysis/detail_name.h"
#include "util/analysis/report/internal.h"
#include "util/analysis/report/key_detail.h"
#include "util/analysis/report/key_place.h"
#include "util/analysis/report/key_stack.h"
#include "util/analysis/report/keys.h"

#define NO_KIND		UINT16_MAX
#define NO_USER		UINT32_MAX
#define NO_CPU		UINT16_MAX

static struct key_member text(const char *name, const char *value)
{
	return (struct key_member) { .name = name, .is_text = true, .text = value };
}

static struct key_member number(const char *name, u64 value)
{
	return (struct key_member) { .name = name, .number = value };
}

/* ---- reason: of a family, its kind -------------------------------------- */

static const char *reason_column(const struct sort_key *key, const struct event_desc *event, u32 i)
{
	return i ? NULL : event->reason;
}

static const char *reason_title(const struct event_desc *event)
{
	return event->reason_title;
}

static void reason_value(const struct sort_key *sort_key, const struct report *rep,
			 const struct agg_key *key, const u64 *fine, struct key_value *value)
{
	value->v[0] = (u64)key->isa << 32 | key->reason;
}

static void reason_label(const struct sort_key *key, const struct report *rep,
			 const struct key_value *value, char *buf, size_t size)
{
	if (event_desc__is_cycle(rep->event))
		reason_name(value->v[0] >> 32, value->v[0], buf, size);
	else
		label__kind(rep, value->v[0], buf, size);
}

static u32 reason_members(const struct sort_key *key, const struct report *rep,
			  const struct key_value *value, const char *label,
			  struct key_member *member)
{
	u32 reason = value->v[0];

	if (!event_desc__is_cycle(rep->event)) {
		member[0] = text("kind", label);
		member[1] = number("kind_number", reason);
		return 2;
	}
	member[0] = text("reason", label);
	member[1] = text("isa", isa_name(value->v[0] >> 32));
	member[2] = number("reason_number", reason);
	return 3;
}

/* ---- vcpu --------------------------------------------------------------- */

static const char *vcpu_column(const struct sort_key *key, const struct event_desc *event, u32 i)
{
	return i ? NULL : "vcpu";
}

/* As people count: by VM and number; the ids only show who came first. */
static void vcpu_value(const struct sort_key *sort_key, const struct report *rep,
		       const struct agg_key *key, const u64 *fine, struct key_value *value)
{
	const struct rec_vcpu *vcpu = recording__vcpu(rep->rec, key->vcpu);

	value->v[0] = vcpu ? (u64)vcpu->vm << 32 | (u32)vcpu->vcpu : UINT64_MAX;
	value->v[1] = key->vcpu;
}

static void vcpu_label(const struct sort_key *key, const struct report *rep,
			 const struct key_value *value, char *buf, size_t size)
{
	bool several = rep->rec->nr_vms > 1 && !report_options__sorts_by(rep->opt, KEY_VM);

	report__vcpu_label(rep, value->v[1], several, buf, size);
}

static u32 vcpu_members(const struct sort_key *key, const struct report *rep,
			const struct key_value *value, const char *label, struct key_member *member)
{
	const struct rec_vcpu *vcpu = recording__vcpu(rep->rec, value->v[1]);
	const struct rec_vm *vm = vcpu ? recording__vm(rep->rec, vcpu->vm) : NULL;

	member[0] = number("vcpu_id", value->v[1]);
	member[1] = number("vcpu", !vcpu || vcpu->vcpu < 0 ? KVMW_NONE : (u64)vcpu->vcpu);
	member[2] = text("role", vcpu && !rec_vcpu__is_vcpu(vcpu) ? vcpu->role : NULL);
	member[3] = number("tid", vcpu ? vcpu->tid : KVMW_NONE);
	member[4] = number("pid", vm ? vm->pid : KVMW_NONE);
	if (!rep->rec->several_vms_of_pid)
		return 5;
	member[5] = number("vm_id", vm ? vm->id : KVMW_NONE);
	return 6;
}

/* ---- vm ----------------------------------------------------------------- */

static void vm_value(const struct sort_key *sort_key, const struct report *rep,
		     const struct agg_key *key, const u64 *fine, struct key_value *value)
{
	const struct rec_vcpu *vcpu = recording__vcpu(rep->rec, key->vcpu);

	value->v[0] = vcpu && recording__vm(rep->rec, vcpu->vm) ? vcpu->vm : REC_NO_VM;
}

static void vm_label(const struct sort_key *key, const struct report *rep,
			 const struct key_value *value, char *buf, size_t size)
{
	const struct rec_vm *vm = recording__vm(rep->rec, value->v[0]);
	const char *name = !vm ? "" : *vm->name ? vm->name : vm->vmm;
	char pid[REC_VM_NAME];

	if (!vm)
		snprintf(buf, size, "?");
	else
		snprintf(buf, size, "%s%s%s", rec_vm__name(vm, pid), *name ? " " : "", name);
}

static u32 vm_members(const struct sort_key *key, const struct report *rep,
		      const struct key_value *value, const char *label, struct key_member *member)
{
	const struct rec_vm *vm = recording__vm(rep->rec, value->v[0]);

	member[0] = number("pid", vm ? vm->pid : KVMW_NONE);
	member[1] = text("vm", vm ? vm->name : NULL);
	member[2] = text("vmm", vm ? vm->vmm : NULL);
	if (!rep->rec->several_vms_of_pid)
		return 3;
	member[3] = number("vm_id", vm ? vm->id : KVMW_NONE);
	return 4;
}

/* ---- detail: what an event was about ------------------------------------ */

static const char *detail_column(const struct sort_key *key, const struct event_desc *event, u32 i)
{
	bool exit = event->id == KVMW_EVENT_EXIT;
	const char *const columns[KEY_COLUMNS] = {
		event->detail, event->detail_kind,
		exit ? "written" : event->id == KVMW_EVENT_STACK ? "user" : NULL,
		exit ? "nested" : NULL,
	};

	return columns[i];
}

static const char *detail_title(const struct event_desc *event)
{
	return event->detail_title;
}

/*
 * v[0]: its kind, for families with the ISA that gives exit reasons their names; v[2]: the group of
 * what was written.
 */
static void detail_value(const struct sort_key *sort_key, const struct report *rep,
			 const struct agg_key *key, const u64 *fine, struct key_value *value)
{
	u64 isa = rep->event == KVMW_EVENT_EXIT ? 0 : key->isa;

	value->v[0] = isa << 32 | (u16)fine[0];
	value->v[2] = fine[0] >> 16;
	value->v[1] = rep->event == KVMW_EVENT_STACK ? stack_pair__same(rep, fine[1]) : fine[1];
}

static void detail_label(const struct sort_key *key, const struct report *rep,
			 const struct key_value *value, char *buf, size_t size)
{
	u32 kind = value->v[0], isa = value->v[0] >> 32;

	if (rep->event == KVMW_EVENT_EXIT)
		label__exit_detail(rep, kind, value->v[1], value->v[2], buf, size);
	else
		label__family_detail(rep, kind, isa, value->v[1], buf, size);
}

static u32 detail_members(const struct sort_key *key, const struct report *rep,
			  const struct key_value *value, const char *label,
			  struct key_member *member)
{
	u32 kind = value->v[0];
	const char *name;

	if (rep->event != KVMW_EVENT_EXIT)
		name = detail_name__family(rep->opt->regions, rep->event, kind, value->v[1]);
	else if (value->v[2])
		/* The label is the kind's name and this one. */
		name = label ? strchr(label, ' ') + 1 : NULL;
	else
		name = detail_name__exit(rep->opt->regions, kind, value->v[1]);
	member[0] = text("detail", label);
	member[1] = number("detail_kind", kind == NO_KIND ? KVMW_NONE : kind);
	member[2] = number("detail_value", value->v[1]);
	member[2].is_address = true;
	member[3] = text("name", name);
	member[3].optional = true;
	return 4;
}

/* ---- access: the detail of an exit, except for pages of memory ---------------- */

static const char *access_column(const struct sort_key *key, const struct event_desc *event, u32 i)
{
	return event->id == KVMW_EVENT_EXIT ? detail_column(key, event, i) : NULL;
}

/* ---- user: what KVM_RUN returned with ------------------------------------ */

static const char *user_column(const struct sort_key *key, const struct event_desc *event, u32 i)
{
	return i ? NULL : event->user;
}

static void user_fine(const struct report_options *opt, u32 event, const u64 *column, u64 *fine)
{
	fine[0] = (u32)column[0];
}

static void user_label(const struct sort_key *key, const struct report *rep,
			 const struct key_value *value, char *buf, size_t size)
{
	if (value->v[0] == NO_USER)
		snprintf(buf, size, "-");
	else
		reason_name(KVMW_ISA_NONE, value->v[0], buf, size);
}

static u32 user_members(const struct sort_key *key, const struct report *rep,
			const struct key_value *value, const char *label, struct key_member *member)
{
	bool none = value->v[0] == NO_USER;

	member[0] = text("user_reason", none ? NULL : label);
	member[1] = number("user_reason_number", none ? KVMW_NONE : value->v[0]);
	return 2;
}

/* ---- cpu ---------------------------------------------------------------- */

static const char *cpu_column(const struct sort_key *key, const struct event_desc *event, u32 i)
{
	return i ? NULL : event->cpu;
}

static void cpu_fine(const struct report_options *opt, u32 event, const u64 *column, u64 *fine)
{
	fine[0] = (u16)column[0];
}

static void cpu_label(const struct sort_key *key, const struct report *rep,
			 const struct key_value *value, char *buf, size_t size)
{
	if (value->v[0] == NO_CPU)
		snprintf(buf, size, "-");
	else
		snprintf(buf, size, "%llu", (unsigned long long)value->v[0]);
}

static u32 cpu_members(const struct sort_key *key, const struct report *rep,
		       const struct key_value *value, const char *label, struct key_member *member)
{
	member[0] = number("cpu", value->v[0] == NO_CPU ? KVMW_NONE : value->v[0]);
	return 1;
}

/* ---- tid: the thread an event of a family happened in --------------------- */

static const char *tid_column(const struct sort_key *key, const struct event_desc *event, u32 i)
{
	return i || event_desc__field(event, "tid", strlen("tid")) < 0 ? NULL : "tid";
}

static void tid_label(const struct sort_key *key, const struct report *rep,
			 const struct key_value *value, char *buf, size_t size)
{
	if (value->v[0] == KVMW_NONE)
		snprintf(buf, size, "-");
	else
		label__thread(rep, value->v[0], "idle", buf, size);
}

/* "tid" is that of a vCPU, which may be a column too. */
static u32 tid_members(const struct sort_key *key, const struct report *rep,
		       const struct key_value *value, const char *label, struct key_member *member)
{
	member[0] = text("thread", label);
	member[1] = number("thread_number", value->v[0]);
	return 2;
}

/* ---- slot: the event's own, or that of the page of a fault ---------------- */

#define LOW_MEMORY	(4ULL << 20)	/* where slots may be small */
#define LARGE_PAGE	(2ULL << 20)

static const char *slot_column(const struct sort_key *key, const struct event_desc *event, u32 i)
{
	static const char *const of_fault[] = { "gpa", "mmio", "nested" };

	if (event_desc__field(event, "slot", strlen("slot")) >= 0)
		return i ? NULL : "slot";
	return event->id == KVMW_EVENT_FAULT && i < ARRAY_SIZE(of_fault) ? of_fault[i] : NULL;
}

/* Of a fault: where in memory it was, in steps of the sizes of slots, not of pages. */
static void slot_fine(const struct report_options *opt, u32 event, const u64 *column, u64 *fine)
{
	u64 gpa = column[0];

	fine[0] = gpa;
	if (event == KVMW_EVENT_FAULT && gpa != KVMW_NONE)
		fine[0] = column[1] == 1 || column[2] == 1 ? KVMW_NONE :
			  gpa & ~(gpa < LOW_MEMORY ? 0xfffULL : LARGE_PAGE - 1);
}

static void slot_value(const struct sort_key *sort_key, const struct report *rep,
		       const struct agg_key *key, const u64 *fine, struct key_value *value)
{
	const struct rec_vcpu *vcpu = recording__vcpu(rep->rec, key->vcpu);
	const struct memslot *slot = NULL;
	u64 gpa = fine[0];

	value->v[0] = gpa;
	if (rep->event != KVMW_EVENT_FAULT)
		return;
	if (gpa != KVMW_NONE)
		slot = memslots__find(rep->rec, vcpu ? vcpu->vm : REC_NO_VM, gpa,
				      gpa < LOW_MEMORY ? 0x1000 : LARGE_PAGE);
	value->v[0] = slot ? slot->key.slot : KVMW_NONE;
}

static void slot_label(const struct sort_key *key, const struct report *rep,
			 const struct key_value *value, char *buf, size_t size)
{
	if (value->v[0] == KVMW_NONE)
		snprintf(buf, size, "-");
	else
		label__memslot(value->v[0], buf, size);
}

static u32 slot_members(const struct sort_key *key, const struct report *rep,
			const struct key_value *value, const char *label, struct key_member *member)
{
	member[0] = number("slot", value->v[0]);
	return 1;
}

/* ---- nested: whether the guest that exited was a nested one -------------- */

static const char *nested_column(const struct sort_key *key, const struct event_desc *event, u32 i)
{
	return i || event_desc__field(event, "nested", strlen("nested")) < 0 ? NULL : "nested";
}

/* 16 bits wide in an exit, 64 in a family; unknown are all ones, or a column that is missing. */
static void nested_fine(const struct report_options *opt, u32 event, const u64 *column, u64 *fine)
{
	fine[0] = column[0] <= 1 ? column[0] : KVMW_NONE;
}

static void nested_label(const struct sort_key *key, const struct report *rep,
			 const struct key_value *value, char *buf, size_t size)
{
	snprintf(buf, size, "%s", value->v[0] == KVMW_NONE ? "-" : value->v[0] ? "L2" : "L1");
}

static u32 nested_members(const struct sort_key *key, const struct report *rep,
			  const struct key_value *value, const char *label,
			  struct key_member *member)
{
	member[0] = number("nested", value->v[0]);
	return 1;
}

/* ---- halted: whether the vCPU halted or polled before it went on ----------- */

static const char *halted_column(const struct sort_key *key, const struct event_desc *event, u32 i)
{
	return i || event->id != KVMW_EVENT_EXIT ? NULL : "halt_ns";
}

static void halted_label(const struct sort_key *key, const struct report *rep,
			 const struct key_value *value, char *buf, size_t size)
{
	snprintf(buf, size, "%s", value->v[0] == KVMW_NONE ? "-" : value->v[0] ? "yes" : "no");
}

static u32 halted_members(const struct sort_key *key, const struct report *rep,
			  const struct key_value *value, const char *label,
			  struct key_member *member)
{
	member[0] = number("halted", value->v[0]);
	return 1;
}

/* ---- time: in which interval of the recording it was --------------------------- */

static const char *time_column(const struct sort_key *key, const struct event_desc *event, u32 i)
{
	return i ? NULL : "time_ns";
}

static void time_fine(const struct report_options *opt, u32 event, const u64 *column, u64 *fine)
{
	u64 start = opt->start_ns ? *opt->start_ns : 0;

	/* What began before the recording did belongs to its first interval. */
	fine[0] = column[0] > start ? (column[0] - start) / report_options__interval(opt) : 0;
}

static void time_fine_rows(const struct report_options *opt, u32 event, const u64 *const *column,
			   u32 nr, u32 step, u64 *fine)
{
	u64 interval = report_options__interval(opt), begin = 0, end = 0;

	/* Most rows are in the interval of the one before. */
	for (u32 i = 0; i < nr; i++) {
		u64 time = column[0][i];

		if (i && time >= begin && time < end) {
			fine[i] = fine[i - 1];
			continue;
		}
		time_fine(opt, event, &time, &fine[i]);
		begin = fine[i] ? time - (time - *opt->start_ns) % interval : 0;
		end = sat_add(begin ?: opt->start_ns ? *opt->start_ns : 0, interval);
	}
}

static void time_label(const struct sort_key *key, const struct report *rep,
			 const struct key_value *value, char *buf, size_t size)
{
	snprintf(buf, size, "%.6g", value->v[0] * (report_options__interval(rep->opt) / 1e9));
}

static u32 time_members(const struct sort_key *key, const struct report *rep,
			const struct key_value *value, const char *label, struct key_member *member)
{
	bool none = !label;

	member[0] = number("interval", none ? KVMW_NONE : value->v[0]);
	member[1] = number("from_ns", none ? KVMW_NONE :
			   rep->rec->meta.start_ns +
			   value->v[0] * report_options__interval(rep->opt));
	return 2;
}

/* ---- the table ---------------------------------------------------------- */

static const struct sort_key sort_keys[NR_REPORT_KEYS] = {
	[KEY_REASON] = {
		.name = "reason", .synonym = "kind", .doc = "exit reason; for a family: kind",
		.event_title = reason_title, .prefix = "", .counted = true,
		.column = reason_column, .value = reason_value, .label = reason_label,
		.members = reason_members,
	},
	[KEY_VCPU] = {
		.name = "vcpu", .doc = "virtual CPU", .title = "vCPU", .prefix = "vCPU ",
		.counted = true, .column = vcpu_column, .value = vcpu_value, .label = vcpu_label,
		.members = vcpu_members,
	},
	[KEY_VM] = {
		.name = "vm", .synonym = "pid", .doc = "virtual machine", .title = "VM",
		.prefix = "VM ", .counted = true, .column = vcpu_column, .value = vm_value,
		.label = vm_label, .members = vm_members,
	},
	[KEY_DETAIL] = {
		.name = "detail", .synonym = "name",
		.doc = "port, page, MSR, hypercall, ioctl, vector, stack and so on",
		.event_title = detail_title, .prefix = "", .column = detail_column, .nr_fine = 2,
		.fine = detail__fine, .fine_rows = detail__fine_rows, .value = detail_value,
		.label = detail_label,
		.members = detail_members,
	},
	[KEY_ACCESS] = {
		.name = "access", .doc = "like detail, but without the address of a page fault",
		.title = "access", .prefix = "", .column = access_column, .nr_fine = 2,
		.fine = access__fine, .fine_rows = access__fine_rows, .value = detail_value,
		.label = detail_label,
		.members = detail_members,
	},
	[KEY_USER] = {
		.name = "user", .doc = "KVM_EXIT_* of the return to the VMM",
		.title = "returned with", .prefix = "", .column = user_column, .nr_fine = 1,
		.fine = user_fine, .label = user_label, .members = user_members,
	},
	[KEY_CPU] = {
		.name = "cpu", .doc = "host CPU", .title = "CPU", .prefix = "CPU ",
		.column = cpu_column, .nr_fine = 1, .fine = cpu_fine, .label = cpu_label,
		.members = cpu_members,
	},
	[KEY_TID] = {
		.name = "tid", .synonym = "thread", .doc = "thread; families only",
		.title = "thread", .prefix = "thread ", .column = tid_column, .nr_fine = 1,
		.label = tid_label, .members = tid_members,
	},
	[KEY_SLOT] = {
		.name = "slot", .doc = "memory slot", .title = "slot", .prefix = "slot ",
		.column = slot_column, .nr_fine = 1, .fine = slot_fine, .value = slot_value,
		.label = slot_label, .members = slot_members,
	},
	[KEY_NESTED] = {
		.name = "nested", .doc = "L1, or L2: a nested guest", .title = "guest",
		.prefix = "",
		.column = nested_column, .nr_fine = 1, .fine = nested_fine,
		.label = nested_label, .members = nested_members,
	},
	[KEY_HALTED] = {
		.name = "halted", .doc = "whether the vCPU halted or polled", .title = "halted",
		.prefix = "halted: ", .column = halted_column, .nr_fine = 1, .fine = halted__fine,
		.fine_rows = halted__fine_rows, .label = halted_label, .members = halted_members,
	},
	[KEY_RIP] = {
		.name = "rip", .doc = "guest instruction pointer", .title = "rip", .prefix = "rip ",
		.column = place__column, .nr_fine = 1, .label = rip__label, .members = rip__members,
	},
	[KEY_SYM] = {
		.name = "sym", .synonym = "symbol",
		.doc = "guest function, with --guest-kallsyms or the like; "
		"of stacks: the innermost function",
		.title = "function", .prefix = "", .column = sym__column, .nr_fine = 1,
		.fine = sym__fine, .value = sym__value, .label = sym__label,
		.members = sym__members,
	},
	[KEY_TIME] = {
		.name = "time", .synonym = "interval",
		.doc = "interval of the recording, see report --interval",
		.title = "from, s", .prefix = "from ", .column = time_column, .nr_fine = 1,
		.fine = time_fine, .fine_rows = time_fine_rows, .label = time_label,
		.members = time_members,
	},
};

const struct sort_key *sort_key__get(enum report_key key)
{
	return &sort_keys[key];
}

enum report_key sort_key__find(const char *name)
{
	u32 i;

	for (i = 0; i < NR_REPORT_KEYS; i++) {
		const struct sort_key *key = &sort_keys[i];

		if (!strcmp(name, key->name) || (key->synonym && !strcmp(name, key->synonym)))
			break;
	}
	return i;
}

const char *sort_key__title(const struct sort_key *key, const struct event_desc *event)
{
	if (*key->field)
		return key->field;
	return key->title ? key->title : key->event_title(event);
}

const char *sort_key__name(const struct sort_key *key)
{
	return *key->field ? key->field : key->name;
}
