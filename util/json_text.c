// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "util/json_text.h"
#include "util/memory.h"

/* Bytes that json-c takes, at least: a table for 16 members, room for 32 elements, a value. */
#define COST_OBJECT	1000
#define COST_ARRAY	400
#define COST_VALUE	200
#define COST_TEXT	4	/* for each byte, of time: it is unpacked, looked at and parsed */

#define PURSE_FIRST	(1ULL << 30)
#define PURSE_PER_BYTE	128

void json_purse__earn(struct json_purse *purse, u64 file_bytes)
{
	u64 all =
		PURSE_FIRST + PURSE_PER_BYTE * (file_bytes < UINT32_MAX ? file_bytes : UINT32_MAX);

	if (all > purse->earned)
		purse->earned = all;
}

static int pay(struct json_purse *purse, u64 cost)
{
	if (cost > purse->earned - purse->spent)
		return JSON_TOO_MUCH;
	purse->spent += cost;
	return 0;
}

int json_purse__pay_text(struct json_purse *purse, u64 bytes)
{
	return pay(purse, COST_TEXT * bytes);
}

static const char *skip_space(const char *p)
{
	return p + strspn(p, " \t\r\n");
}

/* p is behind the first quote; NULL: there is no other. */
static const char *skip_string(const char *p)
{
	for (; *p && *p != '"'; p++)
		if (*p == '\\' && p[1])
			p++;
	return *p ? p + 1 : NULL;
}

/* The end of the value at p, and what it costs; NULL: it has none, or is too deep. */
static const char *skip_value(const char *p, u64 *cost)
{
	const char *begin = p;
	u32 depth = 0;

	*cost = COST_VALUE;
	for (; *p; p++) {
		switch (*p) {
		case '"':
			p = skip_string(p + 1);
			if (!p)
				return NULL;
			p--;
			break;
		case '{':
		case '[':
			*cost += *p == '{' ? COST_OBJECT : COST_ARRAY;
			if (++depth > JSON_TEXT_DEPTH)
				return NULL;
			break;
		case '}':
		case ']':
			if (!depth || !--depth) {
				*cost += p - begin;
				return depth || p == begin || (*begin != '{' && *begin != '[') ? p :
				       p + 1;
			}
			break;
		case ',':
			if (!depth)
				return p;
			*cost += COST_VALUE;
			break;
		}
	}
	return depth ? NULL : p;
}

/* Of a text that ends at end. 0, or JSON_BAD. */
static int parse_object(struct json_tokener *tok, const char *text, const char *end,
			struct json_object **obj)
{
	json_tokener_reset(tok);
	*obj = json_tokener_parse_ex(tok, text, end - text);
	if (json_object_is_type(*obj, json_type_object))
		return 0;
	json_object_put(*obj);
	*obj = NULL;
	return JSON_BAD;
}

/* 0 if a value that ends there may be parsed, and there is memory for it. */
static int pay_for_value(struct json_purse *purse, const char *end, u64 cost)
{
	if (!end)
		return JSON_BAD;
	if (cost > JSON_TEXT_MAX || pay(purse, cost))
		return JSON_TOO_MUCH;
	return mem__expect(cost);
}

int json_text__parse(struct json_purse *purse, const char *text, struct json_object **obj)
{
	struct json_tokener *tok;
	const char *end;
	u64 cost;
	int ret;

	*obj = NULL;
	text = skip_space(text);
	end = skip_value(text, &cost);
	ret = pay_for_value(purse, end, cost);
	if (ret)
		return ret;
	tok = json_tokener_new_ex(JSON_TEXT_DEPTH);
	if (!tok)
		return out_of_memory();
	ret = parse_object(tok, text, end, obj);
	json_tokener_free(tok);
	return ret;
}

struct each {
	struct json_purse *purse;
	struct json_tokener *tok;
	int (*take)(void *ctx, u32 name, struct json_object *obj);
	void *ctx;
};

static int take_element(struct each *each, u32 name, const char *text, const char *end, u64 cost)
{
	struct json_object *obj;
	int ret = pay_for_value(each->purse, end, cost);

	if (ret)
		return ret;
	if (*text != '{')
		return each->take(each->ctx, name, NULL);
	ret = parse_object(each->tok, text, end, &obj);
	if (!ret)
		ret = each->take(each->ctx, name, obj);
	json_object_put(obj);
	return ret;
}

/* *at is at a list's '[' and then behind its ']'. */
static int take_list(struct each *each, u32 name, const char **at)
{
	const char *p = skip_space(*at + 1), *end;
	int ret = 0;

	if (*p == ']') {
		*at = p + 1;
		return 0;
	}
	while (!ret) {
		u64 cost;

		end = skip_value(p, &cost);
		if (!end || end == p)
			return JSON_BAD;
		ret = take_element(each, name, p, end, cost);
		if (ret)
			break;
		end = skip_space(end);
		*at = end + 1;
		if (*end == ']')
			return 0;
		if (*end != ',')
			return JSON_BAD;
		p = skip_space(end + 1);
	}
	return ret;
}

static u32 find_name(const char *key, size_t len, const char *const *names, u32 nr)
{
	u32 i = 0;

	while (i < nr && (strlen(names[i]) != len || memcmp(names[i], key, len)))
		i++;
	return i;
}

static int take_members(struct each *each, const char *text, const char *const *names, u32 nr,
			bool *any)
{
	const char *p = skip_space(text), *key;
	u64 cost;
	u32 name;
	int ret;

	if (*p != '{')
		return JSON_BAD;
	p = skip_space(p + 1);
	while (*p == '"') {
		key = p + 1;
		p = skip_string(key);
		if (!p)
			return JSON_BAD;
		name = find_name(key, p - 1 - key, names, nr);
		p = skip_space(p);
		if (*p != ':')
			return JSON_BAD;
		p = skip_space(p + 1);
		if (name < nr && *p == '[') {
			*any = true;
			ret = take_list(each, name, &p);
			if (ret)
				return ret;
		} else {
			p = skip_value(p, &cost);
			if (!p)
				return JSON_BAD;
		}
		p = skip_space(p);
		if (*p == '}')
			return 0;
		if (*p != ',')
			return JSON_BAD;
		p = skip_space(p + 1);
	}
	return *p == '}' ? 0 : JSON_BAD;
}

int json_text__each(struct json_purse *purse, const char *text, const char *const *names, u32 nr,
		    int (*take)(void *ctx, u32 name, struct json_object *obj), void *ctx, bool *any)
{
	struct each each = { .purse = purse, .take = take, .ctx = ctx };
	int ret;

	*any = false;
	each.tok = json_tokener_new_ex(JSON_TEXT_DEPTH);
	if (!each.tok)
		return out_of_memory();
	ret = take_members(&each, text, names, nr, any);
	json_tokener_free(each.tok);
	return ret;
}
