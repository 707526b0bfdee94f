/* SPDX-License-Identifier: GPL-2.0 */
/* What loadgen makes, and whether a recording has it: of each vCPU and reason. */
#ifndef KVMW_TESTS_LOADGEN_CHECK_H
#define KVMW_TESTS_LOADGEN_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/types.h"
#include "bpf_skel/shared.h"
#include "util/data/data.h"
#include "util/memory.h"

#define NR_STATES	128
#define NR_KEYS		9
#define FIRST_USER	6	/* keys below are exits */
#define FIRST_IRQ	8

/* What is counted: an event and its reason, or kind.  Reasons of SVM, and KVM_EXIT_IO and _MMIO. */
static const struct key {
	u32 event, isa, reason;
} keys[NR_KEYS] = {
	{ KVMW_EVENT_EXIT, KVMW_ISA_SVM, 0x60 }, { KVMW_EVENT_EXIT, KVMW_ISA_SVM, 0x72 },
	{ KVMW_EVENT_EXIT, KVMW_ISA_SVM, 0x78 }, { KVMW_EVENT_EXIT, KVMW_ISA_SVM, 0x7b },
	{ KVMW_EVENT_EXIT, KVMW_ISA_SVM, 0x7c }, { KVMW_EVENT_EXIT, KVMW_ISA_SVM, 0x400 },
	{ KVMW_EVENT_USERSPACE, KVMW_ISA_NONE, 2 }, { KVMW_EVENT_USERSPACE, KVMW_ISA_NONE, 6 },
	{ KVMW_EVENT_IRQ, KVMW_ISA_NONE, KVMW_irq_SET_IRQ },
};

struct sums {
	u64 count, done, lost, span_ns;
};

/* Of one vCPU, or of all until some time. */
struct made {
	u32 id, pad;
	u64 print;		/* of the rows that were sent: loadgen__print() */
	struct sums sums[NR_KEYS];
};

/* What distinguishes a row from all others; the sum shows whether all are there, unchanged. */
static inline u64 loadgen__print(u64 time_ns, u64 span_ns, u32 vcpu)
{
	return (time_ns + vcpu) * 0x9e3779b97f4a7c15ULL + span_ns * span_ns;
}

/* What a recording has of a vCPU. */
struct tally {
	struct made made;	/* its totals; id: it has any; print: of its rows with an end */
	u64 rows[NR_KEYS], ended[NR_KEYS];
	u64 losses;
};

/* By the place of the state, and how often it was used. */
struct tallies {
	struct tally *of;
	u32 nr;
	u64 rows, bytes;
};

static inline struct tally *tallies__of(struct tallies *t, u32 id)
{
	u32 i = id / KVMW_MAX_VCPUS * NR_STATES + KVMW_STATE(id), nr = t->nr ?: 4 * NR_STATES;

	if (KVMW_STATE(id) >= NR_STATES)
		return NULL;
	while (nr <= i)
		nr *= 2;
	if (nr > t->nr) {
		struct tally *of = realloc(t->of, nr * sizeof(*of));

		if (!of)
			return NULL;
		memset(of + t->nr, 0, (nr - t->nr) * sizeof(*of));
		t->of = of;
		t->nr = nr;
	}
	return &t->of[i];
}

static inline u32 loadgen__key(u32 event, u32 reason)
{
	u32 k = 0;

	while (k < NR_KEYS && (keys[k].event != event || keys[k].reason != reason))
		k++;
	return k;
}

enum { COL_VCPU, COL_REASON, COL_TIME, COL_SPAN, NR_ROW_COLS,
       COL_EVENT = NR_ROW_COLS, COL_COUNT, COL_DONE, COL_LOST, NR_COLS };

static const char *const row_columns[][NR_ROW_COLS] = {
	[KVMW_EVENT_EXIT] = { "vcpu", "reason", "time_ns", "total_ns" },
	[KVMW_EVENT_USERSPACE] = { "vcpu", "reason", "time_ns", "user_ns" },
	[KVMW_EVENT_IRQ] = { "vcpu", "kind", "time_ns", "span_ns" },
};
static const char *const total_columns[NR_COLS] = {
	"vcpu", "reason", NULL, "span_ns", "event", "count", "done", "lost",
};
static const char *const loss_columns[NR_COLS] = { "vcpu", [COL_EVENT] = "event",
						   [COL_COUNT] = "count" };

static inline int tallies__row(struct tallies *t, u32 event, u64 *const *col, u32 i)
{
	struct tally *of = tallies__of(t, col[COL_VCPU][i]);
	u32 k = loadgen__key(event, col[COL_REASON][i]);

	if (!of || k == NR_KEYS)
		return -1;
	t->rows++;
	of->rows[k]++;
	if (col[COL_SPAN][i] == KVMW_NONE)
		return 0;
	of->ended[k]++;
	of->made.print += loadgen__print(col[COL_TIME][i], col[COL_SPAN][i], col[COL_VCPU][i]);
	return 0;
}

