// SPDX-License-Identifier: GPL-2.0
/* The sums of a vCPU, as the BPF programs find them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "util/types.h"
#include "bpf_skel/shared.h"

#undef __always_inline
/* NOLINTNEXTLINE(bugprone-reserved-identifier): what programs call it */
#define __always_inline	inline __attribute__((always_inline))
/* NOLINTNEXTLINE(bugprone-reserved-identifier): likewise */
#define __noinline	__attribute__((noinline))
#define barrier()	asm volatile("" : : : "memory")
#define barrier_var(v)	asm volatile("" : "+r"(v))

static struct kvmw_config config;
static bool tells_throttled;

static bool compat_tells_throttled(void)
{
	return tells_throttled;
}

#include "bpf_skel/sums.bpf.h"

#define REASONS	(KVMW_MAX_SUMS + 20)

static struct kvmw_vcpu_state *new_state(bool parts, bool throttled)
{
	config.parts = parts;
	tells_throttled = throttled;
	return calloc(1, sizeof(struct kvmw_vcpu_state));
}

static struct kvmw_sum *count(struct kvmw_vcpu_state *s, u32 event, u32 reason)
{
	struct kvmw_sum *sum;
	u32 at;

	sum = sum_of(s, event, event == KVMW_EVENT_EXIT ? KVMW_ISA_SVM : KVMW_ISA_NONE, reason,
		     &at);
	assert_ptr_equal(sum, sum_at(s, at));
	sum->count++;
	return sum;
}

static void check_parts(const struct kvmw_sum *sum, bool parts, bool throttled)
{
	u64 want = parts ? 0 : KVMW_NONE;

	assert_int_equal(sum->halt_ns, want);
	assert_int_equal(sum->poll_ns, want);
	assert_int_equal(sum->wait_ns, want);
	assert_int_equal(sum->block_ns, want);
	assert_int_equal(sum->throttled_ns, throttled ? 0 : KVMW_NONE);
}

/* Each event has all of its own, those that find no place as other reasons. */
static void check_all(const struct kvmw_vcpu_state *s, u64 exits, u64 returns)
{
	u64 of[KVMW_MAX_EVENTS] = { 0 };
	u32 others = 0;

	for (u32 i = 0; i < KVMW_NR_SUMS; i++) {
		const struct kvmw_sum *sum = &s->sums[i];

		if (!sum->key)
			continue;
		for (u32 k = 0; k < i; k++)
			assert_int_not_equal(s->sums[k].key, sum->key);
		of[KVMW_SUM_EVENT(sum->key)] += sum->count;
		others += KVMW_SUM_REASON(sum->key) == KVMW_REASON_OTHER;
		if (KVMW_SUM_EVENT(sum->key) == KVMW_EVENT_EXIT)
			check_parts(sum, config.parts, config.parts && tells_throttled);
	}
	assert_int_equal(of[KVMW_EVENT_EXIT], exits);
	assert_int_equal(of[KVMW_EVENT_USERSPACE], returns);
	assert_int_equal(others, !!(exits > KVMW_MAX_SUMS) + !!returns);
}

static void test_found_again(void **state)
{
	struct kvmw_vcpu_state *s = new_state(true, true);

	(void)state;
	assert_ptr_equal(count(s, KVMW_EVENT_EXIT, 0x7b), count(s, KVMW_EVENT_EXIT, 0x7b));
	assert_ptr_not_equal(count(s, KVMW_EVENT_EXIT, 2), count(s, KVMW_EVENT_USERSPACE, 2));
	/* The same place at first. */
	assert_ptr_not_equal(count(s, KVMW_EVENT_EXIT, 0x80), count(s, KVMW_EVENT_EXIT, 0x400));
	assert_int_equal(count(s, KVMW_EVENT_EXIT, 0x400)->count, 2);
	assert_ptr_equal(sum_at(s, ~0U), &s->sums[KVMW_MAX_SUMS]);
	free(s);
}

/* Reasons without a place, of returns first: exits among them know which parts they lack. */
static void test_no_place_left(void **state)
{
	static const bool kinds[][2] = {
		{ false, false }, { false, true }, { true, false }, { true, true },
	};

	(void)state;
	for (u32 k = 0; k < ARRAY_SIZE(kinds); k++) {
		struct kvmw_vcpu_state *s = new_state(kinds[k][0], kinds[k][1]);

		for (u32 i = 0; i < KVMW_MAX_SUMS; i++)
			count(s, KVMW_EVENT_EXIT, i);
		for (u32 i = 0; i < 5; i++)
			count(s, KVMW_EVENT_USERSPACE, i);
		for (u32 i = KVMW_MAX_SUMS; i < REASONS; i++)
			count(s, KVMW_EVENT_EXIT, i);
		check_all(s, REASONS, 5);
		free(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found_again),
		cmocka_unit_test(test_no_place_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
