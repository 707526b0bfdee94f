// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "util/arch/arch.h"
#include "util/capture/attach.h"
#include "util/capture/kernel.h"
#include "util/capture/methods.h"
#include "util/capture/offsets.h"
#include "util/capture/preflight.h"
#include "util/capture/tracefs.h"
#include "util/error.h"

static bool usable(const struct attach_method *method)
{
	return !method->module || arch__runs_module(method->module);
}

/* Skip methods that this kernel lacks. */
static bool is_there(const struct attach_method *method)
{
	switch (method->type) {
	case ATTACH_TP:
		return !tracefs__tracepoint(method->category, method->name) &&
		       offsets__as_expected(method->category, method->name);
	case ATTACH_TP_BTF:
		return strncmp(method->category, "kvm", 3) || kernel__kvm_has_btf();
	case ATTACH_FENTRY:
		/* Except for system calls these are functions of KVM, whose module needs BTF. */
		return !strncmp(method->name, ARCH_SYSCALL, strlen(ARCH_SYSCALL)) ||
		       (kernel__kvm_has_btf() && host__is_admin());
	default:
		return true;
	}
}

/* The order in which they are tried. */
static u32 rank_of(const struct probe *probe, const struct attach_method *method, bool preemptible)
{
	bool may_be_missed = preemptible &&
			     (method->type == ATTACH_FENTRY ||
			      (method->type == ATTACH_TP_BTF && probe->interrupts_on));

	return method - probe->methods + (may_be_missed ? PROBE_MAX_METHODS : 0);
}

const struct attach_method *methods__after(const struct probe *probe,
					   const struct attach_method *last, bool preemptible)
{
	const struct attach_method *found = NULL, *method = probe->methods;

	for (; method < probe->methods + PROBE_MAX_METHODS && method->program; method++) {
		u32 rank = rank_of(probe, method, preemptible);

		if ((!last || rank > rank_of(probe, last, preemptible)) &&
		    (!found || rank < rank_of(probe, found, preemptible)) &&
		    usable(method) && is_there(method))
			found = method;
	}
	return found;
}

void methods__warn_of_stacks(const struct attach_method *const *methods, const int *refused,
			     u32 events, u32 stacks)
{
	for (u32 h = 0; h < PROBE_POINTS; h++)
		if (probes[h].stacks & stacks && provider__uses(events, h) && !methods[h])
			warning("%s: cannot see %s on this kernel%s%s", probes[h].without,
				probes[h].what, refused[h] ? ": " : "",
				refused[h] ? attach__reason(refused[h]) : "");
	/* Faults without stacks do without this one. */
	if (stacks & BIT(KVMW_stack_FAULT) && !methods[PROBE_FAULT_END])
		warning("--stack fault has no rows: cannot see %s on this kernel",
			probes[PROBE_FAULT_END].what);
}

int methods__check_userspace(const struct attach_method *const *methods, u32 events)
{
	if (provider__needs(events, PROBE_RUN) && !methods[PROBE_RUN])
		return error("event userspace: no program can see KVM_RUN calls on this kernel "
			     "(fentry, kprobe and sys_enter_ioctl were refused)");
	return 0;
}
