// SPDX-License-Identifier: GPL-2.0
/* Whole columns of any event, handed to whoever wants them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/rec.h"
#include "util/data/format.h"
#include "util/error.h"
#include "util/recording/row_codes.h"

#define NR	1000
#define FRAMES	40

struct sums {
	u64 rows, gfns, times, absent, lazy_batches, batches;
	const bool *fail;
};

static void *sums_new(void *arg)
{
	struct sums *sums = calloc(1, sizeof(*sums));

	sums->fail = arg;
	return sums;
}

/* gfn, no such column, "", and the time where it was asked for. */
static int sums_take(void *state, const struct scan_batch *b)
{
	struct sums *sums = state;

	if (sums->fail && *sums->fail)
		return error("no more");
	assert_true(b->rows > 0 && b->desc && b->frame->event == b->event->id);
	sums->batches++;
	sums->lazy_batches += b->has_lazy;
	for (u32 i = 0; i < b->rows; i++) {
		sums->rows++;
		sums->gfns += b->col[0][i];
		sums->absent += b->col[1][i] == KVMW_NONE && b->col[2][i] == KVMW_NONE;
		if (b->event->lazy && b->has_lazy)
			sums->times += b->col[3][i] - REC_START;
		else if (b->event->lazy)
			assert_true(b->col[3][i] == KVMW_NONE);
	}
	return 0;
}

static int sums_merge(void *to, const void *from)
{
	struct sums *a = to;
	const struct sums *b = from;

	a->rows += b->rows;
	a->gfns += b->gfns;
	a->times += b->times;
	a->absent += b->absent;
	a->batches += b->batches;
	a->lazy_batches += b->lazy_batches;
	return 0;
}

static const char *const columns[] = { "gfn", "of a later version", "", NULL };
static const char *const times[] = { "time_ns", NULL };

/* Of every second frame. */
static bool odd(const struct scan_batch *b)
{
	return b->col[0][0] / NR % 2;
}

static const struct scan_event plain[] = {
	{ .id = KVMW_EVENT_DIRTY, .columns = columns },
};
static const struct scan_event lazily[] = {
	{ .id = KVMW_EVENT_DIRTY, .columns = columns, .lazy = times, .need_lazy = odd },
	{ .id = KVMW_EVENT_MMU, .columns = columns },
};

static bool not_mmu(const struct recording *rec, u32 event, void *arg)
{
	return event == KVMW_EVENT_MMU;
}

#define CONSUMER(list) { .events = list, .nr_events = ARRAY_SIZE(list), .new = sums_new, \
			 .take = sums_take, .merge = sums_merge, .free = free }

/* FRAMES of NR dirty pages, gfn and ms counted up from 0; then five rows of mmu. */
static void write_pages(struct rec *r)
{
	static struct kvmw_dirty rows[NR];
	static const struct kvmw_mmu mmu[5] = { { .time_ns = REC_START, .gfn = 3 } };

	rec__begin(r);
	for (u32 f = 0; f < FRAMES; f++) {
		for (u32 i = 0; i < NR; i++)
			rows[i] = (struct kvmw_dirty) { .gfn = f * NR + i, .kind = 1,
				.time_ns = REC_START + (f * NR + i) * REC_MS,
				.span_ns = KVMW_NONE };
		rec__rows(r, DATA_EVENTS, KVMW_EVENT_DIRTY, rows, NR);
	}
	rec__rows(r, DATA_EVENTS, KVMW_EVENT_MMU, mmu, ARRAY_SIZE(mmu));
	rec__finish(r);
}

static int scan(const struct rec *r, const char *window, u32 threads,
		const struct scan_consumer *const *c, u32 nr, void **results)
{
	struct recording *rec = recording__new(r->path);
	int ret;

	if (window)
		assert_int_equal(time_window__parse(&rec->window, window), 0);
	ret = scan__read(data_reader__open(r->path), rec, threads, c, nr, results);
	assert_false(recording__incomplete(rec));
	recording__free(rec);
	return ret;
}

/* 0 + 1 + ... + (n - 1) */
static u64 triangle(u64 n)
{
	return n * (n - 1) / 2;
}

static void test_each_consumer_gets_its_columns(void **state)
{
	const struct scan_consumer one = CONSUMER(plain), two = CONSUMER(lazily);
	const struct scan_consumer *const both[] = { &one, &two };
	u64 all = NR * FRAMES;
	struct sums *sums[2];
	struct rec r;

	write_pages(&r);
	for (u32 threads = 1; threads <= 3; threads++) {
		assert_int_equal(scan(&r, NULL, threads, both, 2, (void **)sums), 0);
		assert_int_equal(sums[0]->rows, all);
		assert_int_equal(sums[0]->gfns, triangle(all));
		assert_int_equal(sums[0]->absent, all);
		assert_int_equal(sums[0]->lazy_batches, 0);
		assert_int_equal(sums[1]->rows, all + 5);
		assert_int_equal(sums[1]->gfns, triangle(all) + 3);
		assert_int_equal(sums[1]->lazy_batches, FRAMES / 2);
		/* Those of odd frames are FRAMES / 2 * NR * NR more than those of even ones. */
		assert_int_equal(sums[1]->times / REC_MS,
				 (triangle(all) + (u64)FRAMES / 2 * NR * NR) / 2);
		free(sums[0]);
		free(sums[1]);
	}
	unlink(r.path);
}

