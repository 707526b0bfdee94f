/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Rows of one frame in order of time, with all columns: a value in 1, 2, 4 or 8 bytes, as the range
 * of its column needs, and in none where all of them are the same.  For users that read whole rows
 * rather than columns.
 */
#ifndef KVMW_SLICE_H
#define KVMW_SLICE_H

#include <stdlib.h>
#include <string.h>

#include "util/recording/filter.h"
#include "util/data/data.h"

struct slice_column {
	u64 base;		/* values are base + data - 1, so that none is 0 */
	u64 mask;		/* of the bits that a value has in data */
	u32 width;		/* bytes of a value in data: 0, 1, 2, 4, 8 */
	const u8 *data;		/* eight bytes can be read of each value */
};

struct slice {
	const struct data_event *event;	/* as the recording describes it */
	u32 rows;
	u64 number;		/* of its slicer's slices, from 1 on; 0: of a copy */
	bool last;		/* these are the frame's last rows */
	u32 holders;		/* besides the first one */
	size_t bytes;		/* of memory used */
	int time;		/* index of field time_ns, -1: none */
	u64 frame_ns;		/* time of rows without a time of their own */
	struct slice_column column[];	/* event->nr_fields */
};

/*
 * The value of a field in row i; all ones: unknown.  Without a branch, which would be mispredicted,
 * since columns differ; little endian, as all that kvmw runs on.
 */
static inline u64 slice__get(const struct slice *s, u32 field, u32 i)
{
	const struct slice_column *c = &s->column[field];
	u64 data;

	memcpy(&data, c->data + (size_t)i * c->width, sizeof(data));
	return c->base + (data & c->mask) - 1;
}

static inline u64 slice__time(const struct slice *s, u32 i)
{
	return s->time < 0 ? s->frame_ns : slice__get(s, s->time, i);
}

/* Takes a reference for slice__put(); all in one thread. NULL is allowed. */
static inline struct slice *slice__hold(struct slice *s)
{
	s->holders++;
	return s;
}

static inline void slice__put(struct slice *s)
{
	if (s && !s->holders--)
		free(s);
}

/* A slice of row i alone; free() it. NULL: out of memory (error() said so). */
struct slice *slice__copy(const struct slice *s, u32 i);

/* Decodes frames to slices, reusing its buffers. NULL: out of memory (error() said so). */
struct slicer *slicer__new(void);
void slicer__free(struct slicer *slicer);

/*
 * The rows of a frame that lie in the window, without the first skip of them: as many as
 * fit into max_bytes, but at least one.  0 and *out (NULL: no row is left); 1: damaged,
 * *why says how; -1: out of memory (error() said so).  slice__put() the slice.
 */
int slicer__cut(struct slicer *slicer, const struct data_event *event,
		const struct data_frame *f, const struct time_window *window, u32 skip,
		size_t max_bytes, struct slice **out, const char **why);

#endif
