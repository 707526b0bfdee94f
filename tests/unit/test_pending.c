// SPDX-License-Identifier: GPL-2.0
/* Cycles that wait in a vCPU's state: each is taken once, in order, from there or from a ring. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/capture/pending.h"

#define STATE	5
#define ROUNDS	100000

/* A vCPU, its ring, and what the recorder has taken: cycles are numbered by their time. */
struct world {
	struct kvmw_vcpu_state states[STATE + 1];
	struct kvmw_exits ring[8];
	u32 nr_ring;
	u64 made, seen;
	struct pending p;
};

/* As cycle_put() of bpf_skel/exit.bpf.h does it; false: lost. */
static bool put(struct world *w)
{
	struct kvmw_vcpu_state *s = &w->states[STATE];

	if (s->exits_put - s->exits.first == KVMW_BATCH) {
		if (w->nr_ring == ARRAY_SIZE(w->ring))
			return false;
		w->ring[w->nr_ring++] = s->exits;
		s->exits.first = s->exits_put;
	}
	s->exits.rows[s->exits_put++ - s->exits.first].time_ns = w->made++;
	return true;
}

static void see(struct world *w, const struct kvmw_exit *rows, u32 nr)
{
	for (u32 i = 0; i < nr; i++)
		assert_int_equal(rows[i].time_ns, w->seen++);
}

static void take_ring(struct world *w, u32 nr)
{
	u32 left = w->nr_ring - nr;

	for (u32 i = 0; i < nr; i++) {
		u32 taken = pending__taken(&w->p, &w->ring[i]);

		see(w, w->ring[i].rows + taken, KVMW_BATCH - taken);
	}
	memmove(w->ring, w->ring + nr, left * sizeof(*w->ring));
	w->nr_ring = left;
}

static u32 take_state(struct world *w)
{
	struct kvmw_exit rows[KVMW_BATCH];
	u32 nr = pending__take(&w->p, STATE, w->states, rows);

	see(w, rows, nr);
	return nr;
}

static struct world *begin(void)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	/* The place is used for the second time. */
	w->states[STATE].exits.vcpu = KVMW_MAX_VCPUS + STATE;
	return w;
}

static void test_few(void **state)
{
	struct world *w = begin();

	assert_int_equal(take_state(w), 0);
	for (u32 i = 0; i < 3; i++)
		put(w);
	assert_int_equal(take_state(w), 3);
	assert_int_equal(take_state(w), 0);
	/* The batch has them too. */
	for (u32 i = 3; i < KVMW_BATCH + 1; i++)
		put(w);
	assert_int_equal(w->nr_ring, 1);
	take_ring(w, 1);
	assert_int_equal(w->seen, KVMW_BATCH);
	assert_int_equal(take_state(w), 1);
	free(w);
}

static void test_ring_first(void **state)
{
	struct world *w = begin();

	for (u32 i = 0; i < 2 * KVMW_BATCH + 2; i++)
		put(w);
	assert_int_equal(take_state(w), 0);
	take_ring(w, 1);
	assert_int_equal(take_state(w), 0);
	take_ring(w, 1);
	assert_int_equal(take_state(w), 2);
	free(w);
}

static void test_all_of_a_batch(void **state)
{
	struct world *w = begin();

	for (u32 i = 0; i < KVMW_BATCH; i++)
		put(w);
	assert_int_equal(take_state(w), KVMW_BATCH);
	put(w);
	take_ring(w, 1);
	assert_int_equal(w->seen, KVMW_BATCH);
	assert_int_equal(take_state(w), 1);
	free(w);
}

/* A batch goes into the ring while the recorder looks: what it has seen is no state. */
static void test_torn(void **state)
{
	struct world *w = begin();

	put(w);
	w->states[STATE].exits_put = w->states[STATE].exits.first + KVMW_BATCH + 1;
	assert_int_equal(take_state(w), 0);
	free(w);
}

static void test_used_again(void **state)
{
	struct world *w = begin();

	put(w);
	assert_int_equal(take_state(w), 1);
	pending__forget(&w->p, STATE);
	w->states[STATE] = (struct kvmw_vcpu_state) { .exits.vcpu = 2 * KVMW_MAX_VCPUS + STATE };
	w->made = w->seen = 0;
	put(w);
	assert_int_equal(take_state(w), 1);
	free(w);
}

static void test_full_ring_loses_new_ones(void **state)
{
	struct world *w = begin();
	u64 kept = (ARRAY_SIZE(w->ring) + 1) * KVMW_BATCH;

	for (u32 i = 0; i < kept; i++)
		assert_true(put(w));
	assert_false(put(w));
	take_ring(w, ARRAY_SIZE(w->ring));
	assert_int_equal(take_state(w), KVMW_BATCH);
	assert_int_equal(w->seen, kept);
	free(w);
}

static void test_any_order(void **state)
{
	struct world *w = begin();
	u64 lost = 0;

	srandom(1);
	for (u32 i = 0; i < ROUNDS; i++)
		switch (random() % 8) {
		case 0:
			take_state(w);
			break;
		case 1:
			take_ring(w, random() % (w->nr_ring + 1));
			break;
		default:
			lost += !put(w);
		}
	take_ring(w, w->nr_ring);
	take_state(w);
	assert_int_equal(w->seen, w->made);
	assert_true(lost && w->made > ROUNDS / 4);
	free(w);
}

static void test_which_states(void **state)
{
	struct kvmw_vcpu_state *states = calloc(4, sizeof(*states));
	struct pending *p = calloc(1, sizeof(*p));

	assert_true(states && p);
	states[1].tid = states[2].tid = 7;
	states[2].role = KVMW_ROLE_VMM;
	pending__find(p, states, 4, 1);
	assert_int_equal(p->nr_vcpus, 1);
	assert_int_equal(p->vcpus[0], 1);
	states[3].tid = 8;
	pending__find(p, states, 4, 1);
	assert_int_equal(p->nr_vcpus, 1);
	pending__find(p, states, 4, 2);
	assert_int_equal(p->nr_vcpus, 2);
	free(states);
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_few),
		cmocka_unit_test(test_ring_first),
		cmocka_unit_test(test_all_of_a_batch),
		cmocka_unit_test(test_torn),
		cmocka_unit_test(test_used_again),
		cmocka_unit_test(test_full_ring_loses_new_ones),
		cmocka_unit_test(test_any_order),
		cmocka_unit_test(test_which_states),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
