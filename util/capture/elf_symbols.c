// SPDX-License-Identifier: GPL-2.0
#include <gelf.h>
#include <stdlib.h>
#include <string.h>

#include "util/capture/elf_symbols.h"

static void elf_symbols__add(struct elf_symbols *s, const GElf_Sym *sym, const char *name)
{
	struct elf_symbol *grown;

	if (!name || !*name)
		return;
	if (s->nr == s->room) {
		u32 room = s->room ? s->room * 2 : 256;

		grown = realloc(s->symbol, room * sizeof(*grown));
		if (!grown)
			return;
		s->symbol = grown;
		s->room = room;
	}
	name = strdup(name);
	if (name)
		s->symbol[s->nr++] = (struct elf_symbol) { sym->st_value, sym->st_size, (char *)name };
}

static void read_table(struct elf_symbols *s, Elf *elf, Elf_Scn *scn, const GElf_Shdr *head)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	size_t nr = data && head->sh_entsize ? head->sh_size / head->sh_entsize : 0;

	for (size_t i = 0; i < nr; i++) {
		GElf_Sym sym;
		int type;

		if (!gelf_getsym(data, i, &sym) || sym.st_shndx == SHN_UNDEF)
			continue;
		type = GELF_ST_TYPE(sym.st_info);
		if (type == STT_FUNC || type == STT_GNU_IFUNC)
			elf_symbols__add(s, &sym, elf_strptr(elf, head->sh_link, sym.st_name));
	}
}

static void read_segments(struct elf_symbols *s, Elf *elf)
{
	size_t nr = 0;

	if (elf_getphdrnum(elf, &nr))
		return;
	s->segment = calloc(nr ?: 1, sizeof(*s->segment));
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

void elf_symbols__read(struct elf_symbols *s, int fd)
{
	Elf_Scn *scn = NULL;
	Elf *elf;

	memset(s, 0, sizeof(*s));
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (!elf)
		return;
	read_segments(s, elf);
	while ((scn = elf_nextscn(elf, scn))) {
		GElf_Shdr head;

		/* The exported symbols of a stripped file, and all symbols of others. */
		if (gelf_getshdr(scn, &head) &&
		    (head.sh_type == SHT_SYMTAB || head.sh_type == SHT_DYNSYM))
			read_table(s, elf, scn, &head);
	}
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

const char *elf_symbols__find(const struct elf_symbols *s, u64 offset, u64 *into)
{
	u32 from = 0, to = s->nr;
	u64 address;

	if (!to_address(s, offset, &address))
		return NULL;
	while (from < to) {
		u32 mid = from + (to - from) / 2;

		if (s->symbol[mid].address <= address)
			from = mid + 1;
		else
			to = mid;
	}
	if (!from)
		return NULL;
	*into = address - s->symbol[from - 1].address;
	/* Beyond the end of the function before it: unknown. */
	if (s->symbol[from - 1].size && *into >= s->symbol[from - 1].size)
		return NULL;
	return s->symbol[from - 1].name;
}
