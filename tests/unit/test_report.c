// SPDX-License-Identifier: GPL-2.0
/* From a recording to the model of its report. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/rec.h"

enum { CPUID = 10, HLT = 12, IO = 30, NPF = 0x400 };

/* time, guest, total, user, reason, vCPU id, isa */
#define EXIT(t, g, s, u, r, v, i) { .time_ns = REC_START + (t), .guest_ns = g, .total_ns = s, \
				    .user_ns = u, .reason = r, .vcpu = v, .isa = i }
static const struct kvmw_exit exits[] = {
	EXIT(100 * REC_MS, KVMW_NONE, 1000, 0, CPUID, 0, 1),
	EXIT(200 * REC_MS, 500, 3000, 0, CPUID, 0, 1),
	EXIT(300 * REC_MS, 600, 9000, 6000, IO, 0, 1),
	EXIT(400 * REC_MS, 700, 2000, 0, CPUID, 1, 1),
	EXIT(900 * REC_MS, 800, 90 * REC_MS, 0, HLT, 1, 1),
	EXIT(1100 * REC_MS, 50, 4000, 0, NPF, 7, 2),
	/* Still open at the end: 2,000 - 1,500 = 500 ms. */
	EXIT(1500 * REC_MS, 5 * REC_MS, KVMW_NONE, KVMW_NONE, HLT, 1, 1),
};

#define TOTAL(v, i, r, c, d, l, g, s, u) { .vcpu = v, .event = KVMW_EVENT_EXIT, .isa = i, \
		.reason = r, .count = c, .done = d, .lost = l, .gap_ns = g, .span_ns = s, \
		.user_ns = u }
/* Two CPUID of vCPU 0 were lost, and all of what MSR_READ (31) did. */
static const struct kvmw_total totals[] = {
	TOTAL(0, 1, CPUID, 4, 4, 2, 2500, 7000, 0),
	TOTAL(0, 1, IO, 1, 1, 0, 600, 9000, 6000),
	TOTAL(0, 1, 31, 3, 3, 3, 30, 300, 0),
	TOTAL(1, 1, CPUID, 1, 1, 0, 700, 2000, 0),
	TOTAL(1, 1, HLT, 2, 1, 0, 800 + 5 * REC_MS, 90 * REC_MS, 0),
	TOTAL(7, 2, NPF, 1, 1, 0, 50, 4000, 0),
};

static const struct kvmw_loss loss = { .vcpu = 0, .event = KVMW_EVENT_EXIT, .count = 5,
	.first_ns = REC_START + 150 * REC_MS, .last_ns = REC_START + 160 * REC_MS };

static const struct report_options by_reason = { .nr_sort = 1, .order = COLUMN_COST };

/* ident: one more IDENT frame, or NULL. */
static void write_with(struct rec *r, bool with_totals, const char *ident)
{
	rec__begin(r);
	if (ident)
		rec__json(r, DATA_IDENT, ident);
	rec__rows(r, DATA_EVENTS, KVMW_EVENT_EXIT, exits, ARRAY_SIZE(exits));
	if (with_totals) {
		/* An older state of a key, and the rest: the last value counts. */
		struct kvmw_total old = totals[0];

		old.count = old.done = 1;
		rec__rows(r, DATA_STATS, KVMW_EVENT_TOTAL, &old, 1);
		rec__rows(r, DATA_STATS, KVMW_EVENT_TOTAL, totals, ARRAY_SIZE(totals));
		rec__rows(r, DATA_LOSS, KVMW_EVENT_LOSS, &loss, 1);
	}
	rec__finish(r);
}

static void write_all(struct rec *r, bool with_totals)
{
	write_with(r, with_totals, NULL);
}

static const struct report_row *row(const struct report *rep, const char *reason)
{
	for (u32 i = 0; i < rep->nr_rows; i++)
		if (!strcmp(rep->row[i].label[0], reason))
			return &rep->row[i];
	fail_msg("no row %s", reason);
	return NULL;
}

