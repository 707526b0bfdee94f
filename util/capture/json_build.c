// SPDX-License-Identifier: GPL-2.0
#include "util/capture/json_build.h"
#include "util/memory.h"

int json_build__put(struct json_object *o, const char *key, struct json_object *value)
{
	if (o && value && !json_object_object_add(o, key, value))
		return 0;
	json_object_put(value);
	return -1;
}

int json_build__append(struct json_object *list, struct json_object *value)
{
	if (list && value && !json_object_array_add(list, value))
		return 0;
	json_object_put(value);
	return -1;
}

int json_build__put_null(struct json_object *o, const char *key)
{
	return o ? json_object_object_add(o, key, NULL) : -1;
}

int json_build__put_text(struct json_object *o, const char *key, const char *text)
{
	return json_build__put(o, key, json_object_new_string(text));
}

int json_build__append_text(struct json_object *list, const char *text)
{
	return json_build__append(list, json_object_new_string(text));
}

struct json_object *json_build__end(struct json_object *o, int err)
{
	if (!err)
		return o;
	json_object_put(o);
	return NULL;
}

char *json_build__text(struct json_object *root)
{
	const char *text =
		root ? json_object_to_json_string_ext(root, JSON_C_TO_STRING_PLAIN) : NULL;

	if (text)
		return mem__strdup(text);
	out_of_memory();
	return NULL;
}
