// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "util/analysis/model_irq.h"
#include "util/analysis/span_table.h"
#include "util/search.h"

struct line_entry {
	struct {
		u32 vcpu;	/* 0 for all where no vCPU is selected */
		u32 vector;
		u64 irq;
		u16 source, mode;
		u32 step;
	} key;
	struct span_sum sum;
};

struct pin_entry {
	struct {
		u32 vcpu, kind;
		u64 pin;
		u64 coalesced;	/* 1, or 0 */
	} key;
	struct span_sum sum;
};

struct irq_state {
	struct irq_model model;
	const struct report_options *opt;
	struct span_table lines, pins;
};

enum { KIND, SPAN, VCPU, SOURCE, IRQ, VECTOR, MODE, COALESCED, ADDRESS };

static const char *const columns[] = {
	[KIND] = "kind", [SPAN] = "span_ns", [VCPU] = "vcpu", [SOURCE] = "source", [IRQ] = "irq",
	[VECTOR] = "vector", [MODE] = "mode", [COALESCED] = "coalesced", [ADDRESS] = "address", NULL,
};

static const struct scan_event events[] = { { .id = KVMW_EVENT_IRQ, .columns = columns } };

static int step_of(u64 kind)
{
	switch (kind) {
	case KVMW_irq_ACCEPT:
		return IRQ_ACCEPT;
	case KVMW_irq_INJECT:
		return IRQ_INJECT;
	case KVMW_irq_EOI:
		return IRQ_EOI;
	case KVMW_irq_PV_EOI:
		return IRQ_PV_EOI;
	default:
		return -1;
	}
}

static int take_step(struct irq_state *st, u64 *const *col, u32 i, u32 vcpu)
{
	u64 mode = col[MODE][i];
	int step = step_of(col[KIND][i]);
	struct line_entry line = { .key = {
		.vcpu = vcpu,
		.step = step,
		.source = narrow(col[SOURCE][i], IRQ_NO_SOURCE),
		.vector = narrow(col[VECTOR][i], UINT32_MAX),
		.irq = col[IRQ][i],
	} };

	if (step < 0)
		return 0;
	/* The vector of the other modes (NMI, INIT, ...) means nothing, or something else. */
	if (mode != KVMW_NONE && mode > 1) {
		line.key.mode = narrow(mode, UINT16_MAX);
		line.key.vector = UINT32_MAX;
	}
	return span_table__add(&st->lines, &line.key, col[SPAN][i]);
}

static int take_coalesced(struct irq_state *st, u64 *const *col, u32 i, u32 vcpu)
{
	u64 kind = col[KIND][i];
	struct pin_entry pin = { .key = {
		.vcpu = vcpu,
		.kind = kind,
		.pin = KVMW_NONE,
		.coalesced = !!col[COALESCED][i],
	} };

	if (col[COALESCED][i] == KVMW_NONE)
		return 0;
	if (kind == KVMW_irq_PIC_SET || kind == KVMW_irq_IOAPIC_SET)
		pin.key.pin = col[IRQ][i];
	/* The second PIC's pins are IRQ 8 to 15. */
	if (kind == KVMW_irq_PIC_SET && col[ADDRESS][i] == 1 && col[IRQ][i] < 8)
		pin.key.pin += 8;
	return span_table__add(&st->pins, &pin.key, KVMW_NONE);
}

static int irq_model__take(void *state, const struct scan_batch *b)
{
	struct irq_state *st = state;
	bool filtered = st->opt->vcpus.nr || st->opt->pids.nr;

	for (u32 i = 0; i < b->rows; i++) {
		u32 vcpu = filtered ? b->col[VCPU][i] : 0;

		if (take_step(st, b->col, i, vcpu) || take_coalesced(st, b->col, i, vcpu))
			return -1;
	}
	return 0;
}

static void *irq_model__new_state(void *arg)
{
	const struct report_options *opt = arg;
	struct irq_state *st = mem__calloc(1, sizeof(*st));

	if (!st)
		return NULL;
	st->opt = opt;
	st->lines = SPAN_TABLE(struct line_entry, opt->budget);
	st->pins = SPAN_TABLE(struct pin_entry, opt->budget);
	return st;
}

static int irq_model__merge(void *to, const void *from)
{
	struct irq_state *t = to;
	const struct irq_state *f = from;

	return span_table__merge(&t->lines, &f->lines) || span_table__merge(&t->pins, &f->pins) ?
	       -1 : 0;
}

