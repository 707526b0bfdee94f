// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>

#include "util/render/json.h"
#include "util/render/migration.h"
#include "util/render/textgrid.h"
#include "util/render/units.h"

static const char *rate_words(double bits, char *buf)
{
	if (bits < 1e9)
		snprintf(buf, UNITS_MAX, "%.3g Mbit/s", bits / 1e6);
	else
		snprintf(buf, UNITS_MAX, "%.3g Gbit/s", bits / 1e9);
	return buf;
}

static void migration__row(struct textgrid *g, u64 bits, const struct migration *m, bool slowed)
{
	char rate[UNITS_MAX], sent[UNITS_MAX], total[UNITS_MAX], downtime[UNITS_MAX],
		left[UNITS_MAX];

	textgrid__add(g, "%s", slowed ? "" : rate_words(bits, rate));
	textgrid__add(g, "%s", slowed ? "yes" : "no");
	textgrid__add(g, "%s", m->converges ? "yes" : "no");
	textgrid__add(g, "%u", m->rounds);
	textgrid__add(g, "%s", units__bytes(m->bytes, sent));
	textgrid__add(g, "%s", m->converges ? units__ns(m->total_ns, UNITS_3, total) : "-");
	textgrid__add(g, "%s", units__ns(m->downtime_ns, UNITS_3, downtime));
	textgrid__add(g, "%s", units__bytes(m->left_bytes, left));
	textgrid__add(g, "%.0f%%", 100 * m->throttle);
}

static int migration__table(const struct screen *s, const struct migration_replay *m)
{
	static const struct textgrid_col columns[] = {
		{ .head = "link" }, { .head = "auto-converge", .left = true }, { .head = "converges", .left = true },
		{ .head = "rounds" }, { .head = "sent" }, { .head = "total" }, { .head = "downtime" },
		{ .head = "last round" }, { .head = "slowed" },
	};
	static const u8 drop[ARRAY_SIZE(columns)] = { [3] = 1, [7] = 2 };
	struct textgrid grid;

	textgrid__init(&grid, columns, ARRAY_SIZE(columns));
	grid.drop = drop;
	for (u32 i = 0; i < m->nr_links; i++) {
		migration__row(&grid, m->link[i].bits, &m->link[i].plain, false);
		migration__row(&grid, m->link[i].bits, &m->link[i].slowed, true);
	}
	return textgrid__finish(&grid, s);
}

int render__migration(const struct screen *s, const struct migration_replay *m)
{
	char words[1024], memory[UNITS_MAX], downtime[UNITS_MAX], gap[UNITS_MAX], span[UNITS_MAX],
		rate[UNITS_MAX];

	fputs("\nWill it migrate?\n", s->out);
	if (*m->why_not) {
		snprintf(words, sizeof(words), "Unknown: %s.", m->why_not);
		screen__wrap(s, "  ", "  ", words);
		return 0;
	}
	snprintf(words, sizeof(words),
		 "An estimate: pre-copy replayed over the marks of %s, again and again, with %s of "
		 "memory and %s of downtime at most.",
		 units__ns(m->span_ns, UNITS_3, span), units__bytes(m->memory_bytes, memory),
		 units__ns(m->downtime_ns, UNITS_3, downtime));
	screen__wrap(s, "  ", "  ", words);
	if (migration__table(s, m))
		return -1;
	if (m->slowest_bits)
		snprintf(words, sizeof(words),
			 "The slowest link over which it does, without auto-converge: about %s.",
			 rate_words(m->slowest_bits, rate));
	else
		snprintf(words, sizeof(words), "No link up to %s does without auto-converge.",
			 rate_words(MIGRATION_BITS_MAX, rate));
	screen__wrap(s, "", "", words);
	snprintf(words, sizeof(words), "A page is marked once until the VMM takes the log, here every %s: a round sees the "
		 "marks since then. Zero pages, compression, multifd and the protocol are ignored.",
		 units__ns(m->gap_ns, UNITS_3, gap));
	screen__wrap(s, "", "", words);
	return 0;
}

static void migration__json(struct json_object *item, const char *key, const struct migration *m)
{
	struct json_object *obj = json__object(item, key);

	json__bool(obj, "converges", m->converges);
	json__u64(obj, "rounds", m->rounds);
	json__u64(obj, "bytes", m->bytes);
	json__ns(obj, "total_ns", m->converges ? m->total_ns : KVMW_NONE);
	json__u64(obj, "downtime_ns", m->downtime_ns);
	json__u64(obj, "left_bytes", m->left_bytes);
	json__real(obj, "throttle", m->throttle);
}

void render__migration_json(struct json_object *obj, const struct migration_replay *m)
{
	struct json_object *list, *item;

	obj = json__object(obj, "migration");
	json__text(obj, "unknown", *m->why_not ? m->why_not : NULL);
	if (*m->why_not)
		return;
	json__u64(obj, "memory_bytes", m->memory_bytes);
	json__u64(obj, "downtime_limit_ns", m->downtime_ns);
	json__u64(obj, "marked_again_ns", m->gap_ns);
	json__u64(obj, "span_ns", m->span_ns);
	json__ns(obj, "slowest_bits_per_second",
		 m->slowest_bits ? (u64)m->slowest_bits : KVMW_NONE);
	list = json__array(obj, "links");
	for (u32 i = 0; i < m->nr_links; i++) {
		item = json_object_new_object();
		json_object_array_add(list, item);
		json__u64(item, "bits_per_second", m->link[i].bits);
		migration__json(item, "plain", &m->link[i].plain);
		migration__json(item, "auto_converge", &m->link[i].slowed);
	}
}
