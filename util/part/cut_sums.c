// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "util/memory.h"
#include "util/part/cut.h"

/* The kernel counted what has no record. Where it counted nothing else, rows are all there is. */
static bool has_more_than_rows(const struct recording *rec)
{
	for (u32 i = 0; i < rec->totals.table.nr; i++) {
		const struct kvmw_total *t = &agg_table__at(&rec->totals, i)->total;

		if (t->lost || t->left_out)
			return true;
	}
	return rec->totals.over_limit > 0;
}

int cut_sums__begin(struct cut *c)
{
	struct cut_sums *s = &c->sums;

	account__init(&s->account);
	s->account.keys.budget = &c->budget;
	s->deltas.budget = &c->budget;
	keep_sums__init(&s->sums, &c->budget);
	s->all_rows = has_more_than_rows(c->rec);
	s->now_ns = c->rec->meta.start_ns;
	s->inside = mem__calloc(1, DATA_MAX_ROWS);
	return s->inside ? 0 : -1;
}

void cut_sums__free(struct cut_sums *s)
{
	account__free(&s->account);
	deltas__free(&s->deltas);
	keep_sums__free(&s->sums);
	free(s->inside);
}

/* ---- totals --------------------------------------------------------------- */

static bool sums_need(const struct event_desc *event, u32 field)
{
	const char *name = event->fields[field].name;

	return !strcmp(name, "time_ns") || !strcmp(name, "vcpu") || account__needs(event, field);
}

/* Rows from..to, all in it or none. */
static int add_run(struct cut *c, const struct event_desc *event, u32 from, u32 to)
{
	u64 *col[DATA_MAX_FIELDS];

	for (u32 i = 0; i < event->nr_fields; i++)
		col[i] = c->out.col[i] + from;
	c->sums.account.aside = !c->sums.inside[from];
	return account__columns(&c->sums.account, event, col, to - from);
}

int cut_sums__rows(struct cut *c, const struct data_reader *r, const struct data_frame *f,
		   const struct event_desc *event)
{
	int time = event_desc__field(event, "time_ns", strlen("time_ns"));
	int vcpu = event_desc__field(event, "vcpu", strlen("vcpu"));
	struct cut_sums *s = &c->sums;
	u32 nr = 0, from = 0;
	int ret = part_out__decode(&c->out, r, f, event, sums_need);

	if (ret || time < 0 || vcpu < 0)
		return ret;
	for (u32 i = 0; i < f->rows; i++) {
		bool inside = cut__has_time(c, c->out.col[time][i]);

		c->out.keep[i] =
			(inside || s->all_rows) &&
			(!cut__selects(c) || cut__has_rows_of(c, event->id, c->out.col[vcpu][i]));
		s->inside[nr] = inside;
		nr += c->out.keep[i];
	}
	if (nr < f->rows)
		part_out__compact(&c->out, event, f->rows, sums_need);
	for (u32 i = 1; i <= nr && !ret; i++) {
		if (i < nr && s->inside[i] == s->inside[from])
			continue;
		ret = add_run(c, event, from, i);
		from = i;
	}
	return ret;
}

/* ---- readings -------------------------------------------------------------- */

static int cut_sums__take_row(struct cut *c, const struct event_desc *event, u32 i)
{
	union {
		struct kvmw_total total;
		struct kvmw_holder holder;
		struct kvmw_taken taken;
		struct kvmw_cost cost;
	} row;
	struct cut_sums *s = &c->sums;
	bool inside = cut__has_time(c, s->now_ns);
	int err = 0;

	memset(&row, 0, sizeof(row));
	event_desc__row(event, c->out.col, i, &row);
	switch (event->id) {
	case KVMW_EVENT_TOTAL:
		/* Older recorders did not filter. */
		if (row.total.left_out == KVMW_NONE)
			row.total.left_out = 0;
		s->account.aside = !inside;
		return s->all_rows ? account__counted(&s->account, &row.total, 1) : 0;
	case KVMW_EVENT_COST:
		if (row.cost.time_ns < c->rec->window.from &&
		    c->rec->window.from > c->rec->meta.start_ns)
			s->before = row.cost;
		if (cut__has_time(c, row.cost.time_ns)) {
			s->last = row.cost;
			s->has_cost = true;
		}
		return 0;
	case KVMW_EVENT_HOLDER:
		err = deltas__holders(&s->deltas, &row.holder, 1);
		break;
	default:
		err = deltas__takens(&s->deltas, &row.taken, 1);
		break;
	}
	return err ? -1 : inside ? keep_sums__add(&s->sums, event->id, &row) : 0;
}

