// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "util/recording/columns.h"
#include "util/memory.h"

static int columns__make_room(struct columns *c, u32 nr, u32 rows)
{
	if (rows > c->rows) {
		columns__free(c);
		c->rows = data_row_room(rows);
	}
	for (; c->nr < nr; c->nr++) {
		c->col[c->nr] = malloc(c->rows * sizeof(u64));
		if (!c->col[c->nr])
			return out_of_memory();
		c->filled[c->nr] = 0;
	}
	return 0;
}

static void columns__fill(struct columns *c, u32 k, u64 value, u32 rows)
{
	if (c->filled[k] >= rows && c->value[k] == value)
		return;
	for (u32 i = 0; i < rows; i++)
		c->col[k][i] = value;
	c->value[k] = value;
	c->filled[k] = rows;
}

int columns__read(struct columns *c, struct data_decoder *dec, const struct data_event *event,
		  const struct data_frame *f, const char *const *names, const char **why)
{
	u64 *col[COLUMNS_MAX], value[COLUMNS_MAX], coded = 0;
	int fields[COLUMNS_MAX], ret;
	u32 nr = 0, left = 0;

	if (!event) {
		*why = "event without a schema";
		return 1;
	}
	for (; nr < COLUMNS_MAX && names[nr]; nr++)
		fields[nr] = data_event__field(event, names[nr]);
	if (columns__make_room(c, nr, f->rows))
		return -1;
	*why = "damaged column";
	c->same = data_decoder__constants(dec, event, f, fields, nr, value);
	for (u32 k = 0; k < nr; k++) {
		if (c->same >> k & 1) {
			columns__fill(c, k, value[k], f->rows);
			c->facts[k] = (struct data_facts) { .bits = value[k] };
		} else {
			c->filled[k] = 0;
			fields[left] = fields[k];
			coded |= (c->coded >> k & 1) << left;
			col[left++] = c->col[k];
		}
	}
	c->coded = 0;
	data_decoder__codes(dec, coded);
	ret = data_decoder__columns(dec, event, f, fields, left, col, why);
	for (u32 k = 0, at = 0; !ret && k < nr; k++)
		if (!(c->same >> k & 1))
			data_decoder__facts(dec, fields[at++], f->rows, &c->facts[k]);
	return ret;
}

static u64 columns__value(const struct field_desc *field, const void *row)
{
	const void *at = (const char *)row + field->offset;

	switch (field->type) {
	case FIELD_u16:
		return *(const u16 *)at;
	case FIELD_u32:
		return *(const u32 *)at;
	case FIELD_s32:
		return (s64)*(const s32 *)at;
	default:
		return *(const u64 *)at;
	}
}

int columns__of_rows(struct columns *c, const struct event_desc *event, const void *rows, u32 nr,
		     const char *const *names)
{
	u32 nr_names = 0;

	while (nr_names < COLUMNS_MAX && names[nr_names])
		nr_names++;
	if (columns__make_room(c, nr_names, nr))
		return -1;
	for (u32 k = 0; k < nr_names; k++) {
		int field = event_desc__field(event, names[k], strlen(names[k]));

		for (u32 i = 0; i < nr; i++)
			c->col[k][i] = field < 0 ? KVMW_NONE :
				       columns__value(&event->fields[field],
						      (const char *)rows + (size_t)i * event->size);
	}
	return 0;
}

void columns__free(struct columns *c)
{
	while (c->nr)
		free(c->col[--c->nr]);
}
