// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "util/array.h"
#include "util/capture/btf_parts.h"
#include "util/memory.h"

/* The first type of a copy: no program looks behind a pointer without naming the type there. */
#define VOID_POINTER	1

struct source {
	u32 part, id;
};

struct copy {
	const struct btf_parts *from;
	u32 *number[BTF_MAX_PARTS];	/* of each type in the copy; 0: it has none yet */
	struct source *sources;		/* in the order of their numbers, after VOID_POINTER */
	u32 nr, room;
	u8 *types;
	u32 types_len, types_room;
	char *strings;
	u32 strings_len, strings_room;
	bool failed;
};

/* The number of a type in the copy, which gets it if it has not got it. */
static u32 copy__number(struct copy *c, u32 part, u32 id)
{
	const struct btf_type *t = id ? btf_parts__type(c->from, &part, id) : NULL;
	u32 *number;

	if (!t || btf_kind(t) == BTF_KIND_FUNC_PROTO)
		return 0;
	if (btf_kind(t) == BTF_KIND_PTR)
		return VOID_POINTER;
	number = &c->number[part][id - c->from->part[part].first_id];
	if (!*number && !array__reserve(c->sources, c->nr, c->room, NULL)) {
		c->sources[c->nr++] = (struct source) { part, id };
		*number = VOID_POINTER + c->nr;
	}
	c->failed |= !*number;
	return *number;
}

static u32 copy__string(struct copy *c, u32 part, u32 offset)
{
	const char *s = offset ? btf_parts__string(c->from, part, offset) : "";
	u32 size = strlen(s) + 1, at = c->strings_len;

	if (size == 1 && at)
		return 0;
	if (array__reserve_many(c->strings, at, size, c->strings_room, NULL)) {
		c->failed = true;
		return 0;
	}
	memcpy(c->strings + at, s, size);
	c->strings_len += size;
	return at;
}

/* A place for bytes of types; NULL: no memory. */
static void *copy__take(struct copy *c, const void *bytes, u32 size)
{
	void *to;

	if (array__reserve_many(c->types, c->types_len, size, c->types_room, NULL)) {
		c->failed = true;
		return NULL;
	}
	to = c->types + c->types_len;
	memcpy(to, bytes, size);
	c->types_len += size;
	return to;
}

static void copy__members(struct copy *c, u32 part, struct btf_type *t)
{
	for (u32 i = 0; i < btf_vlen(t); i++) {
		struct btf_member *m = (struct btf_member *)(t + 1) + i;

		m->name_off = copy__string(c, part, m->name_off);
		m->type = copy__number(c, part, m->type);
	}
}

static void copy__type(struct copy *c, u32 part, u32 id)
{
	const struct btf_type *from = btf_parts__type(c->from, &part, id);
	struct btf_type *t = copy__take(c, from, btf__record_size(from));
	struct btf_array *array;

	if (!t)
		return;
	t->name_off = copy__string(c, part, t->name_off);
	switch (btf_kind(t)) {
	case BTF_KIND_TYPEDEF: case BTF_KIND_CONST: case BTF_KIND_VOLATILE: case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
		t->type = copy__number(c, part, t->type);
		break;
	case BTF_KIND_ARRAY:
		array = (void *)(t + 1);
		array->type = copy__number(c, part, array->type);
		array->index_type = copy__number(c, part, array->index_type);
		break;
	case BTF_KIND_STRUCT: case BTF_KIND_UNION:
		copy__members(c, part, t);
		break;
	case BTF_KIND_ENUM:
		for (u32 i = 0; i < btf_vlen(t); i++)
			((struct btf_enum *)(t + 1))[i].name_off =
				copy__string(c, part, ((struct btf_enum *)(t + 1))[i].name_off);
		break;
	case BTF_KIND_ENUM64:
		for (u32 i = 0; i < btf_vlen(t); i++)
			((struct btf_enum64 *)(t + 1))[i].name_off =
				copy__string(c, part, ((struct btf_enum64 *)(t + 1))[i].name_off);
		break;
	}
}

static void copy__all(struct copy *c)
{
	const struct btf_type pointer = { .info = BTF_KIND_PTR << 24 };

	for (u32 i = 0; i < c->from->nr; i++) {
		c->number[i] = mem__calloc(c->from->part[i].nr + 1, sizeof(u32));
		c->failed |= !c->number[i];
	}
	if (c->failed)
		return;
	copy__string(c, 0, 0);
	copy__take(c, &pointer, sizeof(pointer));
	for (u32 i = 0; i < c->from->nr_found; i++) {
		const struct btf_found *found = &c->from->found[i];

		/* Functions are found for their numbers alone, members for the recorder. */
		if (!(found->kind & (BIT(BTF_KIND_FUNC) | BIT(BTF_KIND_MEMBER))))
			copy__number(c, found->part, found->id);
	}
	/* Types that these contain are added while it goes on. */
	for (u32 i = 0; i < c->nr && !c->failed; i++)
		copy__type(c, c->sources[i].part, c->sources[i].id);
}

u32 btf_parts__copy(const struct btf_parts *p, u8 **raw)
{
	struct copy c = { .from = p };
	struct btf_header h = { .magic = BTF_MAGIC, .version = BTF_VERSION, .hdr_len = sizeof(h) };
	u32 size = 0;

	copy__all(&c);
	h.type_len = h.str_off = c.types_len;
	h.str_len = c.strings_len;
	*raw = c.failed ? NULL : mem__calloc(1, sizeof(h) + c.types_len + c.strings_len);
	if (*raw) {
		memcpy(*raw, &h, sizeof(h));
		memcpy(*raw + sizeof(h), c.types, c.types_len);
		memcpy(*raw + sizeof(h) + c.types_len, c.strings, c.strings_len);
		size = sizeof(h) + c.types_len + c.strings_len;
	}
	for (u32 i = 0; i < p->nr; i++)
		free(c.number[i]);
	array__free(c.sources, c.room, NULL);
	array__free(c.types, c.types_room, NULL);
	array__free(c.strings, c.strings_room, NULL);
	return size;
}
