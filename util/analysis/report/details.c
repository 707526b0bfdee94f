// SPDX-License-Identifier: GPL-2.0
/* What makes up a reason: the few details that matter, MMIO apart from RAM, HLTs without a halt. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/analysis/deadlines.h"
#include "util/analysis/report/internal.h"
#include "util/arch/access.h"
#include "util/array.h"
#include "util/memory.h"
#include "util/search.h"

#define OF_ROW		10	/* a detail is shown from this percentage of its row's events on, */
#define OF_ALL		1	/* and this one of all events */

static const enum report_key by[] = { KEY_REASON, KEY_ACCESS, KEY_HALTED };

/* Parts of a reason that are not one detail. */
enum part { PART_MMIO, PART_RAM, PART_NO_HALT, NR_ROW_PARTS };

static const char *const part_labels[NR_ROW_PARTS] = {
	[PART_MMIO] = "MMIO", [PART_RAM] = "RAM", [PART_NO_HALT] = "did not halt",
};

struct breakdown {
	struct report *rep;
	const struct report *fine;
	u32 room;
};

void report__details_options(const struct report_options *opt, struct report_options *fine)
{
	*fine = *opt;
	fine->nr_sort = ARRAY_SIZE(by);
	memcpy(fine->sort, by, sizeof(by));
	fine->order = ORDER_KEY;
	fine->event = KVMW_EVENT_EXIT;
	fine->percent_limit = 0;
	fine->top = 0;
	fine->details = fine->slices = fine->heat = fine->sparks = false;
	/* A recording may have as many vCPUs as details, and more of both than memory holds. */
	fine->rows_only = true;
	fine->no_gaps = opt->text;
	fine->any_vcpu = !opt->vcpus.nr && !opt->pids.nr;
}

/* Which part a row by reason, detail and halted belongs to; NR_ROW_PARTS: none. */
static enum part part_of_row(const struct report_row *reason, const struct report_row *row)
{
	u32 kind = row->key[1].v[0];

	if (detail_is_mmio(kind))
		return PART_MMIO;
	if (detail_is_fault(kind))
		return PART_RAM;
	/* One that is still open has not gone on. */
	return row->done && !row->key[2].v[0] &&
	       exit_class(reason->key[0].v[0] >> 32, reason->key[0].v[0]) == EXIT_HALT ?
	       PART_NO_HALT : NR_ROW_PARTS;
}

/* Takes over what sum holds. */
static int add_detail_row(struct breakdown *b, struct report_row *sum, const char *label)
{
	struct report *rep = b->rep;

	if (array__reserve(rep->detail, rep->nr_details, b->room, NULL))
		return -1;
	report__distribution(sum);
	memset(sum->label, 0, sizeof(sum->label));
	sum->label[0] = mem__strdup(label);
	if (!sum->label[0])
		return -1;
	rep->detail[rep->nr_details++] = *sum;
	*sum = report_row__none();
	return 0;
}

static int add_detail(struct breakdown *b, struct report_row *reason, struct report_row *sum,
		      const char *label)
{
	if (add_detail_row(b, sum, label))
		return -1;
	reason->nr_details++;
	return 0;
}

static bool matters(const struct breakdown *b, const struct report_row *reason,
		    const struct report_row *sum)
{
	return sum->recorded * 100 >= reason->recorded * OF_ROW &&
	       sum->recorded * 100 >= b->rep->recorded * OF_ALL;
}

/* Whether one detail is all there is of it. */
static bool is_known(const struct breakdown *b, const struct report_row *reason,
		     const struct report_row *part)
{
	for (u32 i = 0; i < reason->nr_details; i++)
		if (b->rep->detail[reason->details + i].recorded == part->recorded)
			return true;
	return false;
}

static int add_parts(struct breakdown *b, struct report_row *reason, struct report_row *part)
{
	bool both = part[PART_MMIO].recorded && part[PART_RAM].recorded;

	for (u32 i = 0; i < NR_ROW_PARTS; i++) {
		if (!part[i].recorded || (!both && i != PART_NO_HALT) ||
		    is_known(b, reason, &part[i]))
			continue;
		part[i].part = i + 1;
		if (add_detail(b, reason, &part[i], part_labels[i]))
			return -1;
	}
	return 0;
}

