// SPDX-License-Identifier: GPL-2.0
/*
 * A tracepoint's format, a zero byte, and records of 256 bytes: through what decides what
 * libtraceevent gets to see, and through libtraceevent, without the wall that is around it
 * otherwise. Its parser divides by what it reads, and worse: that is what the wall is for, and no
 * finding. What was parsed and found safe must print any record. The library has no sanitizer: what
 * it reads too far is only found if there is nothing.
 */
#include <setjmp.h>

/* NOLINTNEXTLINE(bugprone-suspicious-include): its parts, which nothing else calls */
#include "util/analysis/tracepoint_text.c"

#define MAX_RECORDS	4

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static sigjmp_buf refused;

/* NOLINTNEXTLINE(bugprone-reserved-identifier): the sanitizer's name */
const char *__asan_default_options(void);

/* NOLINTNEXTLINE(bugprone-reserved-identifier): the sanitizer's name */
const char *__asan_default_options(void)
{
	return "allow_user_segv_handler=1:detect_leaks=0";
}

static void on_fault(int signal)
{
	siglongjmp(refused, 1);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	tep_set_loglevel(TEP_LOG_NONE);
	return 0;
}

/* NULL: it is not followed, or the parser did not survive it. Other faults are the fuzzer's. */
static struct decoder *parse_format(const struct printed *from)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE };
	const struct sigaction act = { .sa_handler = on_fault, .sa_flags = SA_ONSTACK };
	struct sigaction before[ARRAY_SIZE(faults)];
	struct decoder *volatile d = NULL;

	if (!sound_format(from->format))
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
		sigaction(faults[i], &act, &before[i]);
	if (!sigsetjmp(refused, 1))
		d = new_decoder(from);
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
		sigaction(faults[i], &before[i], NULL);
	return d;
}

static void print_records(struct decoder *d, const u8 *data, size_t size)
{
	static u8 room[REACH];
	u8 record[TRACEPOINT_BYTES];

	for (u32 i = 0; i < MAX_RECORDS; i++) {
		u32 bytes = size < TRACEPOINT_BYTES ? size : TRACEPOINT_BYTES;

		/*
		 * What comes behind the last one is all ones: lengths and offsets are as large as
		 * they can be.
		 */
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
