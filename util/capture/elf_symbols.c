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
#include "util/capture/elf_symbols.h"
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
static int open_debug(const char *dir, const u8 *id, size_t len)
{
	char path[PATH_MAX];
	size_t at = snprintf(path, sizeof(path), "%s/.build-id/%02x/", dir, *id);

	for (size_t i = 1; i < len && at < sizeof(path); i++)
		at += snprintf(path + at, sizeof(path) - at, "%02x", id[i]);
	if (at + sizeof(".debug") > sizeof(path))
		return -1;
	strcpy(path + at, ".debug");
	return open(path, O_RDONLY | O_CLOEXEC);
}

static bool has_id(Elf *elf, const void *id, ssize_t len)
{
	const void *found;

	return dwelf_elf_gnu_build_id(elf, &found) == len && !memcmp(found, id, len);
}

/* The functions of a stripped file, from the one that was made of what it has lost. */
static void read_lost(struct elf_symbols *s, Elf *stripped, const char *debug_dir)
{
	const void *id;
	ssize_t len = dwelf_elf_gnu_build_id(stripped, &id);
	int fd = len > 1 ? open_debug(debug_dir, id, len) : -1;
	Elf *elf = fd >= 0 ? elf_begin(fd, ELF_C_READ_MMAP, NULL) : NULL;

	if (elf && has_id(elf, id, len))
		elf_walk__functions(elf, false, elf_symbols__add, s);
	elf_end(elf);
	if (fd >= 0)
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
	if (elf_walk__is_stripped(elf))
		read_lost(s, elf, debug_dir);
	if (!s->nr)
		elf_walk__functions(elf, false, elf_symbols__add, s);
	elf_end(elf);
	if (s->nr)
		qsort(s->symbol, s->nr, sizeof(*s->symbol), elf_symbols__by_address);
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

const char *elf_symbols__find(const struct elf_symbols *s, u64 offset, u64 *into)
{
	const struct elf_symbol *symbol;
	size_t behind;
	u64 address;

	if (!to_address(s, offset, &address))
		return NULL;
	behind = lower_bound(&address, s->symbol, s->nr, sizeof(*s->symbol), elf_symbols__is_behind);
	if (!behind)
		return NULL;
	symbol = &s->symbol[behind - 1];
	*into = address - symbol->address;
	/* Beyond the end of the function before it: unknown. */
	return symbol->size && *into >= symbol->size ? NULL : symbol->name;
}
