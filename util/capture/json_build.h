/* SPDX-License-Identifier: GPL-2.0 */
/*
 * JSON of a recording, with every allocation checked: an object or a value of NULL
 * stands for one that there was no memory for. Results are 0 or -1, silently, so that
 * they can be or-ed; json_build__text() reports it, once for the whole text.
 */
#ifndef KVMW_JSON_BUILD_H
#define KVMW_JSON_BUILD_H

#include <json-c/json.h>

/* These take value, even if they fail. */
int json_build__put(struct json_object *o, const char *key, struct json_object *value);
int json_build__append(struct json_object *list, struct json_object *value);

int json_build__put_null(struct json_object *o, const char *key);
int json_build__put_text(struct json_object *o, const char *key, const char *text);
int json_build__append_text(struct json_object *list, const char *text);

/* o if everything succeeded; else NULL, with o freed. */
struct json_object *json_build__end(struct json_object *o, int err);

/* The text of root, on one line, to be freed; root stays. NULL after error(). */
char *json_build__text(struct json_object *root);

#endif
