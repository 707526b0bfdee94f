// SPDX-License-Identifier: GPL-2.0
/*
 * A whole recording through a command that reads. The first byte selects the command and its
 * options; of the second one bit 0 keeps all as it is, bit 1 has it read from a pipe, and bit 2
 * lets it grow while kvmw script --follow reads it.
 *
 * Unless all is kept, checksums and numbers of frames are made right, so that they keep nothing
 * out, and JSON that is there as text is compressed, so that a changed byte is one of the text.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/fuzz/repair.h"
#include "tests/reading_commands.h"

#define PIPE_BYTES	(1 << 20)
#define MAX_ARGS	8
#define MAX_ARG		96
#define MAX_BYTES	(256 << 10)	/* of an input */

enum { HOW_KEEP = 1, HOW_PIPE = 2, HOW_FOLLOW = 4 };	/* the second byte */

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

const struct command commands[] = {
	READING_COMMANDS,
	{ NULL, NULL, NULL, NULL, NULL }
};

static const struct { int (*run)(int argc, const char **argv); const char *args[4]; } runs[] = {
	{ cmd_report, { NULL } },
	{ cmd_report, { "-v", "--hist", "-sreason,detail,vcpu", "--color=always" } },
	{ cmd_report, { "--json" } },
	{ cmd_report, { "--csv", "-svm,vcpu" } },
	{ cmd_report, { "--time=0,0.01" } },
	{ cmd_report, { "-euserspace" } },
	{ cmd_report, { "-efault" } },
	{ cmd_report, { "-efault", "--json" } },
	{ cmd_report, { "-edirty" } },
	{ cmd_report, { "-edirty", "--json" } },
	{ cmd_report, { "-eirq" } },
	{ cmd_report, { "-eirq", "--json" } },
	{ cmd_report, { "-ehalt" } },
	{ cmd_report, { "-ehalt", "--json" } },
	{ cmd_report, { "-esched" } },
	{ cmd_report, { "-esched", "--json" } },
	{ cmd_report, { "-emmu" } },
	{ cmd_report, { "-emmu", "--json" } },
	{ cmd_report, { "-estack" } },
	{ cmd_report, { "-estack", "--json" } },
	{ cmd_script, { NULL } },
	{ cmd_script, { "--json" } },
	{ cmd_script, { "--csv" } },
	{ cmd_script, { "--max-events=5", "--vcpu=0" } },
	{ cmd_info, { "-v" } },
	{ cmd_info, { "--json" } },
	{ cmd_report, { "--interval=1ms" } },
	{ cmd_report, { "--interval=100us", "--json", "-efault" } },
	{ cmd_report, { "--where=reason==npf && total>1us && !(gpa in 0xfed00000-0xfed003ff)", "--order=count" } },
	{ cmd_report, { "--where=vcpu<2 || comm==qemu", "-sport,msr,vector,cpu", "--csv" } },
	{ cmd_report, { "-edirty", "--link=1G,10G", "--downtime=1ms" } },
	{ cmd_report, { "-ememslot", "--json" } },
	{ cmd_report, { "-eraw", "-v" } },
	{ cmd_report, { "-enested", "--hist", "--top=3" } },
	{ cmd_report, { "-ehypercall", "--width=60", "--color=always" } },
	{ cmd_report, { "--vm=1-99999", "--vcpu=0-3", "--reason=io,npf,hlt", "--percent-limit=1" } },
	{ cmd_script, { "--outliers=5", "--clock=wall" } },
	{ cmd_script, { "--where=total>1us && (cpu==0 || tid!=1)", "--min-duration=1us" } },
	{ cmd_script, { "-F+comm,-cpu", "--clock=mono", "-eexit,irq,fault" } },
	{ cmd_script, { "-eraw", "--json" } },
	{ cmd_script, { "--time=@0,@9999999", "--csv" } },
	{ cmd_diff, { "--fail-if=p99(io) > +20%", "--fail-if=count(total) > 5000" } },
	{ cmd_diff, { "--json", "-sreason,vcpu" } },
	{ cmd_diff, { "-eirq", "--csv" } },
	{ cmd_scrub, { NULL } },
	{ cmd_scrub, { "--keep=names,raw,stacks", "--no-addresses" } },
	{ cmd_cut, { "-o/dev/null", "--time=10%,60%" } },
	{ cmd_cut, { "-o/dev/null", "--time=0,0.01", "--vm=1-99999", "--vcpu=0" } },
	{ cmd_merge, { "-o/dev/null" } },
	{ cmd_report, { "--outliers=20" } },
	{ cmd_report, { "--outliers=20", "-eirq", "--json" } },
	{ cmd_report, { "--outliers=20", "-esched" } },
};

