// SPDX-License-Identifier: GPL-2.0
/* What a frame says of its columns, and the text of frames that have none. */
#include <stdlib.h>

#include <zstd_errors.h>

#include "util/data/decode.h"
#include "util/memory.h"

int decode__nr_columns(const struct data_frame *f)
{
	u32 nr;

	if (f->size < ROWS_HDR_SIZE || !f->rows || f->rows > DATA_MAX_ROWS)
		return -1;
	nr = get32(f->payload);
	if (nr > DATA_MAX_FIELDS || nr * COLUMN_HDR_SIZE > f->size - ROWS_HDR_SIZE)
		return -1;
	return nr;
}

void decode__get_column(const struct data_frame *f, u32 i, struct column *col)
{
	const u8 *entry = f->payload + ROWS_HDR_SIZE + (size_t)i * COLUMN_HDR_SIZE;

	col->field = get16(entry + COLUMN_AT_FIELD);
	col->encoding = entry[COLUMN_AT_ENCODING];
	col->flags = entry[COLUMN_AT_FLAGS];
	col->stored = get32(entry + COLUMN_AT_STORED);
	col->raw = get32(entry + COLUMN_AT_RAW);
	memcpy(col->refs, entry + COLUMN_AT_REFS, sizeof(col->refs));
	col->base = get64(entry + COLUMN_AT_BASE);
}

static const char *const encoding_names[] = {
#define NAME(name, nr) [nr] = #name,
	COLUMN_ENCODINGS(NAME)
};

int data_frame__columns(const struct data_frame *f, struct data_column *cols, u32 max)
{
	int nr = decode__nr_columns(f);
	struct column col;

	for (int i = 0; i < nr && (u32)i < max; i++) {
		decode__get_column(f, i, &col);
		cols[i].field = col.field;
		cols[i].encoding = col.encoding < ARRAY_SIZE(encoding_names) ?
				   encoding_names[col.encoding] : "unknown";
		cols[i].stored = col.stored;
		cols[i].raw = col.raw;
	}
	return nr < 0 || (u32)nr < max ? nr : (int)max;
}

u32 data_frame__json_bytes(const struct data_frame *f)
{
	return f->size < JSON_HDR_SIZE ? 0 : get32(f->payload);
}

int data_decoder__json(struct data_decoder *dec, const struct data_frame *f, char **text)
{
	u32 raw = data_frame__json_bytes(f);
	unsigned long long known;
	size_t n;

	*text = NULL;
	if (!raw || raw > JSON_MAX)
		return 1;
	/* Before there is memory for what is not there. */
	known = ZSTD_getFrameContentSize(f->payload + JSON_HDR_SIZE, f->size - JSON_HDR_SIZE);
	if (known != raw && known != ZSTD_CONTENTSIZE_UNKNOWN)
		return 1;
	*text = malloc((size_t)raw + 1);
	if (!*text)
		return out_of_memory();
	n = ZSTD_decompressDCtx(dec->zstd, *text, raw, f->payload + JSON_HDR_SIZE,
				f->size - JSON_HDR_SIZE);
	if (!ZSTD_isError(n) && n == raw) {
		(*text)[raw] = 0;
		return 0;
	}
	free(*text);
	*text = NULL;
	return ZSTD_getErrorCode(n) == ZSTD_error_memory_allocation ? out_of_memory() : 1;
}
