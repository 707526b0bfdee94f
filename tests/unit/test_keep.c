// SPDX-License-Identifier: GPL-2.0
/* record --keep: the ring, exact totals of a window, snapshots. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/keep.h"

static u64 rnd(u64 *seed)
{
	*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return *seed >> 33;
}

/* ---- the ring ------------------------------------------------------------ */

/* Whatever the sizes: in order, whole, and as many as fit. */
static void test_ring(void **state)
{
	u64 seed = 3, added = 0, dropped = 0, used = 0;
	u8 data[3000];
	struct keep_ring r;
	u32 lens[4096];

	assert_int_equal(keep_ring__init(&r, 16384), 0);
	for (u32 i = 0; i < 4000; i++) {
		u32 len = rnd(&seed) % sizeof(data);

		memset(data, (u8)i, len);
		while (keep_ring__lacks(&r, len)) {
			const struct keep_entry *e = keep_ring__at(&r, r.oldest);

			if (e->what) {
				assert_int_equal(e->number, dropped);
				assert_int_equal(e->len, lens[dropped]);
				for (u32 k = 0; k < e->len; k++)
					assert_int_equal(e->data[k], (u8)dropped);
				used -= e->len;
				dropped++;
			}
			keep_ring__drop(&r);
			assert_true(r.oldest <= r.end);
		}
		lens[i] = len;
		keep_ring__add(&r, 1, i, data, len);
		assert_true(r.end - r.oldest <= r.size);
		used += len;
		added++;
		/* Two large ones may leave a gap between them. */
		assert_true(!dropped ||
			    used + 2 * sizeof(data) + 64 * (added - dropped) > r.size / 2);
	}
	assert_true(dropped > 3900);
	assert_true(keep_ring__lacks(&r, 9000) == KVMW_NONE);
	keep_ring__free(&r);
}

/* Of ten seconds of exits four are kept; what was dropped is not counted. */
static void test_window(void **state)
{
	struct rec_report out;
	struct rec file;
	struct run r;

	run__begin(&r, 4 * SECOND);
	for (u32 second = 0; second < 10; second++) {
		struct kvmw_exit rows[100];

		for (u32 i = 0; i < 100; i++)
			rows[i] = an_exit(r.now + i, second % 2 ? 10 : 12, 1000 + second);
		put(&r, DATA_EVENTS, KVMW_EVENT_EXIT, false, rows, 100);
		end_second(&r);
	}
	take(&r, &file, &out, &exits);
	assert_int_equal(out.rep.total.count, 400);
	assert_true(out.rep.total.exact);
	assert_int_equal(out.rep.total.recorded, 400);
	assert_int_equal(out.rep.total.time_ns, 100 * (1006 + 1007 + 1008 + 1009));
	assert_int_equal(out.rep.total.gap_ns, 2800);
	assert_int_equal(out.rec->meta.start_ns, FROM + 6 * SECOND);
	assert_int_equal(out.rec->meta.stop_ns, FROM + 10 * SECOND);
	assert_int_equal(out.rec->cost.events, 4);
	assert_string_equal(out.rec->vm[0].name, "one");
	rec__report_free(&out);
	run__end(&r);
}

/* Cycles in progress are in the snapshot that they are for, and in its totals. */
static void test_open(void **state)
{
	struct kvmw_exit row = an_exit(FROM + 5, 12, 100),
			 open = an_exit(FROM + 500, 10, KVMW_NONE);
	struct rec_report out;
	struct rec file;
	struct run r;

	run__begin(&r, 4 * SECOND);
	put(&r, DATA_EVENTS, KVMW_EVENT_EXIT, false, &row, 1);
	put(&r, DATA_EVENTS, KVMW_EVENT_EXIT, true, &open, 1);
	end_second(&r);
	for (u32 i = 0; i < 2; i++) {
		take(&r, &file, &out, &exits);
		assert_true(out.rep.total.exact);
		assert_int_equal(out.rep.total.count, i ? 1 : 2);
		assert_int_equal(out.rep.total.done, 1);
		assert_int_equal(out.rep.total.recorded, i ? 1 : 2);
		rec__report_free(&out);
	}
	run__end(&r);
}

