// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "util/recording/member.h"
#include "util/memory.h"
#include "util/text.h"

struct json_object *member__get(struct json_object *obj, const char *key, enum json_type type)
{
	struct json_object *value;

	if (!json_object_is_type(obj, json_type_object) ||
	    !json_object_object_get_ex(obj, key, &value) || !json_object_is_type(value, type))
		return NULL;
	return value;
}

u64 member__u64(struct json_object *obj, const char *key, u64 otherwise)
{
	struct json_object *value = member__get(obj, key, json_type_int);

	if (!value || (json_object_get_int64(value) < 0))
		return otherwise;
	return json_object_get_uint64(value);
}

u32 member__u32(struct json_object *obj, const char *key)
{
	u64 value = member__u64(obj, key, 0);

	return value > UINT32_MAX ? 0 : value;
}

int member__set_text(char **to, const char *text, size_t max)
{
	char *clean = text__clean(text, max);

	if (!clean)
		return out_of_memory();
	free(*to);
	*to = clean;
	return 0;
}

int member__text(struct json_object *obj, const char *key, char **to, size_t max)
{
	struct json_object *value = member__get(obj, key, json_type_string);

	return value ? member__set_text(to, json_object_get_string(value), max) : 0;
}