static void test_kernel_counts_hold_under_loss(void **state)
{
	const struct report_row *cpuid, *io, *msr, *hlt;
	struct rec_report out;
	struct rec r;

	write_all(&r, true);
	rec__report(&r, &by_reason, NULL, &out);
	assert_int_equal(out.rep.nr_rows, 5);
	cpuid = row(&out.rep, "CPUID");
	assert_true(cpuid->exact);
	assert_int_equal(cpuid->count, 5);
	assert_int_equal(cpuid->lost, 2);
	assert_int_equal(cpuid->recorded, 3);
	assert_int_equal(cpuid->time_ns, 9000);
	assert_int_equal(cpuid->mean_ns, 1800);
	assert_int_equal(cpuid->min_ns, 1000);
	assert_int_equal(cpuid->max_ns, 3000);
	assert_int_equal(cpuid->user_ns, 0);
	assert_int_equal(cpuid->gap_ns, 3200);
	io = row(&out.rep, "IO_INSTRUCTION");
	assert_int_equal(io->user_ns, 6000);
	/* All lost: counted, timed, and without a distribution. */
	msr = row(&out.rep, "MSR_READ");
	assert_int_equal(msr->count, 3);
	assert_int_equal(msr->recorded, 0);
	assert_int_equal(msr->mean_ns, 100);
	assert_true(msr->min_ns == KVMW_NONE && msr->p50_ns == KVMW_NONE &&
		    msr->max_ns == KVMW_NONE);
	hlt = row(&out.rep, "HLT");
	assert_int_equal(hlt->count, 2);
	assert_int_equal(hlt->done, 1);
	assert_int_equal(hlt->mean_ns, 90 * REC_MS);
	assert_int_equal(out.rep.total.count, 12);
	assert_int_equal(out.rep.lost, 5);
	assert_int_equal(out.rep.recorded, 7);
	assert_int_equal(out.rep.unfinished, 1);
	/* recorded + lost is what the kernel counted. */
	assert_int_equal(out.rep.recorded + out.rep.lost, out.rep.total.count);
	assert_false(recording__incomplete(out.rec));
	rec__report_free(&out);
	unlink(r.path);
}

static void test_from_rows_alone(void **state)
{
	const struct report_row *cpuid, *hlt;
	struct rec_report out;
	struct rec r;

	write_all(&r, false);
	rec__report(&r, &by_reason, NULL, &out);
	assert_int_equal(out.rep.nr_rows, 4);
	cpuid = row(&out.rep, "CPUID");
	assert_false(cpuid->exact);
	assert_int_equal(cpuid->count, 3);
	assert_int_equal(cpuid->time_ns, 6000);
	assert_int_equal(cpuid->mean_ns, 2000);
	assert_int_equal(cpuid->gap_ns, 1200);
	hlt = row(&out.rep, "HLT");
	assert_int_equal(hlt->count, 2);
	assert_int_equal(hlt->done, 1);
	assert_int_equal(out.rep.unfinished, 1);
	assert_int_equal(out.rep.lost, 0);
	rec__report_free(&out);
	unlink(r.path);
}

/* Killed between the rows and the STATS frame that follows them: rows are more. */
static void test_stale_totals_give_way(void **state)
{
	const struct kvmw_total stale[] = {
		TOTAL(0, 1, CPUID, 1, 1, 0, 0, 1000, 0),
		/* It had begun when the totals were read, and ended later. */
		TOTAL(0, 1, IO, 1, 0, 0, 600, 0, 0),
	};
	struct rec_report out;
	struct rec r;

	rec__begin(&r);
	rec__rows(&r, DATA_STATS, KVMW_EVENT_TOTAL, stale, ARRAY_SIZE(stale));
	rec__rows(&r, DATA_EVENTS, KVMW_EVENT_EXIT, exits, ARRAY_SIZE(exits));
	rec__end(&r, false);
	rec__report(&r, &by_reason, NULL, &out);
	assert_int_equal(row(&out.rep, "CPUID")->count, 3);
	assert_int_equal(row(&out.rep, "CPUID")->time_ns, 6000);
	assert_int_equal(row(&out.rep, "IO_INSTRUCTION")->time_ns, 9000);
	assert_true(recording__incomplete(out.rec));
	/* The end is the last thing that happened. */
	assert_int_equal(out.rep.duration_ns, 1500 * REC_MS);
	rec__report_free(&out);
	unlink(r.path);
}

