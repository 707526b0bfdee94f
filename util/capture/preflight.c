// SPDX-License-Identifier: GPL-2.0
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "util/arch/arch.h"
#include "util/capture/compat.h"
#include "util/capture/kernel.h"
#include "util/capture/preflight.h"
#include "util/capture/proc.h"
#include "util/capture/tracefs.h"
#include "util/error.h"

#ifndef CAP_PERFMON
#define CAP_PERFMON 38
#define CAP_BPF 39
#endif

/*
 * The last two are for tracefs and for /proc/PID/fd of other users' VMs: the directory is
 * readable by its owner only (proc_fd_permission(), fs/proc/fd.c), its links need ptrace access.
 */
#define WAY_OUT "run it as root, or: setcap cap_bpf,cap_perfmon,cap_dac_read_search," \
		"cap_sys_ptrace=ep $(which kvmw)"

static u64 effective_caps(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct caps[2] = {};

	syscall(__NR_capget, &header, caps);
	return (u64)caps[1].effective << 32 | caps[0].effective;
}

bool host__is_admin(void)
{
	return effective_caps() >> CAP_SYS_ADMIN & 1;
}

bool host__may_inspect(void)
{
	u64 caps = effective_caps();

	return caps >> CAP_SYS_PTRACE & 1 && caps >> CAP_DAC_READ_SEARCH & 1;
}

static int check_caps(void)
{
	u64 caps = effective_caps();
	bool bpf = caps >> CAP_BPF & 1, perfmon = caps >> CAP_PERFMON & 1;

	if (caps >> CAP_SYS_ADMIN & 1 || (bpf && perfmon))
		return 0;
	return error("kvmw needs the capabilities CAP_BPF and CAP_PERFMON, missing: %s%s%s; "
		     WAY_OUT, bpf ? "" : "CAP_BPF", bpf || perfmon ? "" : ", ",
		     perfmon ? "" : "CAP_PERFMON");
}

/*
 * The kernels of Debian and Ubuntu have a perf_event_paranoid level at which CAP_PERFMON is not
 * enough.
 */
static int check_perf(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_DUMMY,
	};
	int fd = syscall(__NR_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);

	if (fd >= 0)
		return close(fd);
	if (errno == EACCES)
		return error("this kernel lets only root use perf events, CAP_PERFMON is not enough: "
			     "run it as root, or: sysctl kernel.perf_event_paranoid=2");
	return error("cannot use perf events: %s; in a container, its seccomp profile must allow "
		     "perf_event_open", strerror(errno));
}

static int check_kvm(void)
{
	if (access("/sys/module/kvm", F_OK) && access("/dev/kvm", F_OK))
		return error("no KVM on this host: neither /dev/kvm nor the kvm module exists; modprobe "
			     ARCH_KVM_MODULES ", or report a recording made elsewhere");
	return 0;
}

static int check_tracefs(void)
{
	const char *path = tracefs__path();
	int err;

	if (!path)
		return error("tracefs is not mounted and cannot be mounted: %s; "
			     "mount -t tracefs tracefs /sys/kernel/tracing", strerror(errno));
	err = tracefs__tracepoint("kvm", "kvm_exit");
	if (err == EACCES || err == EPERM)
		return error("%s/events/kvm: %s; run as root, with CAP_DAC_READ_SEARCH, or let your "
			     "group in: mount -o remount,mode=750,gid=GROUP %s", path, strerror(err),
			     path);
	if (err)
		return error("the running kernel has no tracepoint kvm:kvm_exit: is the kvm module loaded? "
			     "modprobe " ARCH_KVM_MODULES);
	return 0;
}

#define OTHER_MAPS (24ULL << 20)	/* those of a size that no option changes */

/* Only matters where BPF maps count as locked memory. */
static int check_memlock(u64 bytes)
{
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };
	struct utsname uts;

	if (!setrlimit(RLIMIT_MEMLOCK, &limit) || kernel__version() >= SINCE_FREE_MAPS)
		return 0;
	uname(&uts);
	if (getrlimit(RLIMIT_MEMLOCK, &limit) || limit.rlim_max < bytes + OTHER_MAPS)
		return error("kernel %s counts BPF maps as locked memory, and its limit cannot be raised "
			     "from %llu KiB to the %llu KiB needed: add CAP_SYS_RESOURCE, or: ulimit -l unlimited",
			     uts.release, (unsigned long long)limit.rlim_max / 1024,
			     (unsigned long long)(bytes + OTHER_MAPS) / 1024);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_MEMLOCK, &limit);
	return 0;
}

static int check_kernel(void)
{
	struct utsname uts;

	uname(&uts);
	if (access("/sys/kernel/btf/vmlinux", R_OK))
		return error("kernel %s has no /sys/kernel/btf/vmlinux (CONFIG_DEBUG_INFO_BTF): "
			     "kvmw record needs it", uts.release);
	if (libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, NULL) != 1)
		return error("kernel %s has no BPF ring buffer (5.8): kvmw record needs 5.10 or newer",
			     uts.release);
	return 0;
}

/* The level is in brackets; securityfs may not be mounted, as in a container. */
static bool is_confidential(void)
{
	char text[4096];

	if (proc__read(text, sizeof(text), "/sys/kernel/security/lockdown") > 0)
		return strstr(text, "[confidentiality]");
	proc__read(text, sizeof(text), "/proc/cmdline");
	return strstr(text, "lockdown=confidentiality");
}

/*
 * With lockdown=integrity, as Secure Boot has it, all is there but debugfs.
 * LOCKDOWN_BPF_READ_KERNEL, LOCKDOWN_TRACEFS and LOCKDOWN_KPROBES are of the other level
 * (include/linux/security.h): the verifier would speak of an unknown function.
 */
static int check_lockdown(void)
{
	if (!is_confidential())
		return 0;
	return error("kernel lockdown is at level confidentiality, which forbids BPF programs to read kernel memory, and "
		     "tracefs: boot with lockdown=integrity, at which kvmw works (cat /sys/kernel/security/lockdown)");
}

int host__can_record(u64 bytes)
{
	if (check_kvm() || check_caps() || check_lockdown() || check_perf() || check_tracefs() ||
	    check_memlock(bytes) || check_kernel())
		return -1;
	return 0;
}

bool host__knows_pids(void)
{
	struct stat st;

	/* PROC_PID_INIT_INO, include/linux/proc_ns.h */
	return stat("/proc/self/ns/pid", &st) || st.st_ino == 0xEFFFFFFCU;
}

int host__check_pid_namespace(void)
{
	if (host__knows_pids())
		return 0;
	return error("running in a PID namespace (container): VMs cannot be selected by process here, but -a takes all "
		     "VMs of the host and -G CGROUP those in a control group, without names; or share the host's: "
		     "docker run --pid=host, hostPID: true");
}
