// SPDX-License-Identifier: GPL-2.0
#include <linux/capability.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/capture/privileges.h"
#include "util/types.h"

#ifndef CAP_PERFMON
#define CAP_PERFMON 38
#define CAP_BPF 39
#endif

/*
 * bpf(2) on maps, and links of iterators; files of other users' VMs in /proc; kernel stacks there
 * and BPF statistics (CAP_SYS_ADMIN); addresses of kernel symbols; SIGTERM for a command that
 * another user runs (sudo -u).
 */
static const struct { int number; const char *name; } needed[] = {
	{ CAP_BPF, "cap_bpf" }, { CAP_PERFMON, "cap_perfmon" }, { CAP_SYS_ADMIN, "cap_sys_admin" },
	{ CAP_SYS_PTRACE, "cap_sys_ptrace" }, { CAP_DAC_READ_SEARCH, "cap_dac_read_search" },
	{ CAP_SYSLOG, "cap_syslog" }, { CAP_KILL, "cap_kill" },
};

static bool get_caps(struct __user_cap_data_struct caps[2])
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };

	return !syscall(__NR_capget, &header, caps);
}

static void drop_all_but(u32 keep[2])
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct caps[2];

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (!get_caps(caps))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		keep[CAP_TO_INDEX(needed[i].number)] |= CAP_TO_MASK(needed[i].number);
	for (int i = 0; i < 2; i++) {
		caps[i].effective &= keep[i];
		caps[i].permitted &= keep[i];
		caps[i].inheritable = 0;
	}
	syscall(__NR_capset, &header, caps);
}

void privileges__drop(void)
{
	u32 keep[2] = { 0 };

	drop_all_but(keep);
}

void privileges__drop_but(int capability)
{
	u32 keep[2] = { 0 };

	keep[CAP_TO_INDEX(capability)] = CAP_TO_MASK(capability);
	drop_all_but(keep);
}

const char *privileges__kept(char *buf, unsigned int size)
{
	struct __user_cap_data_struct caps[2];
	size_t len = 0;

	buf[0] = '\0';
	for (size_t i = 0; get_caps(caps) && i < ARRAY_SIZE(needed) && len < size; i++)
		if (caps[CAP_TO_INDEX(needed[i].number)].permitted & CAP_TO_MASK(needed[i].number))
			len += snprintf(buf + len, size - len, "%s%s", len ? "," : "",
					needed[i].name);
	return buf;
}