/* The end of a detail, whose last row this is: *sum becomes one if it matters, and is emptied. */
static int end_detail(struct breakdown *b, struct report_row *reason, const struct report_row *row,
		      const char *label, struct report_row *sum)
{
	int ret = 0;

	if (row->key[1].v[1] != KVMW_NONE && matters(b, reason, sum)) {
		memcpy(sum->key, row->key, sizeof(sum->key));
		sum->is_detail = true;
		ret = add_detail(b, reason, sum, label);
	}
	hist__free(&sum->span);
	*sum = report_row__none();
	return ret;
}

/*
 * The end of a register, divided by what was written to it: the details from first on.  If too
 * many different values were, the register is the detail.
 */
static int end_register(struct breakdown *b, struct report_row *reason,
			const struct report_row *row, u32 first, struct report_row *sum)
{
	char label[REPORT_LABEL_MAX];

	if (!row->key[1].v[2] || reason->nr_details > first) {
		hist__free(&sum->span);
		*sum = report_row__none();
		return 0;
	}
	label__exit_detail(b->fine, row->key[1].v[0], row->key[1].v[1], 0, label, sizeof(label));
	sum->of_register = true;
	return end_detail(b, reason, row, label, sum);
}

/* The detail that this row of the finer report is part of; NULL: none is shown. */
static struct report_row *shown_as(const struct breakdown *b, const struct report_row *reason,
				   const struct report_row *row)
{
	const struct key_value *key = &row->key[1];

	for (u32 i = 0; i < reason->nr_details; i++) {
		struct report_row *d = &b->rep->detail[reason->details + i];

		if (d->is_detail && d->key[1].v[0] == key->v[0] && d->key[1].v[1] == key->v[1] &&
		    (d->of_register || d->key[1].v[2] == key->v[2]))
			return d;
	}
	return NULL;
}

static bool shows_part(const struct breakdown *b, const struct report_row *reason, enum part part)
{
	for (u32 i = 0; i < reason->nr_details; i++)
		if (b->rep->detail[reason->details + i].part == part + 1)
			return true;
	return false;
}

#define REST_OF_ROW	1	/* percent of its exits, or of their cost: less says nothing */

static bool rest_matters(const struct report_row *reason, const struct report_row *rest)
{
	return rest->recorded &&
	       (rest->recorded * 100 >= reason->recorded * REST_OF_ROW ||
		captured(rest->cost_ns) >= captured(reason->cost_ns) / 100 * REST_OF_ROW);
}

/* What is in no detail and no part, if there are any: so that all add up to the reason. */
static int add_rest(struct breakdown *b, struct report_row *reason, u32 from, u32 to,
		    struct report_row *rest)
{
	const struct key_value *before = NULL;
	char label[REPORT_LABEL_MAX];
	bool halts = false, all_known = true;
	u32 others = 0;

	for (u32 i = from; i < to; i++) {
		const struct report_row *row = &b->fine->row[i];
		enum part part = part_of_row(reason, row);
		bool in_part = part < NR_ROW_PARTS && shows_part(b, reason, part);
		struct report_row *detail = shown_as(b, reason, row);

		halts |= part == PART_NO_HALT;
		if (detail && in_part)
			detail->in_part = part + 1;
		if (detail || in_part)
			continue;
		if (report_row__add(rest, row))
			return -1;
		/* Another recording may not show whether its HLTs halted. */
		all_known &= !row->done || row->key[2].v[0] != KVMW_NONE;
		if (row->key[1].v[1] != KVMW_NONE &&
		    (!before || key_value__compare(before, &row->key[1])))
			others++;
		before = &row->key[1];
	}
	if (!reason->nr_details || !rest_matters(reason, rest))
		return 0;
	if (others)
		snprintf(label, sizeof(label), "%u other%s", others, others == 1 ? "" : "s");
	else
		snprintf(label, sizeof(label), "%s", halts && all_known ? "halted" : "others");
	reason->has_rest = true;
	return add_detail_row(b, rest, label);
}

