// SPDX-License-Identifier: GPL-2.0
/*
 * The reader against hostile recordings.  By the input's last byte:
 * even: a file, its checksums made right first, so that they keep nothing out;
 * odd: the payload of one frame, whose columns are decoded in every order.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util/data/format.h"
#include "util/error.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

struct fuzz {
	struct data_decoder *dec;
	u64 *cols[8];
};

/* In place of util/error.c: what the reader says of bad files is of no interest. */
int error(const char *fmt, ...)
{
	return -1;
}

void warning(const char *fmt, ...)
{
}

static void fix_checksums(u8 *data, size_t size)
{
	size_t at = FILE_HDR_SIZE;

	if (size < FILE_HDR_SIZE)
		return;
	memcpy(data, FILE_MAGIC, FILE_AT_MAJOR);
	put16(data + FILE_AT_MAJOR, FILE_MAJOR);
	put32(data + FILE_AT_CRC, data_crc(data, FILE_AT_CRC));
	while (at + FRAME_HDR_SIZE <= size) {
		u8 *h = data + at;
		u32 len = get32(h + FRAME_AT_SIZE);
		size_t room = size - at - FRAME_HDR_SIZE;

		if (get32(h) != FRAME_MAGIC) {
			at += FRAME_ALIGN;
			continue;
		}
		if (len <= room)
			put32(h + FRAME_AT_DATA_CRC, data_crc(h + FRAME_HDR_SIZE, len));
		put32(h + FRAME_AT_CRC, data_crc(h, FRAME_AT_CRC));
		at += FRAME_HDR_SIZE + (len <= room ? frame_padded(len) : 0);
	}
}

/* All columns, eight at a time, the last field first on odd streams. */
static void decode_all(struct fuzz *z, const struct data_event *event, const struct data_frame *f)
{
	struct data_column dir[DATA_MAX_FIELDS];
	const char *why;

	data_frame__columns(f, dir, DATA_MAX_FIELDS);
	for (u32 i = 0; i < event->nr_fields; i += 8) {
		u32 n = event->nr_fields - i < 8 ? event->nr_fields - i : 8;
		int fields[8];

		for (u32 k = 0; k < n; k++)
			fields[k] = f->stream % 2 ? i + n - 1 - k : i + k;
		data_decoder__columns(z->dec, event, f, fields, n, z->cols, &why);
	}
}

static void read_file(struct fuzz *z, u8 *data, size_t size)
{
	const struct data_event *event;
	struct data_frame *f;
	struct data_reader *r;
	char path[32], *text;
	size_t nr;
	int fd;

	fix_checksums(data, size);
	fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	r = data_reader__open(path);
	while (r && data_reader__next(r, &f) == 1) {
		data_frame__json(f, &text);
		free(text);
		event = data_reader__event(r, f->event);
		if (event)
			decode_all(z, event, f);
		data_frame__put(f);
	}
	if (r) {
		data_reader__damage(r, &nr);
		data_reader__missing_rows(r);
	}
	data_reader__close(r);
	close(fd);
}

/* As many rows as the first two bytes say; the rest is the payload. */
static void decode_payload(struct fuzz *z, const u8 *data, size_t size)
{
	struct schema schema = { 0 };
	struct data_frame f = { .type = DATA_EVENTS, .event = KVMW_EVENT_EXIT };
	char *text;

	if (size < 4)
		return;
	f.rows = get16(data) % 2048 + 1;
	f.stream = data[2];
	f.payload = data + 4;
	f.size = size - 4;
	schema__builtin(&schema, f.event);
	decode_all(z, schema__find(&schema, f.event), &f);
	data_frame__json(&f, &text);
	free(text);
	schema__free(&schema);
}

static void set_up(struct fuzz *z)
{
	z->dec = data_decoder__new();
	if (!z->dec)
		abort();
	for (u32 i = 0; i < ARRAY_SIZE(z->cols); i++) {
		z->cols[i] = malloc(DATA_MAX_ROWS * sizeof(u64));
		if (!z->cols[i])
			abort();
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct fuzz z;	/* lives as long as libFuzzer runs */
	u8 *copy = malloc(size + 1);

	if (!z.dec)
		set_up(&z);
	if (!copy)
		abort();
	memcpy(copy, data, size);
	if (size && data[size - 1] % 2)
		decode_payload(&z, copy, size);
	else
		read_file(&z, copy, size);
	free(copy);
	return 0;
}
