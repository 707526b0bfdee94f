// SPDX-License-Identifier: GPL-2.0
/* A series of files: what each of them has, and all of them together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/keep.h"
#include "util/keep/series.h"

#define FILES	3
#define REASONS	3

struct made {
	struct series s;
	struct series_files files;
	struct data_encoder *enc;
	struct rec file[FILES + 1];	/* one is being written */
	struct series_file done[FILES];
	u32 nr;
	u64 now;
};

static int make_one(void *arg)
{
	struct made *m = arg;
	struct rec *file = &m->file[m->nr];

	memset(file, 0, sizeof(*file));
	strcpy(file->path, "/tmp/kvmw-test-XXXXXX");
	return mkstemp(file->path);
}

static int one_done(void *arg, const struct series_file *f)
{
	struct made *m = arg;

	m->done[m->nr++] = *f;
	return 0;
}

static void begin(struct made *m)
{
	memset(m, 0, sizeof(*m));
	m->files = (struct series_files) { make_one, one_done, m, "a file", DATA_ALL_EVENTS };
	m->enc = data_encoder__new();
	m->now = FROM;
	assert_int_equal(series__open(&m->s, &m->files), 0);
	series__start(&m->s, FROM);
	assert_int_equal(series__json(&m->s, m->enc, DATA_META, "{\"kvmw\":\"0.1\"}"), 0);
	assert_int_equal(series__json(&m->s, m->enc, DATA_IDENT, "{\"vms\":[{\"id\":0,\"pid\":100,\"name\":\"one\",\"vmm\":\"q\"},"
			 "{\"id\":1,\"pid\":200,\"name\":\"two\",\"vmm\":\"q\"}],"
			 "\"vcpus\":[{\"id\":0,\"vm\":0,\"vcpu\":0,\"tid\":101,\"comm\":\"a\"},"
			 "{\"id\":1,\"vm\":1,\"vcpu\":0,\"tid\":201,\"comm\":\"b\"}]}"), 0);
}

static void add(struct made *m, enum data_frame_type type, u32 event, void *rows, u32 nr)
{
	if (nr)
		assert_int_equal(series__rows(&m->s, m->enc, type, event_desc__by_id(event), 0,
					      rows, nr), 0);
}

static void second(struct made *m)
{
	struct kvmw_cost cost = { .time_ns = m->now += SECOND };

	add(m, DATA_STATS, KVMW_EVENT_COST, &cost, 1);
}

static void next(struct made *m)
{
	assert_int_equal(series__next(&m->s, m->enc, "{\"kvmw\":\"0.1\"}"), 0);
}

static void end(struct made *m)
{
	assert_int_equal(series__finish(&m->s, m->enc), 0);
	series__close(&m->s);
	data_encoder__free(m->enc);
}

/* The report of a file, which is complete. */
static void read_file(struct made *m, u32 nr, struct rec_report *out)
{
	rec__report(&m->file[nr], &exits, NULL, out);
	unlink(m->file[nr].path);
	assert_true(out->rec->finished);
	assert_int_equal(out->rec->meta.series_number, nr + 1);
	assert_int_equal(out->rec->meta.start_ns, m->done[nr].begin_ns);
}

