// SPDX-License-Identifier: GPL-2.0
#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
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
/* A call let through from a sandbox on: any, or one whose argument under this mask is the value. */
struct rule {
	u16 call;
	u8 from;		/* enum sandbox */
	u8 arg;
	u32 mask, value;	/* mask 0: any */
};

#define ANY(from, name)	{ __NR_##name, from, 0, 0, 0 }
#define NAMESPACES	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | \
			 CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)
#define NOT_FORK	(NAMESPACES | CLONE_VM | CLONE_FILES | CLONE_FS | CLONE_SIGHAND | \
			 CLONE_THREAD | CLONE_PARENT | CLONE_PTRACE | CLONE_UNTRACED)

static const struct rule rules[] = {
	/* What computing takes, by whatever name the C library calls it. */
	ANY(SANDBOX_COMPUTE, read), ANY(SANDBOX_COMPUTE, write), ANY(SANDBOX_COMPUTE, futex),
	ANY(SANDBOX_COMPUTE, brk), ANY(SANDBOX_COMPUTE, mmap), ANY(SANDBOX_COMPUTE, munmap),
	ANY(SANDBOX_COMPUTE, mremap), ANY(SANDBOX_COMPUTE, mprotect), ANY(SANDBOX_COMPUTE, madvise),
	ANY(SANDBOX_COMPUTE, readv), ANY(SANDBOX_COMPUTE, writev), ANY(SANDBOX_COMPUTE, pread64),
	ANY(SANDBOX_COMPUTE, lseek), ANY(SANDBOX_COMPUTE, close), ANY(SANDBOX_COMPUTE, fstat),
	ANY(SANDBOX_COMPUTE, newfstatat), ANY(SANDBOX_COMPUTE, recvfrom),
	ANY(SANDBOX_COMPUTE, sendto), ANY(SANDBOX_COMPUTE, ppoll),
#ifdef __NR_poll
	ANY(SANDBOX_COMPUTE, poll),
#endif
	ANY(SANDBOX_COMPUTE, sched_yield), ANY(SANDBOX_COMPUTE, sched_getaffinity),
	ANY(SANDBOX_COMPUTE, rt_sigaction), ANY(SANDBOX_COMPUTE, rt_sigprocmask),
	ANY(SANDBOX_COMPUTE, rt_sigreturn), ANY(SANDBOX_COMPUTE, restart_syscall),
	ANY(SANDBOX_COMPUTE, clock_gettime), ANY(SANDBOX_COMPUTE, clock_nanosleep),
	ANY(SANDBOX_COMPUTE, nanosleep), ANY(SANDBOX_COMPUTE, setitimer),
	ANY(SANDBOX_COMPUTE, sysinfo),
	ANY(SANDBOX_COMPUTE, getrandom), ANY(SANDBOX_COMPUTE, getpid), ANY(SANDBOX_COMPUTE, gettid),
	ANY(SANDBOX_COMPUTE, getrusage), ANY(SANDBOX_COMPUTE, exit),
	ANY(SANDBOX_COMPUTE, exit_group),
	/* Limits: its own; an older glibc asks by these names, and would go on without limits. */
	{ __NR_prlimit64, SANDBOX_COMPUTE, 0, ~0U, 0 },
	ANY(SANDBOX_COMPUTE, setrlimit), ANY(SANDBOX_COMPUTE, getrlimit),
	/* The clock where the vDSO has none, as on some hosts above this one. */
	ANY(SANDBOX_COMPUTE, gettimeofday),
#ifdef __NR_time
	ANY(SANDBOX_COMPUTE, time),
#endif
	/* Threads: the second try of a library that begins with clone3(2): its flags are unseen. */
	{ __NR_clone, SANDBOX_READ, 0, CLONE_THREAD | NAMESPACES, CLONE_THREAD },
	ANY(SANDBOX_READ, set_robust_list),
#ifdef __NR_rseq
	ANY(SANDBOX_READ, rseq),
#endif
	/* The end of a child; the rest of a file after a failed write; whether it appends. */
	ANY(SANDBOX_READ, wait4), ANY(SANDBOX_READ, ftruncate),
	{ __NR_fcntl, SANDBOX_READ, 1, ~0U, F_GETFL },
	/* A terminal's, but not its input; standard error as it was before. */
	{ __NR_ioctl, SANDBOX_READ_SCREEN, 1, ~0U, TIOCGWINSZ },
	{ __NR_ioctl, SANDBOX_READ_SCREEN, 1, ~0U, TCGETS },
	{ __NR_ioctl, SANDBOX_READ_SCREEN, 1, ~0U, TCSETS },
	{ __NR_ioctl, SANDBOX_READ_SCREEN, 1, ~0U, TCSETSW },
	{ __NR_ioctl, SANDBOX_READ_SCREEN, 1, ~0U, TCSETSF },
	/* glibc from 2.42 on. */
	{ __NR_ioctl, SANDBOX_READ_SCREEN, 1, ~0U, TCGETS2 },
	{ __NR_ioctl, SANDBOX_READ_SCREEN, 1, ~0U, TCSETS2 },
	{ __NR_ioctl, SANDBOX_READ_SCREEN, 1, ~0U, TCSETSW2 },
	{ __NR_ioctl, SANDBOX_READ_SCREEN, 1, ~0U, TCSETSF2 },
	ANY(SANDBOX_READ_SCREEN, dup3),
#ifdef __NR_dup2
	ANY(SANDBOX_READ_SCREEN, dup2),
#endif
	/* A child, and what it is connected by. */
	{ __NR_clone, SANDBOX_READ_FORK, 0, NOT_FORK, 0 },
	/* musl: how it makes one, and what the child then asks for its id. */
#ifdef __NR_fork
	ANY(SANDBOX_READ_FORK, fork),
#endif
	ANY(SANDBOX_READ_FORK, set_tid_address),
	{ __NR_socketpair, SANDBOX_READ_FORK, 0, ~0U, AF_UNIX },
	/* A narrower one of these. */
	{ __NR_prctl, SANDBOX_READ_FORK, 0, ~0U, PR_SET_NO_NEW_PRIVS },
	{ __NR_prctl, SANDBOX_READ_FORK, 0, ~0U, PR_SET_SECCOMP },
#ifdef __NR_close_range
	ANY(SANDBOX_READ_FORK, close_range),
#endif
};

