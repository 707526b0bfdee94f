// SPDX-License-Identifier: GPL-2.0
/* kvmw diff: what is noise and what is not, of seeded recordings. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/rec.h"
#include "util/analysis/diff/diff.h"
#include "util/analysis/diff/noise.h"
#include "util/analysis/report/time_steps.h"

#define EXITS	1500
#define SPAN	(REC_STOP - REC_START)
#define PAIRS	50
#define PORTS	4

enum { CPUID = 0x72, IO = 0x7b, OUT = 2 };

/* ---- the statistics ------------------------------------------------------ */

/* Student's quantiles, as any table has them: two-sided. */
static void test_student(void **state)
{
	static const struct { double t, freedom, p; } table[] = {
		{ 12.706, 1, 0.05 }, { 2.776, 4, 0.05 }, { 2.228, 10, 0.05 }, { 3.169, 10, 0.01 },
		{ 4.587, 10, 0.001 }, { 1.984, 100, 0.05 }, { 0, 7, 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		assert_true(fabs(noise__student(table[i].t, table[i].freedom) - table[i].p) <
			    0.002 * table[i].p + 1e-6);
	/* Far out, too: 10 standard deviations with 7 degrees of freedom are 2.1e-5. */
	assert_true(noise__student(10, 7) > 2.0e-5 && noise__student(10, 7) < 2.3e-5);
}

static void test_holm(void **state)
{
	double p[] = { 0.04, 0.001, 0.02, 0.004, 0.3 };

	/* 5 * 0.001, 4 * 0.004 and 3 * 0.02 against 0.05: the third one fails, and all after it. */
	assert_true(noise__holm(p, 5, 0.05) == 0.004);
	assert_true(noise__holm(p, 5, 0.001) < 0);
	assert_true(noise__holm(p, 0, 0.05) < 0);
}

static u64 xorshift(u64 *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static double uniform(u64 *seed)
{
	return (xorshift(seed) >> 11) / 9007199254740992.0;
}

/* Near enough to normal: of mean 0 and deviation 1. */
static double normal(u64 *seed)
{
	double sum = -6;

	for (u32 i = 0; i < 12; i++)
		sum += uniform(seed);
	return sum;
}

/* 100 numbers in which each is like the one before it by as much. */
static struct noise_series like_before(u64 *seed, double mean, double like)
{
	struct noise_series s = { .nr = 100 };
	double x = normal(seed);

	for (u32 i = 0; i < s.nr; i++) {
		x = like * x + sqrt(1 - like * like) * normal(seed);
		s.value[i] = mean + x;
	}
	return s;
}

/* Of 500 pairs, those that are found to differ with p below 0.001. */
static u32 found(double like, double shift)
{
	u64 seed = 0x1234567;
	u32 nr = 0;

	for (u32 i = 0; i < 500; i++) {
		struct noise_series a = like_before(&seed, 10, like),
				    b = like_before(&seed, 10 + shift, like);
		bool drifts;

		nr += noise__test(&a, &b, NOISE_BATCH, &drifts) < 0.001;
	}
	return nr;
}

/* Slices alike for longer than a batch make one in a thousand to a few; a test of slices: half. */
static void test_autocorrelation(void **state)
{
	assert_true(found(0, 0) <= 1);
	assert_true(found(0.5, 0) <= 2);
	assert_true(found(0.9, 0) <= 4);
	assert_true(found(0.99, 0) <= 12);
	/* And what is there is found: two deviations of a slice. */
	assert_true(found(0, 2) > 450);
}

/* A ramp of the same height in both, begun elsewhere: more than a t-test of slices would bear. */
static void test_drift_is_said(void **state)
{
	struct noise_series a = { .nr = 96 }, b = { .nr = 96 };
	u64 seed = 99;
	bool drifts;

	for (u32 i = 0; i < a.nr; i++) {
		a.value[i] = 10 + i / 96.0 + 0.02 * normal(&seed);
		b.value[i] = 10.9 + i / 96.0 + 0.02 * normal(&seed);
	}
	assert_true(noise__test(&a, &b, NOISE_BATCH, &drifts) > NOISE_ALPHA && drifts);
	/* Without the ramp it is a difference. */
	for (u32 i = 0; i < b.nr; i++) {
		a.value[i] = 10 + normal(&seed);
		b.value[i] = 12 + normal(&seed);
	}
	assert_true(noise__test(&a, &b, NOISE_BATCH, &drifts) < 0.001 && !drifts);
	a.nr = NOISE_MIN * NOISE_BATCH - 1;
	assert_true(isnan(noise__test(&a, &b, NOISE_BATCH, &drifts)));
}

/* ---- slices -------------------------------------------------------------- */

static void test_slices_fold(void **state)
{
	struct time_slices *one = NULL, *other = NULL;
	u64 seed = 3, sum = 0, count = 0;
	u32 shift;

	/* In any order, and as two workers would have them: early times and late ones. */
	for (u32 i = 0; i < 5000; i++) {
		u64 at = xorshift(&seed) % 3000000000ULL, ns = xorshift(&seed) % 100000;

		assert_int_equal(time_slices__add(at < 1000000000 ? &one : &other, NULL, at, ns,
						  ns), 0);
		sum += ns;
	}
	assert_int_equal(time_slices__merge(&one, NULL, other), 0);
	shift = time_steps__shift(3000000000ULL, SLICES);
	assert_int_equal(time_slices__fold(one, shift), 0);
	assert_int_equal(one->shift, shift);
	assert_true(3000000000ULL >> shift >= SLICES / 2);
	for (u32 i = 0; i < SLICES; i++) {
		count += one->count[i];
		sum -= one->cost_ns[i];
	}
	assert_int_equal(count, 5000);
	assert_int_equal(sum, 0);
	for (u32 g = 0; g < SLICE_GROUPS; g++) {
		u64 in = 0;

		for (u32 i = 0; i < SLICE_GROUP; i++)
			in += one->count[g * SLICE_GROUP + i];
		assert_int_equal(one->span[g].count, in);
	}
	time_slices__free(one, NULL);
	time_slices__free(other, NULL);
}

/* Where no memory is left there are none, and that is not an error. */
static void test_slices_within_budget(void **state)
{
	struct budget budget = { .limit = 100 };
	struct time_slices *s = NULL;

	assert_int_equal(time_slices__add(&s, &budget, 5, 5, 5), 0);
	assert_null(s);
	assert_true(budget.refused);
}

/* ---- recordings ---------------------------------------------------------- */

static const struct report_options by_detail = {
	.sort = { KEY_DETAIL }, .nr_sort = 1, .event = KVMW_EVENT_EXIT, .slices = true,
};

/* How many a second and how long, over the recording: from 0 to 1. */
typedef double (*rate_fn)(double at, u64 seed);

static double steady(double at, u64 seed)
{
	return 1;
}

/* Ten bursts, each a quarter of its period, begun at random. */
static double bursty(double at, u64 seed)
{
	return fmod(at * 10 + seed % 1000 / 1000.0, 1) < 0.25 ? 4 : 0.1;
}

/* Slower and slower, from wherever the other recording ended. */
static double drifting(double at, u64 seed)
{
	return 1 + at / 2 + seed % 1000 / 2000.0;
}

/* slower: of port 0. */
static void write_workload(struct rec *r, u64 seed, rate_fn rate, double slower)
{
	struct kvmw_exit *rows = calloc(EXITS * PORTS, sizeof(*rows));
	u64 phase = xorshift(&seed);
	u32 nr = 0;

	rec__begin(r);
	for (u32 i = 0; i < EXITS * PORTS; i++) {
		double at = (i + uniform(&seed)) / (EXITS * PORTS), how = rate(at, phase);
		u32 port = xorshift(&seed) % PORTS;
		double ns = (5000 + 1000 * port) * exp(0.2 * normal(&seed)) * (port ? 1 : slower);

		/* A burst is one of many events, a drift one of longer ones. */
		if (rate == bursty && uniform(&seed) * 4 > how)
			continue;
		rows[nr++] = (struct kvmw_exit) {
			.time_ns = REC_START + at * SPAN, .guest_ns = 100, .reason = IO,
			.isa = KVMW_ISA_SVM,
			.total_ns = ns * (rate == drifting ? how : 1), .detail = 0x100 + port,
			.detail_kind = OUT, .exit_cpu = UINT16_MAX,
		};
	}
	rec__rows(r, DATA_EVENTS, KVMW_EVENT_EXIT, rows, nr);
	rec__finish(r);
	free(rows);
}

struct pair {
	struct rec_report side[NR_DIFF_SIDES];
	struct diff diff;
};

static void make_pair(struct pair *p, u64 seed, rate_fn rate, double slower)
{
	const struct report *reps[NR_DIFF_SIDES];

	for (u32 i = 0; i < NR_DIFF_SIDES; i++) {
		struct rec r;

		write_workload(&r, seed * 2 + i + 1, rate, i ? slower : 1);
		rec__report(&r, &by_detail, NULL, &p->side[i]);
		unlink(r.path);
		reps[i] = &p->side[i].rep;
	}
	assert_int_equal(diff__make(&p->diff, reps, NULL), 0);
}

static void free_pair(struct pair *p)
{
	diff__free(&p->diff);
	for (u32 i = 0; i < NR_DIFF_SIDES; i++)
		rec__report_free(&p->side[i]);
}

static void test_one_workload_is_quiet(void **state)
{
	static const rate_fn rates[] = { steady, bursty, drifting };

	for (u32 i = 0; i < PAIRS; i++) {
		struct pair p;

		make_pair(&p, 1000 + i, rates[i % 5 < 3 ? 0 : i % 5 - 2], 1);
		assert_int_equal(p.diff.nr_rows, PORTS);
		assert_true(p.diff.nr_tests >= PORTS * 2);
		assert_int_equal(p.diff.nr_changed, 0);
		free_pair(&p);
	}
}

/* 10 % more of one port's cost, and nothing else. */
static void test_a_slower_port_is_found(void **state)
{
	for (u32 i = 0; i < 5; i++) {
		struct pair p;

		make_pair(&p, 5000 + i, steady, 1.1);
		assert_int_equal(p.diff.nr_changed, 1);
		assert_string_equal(p.diff.row[0].label, "out 0x100");
		assert_true(p.diff.row[0].value[DIFF_P50].changed);
		assert_false(p.diff.row[0].value[DIFF_COUNT].changed);
		assert_true(fabs(p.diff.row[0].value[DIFF_P50].percent - 10) < 3);
		free_pair(&p);
	}
}

/* ---- conditions ---------------------------------------------------------- */

static void test_conditions(void **state)
{
	static const struct { const char *text; bool right, relative; double value; } list[] = {
		{ "p99(io) > +20%", true, true, 20 }, { " count (out 0x60 (x))<=-2.5 %", true, true, -2.5 }, { "count(total) > 5000", true, false, 5000 },
		{ "max(hlt) >= 10ms", true, false, 1e7 }, { "cost(io) < 1.5us", true, false, 1500 },
		{ "cost(io) < 5x", false, false, 0 }, { "p99(io) > 5", false, false, 0 }, { "p99 > 5%", false, false, 0 }, { "p99()>5%", false, false, 0 },
		{ "p98(io) > 5%", false, false, 0 }, { "p99(io) = 5%", false, false, 0 }, { "", false, false, 0 },
		{ "count(io) > -5", false, false, 0 }, { "count(io) > 5ms", false, false, 0 },
		{ "p99(io) > nan%", false, false, 0 }, { "p99(io) >", false, false, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(list); i++) {
		struct diff_condition c;
		int err = diff_condition__parse(&c, list[i].text);

		assert_int_equal(!err, list[i].right);
		if (err)
			continue;
		assert_int_equal(c.relative, list[i].relative);
		assert_true(fabs(c.value - list[i].value) < 1e-9);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_student),
		cmocka_unit_test(test_holm),
		cmocka_unit_test(test_autocorrelation),
		cmocka_unit_test(test_drift_is_said),
		cmocka_unit_test(test_slices_fold),
		cmocka_unit_test(test_slices_within_budget),
		cmocka_unit_test(test_one_workload_is_quiet),
		cmocka_unit_test(test_a_slower_port_is_found),
		cmocka_unit_test(test_conditions),
	};

	return cmocka_run_group_tests_name("diff", tests, NULL, NULL);
}