/* In place of the C library's: no wall around a process that reads one file after another. */
int prctl(int option, ...)
{
	return -1;
}

/* What a file that grows still lacks; it ends with an error, since a recorder may never finish. */
struct growth {
	const u8 *rest;
	size_t left;
	int fd;
	bool ended;
};

static struct growth growth;	/* of the file that is being read, once there is one */

/*
 * Likewise: no pager, and libtraceevent, which only ever runs in a child
 * behind a wall, has no text. A process for each run would be slow. AFL++ forks before the
 * first run.
 */
pid_t fork(void)
{
	pid_t (*really)(void) = growth.rest ? NULL : (pid_t (*)(void))dlsym(RTLD_NEXT, "fork");

	return really ? really() : -1;
}

/*
 * In place of the C library's: the reader polls where a file has no more, and then there is more,
 * or the end.
 */
int poll(struct pollfd *fds, nfds_t nr, int ms)
{
	size_t some = growth.left / 2 + 1 < growth.left ? growth.left / 2 + 1 : growth.left;

	if (nr)
		return syscall(SYS_poll, fds, nr, ms);
	if (!some)
		growth.ended = true;
	else if (write(growth.fd, growth.rest, some) != (ssize_t)some)
		abort();
	growth.rest += some;
	growth.left -= some;
	/* One byte more that read() never gives: something to wake up for. */
	if (growth.ended && ftruncate(growth.fd, lseek(growth.fd, 0, SEEK_END) + 1))
		abort();
	return 0;
}

ssize_t read(int fd, void *to, size_t size)
{
	if (!growth.ended)
		return syscall(SYS_read, fd, to, size);
	errno = EIO;
	return -1;
}

static int open_file(const u8 *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	return fd;
}

/* What the pipe does not hold is cut off. */
static int open_pipe(const u8 *data, size_t size)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK))
		abort();
	fcntl(fds[1], F_SETPIPE_SZ, PIPE_BYTES);
	fcntl(fds[0], F_SETFL, 0);
	if (size && write(fds[1], data, size) < 0)
		abort();
	close(fds[1]);
	return fds[0];
}

static u32 put_args(u32 nr, bool follow, const char *path, const char **argv)
{
	u32 argc = 0;

	argv[argc++] = "kvmw";
	for (u32 i = 0; i < ARRAY_SIZE(runs[nr].args) && runs[nr].args[i]; i++)
		argv[argc++] = runs[nr].args[i];
	if (follow)
		argv[argc++] = "--follow";
	argv[argc++] = path;
	if (runs[nr].run == cmd_diff || runs[nr].run == cmd_merge)
		argv[argc++] = path;	/* is read twice */
	if (runs[nr].run == cmd_scrub)
		argv[argc++] = "/dev/null";
	return argc;
}

static void run(u32 nr, const u8 *data, size_t size, u32 how)
{
	bool follow = how & HOW_FOLLOW && runs[nr].run == cmd_script;
	bool through_pipe =
		how & HOW_PIPE && !follow && runs[nr].run != cmd_diff && runs[nr].run != cmd_merge;
	size_t begun = follow ? size / 2 : size;
	int fd = through_pipe ? open_pipe(data, size) : open_file(data, begun);
	char path[32], args[MAX_ARGS][MAX_ARG];
	const char *argv[MAX_ARGS + 1] = { NULL };
	u32 argc;

	growth = (struct growth) { data + begun, size - begun, fd, false };
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (through_pipe)
		dup2(fd, STDIN_FILENO);
	argc = put_args(nr, follow, through_pipe ? "-" : path, argv);
	for (u32 i = 0; i < argc; i++) {
		/* What parses them may write into them. */
		snprintf(args[i], sizeof(args[i]), "%s", argv[i]);
		argv[i] = args[i];
	}
	runs[nr].run(argc, argv);
	growth.ended = false;
	close(fd);
}

/* One CPU: a scan starts as many threads. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	sched_setaffinity(0, sizeof(set), &set);
	return 0;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static ZSTD_CCtx *zstd;	/* lives as long as libFuzzer runs */
	u8 *copy;

	if (size < 2 || size > MAX_BYTES)
		return 0;
	zstd = zstd ?: ZSTD_createCCtx();
	copy = malloc(repaired_bound(size));
	if (!copy || !zstd)
		abort();
	if (data[1] & HOW_KEEP)
		memcpy(copy, data + 2, size - 2);
	run(data[0] % ARRAY_SIZE(runs), copy,
	    data[1] & HOW_KEEP ? size - 2 : repair(zstd, copy, data + 2, size - 2), data[1]);
	free(copy);
	return 0;
}