int cut_sums__table(struct cut *c, const struct event_desc *event, u32 rows)
{
	for (u32 i = 0; i < rows; i++)
		if (cut_sums__take_row(c, event, i))
			return -1;
	return 0;
}

/* ---- in the file ------------------------------------------------------------- */

void part_total__without_unknown(const struct recording *rec, struct kvmw_total *row)
{
	const struct agg_key key = { .vcpu = row->vcpu, .event = row->event, .isa = row->isa,
				     .reason = row->reason };
	const struct agg *agg = hash_table__find(&rec->totals.table, &key);

	if (!agg)
		return;
	row->halt_ns |= agg->total.halt_ns == KVMW_NONE ? KVMW_NONE : 0;
	row->poll_ns |= agg->total.poll_ns == KVMW_NONE ? KVMW_NONE : 0;
	row->wait_ns |= agg->total.wait_ns == KVMW_NONE ? KVMW_NONE : 0;
	row->block_ns |= agg->total.block_ns == KVMW_NONE ? KVMW_NONE : 0;
	row->throttled_ns |= agg->total.throttled_ns == KVMW_NONE ? KVMW_NONE : 0;
}

static int cut_sums__add_total(void *arg, const struct kvmw_total *row)
{
	struct cut *c = arg;

	return keep_sums__add(&c->sums.sums, KVMW_EVENT_TOTAL, row);
}

static int put_sums(struct part_out *o, const struct keep_sums *sums, u32 event,
		    void (*total)(const void *ctx, struct kvmw_total *row), const void *ctx)
{
	u32 nr;
	void *rows = keep_sums__rows(sums, event, &nr);
	int err;

	for (u32 i = 0; rows && event == KVMW_EVENT_TOTAL && i < nr; i++)
		total(ctx, (struct kvmw_total *)rows + i);
	err = !rows || part_out__rows(o, event, rows, nr);
	free(rows);
	return err ? -1 : 0;
}

int part_out__sums(struct part_out *o, const struct keep_sums *sums,
		   void (*total)(const void *ctx, struct kvmw_total *row), const void *ctx)
{
	return put_sums(o, sums, KVMW_EVENT_TOTAL, total, ctx) ||
	       put_sums(o, sums, KVMW_EVENT_HOLDER, total, ctx) ||
	       put_sums(o, sums, KVMW_EVENT_TAKEN, total, ctx) ? -1 : 0;
}

static void cut_sums__without_unknown(const void *ctx, struct kvmw_total *row)
{
	part_total__without_unknown(((const struct cut *)ctx)->rec, row);
}

static int cut_sums__put_cost(struct cut *c)
{
	const struct kvmw_cost cost = deltas__cost(&c->sums.before, &c->sums.last,
						   c->sums.last.bytes - c->sums.before.bytes);

	return c->sums.has_cost ? part_out__rows(&c->out, KVMW_EVENT_COST, &cost, 1) : 0;
}

int cut_sums__put(struct cut *c)
{
	struct cut_sums *s = &c->sums;
	struct kvmw_taken none = s->deltas.others;

	none.count = none.bytes = none.guest_count = none.guest_bytes = 0;
	if ((!c->lacks_rows && account__end(&s->account, cut_sums__add_total, c)) ||
	    (s->deltas.knows_taken && none.kind &&
	     keep_sums__add(&s->sums, KVMW_EVENT_TAKEN, &none)))
		return -1;
	return part_out__sums(&c->out, &s->sums, cut_sums__without_unknown, c) ||
	       cut_sums__put_cost(c) ? -1 : 0;
}
