/* SPDX-License-Identifier: GPL-2.0 */
/* Small recordings, made with the writer, for the tests of what reads them. */
#ifndef KVMW_TEST_REC_H
#define KVMW_TEST_REC_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/analysis/models.h"
#include "util/analysis/report/aggregate_rows.h"
#include "util/data/data.h"

struct rec {
	char path[64];
	struct data_writer *w;
	struct data_encoder *enc;
	struct data_buf frame;
};

#define REC_MS	1000000ULL
#define REC_START (5000 * REC_MS)	/* start_ns */
#define REC_STOP  (7000 * REC_MS)

static inline void rec__must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "test recording: %s\n", what);
	abort();
}

static inline void rec__json(struct rec *r, enum data_frame_type type, const char *json)
{
	r->frame.len = 0;
	rec__must(!data_encoder__json(r->enc, type, json, &r->frame) &&
		  !data_writer__append(r->w, &r->frame), "JSON frame");
}

static inline void rec__rows(struct rec *r, enum data_frame_type type, u32 event,
			     const void *rows, u32 nr)
{
	r->frame.len = 0;
	rec__must(!data_encoder__rows(r->enc, type, event_desc__by_id(event), 0, rows, nr,
				      &r->frame) &&
		  !data_writer__append(r->w, &r->frame), "frame of rows");
}

static inline void rec__open(struct rec *r)
{
	int fd;

	memset(r, 0, sizeof(*r));
	strcpy(r->path, "/tmp/kvmw-test-XXXXXX");
	fd = mkstemp(r->path);
	rec__must(fd >= 0, "temporary file");
	r->w = data_writer__new(fd, r->path, DATA_ALL_EVENTS);
	r->enc = data_encoder__new();
	rec__must(r->w && r->enc, "writer");
}

/* ident: the first IDENT frame. */
static inline void rec__begin_of(struct rec *r, const char *ident)
{
	rec__open(r);
	rec__json(r, DATA_META, "{\"kvmw\":\"0.1\",\"host\":{\"name\":\"h\",\"kernel\":\"6.1\","
		  "\"cpus\":2},\"clocks\":[{\"monotonic_ns\":5000000000,"
		  "\"realtime_ns\":1700000000000000000}],\"start_ns\":5000000000}");
	rec__json(r, DATA_IDENT, ident);
}

/* Two VMs: pid 100 with vCPUs 0 and 1 (ids 0, 1), pid 200 with vCPU 0 (id 7). */
static inline void rec__begin(struct rec *r)
{
	rec__begin_of(r, "{\"vms\":[{\"id\":0,\"pid\":100,\"name\":\"one\",\"vmm\":\"qemu\"},"
		  "{\"id\":1,\"pid\":200,\"name\":\"two\",\"vmm\":\"firecracker\"}],"
		  "\"vcpus\":[{\"id\":0,\"vm\":0,\"vcpu\":0,\"tid\":101,\"comm\":\"a\"},"
		  "{\"id\":1,\"vm\":0,\"vcpu\":1,\"tid\":102,\"comm\":\"b\"},"
		  "{\"id\":7,\"vm\":1,\"vcpu\":0,\"tid\":201,\"comm\":\"c\"}]}");
}

static inline void rec__stop(struct rec *r)
{
	rec__json(r, DATA_META, "{\"stop\":{\"time_ns\":7000000000,\"why\":\"done\"}}");
}

/* finish: INDEX and END too. */
static inline void rec__end(struct rec *r, bool finish)
{
	rec__must(!finish || !data_writer__finish(r->w), "finish");
	rec__must(!data_writer__close(r->w), "close");
	data_encoder__free(r->enc);
	free(r->frame.data);
}

/* The usual end of both. */
static inline void rec__finish(struct rec *r)
{
	rec__stop(r);
	rec__end(r, true);
}

static inline bool rec__is_printable(const char *text)
{
	while (*text >= ' ' && *text < 0x7f)
		text++;
	return !*text;
}

/* What reading it gives. */
struct rec_report {
	struct recording *rec;
	struct agg_table aggs;
	struct report rep;
	const struct report_model *model;
	void *state;			/* of the model, finished; or NULL */
};

static inline struct data_reader *rec__reader(const struct rec *r, const char *window,
					      struct rec_report *out)
{
	struct data_reader *reader = data_reader__open(r->path);

	memset(out, 0, sizeof(*out));
	rec__must(reader, "open");
	out->rec = recording__new(r->path);
	rec__must(out->rec, "recording");
	out->rec->wants_memslots = true;
	if (window)
		rec__must(!time_window__parse(&out->rec->window, window), "window");
	return reader;
}

/* The aggregates of a report alone. */
static inline void rec__scan(struct data_reader *r, struct recording *rec,
			     const struct report_options *opt, u32 threads, bool sums,
			     struct agg_table *out)
{
	const struct scan_consumer *consumer;
	struct report_scan rs;
	void *result;

	report_scan__init(&rs, opt, sums);
	consumer = &rs.consumer;
	rec__must(!scan__read(r, rec, threads, &consumer, 1, &result), "scan");
	report_scan__take_result(result, out);
}

static inline void rec__report(const struct rec *r, const struct report_options *opt,
			       const char *window, struct rec_report *out)
{
	struct data_reader *reader = rec__reader(r, window, out);

	rec__scan(reader, out->rec, opt, 2, true, &out->aggs);
	rec__must(!report__make(&out->rep, out->rec, &out->aggs, opt), "report");
}

/* With the state of an event's model, too, not yet finished.  threads: of the scan. */
static inline void rec__model_state(const struct rec *r, const struct report_model *model,
				    const struct report_options *opt, const char *window,
				    u32 threads, struct rec_report *out)
{
	struct data_reader *reader = rec__reader(r, window, out);
	struct scan_consumer scan = model->scan;
	const struct scan_consumer *consumer[2] = { NULL, &scan };
	struct report_scan rs;
	void *result[2];

	report_scan__init(&rs, opt, true);
	scan.arg = (void *)opt;
	consumer[0] = &rs.consumer;
	rec__must(!scan__read(reader, out->rec, threads, consumer, 2, result), "scan");
	report_scan__take_result(result[0], &out->aggs);
	rec__must(!report__make(&out->rep, out->rec, &out->aggs, opt), "report");
	out->model = model;
	out->state = result[1];
}

static inline const void *rec__model(const struct rec *r, const struct report_model *model,
				     const struct report_options *opt, const char *window,
				     u32 threads, struct rec_report *out)
{
	rec__model_state(r, model, opt, window, threads, out);
	rec__must(!model->finish(out->state, &out->rep), "model");
	return out->state;
}

static inline void rec__report_free(struct rec_report *out)
{
	if (out->state)
		out->model->scan.free(out->state);
	report__free(&out->rep);
	agg_table__free(&out->aggs);
	recording__free(out->rec);
}

#endif
