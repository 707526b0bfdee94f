// SPDX-License-Identifier: GPL-2.0
/* From rows of interrupts to lines by source and vector. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/rec.h"
#include "util/analysis/model_irq.h"

#define NONE KVMW_NONE
#define ROW(t, k, sp, v, i, vec, m, c, s) { .time_ns = REC_START + (t), .span_ns = sp, .vcpu = v, \
		.kind = KVMW_irq_##k, .irq = i, .vector = vec, .mode = m, .coalesced = c, \
		.source = s, .address = NONE }
#define STEP(t, k, sp, v, i, vec, s) ROW(t, k, sp, v, i, vec, NONE, NONE, s)

/* Neither frame is in the order of time, nor are the two. */
static const struct kvmw_irq later[] = {
	STEP(90, EOI, 700, 0, 4, 0x23, KVMW_irq_SET_IRQ),
	STEP(50, INJECT, 300, 0, 4, 0x23, KVMW_irq_SET_IRQ),
	STEP(60, INJECT, NONE, 0, 4, 0x23, KVMW_irq_SET_IRQ),	/* again */
	STEP(95, INJECT, NONE, 1, NONE, 8, NONE),		/* the PIC's */
	STEP(91, EOI, 900, 1, NONE, 0xec, 0),
	STEP(92, PV_EOI, 901, 1, NONE, 0xec, 0),
	STEP(70, INJECT, 30, 7, NONE, 0xec, 0),
};
static const struct kvmw_irq earlier[] = {
	ROW(40, ACCEPT, 200, 0, 4, 0x23, 0, NONE, KVMW_irq_SET_IRQ),
	ROW(41, ACCEPT, 100, 1, 4, 0x23, 1, NONE, KVMW_irq_SET_IRQ),
	ROW(10, ACCEPT, 10, 1, NONE, 0x9a, 6, NONE, KVMW_irq_IPI),
	ROW(11, ACCEPT, 10, 1, NONE, 0x10, 6, NONE, KVMW_irq_IPI),
	ROW(30, ACCEPT, NONE, 7, NONE, 0xec, 0, NONE, 0),
	ROW(20, IOAPIC_SET, NONE, 0, 4, 0x23, 0, 1, NONE),
	ROW(21, IOAPIC_SET, NONE, 0, 4, 0x23, 0, 0, NONE),
	ROW(22, PIC_SET, NONE, 1, 4, NONE, NONE, 0, NONE),
	ROW(23, SET_IRQ, NONE, 1, 4, NONE, NONE, NONE, NONE),
};

struct made {
	struct rec_report out;
	const struct irq_model *v;
	struct rec r;
};

static void make(struct made *m, const struct report_options *opt)
{
	rec__begin(&m->r);
	rec__rows(&m->r, DATA_EVENTS, KVMW_EVENT_IRQ, later, ARRAY_SIZE(later));
	rec__rows(&m->r, DATA_EVENTS, KVMW_EVENT_IRQ, earlier, ARRAY_SIZE(earlier));
	rec__stop(&m->r);
	rec__end(&m->r, true);
	m->v = rec__model(&m->r, &irq_report_model, opt, NULL, 2, &m->out);
}

static void forget(struct made *m)
{
	rec__report_free(&m->out);
	unlink(m->r.path);
}

static void test_lines(void **state)
{
	struct report_options opt = { .event = KVMW_EVENT_IRQ, .nr_sort = 1 };
	const struct irq_line *line;
	struct made m;

	make(&m, &opt);
	assert_int_equal(m.v->nr_lines, 4);
	line = &m.v->line[0];
	assert_int_equal(line->source, KVMW_irq_SET_IRQ);
	assert_int_equal(line->irq, 4);
	assert_int_equal(line->vector, 0x23);
	assert_int_equal(line->rows[IRQ_ACCEPT], 2);
	assert_int_equal(line->rows[IRQ_INJECT], 2);
	assert_int_equal(line->again, 1);
	assert_int_equal(line->rows[irq_line__eoi(line)], 1);
	assert_int_equal(line->span[IRQ_ACCEPT].min, 100);
	assert_int_equal(line->span[IRQ_ACCEPT].max, 200);
	assert_int_equal(line->span[IRQ_INJECT].count, 1);
	assert_int_equal(line->span[IRQ_EOI].sum, 700);
	/* Accepted, injected and ended on three vCPUs, which is of no matter. */
	line = &m.v->line[1];
	assert_int_equal(line->vector, 0xec);
	assert_int_equal(line->source, 0);
	assert_int_equal(line->rows[IRQ_ACCEPT], 1);
	assert_int_equal(irq_line__eoi(line), IRQ_EOI);
	assert_int_equal(line->span[IRQ_EOI].max, 900);
	/* Nobody saw it accepted: no one can say that it was injected again. */
	line = &m.v->line[2];
	assert_int_equal(line->source, IRQ_NO_SOURCE);
	assert_int_equal(line->again, 0);
	/* A start-up IPI's vector is an address. */
	line = &m.v->line[3];
	assert_int_equal(line->mode, 6);
	assert_true(line->vector == UINT32_MAX);
	assert_int_equal(line->rows[IRQ_ACCEPT], 2);
	assert_int_equal(m.v->over_limit, 0);
	forget(&m);
}

static void test_coalesced(void **state)
{
	struct report_options opt = { .event = KVMW_EVENT_IRQ, .nr_sort = 1 };
	struct made m;

	make(&m, &opt);
	assert_int_equal(m.v->nr_pins, 2);
	assert_int_equal(m.v->pin[0].kind, KVMW_irq_IOAPIC_SET);
	assert_int_equal(m.v->pin[0].pin, 4);
	assert_int_equal(m.v->pin[0].changes, 2);
	assert_int_equal(m.v->pin[0].coalesced, 1);
	assert_int_equal(m.v->pin[1].kind, KVMW_irq_PIC_SET);
	assert_int_equal(m.v->pin[1].coalesced, 0);
	forget(&m);
}

static void test_filters(void **state)
{
	struct report_options opt = { .event = KVMW_EVENT_IRQ, .nr_sort = 1 };
	struct made m;

	assert_int_equal(number_list__parse(&opt.pids, "--pid", "200"), 0);
	make(&m, &opt);
	assert_int_equal(m.v->nr_lines, 1);
	assert_int_equal(m.v->line[0].vector, 0xec);
	assert_int_equal(m.v->line[0].rows[IRQ_INJECT], 1);
	assert_int_equal(m.v->line[0].rows[IRQ_EOI], 0);
	assert_int_equal(m.v->nr_pins, 0);
	forget(&m);
	number_list__free(&opt.pids);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_coalesced),
		cmocka_unit_test(test_filters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