static void test_a_window_leaves_rows_out(void **state)
{
	const struct scan_consumer one = CONSUMER(plain), two = CONSUMER(lazily);
	const struct scan_consumer *const both[] = { &one, &two };
	struct sums *sums[2];
	struct rec r;

	write_pages(&r);
	/* Rows 1,500 to 3,499: half of a frame, one whole, half of another. */
	assert_int_equal(scan(&r, "1.5,3.499", 2, both, 2, (void **)sums), 0);
	for (u32 i = 0; i < 2; i++) {
		assert_int_equal(sums[i]->rows, 2000);
		assert_int_equal(sums[i]->gfns, triangle(3500) - triangle(1500));
		assert_int_equal(sums[i]->batches, 3);
	}
	assert_int_equal(sums[1]->times / REC_MS,
			 triangle(2000) - triangle(1500) + triangle(3500) - triangle(3000));
	free(sums[0]);
	free(sums[1]);
	unlink(r.path);
}

static void test_what_is_not_wanted_after_all(void **state)
{
	struct scan_consumer c = CONSUMER(lazily);
	const struct scan_consumer *const one[] = { &c };
	struct sums *sums;
	struct rec r;

	c.skip = not_mmu;
	write_pages(&r);
	assert_int_equal(scan(&r, NULL, 2, one, 1, (void **)&sums), 0);
	assert_int_equal(sums->rows, NR * FRAMES);
	free(sums);
	unlink(r.path);
}

static void test_a_consumer_that_fails(void **state)
{
	struct scan_consumer good = CONSUMER(plain), bad = CONSUMER(plain);
	const struct scan_consumer *const both[] = { &good, &bad };
	bool fail = true;
	void *results[2];
	struct rec r;

	bad.arg = &fail;
	write_pages(&r);
	assert_int_equal(scan(&r, NULL, 2, both, 2, results), -1);
	assert_null(results[0]);
	assert_null(results[1]);
	unlink(r.path);
}

/*
 * A directory whose last column reaches past its end: those before it are read, and one of a later
 * version is absent.
 */
static void test_a_directory_that_is_cut(void **state)
{
	static struct kvmw_dirty rows[NR];
	const struct event_desc *event = event_desc__by_id(KVMW_EVENT_DIRTY);
	const struct scan_consumer c = CONSUMER(plain);
	const struct scan_consumer *const one[] = { &c };
	struct sums *sums;
	u8 *payload, *last;
	struct rec r;

	rec__begin(&r);
	for (u32 i = 0; i < NR; i++)
		rows[i] = (struct kvmw_dirty) { .time_ns = REC_START + i, .gfn = i };
	r.frame.len = 0;
	assert_int_equal(data_encoder__rows(r.enc, DATA_EVENTS, event, 0, rows, NR, &r.frame), 0);
	payload = r.frame.data + FRAME_HDR_SIZE;
	last = payload + ROWS_HDR_SIZE + (get32(payload) - 1) * COLUMN_HDR_SIZE;
	assert_int_not_equal(get16(last + COLUMN_AT_FIELD), event_desc__field(event, "gfn", 3));
	put32(last + COLUMN_AT_STORED, ~0u);
	put32(r.frame.data + FRAME_AT_DATA_CRC,
	      data_crc(payload, get32(r.frame.data + FRAME_AT_SIZE)));
	assert_int_equal(data_writer__append(r.w, &r.frame), 0);
	rec__finish(&r);
	assert_int_equal(scan(&r, NULL, 1, one, 1, (void **)&sums), 0);
	assert_int_equal(sums->rows, NR);
	assert_int_equal(sums->gfns, triangle(NR));
	assert_int_equal(sums->absent, NR);
	free(sums);
	unlink(r.path);
}

/* Functions of the guest that each row is about, as known when the row comes. */
static int named_take(void *state, const struct scan_batch *b)
{
	struct sums *sums = state;
	const struct recording *rec = *(struct recording *const *)sums->fail;
	struct guest_symbol symbol;

	for (u32 i = 0; i < b->rows; i++)
		sums->rows += guest_symbols__find(rec->symbols, b->col[0][i], &symbol) &&
			      symbol.from == b->col[0][i];
	return 0;
}

