// SPDX-License-Identifier: GPL-2.0
#include <elfutils/libdwelf.h>
#include <fcntl.h>
#include <gelf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/array.h"
#include "util/symbols/elf_symbols.h"
#include "util/search.h"
#include "util/symbols/elf_walk.h"

static int elf_symbols__add(void *arg, const GElf_Sym *sym, const char *name)
{
	struct elf_symbol symbol = { .address = sym->st_value, .size = sym->st_size };
	struct elf_symbols *s = arg;

	if (array__reserve(s->symbol, s->nr, s->room, NULL))
		return -1;
	symbol.name = mem__strdup(name);
	if (!symbol.name)
		return -1;
	s->symbol[s->nr++] = symbol;
	return 0;
}

static void read_segments(struct elf_symbols *s, Elf *elf)
{
	size_t nr = 0;

	if (elf_getphdrnum(elf, &nr))
		return;
	s->segment = mem__calloc(nr ?: 1, sizeof(*s->segment));
	for (size_t i = 0; s->segment && i < nr; i++) {
		GElf_Phdr head;

		if (gelf_getphdr(elf, i, &head) && head.p_type == PT_LOAD)
			s->segment[s->nr_segments++] = (struct elf_segment) {
				head.p_offset, head.p_filesz, head.p_vaddr
			};
	}
}

/* Of two symbols at one address, the one with a size comes last and is found. */
static int elf_symbols__by_address(const void *a, const void *b)
{
	const struct elf_symbol *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	return x->size < y->size ? -1 : x->size > y->size;
}

/* DIR/.build-id/ab/cdef.debug */
int elf_symbols__open_debug(const char *dir, const u8 *id, u32 len)
{
	char path[PATH_MAX];
	size_t at = snprintf(path, sizeof(path), "%s/.build-id/%02x/", dir, *id);

	for (u32 i = 1; i < len && at < sizeof(path); i++)
		at += snprintf(path + at, sizeof(path) - at, "%02x", id[i]);
	if (at + sizeof(".debug") > sizeof(path))
		return -1;
	strcpy(path + at, ".debug");
	return open(path, O_RDONLY | O_CLOEXEC);
}

static void read_id(struct elf_symbols *s, Elf *elf)
{
	const void *id;
	ssize_t len = dwelf_elf_gnu_build_id(elf, &id);

	if (len < 2 || (size_t)len > sizeof(s->id))
		return;
	memcpy(s->id, id, len);
	s->id_len = len;
}

static void sort_symbols(struct elf_symbols *s)
{
	if (s->nr)
		qsort(s->symbol, s->nr, sizeof(*s->symbol), elf_symbols__by_address);
}

void elf_symbols__read_debug(struct elf_symbols *s, int fd, const u8 *id, u32 id_len)
{
	const void *found;
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (!elf)
		return;
	if (dwelf_elf_gnu_build_id(elf, &found) == id_len && !memcmp(found, id, id_len))
		elf_walk__functions(elf, false, elf_symbols__add, s);
	sort_symbols(s);
	elf_end(elf);
}

/* The functions of a stripped file, from its file of debug symbols. */
static void read_lost(struct elf_symbols *s, const char *debug_dir)
{
	int fd = s->id_len ? elf_symbols__open_debug(debug_dir, s->id, s->id_len) : -1;

	if (fd < 0)
		return;
	elf_symbols__read_debug(s, fd, s->id, s->id_len);
	close(fd);
}

void elf_symbols__read(struct elf_symbols *s, int fd, const char *debug_dir)
{
	Elf *elf;

	memset(s, 0, sizeof(*s));
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (!elf)
		return;
	read_segments(s, elf);
	read_id(s, elf);
	if (elf_walk__is_stripped(elf))
		read_lost(s, debug_dir);
	if (!s->nr)
		elf_walk__functions(elf, false, elf_symbols__add, s);
	elf_end(elf);
	sort_symbols(s);
}

void elf_symbols__free(struct elf_symbols *s)
{
	for (u32 i = 0; i < s->nr; i++)
		free(s->symbol[i].name);
	free(s->symbol);
	free(s->segment);
}

static bool to_address(const struct elf_symbols *s, u64 offset, u64 *address)
{
	for (u32 i = 0; i < s->nr_segments; i++) {
		const struct elf_segment *segment = &s->segment[i];

		if (offset < segment->offset || offset - segment->offset >= segment->size)
			continue;
		*address = offset - segment->offset + segment->address;
		return true;
	}
	return false;
}

/* Never equal: the search ends behind the symbol that the address is in. */
static int elf_symbols__is_behind(const void *address, const void *symbol)
{
	return *(const u64 *)address < ((const struct elf_symbol *)symbol)->address ? -1 : 1;
}

const char *elf_symbols__find_address(const struct elf_symbols *s, u64 address, u64 *into)
{
	size_t behind =
		lower_bound(&address, s->symbol, s->nr, sizeof(*s->symbol), elf_symbols__is_behind);
	const struct elf_symbol *symbol;

	if (!behind)
		return NULL;
	symbol = &s->symbol[behind - 1];
	*into = address - symbol->address;
	/* Beyond the end of the function before it: unknown. */
	return symbol->size && *into >= symbol->size ? NULL : symbol->name;
}

const char *elf_symbols__find(const struct elf_symbols *s, u64 offset, u64 *into)
{
	u64 address;

	return to_address(s, offset, &address) ? elf_symbols__find_address(s, address, into) : NULL;
}

void elf_symbols__place(const struct elf_symbols *s, u64 offset, struct elf_place *place)
{
	place->id_len = to_address(s, offset, &place->address) ? s->id_len : 0;
	memcpy(place->id, s->id, sizeof(place->id));
}