/* Rows come late; some never, lost or filtered: each file is exact, and so is their sum. */
static void test_totals(void **state)
{
	struct kvmw_total kernel[REASONS + 1] = { { .count = 0 } };
	u64 count = 0, lost = 0, left_out = 0, span_ns = 0;
	struct kvmw_exit late[64];
	struct made m;
	u32 nr = 0;

	begin(&m);
	kernel[REASONS] = (struct kvmw_total) { .event = KVMW_EVENT_EXIT, .isa = 1,
						.reason = KVMW_REASON_OTHER };
	for (u32 i = 0; i < 3000; i++) {
		struct kvmw_exit e =
			an_exit(m.now + i, 0x60 + i * 7 % 13 % REASONS, 100 + i * i % 997);
		struct kvmw_total *t = &kernel[e.reason - 0x60];

		*t = (struct kvmw_total) {
			.event = KVMW_EVENT_EXIT, .isa = 1, .reason = e.reason,
			.count = t->count + 1, .done = t->done + 1,
			.span_ns = t->span_ns + e.total_ns, .gap_ns = t->gap_ns + 7,
			.user_ns = t->user_ns + e.user_ns,
			.lost = t->lost + (i % 10 == 3), .left_out = t->left_out + (i % 10 == 4),
		};
		if (i % 10 != 3 && i % 10 != 4)
			late[nr++] = e;
		/* What does not fit into the table of reasons has a row, but for one in five. */
		kernel[REASONS].count++;
		kernel[REASONS].done++;
		kernel[REASONS].lost += i % 5 == 0;
		if (nr < ARRAY_SIZE(late) && i != 999 && i != 1999 && i != 2999)
			continue;
		add(&m, DATA_STATS, KVMW_EVENT_TOTAL, kernel, REASONS + 1);
		add(&m, DATA_EVENTS, KVMW_EVENT_EXIT, late, nr);
		nr = 0;
		second(&m);
		if (i == 999 || i == 1999)
			next(&m);
	}
	end(&m);
	assert_int_equal(m.nr, FILES);
	assert_true(m.done[2].last && !m.done[1].last);
	for (u32 i = 0; i < FILES; i++) {
		struct rec_report out;
		const struct agg *agg;

		read_file(&m, i, &out);
		assert_int_equal(out.rep.total.recorded, 800);
		assert_int_equal(m.done[i].events, 800);
		assert_int_equal(m.done[i].lost, 100 + 200);
		for (u32 k = 0; k < out.rec->totals.table.nr; k++) {
			agg = agg_table__at(&out.rec->totals, k);
			count += agg->total.count;
			lost += agg->total.lost;
			left_out += agg->total.left_out;
			span_ns += agg->total.span_ns;
		}
		rec__report_free(&out);
	}
	assert_int_equal(count, 3000 + 600);
	assert_int_equal(lost, 300 + 600);
	assert_int_equal(left_out, 300);
	assert_int_equal(span_ns, kernel[0].span_ns + kernel[1].span_ns + kernel[2].span_ns);
}

/* Who is alive has a name in each file; who ended, in those that have something of him. */
static void test_identities(void **state)
{
	struct kvmw_exit of_both[] = { an_exit(FROM, 0x60, 5), an_exit(FROM + 9, 0x60, 5) };
	struct made m;

	of_both[1].vcpu = 1;
	begin(&m);
	second(&m);
	next(&m);
	add(&m, DATA_EVENTS, KVMW_EVENT_EXIT, of_both, 2);
	assert_int_equal(series__json(&m.s, m.enc, DATA_IDENT, "{\"vms\":[],\"vcpus\":[{\"id\":1,\"vm\":1,\"vcpu\":0,\"tid\":201,"
			 "\"comm\":\"b\",\"gone_ns\":100500000000}]}"), 0);
	series__ended(&m.s, 1);
	second(&m);
	next(&m);
	add(&m, DATA_EVENTS, KVMW_EVENT_EXIT, of_both, 1);
	second(&m);
	end(&m);
	for (u32 i = 0; i < FILES; i++) {
		struct rec_report out;

		read_file(&m, i, &out);
		assert_int_equal(out.rec->nr_vcpus, i < 2 ? 2 : 1);
		assert_int_equal(out.rec->nr_vms, i < 2 ? 2 : 1);
		assert_int_equal(out.rep.total.count, i ? 3 - i : 0);
		rec__report_free(&out);
	}
}

/* Who had the CPU: what that grew by in each file, also if it is written several times. */
static void test_holders(void **state)
{
	struct kvmw_holder h = { .place = 1, .kind = KVMW_holder_PROCESS, .tid = 50, .pid = 50,
				 .comm0 = 'a' };
	static const u64 turns[FILES] = { 12, 3, 0 };
	struct made m;

	begin(&m);
	for (u32 i = 0; i < 15; i++) {
		struct kvmw_holder now = h;

		now.turns = h.turns += 1;
		now.time_ns = h.time_ns += 10;
		add(&m, DATA_STATS, KVMW_EVENT_HOLDER, &now, 1);
		second(&m);
		if (i == 11 || i == 14)
			next(&m);
	}
	end(&m);
	for (u32 i = 0; i < FILES; i++) {
		struct rec_report out;

		read_file(&m, i, &out);
		assert_int_equal(out.rec->holders.table.nr, turns[i] > 0);
		if (turns[i])
			assert_int_equal(rec_holders__at(&out.rec->holders, 0)->turns, turns[i]);
		rec__report_free(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_totals),
		cmocka_unit_test(test_identities),
		cmocka_unit_test(test_holders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