/* Rows [from, to) of the finer report have this reason.  sum: of a detail, and of a register. */
static int break_down(struct breakdown *b, struct report_row *reason, u32 from, u32 to,
		      struct report_row *part, struct report_row *sum)
{
	const struct report_row *row = b->fine->row;
	u32 first = 0;

	for (u32 i = from; i < to; i++) {
		const struct key_value *key = &row[i].key[1],
				       *next = i + 1 < to ? &row[i + 1].key[1] : NULL;
		enum part of = part_of_row(reason, &row[i]);

		if ((of < NR_ROW_PARTS && report_row__add(&part[of], &row[i])) ||
		    report_row__add(&sum[0], &row[i]) || report_row__add(&sum[1], &row[i]))
			return -1;
		if (next && !key_value__compare(key, next))
			continue;
		if (end_detail(b, reason, &row[i], row[i].label[1], &sum[0]))
			return -1;
		if (next && key->v[0] == next->v[0] && key->v[1] == next->v[1])
			continue;
		if (end_register(b, reason, &row[i], first, &sum[1]))
			return -1;
		first = reason->nr_details;
	}
	return add_parts(b, reason, part);
}

static int compare_detail(const void *a, const void *b)
{
	const struct report_row *x = a, *y = b;
	u64 of_x = captured(x->cost_ns), of_y = captured(y->cost_ns);

	COMPARE(y->measure, x->measure);
	COMPARE(of_y, of_x);
	return 0;
}

/* As the rows are ordered, but by cost where these are ordered by key. */
static void order_details(struct report *rep, const struct report_row *reason)
{
	struct report_row *row;

	if (!reason->nr_details)
		return;
	row = &rep->detail[reason->details];
	for (u32 i = 0; i < reason->nr_details && rep->opt->order != ORDER_KEY; i++)
		row[i].measure = captured(report_column__get(rep->opt->order)->measure(&row[i]));
	qsort(row, reason->nr_details, sizeof(*row), compare_detail);
}

static int compare_reason(const void *key, const void *element)
{
	return key_value__compare(key, &((const struct report_row *)element)->key[0]);
}

static int details_of(struct breakdown *b, struct report_row *reason)
{
	struct report_row part[NR_ROW_PARTS], sum[2] = { report_row__none(), report_row__none() };
	const struct report *fine = b->fine;
	u32 from, to;
	struct report_row rest = report_row__none();
	int ret;

	for (u32 i = 0; i < NR_ROW_PARTS; i++)
		part[i] = report_row__none();
	/* They are ordered by key, the reason first. */
	from = lower_bound(&reason->key[0], fine->row, fine->nr_rows, sizeof(*fine->row),
			   compare_reason);
	for (to = from; to < fine->nr_rows && !compare_reason(&reason->key[0], &fine->row[to]);)
		to++;
	reason->details = b->rep->nr_details;
	reason->nr_details = 0;
	ret = break_down(b, reason, from, to, part, sum);
	for (u32 i = 0; i < NR_ROW_PARTS; i++)
		hist__free(&part[i].span);
	hist__free(&sum[0].span);
	hist__free(&sum[1].span);
	if (!ret)
		order_details(b->rep, reason);
	if (!ret)
		ret = add_rest(b, reason, from, to, &rest);
	hist__free(&rest.span);
	return ret;
}

int report__make_details(struct report *rep, const struct report *fine)
{
	struct breakdown b = { .rep = rep, .fine = fine };

	for (u32 i = 0; i < report__visible(rep); i++)
		if (details_of(&b, &rep->row[i]))
			return -1;
	report__set_percents(rep);
	return 0;
}

int report__name_deadlines(struct report *rep, u64 away_ns)
{
	for (u32 i = 0; i < rep->nr_details && away_ns != KVMW_NONE; i++) {
		struct report_row *row = &rep->detail[i];
		char label[REPORT_LABEL_MAX], words[DEADLINE_WORDS];

		if (!row->is_detail || !access_is_deadline(row->key[1].v[0], row->key[1].v[1]))
			continue;
		snprintf(label, sizeof(label), "%.200s +%s", row->label[0],
			 deadlines__words(away_ns, words));
		free(row->label[0]);
		row->label[0] = mem__strdup(label);
		if (!row->label[0])
			return -1;
	}
	return 0;
}
