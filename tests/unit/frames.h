/* SPDX-License-Identifier: GPL-2.0 */
/* For the tests of util/data: recordings in memory, rows of any event. */
#ifndef KVMW_TEST_FRAMES_H
#define KVMW_TEST_FRAMES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/data/format.h"

/* A file without a name; path opens it again from its beginning. */
struct memory_file {
	int fd;
	char path[32];
};

static inline struct memory_file memory_file(const void *data, size_t size)
{
	struct memory_file m = { .fd = memfd_create("kvmw-test", MFD_CLOEXEC) };

	assert_true(m.fd >= 0);
	snprintf(m.path, sizeof(m.path), "/proc/self/fd/%d", m.fd);
	if (size)
		assert_int_equal(write(m.fd, data, size), size);
	return m;
}

/* A writer into the file, whose descriptor stays open.  events: bits of those in its SCHEMA. */
static inline struct data_writer *write_to(const struct memory_file *m, u32 events)
{
	struct data_writer *w = data_writer__new(dup(m->fd), m->path, events);

	assert_non_null(w);
	return w;
}

static inline u8 *contents(const struct memory_file *m, size_t *size)
{
	off_t end = lseek(m->fd, 0, SEEK_END);
	u8 *data = malloc(end + 1);

	assert_non_null(data);
	assert_int_equal(pread(m->fd, data, end, 0), end);
	*size = end;
	return data;
}

static inline u64 rnd(u64 *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* A field of a row as the reader gives it: 64 bits, signed ones sign-extended. */
static inline u64 row_get(const struct field_desc *field, const void *row)
{
	const u8 *p = (const u8 *)row + field->offset;

	switch (field->type) {
	case FIELD_u16:
		return *(const u16 *)p;
	case FIELD_u32:
		return *(const u32 *)p;
	case FIELD_s32:
		return (s64)*(const s32 *)p;
	case FIELD_u64:
	case FIELD_s64:
		break;
	}
	return *(const u64 *)p;
}

static inline void row_set(const struct field_desc *field, void *row, u64 v)
{
	memcpy((u8 *)row + field->offset, &v, field_type__width(field->type));
}

/* Columns for every field of any event. */
struct columns {
	u64 *col[DATA_MAX_FIELDS];
	int all[DATA_MAX_FIELDS];
};

static inline void columns_init(struct columns *c)
{
	for (u32 i = 0; i < DATA_MAX_FIELDS; i++) {
		c->all[i] = i;
		c->col[i] = malloc(DATA_MAX_ROWS * sizeof(u64));
		assert_non_null(c->col[i]);
	}
}

/* So that values that are not written again are found. */
static inline void columns_spoil(struct columns *c, u32 nr_fields, u32 rows)
{
	for (u32 i = 0; i < nr_fields; i++)
		memset(c->col[i], 0xa5, rows * sizeof(u64));
}

static inline void columns_free(struct columns *c)
{
	for (u32 i = 0; i < DATA_MAX_FIELDS; i++)
		free(c->col[i]);
}

#endif
