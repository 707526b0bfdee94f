// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "util/analysis/kind_counts.h"
#include "util/render/chosen.h"
#include "util/render/csv.h"
#include "util/render/json.h"
#include "util/render/render.h"
#include "util/render/stat.h"

enum stat_column {
	TIME,
	KEYS,
	EXITS,
	RATE,
	GUEST,
	COST,
	KVM,
	VMM,
	POLLING,
	HALTED,
	WAITING,
	THROTTLED,
	BLOCKED,
	P50,
	P99,
	NR_STAT_COLUMNS
};

static const struct column_desc {
	const char *group, *head;
	u8 drop;		/* struct textgrid */
	enum report_column is;
} columns[NR_STAT_COLUMNS] = {
	[TIME] = { NULL, "time", 0, 0 },
	[EXITS] = { NULL, "exits", 0, COLUMN_COUNT },
	[RATE] = { NULL, "/s", 0, COLUMN_RATE },
	[GUEST] = { SHARES_GROUP, "guest", 0, 0 },
	[COST] = { SHARES_GROUP, "cost", 60, COLUMN_COST },
	[KVM] = { SHARES_GROUP, "KVM", 0, COLUMN_KVM },
	[VMM] = { SHARES_GROUP, "VMM", 0, COLUMN_VMM },
	[POLLING] = { SHARES_GROUP, "poll", 30, COLUMN_POLLING },
	[HALTED] = { SHARES_GROUP, "halt", 0, COLUMN_HALTED },
	[WAITING] = { SHARES_GROUP, "wait", 10, COLUMN_WAITING },
	[THROTTLED] = { SHARES_GROUP, "throttled", 20, COLUMN_THROTTLED },
	[BLOCKED] = { SHARES_GROUP, "block", 15, COLUMN_BLOCKED },
	[P50] = { CYCLE_GROUP, "p50 <", 50, COLUMN_P50 },
	[P99] = { CYCLE_GROUP, "p99 <", 40, COLUMN_P99 },
};

struct stat_table {
	const struct report *rep;
	struct textgrid grid;
	struct textgrid_col col[TEXTGRID_MAX];
	u8 drop[TEXTGRID_MAX];
	u32 nr_cols;
	u64 end_ns;
};

static bool stat_table__has(const struct stat_table *t, u32 col)
{
	if (col == TIME)
		return t->end_ns != KVMW_NONE;
	return t->rep->event == KVMW_EVENT_EXIT || col <= GUEST || col == VMM;
}

static void stat_table__add_column(struct stat_table *t, u32 col)
{
	bool exits = t->rep->event == KVMW_EVENT_EXIT;

	t->drop[t->nr_cols] = columns[col].drop;
	t->col[t->nr_cols++] = (struct textgrid_col) {
		.group = columns[col].group,
		.head = exits || (col != EXITS && col != GUEST) ? columns[col].head :
			col == EXITS ? "returns" : "KVM_RUN",
		.dull = col >= GUEST && col <= BLOCKED,
	};
}

static void stat_table__init(struct stat_table *t)
{
	for (u32 col = 0; col < NR_STAT_COLUMNS; col++) {
		if (col == KEYS)
			t->col[t->nr_cols++] = (struct textgrid_col) {
				.head = sort_key__title(report_options__key(t->rep->opt, 0),
							t->rep->desc),
				.left = true,
			};
		else if (stat_table__has(t, col))
			stat_table__add_column(t, col);
	}
	textgrid__init(&t->grid, t->col, t->nr_cols);
	t->grid.drop = t->drop;
}

/* Exits do not share the time in the guest among them. */
static u64 guest_ns(const struct stat_table *t, const struct report_row *row)
{
	if (row == &t->rep->total)
		return t->rep->whole.guest_ns;
	return report_options__sorts_by(t->rep->opt, KEY_REASON) ? KVMW_NONE : row->gap_ns;
}

/* In intervals, the heading stands for others, too: it cannot have the unit. */
static void put_duration(struct stat_table *t, u64 ns)
{
	char buf[UNITS_MAX];

	if (t->end_ns == KVMW_NONE)
		textgrid__ns(&t->grid, ns);
	else
		textgrid__add(&t->grid, "%s", units__ns(ns, UNITS_2, buf));
}

