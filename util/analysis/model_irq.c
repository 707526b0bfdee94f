// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "util/analysis/model_irq.h"
#include "util/error.h"

struct irq_state {
	struct irq_model model;
	const struct report_options *opt;
	struct agg_table lines, pins;
};

enum { KIND, SPAN, VCPU, SOURCE, IRQ, VECTOR, MODE, COALESCED, ADDRESS };

static const char *const columns[] = {
	[KIND] = "kind", [SPAN] = "span_ns", [VCPU] = "vcpu", [SOURCE] = "source", [IRQ] = "irq",
	[VECTOR] = "vector", [MODE] = "mode", [COALESCED] = "coalesced", [ADDRESS] = "address", NULL,
};

static const struct scan_event events[] = { { .id = KVMW_EVENT_IRQ, .columns = columns } };

/* How the keys of agg.h are used here. */
#define KEY_SOURCE	isa
#define KEY_MODE	cpu
#define KEY_VECTOR	user
#define KEY_IRQ		detail		/* GSI or pin */
#define KEY_COALESCED	detail_kind

/* All ones stay all ones; numbers out of range become the one before none. */
static u64 irq_model__narrow(u64 value, u64 none)
{
	return value == KVMW_NONE ? none : value < none ? value : none - 1;
}

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

/* 0, or -1 out of memory; rows whose key is one too many are counted. */
static int irq_model__add(struct agg_table *t, const struct agg_key *key, u64 span)
{
	bool full;
	struct agg *agg = agg_table__get(t, key, &full);

	if (!agg && !full)
		return -1;
	if (!agg) {
		t->over_limit++;
		return 0;
	}
	agg->rows++;
	return span == KVMW_NONE ? 0 : hist__add(&agg->span, span);
}

static int take_step(struct irq_state *st, u64 *const *col, u32 i, u32 vcpu)
{
	u64 mode = col[MODE][i];
	int step = step_of(col[KIND][i]);
	struct agg_key key = {
		.vcpu = vcpu, .event = KVMW_EVENT_IRQ, .reason = step,
		.KEY_SOURCE = irq_model__narrow(col[SOURCE][i], IRQ_NO_SOURCE),
		.KEY_VECTOR = irq_model__narrow(col[VECTOR][i], UINT32_MAX),
		.KEY_IRQ = col[IRQ][i],
	};

	if (step < 0)
		return 0;
	/* The vector of the other modes (NMI, INIT, ...) means nothing, or something else. */
	if (mode != KVMW_NONE && mode > 1) {
		key.KEY_MODE = irq_model__narrow(mode, UINT16_MAX);
		key.KEY_VECTOR = UINT32_MAX;
	}
	return irq_model__add(&st->lines, &key, col[SPAN][i]);
}

static int take_coalesced(struct irq_state *st, u64 *const *col, u32 i, u32 vcpu)
{
	u64 kind = col[KIND][i];
	struct agg_key key = {
		.vcpu = vcpu, .event = KVMW_EVENT_IRQ, .reason = kind,
		.KEY_COALESCED = !!col[COALESCED][i],
		.KEY_IRQ = KVMW_NONE,
	};

	if (col[COALESCED][i] == KVMW_NONE)
		return 0;
	if (kind == KVMW_irq_PIC_SET || kind == KVMW_irq_IOAPIC_SET)
		key.KEY_IRQ = col[IRQ][i];
	/* The second PIC's pins are IRQ 8 to 15. */
	if (kind == KVMW_irq_PIC_SET && col[ADDRESS][i] == 1 && col[IRQ][i] < 8)
		key.KEY_IRQ += 8;
	return irq_model__add(&st->pins, &key, KVMW_NONE);
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
	struct irq_state *st = calloc(1, sizeof(*st));

	if (!st)
		error("out of memory");
	else
		st->opt = arg;
	return st;
}

static int irq_model__merge(void *to, const void *from)
{
	struct irq_state *t = to;
	const struct irq_state *f = from;

	return agg_table__merge(&t->lines, &f->lines) || agg_table__merge(&t->pins, &f->pins) ? -1 : 0;
}

static void irq_model__free_state(void *state)
{
	struct irq_state *st = state;

	free(st->model.line);
	free(st->model.pin);
	agg_table__free(&st->lines);
	agg_table__free(&st->pins);
	free(st);
}

/* ---- the model ---------------------------------------------------------- */

/* A line and the histograms behind its durations. */
struct line_sum {
	struct irq_line line;
	struct hist span[NR_IRQ_STEPS];
};

#define COMPARE(a, b) do { if ((a) != (b)) return (a) < (b) ? -1 : 1; } while (0)

/* Puts the entries of a line together. */
static int by_line(const void *a, const void *b)
{
	const struct agg_key *x = &(*(struct agg *const *)a)->key;
	const struct agg_key *y = &(*(struct agg *const *)b)->key;

	COMPARE(x->KEY_SOURCE, y->KEY_SOURCE);
	COMPARE(x->KEY_IRQ, y->KEY_IRQ);
	COMPARE(x->KEY_VECTOR, y->KEY_VECTOR);
	COMPARE(x->KEY_MODE, y->KEY_MODE);
	return 0;
}