/* Where the kernel's totals cover all rows, sums of rows are not needed for anything. */
static void test_without_sums_of_rows(void **state)
{
	struct agg_table aggs = { 0 };
	struct recording *rec;
	struct rec_report out;
	struct report rep;
	struct rec r;

	write_all(&r, true);
	rec__report(&r, &by_reason, NULL, &out);
	rec = recording__new(r.path);
	rec__scan(data_reader__open(r.path), rec, &by_reason, 1, false, &aggs);
	assert_true(agg_table__covers(&rec->totals, &aggs));
	assert_int_equal(report__make(&rep, rec, &aggs, &by_reason), 0);
	assert_int_equal(rep.nr_rows, out.rep.nr_rows);
	for (u32 i = 0; i < rep.nr_rows; i++) {
		assert_int_equal(rep.row[i].user_ns, out.rep.row[i].user_ns);
		assert_int_equal(rep.row[i].gap_ns, out.rep.row[i].gap_ns);
		assert_int_equal(rep.row[i].time_ns, out.rep.row[i].time_ns);
		assert_int_equal(rep.row[i].p99_ns, out.rep.row[i].p99_ns);
	}
	assert_memory_equal(&rep.vcpu[0].kvm_ns, &out.rep.vcpu[0].kvm_ns, 4 * sizeof(u64));
	report__free(&rep);
	agg_table__free(&aggs);
	recording__free(rec);
	rec__report_free(&out);
	unlink(r.path);

	write_all(&r, false);
	rec = recording__new(r.path);
	rec__scan(data_reader__open(r.path), rec, &by_reason, 1, false, &aggs);
	assert_false(agg_table__covers(&rec->totals, &aggs));
	agg_table__free(&aggs);
	recording__free(rec);
	unlink(r.path);
}

static void test_order_and_limit(void **state)
{
	struct report_options opt = { .nr_sort = 1, .order = COLUMN_COUNT, .percent_limit = 20 };
	struct rec_report out;
	struct rec r;

	write_all(&r, true);
	rec__report(&r, &by_reason, NULL, &out);
	for (u32 i = 1; i < out.rep.nr_rows; i++)
		assert_true(out.rep.row[i - 1].time_ns >= out.rep.row[i].time_ns);
	rec__report_free(&out);
	assert_int_equal(time__less(9, 4), 5);
	assert_int_equal(time__less(4, 9), 0);
	assert_int_equal(time__less(9, KVMW_NONE), 9);
	assert_true(time__less(KVMW_NONE, 4) == KVMW_NONE);

	rec__report(&r, &opt, NULL, &out);
	assert_string_equal(out.rep.row[0].label[0], "CPUID");
	assert_string_equal(out.rep.row[1].label[0], "MSR_READ");
	assert_int_equal(out.rep.nr_hidden, 3);	/* 2, 1, 1 of 12 */
	assert_int_equal(out.rep.total.count, 12);
	rec__report_free(&out);
	unlink(r.path);
}

static void test_keys(void **state)
{
	struct report_options opt = { .sort = { KEY_VM, KEY_VCPU }, .nr_sort = 2,
				      .order = ORDER_KEY };
	struct rec_report out;
	struct rec r;

	write_all(&r, true);
	rec__report(&r, &opt, NULL, &out);
	assert_int_equal(out.rep.nr_rows, 3);
	assert_string_equal(out.rep.row[0].label[0], "100 one");
	assert_string_equal(out.rep.row[0].label[1], "0");
	assert_int_equal(out.rep.row[0].count, 8);
	assert_string_equal(out.rep.row[1].label[1], "1");
	assert_int_equal(out.rep.row[1].count, 3);
	assert_string_equal(out.rep.row[2].label[0], "200 two");
	assert_int_equal(out.rep.row[2].time_ns, 4000);
	rec__report_free(&out);

	/* With several VMs and no column for them, a vCPU says whose it is. */
	opt.sort[0] = KEY_VCPU;
	opt.nr_sort = 1;
	rec__report(&r, &opt, NULL, &out);
	assert_string_equal(out.rep.row[2].label[0], "200/0");
	rec__report_free(&out);
	unlink(r.path);
}