/* What comes between the cut and the snapshot is the next one's: an open cycle ends once. */
static void test_cut(void **state)
{
	struct kvmw_exit rows[] = { an_exit(FROM + 5, 12, 100), an_exit(FROM + 500, 10, KVMW_NONE),
				    an_exit(FROM + 500, 10, 3000) };
	struct rec_report out;
	struct rec file;
	struct run r;

	run__begin(&r, 2 * SECOND);
	put(&r, DATA_EVENTS, KVMW_EVENT_EXIT, false, &rows[0], 1);
	keep_window__hold(&r.w);
	put(&r, DATA_EVENTS, KVMW_EVENT_EXIT, true, &rows[1], 1);
	end_second(&r);
	keep_window__cut(&r.w);
	for (u32 i = 0; i < 5; i++) {
		put(&r, DATA_EVENTS, KVMW_EVENT_EXIT, false, &rows[2], 1);
		end_second(&r);
	}
	take(&r, &file, &out, &exits);
	assert_true(out.rep.total.exact);
	assert_int_equal(out.rep.total.count, 2);
	assert_int_equal(out.rep.total.done, 1);
	assert_int_equal(out.rec->meta.start_ns, FROM);
	assert_int_equal(out.rec->meta.stop_ns, FROM + SECOND);
	rec__report_free(&out);
	end_second(&r);
	take(&r, &file, &out, &exits);
	assert_int_equal(out.rep.total.count, 1);
	assert_int_equal(out.rep.total.done, 1);
	rec__report_free(&out);
	run__end(&r);
}

/* What was put aside for a snapshot that was not made is not in the next one. */
static void test_release(void **state)
{
	struct kvmw_exit open = an_exit(FROM + 500, 10, KVMW_NONE),
			 ended = an_exit(FROM + 500, 10, 3000);
	struct kvmw_total begun = { .event = KVMW_EVENT_EXIT, .isa = 1, .reason = 10, .count = 1 };
	struct rec_report out;
	struct rec file;
	struct run r;

	run__begin(&r, 60 * SECOND);
	keep_window__hold(&r.w);
	put(&r, DATA_EVENTS, KVMW_EVENT_EXIT, true, &open, 1);
	assert_int_equal(keep_window__begun(&r.w, true, &begun), 0);
	end_second(&r);
	keep_window__cut(&r.w);
	keep_window__release(&r.w);
	put(&r, DATA_EVENTS, KVMW_EVENT_EXIT, false, &ended, 1);
	end_second(&r);
	take(&r, &file, &out, &exits);
	assert_true(out.rep.total.exact);
	assert_int_equal(out.rep.total.count, 1);
	assert_int_equal(out.rep.total.recorded, 1);
	assert_int_equal(out.rep.total.done, 1);
	rec__report_free(&out);
	run__end(&r);
}

/* ---- a small SIZE --------------------------------------------------------- */

#define SMALL	(256 << 10)
#define STEP	1000		/* ns between two rows */

/* Of which none is like another: 40 bytes or so each. */
/*
 * Snapshots one after another: each second ends while one is about to be made, and goes when it is
 * too old all the same.
 */
static void test_always_held(void **state)
{
	struct run r;
	struct rec file;

	(void)state;
	run__begin(&r, 3 * SECOND);
	for (u32 i = 0; i < 10; i++) {
		struct kvmw_exit row = an_exit(r.now + 1, 0x72, 100);

		keep_window__hold(&r.w);
		put(&r, DATA_EVENTS, KVMW_EVENT_EXIT, false, &row, 1);
		end_second(&r);
		keep_window__cut(&r.w);
		assert_true(make(&r, &file));
		unlink(file.path);
	}
	assert_true(r.w.begin.time_ns + 4 * SECOND >= r.now);
	run__end(&r);
}

