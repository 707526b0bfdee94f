// SPDX-License-Identifier: GPL-2.0
/*
 * What the columns of a recording take and how fast they are made and read:
 * bench_codec [-f ROWS] [-n ROWS] [-r RESOLUTION] [FILE]: the exit rows of FILE, or rows like those
 * of CPUID and a port write in turn, then like those of a Linux guest.
 */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "bench/rows.h"
#include "util/data/data.h"
#include "util/error.h"
#include "util/memory.h"

#define MAX_ROWS	(1u << 20)

struct totals {
	u64 rows, bytes, frames;
	u64 column[DATA_MAX_FIELDS];
	double row_ns;		/* to encode, in the fastest frame: the first one gets memory */
	double decode_ns, decode3_ns;
	bool rounded;
	struct data_buf buf;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

/* The rows of a recording; 0: there are none. */
static u32 from_file(const char *path, struct kvmw_exit *rows)
{
	const struct event_desc *event = event_desc__by_id(KVMW_EVENT_EXIT);
	struct data_reader *r = data_reader__open(path);
	struct data_decoder *dec = data_decoder__new();
	u64 *col = malloc(DATA_MAX_ROWS * sizeof(u64));
	struct data_frame *f;
	const char *why;
	u32 nr = 0;

	while (r && data_reader__next(r, &f) == 1) {
		const struct data_event *e = data_reader__event(r, f->event);

		for (u32 k = 0; e && f->event == event->id && f->type == DATA_EVENTS &&
		     nr + f->rows <= MAX_ROWS && k < event->nr_fields; k++) {
			const struct field_desc *field = &event->fields[k];
			int index = data_event__field(e, field->name);

			if (data_decoder__columns(dec, e, f, &index, 1, &col, &why)) {
				error("%s: byte %llu: %s", path, (unsigned long long)f->offset,
				      why);
				exit(1);
			}
			for (u32 i = 0; i < f->rows; i++)	/* little-endian */
				__builtin_memcpy((u8 *)&rows[nr + i] + field->offset, &col[i],
						 field_type__width(field->type));
			nr += k + 1 == event->nr_fields ? f->rows : 0;
		}
		data_frame__put(f);
	}
	data_reader__close(r);
	data_decoder__free(dec);
	free(col);
	return nr;
}

/* One frame written to a file of its own and read back; adds to totals. */
static int one_frame(struct data_encoder *enc, struct data_decoder *dec,
		     const struct kvmw_exit *rows, u32 nr, u64 **cols, struct totals *t)
{
	static const int some[] = { 2, 9, 10 };		/* total_ns, reason, vcpu */
	const struct event_desc *event = event_desc__by_id(KVMW_EVENT_EXIT);
	struct data_column dir[DATA_MAX_FIELDS];
	int all[DATA_MAX_FIELDS], ret = -1, n;
	struct data_frame *f = NULL;
	char path[] = "/tmp/bench-codec-XXXXXX";
	struct data_reader *r = NULL;
	struct data_writer *w;
	const char *why = "it cannot be read";
	double start, row_ns;

	w = data_writer__new(mkstemp(path), path, DATA_ALL_EVENTS);
	start = now();
	if (!w || data_encoder__rows(enc, DATA_EVENTS, event, 0, rows, nr, &t->buf))
		goto out;
	row_ns = (now() - start) / nr;
	t->row_ns = t->frames && t->row_ns < row_ns ? t->row_ns : row_ns;
	t->bytes += t->buf.len;
	if (data_writer__append(w, &t->buf))
		goto out;
	r = data_reader__open(path);
	while (r && data_reader__next(r, &f) == 1 && f->type != DATA_EVENTS)
		data_frame__put(f);
	if (!r || !f)
		goto out;
	n = data_frame__columns(f, dir, DATA_MAX_FIELDS);
	for (int i = 0; i < n; i++) {
		t->column[dir[i].field] += dir[i].stored;
		all[i] = i;
	}
	start = now();
	if (data_decoder__columns(dec, data_reader__event(r, event->id), f, all, n, cols, &why))
		goto out;
	t->decode_ns += now() - start;
	for (u32 i = 0; i < nr && !t->rounded; i++) {
		why = "a value differs";
		if (cols[0][i] != rows[i].time_ns || cols[1][i] != rows[i].guest_ns ||
		    cols[2][i] != rows[i].total_ns || cols[3][i] != rows[i].user_ns ||
		    cols[4][i] != rows[i].rip || cols[5][i] != rows[i].info1)
			goto out;
	}
	start = now();
	if (data_decoder__columns(dec, data_reader__event(r, event->id), f, some, 3, cols, &why))
		goto out;
	t->decode3_ns += now() - start;
	t->rows += nr;
	t->frames++;
	ret = 0;
out:
	if (ret)
		error("a frame of %u rows: %s", nr, why);
	data_frame__put(f);
	data_reader__close(r);
	data_writer__close(w);
	unlink(path);
	return ret;
}

static int measure(const char *what, const struct kvmw_exit *rows, u32 nr, u32 per_frame,
		   const struct resolution *to)
{
	const struct event_desc *event = event_desc__by_id(KVMW_EVENT_EXIT);
	struct data_encoder *enc = data_encoder__new();
	struct data_decoder *dec = data_decoder__new();
	u64 *cols[DATA_MAX_FIELDS] = { NULL };
	struct totals t = { .rounded = !resolution__is_exact(to) };
	int ret = 0;

	if (data_encoder__round(enc, to))
		exit(1);
	for (u32 i = 0; i < event->nr_fields; i++)
		cols[i] = malloc(DATA_MAX_ROWS * sizeof(u64));
	for (u32 i = 0; i < nr && !ret; i += per_frame)
		ret = one_frame(enc, dec, rows + i, nr - i < per_frame ? nr - i : per_frame, cols,
				&t);
	if (!ret) {
		printf("%-12s %7llu rows %3llu frames  %.3f bytes/row  encode %.0f ns/row  "
		       "decode %.1f ns/row, 3 columns %.1f\n",
		       what, (unsigned long long)t.rows, (unsigned long long)t.frames,
		       (double)t.bytes / t.rows, t.row_ns, t.decode_ns / t.rows,
		       t.decode3_ns / t.rows);
		for (u32 i = 0; i < event->nr_fields; i++)
			if (t.column[i])
				printf("  %-11s %.4f\n", event->fields[i].name,
				       (double)t.column[i] / t.rows);
	}
	for (u32 i = 0; i < event->nr_fields; i++)
		free(cols[i]);
	data_encoder__free(enc);
	data_decoder__free(dec);
	free(t.buf.data);
	return ret;
}

int main(int argc, char **argv)
{
	struct kvmw_exit *rows = mem__calloc(MAX_ROWS, sizeof(*rows));
	u32 per_frame = DATA_MAX_ROWS, nr;
	struct resolution to = { .ns = 0 };
	struct bench_rows made;
	int ret = 0, opt;

	if (!rows)
		return KVMW_FAILED;
	nr = 4 * DATA_MAX_ROWS;
	while ((opt = getopt(argc, argv, "f:n:r:")) != -1) {
		if (opt == 'f')
			per_frame = strtoul(optarg, NULL, 0);
		else if (opt != 'r' || resolution__parse(&to, optarg))
			nr = opt == 'n' ? strtoul(optarg, NULL, 0) : 0;
		if (!per_frame || per_frame > DATA_MAX_ROWS || !nr || nr > MAX_ROWS) {
			fprintf(stderr, "usage: bench_codec [-f ROWS] [-n ROWS] [-r RESOLUTION] [FILE]: rows of a "
				"frame, rows of each guest\n");
			return KVMW_USAGE;
		}
	}
	if (optind < argc) {
		nr = from_file(argv[optind], rows);
		ret = nr ? measure("file", rows, nr, per_frame, &to) :
		      error("%s: no exit rows", argv[optind]);
	} else {
		bench_rows__init(&made, 0, 1000000);
		bench_rows__turns(&made, rows, nr);
		ret = measure("cpuid, pio", rows, nr, per_frame, &to);
		bench_rows__init(&made, 0, 1000000);
		bench_rows__linux(&made, rows, nr);
		ret |= measure("linux guest", rows, nr, per_frame, &to);
	}
	free(rows);
	return ret ? KVMW_FAILED : KVMW_OK;
}
