// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "util/error.h"
#include "util/keep/ring.h"

#define ALIGN_TO	((u32)sizeof(struct keep_entry))	/* room for one in every gap */

int keep_ring__init(struct keep_ring *r, u64 bytes)
{
	void *memory;

	bytes -= bytes % ALIGN_TO;
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (memory == MAP_FAILED)
		return error("--keep: cannot allocate %llu MB: %s; a smaller SIZE keeps less",
			     (unsigned long long)bytes >> 20, strerror(errno));
	/* What is swapped out is not lost, but late: no reason to give up. */
	(void)mlock(memory, bytes);
	*r = (struct keep_ring) { .memory = memory, .size = bytes };
	return 0;
}

void keep_ring__free(struct keep_ring *r)
{
	if (r->memory)
		munmap(r->memory, r->size);
	r->memory = NULL;
}

static u32 entry_bytes(u32 len)
{
	return (sizeof(struct keep_entry) + len + ALIGN_TO - 1) / ALIGN_TO * ALIGN_TO;
}

struct keep_entry *keep_ring__at(const struct keep_ring *r, u64 at)
{
	return (struct keep_entry *)(r->memory + at % r->size);
}

/* Entries are in one piece: one that does not fit before the memory's end begins at its start. */
static u64 left_over(const struct keep_ring *r, u32 bytes)
{
	u64 to_end = r->size - r->end % r->size;

	return bytes > to_end ? to_end : 0;
}

u64 keep_ring__lacks(const struct keep_ring *r, u32 len)
{
	u64 bytes = entry_bytes(len), need = bytes + left_over(r, bytes), used = r->end - r->oldest;

	if (bytes > r->size / 2)
		return ~0ULL;
	return used + need > r->size ? used + need - r->size : 0;
}

void keep_ring__add(struct keep_ring *r, u32 what, u32 number, const void *data, u32 len)
{
	u32 bytes = entry_bytes(len);
	u64 gap = left_over(r, bytes);
	struct keep_entry *e;

	if (gap) {
		e = (struct keep_entry *)(r->memory + r->end % r->size);
		*e = (struct keep_entry) { .bytes = gap };
		r->end += gap;
	}
	e = (struct keep_entry *)(r->memory + r->end % r->size);
	*e = (struct keep_entry) { .bytes = bytes, .what = what, .len = len, .number = number };
	/* The end of a moment has no data. */
	if (len)
		memcpy(e->data, data, len);
	r->end += bytes;
}

void keep_ring__drop(struct keep_ring *r)
{
	r->oldest += keep_ring__at(r, r->oldest)->bytes;
}