static void many(struct run *r, u64 from_ns, u32 nr)
{
	static struct kvmw_exit rows[DATA_MAX_ROWS];
	u64 seed = from_ns;

	for (u32 i = 0; i < nr; i++) {
		rows[i] = an_exit(from_ns + (u64)i * STEP, 12, rnd(&seed));
		rows[i].rip = rnd(&seed) << 32 | rnd(&seed);
		rows[i].info1 = rnd(&seed) << 32 | rnd(&seed);
		rows[i].info2 = rnd(&seed) << 32 | rnd(&seed);
	}
	put(r, DATA_EVENTS, KVMW_EVENT_EXIT, false, rows, nr);
}

/*
 * Of a second that is larger than SIZE, what fits is kept, and the window begins with it; also of a
 * single batch.
 */
static void test_large_second(void **state)
{
	static const struct { u32 batches, rows; } tries[] = { { 60, 1000 }, { 1, 60000 } };
	struct rec_report out;
	struct rec file;
	struct run r;

	for (u32 i = 0; i < ARRAY_SIZE(tries); i++) {
		run__begin_of_size(&r, 60 * SECOND, SMALL);
		end_second(&r);
		for (u32 k = 0; k < tries[i].batches; k++)
			many(&r, r.now + (u64)k * tries[i].rows * STEP, tries[i].rows);
		end_second(&r);
		assert_true(r.w.ring.end - r.w.ring.oldest > SMALL / 4);
		take(&r, &file, &out, &exits);
		assert_true(out.rep.total.exact);
		assert_in_range(out.rep.total.count, 1000, 30000);
		assert_int_equal(out.rep.total.recorded, out.rep.total.count);
		assert_int_equal(out.rec->meta.start_ns,
				 FROM + SECOND + (60000 - out.rep.total.count - 1) * STEP);
		assert_int_equal(out.rec->meta.stop_ns, FROM + 2 * SECOND);
		rec__report_free(&out);
		run__end(&r);
	}
}

/* Tables, too, may take several frames. */
static void test_large_table(void **state)
{
	static struct kvmw_taken rows[30000];
	u64 seed = 5;
	struct run r;

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++)
		rows[i] = (struct kvmw_taken) { .place = i, .tid = rnd(&seed), .tgid = rnd(&seed),
						.pid = rnd(&seed), .count = rnd(&seed),
						.bytes = rnd(&seed) };
	run__begin_of_size(&r, 60 * SECOND, SMALL);
	put(&r, DATA_STATS, KVMW_EVENT_TAKEN, false, rows, ARRAY_SIZE(rows));
	end_second(&r);
	run__end(&r);
}

/*
 * What came after the cut left no room for what came before: there is no snapshot then, and the
 * next one is made.
 */
static void test_no_room(void **state)
{
	struct rec_report out;
	struct rec file;
	struct run r;

	run__begin_of_size(&r, 60 * SECOND, SMALL);
	many(&r, r.now, 10);
	keep_window__hold(&r.w);
	end_second(&r);
	keep_window__cut(&r.w);
	for (u32 i = 0; i < 20; i++)
		many(&r, r.now + i * 1000 * STEP, 1000);
	assert_false(make(&r, &file));
	unlink(file.path);
	end_second(&r);
	take(&r, &file, &out, &exits);
	assert_true(out.rep.total.exact && out.rep.total.count > 1000);
	assert_true(out.rec->meta.start_ns < out.rec->meta.stop_ns);
	rec__report_free(&out);
	run__end(&r);
}

/* While SIZE has room, nobody waits for a snapshot being written; what is old is dropped later. */
static void test_slow_disk(void **state)
{
	struct run r;

	run__begin(&r, SECOND);
	for (u32 i = 0; i < 3; i++)
		end_second(&r);
	assert_true(r.w.ring.oldest > 0);
	r.w.needed = r.w.ring.oldest;
	alarm(60);
	for (u32 i = 0; i < 3; i++)
		end_second(&r);
	alarm(0);
	assert_int_equal(r.w.ring.oldest, r.w.needed);
	r.w.needed = KVMW_NONE;
	end_second(&r);
	assert_int_equal(r.w.begin.time_ns, r.now - SECOND);
	run__end(&r);
}

