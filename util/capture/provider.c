// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <linux/version.h>
#include <stdio.h>
#include <string.h>

#include "util/capture/kernel.h"
#include "util/capture/provider.h"
#include "util/capture/tracefs.h"
#include "util/event_desc.h"

#define POINT_HOOK(ev, KIND, cat, tp, map)				\
	[HOOK_POINTS + KVMW_POINT_##tp] = {				\
		.what = #cat ":" #tp,					\
		.ways = { { #tp, WAY_TRACEPOINT, #cat, #tp, NULL } },	\
	},

#define OLD_DIRTY(program, function) {					\
		.what = "pages made dirty by " function,		\
		.without = "pages made dirty by " function " are missing", \
		.before = KERNEL_VERSION(5, 11, 0),			\
		.ways = { { program, WAY_KPROBE, NULL, function, NULL } }, \
	}

#define NO_PARTS "halt_ns, wait_ns and block_ns are not captured; user_ns includes all of them"

static const char *no_fault_end(const struct kvmw_config *config)
{
	(void)config;
	return kernel__has_function("kvm_mmu_page_fault") ? NULL :
	       "this kernel has no function kvm_mmu_page_fault; is KVM loaded?";
}

const struct hook hooks[HOOK_RAW] = {
	[HOOK_EXIT] = {
		.what = "VM exits",
		.ways = {
			{ "exit_svm", WAY_BTF, "kvm", "kvm_exit", "kvm_amd" },
			{ "kvm_exit", WAY_TRACEPOINT, "kvm", "kvm_exit", NULL },
		},
	},
	[HOOK_ENTRY] = {
		.what = "VM entries",
		.without = "no event can be told to be of a vCPU",
		.ways = {
			{ "entry_btf", WAY_BTF, "kvm", "kvm_entry", NULL },
			{ "kvm_entry", WAY_TRACEPOINT, "kvm", "kvm_entry", NULL },
		},
	},
	[HOOK_USERSPACE_EXIT] = {
		.what = "returns of KVM_RUN to the VMM",
		.without = "user_ns is always 0",
		.ways = { { "kvm_userspace_exit", WAY_TRACEPOINT, "kvm", "kvm_userspace_exit", NULL } },
	},
	[HOOK_RUN] = {
		.what = "calls of KVM_RUN",
		.without = "user_ns ends at the VM entry, not at KVM_RUN",
		/*
		 * The function is static to no file and the same on all kernels since 5.8.
		 * The kprobe first, for stack_run is one too and has to come after.
		 */
		.ways = {
			{ "run_kprobe", WAY_KPROBE, NULL, "kvm_arch_vcpu_ioctl_run", NULL },
			{ "run_fentry", WAY_FENTRY, NULL, "kvm_arch_vcpu_ioctl_run", NULL },
			{ "run_syscall", WAY_TRACEPOINT, "syscalls", "sys_enter_ioctl", NULL },
		},
	},
	[HOOK_SWITCH] = {
		.what = "context switches",
		.without = NO_PARTS,
		.ways = { { "cycle_switch", WAY_BTF, "sched", "sched_switch", NULL } },
	},
	[HOOK_WAKEUP] = {
		.what = "threads that are woken",
		.without = NO_PARTS,
		.ways = { { "cycle_wakeup", WAY_BTF, "sched", "sched_wakeup", NULL } },
	},
	[HOOK_HALTED] = {
		.what = "ends of halts",
		.without = NO_PARTS,
		.ways = { { "kvm_vcpu_wakeup", WAY_TRACEPOINT, "kvm", "kvm_vcpu_wakeup", NULL } },
	},
	[HOOK_MMIO] = {
		.what = "MMIO",
		.interrupts_on = true,
		.without = "exits for MMIO do not tell their address",
		.ways = {
			{ "mmio_btf", WAY_BTF, "kvm", "kvm_mmio", NULL },
			{ "mmio_tp", WAY_TRACEPOINT, "kvm", "kvm_mmio", NULL },
		},
	},
	[HOOK_FAST_MMIO] = {
		.what = "MMIO of an ioeventfd",
		.ways = { { "fast_mmio", WAY_TRACEPOINT, "kvm", "kvm_fast_mmio", "kvm_intel" } },
	},
	[HOOK_FAULT_GPA] = {
		.what = "addresses of EPT violations",
		.ways = { { "detail_fault", WAY_TRACEPOINT, "kvm", "kvm_page_fault", "kvm_intel" } },
	},
	/* What KVM's BTF lets the programs read in the guest's registers. */
	[HOOK_CPUID_LEAF] = {
		.what = "CPUID leaves",
		.stands_in = HOOK_ENTRY,
		.ways = { { "detail_cpuid", WAY_TRACEPOINT, "kvm", "kvm_cpuid", NULL } },
	},
	[HOOK_MSR_INDEX] = {
		.what = "MSRs accessed",
		.stands_in = HOOK_ENTRY,
		.ways = { { "detail_msr", WAY_TRACEPOINT, "kvm", "kvm_msr", NULL } },
	},
	[HOOK_HYPERCALL_NR] = {
		.what = "numbers of hypercalls",
		.stands_in = HOOK_ENTRY,
		.ways = { { "detail_hypercall", WAY_TRACEPOINT, "kvm", "kvm_hypercall", NULL } },
	},
	[HOOK_HYPERCALL_RETURN] = {
		.what = "returns of hypercalls",
		.without = "span_ns and result of hypercalls are not told",
		.ways = {
			{ "hypercall_fexit", WAY_FENTRY, NULL, "kvm_emulate_hypercall", NULL },
			{ "hypercall_kretprobe", WAY_KPROBE, NULL, "kvm_emulate_hypercall", NULL },
		},
	},
	[HOOK_IRQ_SET_UP] = {
		.what = "changes of interrupt routes",
		.without = "irq has no set_up",
		.ways = { { "irq_set_up", WAY_KPROBE, NULL, "kvm_set_irq_routing", NULL } },
	},
	[HOOK_FAULT_END] = {
		.what = "ends of page faults",
		.missing = no_fault_end,
		.without = "span_ns and result of faults are not told",
		/* Of kretprobes there is room for so many threads only, and it may sleep. */
		.ways = {
			{ "fault_end_fexit", WAY_FENTRY, NULL, "kvm_mmu_page_fault", NULL },
			{ "fault_end_kretprobe", WAY_KPROBE, NULL, "kvm_mmu_page_fault", NULL },
		},
	},
	[HOOK_FAULT_MMIO] = {
		.what = "faults of MMIO",
		.ways = { { "fault_mmio", WAY_TRACEPOINT, "kvm", "kvm_mmio", NULL } },
	},
	[HOOK_FAULT_MARK_MMIO] = {
		.what = "first faults of MMIO",
		.ways = { { "fault_mark_mmio", WAY_TRACEPOINT, "kvmmmu", "mark_mmio_spte", NULL } },
	},
	[HOOK_DIRTY_PAGE] = {
		.what = "pages made dirty",
		.missing = kernel__no_memslots,
		.ways = {
			{ "dirty_page", WAY_KPROBE, NULL, "mark_page_dirty_in_slot", NULL },
			{ "dirty_page_fentry", WAY_FENTRY, NULL, "mark_page_dirty_in_slot", NULL },
		},
	},
	/* What the compiler made copies of: dirty.bpf.c. */
	[HOOK_DIRTY_VCPU] = OLD_DIRTY("dirty_vcpu", "kvm_vcpu_mark_page_dirty"),
	[HOOK_DIRTY_VCPU_DONE] = OLD_DIRTY("dirty_vcpu_done", "kvm_vcpu_mark_page_dirty"),
	[HOOK_DIRTY_VM] = OLD_DIRTY("dirty_vm", "mark_page_dirty"),
	[HOOK_DIRTY_VM_DONE] = OLD_DIRTY("dirty_vm_done", "mark_page_dirty"),
	[HOOK_IOCTL_ENTER] = {
		.what = "calls of ioctl",
		.ways = {
			{ "ioctl_enter_kprobe", WAY_KPROBE, NULL, "__x64_sys_ioctl", NULL },
			{ "ioctl_enter", WAY_TRACEPOINT, "syscalls", "sys_enter_ioctl", NULL },
		},
	},
	[HOOK_IOCTL_EXIT] = {
		.what = "returns of ioctl",
		/* No kretprobe: many threads are in there for long, which it has no room for. */
		.ways = {
			{ "ioctl_fexit", WAY_FENTRY, NULL, "__x64_sys_ioctl", NULL },
			{ "ioctl_exit", WAY_TRACEPOINT, "syscalls", "sys_exit_ioctl", NULL },
		},
	},
	[HOOK_SCHED_SWITCH] = {
		.what = "context switches of VM threads",
		.ways = { { "sched_switched", WAY_BTF, "sched", "sched_switch", NULL } },
	},
	[HOOK_SCHED_WAKING] = {
		.what = "who wakes VM threads",
		.without = "who woke a thread is not told",
		.ways = { { "sched_waker", WAY_BTF, "sched", "sched_waking", NULL } },
	},
	[HOOK_SCHED_WAKEUP] = {
		.what = "VM threads that are woken",
		.ways = { { "sched_woken", WAY_BTF, "sched", "sched_wakeup", NULL } },
	},
	[HOOK_SCHED_MIGRATE] = {
		.what = "VM threads moved to another CPU",
		.ways = { { "sched_migrated", WAY_BTF, "sched", "sched_migrate_task", NULL } },
	},
	[HOOK_APIC_START] = {
		.what = "apic_start",
		.missing = kernel__no_apic_timer,
		.ways = { { "apic_start", WAY_BTF, "timer", "hrtimer_start", NULL } },
	},
	[HOOK_APIC_EXPIRE] = {
		.what = "apic_expire",
		.missing = kernel__no_apic_timer,
		.ways = { { "apic_expire", WAY_BTF, "timer", "hrtimer_expire_entry", NULL } },
	},
	[HOOK_MMU_LOAD] = {
		.what = "load_root",
		.without = "mmu has no load_root",
		.ways = {
			{ "mmu_load_kprobe", WAY_KPROBE, NULL, "kvm_mmu_load", NULL },
			{ "mmu_load_fentry", WAY_FENTRY, NULL, "kvm_mmu_load", NULL },
		},
	},
	/* After those of exit and userspace, so that these have ended the cycle: stack.bpf.c. */
	[HOOK_STACK_SWITCH] = {
		.what = "stacks at context switches",
		.ways = { { "stack_switch", WAY_BTF, "sched", "sched_switch", NULL } },
	},
	[HOOK_STACK_RETURN] = {
		.what = "stacks at returns of KVM_RUN",
		.ways = { { "stack_userspace_exit", WAY_TRACEPOINT, "kvm", "kvm_userspace_exit", NULL } },
	},
	[HOOK_STACK_ENTRY] = {
		.what = "ends of cycles with a stack",
		.ways = {
			{ "stack_entry_btf", WAY_BTF, "kvm", "kvm_entry", NULL },
			{ "stack_entry", WAY_TRACEPOINT, "kvm", "kvm_entry", NULL },
		},
	},
	[HOOK_STACK_RUN] = {
		.what = "calls of KVM_RUN after a stack",
		.without = "--stack userspace has no rows",
		.ways = { { "stack_run", WAY_KPROBE, NULL, "kvm_arch_vcpu_ioctl_run", NULL } },
	},
	KVMW_POINTS(POINT_HOOK)
};

#define POINT_DESC(ev, KIND, cat, tp, map) \
	[KVMW_POINT_##tp] = { KVMW_EVENT_ID_##ev, KVMW_##ev##_##KIND, map },
const struct point_desc points[KVMW_NR_POINTS] = { KVMW_POINTS(POINT_DESC) };

#define IN_SYSCALLS "on a preemptible kernel a little each system call"

/* Who ran: by a vCPU's entries its thread is known. */
#define WHO	BIT(HOOK_ENTRY)
#define OLD_DIRTY_HOOKS (BIT(HOOK_DIRTY_VCPU) | BIT(HOOK_DIRTY_VCPU_DONE) | \
			 BIT(HOOK_DIRTY_VM) | BIT(HOOK_DIRTY_VM_DONE))

const struct provider providers[KVMW_NR_EVENTS] = {
	[KVMW_EVENT_EXIT] = {
		.cost = "each VM exit and entry, each context switch of the host",
		.on_by_default = true,
		.needs = BIT(HOOK_EXIT) | BIT(HOOK_ENTRY),
		.uses = BIT(HOOK_USERSPACE_EXIT) | BIT(HOOK_RUN) |
			BIT(HOOK_SWITCH) | BIT(HOOK_WAKEUP) | BIT(HOOK_HALTED) |
			BIT(HOOK_MMIO) | BIT(HOOK_FAST_MMIO) | BIT(HOOK_FAULT_GPA) |
			BIT(HOOK_CPUID_LEAF) | BIT(HOOK_MSR_INDEX) | BIT(HOOK_HYPERCALL_NR),
	},
	[KVMW_EVENT_USERSPACE] = {
		.needs = BIT(HOOK_USERSPACE_EXIT) | BIT(HOOK_RUN),
		.cost = "each return to the VMM",
	},
	[KVMW_EVENT_FAULT] = {
		.uses = WHO | BIT(HOOK_FAULT_END) | BIT(HOOK_FAULT_MMIO) | BIT(HOOK_FAULT_MARK_MMIO),
		.cost = "each page fault of a guest",
	},
	[KVMW_EVENT_DIRTY] = {
		.needs = BIT(HOOK_DIRTY_PAGE),
		.uses = WHO | OLD_DIRTY_HOOKS,
		.cost = "each page marked dirty",
	},
	[KVMW_EVENT_IRQ] = {
		.uses = WHO | BIT(HOOK_IRQ_SET_UP),
		.cost = "each step of an interrupt",
	},
	[KVMW_EVENT_HALT] = {
		.needs = BIT(HOOK_HALTED),
		.uses = WHO | BIT(HOOK_SCHED_SWITCH) | BIT(HOOK_SCHED_WAKING),
		.cost = "each halt, each context switch and wakeup of the host",
	},
	[KVMW_EVENT_SCHED] = {
		.needs = BIT(HOOK_SCHED_SWITCH) | BIT(HOOK_SCHED_WAKEUP),
		.uses = WHO | BIT(HOOK_SCHED_WAKING) | BIT(HOOK_SCHED_MIGRATE),
		.cost = "each context switch and wakeup of the host",
	},
	[KVMW_EVENT_IOCTL] = {
		.needs = BIT(HOOK_IOCTL_ENTER) | BIT(HOOK_IOCTL_EXIT),
		.uses = WHO,
		.cost = "each ioctl of the host; " IN_SYSCALLS,
	},
	/* Slots made before are met when a page of theirs is made dirty. */
	[KVMW_EVENT_MEMSLOT] = {
		.needs = BIT(HOOK_IOCTL_ENTER) | BIT(HOOK_IOCTL_EXIT),
		.uses = WHO | BIT(HOOK_DIRTY_PAGE) | OLD_DIRTY_HOOKS,
		.cost = "each ioctl of the host, each page marked dirty; " IN_SYSCALLS,
	},
	[KVMW_EVENT_HYPERCALL] = {
		.uses = WHO | BIT(HOOK_HYPERCALL_RETURN),
		.cost = "each hypercall",
	},
	[KVMW_EVENT_TIMER] = {
		.uses = WHO | BIT(HOOK_APIC_START) | BIT(HOOK_APIC_EXPIRE),
		.cost = "APIC timers, clock updates, a little each timer of the host",
	},
	[KVMW_EVENT_MMU] = {
		.uses = WHO | BIT(HOOK_MMU_LOAD),
		.cost = "each change of the nested page tables",
	},
	[KVMW_EVENT_NESTED] = {
		.uses = WHO,
		.cost = "each exit of a nested guest",
	},
	[KVMW_EVENT_STACK] = {
		.needs = BIT(HOOK_STACK_SWITCH) | BIT(HOOK_STACK_RETURN) | BIT(HOOK_STACK_ENTRY),
		.uses = BIT(HOOK_STACK_RUN),
		.cost = "each context switch of the host, each return to the VMM",
	},
	[KVMW_EVENT_RAW] = { .uses = WHO },
};

const char *provider__name(u32 event)
{
	const struct event_desc *desc;

	if (event >= KVMW_NR_EVENTS || !(providers[event].needs | providers[event].uses))
		return NULL;
	desc = event_desc__by_id(event);
	return desc ? desc->name : NULL;
}

bool provider__uses(u32 events, u32 hook)
{
	if (hook >= HOOK_RAW)
		return events & BIT(KVMW_EVENT_RAW);
	if (hook >= HOOK_POINTS)
		return events & BIT(points[hook - HOOK_POINTS].event);
	for (u32 i = 0; i < KVMW_NR_EVENTS; i++)
		if (events & BIT(i) && (providers[i].needs | providers[i].uses) & BIT(hook))
			return true;
	return false;
}

bool provider__needs(u32 events, u32 hook)
{
	/* What was asked for by its own name is needed. */
	if (hook >= HOOK_RAW)
		return true;
	for (u32 i = 0; hook < HOOK_POINTS && i < KVMW_NR_EVENTS; i++)
		if (events & BIT(i) && providers[i].needs & BIT(hook))
			return true;
	return false;
}

u32 provider__defaults(void)
{
	u32 set = 0;

	for (u32 i = 0; i < KVMW_NR_EVENTS; i++)
		if (providers[i].on_by_default)
			set |= BIT(i);
	return set;
}

static void explain(int err, const struct way *way, char *buf, size_t size)
{
	if (!way->category)
		snprintf(buf, size, "this kernel has no function %s; is KVM loaded?", way->name);
	else if (err == ENOENT)
		snprintf(buf, size, "this kernel has no tracepoint %s:%s; is KVM loaded?",
			 way->category, way->name);
	else
		snprintf(buf, size, "tracefs may not be read (%s), run as root: tracepoint %s:%s",
			 strerror(err), way->category, way->name);
}

static int look_for(const struct way *way)
{
	if (way->category)
		return tracefs__tracepoint(way->category, way->name);
	return kernel__has_function(way->name) ? 0 : ENOENT;
}

/* Whether a hook has any way; an errno of the first one.  Tracepoints are found faster. */
static int hook_missing(const struct hook *hook)
{
	int err = 0;

	for (u32 i = 0; i < HOOK_MAX_WAYS && hook->ways[i].program; i++)
		if (hook->ways[i].category && !look_for(&hook->ways[i]))
			return 0;
	for (u32 i = 0; i < HOOK_MAX_WAYS && hook->ways[i].program; i++) {
		int this_err = look_for(&hook->ways[i]);

		if (!this_err)
			return 0;
		err = err ? err : this_err;
	}
	return err;
}

const char *provider__missing(u32 event, char *buf, size_t size)
{
	struct kvmw_config config = {};
	const struct way *way = NULL;
	bool any = false;
	int err = 0;

	for (u32 h = 0; h < HOOK_RAW; h++) {
		if (h < HOOK_POINTS ? !(providers[event].needs & BIT(h)) :
				      points[h - HOOK_POINTS].event != event)
			continue;
		way = &hooks[h].ways[0];
		err = hook_missing(&hooks[h]);
		any |= !err;
		if (err && h < HOOK_POINTS) {
			explain(err, way, buf, size);
			return buf;
		}
		if (hooks[h].missing && hooks[h].missing(&config))
			return hooks[h].missing(&config);
	}
	if (any || !err || providers[event].needs)
		return NULL;
	explain(err, way, buf, size);
	return buf;
}

/* Whether another tracepoint stands for the same kind, as an older kernel's does. */
static bool has_twin(u32 point)
{
	for (u32 i = 0; i < KVMW_NR_POINTS; i++) {
		const struct way *way = &hooks[HOOK_POINTS + i].ways[0];

		if (i != point && points[i].event == points[point].event &&
		    points[i].kind == points[point].kind &&
		    !tracefs__tracepoint(way->category, way->name))
			return true;
	}
	return false;
}

static size_t lacks_hooks(u32 event, char *buf, size_t size, size_t len)
{
	struct kvmw_config config = {};
	bool looked = false;

	for (u32 h = 0; h < HOOK_POINTS && len < size; h++) {
		const char *why;

		if (!hooks[h].missing || !provider__uses(BIT(event), h))
			continue;
		if (!looked)
			kernel__read(BIT(event), &config);
		looked = true;
		why = hooks[h].missing(&config);
		if (why)
			len += snprintf(buf + len, size - len, "%s%s (%s)", len ? ", " : "",
					hooks[h].what, why);
	}
	return len;
}

const char *provider__lacks(u32 event, char *buf, size_t size)
{
	size_t len = 0;

	for (u32 i = 0; i < KVMW_NR_POINTS && len < size; i++) {
		const struct way *way = &hooks[HOOK_POINTS + i].ways[0];

		if (points[i].event != event || has_twin(i) ||
		    tracefs__tracepoint(way->category, way->name) != ENOENT)
			continue;
		len += snprintf(buf + len, size - len, "%s%s", len ? ", " : "", way->name);
	}
	len = lacks_hooks(event, buf, size, len);
	return len ? buf : NULL;
}
