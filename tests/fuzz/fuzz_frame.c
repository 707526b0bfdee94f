// SPDX-License-Identifier: GPL-2.0
/*
 * The payload of one frame of exits: its columns are decoded in any order, and as JSON. The first
 * two bytes are the number of rows, the third one the order, whether codes are enough and whether
 * it is decoded beside another frame, the fourth one the column to begin with, since those after a
 * bad one are not decoded.
 */
#include <stdlib.h>
#include <string.h>

#include "util/data/format.h"
#include "util/data/pair.h"

#define HEADER	4u
#define MAX_NR	256u	/* more take longer, and prove the same */

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

struct fuzz {
	struct data_decoder *dec, *other;
	struct schema schema;		/* to make it takes longer than a frame */
	const struct data_event *event;
	u64 *cols[DATA_MAX_FIELDS];
};

static void set_up(struct fuzz *z)
{
	z->dec = data_decoder__new();
	z->other = data_decoder__new();
	if (!z->dec || !z->other || schema__builtin(&z->schema, KVMW_EVENT_EXIT))
		abort();
	z->event = schema__find(&z->schema, KVMW_EVENT_EXIT);
	if (!z->event)
		abort();
	for (u32 i = 0; i < z->event->nr_fields; i++) {
		z->cols[i] = malloc(MAX_NR * sizeof(u64));
		if (!z->cols[i])
			abort();
	}
}

/* What is known of columns is true of their rows; values: these were asked for, not only codes. */
static void check_facts(const struct fuzz *z, const struct data_frame *f, const int *fields,
			bool values)
{
	struct data_facts facts;

	for (u32 k = 0; k < z->event->nr_fields; k++) {
		data_decoder__facts(z->dec, fields[k], f->rows, &facts);
		for (u32 i = 0; i < f->rows; i++)
			if ((facts.code && facts.code[i] >= facts.nr_values) ||
			    (values &&
			     (z->cols[k][i] & ~facts.bits ||
			      (facts.code && z->cols[k][i] != facts.value[facts.code[i]]))))
				abort();
	}
}

static void decode_all(struct fuzz *z, const struct data_frame *f, u8 how, u32 first)
{
	u32 nr = z->event->nr_fields;
	int fields[DATA_MAX_FIELDS];
	const char *why;

	for (u32 i = 0; i < nr; i++)
		fields[i] = (first + (how & 1 ? nr - i : i)) % nr;
	if (how & 2)
		data_decoder__codes(z->dec, ~0ULL);
	if (how & 4)
		data_decoder__pair(&(struct pair_frame) { z->dec, f, first % nr },
				   &(struct pair_frame) { z->other, f, first % nr });
	if (!data_decoder__columns(z->dec, z->event, f, fields, nr, z->cols, &why))
		check_facts(z, f, fields, !(how & 2));
	if (how & 4)
		data_decoder__columns(z->other, z->event, f, fields, nr, z->cols, &why);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct fuzz z;	/* lives as long as libFuzzer runs */
	struct data_column dir[DATA_MAX_FIELDS];
	struct data_frame f = { .type = DATA_EVENTS, .event = KVMW_EVENT_EXIT };
	char *text;
	u8 *payload;

	if (!z.dec)
		set_up(&z);
	if (size <= HEADER)
		return 0;
	/* Of its own, so that a byte too many is noticed. */
	payload = malloc(size - HEADER);
	if (!payload)
		abort();
	memcpy(payload, data + HEADER, size - HEADER);
	f.rows = get16(data) % MAX_NR + 1;
	f.payload = payload;
	f.size = size - HEADER;
	data_frame__columns(&f, dir, DATA_MAX_FIELDS);
	decode_all(&z, &f, data[2], data[3]);
	if (!data_decoder__json(z.dec, &f, &text))
		free(text);
	free(payload);
	return 0;
}
