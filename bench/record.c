// SPDX-License-Identifier: GPL-2.0
/* A recording of any size, through the writer of kvmw record. */
#include <stdio.h>
#include <stdlib.h>

#include "bench/rows.h"
#include "util/data/data.h"
#include "util/memory.h"

#define START_NS	5000000000ULL
#define MAX_TOTALS	64

struct maker {
	struct data_writer *w;
	struct data_encoder *enc;
	struct data_buf frame;
	struct kvmw_exit *rows;
	struct bench_rows made;
	struct kvmw_total total[MAX_TOTALS];	/* of each vCPU and reason */
	u32 nr_totals;
};

static void count_exit(struct maker *m, const struct kvmw_exit *e)
{
	struct kvmw_total *t = m->total;

	while (t < m->total + m->nr_totals && (t->vcpu != e->vcpu || t->reason != e->reason))
		t++;
	if (t == m->total + MAX_TOTALS)
		return;
	if (t == m->total + m->nr_totals) {
		m->nr_totals++;
		*t = (struct kvmw_total) { .vcpu = e->vcpu, .event = KVMW_EVENT_EXIT, .isa = e->isa,
					   .reason = e->reason };
	}
	t->count++;
	t->done++;
	t->gap_ns += e->guest_ns;
	t->span_ns += e->total_ns;
	t->user_ns += e->user_ns;
}

static int write_rows(struct maker *m, enum data_frame_type type, u32 event, const void *rows,
		      u32 nr)
{
	m->frame.len = 0;
	return data_encoder__rows(m->enc, type, event_desc__by_id(event), 0, rows, nr, &m->frame) ||
	       data_writer__append(m->w, &m->frame) ? -1 : 0;
}

static int write_json(struct maker *m, enum data_frame_type type, const char *json)
{
	m->frame.len = 0;
	return data_encoder__json(m->enc, type, json, &m->frame) ||
	       data_writer__append(m->w, &m->frame) ? -1 : 0;
}

static int write_host(struct maker *m, const struct resolution *to)
{
	static const char meta[] =
		"{\"kvmw\":\"bench\",\"command\":[\"kvmw\",\"bench\",\"record\"],"
		"\"start_ns\":5000000000,\"events\":[\"exit\"],"
		"\"host\":{\"name\":\"bench\",\"cpus\":4},"
		"\"clocks\":[{\"monotonic_ns\":5000000000,\"realtime_ns\":1735689600000000000}]}";
	char text[512], resolution[RESOLUTION_TEXT];
	int used = snprintf(text, sizeof(text),
			    "{\"vms\":[{\"id\":0,\"pid\":100,\"name\":\"made\",\"vmm\":\"bench\"}],"
			    "\"vcpus\":[");

	for (u32 i = 0; i < BENCH_ROWS_VCPUS; i++)
		used += snprintf(text + used, sizeof(text) - used,
				 "%s{\"id\":%u,\"vm\":0,\"vcpu\":%u,\"tid\":%u,\"comm\":\"vcpu%u\"}",
				 i ? "," : "", i, i, 101 + i, i);
	snprintf(text + used, sizeof(text) - used, "]}");
	if (write_json(m, DATA_META, meta) || write_json(m, DATA_IDENT, text))
		return -1;
	if (resolution__is_exact(to))
		return 0;
	snprintf(text, sizeof(text), "{\"resolution\":\"%s\"}", resolution__text(to, resolution));
	return write_json(m, DATA_META, text);
}

static int write_totals(struct maker *m)
{
	u64 end = START_NS;
	char text[96];

	for (u32 i = 0; i < BENCH_ROWS_VCPUS; i++)
		end = m->made.now[i] > end ? m->made.now[i] : end;
	snprintf(text, sizeof(text), "{\"stop\":{\"time_ns\":%llu,\"why\":\"enough\"}}",
		 (unsigned long long)end + 1);
	return write_rows(m, DATA_STATS, KVMW_EVENT_TOTAL, m->total, m->nr_totals) ||
	       write_json(m, DATA_META, text) || data_writer__finish(m->w) ? -1 : 0;
}

int bench_record(struct data_writer *w, u64 rows, u64 seed, const struct resolution *to)
{
	struct maker m = { .w = w, .enc = data_encoder__new() };
	int ret = -1;

	m.rows = mem__calloc(DATA_MAX_ROWS, sizeof(*m.rows));
	if (!m.enc || !m.rows || data_encoder__round(m.enc, to) || write_host(&m, to))
		goto out;
	bench_rows__init(&m.made, seed, START_NS);
	for (u32 nr; rows; rows -= nr) {
		nr = rows < DATA_MAX_ROWS ? rows : DATA_MAX_ROWS;
		bench_rows__linux(&m.made, m.rows, nr);
		for (u32 i = 0; i < nr; i++)
			count_exit(&m, &m.rows[i]);
		if (write_rows(&m, DATA_EVENTS, KVMW_EVENT_EXIT, m.rows, nr))
			goto out;
	}
	ret = write_totals(&m);
out:
	free(m.rows);
	free(m.frame.data);
	data_encoder__free(m.enc);
	return ret;
}
