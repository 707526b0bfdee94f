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
	bool cycle = report_event__is_cycle(rep->event);
	const char *const keys[] = {
		[KEY_REASON] = cycle ? "isa,reason_number,reason" : "kind_number,kind",
		[KEY_VCPU] = "vcpu_id,vcpu",
		[KEY_VM] = "vm",
		[KEY_DETAIL] = "detail_kind,detail_value,detail",
		[KEY_USER] = "user_reason_number,user_reason",
		[KEY_CPU] = "cpu",
	};

	for (u32 i = 0; i < rep->opt->nr_sort; i++)
		fprintf(s->out, "%s,", keys[rep->opt->sort[i]]);
	fprintf(s->out, "count,count_percent,unfinished,recorded,lost,exact,time_ns,time_percent,"
		"kvm_ns,user_ns,halt_ns,poll_ns,wait_ns,block_ns,%s,min_ns,mean_ns,p50_ns,p90_ns,p99_ns,max_ns\n",
		rep->event == KVMW_EVENT_USERSPACE ? "run_ns" : "guest_ns");
}

static void key(const struct screen *s, const struct report *rep, const struct report_row *row,
		enum report_key key)
{
	if (key == KEY_REASON && report_event__is_cycle(rep->event))
		fprintf(s->out, "%s,", isa_name(row->isa) ?: "");
	if (key == KEY_REASON)
		fprintf(s->out, "%u,", row->reason);
	if (key == KEY_VCPU)
		fprintf(s->out, "%u,", row->vcpu);
	if (key == KEY_DETAIL) {
		fprintf(s->out, "%u,", row->detail_kind);
		number(s, row->detail);
		fputc(',', s->out);
	}
	if (key == KEY_USER)
		fprintf(s->out, "%u,", row->user);
	text(s, row->label[key]);
	fputc(',', s->out);
}

static void line(const struct screen *s, const struct report *rep, const struct report_row *row)
{
	const u64 parts[] = { row->kvm_ns, row->user_ns, row->halt_ns, row->poll_ns, row->wait_ns,
			      row->block_ns };
	const u64 durations[] = { row->min_ns, row->mean_ns, row->p50_ns, row->p90_ns,
				  row->p99_ns, row->max_ns };

	for (u32 i = 0; i < rep->opt->nr_sort; i++)
		key(s, rep, row, rep->opt->sort[i]);
	fprintf(s->out, "%llu,%.4f,%llu,%llu,", (unsigned long long)row->count,
		row->count_percent, (unsigned long long)report_row__unfinished(rep, row),
		(unsigned long long)row->recorded);
	number(s, row->exact ? row->lost : KVMW_NONE);
	fprintf(s->out, ",%d,", row->exact);
	number(s, row->time_ns);
	fprintf(s->out, ",%.4f,", row->time_percent);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		number(s, parts[i]);
		fputc(',', s->out);
	}
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