static void irq_model__free_state(void *state)
{
	struct irq_state *st = state;

	free(st->model.line);
	free(st->model.pin);
	span_table__free(&st->lines);
	span_table__free(&st->pins);
	free(st);
}

/* ---- the model ---------------------------------------------------------- */

/* A line and the histograms behind its durations. */
struct line_sum {
	struct irq_line line;
	struct hist span[NR_IRQ_STEPS];
};

/* Puts the entries of a line together. */
static int by_line(const void *a, const void *b)
{
	const struct line_entry *x = *(const struct line_entry *const *)a;
	const struct line_entry *y = *(const struct line_entry *const *)b;

	COMPARE(x->key.source, y->key.source);
	COMPARE(x->key.irq, y->key.irq);
	COMPARE(x->key.vector, y->key.vector);
	COMPARE(x->key.mode, y->key.mode);
	return 0;
}

static int by_pin(const void *a, const void *b)
{
	const struct pin_entry *x = *(const struct pin_entry *const *)a;
	const struct pin_entry *y = *(const struct pin_entry *const *)b;

	COMPARE(x->key.kind, y->key.kind);
	COMPARE(x->key.pin, y->key.pin);
	return 0;
}

static int most_injected(const void *a, const void *b)
{
	const struct irq_line *x = &((const struct line_sum *)a)->line;
	const struct irq_line *y = &((const struct line_sum *)b)->line;

	COMPARE(y->rows[IRQ_INJECT], x->rows[IRQ_INJECT]);
	COMPARE(y->rows[IRQ_ACCEPT], x->rows[IRQ_ACCEPT]);
	COMPARE(y->rows[IRQ_EOI], x->rows[IRQ_EOI]);
	COMPARE(x->source, y->source);
	COMPARE(x->irq, y->irq);
	COMPARE(x->vector, y->vector);
	COMPARE(x->mode, y->mode);
	return 0;
}

static int most_coalesced(const void *a, const void *b)
{
	const struct irq_pin *x = a, *y = b;

	COMPARE(y->coalesced, x->coalesced);
	COMPARE(x->kind, y->kind);
	COMPARE(x->pin, y->pin);
	return 0;
}

static int add_step(struct line_sum *sum, const struct line_entry *e)
{
	enum irq_step step = e->key.step;

	sum->line.rows[step] += e->sum.rows;
	/* An interrupt that nobody saw accepted has no time either. */
	if (step == IRQ_INJECT && sum->line.source != IRQ_NO_SOURCE)
		sum->line.again += e->sum.rows - e->sum.span.count;
	return hist__merge(&sum->span[step], &e->sum.span);
}

static int sum_lines(struct line_sum *sum, const void *const *list, u32 nr, u32 *nr_sums)
{
	struct line_sum *to = NULL;

	*nr_sums = 0;
	for (u32 i = 0; i < nr; i++) {
		const struct line_entry *e = list[i];

		if (!i || by_line(&list[i - 1], &list[i])) {
			to = &sum[(*nr_sums)++];
			to->line.source = e->key.source;
			to->line.irq = e->key.irq;
			to->line.vector = e->key.vector;
			to->line.mode = e->key.mode;
		}
		if (add_step(to, e))
			return -1;
	}
	qsort(sum, *nr_sums, sizeof(*sum), most_injected);
	return 0;
}

#define VECTORS	256

/* Of each vector, how many were injected, in all and of unknown source. */
struct injections {
	u64 all[VECTORS], unknown[VECTORS];
};

static void count_injections(struct injections *in, const struct irq_line *line)
{
	if (line->mode || line->vector >= VECTORS)
		return;
	in->all[line->vector] += line->rows[IRQ_INJECT];
	if (line->source == IRQ_NO_SOURCE)
		in->unknown[line->vector] += line->rows[IRQ_INJECT];
}

/*
 * What was accepted while the same vector was pending already, maybe of another source, is one
 * interrupt with it.  At least so many: those of unknown source may have been accepted here.
 * Where none of a vector is injected, the processor delivers it.
 */
static u64 merged_of(const struct irq_line *line, const struct injections *in)
{
	u64 own = line->rows[IRQ_INJECT] - line->again;

	if (line->mode || line->vector >= VECTORS || !in->all[line->vector])
		return KVMW_NONE;
	own = sat_add(own, in->unknown[line->vector]);
	return line->rows[IRQ_ACCEPT] > own ? line->rows[IRQ_ACCEPT] - own : 0;
}

