// SPDX-License-Identifier: GPL-2.0
/* What is found by the codes of rows is the same as what is found by their values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/rec.h"
#include "util/analysis/findings/exit_places.h"
#include "util/analysis/report/sparks.h"

#define NR	4000
#define ALL	"0,2"		/* a window with all rows: they have no codes then */

/* How many different values there are of some columns. */
struct variety {
	u32 vcpus, reasons, details, users;
	bool nested, deadlines, polled;
};

static const struct variety varieties[] = {
	{ .vcpus = 2, .reasons = 5, .details = 4, .users = 3, .nested = true, .deadlines = true,
	  .polled = true },
	{ .vcpus = 2, .reasons = 8, .details = 8, .users = 2, .deadlines = true },
	{ .vcpus = 1, .reasons = 8, .details = 8, .users = 1, .polled = true },
	{ .vcpus = 1, .reasons = 1, .details = 1, .users = 1 },
	/* More together than exit_places.c keeps at once, and than sparks.c does. */
	{ .vcpus = 40, .reasons = 8, .details = 8, .users = 4, .nested = true, .polled = true },
	{ .vcpus = 100, .reasons = 8, .details = 8, .users = 4, .deadlines = true },
};

static const struct { u64 kind, detail; } details[] = {
	{ KVMW_DETAIL_MSR_WRITE, 0x10 }, { KVMW_DETAIL_FAULT_WRITE, 0x7f000 },
	{ KVMW_DETAIL_MSR_WRITE, 0x830 }, { KVMW_DETAIL_NONE, KVMW_NONE },
	{ KVMW_DETAIL_FAULT_READ, 0x1234000 }, { KVMW_DETAIL_MMIO_WRITE, 0xfee00300 },
	{ KVMW_DETAIL_PIO_OUT, 0x3f8 }, { KVMW_DETAIL_CPUID, 1 },
};
/* HLT, an interrupt of the host, VMRESUME and others. */
static const u32 reasons[] = { 12, 1, 24, 48, 32, 30, 10, 20 };
static const u32 users[] = { UINT32_MAX, 5, 8, 17 };

