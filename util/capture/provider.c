// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "util/arch/arch.h"
#include "util/capture/compat.h"
#include "util/capture/kernel.h"
#include "util/capture/provider.h"
#include "util/capture/tracefs.h"
#include "util/event_desc.h"

#define POINT_HOOK(ev, KIND, cat, tp, map)				\
	[PROBE_POINTS + KVMW_POINT_##tp] = {				\
		.what = #cat ":" #tp,					\
		.methods = { { #tp, ATTACH_TP, #cat, #tp, NULL } },	\
	},

#define OLD_DIRTY(program, function) {					\
		.what = "pages dirtied by " function "()",		\
		.without = "some dirtied pages are not recorded",	\
		.before = SINCE_ONE_DIRTY_MARK,			\
		.methods = { { program, ATTACH_KPROBE, NULL, function, NULL } }, \
	}

#define IRQ_CALLS(NAME, program, function)				\
	[PROBE_IRQ_##NAME] = {						\
		.what = "calls of " function "()",			\
		.without = "some interrupts delivered by other processes are not attributed to the VM", \
		.methods = { { program, ATTACH_KPROBE, NULL, function, NULL } }, \
	},								\
	[PROBE_IRQ_##NAME##_DONE] = {					\
		.what = "returns of " function "()",			\
		.methods = { { program "_done", ATTACH_KPROBE, NULL, function, NULL } }, \
	},

#define STACKS_OF(KIND)	BIT(KVMW_stack_##KIND)

#define NO_PARTS "halt_ns, wait_ns, throttled_ns and block_ns are not recorded; user_ns includes them"

static const char *no_fault_end(const struct kvmw_config *config)
{
	(void)config;
	return kernel__has_function("kvm_mmu_page_fault") ? NULL :
	       "this kernel has no function kvm_mmu_page_fault; is KVM loaded?";
}

const struct probe probes[PROBE_RAW] = {
	[PROBE_VCPU_END] = {
		.what = "ends of vCPUs",
		.without = "successive VMs of one process at the same address are one VM; "
			   "states of vCPUs are not reused",
		.methods = {
			{ "vcpu_ends_kprobe", ATTACH_KPROBE, NULL, "kvm_arch_vcpu_destroy", NULL },
			{ "vcpu_ends_fentry", ATTACH_FENTRY, NULL, "kvm_arch_vcpu_destroy", NULL },
			{ "vcpu_begins", ATTACH_TP, "syscalls", "sys_exit_ioctl", NULL },
		},
	},
	[PROBE_THREAD_END] = {
		.what = "ends of threads",
		.without = "when a vCPU's thread died is unknown",
		.methods = { { "thread_ends", ATTACH_TP_BTF, "sched", "sched_process_exit", NULL } },
	},
	[PROBE_THREAD_MOVES] = {
		.what = "moves of threads to other control groups",
		.without = "a thread belongs to the control group in which it was first seen",
		.methods = { { "threads_move", ATTACH_TP_BTF, "cgroup", "cgroup_attach_task", NULL } },
	},
	[PROBE_EXIT] = {
		.what = "VM exits",
		.methods = {
			ARCH_EXIT_METHODS
			{ "kvm_exit", ATTACH_TP, "kvm", "kvm_exit", NULL },
		},
	},
	[PROBE_ENTRY] = {
		.what = "VM entries",
		.without = "events cannot be attributed to a vCPU",
		.methods = {
			{ "entry_btf", ATTACH_TP_BTF, "kvm", "kvm_entry", NULL },
			{ "kvm_entry", ATTACH_TP, "kvm", "kvm_entry", NULL },
		},
	},
	[PROBE_USERSPACE_EXIT] = {
		.what = "returns from KVM_RUN to the VMM",
		.without = "user_ns is always 0",
		.interrupts_on = true,
		.methods = {
			{ "userspace_exit_btf", ATTACH_TP_BTF, "kvm", "kvm_userspace_exit", NULL },
			{ "kvm_userspace_exit", ATTACH_TP, "kvm", "kvm_userspace_exit", NULL },
		},
	},
	[PROBE_RUN] = {
		.what = "KVM_RUN calls",
		.without = "user_ns ends at the VM entry, not at KVM_RUN",
		/* The function is global and the same on all kernels. */
		.methods = {
			{ "run_fentry", ATTACH_FENTRY, NULL, "kvm_arch_vcpu_ioctl_run", NULL },
			{ "run_kprobe", ATTACH_KPROBE, NULL, "kvm_arch_vcpu_ioctl_run", NULL },
			{ "run_syscall", ATTACH_TP, "syscalls", "sys_enter_ioctl", NULL },
		},
	},
	[PROBE_SWITCH] = {
		.what = "context switches",
		.without = NO_PARTS,
		.methods = { { "cycle_switch", ATTACH_TP_BTF, "sched", "sched_switch", NULL } },
	},
	[PROBE_WAKEUP] = {
		.what = "thread wakeups",
		.without = NO_PARTS,
		.methods = { { "cycle_wakeup", ATTACH_TP_BTF, "sched", "sched_wakeup", NULL } },
	},
	[PROBE_MIGRATE] = {
		.what = "moves of waiting threads",
		.without = "who had the CPU is unknown for the rest of a wait in which a thread is moved",
		.methods = { { "cycle_migrate", ATTACH_TP_BTF, "sched", "sched_migrate_task", NULL } },
	},
	[PROBE_HALTED] = {
		.what = "ends of halts",
		.without = NO_PARTS,
		.methods = { { "kvm_vcpu_wakeup", ATTACH_TP, "kvm", "kvm_vcpu_wakeup", NULL } },
	},
	[PROBE_MMIO] = {
		.what = "MMIO accesses",
		.interrupts_on = true,
		.without = "MMIO exits have no address",
		.methods = {
			{ "mmio_btf", ATTACH_TP_BTF, "kvm", "kvm_mmio", NULL },
			{ "mmio_tp", ATTACH_TP, "kvm", "kvm_mmio", NULL },
		},
	},
	ARCH_PROBES
	[PROBE_HYPERCALL_RETURN] = {
		.what = "hypercall returns",
		.without = "span_ns and result of hypercalls are unknown",
		.methods = {
			{ "hypercall_fexit", ATTACH_FENTRY, NULL, "kvm_emulate_hypercall", NULL },
			{ "hypercall_kretprobe", ATTACH_KPROBE, NULL, "kvm_emulate_hypercall", NULL },
		},
	},
	[PROBE_IRQ_SET_UP] = {
		.what = "interrupt route changes",
		.without = "irq has no kind set_up",
		.methods = { { "irq_set_up", ATTACH_KPROBE, NULL, "kvm_set_irq_routing", NULL } },
	},
	/* VMs for which others deliver interrupts: irq.bpf.c. */
	IRQ_CALLS(LINE, "irq_line", "kvm_set_irq")
	IRQ_CALLS(MSI, "irq_msi", "kvm_arch_set_irq_inatomic")
	[PROBE_FAULT_END] = {
		.what = "ends of page faults",
		.missing = no_fault_end,
		.without = "span_ns, result and ret_pf of faults are unknown",
		/* fexit first: kretprobes serve few threads, and the function may sleep. */
		.methods = {
			{ "fault_end_fexit", ATTACH_FENTRY, NULL, "kvm_mmu_page_fault", NULL },
			{ "fault_end_kretprobe", ATTACH_KPROBE, NULL, "kvm_mmu_page_fault", NULL },
		},
	},
	[PROBE_FAULT_MMIO] = {
		.what = "MMIO faults",
		.methods = { { "fault_mmio", ATTACH_TP, "kvm", "kvm_mmio", NULL } },
	},
	[PROBE_FAULT_MARK_MMIO] = {
		.what = "first MMIO faults",
		.methods = { { "fault_mark_mmio", ATTACH_TP, "kvmmmu", "mark_mmio_spte", NULL } },
	},
	[PROBE_DIRTY_PAGE] = {
		.what = "dirtied pages",
		.missing = kernel__no_memslots,
		.methods = {
			{ "dirty_page", ATTACH_KPROBE, NULL, "mark_page_dirty_in_slot", NULL },
			{ "dirty_page_fentry", ATTACH_FENTRY, NULL, "mark_page_dirty_in_slot", NULL },
		},
	},
	/* Functions that may have copies of mark_page_dirty_in_slot(): dirty.bpf.c. */
	[PROBE_DIRTY_VCPU] = OLD_DIRTY("dirty_vcpu", "kvm_vcpu_mark_page_dirty"),
	[PROBE_DIRTY_VCPU_DONE] = OLD_DIRTY("dirty_vcpu_done", "kvm_vcpu_mark_page_dirty"),
	[PROBE_DIRTY_VM] = OLD_DIRTY("dirty_vm", "mark_page_dirty"),
	[PROBE_DIRTY_VM_DONE] = OLD_DIRTY("dirty_vm_done", "mark_page_dirty"),
	[PROBE_IOCTL_ENTER] = {
		.what = "ioctl calls",
		.methods = {
			{ "ioctl_enter_kprobe", ATTACH_KPROBE, NULL, ARCH_SYSCALL "ioctl", NULL },
			{ "ioctl_enter", ATTACH_TP, "syscalls", "sys_enter_ioctl", NULL },
		},
	},
	[PROBE_IOCTL_EXIT] = {
		.what = "ioctl returns",
		/* No kretprobe: it serves few threads, and many stay in ioctl() for long. */
		.methods = {
			{ "ioctl_fexit", ATTACH_FENTRY, NULL, ARCH_SYSCALL "ioctl", NULL },
			{ "ioctl_exit", ATTACH_TP, "syscalls", "sys_exit_ioctl", NULL },
		},
	},
	[PROBE_SCHED_SWITCH] = {
		.what = "context switches of VM threads",
		.methods = { { "sched_switched", ATTACH_TP_BTF, "sched", "sched_switch", NULL } },
	},
	[PROBE_SCHED_WAKING] = {
		.what = "wakers of VM threads",
		.without = "who woke a thread is unknown",
		.methods = { { "sched_waker", ATTACH_TP_BTF, "sched", "sched_waking", NULL } },
	},
	[PROBE_SCHED_WAKEUP] = {
		.what = "VM thread wakeups",
		.methods = { { "sched_woken", ATTACH_TP_BTF, "sched", "sched_wakeup", NULL } },
	},
	[PROBE_SCHED_MIGRATE] = {
		.what = "VM thread migrations",
		.methods = { { "sched_migrated", ATTACH_TP_BTF, "sched", "sched_migrate_task", NULL } },
	},
	[PROBE_APIC_START] = {
		.what = "apic_start",
		.missing = kernel__no_apic_timer,
		.methods = { { "apic_start", ATTACH_TP_BTF, "timer", "hrtimer_start", NULL } },
	},
	[PROBE_APIC_EXPIRE] = {
		.what = "apic_expire",
		.missing = kernel__no_apic_timer,
		.methods = { { "apic_expire", ATTACH_TP_BTF, "timer", "hrtimer_expire_entry", NULL } },
	},
	[PROBE_MMU_LOAD] = {
		.what = "load_root",
		.without = "mmu has no kind load_root",
		.methods = {
			{ "mmu_load_kprobe", ATTACH_KPROBE, NULL, "kvm_mmu_load", NULL },
			{ "mmu_load_fentry", ATTACH_FENTRY, NULL, "kvm_mmu_load", NULL },
		},
	},
	[PROBE_MMU_INVALIDATE] = {
		.what = "memory that the host takes from VMs",
		.without = "what the host takes from VMs is unknown, and mmu has no kind invalidate",
		.methods = {
			{ "mmu_invalidate", ATTACH_KPROBE, NULL, "__mmu_notifier_invalidate_range_start", NULL },
		},
	},
	/* After those of exit and userspace, which end the cycle: stack.bpf.c. */
	[PROBE_STACK_SWITCH] = {
		.what = "stacks at context switches",
		.stacks = STACKS_OF(EXIT) | STACKS_OF(USERSPACE) | STACKS_OF(FAULT) |
			  STACKS_OF(IOCTL),
		.methods = { { "stack_switch", ATTACH_TP_BTF, "sched", "sched_switch", NULL } },
	},
	[PROBE_STACK_RETURN] = {
		.what = "stacks at returns from KVM_RUN",
		.stacks = STACKS_OF(EXIT) | STACKS_OF(USERSPACE),
		.methods = { { "stack_userspace_exit", ATTACH_TP, "kvm", "kvm_userspace_exit", NULL } },
	},
	[PROBE_STACK_ENTRY] = {
		.what = "ends of cycles with a stack",
		.stacks = STACKS_OF(EXIT),
		.methods = {
			{ "stack_entry_btf", ATTACH_TP_BTF, "kvm", "kvm_entry", NULL },
			{ "stack_entry", ATTACH_TP, "kvm", "kvm_entry", NULL },
		},
	},
	[PROBE_STACK_RUN] = {
		.what = "KVM_RUN calls after a stack",
		.stacks = STACKS_OF(USERSPACE),
		.without = "--stack userspace has no rows",
		.methods = { { "stack_run", ATTACH_KPROBE, NULL, "kvm_arch_vcpu_ioctl_run", NULL } },
	},
	[PROBE_STACK_SAMPLE] = {
		.what = "samples of the CPUs' time",
		.without = "--stack vmm has no rows",
		.stacks = STACKS_OF(VMM),
		.methods = { { "stack_sample", ATTACH_SAMPLE, NULL, "cpu-clock", NULL } },
	},
	KVMW_POINTS(POINT_HOOK)
};

#define POINT_DESC(ev, KIND, cat, tp, map) \
	[KVMW_POINT_##tp] = { KVMW_EVENT_ID_##ev, KVMW_##ev##_##KIND, map },
const struct point_desc points[KVMW_NR_POINTS] = { KVMW_POINTS(POINT_DESC) };

/* A family's own fields, all of 64 bits, have room in a row of the rings. */
#define ROW_FITS(NAME, name, id, class, doc, ...)			\
	_Static_assert(EVENT_##class != EVENT_FAMILY ||			\
		       sizeof(struct kvmw_##name) <=			\
		       sizeof(struct kvmw_ring_row) - offsetof(struct kvmw_ring_row, e), \
		       #name ": more fields than KVMW_MAX_FIELDS");
KVMW_EVENTS(ROW_FITS)

/* Which vCPU a thread runs, and until when there are both. */
#define ENDS	(BIT(PROBE_VCPU_END) | BIT(PROBE_THREAD_END) | BIT(PROBE_THREAD_MOVES))
#define WHO	(BIT(PROBE_ENTRY) | ENDS)
#define OLD_DIRTY_PROBES (BIT(PROBE_DIRTY_VCPU) | BIT(PROBE_DIRTY_VCPU_DONE) | \
			 BIT(PROBE_DIRTY_VM) | BIT(PROBE_DIRTY_VM_DONE))

/*
 * The probes of each event besides its tracepoints in points.h.  An event without an entry has
 * only those, and uses WHO.
 */
static const struct provider {
	u64 needs;		/* bitmap of enum probe_id below PROBE_POINTS */
	u64 uses;		/* optional ones */
} providers[KVMW_MAX_EVENTS] = {
	[KVMW_EVENT_EXIT] = {
		.needs = BIT(PROBE_EXIT) | BIT(PROBE_ENTRY),
		.uses = ENDS | BIT(PROBE_USERSPACE_EXIT) | BIT(PROBE_RUN) |
			BIT(PROBE_SWITCH) | BIT(PROBE_WAKEUP) | BIT(PROBE_MIGRATE) |
			BIT(PROBE_HALTED) | BIT(PROBE_MMU_INVALIDATE) |
			BIT(PROBE_MMIO) | ARCH_EXIT_PROBES,
	},
	[KVMW_EVENT_USERSPACE] = {
		.needs = BIT(PROBE_USERSPACE_EXIT) | BIT(PROBE_RUN),
		.uses = ENDS,
	},
	[KVMW_EVENT_FAULT] = {
		.uses = WHO | BIT(PROBE_FAULT_END) | BIT(PROBE_FAULT_MMIO) |
			BIT(PROBE_FAULT_MARK_MMIO) | ARCH_FAULT_PROBES,
	},
	[KVMW_EVENT_DIRTY] = {
		.needs = BIT(PROBE_DIRTY_PAGE),
		.uses = WHO | OLD_DIRTY_PROBES,
	},
	[KVMW_EVENT_IRQ] = {
		.uses = WHO | BIT(PROBE_IRQ_SET_UP) | BIT(PROBE_IRQ_LINE) |
			BIT(PROBE_IRQ_LINE_DONE) | BIT(PROBE_IRQ_MSI) | BIT(PROBE_IRQ_MSI_DONE),
	},
	[KVMW_EVENT_HALT] = {
		.needs = BIT(PROBE_HALTED),
		.uses = WHO | BIT(PROBE_SCHED_SWITCH) | BIT(PROBE_SCHED_WAKING),
	},
	[KVMW_EVENT_SCHED] = {
		.needs = BIT(PROBE_SCHED_SWITCH) | BIT(PROBE_SCHED_WAKEUP),
		.uses = WHO | BIT(PROBE_SCHED_WAKING) | BIT(PROBE_SCHED_MIGRATE),
	},
	[KVMW_EVENT_IOCTL] = {
		.needs = BIT(PROBE_IOCTL_ENTER) | BIT(PROBE_IOCTL_EXIT),
		.uses = WHO,
	},
	/* Slots that existed before are found when one of their pages is dirtied. */
	[KVMW_EVENT_MEMSLOT] = {
		.needs = BIT(PROBE_IOCTL_ENTER) | BIT(PROBE_IOCTL_EXIT),
		.uses = WHO | BIT(PROBE_DIRTY_PAGE) | OLD_DIRTY_PROBES,
	},
	[KVMW_EVENT_HYPERCALL] = {
		.uses = WHO | BIT(PROBE_HYPERCALL_RETURN),
	},
	[KVMW_EVENT_TIMER] = {
		.uses = WHO | BIT(PROBE_APIC_START) | BIT(PROBE_APIC_EXPIRE),
	},
	[KVMW_EVENT_MMU] = {
		.uses = WHO | BIT(PROBE_MMU_LOAD) | BIT(PROBE_MMU_INVALIDATE),
	},
	[KVMW_EVENT_STACK] = {
		.needs = BIT(PROBE_STACK_SWITCH) | BIT(PROBE_STACK_RETURN) | BIT(PROBE_STACK_ENTRY),
		.uses = ENDS | BIT(PROBE_STACK_RUN) | BIT(PROBE_STACK_SAMPLE),
	},
};

static u64 provider_probes(u32 event)
{
	return providers[event].needs | providers[event].uses ?: WHO;
}

bool provider__uses(u32 events, u32 probe)
{
	if (probe >= PROBE_RAW)
		return events & BIT(KVMW_EVENT_RAW);
	if (probe >= PROBE_POINTS)
		return events & BIT(points[probe - PROBE_POINTS].event);
	for_each_captured_event(event)
		if (events & BIT(event->id) && provider_probes(event->id) & BIT(probe))
			return true;
	return false;
}

bool provider__describes(u32 probe)
{
	return probe < PROBE_POINTS && BIT(probe) & (BIT(PROBE_MMIO) | ARCH_DETAIL_PROBES);
}

u32 provider__recorded(u32 events)
{
	return events & BIT(KVMW_EVENT_DIRTY) ? events | BIT(KVMW_EVENT_MEMSLOT) : events;
}

bool provider__needs(u32 events, u32 probe)
{
	/* A tracepoint named explicitly is needed. */
	if (probe >= PROBE_RAW)
		return true;
	if (probe >= PROBE_POINTS)
		return false;
	for_each_captured_event(event)
		if (events & BIT(event->id) && providers[event->id].needs & BIT(probe))
			return true;
	return false;
}

const char *provider__who_needs(u32 events, u32 probe, char *buf, size_t size)
{
	*buf = '\0';
	for_each_captured_event(event)
		if (events & BIT(event->id) && probe < PROBE_POINTS &&
		    provider__needs(BIT(event->id), probe) && !*buf)
			snprintf(buf, size, "event %s: ", event->name);
	return buf;
}

static void explain(int err, const struct attach_method *method, char *buf, size_t size)
{
	if (!method->category)
		snprintf(buf, size, "this kernel has no function %s; is KVM loaded?", method->name);
	else if (err == ENOENT)
		snprintf(buf, size, "this kernel has no tracepoint %s:%s; is KVM loaded?",
			 method->category, method->name);
	else
		snprintf(buf, size, "cannot read tracefs for tracepoint %s:%s: %s; run as root",
			 method->category, method->name, strerror(err));
}

static int look_for(const struct attach_method *method)
{
	if (method->category)
		return tracefs__tracepoint(method->category, method->name);
	return kernel__has_function(method->name) ? 0 : ENOENT;
}

/* 0 if a probe has any method, else an errno.  Tracepoints first: they are found faster. */
static int probe_missing(const struct probe *probe)
{
	int err = 0;

	for (u32 i = 0; i < PROBE_MAX_METHODS && probe->methods[i].program; i++)
		if (probe->methods[i].category && !look_for(&probe->methods[i]))
			return 0;
	for (u32 i = 0; i < PROBE_MAX_METHODS && probe->methods[i].program; i++) {
		int this_err = look_for(&probe->methods[i]);

		if (!this_err)
			return 0;
		err = err ? err : this_err;
	}
	return err;
}

const char *provider__missing(u32 event, char *buf, size_t size)
{
	struct kvmw_config config = {};
	const struct attach_method *method = NULL;
	const char *text;
	bool any = false;
	int err = 0;

	for (u32 h = 0; h < PROBE_RAW; h++) {
		if (h < PROBE_POINTS ? !(providers[event].needs & BIT(h)) :
				      points[h - PROBE_POINTS].event != event)
			continue;
		method = &probes[h].methods[0];
		err = probe_missing(&probes[h]);
		any |= !err;
		if (err && h < PROBE_POINTS) {
			explain(err, method, buf, size);
			return buf;
		}
		text = probes[h].missing ? probes[h].missing(&config) : NULL;
		if (text)
			return text;
	}
	if (any || !err || providers[event].needs)
		return NULL;
	explain(err, method, buf, size);
	return buf;
}

/* Whether this kernel has another tracepoint for the same kind (an older name). */
static bool has_twin(u32 point)
{
	for (u32 i = 0; i < KVMW_NR_POINTS; i++) {
		const struct attach_method *method = &probes[PROBE_POINTS + i].methods[0];

		if (i != point && points[i].event == points[point].event &&
		    points[i].kind == points[point].kind &&
		    !tracefs__tracepoint(method->category, method->name))
			return true;
	}
	return false;
}

static size_t lacks_probes(u32 event, char *buf, size_t size, size_t len)
{
	struct kvmw_config config = {};
	bool looked = false;

	for (u32 h = 0; h < PROBE_POINTS && len < size; h++) {
		const char *why;

		if (!probes[h].missing || !provider__uses(BIT(event), h))
			continue;
		if (!looked)
			kernel__read(BIT(event), NULL, &config);
		looked = true;
		why = probes[h].missing(&config);
		if (why)
			len += snprintf(buf + len, size - len, "%s%s (%s)", len ? ", " : "",
					probes[h].what, why);
	}
	return len;
}

const char *provider__lacks(u32 event, char *buf, size_t size)
{
	size_t len = 0;

	for (u32 i = 0; i < KVMW_NR_POINTS && len < size; i++) {
		const struct attach_method *method = &probes[PROBE_POINTS + i].methods[0];

		if (points[i].event != event || has_twin(i) ||
		    tracefs__tracepoint(method->category, method->name) != ENOENT)
			continue;
		len += snprintf(buf + len, size - len, "%s%s", len ? ", " : "", method->name);
	}
	len = lacks_probes(event, buf, size, len);
	return len ? buf : NULL;
}
