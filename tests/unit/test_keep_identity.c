// SPDX-License-Identifier: GPL-2.0
/* record --keep: what IDENT frames said, and for how long it is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/keep.h"

static void test_identity(void **state)
{
	struct identity id = { .changes = 0 };
	char *text, item[160];

	assert_int_equal(identity__take(&id, "{\"vms\":[{\"id\":0,\"pid\":1}],\"vcpus\":[{\"id\":4,\"vm\":0},"
					"{\"id\":5,\"vm\":0,\"gone_ns\":50}]}"), 0);
	assert_int_equal(identity__take(&id, "{\"vcpus\":[{\"id\":4,\"vm\":0,\"tid\":9}]}"), 0);
	assert_string_equal(identity__text(&id, IDENTITY_VCPUS, 4),
			    "{\"id\":4,\"vm\":0,\"tid\":9}");
	assert_false(identity__forget(&id, 50, 0));
	assert_true(identity__forget(&id, 51, 0));
	assert_false(identity__has_vcpu(&id, 5));
	assert_non_null(identity__text(&id, IDENTITY_VMS, 0));
	assert_int_equal(identity__take(&id, "{\"vcpus\":[{\"id\":4,\"vm\":0,\"gone_ns\":60}]}"),
			 0);
	assert_true(identity__forget(&id, 61, 0));
	assert_null(identity__text(&id, IDENTITY_VMS, 0));

	/* Other threads of a VMM are there until it ends; they are no vCPU that dies. */
	assert_int_equal(identity__take(&id, "{\"vms\":[{\"id\":2,\"pid\":1}],\"vcpus\":[{\"id\":9,\"vm\":2},"
					"{\"id\":8,\"vm\":2,\"role\":\"vmm\"},{\"id\":6,\"vm\":null,\"role\":\"kernel\"}]}"), 0);
	assert_int_equal(identity__take(&id, "{\"vcpus\":[{\"id\":9,\"vm\":2,\"gone_ns\":70}]}"),
			 0);
	assert_true(identity__forget(&id, 71, 0));
	assert_non_null(identity__text(&id, IDENTITY_VMS, 2));
	assert_int_equal(identity__take(&id, "{\"vcpus\":[{\"id\":8,\"vm\":2,\"role\":\"vmm\",\"gone_ns\":80}]}"), 0);
	assert_int_equal(id.nr_gone, 3);
	assert_true(identity__forget(&id, 81, 0));
	assert_null(identity__text(&id, IDENTITY_VCPUS, 8));
	assert_null(identity__text(&id, IDENTITY_VMS, 2));
	assert_non_null(identity__text(&id, IDENTITY_VCPUS, 6));

	/* Names of threads without end: the latest ones stay, and a vCPU that is there. */
	assert_int_equal(identity__take(&id, "{\"vcpus\":[{\"id\":7,\"vm\":1}]}"), 0);
	for (u32 i = 0; i < 2 * IDENTITY_MAX; i += 4) {
		snprintf(item, sizeof(item),
			 "{\"tasks\":[{\"tid\":%u},{\"tid\":%u},{\"tid\":%u},{\"tid\":%u}]}", i,
			 i + 1, i + 2, i + 3);
		assert_int_equal(identity__take(&id, item), 0);
		assert_true(id.nr[IDENTITY_TASKS] <= IDENTITY_MAX);
	}
	assert_null(identity__text(&id, IDENTITY_TASKS, 0));
	assert_non_null(identity__text(&id, IDENTITY_TASKS, 2 * IDENTITY_MAX - 1));
	assert_true(identity__has_vcpu(&id, 7));
	text = identity__json(&id);
	assert_non_null(strstr(text, "{\"id\":7,\"vm\":1}]}\n{\"tasks\":["));
	free(text);
	identity__free(&id);
}

