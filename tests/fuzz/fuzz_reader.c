// SPDX-License-Identifier: GPL-2.0
/*
 * A whole recording through kvmw report, script or info. The first byte selects the command; of
 * the second one bit 0 keeps all as it is, bit 1 has it read from a pipe.
 *
 * Unless all is kept, checksums and numbers of frames are made right, so that they keep nothing out, and JSON that is
 * there as text is compressed, so that a changed byte is one of the text.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <zstd.h>

#include "builtin.h"
#include "util/data/format.h"

#define PIPE_BYTES	(1 << 20)
#define MAX_ARGS	8
#define MAX_ARG		32
#define MAX_BYTES	(256 << 10)	/* of an input */
#define JSON_HEADER	8u

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

const struct command commands[] = {
	{ "report", cmd_report, "", &report_argp, NULL },
	{ "script", cmd_script, "", &script_argp, NULL },
	{ "info", cmd_info, "", &info_argp, NULL },
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
};

/*
 * In place of the C library's: no pager, and libtraceevent, which only ever runs in a child
 * behind a wall, has no text. A process for each run would be slow.
 */
pid_t fork(void)
{
	return -1;
}

/* Likewise: no wall around a process that reads one file after another. */
int prctl(int option, ...)
{
	return -1;
}

/* A payload, which is then len bytes long, or less if it is cut off. */
static size_t put_payload(u8 *to, const u8 *from, size_t len)
{
	size_t packed;

	if (!len || *from != '{') {
		memcpy(to, from, len);
		return len;
	}
	put32(to, len);
	put32(to + 4, 0);
	packed = ZSTD_compress(to + JSON_HEADER, ZSTD_compressBound(len), from, len, -1);
	return ZSTD_isError(packed) ? 0 : JSON_HEADER + packed;
}

/* Returns the bytes in out, which has room for them. */
static size_t repair(u8 *out, const u8 *data, size_t size)
{
	size_t at = FILE_HDR_SIZE, len = FILE_HDR_SIZE;
	u32 seq = 0;

	if (size < FILE_HDR_SIZE)
		return 0;
	memcpy(out, data, FILE_HDR_SIZE);
	memcpy(out, FILE_MAGIC, FILE_AT_MAJOR);
	put16(out + FILE_AT_MAJOR, FILE_MAJOR);
	put32(out + FILE_AT_CRC, data_crc(out, FILE_AT_CRC));
	while (at < size) {
		size_t left = size - at, room = left - FRAME_HDR_SIZE;
		u8 *h = out + len;
		u32 said;

		if (left < FRAME_HDR_SIZE || get32(data + at) != FRAME_MAGIC) {
			size_t skip = left < FRAME_ALIGN ? left : FRAME_ALIGN;

			memcpy(h, data + at, skip);
			len += skip;
			at += skip;
			continue;
		}
		memcpy(h, data + at, FRAME_HDR_SIZE);
		at += FRAME_HDR_SIZE;
		put32(h + FRAME_AT_SEQ, seq++);
		said = get32(h + FRAME_AT_SIZE);
		if (said <= room) {
			size_t put = put_payload(h + FRAME_HDR_SIZE, data + at, said);

			put32(h + FRAME_AT_SIZE, put);
			put32(h + FRAME_AT_DATA_CRC, data_crc(h + FRAME_HDR_SIZE, put));
			memset(h + FRAME_HDR_SIZE + put, 0, frame_padded(put) - put);
			len += frame_padded(put);
			at += frame_padded(said) < room ? frame_padded(said) : room;
		}
		put32(h + FRAME_AT_CRC, data_crc(h, FRAME_AT_CRC));
		len += FRAME_HDR_SIZE;
	}
	return len;
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

static void run(u32 nr, const u8 *data, size_t size, bool through_pipe)
{
	int fd = through_pipe ? open_pipe(data, size) : open_file(data, size), argc = 0;
	const char *argv[MAX_ARGS] = { NULL };
	char path[32], args[ARRAY_SIZE(runs[0].args)][MAX_ARG];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (through_pipe)
		dup2(fd, STDIN_FILENO);
	argv[argc++] = "kvmw";
	argv[argc++] = "-i";
	argv[argc++] = through_pipe ? "-" : path;
	for (u32 i = 0; i < ARRAY_SIZE(runs[nr].args) && runs[nr].args[i]; i++) {
		/* What parses them may write into them. */
		snprintf(args[i], sizeof(args[i]), "%s", runs[nr].args[i]);
		argv[argc++] = args[i];
	}
	runs[nr].run(argc, argv);
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
	u8 *copy;
	u32 nr, how;

	if (size < 2 || size > MAX_BYTES)
		return 0;
	nr = data[0] % ARRAY_SIZE(runs);
	how = data[1];
	data += 2;
	size -= 2;
	/* What is compressed may take more; each frame has its own header and padding. */
	copy = malloc(4 * size + ZSTD_compressBound(size));
	if (!copy)
		abort();
	if (how & 1)
		memcpy(copy, data, size);
	else
		size = repair(copy, data, size);
	run(nr, copy, size, how & 2);
	free(copy);
	return 0;
}
