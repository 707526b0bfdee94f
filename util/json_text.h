/* SPDX-License-Identifier: GPL-2.0 */
/*
 * JSON of a file that may hold anything. json-c makes up to 400 bytes of one byte of text, so
 * text is looked at first: how deep it is, and what it costs.
 */
#ifndef KVMW_JSON_TEXT_H
#define KVMW_JSON_TEXT_H

#include <json-c/json.h>

#include "util/types.h"

#define JSON_TEXT_DEPTH	16
#define JSON_TEXT_MAX	(8u << 20)	/* bytes of memory for what is parsed at a time */

/*
 * What the JSON of a file may cost in all, in bytes of memory for json-c, however often it is
 * used again; it is time that this bounds. A file earns more by being long.
 */
struct json_purse {
	u64 spent, earned;
};

enum { JSON_BAD = 1, JSON_TOO_MUCH };

void json_purse__earn(struct json_purse *purse, u64 file_bytes);
/* For text of so many bytes, before it is unpacked. 0 or JSON_TOO_MUCH */
int json_purse__pay_text(struct json_purse *purse, u64 bytes);

/* 0 and *obj, an object: json_object_put(); JSON_BAD, JSON_TOO_MUCH; or -1: out of memory. */
int json_text__parse(struct json_purse *purse, const char *text, struct json_object **obj);

/*
 * Text is an object. Of its members called names[i] that are lists, take() gets each element, one
 * at a time, which it does not keep; NULL: that is no object. 0 goes on. *any: there was such a
 * list.
 * 0; JSON_BAD, JSON_TOO_MUCH: what precedes was taken; -1: out of memory; or what take() returned.
 */
int json_text__each(struct json_purse *purse, const char *text, const char *const *names, u32 nr,
		    int (*take)(void *ctx, u32 name, struct json_object *obj), void *ctx,
		    bool *any);

#endif
