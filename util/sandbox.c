// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/arch/arch.h"
#include "util/sandbox.h"

#define OLD_FILES	1024	/* that kernels before 5.9 are asked to close, one by one */

#ifndef SECCOMP_RET_KILL_PROCESS
#define SECCOMP_RET_KILL_PROCESS SECCOMP_RET_KILL
#endif

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

#ifdef SANITIZED
bool sandbox__enter(enum sandbox sandbox)
{
	return false;
}
#else
/* What computing takes, by whatever name the C library calls it. */
static const unsigned short compute_calls[] = {
	__NR_read, __NR_write, __NR_readv, __NR_writev, __NR_pread64, __NR_lseek, __NR_close,
	__NR_fstat, __NR_newfstatat, __NR_recvfrom, __NR_sendto, __NR_ppoll,
#ifdef __NR_poll
	__NR_poll,
#endif
	__NR_brk, __NR_mmap, __NR_munmap, __NR_mremap, __NR_mprotect, __NR_madvise,
	__NR_futex, __NR_sched_yield, __NR_sched_getaffinity,
	__NR_rt_sigaction, __NR_rt_sigprocmask, __NR_rt_sigreturn, __NR_restart_syscall,
	__NR_clock_gettime, __NR_clock_nanosleep, __NR_nanosleep, __NR_setitimer,
	__NR_getrandom, __NR_getpid, __NR_gettid, __NR_getrusage, __NR_exit, __NR_exit_group,
};

/* Load the architecture, compare; load the number, compare with each; two verdicts. */
#define FILTER_MAX	(ARRAY_SIZE(compute_calls) + 6)

static struct sock_fprog make_filter(struct sock_filter *f)
{
	const u32 nr = ARRAY_SIZE(compute_calls);
	u32 at = 0;

	f[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					       offsetof(struct seccomp_data, arch));
	f[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH_AUDIT, 1, 0);
	f[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	f[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					       offsetof(struct seccomp_data, nr));
	for (u32 i = 0; i < nr; i++)
		f[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, compute_calls[i],
						       nr - i, 0);
	f[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
					       SECCOMP_RET_ERRNO | (EPERM & SECCOMP_RET_DATA));
	f[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	return (struct sock_fprog) { .len = at, .filter = f };
}

bool sandbox__enter(enum sandbox sandbox)
{
	struct sock_filter filter[FILTER_MAX];
	struct sock_fprog program = make_filter(filter);

	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}
#endif

void sandbox__close_files(unsigned int nr)
{
#ifdef __NR_close_range
	if (!syscall(__NR_close_range, nr, ~0U, 0))
		return;
#endif
	for (unsigned int fd = nr; fd < OLD_FILES; fd++)
		close(fd);
}