static void test_filters(void **state)
{
	struct report_options opt = { .nr_sort = 1 };
	struct rec_report out;
	struct rec r;

	write_all(&r, true);
	assert_int_equal(number_list__parse(&opt.pids, "--pid", "100"), 0);
	assert_int_equal(number_list__parse(&opt.vcpus, "--vcpu", "0"), 0);
	rec__report(&r, &opt, NULL, &out);
	assert_int_equal(out.rep.nr_rows, 3);
	/* Only whole keys are excluded, so the kernel's counts still hold. */
	assert_int_equal(row(&out.rep, "CPUID")->count, 4);
	assert_true(row(&out.rep, "CPUID")->exact);
	assert_int_equal(out.rep.lost, 5);
	assert_int_equal(out.rep.nr_vcpus, 1);
	rec__report_free(&out);

	assert_int_equal(number_list__parse(&opt.vcpus, "--vcpu", "5"), 0);
	rec__report(&r, &opt, NULL, &out);
	assert_int_equal(out.rep.nr_rows, 0);
	assert_non_null(strstr(out.rep.empty, "--vcpu"));
	rec__report_free(&out);
	number_list__free(&opt.pids);
	number_list__free(&opt.vcpus);
	unlink(r.path);
}

static void test_window(void **state)
{
	struct rec_report out;
	struct rec r;

	write_all(&r, true);
	rec__report(&r, &by_reason, "0.2,0.9", &out);
	assert_int_equal(out.rep.recorded, 4);
	assert_int_equal(row(&out.rep, "CPUID")->count, 2);
	assert_int_equal(row(&out.rep, "CPUID")->time_ns, 5000);
	assert_false(row(&out.rep, "CPUID")->exact);
	assert_int_equal(out.rep.lost, 0);	/* they were lost at 0.15 s */
	rec__report_free(&out);

	rec__report(&r, &by_reason, ",0.155", &out);
	assert_int_equal(out.rep.recorded, 1);
	assert_int_equal(out.rep.lost, 5);
	rec__report_free(&out);

	rec__report(&r, &by_reason, "@6.1,", &out);
	assert_int_equal(out.rep.recorded, 2);
	rec__report_free(&out);

	rec__report(&r, &by_reason, "3,4", &out);
	assert_int_equal(out.rep.nr_rows, 0);
	assert_non_null(strstr(out.rep.empty, "--time"));
	rec__report_free(&out);
	unlink(r.path);
}

static void test_vcpu_times(void **state)
{
	struct rec_report out;
	const struct report_vcpu *v;
	struct rec r;

	write_all(&r, true);
	rec__report(&r, &by_reason, NULL, &out);
	assert_int_equal(out.rep.nr_vcpus, 3);
	v = &out.rep.vcpu[0];
	assert_int_equal(v->count, 8);
	assert_int_equal(v->guest_ns, 2500 + 600 + 30);
	assert_int_equal(v->vmm_ns, 6000);
	assert_int_equal(v->kvm_ns, 7000 + 9000 + 300 - 6000);
	assert_int_equal(v->time.open_ns, 0);
	for (u32 i = 0; i < out.rep.nr_vcpus; i++) {
		v = &out.rep.vcpu[i];
		assert_int_equal(v->time.wall_ns, 2000 * REC_MS);
		assert_int_equal(v->guest_ns + v->kvm_ns + v->vmm_ns + v->time.open_ns +
					 v->time.unseen_ns,
				 v->time.wall_ns);
	}
	assert_int_equal(out.rep.vcpu[1].time.open_ns, 500 * REC_MS);
	rec__report_free(&out);
	unlink(r.path);
}

/* Of vCPU 1 the last cycle is open since 1,500 ms; vCPU 2 of the first VM never ran. */
static void gone_at(const char *gone, struct rec_report *out)
{
	char ident[400];
	struct rec r;

	snprintf(ident, sizeof(ident), "{\"vcpus\":[{\"id\":1,\"vm\":0,\"vcpu\":1,\"tid\":102,"
		 "\"gone_ns\":%s},{\"id\":4294967293,\"vm\":0,\"vcpu\":2,\"tid\":103,\"gone_ns\":%s}]}",
		 gone, gone);
	write_with(&r, true, ident);
	rec__report(&r, &by_reason, NULL, out);
	unlink(r.path);
}

