/* SPDX-License-Identifier: GPL-2.0 */
/* A recorder with --keep, without its rings: what is put into its window is in its snapshots. */
#ifndef KVMW_TESTS_KEEP_H
#define KVMW_TESTS_KEEP_H

#include <fcntl.h>
#include <sys/eventfd.h>

#include "tests/unit/rec.h"
#include "util/keep/window.h"

#define SECOND	NSEC_PER_SEC
#define FROM	(100 * SECOND)		/* when recordings start */

struct run {
	struct keep_window w;
	struct data_encoder *enc;
	u64 now;
};

static inline void run__begin_of_size(struct run *r, u64 keep_ns, u64 bytes)
{
	memset(r, 0, sizeof(*r));
	r->enc = data_encoder__new();
	r->now = FROM;
	assert_int_equal(keep_window__init(&r->w, bytes, keep_ns), 0);
	keep_window__start(&r->w, FROM);
	assert_int_equal(keep_window__json(&r->w, DATA_IDENT, "{\"vms\":[{\"id\":0,\"pid\":100,\"name\":\"one\",\"vmm\":\"q\"}],"
			 "\"vcpus\":[{\"id\":0,\"vm\":0,\"vcpu\":0,\"tid\":101,\"comm\":\"a\"}]}"), 0);
}

static inline void run__begin(struct run *r, u64 keep_ns)
{
	run__begin_of_size(r, keep_ns, 16 << 20);
}

static inline void run__end(struct run *r)
{
	keep_window__free(&r->w);
	data_encoder__free(r->enc);
}

static inline void put(struct run *r, enum data_frame_type type, u32 event, bool aside, void *rows,
		       u32 nr)
{
	if (nr)
		assert_int_equal(keep_window__rows(&r->w, r->enc, type, event_desc__by_id(event), 0,
						   aside, rows, nr),
				 0);
}

static inline void end_second(struct run *r)
{
	struct kvmw_cost cost = { .time_ns = r->now += SECOND, .events = r->now / SECOND };

	put(r, DATA_STATS, KVMW_EVENT_COST, false, &cost, 1);
}

/* Whether it was made. */
static inline bool make(struct run *r, struct rec *file)
{
	struct keep_snapshot s = { .told = eventfd(0, 0), .meta = strdup("{\"kvmw\":\"0.1\"}") };
	u64 told;
	bool made;
	int fd;

	memset(file, 0, sizeof(*file));
	strcpy(file->path, "/tmp/kvmw-test-XXXXXX");
	fd = mkstemp(file->path);
	s.writer = data_writer__new(fd, file->path, DATA_ALL_EVENTS);
	assert_non_null(s.writer);
	keep_window__snapshot(&r->w, &s);
	assert_int_equal(read(s.told, &told, sizeof(told)), sizeof(told));
	made = !keep_snapshot__end(&s);
	close(s.told);
	return made;
}

/* The report of a snapshot. */
static inline void take(struct run *r, struct rec *file, struct rec_report *out,
			const struct report_options *opt)
{
	assert_true(make(r, file));
	rec__report(file, opt, NULL, out);
	unlink(file->path);
	assert_true(out->rec->finished);
}

static const struct report_options exits = { .event = KVMW_EVENT_EXIT, .nr_sort = 1 };

static inline struct kvmw_exit an_exit(u64 time_ns, u32 reason, u64 total_ns)
{
	return (struct kvmw_exit) {
		.time_ns = time_ns, .guest_ns = 7, .total_ns = total_ns, .user_ns = total_ns / 2,
		.reason = reason,
		.isa = 1, .detail = KVMW_NONE,
	};
}

#endif
