/* SPDX-License-Identifier: GPL-2.0 */
/* Members of the JSON objects in META and IDENT frames, which may be anything. */
#ifndef KVMW_MEMBER_H
#define KVMW_MEMBER_H

#include <json-c/json.h>

#include "util/types.h"

#define TEXT_MAX	256	/* characters of one text */

/* The member with this name and type, or NULL. */
struct json_object *member__get(struct json_object *obj, const char *key, enum json_type type);
u64 member__u64(struct json_object *obj, const char *key, u64 otherwise);
/* 0: there is none, or it is no u32. */
u32 member__u32(struct json_object *obj, const char *key);

/* Replaces *to by a text that is safe to print; max: characters. 0, or -1: out of memory. */
int member__set_text(char **to, const char *text, size_t max);
/* The same with a member's text; without one *to stays as it is. */
int member__text(struct json_object *obj, const char *key, char **to, size_t max);

#endif