#define RULE_MAX	6	/* instructions */
#define FILTER_MAX	(RULE_MAX * ARRAY_SIZE(rules) + 5)

#define LOAD(member)	((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, \
						      offsetof(struct seccomp_data, member)))
#define UNLESS(value, skip) ((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, \
							  0, skip))
#define RETURN(what)	((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, what))

/* The number of the call is loaded, and is so again for the next rule. */
static u32 put_rule(struct sock_filter *f, const struct rule *r)
{
	u32 at = 0;

	if (!r->mask) {
		f[at++] = UNLESS(r->call, 1);
		f[at++] = RETURN(SECCOMP_RET_ALLOW);
		return at;
	}
	f[at++] = UNLESS(r->call, 5);
	f[at++] = LOAD(args[r->arg]);
	f[at++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, r->mask);
	f[at++] = UNLESS(r->value, 1);
	f[at++] = RETURN(SECCOMP_RET_ALLOW);
	f[at++] = LOAD(nr);
	return at;
}

static struct sock_fprog make_filter(struct sock_filter *f, enum sandbox sandbox)
{
	u32 at = 0;

	f[at++] = LOAD(arch);
	f[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH_AUDIT, 1, 0);
	f[at++] = RETURN(SECCOMP_RET_KILL_PROCESS);
	f[at++] = LOAD(nr);
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (rules[i].from <= sandbox)
			at += put_rule(f + at, &rules[i]);
	f[at++] = RETURN(SECCOMP_RET_ERRNO | (ENOSYS & SECCOMP_RET_DATA));
	return (struct sock_fprog) { .len = at, .filter = f };
}

/* What libraries look for when they first need it: the time zone, and a seed for hashes. */
static void look_around(void)
{
	struct json_object *obj = json_object_new_object();

	tzset();
	if (obj)
		json_object_object_add_ex(obj, "", NULL, JSON_C_OBJECT_KEY_IS_CONSTANT);
	json_object_put(obj);
}

bool sandbox__enter(enum sandbox sandbox)
{
	struct sock_filter filter[FILTER_MAX];
	struct sock_fprog program = make_filter(filter, sandbox);

	if (sandbox != SANDBOX_COMPUTE)
		look_around();
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
