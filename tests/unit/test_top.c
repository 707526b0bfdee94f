// SPDX-License-Identifier: GPL-2.0
/* Counters read again and again, as rows of kvmw top. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include "util/analysis/counts.h"
#include "util/analysis/top.h"

enum { CPUID = 10, HLT = 12, IO = 30, IN_GUEST = 0xfffffff1 };

#define SECOND	1000000000ULL
#define MS	1000000ULL

/* Two VMs: "one" with vCPUs 0 and 1 (ids 3, 4), "two" with vCPU 0 (id 5). */
static const char ident[] =
	"{\"vms\":[{\"id\":1,\"pid\":100,\"name\":\"one\",\"vmm\":\"qemu\"},{\"id\":2,\"pid\":200,\"name\":\"t\\u001bwo\","
	"\"vmm\":\"qemu\"}],\"vcpus\":[{\"id\":3,\"vm\":1,\"vcpu\":0,\"tid\":11,\"comm\":\"a\"},"
	"{\"id\":4,\"vm\":1,\"vcpu\":1,\"tid\":12,\"comm\":\"b\"},{\"id\":5,\"vm\":2,\"vcpu\":0,\"tid\":13,\"comm\":\"c\"}]}";

struct host {
	struct recording *rec;
	struct counts counts;
	struct top top;
	u64 now;
};

static void host__begin(struct host *h)
{
	*h = (struct host) { .rec = recording__new("test"), .top.counted = true, .now = SECOND };
	assert_non_null(h->rec);
	assert_int_equal(recording__ident(h->rec, ident), 0);
}

static void host__end(struct host *h)
{
	top__free(&h->top);
	counts__free(&h->counts);
	recording__free(h->rec);
}

/* What the kernel has counted by now: all of it since the beginning. */
static void host__count(struct host *h, const struct kvmw_total *total)
{
	struct kvmw_total t = *total;
	struct agg_key key = { .vcpu = t.vcpu, .reason = t.reason, .event = KVMW_EVENT_EXIT,
			       .isa = 1 };
	/* All but one of a hundred took less than 2 us; the last one less than 16 ms. */
	u64 durations[COUNTS_LATENCIES] = { [10] = t.done - t.done / 100, [23] = t.done / 100 };

	t.event = KVMW_EVENT_EXIT;
	t.isa = 1;
	t.throttled_ns = KVMW_NONE;
	assert_int_equal(recording__take_rows(h->rec, event_desc__by_id(KVMW_EVENT_TOTAL), &t, 1),
			 0);
	assert_int_equal(counts__take_latencies(&h->counts, &key, durations, t.span_ns), 0);
}

#define COUNT(h, ...) host__count(h, &(const struct kvmw_total) { __VA_ARGS__ })

static void make(struct host *h, const struct recording *from, const struct report_options *opt,
		 struct agg_table *aggs, struct recording *part, struct report *rep)
{
	*part = *from;
	part->totals = *aggs = (struct agg_table) { .over_limit = 0 };
	assert_int_equal(counts__since(&h->counts, COUNTS_INTERVAL, &part->totals), 0);
	assert_int_equal(report__make(rep, part, aggs, opt), 0);
}

/* An interval of a second is over. */
static void host__interval(struct host *h)
{
	struct report_options by_row, by_reason;
	struct recording part[2];
	struct agg_table aggs[2];
	struct report rep[2];

	assert_int_equal(counts__take(&h->counts, &h->rec->totals, IN_GUEST), 0);
	h->rec->meta.start_ns = h->now;
	h->now += SECOND;
	h->rec->meta.stop_ns = h->now;
	top__options(&by_row, KVMW_EVENT_EXIT, false);
	top__reason_options(&by_reason, KVMW_EVENT_EXIT);
	make(h, h->rec, &by_row, &aggs[0], &part[0], &rep[0]);
	make(h, h->rec, &by_reason, &aggs[1], &part[1], &rep[1]);
	assert_int_equal(top__take(&h->top, &rep[0], &rep[1], h->now - SECOND), 0);
	for (u32 i = 0; i < 2; i++) {
		report__free(&rep[i]);
		agg_table__free(&aggs[i]);
		agg_table__free(&part[i].totals);
	}
	counts__next(&h->counts);
}

/* So long since its last entry, without an exit. */
static void in_guest(struct host *h, u32 vcpu, u64 ns)
{
	COUNT(h, .vcpu = vcpu, .reason = IN_GUEST, .gap_ns = ns);
}

