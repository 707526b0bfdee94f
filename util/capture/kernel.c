// SPDX-License-Identifier: GPL-2.0
#include <bpf/btf.h>
#include <fcntl.h>
#include <linux/version.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "util/arch/arch.h"
#include "util/capture/btf_parts.h"
#include "util/capture/compat.h"
#include "util/capture/kernel.h"

#define KVM_BTF	"/sys/kernel/btf/kvm"

/* Lines are ADDRESS TYPE NAME [MODULE]. */
static void find_symbols(struct arch_symbol *symbols, u32 nr)
{
	FILE *f = fopen("/proc/kallsyms", "r");
	char line[512], name[256], type;
	unsigned long long address;
	u32 left = nr;

	while (f && left && fgets(line, sizeof(line), f)) {
		const char *at = strchr(line, ' ');

		for (u32 i = 0; at && i < nr; i++) {
			/* Most lines are skipped without parsing. */
			if (symbols[i].found ||
			    strncmp(at + 3, symbols[i].name, strlen(symbols[i].name)) ||
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

#define SWITCH	"btf_trace_sched_switch"

/* Arguments: void *, bool preempt, prev, next, unsigned int prev_state (compat.h). */
static bool switch_has_state(const struct btf_parts *types)
{
	const struct btf_found *found = btf_parts__found(types, SWITCH, BTF_KIND_TYPEDEF);
	u32 part = found ? found->part : 0;
	const struct btf_type *t = found ? btf_parts__type(types, &part, found->id) : NULL;

	while (t && (btf_is_typedef(t) || btf_is_ptr(t)))
		t = btf_parts__type(types, &part, t->type);
	return t && btf_is_func_proto(t) && btf_vlen(t) == 5;
}

static void read_ret_pf(const struct btf_parts *types, struct kvmw_config *config)
{
	const struct btf_found *found = btf_parts__found(types, ARCH_RET_PF, BTF_KIND_MEMBER);
	u32 part = found ? found->part : 0;
	const struct btf_type *t = found ? btf_parts__type(types, &part, found->id) : NULL;

	if (t)
		memset(config->fault.ret_pf, KVMW_RET_PF_OTHER, sizeof(config->fault.ret_pf));
	for (u32 i = 0; t && i < btf_vlen(t); i++) {
		const struct btf_enum *e = &btf_enum(t)[i];

		if (e->val >= 0 && e->val < KVMW_MAX_RET_PF - 1)
			config->fault.ret_pf[e->val] =
				arch__ret_pf(btf_parts__string(types, part, e->name_off));
	}
}

int kernel__want(struct btf_parts *types)
{
	return btf_parts__want(types, SWITCH, BTF_KIND_TYPEDEF) ||
	       btf_parts__want(types, ARCH_RET_PF, BTF_KIND_MEMBER) ||
	       btf_parts__want(types, ARCH_SYMBOLS_STRUCT, BTF_KIND_STRUCT) ? -1 : 0;
}

void kernel__read(u32 events, const struct btf_parts *types, struct kvmw_config *config)
{
	struct arch_symbol symbols[ARCH_NR_SYMBOLS + 1] = {
		[ARCH_NR_SYMBOLS] = { .name = ARCH_TIMER_FN },
	};

	if (events & BIT(KVMW_EVENT_FAULT) &&
	    !arch__ret_pf_by_version(kernel__version(), config->fault.ret_pf) && types)
		read_ret_pf(types, config);
	if (!(events & (BIT(KVMW_EVENT_SCHED) | BIT(KVMW_EVENT_HALT) | BIT(KVMW_EVENT_TIMER) |
			BIT(KVMW_EVENT_IRQ))))
		return;
	config->irq_untold = arch__delivers_untold(kernel__version());
	config->switch_state = types && switch_has_state(types);
	arch__name_symbols(types && btf_parts__found(types, ARCH_SYMBOLS_STRUCT, BTF_KIND_STRUCT),
			   symbols);
	find_symbols(symbols, ARCH_NR_SYMBOLS + !!(events & BIT(KVMW_EVENT_TIMER)));
	config->timer_fn = symbols[ARCH_NR_SYMBOLS].address;
	arch__use_symbols(symbols, &config->arch);
}

/* Whether a file has a word between two zeros, as a string of BTF is. */
static bool file_has(const char *path, const char *word)
{
	size_t len = strlen(word) + 2, kept = 0;
	char want[80] = "", buf[1 << 16];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool found = false;
	ssize_t got;

	snprintf(want + 1, sizeof(want) - 1, "%s", word);
	while (fd >= 0 && len < sizeof(want) && !found &&
	       (got = read(fd, buf + kept, sizeof(buf) - kept)) > 0) {
		kept += got;
		found = memmem(buf, kept, want, len);
		/* It may go on in the next piece. */
		if (kept >= len) {
			memmove(buf, buf + kept - (len - 1), len - 1);
			kept = len - 1;
		}
	}
	if (fd >= 0)
		close(fd);
	return found;
}

bool kernel__kvm_has_btf(void)
{
	return access("/sys/module/kvm/initstate", F_OK) || !access(KVM_BTF, F_OK);
}

/* KVM's BTF first: all of /proc/kallsyms takes the kernel a tenth of a second and more. */
bool kernel__has_function(const char *name)
{
	struct arch_symbol fn = { name, 0, false };
	const char *btf = access(KVM_BTF, F_OK) ? "/sys/kernel/btf/vmlinux" : KVM_BTF;

	if (kernel__kvm_has_btf() && file_has(btf, name))
		return true;
	find_symbols(&fn, 1);
	return fn.found;
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
	if (kernel__version() < SINCE_SLOT_TREES || kernel__kvm_has_btf())
		return NULL;
	btf = btf__load_vmlinux_btf();
	known = btf && btf__find_by_name_kind(btf, "kvm_memory_slot", BTF_KIND_STRUCT) > 0;
	btf__free(btf);
	return known ? NULL :
	       "module kvm has no BTF, and the layout of its memory slots is unknown";
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
	struct arch_symbol fn = { ARCH_TIMER_FN, 0, false };

	if (config->timer_fn)
		return NULL;
	find_symbols(&fn, 1);
	if (fn.address)
		return NULL;
	return fn.found ? "/proc/kallsyms hides the address of " ARCH_TIMER_FN ": run as root, or with CAP_SYSLOG" :
			  "/proc/kallsyms has no " ARCH_TIMER_FN "; is KVM loaded?";
}
