// SPDX-License-Identifier: GPL-2.0
/*
 * A tracepoint's format, a zero byte, and records of 256 bytes: through what decides what libtraceevent
 * gets to see, and through libtraceevent, without the wall that is around it otherwise. Its parser
 * divides by what it reads, and worse: that is what the wall is for, and no finding. What was parsed and
 * found safe must print any record. The library has no sanitizer: what it reads too far is only found
 * if there is nothing.
 */
#include <setjmp.h>

/* NOLINTNEXTLINE(bugprone-suspicious-include): its parts, which nothing else calls */
#include "util/analysis/tracepoint_text.c"

#define MAX_RECORDS	4

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static sigjmp_buf refused;
static bool parsing;
static struct sigaction before[NSIG];	/* of the fuzzer */

/* NOLINTNEXTLINE(bugprone-reserved-identifier): the sanitizer's name */
const char *__asan_default_options(void);

/* NOLINTNEXTLINE(bugprone-reserved-identifier): the sanitizer's name */
const char *__asan_default_options(void)
{
	return "allow_user_segv_handler=1:detect_leaks=0";
}

static void on_fault(int signal)
{
	if (parsing)
		siglongjmp(refused, 1);
	/* It happens again. */
	sigaction(signal, &before[signal], NULL);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	tep_set_loglevel(TEP_LOG_NONE);
	return 0;
}

/* The fuzzer has set its own ones before the first input. */
static void catch_faults(void)
{
	const struct sigaction act = { .sa_handler = on_fault, .sa_flags = SA_ONSTACK };
	static bool caught;

	if (caught)
		return;
	caught = true;
	sigaction(SIGSEGV, &act, &before[SIGSEGV]);
	sigaction(SIGBUS, &act, &before[SIGBUS]);
	sigaction(SIGFPE, &act, &before[SIGFPE]);
}

/* NULL: it is not followed, or the parser did not survive it. */
static struct decoder *parse_format(const struct printed *from)
{
	struct decoder *volatile d = NULL;

	catch_faults();
	if (!sound_format(from->format) || sigsetjmp(refused, 1))
		return NULL;
	parsing = true;
	d = new_decoder(from);
	parsing = false;
	return d;
}

static void print_records(struct decoder *d, const u8 *data, size_t size)
{
	static u8 room[REACH];
	u8 record[TRACEPOINT_BYTES];

	for (u32 i = 0; i < MAX_RECORDS; i++) {
		u32 bytes = size < TRACEPOINT_BYTES ? size : TRACEPOINT_BYTES;

		/* What comes behind the last one is all ones: lengths and offsets are as large as they can be. */
		memset(record, bytes ? 0 : 0xff, sizeof(record));
		memcpy(record, data, bytes);
		print(d, room, record, bytes ?: TRACEPOINT_BYTES);
		data += bytes;
		size -= bytes;
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	size_t len = strnlen((const char *)data, size);
	char name[] = "kvm:kvm_x";
	struct printed from = { .name = name, .format = strndup((const char *)data, len) };
	struct decoder *d;

	if (!from.format)
		abort();
	d = parse_format(&from);
	parsing = false;
	if (d && d->event)
		print_records(d, data + len, size - len);
	if (d) {
		trace_seq_destroy(&d->text);
		tep_free(d->tep);
	}
	free(d);
	free(from.format);
	return 0;
}
