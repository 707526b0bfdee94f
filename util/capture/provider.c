// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/capture/provider.h"
#include "util/capture/tracefs.h"
#include "util/error.h"

const struct hook hooks[NR_HOOKS] = {
	[HOOK_EXIT] = {
		.what = "VM exits",
		.ways = {
			{ "exit_svm", WAY_BTF, "kvm", "kvm_exit", "kvm_amd" },
			{ "kvm_exit", WAY_TRACEPOINT, "kvm", "kvm_exit", NULL },
		},
	},
	[HOOK_ENTRY] = {
		.what = "VM entries",
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
		 * The kprobe first: a thread may be preempted in there, and where that
		 * happens in a fentry program the kernel skips it for the next thread.
		 */
		.ways = {
			{ "run_kprobe", WAY_KPROBE, NULL, "kvm_arch_vcpu_ioctl_run", NULL },
			{ "run_fentry", WAY_FENTRY, NULL, "kvm_arch_vcpu_ioctl_run", NULL },
			{ "run_syscall", WAY_TRACEPOINT, "syscalls", "sys_enter_ioctl", NULL },
		},
	},
};

const struct provider providers[NR_PROVIDERS] = {
	[PROVIDER_EXIT] = {
		.name = "exit",
		.on_by_default = true,
		.needs = BIT(HOOK_EXIT) | BIT(HOOK_ENTRY),
		.uses = BIT(HOOK_USERSPACE_EXIT) | BIT(HOOK_RUN),
	},
	[PROVIDER_USERSPACE] = {
		.name = "userspace",
		.needs = BIT(HOOK_USERSPACE_EXIT) | BIT(HOOK_RUN),
	},
};

/* Levenshtein distance of two short words. */
static u32 distance(const char *a, size_t la, const char *b)
{
	size_t lb = strlen(b);
	u32 row[64];

	if (lb >= ARRAY_SIZE(row))
		return ~0u;
	for (size_t j = 0; j <= lb; j++)
		row[j] = j;
	for (size_t i = 1; i <= la; i++) {
		u32 diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			u32 best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[lb];
}

static void unknown(const char *name, size_t len)
{
	u32 nearest = 0, best = ~0u;
	char others[256] = "";

	for (u32 i = 0; i < NR_PROVIDERS; i++) {
		u32 d = distance(name, len, providers[i].name);

		if (d < best) {
			best = d;
			nearest = i;
		}
	}
	for (u32 i = 0; i < NR_PROVIDERS; i++) {
		if (i == nearest)
			continue;
		strncat(others, ", ", sizeof(others) - strlen(others) - 1);
		strncat(others, providers[i].name, sizeof(others) - strlen(others) - 1);
	}
	error("unknown event '%.*s'; there are: %s%s (kvmw list tells what each one is)",
	      (int)len, name, providers[nearest].name, others);
}

u32 provider__parse(const char *names)
{
	u32 set = 0;

	for (const char *p = names; ; p++) {
		size_t len = strcspn(p, ",");
		u32 i;

		for (i = 0; i < NR_PROVIDERS; i++)
			if (strlen(providers[i].name) == len && !memcmp(providers[i].name, p, len))
				break;
		if (i == NR_PROVIDERS) {
			unknown(p, len < 60 ? len : 60);
			return 0;
		}
		set |= BIT(i);
		p += len;
		if (!*p)
			return set;
	}
}

u32 provider__defaults(void)
{
	u32 set = 0;

	for (u32 i = 0; i < NR_PROVIDERS; i++)
		if (providers[i].on_by_default)
			set |= BIT(i);
	return set;
}

const char *provider__missing(const struct provider *provider, char *buf, size_t size)
{
	for (u32 h = 0; h < NR_HOOKS; h++) {
		const struct way *first = &hooks[h].ways[0];
		int err;

		if (!(provider->needs & BIT(h)) || !first->category)
			continue;
		err = tracefs__tracepoint(first->category, first->name);
		if (!err)
			continue;
		if (err == ENOENT)
			snprintf(buf, size, "this kernel has no tracepoint %s:%s; is KVM loaded?",
				 first->category, first->name);
		else
			snprintf(buf, size, "tracefs may not be read (%s), run as root: tracepoint %s:%s",
				 strerror(err), first->category, first->name);
		return buf;
	}
	return NULL;
}