static void check_gone(const char *gone, u64 open, u64 gone_for, u64 died)
{
	const struct report_vcpu *v;
	struct rec_report out;

	gone_at(gone, &out);
	assert_int_equal(out.rep.nr_vcpus, 4);
	v = &out.rep.vcpu[1];
	assert_string_equal(v->label, "100/1");
	assert_int_equal(v->time.open_ns, open);
	assert_int_equal(v->time.gone_ns, gone_for);
	assert_int_equal(v->died_ns, died);
	assert_int_equal(v->time.gaps, 0);
	assert_int_equal(v->time.wall_ns, 2000 * REC_MS);
	assert_int_equal(v->guest_ns + v->kvm_ns + v->vmm_ns + open + v->time.unseen_ns + gone_for,
			 v->time.wall_ns);
	v = &out.rep.vcpu[2];
	assert_string_equal(v->label, "100/2");
	assert_int_equal(v->count, 0);
	assert_int_equal(v->time.gone_ns, gone_for);
	assert_int_equal(v->time.unseen_ns + gone_for, 2000 * REC_MS);
	rec__report_free(&out);
}

/* What is open ends when the vCPU does, and what comes then is neither open nor unseen. */
static void test_gone_vcpu(void **state)
{
	check_gone("null", 500 * REC_MS, 0, KVMW_NONE);
	check_gone("0", 500 * REC_MS, 0, KVMW_NONE);
	/* After 1,800 and 1,501 ms of 2,000; at and after the end. */
	check_gone("6800000000", 300 * REC_MS, 200 * REC_MS, 1800 * REC_MS);
	check_gone("6501000000", 1 * REC_MS, 499 * REC_MS, 1501 * REC_MS);
	check_gone("7000000000", 500 * REC_MS, 0, KVMW_NONE);
	check_gone("18446744073709551615", 500 * REC_MS, 0, KVMW_NONE);
	/* Before the cycle that is open: a contradiction, and nothing is counted twice. */
	check_gone("6499000000", 0, 501 * REC_MS, 1499 * REC_MS);
}

/*
 * A cycle whose end was missed, in the middle: what follows is known, so it is not open.
 * Also where the rest is in another frame, which another thread may take first.
 */
static void test_unfinished_in_the_middle(void **state)
{
	static const struct kvmw_exit all[] = {
		EXIT(100 * REC_MS, KVMW_NONE, KVMW_NONE, KVMW_NONE, 32, 0, 1),
		EXIT(600 * REC_MS, KVMW_NONE, 10 * REC_MS, 0, IO, 0, 1),
		EXIT(1510 * REC_MS, 900 * REC_MS, 10 * REC_MS, 0, IO, 0, 1),
	};

	for (u32 first = 1; first <= ARRAY_SIZE(all); first++) {
		const struct report_vcpu *v;
		struct rec_report out;
		struct rec r;

		rec__begin(&r);
		rec__rows(&r, DATA_EVENTS, KVMW_EVENT_EXIT, all, first);
		if (first < ARRAY_SIZE(all))
			rec__rows(&r, DATA_EVENTS, KVMW_EVENT_EXIT, all + first,
				  ARRAY_SIZE(all) - first);
		rec__finish(&r);
		rec__report(&r, &by_reason, NULL, &out);
		v = &out.rep.vcpu[0];
		assert_int_equal(out.rep.unfinished, 1);
		assert_int_equal(v->time.open_ns, 0);
		assert_int_equal(v->time.gaps, 1);
		assert_int_equal(v->guest_ns, 900 * REC_MS);
		assert_int_equal(v->kvm_ns, 20 * REC_MS);
		assert_int_equal(v->time.wall_ns, 2000 * REC_MS);
		assert_int_equal(v->time.unseen_ns, (2000 - 920) * REC_MS);
		rec__report_free(&out);
		unlink(r.path);
	}
}

static void test_userspace_where_no_exit_is_reported(void **state)
{
	static const struct kvmw_userspace rows[] = {
		{ .time_ns = REC_START, .run_ns = KVMW_NONE, .user_ns = 700, .reason = 2,
		  .vcpu = 0 },
		{ .time_ns = REC_START + 5000, .run_ns = 4300, .user_ns = 300, .reason = 2 },
	};
	struct report_options opt = { .nr_sort = 1, .event = KVMW_EVENT_EXIT };
	struct rec_report out;
	struct rec r;

	rec__begin(&r);
	rec__rows(&r, DATA_EVENTS, KVMW_EVENT_USERSPACE, rows, ARRAY_SIZE(rows));
	rec__finish(&r);
	rec__report(&r, &by_reason, NULL, &out);
	assert_true(out.rep.fell_back);
	assert_string_equal(out.rep.row[0].label[0], "KVM_EXIT_IO");
	assert_int_equal(out.rep.row[0].time_ns, 1000);
	assert_int_equal(out.rep.row[0].user_ns, 1000);
	assert_int_equal(out.rep.vcpu[0].guest_ns, 4300);
	assert_true(out.rep.vcpu[0].kvm_ns == KVMW_NONE);
	rec__report_free(&out);

	rec__report(&r, &opt, NULL, &out);
	assert_int_equal(out.rep.nr_rows, 0);
	assert_non_null(strstr(out.rep.empty, "no exit events"));
	rec__report_free(&out);
	unlink(r.path);
}