/* ---- totals of what has no record ---------------------------------------- */

#define KEYS	3

/* What the kernel has counted of each reason, and the rows that are still on their way. */
struct kernel {
	struct kvmw_total total[KEYS];
	struct kvmw_exit row[4096];
	u32 nr;
};

static void happen(struct kernel *k, u64 now, u64 *seed, bool filters)
{
	u32 reason = rnd(seed) % KEYS;
	struct kvmw_exit e = an_exit(now, reason, rnd(seed) % 5000);
	struct kvmw_total *t = &k->total[reason];

	t->event = KVMW_EVENT_EXIT;
	t->isa = 1;
	t->reason = reason;
	t->count++;
	t->done++;
	t->gap_ns += e.guest_ns;
	t->span_ns += e.total_ns;
	t->user_ns += e.user_ns;
	if (filters && rnd(seed) % 10 == 0)
		t->left_out++;
	else if (rnd(seed) % 4 == 0)
		t->lost++;
	else
		k->row[k->nr++] = e;
}

/* Rows arrive late, by any number: the first nr of them now. */
static void arrive(struct run *r, struct kernel *k, u32 nr)
{
	put(r, DATA_EVENTS, KVMW_EVENT_EXIT, false, k->row, nr);
	memmove(k->row, k->row + nr, (k->nr - nr) * sizeof(*k->row));
	k->nr -= nr;
}

/* Lost and filtered ones have their part, to the nanosecond, however late rows are. */
static void test_lost(void **state)
{
	struct kvmw_total first[KEYS] = { { .count = 0 } };
	static struct kernel k;
	struct rec_report out;
	struct rec file;
	struct run r;
	u64 seed = 9, want[6] = { 0 };

	memset(&k, 0, sizeof(k));
	run__begin(&r, 5 * SECOND);
	for (u32 second = 0; second < 12; second++) {
		for (u32 i = 0; i < 300; i++) {
			happen(&k, r.now + i, &seed, second > 3);
			if (rnd(&seed) % 50 == 0)
				arrive(&r, &k, rnd(&seed) % (k.nr + 1));
		}
		/* A second whose rows have all come before the window, and one at its end. */
		if (second == 6 || second == 11)
			arrive(&r, &k, k.nr);
		put(&r, DATA_STATS, KVMW_EVENT_TOTAL, false, k.total, KEYS);
		if (second == 6)
			memcpy(first, k.total, sizeof(first));
		end_second(&r);
	}
	for (u32 i = 0; i < KEYS; i++) {
		want[0] += k.total[i].count - first[i].count;
		want[1] += k.total[i].lost - first[i].lost;
		want[2] += k.total[i].left_out - first[i].left_out;
		want[3] += k.total[i].span_ns - first[i].span_ns;
		want[4] += k.total[i].gap_ns - first[i].gap_ns;
		want[5] += k.total[i].user_ns - first[i].user_ns;
	}
	take(&r, &file, &out, &exits);
	assert_true(out.rep.total.exact);
	assert_int_equal(out.rep.total.count, want[0]);
	assert_int_equal(out.rep.total.done, want[0]);
	assert_int_equal(out.rep.total.lost, want[1]);
	assert_int_equal(out.rep.total.filtered, want[2]);
	assert_int_equal(out.rep.total.recorded, want[0] - want[1] - want[2]);
	assert_int_equal(out.rep.total.time_ns, want[3]);
	assert_int_equal(out.rep.total.gap_ns, want[4]);
	assert_int_equal(out.rep.total.user_ns, want[5]);
	rec__report_free(&out);
	run__end(&r);
}

/* ---- who had the CPU, who took memory ------------------------------------- */

