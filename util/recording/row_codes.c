// SPDX-License-Identifier: GPL-2.0
#include "util/recording/row_codes.h"

struct row_codes row_codes__of(const struct scan_batch *b, u64 columns, u32 max)
{
	struct row_codes codes = { .all = 1 };

	for (columns &= ~b->same; columns; columns &= columns - 1) {
		const struct data_facts *facts =
			b->facts ? &b->facts[__builtin_ctzll(columns)] : NULL;

		if (!facts || !facts->code || codes.nr == ROW_CODES_COLUMNS ||
		    (u64)codes.all * facts->nr_values > max)
			return (struct row_codes) { .all = 0 };
		codes.code[codes.nr] = facts->code;
		codes.values[codes.nr++] = facts->nr_values;
		codes.all *= facts->nr_values;
	}
	return codes;
}

void scan_batch__set_rows(const struct scan_batch *b)
{
	for (u64 coded = b->coded; coded; coded &= coded - 1)
		for (u32 i = 0; i < b->rows; i++)
			scan_batch__set_row(b, __builtin_ctzll(coded), i);
}
