// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "util/recording/lost_names.h"

static struct json_object *member_at(struct json_object *list, size_t i, enum json_type type)
{
	struct json_object *o = json_object_array_get_idx(list, i);

	return json_object_is_type(o, type) ? o : NULL;
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool lost_name__id(const char *text, struct elf_place *place)
{
	size_t len = strlen(text);

	if (len % 2 || len / 2 < 2 || len / 2 > ELF_ID_MAX)
		return false;
	memset(place->id, 0, sizeof(place->id));
	for (size_t i = 0; i < len / 2; i++) {
		int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		place->id[i] = high << 4 | low;
	}
	place->id_len = len / 2;
	return true;
}

bool lost_name__parse(struct json_object *item, size_t nr, size_t *frame, struct elf_place *place)
{
	struct json_object *at, *id, *address;
	int64_t i;

	if (!json_object_is_type(item, json_type_array))
		return false;
	at = member_at(item, 0, json_type_int);
	id = member_at(item, 1, json_type_string);
	address = member_at(item, 2, json_type_int);
	i = at ? json_object_get_int64(at) : -1;
	if (!id || !address || i < 0 || (u64)i >= nr)
		return false;
	*frame = i;
	place->address = json_object_get_int64(address);
	return lost_name__id(json_object_get_string(id), place);
}
