// SPDX-License-Identifier: GPL-2.0
#include "util/symbols/elf_walk.h"

static bool is_label(Elf *elf, const GElf_Sym *sym)
{
	Elf_Scn *scn = sym->st_shndx < SHN_LORESERVE ? elf_getscn(elf, sym->st_shndx) : NULL;
	GElf_Shdr head;

	return scn && gelf_getshdr(scn, &head) && (head.sh_flags & SHF_EXECINSTR);
}

static bool is_function(Elf *elf, const GElf_Sym *sym, bool labels)
{
	int type = GELF_ST_TYPE(sym->st_info);

	if (sym->st_shndx == SHN_UNDEF)
		return false;
	return type == STT_FUNC || type == STT_GNU_IFUNC ||
	       (labels && type == STT_NOTYPE && is_label(elf, sym));
}

struct elf_walk {
	Elf *elf;
	bool labels, any;
	int (*each)(void *arg, const GElf_Sym *sym, const char *name);
	void *arg;
};

static int walk_table(struct elf_walk *w, Elf_Scn *scn, const GElf_Shdr *head)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	GElf_Sym sym;
	int ret = 0;

	for (int i = 0; !ret && data && gelf_getsym(data, i, &sym); i++) {
		const char *name = elf_strptr(w->elf, head->sh_link, sym.st_name);

		if (!name || !*name || !is_function(w->elf, &sym, w->labels))
			continue;
		w->any = true;
		ret = w->each(w->arg, &sym, name);
	}
	return ret;
}

static int walk_tables(struct elf_walk *w, u32 type)
{
	Elf_Scn *scn = NULL;
	int ret = 0;

	while (!ret && (scn = elf_nextscn(w->elf, scn))) {
		GElf_Shdr head;

		if (gelf_getshdr(scn, &head) && head.sh_type == type)
			ret = walk_table(w, scn, &head);
	}
	return ret;
}

int elf_walk__functions(Elf *elf, bool labels,
			int (*each)(void *arg, const GElf_Sym *sym, const char *name), void *arg)
{
	struct elf_walk w = { .elf = elf, .labels = labels, .each = each, .arg = arg };
	int ret = walk_tables(&w, SHT_SYMTAB);

	return ret || w.any ? ret : walk_tables(&w, SHT_DYNSYM);
}

bool elf_walk__is_stripped(Elf *elf)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr head;

	while ((scn = elf_nextscn(elf, scn)))
		if (gelf_getshdr(scn, &head) && head.sh_type == SHT_SYMTAB)
			return false;
	return true;
}