#define HOLDER(p, k, t, n, ns) { .vcpu = 0, .place = p, .kind = KVMW_holder_##k, .tid = t, \
				 .pid = t, .turns = n, .time_ns = ns, .comm0 = 'a' }
#define TAKEN(p, k, n, b) { .place = p, .kind = KVMW_taken_##k, .pid = 100, .tid = 9, \
			    .tgid = 9, .count = n, .bytes = b, .guest_count = KVMW_NONE, \
			    .guest_bytes = KVMW_NONE }

static void is_holder(const struct recording *rec, u32 kind, u32 tid, u64 turns, u64 time_ns)
{
	for (u32 i = 0; i < rec->holders.table.nr; i++) {
		const struct rec_holder *h = hash_table__at(&rec->holders.table, i);

		if (h->kind != kind || h->tid != tid)
			continue;
		assert_int_equal(h->turns, turns);
		assert_int_equal(h->time_ns, time_ns);
		return;
	}
	fail();
}

/* Sums since the recording began are the window's; a thread whose place another got is not lost. */
static void test_sums(void **state)
{
	struct kvmw_holder before[] = { HOLDER(0, PROCESS, 50, 3, 300),
					HOLDER(1, PROCESS, 60, 2, 200),
					HOLDER(32, OTHERS, ~0U, 1, 10) };
	struct kvmw_holder first[] = { HOLDER(0, PROCESS, 50, 5, 550),
				       HOLDER(1, PROCESS, 60, 4, 450) };
	/* 60 had 6 turns and 600 ns when 70 got its place. */
	struct kvmw_holder second[] = { HOLDER(1, PROCESS, 70, 1, 5),
					HOLDER(32, OTHERS, ~0U, 7, 610) };
	struct kvmw_taken none[] = { TAKEN(512, OTHERS, 0, 0) },
			  some[] = { TAKEN(3, KERNEL, 4, 40) };
	struct kvmw_taken more[] = { TAKEN(3, KERNEL, 9, 100) };
	const struct rec_taken *taken;
	struct rec_report out;
	struct rec file;
	struct run r;

	run__begin(&r, 2 * SECOND);
	put(&r, DATA_STATS, KVMW_EVENT_HOLDER, false, before, 3);
	put(&r, DATA_STATS, KVMW_EVENT_TAKEN, false, none, 1);
	put(&r, DATA_STATS, KVMW_EVENT_TAKEN, false, some, 1);
	end_second(&r);
	put(&r, DATA_STATS, KVMW_EVENT_HOLDER, false, first, 2);
	end_second(&r);
	put(&r, DATA_STATS, KVMW_EVENT_HOLDER, false, second, 2);
	put(&r, DATA_STATS, KVMW_EVENT_TAKEN, false, more, 1);
	end_second(&r);
	take(&r, &file, &out, &exits);
	assert_int_equal(out.rec->holders.table.nr, 4);
	is_holder(out.rec, KVMW_holder_PROCESS, 50, 2, 250);
	is_holder(out.rec, KVMW_holder_PROCESS, 60, 2, 250);
	is_holder(out.rec, KVMW_holder_PROCESS, 70, 1, 5);
	/* What it had since the last time: 2 turns, 150 ns. */
	is_holder(out.rec, KVMW_holder_OTHERS, ~0U, 2, 150);
	assert_int_equal(out.rec->takens.table.nr, 2);
	taken = hash_table__at(&out.rec->takens.table, 0);
	assert_int_equal(taken->count, 5);
	assert_int_equal(taken->bytes, 60);
	assert_true(taken->guest_bytes == KVMW_NONE);
	taken = hash_table__at(&out.rec->takens.table, 1);
	assert_int_equal(taken->kind, KVMW_taken_OTHERS);
	assert_int_equal(taken->count, 0);
	rec__report_free(&out);
	run__end(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ring),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_release),
		cmocka_unit_test(test_always_held),
		cmocka_unit_test(test_large_second),
		cmocka_unit_test(test_large_table),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_slow_disk),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_sums),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
