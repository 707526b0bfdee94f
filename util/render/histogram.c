// SPDX-License-Identifier: GPL-2.0
/* report --hist: how many took how long, for each row, in full. */
#include <string.h>

#include "util/render/render.h"
#include "util/render/units.h"

#define MAX_BAR 60

void render__row_title(const struct screen *s, const struct report *rep,
		       const struct report_row *row)
{
	char count[UNITS_MAX], timed[UNITS_MAX + 16] = "";
	char text[NR_REPORT_KEYS * (REPORT_LABEL_MAX + 8) + 64] = "total";
	size_t len = 0;

	for (u32 i = 0; row != &rep->total && i < rep->opt->nr_sort; i++) {
		const struct sort_key *key = report_options__key(rep->opt, i);

		len += snprintf(text + len, sizeof(text) - len, "%s%s%s%s", i ? ", " : "",
				*key->field ? key->field : key->prefix, *key->field ? " " : "",
				row->label[i]);
	}
	len = strlen(text);
	if (row->recorded != row->span.count)
		snprintf(timed, sizeof(timed), ", %s with a time",
			 units__count(row->span.count, count));
	snprintf(text + len, sizeof(text) - len, ": %s recorded%s",
		 units__count(row->recorded, count), timed);
	screen__wrap(s, "", "  ", text);
}

static void histogram__histogram(const struct screen *s, const struct report_row *row)
{
	u32 room = s->width - 44 < MAX_BAR ? s->width - 44 : MAX_BAR, low = HIST_LOG2, high = 0;
	char from[UNITS_MAX], to[UNITS_MAX];
	u64 log2[HIST_LOG2], most = 0;

	hist__log2(&row->span, log2);
	for (u32 i = 0; i < HIST_LOG2; i++) {
		if (!log2[i])
			continue;
		low = i < low ? i : low;
		high = i;
		most = log2[i] > most ? log2[i] : most;
	}
	if (!most)
		return;
	fprintf(s->out, "  %18s  %12s %6s  distribution\n", "time", "count", "%");
	for (u32 i = low; i <= high; i++) {
		u64 last = i < 63 ? (2ULL << i) - 1 : UINT64_MAX - 1;
		u32 len = (u32)((double)room * log2[i] / most + 0.5);

		if (log2[i] && !len)
			len = 1;
		fprintf(s->out, "  %7s .. %7s  %12llu %6.2f  |",
			units__ns(i ? 1ULL << i : 0, UNITS_FULL, from),
			units__ns(last, UNITS_FULL, to), (unsigned long long)log2[i],
			100.0 * log2[i] / row->span.count);
		for (u32 k = 0; k < len; k++)
			fputs(s->utf8 ? "█" : "*", s->out);
		fputc('\n', s->out);
	}
}

void render__histograms(const struct screen *s, const struct report *rep)
{
	for (u32 i = 0; i < report__visible(rep); i++) {
		fputc('\n', s->out);
		render__row_title(s, rep, &rep->row[i]);
		histogram__histogram(s, &rep->row[i]);
	}
	if (rep->nr_rows > 1) {
		fputc('\n', s->out);
		render__row_title(s, rep, &rep->total);
		histogram__histogram(s, &rep->total);
	}
}
