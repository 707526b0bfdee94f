// SPDX-License-Identifier: GPL-2.0
/*
 * LD_PRELOAD library: calls fail, as FAULT says, for tests/faults.py:
 *
 *	malloc N	the Nth allocation, and no other
 *	memory N	the Nth allocation and all that follow
 *	thread N	the Nth allocation of threads other than the main one, and no other
 *	write N ERRNO	the Nth write(2) to a file writes a half, and all that follow fail
 *	once N ERRNO	the Nth write(2) to a file fails, and no other
 *	short N		each write(2) to a file writes N bytes at most, and fails before with EINTR
 *	close N ERRNO	the Nth close(2) of a file that is open for writing fails
 *	refuse NAME	BPF programs whose name begins so read a register that was never written,
 *			for which the verifier refuses them
 *
 * N is 0: none fails.  The file FAULT_COUNT begins with the number of such calls; after it there is
 * one byte for each: 1 if it is an allocation that may fail, which is found out if N is 0.
 * FAULT_TRACE=1 prints where an allocation failed.
 */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SIZE		(1u << 20)
#define MAX_FRAMES	32

/* NOLINTBEGIN(bugprone-reserved-identifier): the C library's names */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t nr, size_t size);
void *__libc_realloc(void *p, size_t size);
/* NOLINTEND(bugprone-reserved-identifier) */

struct counted {
	uint64_t nr;
	uint8_t may_fail[];
};

static struct {
	char kind[16], name[BPF_OBJ_NAME_LEN];
	unsigned long nr;
	int err;
	bool trace;
	struct counted *counted;
} fault;

__attribute__((constructor)) static void read_fault(void)
{
	const char *what = getenv("FAULT"), *path = getenv("FAULT_COUNT");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *counted = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (!what || counted == MAP_FAILED ||
	    (sscanf(what, "refuse %15s", fault.name) != 1 &&
	     sscanf(what, "%15s %lu %d", fault.kind, &fault.nr, &fault.err) < 2))
		abort();
	close(fd);
	fault.trace = getenv("FAULT_TRACE");
	/* What it needs it cannot open behind the reader's wall. */
	backtrace(&(void *){ NULL }, 1);
	/* What this program runs is none of the test. */
	unsetenv("LD_PRELOAD");
	fault.counted = counted;
}

static bool is(const char *kind)
{
	return fault.counted && !strcmp(fault.kind, kind);
}

static uint64_t count(void)
{
	return __atomic_add_fetch(&fault.counted->nr, 1, __ATOMIC_RELAXED);
}

/* ---- memory -------------------------------------------------------------- */

/*
 * Whether a library asks that crashes without memory, or leaves out values: json-c, libtraceevent.
 * kvmw makes sure that there is enough before it calls them (mem__expect), and that may fail.
 */
static bool in_frail_library(bool trace)
{
	void *frames[MAX_FRAMES];
	int nr = backtrace(frames, MAX_FRAMES);
	bool found = false;
	Dl_info info;

	for (int i = 0; i < nr && !found; i++)
		found = dladdr(frames[i], &info) && (strstr(info.dli_fname, "/libjson-c.") ||
						     strstr(info.dli_fname, "/libtraceevent."));
	if (trace && !found)
		backtrace_symbols_fd(frames, nr, STDERR_FILENO);
	return found;
}

static bool no_memory(void)
{
	static __thread bool busy;
	bool all = is("memory"), fails;
	uint64_t now;

	if (busy || !(all || is("malloc") || (is("thread") && getpid() != gettid())))
		return false;
	now = count();
	if (fault.nr && now != fault.nr && !(all && now > fault.nr))
		return false;
	busy = true;
	fails = !in_frail_library(fault.trace && now == fault.nr);
	busy = false;
	if (!fault.nr && now < SIZE - sizeof(*fault.counted))
		fault.counted->may_fail[now - 1] = fails;
	fails = fails && fault.nr;
	if (fails)
		errno = ENOMEM;
	return fails;
}

void *malloc(size_t size)
{
	return no_memory() ? NULL : __libc_malloc(size);
}

void *calloc(size_t nr, size_t size)
{
	return no_memory() ? NULL : __libc_calloc(nr, size);
}

void *realloc(void *p, size_t size)
{
	return no_memory() ? NULL : __libc_realloc(p, size);
}

/* ---- files --------------------------------------------------------------- */

static bool is_file(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISREG(st.st_mode);
}

static int fail(int err)
{
	errno = err;
	return -1;
}

ssize_t write(int fd, const void *data, size_t len)
{
	static __thread bool interrupted;
	uint64_t now;

	if (!(is("write") || is("once") || is("short")) || !is_file(fd))
		return syscall(SYS_write, fd, data, len);
	interrupted = is("short") && !interrupted;
	if (interrupted)
		return fail(EINTR);
	now = count();
	if (is("short") && len > fault.nr)
		len = fault.nr;
	if (is("write") && fault.nr && now > fault.nr)
		return fail(fault.err);
	if (now == fault.nr && is("once"))
		return fail(fault.err);
	if (now == fault.nr && is("write"))
		len /= 2;
	return syscall(SYS_write, fd, data, len);
}

int close(int fd)
{
	bool fails = is("close") && is_file(fd) && (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY &&
		     count() == fault.nr;
	int ret = syscall(SYS_close, fd);

	return fails ? fail(fault.err) : ret;
}

/* ---- BPF ----------------------------------------------------------------- */

long syscall(long number, ...)
{
	static long (*real)(long, ...);
	long arg[6];
	va_list ap;

	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		arg[i] = va_arg(ap, long);
	va_end(ap);
	if (!real)
		real = dlsym(RTLD_NEXT, "syscall");
	if (number == SYS_bpf && arg[0] == BPF_PROG_LOAD && *fault.name) {
		const union bpf_attr *attr = (const union bpf_attr *)arg[1];
		struct bpf_insn *first = (struct bpf_insn *)attr->insns;

		if (!strncmp(attr->prog_name, fault.name, strlen(fault.name)))
			*first = (struct bpf_insn) { .code = BPF_ALU64 | BPF_MOV | BPF_X,
						     .dst_reg = BPF_REG_0, .src_reg = BPF_REG_9 };
	}
	return real(number, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
}