static void test_empty_says_why(void **state)
{
	struct rec_report out;
	struct rec r;

	rec__begin(&r);
	rec__finish(&r);
	rec__report(&r, &by_reason, NULL, &out);
	assert_int_equal(out.rep.nr_rows, 0);
	assert_non_null(strstr(out.rep.empty, "no VM exit happened"));
	rec__report_free(&out);
	unlink(r.path);

	rec__open(&r);
	rec__json(&r, DATA_IDENT, "{\"vms\":[],\"vcpus\":[]}");
	rec__end(&r, true);
	rec__report(&r, &by_reason, NULL, &out);
	assert_non_null(strstr(out.rep.empty, "no VM was running"));
	rec__report_free(&out);
	unlink(r.path);
}

/* Totals near the end of u64, rows of an unknown vCPU: no overflow, no crash. */
static void test_hostile_numbers(void **state)
{
	static const struct kvmw_exit rows[] = {
		EXIT(0, UINT64_MAX - 1, UINT64_MAX - 1, UINT64_MAX - 1, 0xffffffff, 4000000000u, 9),
		EXIT(-1ULL - REC_START, UINT64_MAX - 1, UINT64_MAX - 1, 5, 0xffffffff, 4000000000u,
		     9),
	};
	static const struct kvmw_total big[] = {
		TOTAL(3, 9, 1, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX - 1, UINT64_MAX - 1,
		      UINT64_MAX - 1),
		TOTAL(4, 9, 1, UINT64_MAX, 0, UINT64_MAX, UINT64_MAX - 1, UINT64_MAX - 1,
		      UINT64_MAX - 1),
	};
	struct report_options opt = { .sort = { KEY_REASON, KEY_VCPU, KEY_VM }, .nr_sort = 3 };
	struct rec_report out;
	struct rec r;

	rec__begin(&r);
	rec__rows(&r, DATA_EVENTS, KVMW_EVENT_EXIT, rows, ARRAY_SIZE(rows));
	rec__rows(&r, DATA_STATS, KVMW_EVENT_TOTAL, big, ARRAY_SIZE(big));
	rec__end(&r, true);
	rec__report(&r, &opt, NULL, &out);
	assert_int_equal(out.rep.nr_rows, 3);
	assert_true(out.rep.total.count == UINT64_MAX);
	for (u32 i = 0; i < out.rep.nr_rows; i++)
		assert_true(out.rep.row[i].time_percent <= 100.0);
	rec__report_free(&out);
	unlink(r.path);
}

/* All keys at once have room in a key of the aggregates. */
static void test_keys_fit(void **state)
{
	u32 fine = 0;

	for (u32 i = 0; i < NR_REPORT_KEYS; i++) {
		const struct sort_key *key = sort_key__get(i);

		assert_int_equal(sort_key__find(key->name), i);
		assert_true(!key->nr_fine == key->counted);
		fine += key->nr_fine;
	}
	assert_in_range(fine, 1, AGG_FINE);
	assert_int_equal(sort_key__find("nonsense"), NR_REPORT_KEYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kernel_counts_hold_under_loss),
		cmocka_unit_test(test_from_rows_alone),
		cmocka_unit_test(test_stale_totals_give_way),
		cmocka_unit_test(test_without_sums_of_rows),
		cmocka_unit_test(test_order_and_limit),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_filters),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_vcpu_times),
		cmocka_unit_test(test_gone_vcpu),
		cmocka_unit_test(test_unfinished_in_the_middle),
		cmocka_unit_test(test_userspace_where_no_exit_is_reported),
		cmocka_unit_test(test_empty_says_why),
		cmocka_unit_test(test_hostile_numbers),
		cmocka_unit_test(test_keys_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