static u32 random_number(u32 *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

static struct kvmw_exit random_exit(const struct variety *v, u32 *state, u64 time_ns)
{
	u32 detail = random_number(state) % v->details;
	struct kvmw_exit e = {
		.time_ns = time_ns, .guest_ns = random_number(state) % 5000,
		.total_ns = random_number(state) % 20 ? random_number(state) % 90000 : KVMW_NONE,
		.rip = 0x400000 + random_number(state) % 100 * 64,
		.reason = reasons[random_number(state) % v->reasons],
		.vcpu = random_number(state) % v->vcpus, .isa = KVMW_ISA_VMX,
		.info1 = random_number(state) & 0x3b, .detail = details[detail].detail,
		.detail_kind = details[detail].kind,
		.user_reason = users[random_number(state) % v->users],
		.nested = v->nested && random_number(state) % 8 == 0, .written = KVMW_NONE,
	};

	if (e.detail_kind == KVMW_DETAIL_MSR_WRITE)
		e.written = random_number(state) % 50;
	if (v->deadlines && e.detail_kind == KVMW_DETAIL_MSR_WRITE && random_number(state) % 2)
		e.detail = 0x6e0;
	if (random_number(state) % 3 == 0)
		e.halt_ns = random_number(state) % 30000;
	if (v->polled && e.halt_ns && random_number(state) % 2)
		e.poll_ns = 1 + random_number(state) % 20000;
	return e;
}

static void write_exits(struct rec *r)
{
	static struct kvmw_exit rows[NR];
	u32 state = 11;

	rec__begin(r);
	for (u32 f = 0; f < ARRAY_SIZE(varieties); f++) {
		for (u32 i = 0; i < NR; i++)
			rows[i] = random_exit(&varieties[f], &state,
					      REC_START + (f * NR + i) * REC_MS / 20);
		rec__rows(r, DATA_EVENTS, KVMW_EVENT_EXIT, rows, NR);
		/* One row has no more combinations than one. */
		rec__rows(r, DATA_EVENTS, KVMW_EVENT_EXIT, rows, 1);
	}
	rec__finish(r);
}

static void *read_with(const struct rec *r, const char *window, struct scan_consumer c,
		       struct report_options *opt)
{
	struct recording *rec = recording__new(r->path);
	const struct scan_consumer *const one = &c;
	void *result;

	c.arg = opt;
	if (window)
		assert_int_equal(time_window__parse(&rec->window, window), 0);
	assert_int_equal(scan__read(data_reader__open(r->path), rec, 1, &one, 1, &result), 0);
	recording__free(rec);
	return result;
}

static void same_list(const struct place *a, const struct place *b)
{
	assert_int_equal(!a, !b);
	if (a)
		assert_memory_equal(a, b, NR_PLACES * sizeof(*a));
}

static void add_vcpu(struct vcpu_places *all, const struct vcpu_places *a,
		     const struct vcpu_places *b)
{
	struct vcpu_places numbers[2] = { *a, *b };

	same_list(a->place, b->place);
	same_list(a->fault, b->fault);
	same_list(a->ipi, b->ipi);
	for (u32 i = 0; i < 2; i++)
		numbers[i].place = numbers[i].fault = numbers[i].ipi = NULL;
	assert_memory_equal(&numbers[0], &numbers[1], sizeof(numbers[0]));
	vcpu_places__add(all, a);
}

static void test_places(void **state)
{
	struct report_options opt = { .nr_sort = 1 };
	struct exit_places *a, *b;
	struct vcpu_places all = { .exits = 0 };
	struct rec r;

	write_exits(&r);
	a = read_with(&r, NULL, exit_places__scan, &opt);
	b = read_with(&r, ALL, exit_places__scan, &opt);
	assert_int_equal(a->vcpus.nr, 100);
	assert_int_equal(a->vcpus.nr, b->vcpus.nr);
	for (u32 i = 0; i < a->vcpus.nr; i++) {
		const struct vcpu_places *v = hash_table__at(&a->vcpus, i), *same =
			hash_table__find(&b->vcpus, &v->key);

		assert_non_null(same);
		add_vcpu(&all, v, same);
	}
	assert_int_equal(a->ranges.nr, b->ranges.nr);
	for (u32 i = 0; i < a->ranges.nr; i++) {
		const struct fault_range_pages *one = hash_table__at(&a->ranges, i), *same =
			hash_table__find(&b->ranges, &one->key);

		assert_non_null(same);
		assert_memory_equal(one, same, sizeof(*one));
	}
	assert_memory_equal(&a->deadlines, &b->deadlines, sizeof(a->deadlines));
	/* There was some of everything. */
	assert_int_equal(all.exits, ARRAY_SIZE(varieties) * (NR + 1));
	assert_true(all.by_host && all.faults && all.protect && all.nested && all.nested_ns &&
		    all.nested_guest_ns && all.enters && all.polls && all.paid && all.just_missed &&
		    all.no_halt && all.no_halt_vmm && all.ipis && all.failed[FAILURE_SHUTDOWN] &&
		    all.failed[FAILURE_INTERNAL] && a->ranges.nr && a->deadlines.nr);
	exit_places__scan.free(a);
	exit_places__scan.free(b);
	unlink(r.path);
}

static void sparks_of(const struct rec *r, const char *window, struct report_options *opt,
		      struct rec_report *out)
{
	void *sparks = read_with(r, window, sparks__scan, opt);

	rec__report(r, opt, window, out);
	assert_int_equal(report__add_sparks(&out->rep, sparks), 0);
	sparks__scan.free(sparks);
}

static void test_sparks(void **state)
{
	struct report_options opt = { .nr_sort = 1, .sparks = true };
	struct rec_report a, b;
	struct rec r;

	write_exits(&r);
	/* With vCPUs that may be selected, there are more keys than are seen at once. */
	for (u32 i = 0; i < 2; i++) {
		if (i)
			assert_int_equal(number_list__parse(&opt.vcpus, "--vcpu", "0"), 0);
		sparks_of(&r, NULL, &opt, &a);
		sparks_of(&r, ALL, &opt, &b);
		assert_true(a.rep.steps.nr > 1);
		assert_int_equal(a.rep.nr_rows, ARRAY_SIZE(reasons));
		assert_int_equal(a.rep.nr_rows, b.rep.nr_rows);
		for (u32 k = 0; k < a.rep.nr_rows; k++) {
			const struct row_sparks *one = a.rep.row[k].sparks;

			assert_non_null(one);
			assert_true(one->most_per_second > 0);
			assert_memory_equal(one, b.rep.row[k].sparks, sizeof(*one));
		}
		assert_memory_equal(a.rep.total.sparks, b.rep.total.sparks,
				    sizeof(*a.rep.total.sparks));
		rec__report_free(&a);
		rec__report_free(&b);
	}
	number_list__free(&opt.vcpus);
	unlink(r.path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_sparks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