/* The last one of a key counts. */
static inline int tallies__total(struct tallies *t, u64 *const *col, u32 i)
{
	struct tally *of = tallies__of(t, col[COL_VCPU][i]);
	u32 k = loadgen__key(col[COL_EVENT][i], col[COL_REASON][i]);

	if (!of || k == NR_KEYS)
		return -1;
	of->made.sums[k] = (struct sums) { col[COL_COUNT][i], col[COL_DONE][i], col[COL_LOST][i],
					   col[COL_SPAN][i] };
	return 0;
}

static inline int tallies__loss(struct tallies *t, u64 *const *col, u32 i)
{
	struct tally *of = tallies__of(t, col[COL_VCPU][i]);

	if (!of)
		return -1;
	of->losses += col[COL_COUNT][i];
	return 0;
}

static inline int tallies__frame(struct tallies *t, struct data_reader *r,
				 const struct data_frame *f, u64 *const *col)
{
	const struct data_event *event = f->event ? data_reader__event(r, f->event) : NULL;
	const char *const *names;
	int fields[NR_COLS], err = 0;
	u32 nr = NR_COLS;
	const char *why;

	if (f->type == DATA_EVENTS && f->event < ARRAY_SIZE(row_columns) &&
	    row_columns[f->event][0]) {
		names = row_columns[f->event];
		nr = NR_ROW_COLS;
	} else if (f->event == KVMW_EVENT_TOTAL) {
		names = total_columns;
	} else if (f->event == KVMW_EVENT_LOSS) {
		names = loss_columns;
	} else {
		return f->type == DATA_EVENTS ? -1 : 0;
	}
	for (u32 i = 0; i < nr; i++)
		fields[i] = event && names[i] ? data_event__field(event, names[i]) : -1;
	if (!event ||
	    data_decoder__columns(data_reader__decoder(r), event, f, fields, nr, (u64 **)col, &why))
		return -1;
	for (u32 i = 0; i < f->rows && !err; i++)
		err = f->type == DATA_EVENTS ? tallies__row(t, f->event, col, i) :
		      f->event == KVMW_EVENT_TOTAL ? tallies__total(t, col, i) :
		      tallies__loss(t, col, i);
	return err;
}

/* 0, or -1: it is damaged, has no end, or has what was never made. */
static inline int tallies__read(struct tallies *t, const char *path)
{
	struct data_reader *r = data_reader__open(path);
	u64 *col[NR_COLS] = { NULL };
	struct data_frame *f;
	size_t damage = 0;
	int ret = r ? 0 : -1;

	for (u32 i = 0; i < NR_COLS && !ret; i++) {
		col[i] = malloc(DATA_MAX_ROWS * sizeof(u64));
		ret = col[i] ? 0 : -1;
	}
	while (!ret && (ret = data_reader__next(r, &f)) > 0) {
		ret = tallies__frame(t, r, f, col);
		data_frame__put(f);
	}
	if (r) {
		data_reader__damage(r, &damage);
		t->bytes = data_reader__bytes(r);
	}
	if (ret || damage || !data_reader__finished(r))
		ret = -1;
	for (u32 i = 0; i < NR_COLS; i++)
		free(col[i]);
	data_reader__close(r);
	return ret;
}

/* Rows and losses are what the totals say, of each vCPU and reason.  How many are not. */
static inline u32 tallies__check(const struct tallies *t)
{
	u32 bad = 0;

	for (u32 i = 0; i < t->nr; i++) {
		const struct tally *of = &t->of[i];
		u64 lost = 0;

		for (u32 k = 0; k < NR_KEYS; k++) {
			const struct sums *s = &of->made.sums[k];

			lost += s->lost;
			if (of->rows[k] + s->lost == s->count && of->ended[k] + s->lost == s->done)
				continue;
			if (!bad++)
				fprintf(stderr, "loadgen: state %u, use %u, event %u reason %#x: %llu rows, of which %llu "
					"ended, but counted %llu, done %llu, lost %llu\n", i % NR_STATES, i / NR_STATES,
					keys[k].event, keys[k].reason,
					(unsigned long long)of->rows[k],
					(unsigned long long)of->ended[k],
					(unsigned long long)s->count,
					(unsigned long long)s->done, (unsigned long long)s->lost);
		}
		if (lost != of->losses && !bad++)
			fprintf(stderr,
				"loadgen: state %u, use %u: lost %llu, but losses say %llu\n",
				i % NR_STATES, i / NR_STATES, (unsigned long long)lost,
				(unsigned long long)of->losses);
	}
	return bad;
}

#endif