/* However many processes come and go: what is there keeps its last reading. */
static void test_roles(void **state)
{
	struct kvmw_total total = { .vcpu = 1, .event = KVMW_EVENT_IOCTL, .reason = 1, .count = 100,
				    .done = 100, .lost = 100 };
	char item[160];
	struct rec_report out;
	struct rec file;
	struct run r;

	run__begin(&r, 2 * SECOND);
	assert_int_equal(keep_window__json(&r.w, DATA_IDENT,
					   "{\"vcpus\":[{\"id\":1,\"vm\":0,\"role\":\"vmm\"}]}"),
			 0);
	put(&r, DATA_STATS, KVMW_EVENT_TOTAL, false, &total, 1);
	for (u32 i = 0; i < 4; i++)
		end_second(&r);
	for (u32 i = 2; i < IDENTITY_MAX + 10; i++) {
		snprintf(item, sizeof(item),
			 "{\"vcpus\":[{\"id\":%u,\"vm\":0,\"role\":\"vmm\",\"gone_ns\":%llu}]}", i,
			 FROM);
		assert_int_equal(keep_window__json(&r.w, DATA_IDENT, item), 0);
	}
	end_second(&r);
	assert_int_equal(r.w.identity.nr[IDENTITY_VCPUS], 2);
	total.count = total.done = total.lost = 101;
	put(&r, DATA_STATS, KVMW_EVENT_TOTAL, false, &total, 1);
	end_second(&r);
	take(&r, &file, &out,
	     &(const struct report_options) { .event = KVMW_EVENT_IOCTL, .nr_sort = 1 });
	assert_int_equal(out.rep.total.count, 1);
	assert_int_equal(out.rep.total.lost, 1);
	rec__report_free(&out);
	run__end(&r);
}

#define GONE(id, ns)	"{\"vcpus\":[{\"id\":" id ",\"vm\":0,\"vcpu\":1,\"tid\":102,\"gone_ns\":" ns "}]}"

static u32 nr_vcpus(struct run *r, u64 *count, u64 *lost)
{
	struct rec_report out;
	struct rec file;
	u32 nr;

	take(r, &file, &out, &exits);
	nr = out.rec->nr_vcpus;
	*count = out.rep.total.count;
	*lost = out.rep.total.lost;
	for (u32 i = 0; i < out.rec->totals.table.nr; i++)
		assert_non_null(recording__vcpu(out.rec,
						agg_table__at(&out.rec->totals, i)->key.vcpu));
	rec__report_free(&out);
	return nr;
}

/* The last row of a vCPU comes after its end: as long as that is there, so is its name. */
static void test_gone_vcpu(void **state)
{
	struct kvmw_exit open = an_exit(FROM + 500, 10, KVMW_NONE);
	u64 count, lost;
	struct run r;

	run__begin(&r, 3 * SECOND);
	assert_int_equal(keep_window__json(&r.w, DATA_IDENT, GONE("1", "100000000900")), 0);
	for (u32 i = 0; i < 2; i++)
		end_second(&r);
	open.vcpu = 1;
	put(&r, DATA_EVENTS, KVMW_EVENT_EXIT, false, &open, 1);
	for (u32 i = 0; i < 3; i++) {
		end_second(&r);
		assert_int_equal(nr_vcpus(&r, &count, &lost), 2);
		assert_int_equal(count, 1);
	}
	end_second(&r);
	assert_int_equal(nr_vcpus(&r, &count, &lost), 1);
	assert_int_equal(count, 0);
	/* Its thread died, but it did not end: what it had begun by then is not of this window. */
	open.vcpu = 1;
	put(&r, DATA_EVENTS, KVMW_EVENT_EXIT, true, &open, 1);
	assert_int_equal(nr_vcpus(&r, &count, &lost), 1);
	assert_int_equal(count, 0);
	run__end(&r);
}

/* A vCPU without a thread gets another one: what it lost before was counted then. */
static void test_back_again(void **state)
{
	struct kvmw_total total = { .vcpu = 1, .event = KVMW_EVENT_EXIT, .isa = 1, .reason = 10,
				    .count = 100, .done = 100, .lost = 100 };
	u64 count, lost;
	struct run r;

	run__begin(&r, 2 * SECOND);
	put(&r, DATA_STATS, KVMW_EVENT_TOTAL, false, &total, 1);
	assert_int_equal(keep_window__json(&r.w, DATA_IDENT, GONE("1", "100000000900")), 0);
	for (u32 i = 0; i < 5; i++)
		end_second(&r);
	assert_false(identity__has_vcpu(&r.w.identity, 1));
	assert_int_equal(keep_window__json(&r.w, DATA_IDENT, "{\"vcpus\":[{\"id\":1,\"vm\":0,\"vcpu\":1,\"tid\":103}]}"), 0);
	total.count = total.done = total.lost = 101;
	put(&r, DATA_STATS, KVMW_EVENT_TOTAL, false, &total, 1);
	end_second(&r);
	assert_int_equal(nr_vcpus(&r, &count, &lost), 2);
	assert_int_equal(count, 1);
	assert_int_equal(lost, 1);
	/* Once it ended, nothing of it stays. */
	assert_int_equal(keep_window__json(&r.w, DATA_IDENT, GONE("1", "100000000900")), 0);
	keep_window__ended(&r.w, 1);
	for (u32 i = 0; i < 4; i++)
		end_second(&r);
	assert_int_equal(r.w.account.keys.nr, 0);
	assert_int_equal(r.w.identity.entries.nr, 2);
	run__end(&r);
}

