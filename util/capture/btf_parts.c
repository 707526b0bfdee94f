// SPDX-License-Identifier: GPL-2.0
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/arch/arch.h"
#include "util/array.h"
#include "util/capture/btf_parts.h"
#include "util/error.h"
#include "util/memory.h"
#include "util/search.h"

#define BTF_DIR		"/sys/kernel/btf/"

/* Where that of Linux 5.10 to 7.0 ends; a later one, as headers have it, goes on. */
#define BTF_HEADER_SIZE	(offsetof(struct btf_header, str_len) + sizeof(u32))

/* Where a part has the name of something that is wanted. */
struct name_place {
	u32 offset, wanted;
};

/* One bit for each of 64 K hashes: nearly all names and types are passed over at once. */
struct name_filter {
	u64 bits[1024];
};

static bool name_filter__has(const struct name_filter *f, u16 hash)
{
	return f->bits[hash / 64] >> hash % 64 & 1;
}

static void name_filter__add(struct name_filter *f, u16 hash)
{
	f->bits[hash / 64] |= 1ULL << hash % 64;
}

/* The bytes behind the name may be read. */
static u16 name_hash(const char *name, size_t len)
{
	u64 first;

	memcpy(&first, name, sizeof(first));
	if (len < sizeof(first))
		first &= (1ULL << 8 * len) - 1;
	return hash_fold(first ^ len << 56, 0x9e3779b97f4a7c15);
}

static u16 offset_hash(u32 offset)
{
	return offset * 0x9e3779b1 >> 16;
}

static u32 kind_bit(u32 kind)
{
	return BIT(kind == BTF_KIND_ENUM64 ? BTF_KIND_ENUM : kind);
}

/* As bpf_core_essential_name_len() of libbpf. */
static size_t without_flavor(const char *name)
{
	const char *at = name, *sep, *last = NULL;

	while ((sep = strstr(at, "___"))) {
		if (sep > name && sep[-1] != '_' && sep[3] && sep[3] != '_')
			last = sep;
		at = sep + 1;
	}
	return last ? (size_t)(last - name) : strlen(name);
}

int btf_parts__want(struct btf_parts *p, const char *name, u32 kind)
{
	struct btf_wanted key = {}, *wanted;
	size_t len = without_flavor(name);

	/* None of the programs' is as long. */
	if (!len || len >= sizeof(key.key.name))
		return 0;
	memcpy(key.key.name, name, len);
	wanted = hash_table__get(&p->wanted, &key.key);
	if (!wanted)
		return -1;
	wanted->kinds |= kind_bit(kind);
	return 0;
}

u32 btf__record_size(const struct btf_type *t)
{
	u32 n = btf_vlen(t), size = sizeof(*t);

	switch (btf_kind(t)) {
	case BTF_KIND_PTR: case BTF_KIND_FWD: case BTF_KIND_TYPEDEF: case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST: case BTF_KIND_RESTRICT: case BTF_KIND_FUNC: case BTF_KIND_FLOAT:
	case BTF_KIND_TYPE_TAG:
		return size;
	case BTF_KIND_INT:
		return size + sizeof(u32);
	case BTF_KIND_VAR:
		return size + sizeof(struct btf_var);
	case BTF_KIND_DECL_TAG:
		return size + sizeof(struct btf_decl_tag);
	case BTF_KIND_ARRAY:
		return size + sizeof(struct btf_array);
	case BTF_KIND_STRUCT: case BTF_KIND_UNION:
		return size + n * sizeof(struct btf_member);
	case BTF_KIND_ENUM:
		return size + n * sizeof(struct btf_enum);
	case BTF_KIND_ENUM64:
		return size + n * sizeof(struct btf_enum64);
	case BTF_KIND_FUNC_PROTO:
		return size + n * sizeof(struct btf_param);
	case BTF_KIND_DATASEC:
		return size + n * sizeof(struct btf_var_secinfo);
	default:
		return 0;
	}
}

/* 0, -1 or BTF_DAMAGED. */
static int read_whole(const char *path, u8 **raw, u32 *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret = BTF_DAMAGED;
	struct stat st;
	u32 len = 0;
	ssize_t got;

	if (fd < 0 || fstat(fd, &st) || st.st_size < (off_t)BTF_HEADER_SIZE ||
	    st.st_size > INT32_MAX)
		goto out;
	*raw = mem__calloc(st.st_size + BTF_PAD, 1);
	ret = *raw ? 0 : -1;
	while (*raw && len < st.st_size && (got = read(fd, *raw + len, st.st_size - len)) > 0)
		len += got;
	*size = len;
out:
	if (fd >= 0)
		close(fd);
	return ret;
}