/* What KVM itself raises is accepted when it is asserted. */
static u64 to_handler(const struct irq_line *line)
{
	const struct duration_stats *accept = &line->span[IRQ_ACCEPT],
				    *inject = &line->span[IRQ_INJECT];

	if (!inject->count || line->source == IRQ_NO_SOURCE || (line->source && !accept->count))
		return KVMW_NONE;
	return sat_add(line->source ? accept->mean : 0, inject->mean);
}

/* Totals cover all lines, everything else only those shown. */
static int show_lines(struct irq_model *m, const struct line_sum *sum, u32 nr, u32 top)
{
	struct injections injected = { .all = { 0 } };

	m->nr_lines = nr < top ? nr : top;
	m->hidden = nr - m->nr_lines;
	m->line = mem__calloc(m->nr_lines + 1, sizeof(*m->line));
	if (!m->line)
		return -1;
	for (u32 i = 0; i < nr; i++) {
		m->again += sum[i].line.again;
		m->pv_eois += sum[i].line.rows[IRQ_PV_EOI];
		count_injections(&injected, &sum[i].line);
	}
	for (u32 i = 0; i < m->nr_lines; i++) {
		m->line[i] = sum[i].line;
		for (u32 k = 0; k < NR_IRQ_STEPS; k++)
			m->line[i].span[k] = hist__stats(&sum[i].span[k]);
		m->line[i].merged = merged_of(&m->line[i], &injected);
		m->line[i].handler_ns = to_handler(&m->line[i]);
		m->merged += captured(m->line[i].merged);
	}
	return 0;
}

static int finish_lines(struct irq_state *st, const struct report *rep)
{
	struct budget *budget = rep->opt->budget;
	struct line_sum *sum = NULL;
	u32 nr, nr_sums = 0;
	const void **list;
	int ret = -1;

	list = span_table__select(&st->lines, rep, by_line, &nr);
	if (!list)
		return -1;
	sum = budget__calloc(budget, nr + 1, sizeof(*sum));
	if (sum && !sum_lines(sum, list, nr, &nr_sums))
		ret = show_lines(&st->model, sum, nr_sums, rep->opt->top ?: IRQ_LINES);
	for (u32 i = 0; i < nr_sums; i++)
		for (u32 k = 0; k < NR_IRQ_STEPS; k++)
			hist__free(&sum[i].span[k]);
	budget__free(budget, sum, (nr + 1) * sizeof(*sum));
	budget__free(budget, list, (nr + 1) * sizeof(*list));
	return ret;
}

static int finish_pins(struct irq_state *st, const struct report *rep)
{
	struct irq_model *m = &st->model;
	struct irq_pin *pin = NULL;
	const void **list;
	u32 nr;

	list = span_table__select(&st->pins, rep, by_pin, &nr);
	if (!list)
		return -1;
	m->pin = mem__calloc(nr + 1, sizeof(*m->pin));
	for (u32 i = 0; m->pin && i < nr; i++) {
		const struct pin_entry *e = list[i];

		if (!i || by_pin(&list[i - 1], &list[i])) {
			pin = &m->pin[m->nr_pins++];
			pin->kind = e->key.kind;
			pin->pin = e->key.pin;
		}
		pin->changes += e->sum.rows;
		m->changes += e->sum.rows;
		if (!e->key.coalesced)
			continue;
		pin->coalesced += e->sum.rows;
		m->coalesced += e->sum.rows;
	}
	budget__free(rep->opt->budget, list, (nr + 1) * sizeof(*list));
	if (!m->pin)
		return -1;
	qsort(m->pin, m->nr_pins, sizeof(*m->pin), most_coalesced);
	return 0;
}

static int irq_model__finish(void *state, const struct report *rep)
{
	struct irq_state *st = state;

	st->model.over_limit = st->lines.over_limit + st->pins.over_limit;
	return finish_lines(st, rep) || finish_pins(st, rep) ? -1 : 0;
}

const struct report_model irq_report_model = {
	.event = KVMW_EVENT_IRQ,
	.scan = {
		.events = events,
		.nr_events = ARRAY_SIZE(events),
		.new = irq_model__new_state,
		.take = irq_model__take,
		.merge = irq_model__merge,
		.free = irq_model__free_state,
	},
	.finish = irq_model__finish,
};
