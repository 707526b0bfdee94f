// SPDX-License-Identifier: GPL-2.0
#include <bpf/btf.h>
#include <stdio.h>
#include <string.h>

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

static bool has_preempt_count(const struct btf *btf)
{
	return btf__find_by_name_kind(btf, "__preempt_count", BTF_KIND_VAR) > 0 ||
	       btf__find_by_name_kind(btf, "pcpu_hot", BTF_KIND_VAR) > 0;
}

void kernel__read(u32 events, struct kvmw_config *config)
{
	struct symbol symbols[] = {
		{ "__per_cpu_offset", 0, false }, { "__preempt_count", 0, false },
		{ APIC_TIMER_FN, 0, false },
	};
	bool timer = events & BIT(KVMW_EVENT_TIMER), by_address;
	struct btf *btf;

	if (!(events & (BIT(KVMW_EVENT_SCHED) | BIT(KVMW_EVENT_HALT) | BIT(KVMW_EVENT_TIMER) |
			BIT(KVMW_EVENT_IRQ))))
		return;
	btf = btf__load_vmlinux_btf();
	config->switch_state = btf && switch_has_state(btf);
	by_address = btf && !has_preempt_count(btf);
	btf__free(btf);
	if (by_address)
		find_symbols(symbols, timer ? 3 : 2);
	else if (timer)
		find_symbols(&symbols[2], 1);
	config->apic_timer_fn = symbols[2].address;
	if (symbols[0].address && symbols[1].address) {
		config->per_cpu_offset = symbols[0].address;
		config->preempt_count = symbols[1].address;
	}
}

bool kernel__has_function(const char *name)
{
	struct symbol fn = { name, 0, false };

	find_symbols(&fn, 1);
	return fn.found;
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
