// SPDX-License-Identifier: GPL-2.0
#include "util/data/decode.h"
#include "util/data/pair.h"

/* Whether the column can be decoded so, from c, once this was called. */
static bool begin_pair(const struct pair_frame *p, struct token_column *c)
{
	struct column col;
	u64 *out;

	if (decode__begin(p->dec, p->f) || decode__find_column(p->dec, p->f, p->field, &col) != 1 ||
	    col.encoding != COLUMN_TOKENS || col.refs[1] != col.field || col.refs[0] == col.field)
		return false;
	out = decode__rows_room(p->dec, p->field);
	return out && !decode__tokens(p->dec, p->f, &col, out, c);
}

void data_decoder__pair(const struct pair_frame *a, const struct pair_frame *b)
{
	struct token_column c, c2;

	if (!begin_pair(a, &c) || !begin_pair(b, &c2) ||
	    tokens__decode_two(a->dec->tokens, &c, b->dec->tokens, &c2))
		return;
	decode__set_done(a->dec, a->field, c.bits, c.out);
	decode__set_done(b->dec, b->field, c2.bits, c2.out);
	data_decoder__continue(a->dec);
	data_decoder__continue(b->dec);
}
