// SPDX-License-Identifier: GPL-2.0
#include <bpf/btf.h>
#include <linux/version.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "util/capture/kernel.h"
#include "util/capture/provider.h"

#define APIC_TIMER_FN "apic_timer_fn"	/* arch/x86/kvm/lapic.c, since 2012 */

struct symbol {
	const char *name;
	u64 address;		/* 0: hidden */
	bool found;
};

/* ADDRESS TYPE NAME, and [MODULE] */
static void find_symbols(struct symbol *symbols, u32 nr)
{
	FILE *f = fopen("/proc/kallsyms", "r");
	char line[512], name[256], type;
	unsigned long long address;
	u32 left = nr;

	while (f && left && fgets(line, sizeof(line), f)) {
		const char *at = strchr(line, ' ');

		for (u32 i = 0; at && i < nr; i++) {
			/* Most lines are passed over before they are taken apart. */
			if (symbols[i].found || strncmp(at + 3, symbols[i].name, strlen(symbols[i].name)) ||
			    sscanf(line, "%llx %c %255s", &address, &type, name) != 3 ||
			    strcmp(name, symbols[i].name))
				continue;
			symbols[i].address = address;
			symbols[i].found = true;
			left--;
		}
	}
	if (f)
		fclose(f);
}

/* Since 5.18: void *, bool preempt, prev, next, unsigned int prev_state */
static bool switch_has_state(const struct btf *btf)
{
	int id = btf__find_by_name_kind(btf, "btf_trace_sched_switch", BTF_KIND_TYPEDEF);
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, id) : NULL;

	while (t && (btf_is_typedef(t) || btf_is_ptr(t)))
		t = btf__type_by_id(btf, t->type);
	return t && btf_is_func_proto(t) && btf_vlen(t) == 5;
}

/*
 * From 6.2 to 6.14 the preempt count is in a struct per CPU, behind current_task
 * (arch/x86/include/asm/current.h); else it is a variable per CPU of its own.
 */
#define IN_PCPU_HOT	8

/* By address: libbpf finds a variable by its BTF with CAP_SYS_ADMIN only. */
static void find_preempt_count(const struct symbol *offset, const struct symbol *count, bool hot,
			       struct kvmw_config *config)
{
	if (!offset->address || !count->found || (hot && !count->address))
		return;
	config->per_cpu_offset = offset->address;
	config->preempt_count = count->address + (hot ? IN_PCPU_HOT : 0);
}

void kernel__read(u32 events, struct kvmw_config *config)
{
	struct symbol symbols[] = {
		{ "__per_cpu_offset", 0, false }, { "__preempt_count", 0, false },
		{ APIC_TIMER_FN, 0, false },
	};
	bool hot;
	struct btf *btf;

	if (!(events & (BIT(KVMW_EVENT_SCHED) | BIT(KVMW_EVENT_HALT) | BIT(KVMW_EVENT_TIMER) |
			BIT(KVMW_EVENT_IRQ))))
		return;
	btf = btf__load_vmlinux_btf();
	config->switch_state = btf && switch_has_state(btf);
	hot = btf && btf__find_by_name_kind(btf, "pcpu_hot", BTF_KIND_STRUCT) > 0;
	btf__free(btf);
	if (hot)
		symbols[1].name = "pcpu_hot";
	find_symbols(symbols, events & BIT(KVMW_EVENT_TIMER) ? 3 : 2);
	config->apic_timer_fn = symbols[2].address;
	find_preempt_count(&symbols[0], &symbols[1], hot, config);
}

bool kernel__has_function(const char *name)
{
	struct symbol fn = { name, 0, false };

	find_symbols(&fn, 1);
	return fn.found;
}

bool kernel__kvm_has_btf(void)
{
	return access("/sys/module/kvm/initstate", F_OK) || !access("/sys/kernel/btf/kvm", F_OK);
}

u32 kernel__version(void)
{
	unsigned int major = 0, minor = 0;
	struct utsname uts;

	uname(&uts);
	sscanf(uts.release, "%u.%u", &major, &minor);
	return KERNEL_VERSION(major, minor, 0);
}

const char *kernel__no_memslots(const struct kvmw_config *config)
{
	struct btf *btf;
	bool known;

	(void)config;
	if (kernel__version() < KERNEL_VERSION(5, 17, 0) || kernel__kvm_has_btf())
		return NULL;
	btf = btf__load_vmlinux_btf();
	known = btf && btf__find_by_name_kind(btf, "kvm_memory_slot", BTF_KIND_STRUCT) > 0;
	btf__free(btf);
	return known ? NULL : "module kvm has no BTF, and this version does not know its memory slots";
}

bool kernel__preemptible(void)
{
	FILE *f = fopen("/sys/kernel/debug/sched/preempt", "r");
	struct utsname uts = {};
	char modes[80] = "";

	if (f) {
		if (!fgets(modes, sizeof(modes), f))
			modes[0] = '\0';
		fclose(f);
	}
	if (modes[0])
		return strstr(modes, "(full)") || strstr(modes, "(lazy)");
	uname(&uts);
	return strstr(uts.version, "PREEMPT");
}

const char *kernel__no_apic_timer(const struct kvmw_config *config)
{
	struct symbol fn = { APIC_TIMER_FN, 0, false };

	if (config->apic_timer_fn)
		return NULL;
	find_symbols(&fn, 1);
	if (fn.address)
		return NULL;
	return fn.found ? "the address of " APIC_TIMER_FN " is hidden in /proc/kallsyms: run as root, or with CAP_SYSLOG" :
			  "/proc/kallsyms has no " APIC_TIMER_FN "; is KVM loaded?";
}
