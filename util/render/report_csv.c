// SPDX-License-Identifier: GPL-2.0
/* kvmw report --csv: RFC 4180, one line per row; an empty field was not captured. */
#include <string.h>

#include "util/render/render.h"

static void text(const struct screen *s, const char *field)
{
	if (!strpbrk(field, ",\"\r\n")) {
		fputs(field, s->out);
		return;
	}
	fputc('"', s->out);
	for (; *field; field++) {
		if (*field == '"')
			fputc('"', s->out);
		fputc(*field, s->out);
	}
	fputc('"', s->out);
}

static void number(const struct screen *s, u64 value)
{
	if (value != KVMW_NONE)
		fprintf(s->out, "%llu", (unsigned long long)value);
}

static void header(const struct screen *s, const struct report *rep)
{
	static const char *const keys[] = {
		[KEY_REASON] = "isa,reason_number,reason",
		[KEY_VCPU] = "vcpu_id,vcpu",
		[KEY_VM] = "vm",
	};

	for (u32 i = 0; i < rep->opt->nr_sort; i++)
		fprintf(s->out, "%s,", keys[rep->opt->sort[i]]);
	fprintf(s->out, "count,count_percent,unfinished,recorded,lost,exact,time_ns,time_percent,"
		"user_ns,%s,min_ns,mean_ns,p50_ns,p90_ns,p99_ns,max_ns\n",
		rep->event == KVMW_EVENT_EXIT ? "guest_ns" : "run_ns");
}

static void key(const struct screen *s, const struct report_row *row, enum report_key key)
{
	if (key == KEY_REASON)
		fprintf(s->out, "%s,%u,", isa_name(row->isa) ?: "", row->reason);
	if (key == KEY_VCPU)
		fprintf(s->out, "%u,", row->vcpu);
	text(s, row->label[key]);
	fputc(',', s->out);
}

static void line(const struct screen *s, const struct report *rep, const struct report_row *row)
{
	const u64 durations[] = { row->min_ns, row->mean_ns, row->p50_ns, row->p90_ns,
				  row->p99_ns, row->max_ns };

	for (u32 i = 0; i < rep->opt->nr_sort; i++)
		key(s, row, rep->opt->sort[i]);
	fprintf(s->out, "%llu,%.4f,%llu,%llu,", (unsigned long long)row->count,
		row->count_percent, (unsigned long long)(row->count - row->done),
		(unsigned long long)row->recorded);
	number(s, row->exact ? row->lost : KVMW_NONE);
	fprintf(s->out, ",%d,", row->exact);
	number(s, row->time_ns);
	fprintf(s->out, ",%.4f,", row->time_percent);
	number(s, row->user_ns);
	fputc(',', s->out);
	number(s, row->gap_ns);
	for (size_t i = 0; i < ARRAY_SIZE(durations); i++) {
		fputc(',', s->out);
		number(s, durations[i]);
	}
	fputc('\n', s->out);
}

void render__report_csv(const struct screen *s, const struct report *rep)
{
	header(s, rep);
	for (u32 i = 0; i < rep->nr_rows - rep->nr_hidden; i++)
		line(s, rep, &rep->row[i]);
}