static void test_symbols_precede_rows(void **state)
{
	static const char *const rip[] = { "rip", NULL };
	static const struct scan_event events[] = { { .id = KVMW_EVENT_EXIT, .columns = rip } };
	struct recording *rec;
	const struct scan_consumer named = { .events = events, .nr_events = 1, .arg = &rec,
					     .new = sums_new, .take = named_take,
					     .merge = sums_merge, .free = free };
	const struct scan_consumer *const list[] = { &named };
	struct kvmw_exit *exit = calloc(NR, sizeof(*exit));
	struct data_reader *r;
	struct rec file;
	void *result;
	char json[200];

	rec__begin(&file);
	rec__json(&file, DATA_META, "{\"guest_symbols\":{\"kernel\":true}}");
	/* Each frame is about one function more. */
	for (u64 k = 0; k < 10 * FRAMES; k++) {
		snprintf(json, sizeof(json),
			 "{\"vms\":[],\"symbols\":[{\"from\":%llu,\"to\":%llu,\"name\":\"f\"}]}",
			 (unsigned long long)(1000 * FRAMES - k) * 16,
			 (unsigned long long)(1000 * FRAMES - k) * 16 + 16);
		rec__json(&file, DATA_IDENT, json);
		for (u32 i = 0; i < NR; i++)
			exit[i] = (struct kvmw_exit) { .time_ns = REC_START + k,
						       .rip = (1000 * FRAMES - i % (k + 1)) * 16 };
		rec__rows(&file, DATA_EVENTS, KVMW_EVENT_EXIT, exit, NR);
	}
	rec__end(&file, true);
	free(exit);
	r = data_reader__open(file.path);
	rec = recording__new(file.path);
	assert_int_equal(scan__read(r, rec, 8, list, 1, &result), 0);
	assert_int_equal(((struct sums *)result)->rows, 10 * FRAMES * NR);
	assert_int_equal(guest_symbols__number(rec->symbols), 10 * FRAMES);
	assert_true(guest_symbols__of_kernel(rec->symbols));
	free(result);
	recording__free(rec);
	unlink(file.path);
}

/* Reason, vCPU and detail_kind of every row, all of them by codes, the last one always the same. */
enum { REASONS = 5, VCPUS = 3 };

static const char *const coded[] = { "reason", "vcpu", "detail_kind", "rip", NULL };
static const struct scan_event by_codes[] = {
	{ .id = KVMW_EVENT_EXIT, .columns = coded, .coded = BIT(0) | BIT(1) | BIT(2) },
};

static u64 reason_at(u32 i)
{
	return i % 7 % REASONS;
}

static u64 vcpu_at(u32 i)
{
	return i / 10 % VCPUS;
}

static int codes_take(void *state, const struct scan_batch *b)
{
	struct row_codes codes = row_codes__of(b, BIT(0) | BIT(1) | BIT(2), REASONS * VCPUS);
	u32 number[REASONS][VCPUS] = { { 0 } }, at, *numbered;
	struct sums *sums = state;

	/* One has a value for each row, or there are too many for the limit. */
	assert_int_equal(row_codes__of(b, BIT(0) | BIT(3), UINT32_MAX).all, 0);
	assert_int_equal(row_codes__of(b, BIT(0) | BIT(1), REASONS * VCPUS - 1).all, 0);
	assert_int_equal(codes.all, REASONS * VCPUS);
	assert_int_equal(codes.nr, 2);
	for (u32 i = 0; i < b->rows; i++) {
		at = row_codes__at(&codes, i, codes.nr);
		assert_true(at < codes.all);
		numbered = &number[reason_at(i)][vcpu_at(i)];
		assert_true(!*numbered || *numbered == at + 1);
		*numbered = at + 1;
	}
	for (u32 i = 0; i < REASONS * VCPUS; i++)
		for (u32 k = 0; k < i; k++)
			assert_true(number[i / VCPUS][i % VCPUS] != number[k / VCPUS][k % VCPUS]);
	assert_int_equal(b->coded, BIT(0) | BIT(1));
	scan_batch__set_coded(b, 17);
	assert_int_equal(b->col[0][17], reason_at(17));
	assert_int_equal(b->col[1][17], vcpu_at(17));
	scan_batch__set_rows(b);
	for (u32 i = 0; i < b->rows; i++)
		assert_true(b->col[0][i] == reason_at(i) && b->col[1][i] == vcpu_at(i));
	sums->batches++;
	return 0;
}

static void test_rows_are_numbered_by_codes(void **state)
{
	struct scan_consumer c = CONSUMER(by_codes);
	const struct scan_consumer *const one = &c;
	static struct kvmw_exit rows[NR];
	struct sums *sums;
	struct rec r;

	c.take = codes_take;
	for (u32 i = 0; i < NR; i++)
		rows[i] = (struct kvmw_exit) { .time_ns = REC_START + i, .rip = i * 0x12345678ULL,
					       .reason = reason_at(i), .vcpu = vcpu_at(i),
					       .detail_kind = KVMW_DETAIL_MSR_READ };
	rec__begin(&r);
	rec__rows(&r, DATA_EVENTS, KVMW_EVENT_EXIT, rows, NR);
	rec__finish(&r);
	assert_int_equal(scan(&r, NULL, 1, &one, 1, (void **)&sums), 0);
	assert_int_equal(sums->batches, 1);
	free(sums);
	unlink(r.path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_symbols_precede_rows),
		cmocka_unit_test(test_rows_are_numbered_by_codes),
		cmocka_unit_test(test_each_consumer_gets_its_columns),
		cmocka_unit_test(test_a_window_leaves_rows_out),
		cmocka_unit_test(test_what_is_not_wanted_after_all),
		cmocka_unit_test(test_a_consumer_that_fails),
		cmocka_unit_test(test_a_directory_that_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