static void __attribute__((format(printf, 2, 3))) say(struct run *r, const char *fmt, ...)
{
	va_list ap;
	char text[200];

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	assert_int_equal(keep_window__json(&r->w, DATA_IDENT, text), 0);
}

/*
 * Each moment says anew what its rows refer to: no more than what is in the window, and the next
 * snapshot, is known.
 */
static void test_texts_of_moments(void **state)
{
	struct kvmw_host load = { .moment = 1, .kind = KVMW_host_LOAD, .value = KVMW_NONE };
	struct rec_report out;
	struct rec file;
	struct run r;

	run__begin(&r, 4 * SECOND);
	say(&r, "{\"stacks\":[{\"id\":%u,\"frames\":[\"of event stack\"]}]}", 7);
	for (u32 i = 0; i < 40; i++) {
		assert_int_equal(keep_window__moment(&r.w), 0);
		say(&r, "{\"texts\":[{\"id\":%u,\"text\":\"load %u\"}]}", i, i);
		say(&r, "{\"stacks\":[{\"id\":%u,\"frames\":[]}]}", IDENTITY_MOMENTS_STACKS + i);
		load.text = i;
		put(&r, DATA_STATS, KVMW_EVENT_HOST, false, &load, 1);
		end_second(&r);
		end_second(&r);
		assert_true(r.w.identity.nr[IDENTITY_TEXTS] <= 3 &&
			    r.w.identity.nr[IDENTITY_STACKS] <= 1 + 3);
		assert_non_null(identity__text(&r.w.identity, IDENTITY_STACKS, 7));
	}
	/* While a snapshot is begun, what it needs stays, whatever is dropped. */
	keep_window__hold(&r.w);
	for (u32 i = 0; i < 10; i++)
		end_second(&r);
	say(&r, "{\"texts\":[{\"id\":%u,\"text\":\"load %u\"}]}", 40, 40);
	load.moment = 2;
	load.text = 40;
	put(&r, DATA_STATS, KVMW_EVENT_HOST, false, &load, 1);
	take(&r, &file, &out, &exits);
	assert_int_equal(out.rec->host.nr, 2);
	for (u32 i = 0; i < out.rec->host.nr; i++)
		assert_non_null(recording__text(out.rec, rec_table__host(&out.rec->host, i)->text));
	rec__report_free(&out);
	run__end(&r);
}

/* Threads and other VMs come and go; those alive are named again, or have rows. */
static void test_names_that_age(void **state)
{
	const struct kvmw_holder row = { .vcpu = 0, .place = 1, .kind = KVMW_holder_VM, .tid = 1,
					 .pid = 5 };
	struct kvmw_holder now;
	struct run r;

	run__begin(&r, 2 * SECOND);
	say(&r, "{\"neighbours\":[{\"pid\":%u},{\"pid\":%u}]}", 5, 6);
	for (u32 i = 0; i < 2000; i++) {
		say(&r, "{\"tasks\":[{\"tid\":%u,\"comm\":\"%u\"}]}", 1000 + i, i);
		if (i % 60 == 0)
			say(&r, "{\"tasks\":[{\"tid\":%u,\"comm\":\"%u\"}]}", 9, i);
		/* It becomes what it grew by. */
		now = row;
		now.turns = i;
		put(&r, DATA_STATS, KVMW_EVENT_HOLDER, false, &now, 1);
		end_second(&r);
		assert_true(r.w.identity.nr[IDENTITY_TASKS] <= 1 + 125);
		assert_non_null(identity__text(&r.w.identity, IDENTITY_TASKS, 9));
	}
	assert_non_null(identity__text(&r.w.identity, IDENTITY_NEIGHBOURS, 5));
	assert_null(identity__text(&r.w.identity, IDENTITY_NEIGHBOURS, 6));
	run__end(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_roles),
		cmocka_unit_test(test_gone_vcpu),
		cmocka_unit_test(test_back_again),
		cmocka_unit_test(test_texts_of_moments),
		cmocka_unit_test(test_names_that_age),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
