/* SPDX-License-Identifier: GPL-2.0 */
/* Right checksums for a recording that has been changed. */
#ifndef KVMW_FUZZ_REPAIR_H
#define KVMW_FUZZ_REPAIR_H

#include <zstd.h>

#include "util/data/format.h"

/* How much room the repaired recording may need: JSON gets a header, and may not get shorter. */
static inline size_t repaired_bound(size_t size)
{
	return 4 * size + ZSTD_compressBound(size);
}

/* A payload, which is then len bytes long, or less if it is cut off. JSON text is compressed. */
static size_t put_payload(ZSTD_CCtx *zstd, u8 *to, const u8 *from, size_t len)
{
	size_t packed;

	if (!len || *from != '{') {
		memcpy(to, from, len);
		return len;
	}
	put32(to, len);
	put32(to + 4, 0);
	packed =
		ZSTD_compressCCtx(zstd, to + JSON_HDR_SIZE, ZSTD_compressBound(len), from, len, -1);
	return ZSTD_isError(packed) ? 0 : JSON_HDR_SIZE + packed;
}

/* Returns the bytes in out, which has room for repaired_bound(size). */
static size_t repair(ZSTD_CCtx *zstd, u8 *out, const u8 *data, size_t size)
{
	size_t at = FILE_HDR_SIZE, len = FILE_HDR_SIZE;
	u32 seq = 0;

	if (size < FILE_HDR_SIZE)
		return 0;
	memcpy(out, data, FILE_HDR_SIZE);
	memcpy(out, FILE_MAGIC, FILE_AT_MAJOR);
	put16(out + FILE_AT_MAJOR, FILE_MAJOR);
	put32(out + FILE_AT_CRC, data_crc(out, FILE_AT_CRC));
	while (at < size) {
		size_t left = size - at, room = left - FRAME_HDR_SIZE;
		u8 *h = out + len;
		u32 said;

		if (left < FRAME_HDR_SIZE || get32(data + at) != FRAME_MAGIC) {
			size_t skip = left < FRAME_ALIGN ? left : FRAME_ALIGN;

			memcpy(h, data + at, skip);
			len += skip;
			at += skip;
			continue;
		}
		memcpy(h, data + at, FRAME_HDR_SIZE);
		at += FRAME_HDR_SIZE;
		put32(h + FRAME_AT_SEQ, seq++);
		said = get32(h + FRAME_AT_SIZE);
		if (said <= room) {
			size_t put = put_payload(zstd, h + FRAME_HDR_SIZE, data + at, said);

			put32(h + FRAME_AT_SIZE, put);
			put32(h + FRAME_AT_DATA_CRC, data_crc(h + FRAME_HDR_SIZE, put));
			memset(h + FRAME_HDR_SIZE + put, 0, frame_padded(put) - put);
			len += frame_padded(put);
			at += frame_padded(said) < room ? frame_padded(said) : room;
		}
		put32(h + FRAME_AT_CRC, data_crc(h, FRAME_AT_CRC));
		len += FRAME_HDR_SIZE;
	}
	return len;
}

#endif