/* Two busy vCPUs of one VM, an idle one of the other. */
static void first_second(struct host *h)
{
	host__begin(h);
	COUNT(h, .vcpu = 3, .reason = CPUID, .count = 1000, .done = 1000, .gap_ns = 500 * MS,
	      .span_ns = 100 * MS);
	COUNT(h, .vcpu = 3, .reason = IO, .count = 200, .done = 200, .gap_ns = 100 * MS,
	      .span_ns = 300 * MS, .user_ns = 250 * MS);
	COUNT(h, .vcpu = 4, .reason = CPUID, .count = 4000, .done = 4000, .gap_ns = 600 * MS,
	      .span_ns = 400 * MS);
	COUNT(h, .vcpu = 5, .reason = HLT, .count = 10, .done = 10, .gap_ns = 10 * MS,
	      .span_ns = 990 * MS, .halt_ns = 980 * MS, .poll_ns = 80 * MS);
	host__interval(h);
}

static struct top_list list_of(const struct host *h, enum top_level level,
			       const struct top_row *within, enum top_column sort,
			       const char *filter)
{
	const struct top_choice choice = {
		.level = level, .within = within ? within->key : top_key__none(), .sort = sort,
		.filter = filter,
	};
	struct top_list list;

	assert_int_equal(top__list(&h->top, &choice, &list), 0);
	return list;
}

static const struct top_row *row_of(const struct host *h, enum top_level level,
				    const struct top_row *within, u32 i)
{
	struct top_list list = list_of(h, level, within, TOP_BY_RATE, "");
	const struct top_row *row = i < list.nr ? list.row[i] : NULL;

	free(list.row);
	return row;
}

/* Shares in a thousandth of a percent. */
static s64 share(const struct top_row *row, enum top_part part)
{
	return llround(top_row__share(row, part) * 1000);
}

static void test_vms(void **state)
{
	const struct top_row *one, *two;
	struct host h;

	first_second(&h);
	one = row_of(&h, TOP_VMS, NULL, 0);
	two = row_of(&h, TOP_VMS, NULL, 1);
	assert_null(row_of(&h, TOP_VMS, NULL, 2));
	assert_string_equal(one->label, "100 one");
	/* Whatever is in a name. */
	assert_string_equal(two->label, "200 t?wo");
	assert_int_equal(one->count, 5200);
	assert_int_equal(one->per_second, 5200);
	assert_int_equal(one->nr_vcpus, 2);
	assert_int_equal(one->wall_ns, 2 * SECOND);
	assert_int_equal(share(one, TOP_GUEST), 60000);
	assert_int_equal(share(one, TOP_KVM), 27500);
	assert_int_equal(share(one, TOP_VMM), 12500);
	assert_int_equal(share(two, TOP_HALT), 98000);
	assert_int_equal(share(two, TOP_POLL), 8000);
	assert_true(top_row__share(two, TOP_THROTTLED) < 0);
	assert_int_equal(h.top.total.nr_vcpus, 3);
	assert_int_equal(h.top.total.count, 5210);
	host__end(&h);
}

static void test_vcpus_and_reasons(void **state)
{
	const struct top_row *vm, *vcpu, *reason;
	struct host h;

	first_second(&h);
	vm = row_of(&h, TOP_VMS, NULL, 0);
	vcpu = row_of(&h, TOP_VCPUS, vm, 1);
	assert_null(row_of(&h, TOP_VCPUS, vm, 2));
	assert_string_equal(vcpu->label, "0");
	assert_int_equal(vcpu->count, 1200);
	assert_int_equal(share(vcpu, TOP_GUEST), 60000);
	reason = row_of(&h, TOP_REASONS, vcpu, 1);
	assert_string_equal(reason->label, "IO_INSTRUCTION");
	assert_int_equal(reason->count, 200);
	/* Shares are of its vCPU's time. */
	assert_int_equal(share(reason, TOP_VMM), 25000);
	assert_int_equal(share(reason, TOP_KVM), 5000);
	assert_true(top_row__share(reason, TOP_GUEST) < 0);
	assert_int_equal(reason->mean_ns, 1500000);
	assert_int_equal(reason->p99_ns, 2048);
	host__end(&h);
}