static void stat_table__add_cell(struct stat_table *t, const struct report_row *row, u32 col)
{
	switch (col) {
	case TIME:
		textgrid__add(&t->grid, "%.3f", t->end_ns / 1e9);
		break;
	case KEYS:
		textgrid__add(&t->grid, "%s", row == &t->rep->total ? "total" : row->label[0]);
		break;
	case EXITS:
		textgrid__count(&t->grid, row->count);
		break;
	case RATE:
		textgrid__rate(&t->grid, t->rep, row);
		break;
	case GUEST:
		textgrid__share(&t->grid, t->rep, row, guest_ns(t, row));
		break;
	case P50:
		put_duration(t, row->p50_ns);
		break;
	case P99:
		put_duration(t, row->p99_ns);
		break;
	default:
		textgrid__share(&t->grid, t->rep, row,
				report_column__get(columns[col].is)->measure(row));
	}
}

static void stat_table__add_row(struct stat_table *t, const struct report_row *row)
{
	for (u32 col = 0; col < NR_STAT_COLUMNS; col++)
		if (col == KEYS || stat_table__has(t, col))
			stat_table__add_cell(t, row, col);
}

static void stat_table__add_kind(struct stat_table *t, const struct kind_count *k)
{
	const struct event_desc *event = event_desc__by_id(k->key.event);
	const struct kind_desc *kind = event_desc__kind(event, k->key.kind);
	const struct report_row row = { .count = k->count };
	char took[UNITS_MAX + 2] = "", ns[UNITS_MAX];

	/* Intervals are of one width. */
	if (k->done && t->end_ns == KVMW_NONE)
		snprintf(took, sizeof(took), ", %s", units__ns(k->span_ns, UNITS_3, ns));

	for (u32 col = 0; col < NR_STAT_COLUMNS; col++) {
		if (col == KEYS)
			textgrid__add(&t->grid, "%s%s%s%s", event->name, kind ? ":" : "",
				      kind ? kind->name : "", took);
		else if (stat_table__has(t, col) && (col == TIME || col == EXITS || col == RATE))
			stat_table__add_cell(t, &row, col);
		else if (stat_table__has(t, col))
			textgrid__add(&t->grid, "-");
	}
}

int render__stat_table(const struct screen *s, const struct report *rep, u64 end_ns,
		       struct textgrid_parts *parts)
{
	struct stat_table t = { .rep = rep, .end_ns = end_ns };

	stat_table__init(&t);
	if (end_ns != KVMW_NONE)
		t.grid.parts = parts;
	for (u32 i = 0; i < rep->nr_rows; i++)
		stat_table__add_row(&t, &rep->row[i]);
	stat_table__add_row(&t, &rep->total);
	for (u32 i = 0; rep->kinds && i < rep->kinds->nr; i++)
		stat_table__add_kind(&t, &rep->kinds->each[i]);
	return textgrid__finish(&t.grid, s);
}

void render__stat_heading(const struct screen *s, const struct report *rep)
{
	const struct rec_meta *m = &rep->rec->meta;
	char vms[500], words[1024], count[UNITS_MAX];

	render__name_vms(rep->rec, vms, sizeof(vms));
	snprintf(words, sizeof(words), "%.3f s%s%s%s%s%s: %s: %s %s", rep->duration_ns / 1e9,
		 m->host ? " on " : "", m->host ?: "", m->kernel ? " (Linux " : "", m->kernel ?: "",
		 m->kernel ? ")" : "", vms, units__count(rep->total.count, count),
		 event_desc__noun(rep->desc, rep->total.count));
	screen__wrap(s, "# ", "# ", words);
	if (rep->event == KVMW_EVENT_USERSPACE)
		screen__wrap(s, "# VMM       ", "#           ", render__vmm_contains(rep->rec));
	for (u32 i = 0; i < m->notes.nr; i++)
		if (render__shows_note(rep, m->notes.text[i]))
			screen__wrap(s, "# note      ", "#           ", m->notes.text[i]);
	fputc('\n', s->out);
}

static struct json_object *stat_row(const struct report *rep, const struct report_row *row,
				    u64 end_ns)
{
	struct json_object *all = render__report_row_json(rep, row, true), *obj;

	if (end_ns == KVMW_NONE)
		return all;
	obj = json_object_new_object();
	json__u64(obj, "end_ns", end_ns);
	json_object_object_foreach(all, name, v) {
		json_object_object_add(obj, name, json_object_get(v));
	}
	json_object_put(all);
	return obj;
}

int render__stat_csv(const struct screen *s, const struct report *rep, u64 end_ns, bool names)
{
	struct out *out = json__expect() ? NULL : out__new(s);

	if (!out)
		return -1;
	if (names)
		csv__line(out, stat_row(rep, &rep->total, end_ns), true);
	for (u32 i = 0; i < rep->nr_rows; i++)
		csv__line(out, stat_row(rep, &rep->row[i], end_ns), false);
	return out__free(out);
}