/* 0, or BTF_DAMAGED. */
static int take_header(struct btf_part *part, u32 size)
{
	const struct btf_header *h = (const void *)part->raw;

	if (size < BTF_HEADER_SIZE || h->magic != BTF_MAGIC || h->hdr_len < BTF_HEADER_SIZE ||
	    h->hdr_len > size || (u64)h->hdr_len + h->type_off + h->type_len > size ||
	    h->type_off % 4 || h->hdr_len % 4 || (u64)h->hdr_len + h->str_off + h->str_len > size ||
	    !h->str_len)
		return BTF_DAMAGED;
	part->types = part->raw + h->hdr_len + h->type_off;
	part->types_len = h->type_len;
	part->strings = (const char *)part->raw + h->hdr_len + h->str_off;
	part->strings_len = h->str_len;
	return part->strings[h->str_len - 1] ? BTF_DAMAGED : 0;
}

/* The places that a part has of what is wanted, in their order. */
struct places {
	struct name_place *at;
	u32 nr, room;
	struct name_filter filter;
};

/* Adds those of a part's strings; 0 or -1. */
static int part__names(const struct btf_parts *p, const struct btf_part *part,
		       const struct name_filter *filter, struct places *places)
{
	const char *end = part->strings + part->strings_len;
	size_t len;

	for (const char *s = part->strings; s < end; s += len + 1) {
		struct btf_wanted key = {}, *wanted;
		u32 offset = part->first_string + (s - part->strings);

		len = strlen(s);
		if (!name_filter__has(filter, name_hash(s, len)) || len >= sizeof(key.key.name))
			continue;
		memcpy(key.key.name, s, len);
		wanted = hash_table__find(&p->wanted, &key.key);
		if (!wanted)
			continue;
		if (array__reserve(places->at, places->nr, places->room, NULL))
			return -1;
		places->at[places->nr++] = (struct name_place) {
			offset, hash_table__index(&p->wanted, wanted)
		};
		name_filter__add(&places->filter, offset_hash(offset));
	}
	return 0;
}

static int compare_places(const void *key, const void *element)
{
	const struct name_place *place = element;

	COMPARE(*(const u32 *)key, place->offset);
	return 0;
}

/* A type of the last part, of this name or with a member of it; 0 or -1. */
static int take_named(struct btf_parts *p, const struct places *places, u32 name, u32 kind, u32 id)
{
	struct btf_wanted *wanted;
	size_t i;

	if (!name_filter__has(&places->filter, offset_hash(name)))
		return 0;
	i = lower_bound(&name, places->at, places->nr, sizeof(*places->at), compare_places);
	if (i >= places->nr || places->at[i].offset != name)
		return 0;
	wanted = hash_table__at(&p->wanted, places->at[i].wanted);
	if (!(wanted->kinds & ~wanted->found & kind))
		return 0;
	if (array__reserve(p->found, p->nr_found, p->found_room, NULL))
		return -1;
	p->found[p->nr_found++] = (struct btf_found) {
		places->at[i].wanted, kind, p->nr - 1, id
	};
	return 0;
}

static int take_type(struct btf_parts *p, const struct places *places, const struct btf_type *t,
		     u32 id)
{
	int ret = take_named(p, places, t->name_off, kind_bit(btf_kind(t)), id);

	for (u32 i = 0; btf_is_enum(t) && i < btf_vlen(t) && !ret; i++)
		ret = take_named(p, places, btf_enum(t)[i].name_off, BIT(BTF_KIND_MEMBER), id);
	return ret;
}

/* As btf_parts__take(). */
static int find_types(struct btf_parts *p, struct btf_part *part, const struct places *places)
{
	u32 size, room = 0;

	for (u32 pos = 0; pos < part->types_len; pos += size) {
		const struct btf_type *t = (const void *)(part->types + pos);

		if (part->types_len - pos < sizeof(*t))
			return BTF_DAMAGED;
		size = btf__record_size(t);
		if (!size)
			return BTF_NEWER;
		if (size > part->types_len - pos)
			return BTF_DAMAGED;
		if (array__reserve(part->at, part->nr, room, NULL))
			return -1;
		part->at[part->nr++] = pos;
		if (take_type(p, places, t, part->first_id + part->nr - 1))
			return -1;
	}
	return 0;
}

/* The kernel's file descriptor for a module's BTF; -1: there is none, or it is not shown. */
static int module_fd(const char *module)
{
	u32 id = 0;

	while (!bpf_btf_get_next_id(id, &id)) {
		char name[64] = "";
		struct bpf_btf_info info = { .name = (uintptr_t)name, .name_len = sizeof(name) };
		u32 len = sizeof(info);
		int fd = bpf_btf_get_fd_by_id(id);

		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd < 0)
			return -1;
		if (!bpf_obj_get_info_by_fd(fd, &info, &len) && info.kernel_btf &&
		    !strcmp(name, module))
			return fd;
		close(fd);
	}
	return -1;
}

