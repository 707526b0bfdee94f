// SPDX-License-Identifier: GPL-2.0
#include <lz4.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/memory.h"
#include "util/symbols/boot_image.h"

/* Offsets in the image. */
#define SETUP_SECTORS	0x1f1		/* u8, of 512 bytes, without the first; 0 means 4 */
#define HEADER		0x202
#define PAYLOAD_OFFSET	0x248		/* u32, from what follows the sectors, since version 2.08 */

/*
 * lz4_Frame_format.md, legacy frame: this number, then blocks, each behind its compressed size and
 * of so many bytes at most when it is unpacked.
 */
#define LZ4_LEGACY	0x184c2102u
#define LZ4_BLOCK	(8 << 20)

bool boot_image__is(int fd)
{
	char magic[4];

	return pread(fd, magic, sizeof(magic), HEADER) == sizeof(magic) &&
	       !memcmp(magic, "HdrS", 4);
}

static bool read_u32(int fd, off_t at, u32 *value)
{
	return pread(fd, value, sizeof(*value), at) == sizeof(*value);
}

/* Where the compressed kernel begins, or 0. */
static off_t payload_of(int fd)
{
	u8 sectors;
	u32 offset;

	if (!boot_image__is(fd) || pread(fd, &sectors, 1, SETUP_SECTORS) != 1 ||
	    !read_u32(fd, PAYLOAD_OFFSET, &offset))
		return 0;
	return ((sectors ?: 4) + 1) * 512LL + offset;
}

/* How many bytes came out of the block at *at, which then is behind it; 0: there is none. */
static int unpack_block(int fd, off_t *at, char *in, char *out, int room)
{
	u32 size;
	int nr;

	if (!read_u32(fd, *at, &size) || !size || size > (u32)LZ4_compressBound(LZ4_BLOCK) ||
	    pread(fd, in, size, *at + sizeof(size)) != (ssize_t)size)
		return 0;
	nr = LZ4_decompress_safe(in, out, size, room < LZ4_BLOCK ? room : LZ4_BLOCK);
	*at += sizeof(size) + size;
	return nr > 0 ? nr : 0;
}

char *boot_image__unpack_lz4(int fd, size_t *size)
{
	off_t at = payload_of(fd);
	char *in, *out;
	u32 magic;
	int nr;

	if (!at || !read_u32(fd, at, &magic) || magic != LZ4_LEGACY)
		return NULL;
	at += sizeof(magic);
	in = mem__calloc(1, LZ4_compressBound(LZ4_BLOCK));
	out = mem__calloc(1, BOOT_IMAGE_MAX);
	*size = 0;
	/* What follows the last block is no size of one, and ends it. */
	while (in && out && (nr = unpack_block(fd, &at, in, out + *size, BOOT_IMAGE_MAX - *size)))
		*size += nr;
	free(in);
	if (*size)
		return out;
	free(out);
	return NULL;
}
