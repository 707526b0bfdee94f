/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Exits made up to be written, read and measured: the same for the same seed.  Their durations
 * are roughly a floor and above it a lognormal spread with a long tail.
 */
#ifndef BENCH_ROWS_H
#define BENCH_ROWS_H

#include "util/event_desc.h"
#include "util/resolution.h"

#define BENCH_ROWS_VCPUS	4

struct bench_rows {
	u64 seed;
	u64 now[BENCH_ROWS_VCPUS];	/* ns, by vCPU */
	u32 nr, site;
};

/* Any seed will do, 0 included. */
void bench_rows__init(struct bench_rows *b, u64 seed, u64 start_ns);

/* The next rows of one vCPU whose guest executes CPUID and a port write in turn. */
void bench_rows__turns(struct bench_rows *b, struct kvmw_exit *rows, u32 nr);
/* The next rows of a Linux guest with four vCPUs: loops over 97 places in its code. */
void bench_rows__linux(struct bench_rows *b, struct kvmw_exit *rows, u32 nr);

/*
 * Writes such a Linux guest's rows, of this resolution, all that a recording needs, and its end. 0,
 * or -1 after error().
 */
struct data_writer;
int bench_record(struct data_writer *w, u64 rows, u64 seed, const struct resolution *to);

/*
 * Reads a recording with this program's report and script, each so many times, and prints how fast
 * they are. 0, or -1 after error().
 */
struct screen;
int bench_report(struct screen *s, const char *path, u32 times);

#endif
