/* SPDX-License-Identifier: GPL-2.0 */
/* What the JSON of report and info have in common. */
#ifndef KVMW_RENDER_JSON_H
#define KVMW_RENDER_JSON_H

#include <json-c/json.h>

#include "util/recording/recording.h"
#include "util/render/screen.h"

/*
 * Version of all JSON that kvmw prints, member "schema". Names and their meanings stay; members
 * may be added without a new version. A name that goes or means something else is a new one.
 */
#define JSON_SCHEMA	1

/* Before objects are made: whether there is memory for those of one time. 0, or -1: error(). */
int json__expect(void);

/* The member "schema", which comes first. */
void json__schema(struct json_object *obj);

/* Each adds a member to obj. */
void json__u64(struct json_object *obj, const char *key, u64 value);
void json__ns(struct json_object *obj, const char *key, u64 ns);	/* KVMW_NONE: null */
/* Also KEY_hex, a string: JavaScript and jq keep 53 bits of a number. */
void json__address(struct json_object *obj, const char *key, u64 value);
void json__time(struct json_object *obj, const char *key, u64 ns);	/* 0: null */
/* "name", of the number before it; no member where no name is known. */
void json__name(struct json_object *obj, const char *name);
void json__text(struct json_object *obj, const char *key, const char *text);	/* NULL: null */
void json__bool(struct json_object *obj, const char *key, bool value);
void json__real(struct json_object *obj, const char *key, double value);
struct json_object *json__object(struct json_object *obj, const char *key);
struct json_object *json__array(struct json_object *obj, const char *key);

/* The VM that something is about: "pid", and where that is not enough "vm_id". NULL: null. */
void json__vm(struct json_object *obj, const struct recording *rec, const struct rec_vm *vm);

/* Where JSON is written to as it is made; all zero but for out in the beginning. */
struct json_writer {
	FILE *out;
	u32 depth;
	bool failed;
};

/*
 * A list of nr elements that are made when they are written, one at a time: as objects, a long one
 * takes three times the memory of its data.  ctx has to exist until then.
 */
typedef struct json_object *(*json_make)(struct json_writer *w, const void *ctx, u32 i);
void json__list(struct json_writer *w, struct json_object *obj, const char *key, u32 nr,
		json_make make, const void *ctx);

/* Writes root on several lines; frees it. 0, or -1 out of memory (error() said so). */
int json__write(struct json_writer *w, struct json_object *root);

/* The members that describe a recording. */
void json__recording(struct json_writer *w, struct json_object *obj, const struct recording *rec);

/* "vms" and "vcpus" of those. */
void json__identities(struct json_writer *w, struct json_object *obj, const struct recording *rec);

/* Prints root, on several lines or on one; frees it. 0, or -1 out of memory (error() said so). */
int json__print(const struct screen *s, struct json_object *root);
int json__print_line(const struct screen *s, struct json_object *root);

#endif
