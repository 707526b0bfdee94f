// SPDX-License-Identifier: GPL-2.0
/*
 * dump_rows FILE: every row that the reader of kvmw gives, for tests in Python.
 *
 * For each frame one line "OFFSET SIZE EVENT STREAM ROWS FIELD...", then for each field
 * ROWS 64-bit values in the byte order of the machine; frames without rows have event 0
 * and no field; SIZE is that of the payload.  Damage is named on standard error; the
 * exit status is 1 then, as it is when the recorder did not finish.
 */
#include <stdio.h>
#include <stdlib.h>

#include "util/data/data.h"

struct dump {
	struct data_reader *reader;
	struct data_decoder *decoder;
	int fields[DATA_MAX_FIELDS];
	u64 *columns[DATA_MAX_FIELDS];
};

static int dump_frame(struct dump *d, const struct data_frame *f)
{
	const struct data_event *event = f->event ? data_reader__event(d->reader, f->event) : NULL;
	u32 nr = event ? event->nr_fields : 0;
	const char *why;

	for (u32 i = 0; i < nr; i++) {
		d->fields[i] = i;
		if (!d->columns[i])
			d->columns[i] = malloc(DATA_MAX_ROWS * sizeof(u64));
		if (!d->columns[i])
			return -1;
	}
	if (nr && data_decoder__columns(d->decoder, event, f, d->fields, nr, d->columns, &why)) {
		fprintf(stderr, "%llu: %s\n", (unsigned long long)f->offset, why);
		return -1;
	}
	printf("%llu %u %s %u %u", (unsigned long long)f->offset, f->size,
	       event ? event->name : "0", f->stream, f->rows);
	for (u32 i = 0; i < nr; i++)
		printf(" %s", event->fields[i].name);
	putchar('\n');
	for (u32 i = 0; i < nr; i++)
		fwrite(d->columns[i], sizeof(u64), f->rows, stdout);
	return 0;
}

int main(int argc, char **argv)
{
	struct dump d = { .reader = argc == 2 ? data_reader__open(argv[1]) : NULL };
	const struct data_damage *damage;
	struct data_frame *f;
	size_t nr_damage;
	int ret, bad = 0;

	d.decoder = data_decoder__new();
	if (!d.reader || !d.decoder)
		return 2;
	while ((ret = data_reader__next(d.reader, &f)) > 0) {
		bad |= dump_frame(&d, f);
		data_frame__put(f);
	}
	damage = data_reader__damage(d.reader, &nr_damage);
	for (size_t i = 0; i < nr_damage; i++)
		fprintf(stderr, "%llu: %s\n", (unsigned long long)damage[i].offset, damage[i].what);
	bad |= ret < 0 || nr_damage || !data_reader__finished(d.reader);
	for (u32 i = 0; i < DATA_MAX_FIELDS; i++)
		free(d.columns[i]);
	data_decoder__free(d.decoder);
	data_reader__close(d.reader);
	return bad ? 1 : 0;
}