static int by_pin(const void *a, const void *b)
{
	const struct agg_key *x = &(*(struct agg *const *)a)->key;
	const struct agg_key *y = &(*(struct agg *const *)b)->key;

	COMPARE(x->reason, y->reason);
	COMPARE(x->KEY_IRQ, y->KEY_IRQ);
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

/* The entries that --vcpu and --pid select, in order; NULL: out of memory. */
static struct agg **sorted(const struct report *rep, struct agg_table *t,
			   int (*order)(const void *, const void *), u32 *nr)
{
	struct agg **list = calloc(t->nr + 1, sizeof(*list));

	*nr = 0;
	if (!list) {
		error("out of memory for %u keys", t->nr);
		return NULL;
	}
	for (u32 i = 0; i < t->nr; i++)
		if (report__selects(rep->rec, rep->opt, t->entry[i].key.vcpu))
			list[(*nr)++] = &t->entry[i];
	qsort(list, *nr, sizeof(*list), order);
	return list;
}

static int add_step(struct line_sum *sum, const struct agg *agg)
{
	enum irq_step step = agg->key.reason;

	sum->line.rows[step] += agg->rows;
	/* An interrupt that nobody saw accepted has no time either. */
	if (step == IRQ_INJECT && sum->line.source != IRQ_NO_SOURCE)
		sum->line.again += agg->rows - agg->span.count;
	return hist__merge(&sum->span[step], &agg->span);
}

static int sum_lines(struct line_sum *sum, struct agg *const *list, u32 nr, u32 *nr_sums)
{
	struct line_sum *to = NULL;

	*nr_sums = 0;
	for (u32 i = 0; i < nr; i++) {
		const struct agg_key *key = &list[i]->key;

		if (!i || by_line(&list[i - 1], &list[i])) {
			to = &sum[(*nr_sums)++];
			to->line.source = key->KEY_SOURCE;
			to->line.irq = key->KEY_IRQ;
			to->line.vector = key->KEY_VECTOR;
			to->line.mode = key->KEY_MODE;
		}
		if (add_step(to, list[i]))
			return -1;
	}
	qsort(sum, *nr_sums, sizeof(*sum), most_injected);
	return 0;
}

/* Totals are of all lines, all else is of those shown. */
static int show_lines(struct irq_model *m, const struct line_sum *sum, u32 nr, u32 top)
{
	m->nr_lines = nr < top ? nr : top;
	m->hidden = nr - m->nr_lines;
	m->line = calloc(m->nr_lines + 1, sizeof(*m->line));
	if (!m->line)
		return error("out of memory for %u kinds of interrupts", m->nr_lines);
	for (u32 i = 0; i < nr; i++) {
		m->again += sum[i].line.again;
		m->pv_eois += sum[i].line.rows[IRQ_PV_EOI];
	}
	for (u32 i = 0; i < m->nr_lines; i++) {
		m->line[i] = sum[i].line;
		for (u32 k = 0; k < NR_IRQ_STEPS; k++)
			m->line[i].span[k] = hist__stats(&sum[i].span[k]);
	}
	return 0;
}

static int finish_lines(struct irq_state *st, const struct report *rep)
{
	struct line_sum *sum = NULL;
	u32 nr, nr_sums = 0;
	struct agg **list;
	int ret = -1;

	list = sorted(rep, &st->lines, by_line, &nr);
	sum = list ? calloc(nr + 1, sizeof(*sum)) : NULL;
	if (!sum)
		error("out of memory for %u kinds of interrupts", st->lines.nr);
	else if (!sum_lines(sum, list, nr, &nr_sums))
		ret = show_lines(&st->model, sum, nr_sums, rep->opt->top ?: IRQ_LINES);
	for (u32 i = 0; i < nr_sums; i++)
		for (u32 k = 0; k < NR_IRQ_STEPS; k++)
			hist__free(&sum[i].span[k]);
	free(sum);
	free(list);
	return ret;
}

static int finish_pins(struct irq_state *st, const struct report *rep)
{
	struct irq_model *m = &st->model;
	struct irq_pin *pin = NULL;
	struct agg **list;
	u32 nr;

	list = sorted(rep, &st->pins, by_pin, &nr);
	m->pin = list ? calloc(nr + 1, sizeof(*m->pin)) : NULL;
	if (!m->pin) {
		free(list);
		return error("out of memory for %u pins", st->pins.nr);
	}
	for (u32 i = 0; i < nr; i++) {
		if (!i || by_pin(&list[i - 1], &list[i])) {
			pin = &m->pin[m->nr_pins++];
			pin->kind = list[i]->key.reason;
			pin->pin = list[i]->key.KEY_IRQ;
		}
		pin->changes += list[i]->rows;
		m->changes += list[i]->rows;
		if (!list[i]->key.KEY_COALESCED)
			continue;
		pin->coalesced += list[i]->rows;
		m->coalesced += list[i]->rows;
	}
	qsort(m->pin, m->nr_pins, sizeof(*m->pin), most_coalesced);
	free(list);
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
