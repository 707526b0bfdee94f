/* SPDX-License-Identifier: GPL-2.0 */
/* BTF of the kernel and of modules, as the kernel shows it (Documentation/bpf/btf.rst). */
#ifndef KVMW_BTF_PARTS_H
#define KVMW_BTF_PARTS_H

#include <bpf/btf.h>

#include "util/hash_table.h"
#include "util/types.h"

#define BTF_MAX_PARTS	4
#define BTF_NAME	96
#define BTF_PAD		8	/* strings are compared by 8 bytes at first */

/* Wanted is the enumeration that has a member of this name: many have no name themselves. */
#define BTF_KIND_MEMBER	31

/* Besides 0, and -1 after error(), which is out of memory. */
#define BTF_DAMAGED	(-2)
#define BTF_NEWER	1	/* it has types of a kind that is not known here */

/* The kernel is part 0; a module's part goes on where that ends, with types and strings. */
struct btf_part {
	u8 *raw;
	const u8 *types;
	u32 types_len;
	const char *strings;
	u32 strings_len;
	u32 first_id, nr;	/* types */
	u32 first_string;
	u32 *at;		/* where each type is in types */
	int fd;			/* a module's, for the kernel; 0: it is the kernel */
};

/* A name, and the kinds of types and functions wanted of that name: a bitmap of BTF_KIND_*. */
struct btf_wanted {
	struct { char name[BTF_NAME]; } key;
	u32 kinds, found;	/* found: in the parts before */
};

struct btf_found {
	u32 wanted;		/* its number */
	u32 kind, part, id;
};

struct btf_parts {
	struct btf_part part[BTF_MAX_PARTS];
	u32 nr;
	struct hash_table wanted;	/* struct btf_wanted */
	struct btf_found *found;
	u32 nr_found, found_room;
};

#define BTF_PARTS (struct btf_parts) { .wanted = HASH_TABLE(struct btf_wanted, NULL) }

/*
 * ENUM64 counts as ENUM, and a flavor (NAME___flavor, see libbpf) as the type itself.  0, or -1: no
 * memory.
 */
int btf_parts__want(struct btf_parts *p, const char *name, u32 kind);

/*
 * The next part: raw BTF, which is allocated with BTF_PAD bytes more, and is freed with the parts.
 * 0, -1, BTF_DAMAGED or BTF_NEWER.
 */
int btf_parts__take(struct btf_parts *p, u8 *raw, u32 size, int fd);

/*
 * Finds all that is wanted; of what several parts have, only what the first of them has.  0, -1
 * after error(), or BTF_NEWER.
 */
int btf_parts__find(struct btf_parts *p);

/* The first that was found; NULL: none. */
const struct btf_found *btf_parts__found(const struct btf_parts *p, const char *name, u32 kind);

/* A type by the number that a type of this part uses for it, and *part: where it is. NULL: none. */
const struct btf_type *btf_parts__type(const struct btf_parts *p, u32 *part, u32 id);
const char *btf_parts__string(const struct btf_parts *p, u32 part, u32 offset);

/* Bytes of a type with what follows it; 0: of a kind that is not known. */
u32 btf__record_size(const struct btf_type *t);

/*
 * The types that were found, and those that they contain, as BTF of its own; a pointer is one to
 * void.  Bytes, or 0: no memory.
 */
u32 btf_parts__copy(const struct btf_parts *p, u8 **raw);

/* Frees the BTF, which takes some megabytes; btf_parts__found() remains usable. */
void btf_parts__drop_types(struct btf_parts *p);
void btf_parts__free(struct btf_parts *p);

#endif