/* p99 and rates are those of the last interval. */
static void test_intervals(void **state)
{
	const struct top_row *vm, *vcpu, *reason;
	struct host h;

	first_second(&h);
	COUNT(&h, .vcpu = 3, .reason = CPUID, .count = 1030, .done = 1030, .gap_ns = 700 * MS,
	      .span_ns = 103 * MS);
	host__interval(&h);
	vm = row_of(&h, TOP_VMS, NULL, 0);
	assert_int_equal(vm->count, 30);
	assert_int_equal(vm->nr_vcpus, 2);
	/* The other one is there, as an idle one is. */
	assert_int_equal(row_of(&h, TOP_VMS, NULL, 1)->count, 0);
	vcpu = row_of(&h, TOP_VCPUS, vm, 0);
	assert_string_equal(vcpu->label, "0");
	reason = row_of(&h, TOP_REASONS, vcpu, 0);
	assert_null(row_of(&h, TOP_REASONS, vcpu, 1));
	assert_int_equal(reason->mean_ns, 100000);
	assert_int_equal(reason->p99_ns, 2048);
	assert_int_equal(top_row__past(&h.top, vcpu, 0), 30);
	assert_int_equal(top_row__past(&h.top, vcpu, 1), 1200);
	assert_int_equal(top_row__past(&h.top, vcpu, 2), 0);
	/* All are in the guest. */
	in_guest(&h, 3, 1000 * MS);
	host__interval(&h);
	assert_int_equal(h.top.total.count, 0);
	assert_int_equal(share(row_of(&h, TOP_VMS, NULL, 0), TOP_GUEST), 50000);
	vcpu = row_of(&h, TOP_VCPUS, row_of(&h, TOP_VMS, NULL, 0), 0);
	assert_int_equal(top_row__past(&h.top, vcpu, 1) + top_row__past(&h.top, vcpu, 2), 1230);
	host__end(&h);
}

/* A reason that is long gone takes no memory, and comes back without a past. */
static void test_rows_are_forgotten(void **state)
{
	const struct top_row *vcpu, *reason;
	struct host h;
	u32 rows;

	first_second(&h);
	rows = h.top.rows.nr;
	for (u32 i = 0; i < 2 * TOP_STEPS; i++) {
		in_guest(&h, 5, (i + 1) * 1000 * MS);
		host__interval(&h);
	}
	/* VMs and vCPUs are there as long as they are. */
	assert_int_equal(rows, 2 + 3 + 4);
	assert_int_equal(h.top.rows.nr, 2 + 3);
	COUNT(&h, .vcpu = 5, .reason = HLT, .count = 17, .done = 17, .gap_ns = 10 * MS,
	      .span_ns = 1990 * MS, .halt_ns = 1980 * MS, .poll_ns = 80 * MS);
	host__interval(&h);
	vcpu = row_of(&h, TOP_VCPUS, row_of(&h, TOP_VMS, NULL, 0), 0);
	reason = row_of(&h, TOP_REASONS, vcpu, 0);
	assert_int_equal(reason->count, 7);
	for (u32 ago = 1; ago < 2 * TOP_STEPS; ago++)
		assert_true(top_row__past(&h.top, reason, ago) == 0);
	host__end(&h);
}

static void test_order_and_filter(void **state)
{
	static const struct { enum top_column column; const char *first; } sorts[] = {
		{ TOP_BY_RATE, "100 one" }, { TOP_BY_GUEST, "100 one" }, { TOP_BY_KVM, "100 one" },
		{ TOP_BY_VMM, "100 one" }, { TOP_BY_HALT, "200 t?wo" }, { TOP_BY_MEAN, "200 t?wo" },
		{ TOP_BY_NAME, "100 one" },
	};
	struct top_list list;
	struct host h;

	first_second(&h);
	for (u32 i = 0; i < ARRAY_SIZE(sorts); i++) {
		list = list_of(&h, TOP_VMS, NULL, sorts[i].column, "");
		assert_int_equal(list.nr, 2);
		assert_string_equal(list.row[0]->label, sorts[i].first);
		free(list.row);
	}
	list = list_of(&h, TOP_VMS, NULL, TOP_BY_RATE, "WO");
	assert_int_equal(list.nr, 1);
	assert_int_equal(list.left_out, 1);
	assert_string_equal(list.row[0]->label, "200 t?wo");
	free(list.row);
	host__end(&h);
}

/* Said for each interval while it is true; an interval does not show that a vCPU never exits. */
static void test_findings_come_and_go(void **state)
{
	struct host h;

	host__begin(&h);
	COUNT(&h, .vcpu = 3, .reason = IO, .count = 200, .done = 200, .gap_ns = 100 * MS,
	      .span_ns = 900 * MS, .user_ns = 850 * MS);
	host__interval(&h);
	assert_int_equal(h.top.findings.nr, 1);
	assert_string_equal(h.top.findings.found[0].rule, "slow-vmm");
	COUNT(&h, .vcpu = 3, .reason = CPUID, .count = 10, .done = 10, .gap_ns = 999 * MS,
	      .span_ns = 1 * MS);
	host__interval(&h);
	assert_int_equal(h.top.findings.nr, 0);
	host__end(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vms),
		cmocka_unit_test(test_vcpus_and_reasons),
		cmocka_unit_test(test_intervals),
		cmocka_unit_test(test_rows_are_forgotten),
		cmocka_unit_test(test_order_and_filter),
		cmocka_unit_test(test_findings_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
