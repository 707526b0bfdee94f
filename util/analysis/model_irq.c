// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "util/analysis/model_irq.h"
#include "util/error.h"

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

/* All ones stay all ones; what no kernel tells is the number before. */
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

/* -1: out of memory; a key too many is counted. */
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

static int take_step(struct irq_model *v, u64 *const *col, u32 i, u32 vcpu)
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
	/* Of the others (NMI, INIT, ...) the vector says nothing, or something else. */
	if (mode != KVMW_NONE && mode > 1) {
		key.KEY_MODE = irq_model__narrow(mode, UINT16_MAX);
		key.KEY_VECTOR = UINT32_MAX;
	}
	return irq_model__add(&v->lines, &key, col[SPAN][i]);
}

static int take_coalesced(struct irq_model *v, u64 *const *col, u32 i, u32 vcpu)
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
	return irq_model__add(&v->pins, &key, KVMW_NONE);
}

static int irq_model__take(void *state, const struct scan_batch *b)
{
	struct irq_model *v = state;
	bool filtered = v->opt->vcpus.nr || v->opt->pids.nr;

	for (u32 i = 0; i < b->rows; i++) {
		u32 vcpu = filtered ? b->col[VCPU][i] : 0;

		if (take_step(v, b->col, i, vcpu) || take_coalesced(v, b->col, i, vcpu))
			return -1;
	}
	return 0;
}

static void *irq_model__new_view(void *arg)
{
	struct irq_model *v = calloc(1, sizeof(*v));

	if (!v)
		error("out of memory");
	else
		v->opt = arg;
	return v;
}

static int irq_model__merge(void *to, const void *from)
{
	struct irq_model *t = to;
	const struct irq_model *f = from;

	return agg_table__merge(&t->lines, &f->lines) || agg_table__merge(&t->pins, &f->pins) ? -1 : 0;
}

static void irq_model__free_view(void *state)
{
	struct irq_model *v = state;

	for (u32 i = 0; i < v->nr_lines; i++)
		for (u32 k = 0; k < NR_IRQ_STEPS; k++)
			hist__free(&v->line[i].span[k]);
	free(v->line);
	free(v->pin);
	agg_table__free(&v->lines);
	agg_table__free(&v->pins);
	free(v);
}

const struct scan_consumer irq_consumer = {
	.events = events,
	.nr_events = ARRAY_SIZE(events),
	.new = irq_model__new_view,
	.take = irq_model__take,
	.merge = irq_model__merge,
	.free = irq_model__free_view,
};

#define COMPARE(a, b) do { if ((a) != (b)) return (a) < (b) ? -1 : 1; } while (0)

/* What is of one line comes together. */
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
	const struct irq_line *x = a, *y = b;

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

/* Those that --vcpu and --pid leave in, in that order; NULL: out of memory. */
static struct agg **sorted(const struct irq_model *v, const struct recording *rec,
			   struct agg_table *t, int (*order)(const void *, const void *), u32 *nr)
{
	struct agg **list = calloc(t->nr + 1, sizeof(*list));

	*nr = 0;
	if (!list) {
		error("out of memory for %u keys", t->nr);
		return NULL;
	}
	for (u32 i = 0; i < t->nr; i++)
		if (report__selects(rec, v->opt, t->entry[i].key.vcpu))
			list[(*nr)++] = &t->entry[i];
	qsort(list, *nr, sizeof(*list), order);
	return list;
}

static int add_step(struct irq_line *line, const struct agg *agg)
{
	enum irq_step step = agg->key.reason;

	line->rows[step] += agg->rows;
	/* Of an interrupt that nobody saw accepted there is no time either. */
	if (step == IRQ_INJECT && line->source != IRQ_NO_SOURCE)
		line->again += agg->rows - agg->span.count;
	return hist__merge(&line->span[step], &agg->span);
}

static int finish_lines(struct irq_model *v, const struct recording *rec)
{
	struct irq_line *line = NULL;
	struct agg **list;
	int ret = 0;
	u32 nr;

	list = sorted(v, rec, &v->lines, by_line, &nr);
	v->line = list ? calloc(nr + 1, sizeof(*v->line)) : NULL;
	if (!v->line) {
		free(list);
		return error("out of memory for %u kinds of interrupts", v->lines.nr);
	}
	for (u32 i = 0; i < nr && !ret; i++) {
		const struct agg_key *key = &list[i]->key;

		if (!i || by_line(&list[i - 1], &list[i])) {
			line = &v->line[v->nr_lines++];
			line->source = key->KEY_SOURCE;
			line->irq = key->KEY_IRQ;
			line->vector = key->KEY_VECTOR;
			line->mode = key->KEY_MODE;
		}
		ret = add_step(line, list[i]);
	}
	qsort(v->line, v->nr_lines, sizeof(*v->line), most_injected);
	free(list);
	return ret;
}

static int finish_pins(struct irq_model *v, const struct recording *rec)
{
	struct irq_pin *pin = NULL;
	struct agg **list;
	u32 nr;

	list = sorted(v, rec, &v->pins, by_pin, &nr);
	v->pin = list ? calloc(nr + 1, sizeof(*v->pin)) : NULL;
	if (!v->pin) {
		free(list);
		return error("out of memory for %u pins", v->pins.nr);
	}
	for (u32 i = 0; i < nr; i++) {
		if (!i || by_pin(&list[i - 1], &list[i])) {
			pin = &v->pin[v->nr_pins++];
			pin->kind = list[i]->key.reason;
			pin->pin = list[i]->key.KEY_IRQ;
		}
		pin->told += list[i]->rows;
		if (list[i]->key.KEY_COALESCED)
			pin->coalesced += list[i]->rows;
	}
	qsort(v->pin, v->nr_pins, sizeof(*v->pin), most_coalesced);
	free(list);
	return 0;
}

int irq_model__finish(struct irq_model *v, const struct recording *rec)
{
	v->over_limit = v->lines.over_limit + v->pins.over_limit;
	return finish_lines(v, rec) || finish_pins(v, rec) ? -1 : 0;
}