static void is_found(struct btf_parts *p, u32 first)
{
	for (u32 i = first; i < p->nr_found; i++) {
		struct btf_wanted *wanted = hash_table__at(&p->wanted, p->found[i].wanted);

		wanted->found |= p->found[i].kind;
	}
}

static void fill_filter(const struct btf_parts *p, struct name_filter *filter)
{
	for (u32 i = 0; i < p->wanted.nr; i++) {
		const struct btf_wanted *wanted = hash_table__at(&p->wanted, i);

		name_filter__add(filter, name_hash(wanted->key.name, strlen(wanted->key.name)));
	}
}

int btf_parts__take(struct btf_parts *p, u8 *raw, u32 size, int fd)
{
	struct btf_part *part = &p->part[p->nr++];
	const struct btf_part *kernel = &p->part[0];
	struct name_filter filter = {};
	struct places places = {};
	u32 first = p->nr_found;
	int ret;

	*part = (struct btf_part) { .raw = raw, .fd = fd, .first_id = 1 };
	if (part != kernel) {
		part->first_id = kernel->nr + 1;
		part->first_string = kernel->strings_len;
	}
	fill_filter(p, &filter);
	ret = take_header(part, size);
	/* A module uses strings of the kernel. */
	if (!ret && part != kernel)
		ret = part__names(p, kernel, &filter, &places);
	if (!ret)
		ret = part__names(p, part, &filter, &places) ?: find_types(p, part, &places);
	array__free(places.at, places.room, NULL);
	is_found(p, first);
	return ret;
}

/* module: NULL is the kernel.  A module without BTF is skipped. */
static int read_part(struct btf_parts *p, const char *module)
{
	char path[64];
	u8 *raw = NULL;
	u32 size = 0;
	int fd = 0, ret;

	snprintf(path, sizeof(path), BTF_DIR "%s", module ?: "vmlinux");
	if (module)
		fd = access(path, F_OK) ? -1 : module_fd(module);
	if (fd < 0)
		return 0;
	ret = read_whole(path, &raw, &size);
	if (!ret)
		return btf_parts__take(p, raw, size, fd);
	if (fd)
		close(fd);
	return ret;
}

int btf_parts__find(struct btf_parts *p)
{
	int ret = read_part(p, NULL) ?: read_part(p, "kvm");

	for (u32 i = 0; !ret && i < BTF_MAX_PARTS - 2 && arch_modules[i]; i++)
		ret = read_part(p, arch_modules[i]);
	return ret == BTF_DAMAGED ? error("cannot read the kernel's types from " BTF_DIR
					  ": unreadable, or not as expected") : ret;
}

const struct btf_found *btf_parts__found(const struct btf_parts *p, const char *name, u32 kind)
{
	struct btf_wanted key = {};
	const struct btf_wanted *wanted;

	snprintf(key.key.name, sizeof(key.key.name), "%s", name);
	wanted = hash_table__find(&p->wanted, &key.key);
	for (u32 i = 0; wanted && i < p->nr_found; i++)
		if (p->found[i].wanted == hash_table__index(&p->wanted, wanted) &&
		    p->found[i].kind == kind_bit(kind))
			return &p->found[i];
	return NULL;
}

const struct btf_type *btf_parts__type(const struct btf_parts *p, u32 *part, u32 id)
{
	const struct btf_part *in;

	if (id <= p->part[0].nr)
		*part = 0;
	in = &p->part[*part];
	return id - in->first_id < in->nr ?
	       (const void *)(in->types + in->at[id - in->first_id]) : NULL;
}

const char *btf_parts__string(const struct btf_parts *p, u32 part, u32 offset)
{
	const struct btf_part *in = &p->part[offset < p->part[0].strings_len ? 0 : part];

	return offset - in->first_string < in->strings_len ?
	       in->strings + (offset - in->first_string) : "";
}

void btf_parts__drop_types(struct btf_parts *p)
{
	for (u32 i = 0; i < p->nr; i++) {
		free(p->part[i].raw);
		free(p->part[i].at);
		p->part[i].raw = NULL;
		p->part[i].at = NULL;
	}
}

void btf_parts__free(struct btf_parts *p)
{
	btf_parts__drop_types(p);
	for (u32 i = 0; i < p->nr; i++)
		if (p->part[i].fd > 0)
			close(p->part[i].fd);
	hash_table__free(&p->wanted);
	array__free(p->found, p->found_room, NULL);
}
