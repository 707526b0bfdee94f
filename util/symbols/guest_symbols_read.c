// SPDX-License-Identifier: GPL-2.0
/*
 * Reads files of a guest's symbols. Lines of /proc/kallsyms (s_show(), kernel/kallsyms.c), where
 * the addresses are 0 for whoever may not see them, and of System.map (nm):
 *
 *	ffffffffc0301000 t vring_map_one_sg	[virtio_ring]
 *
 * of the map that a process leaves for perf (tools/perf/Documentation/jit-interface.txt):
 *
 *	7f10a8000000 40 interpreter
 *
 * and of /proc/modules (m_show(), kernel/module/procfs.c), with the same zeros:
 *
 *	virtio_ring 45056 3 virtio_net,virtio_pci, Live 0xffffffffc0300000
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/error.h"
#include "util/memory.h"
#include "util/symbols/boot_image.h"
#include "util/symbols/elf_walk.h"
#include "util/symbols/guest_symbols.h"
#include "util/text.h"

#define LINE_BYTES	8192		/* names of C++ and Rust are long */
#define WORDS		12
#define SHOWN		100		/* characters of a line in a message */

struct symbol_file {
	const char *option, *path;
	FILE *fp;
	u32 line;
	struct guest_symbols *symbols;
	u64 slide;
	u32 zeros;		/* lines whose address is 0 */
	bool of_perf;		/* a line had a size */
};

typedef int (*take_words)(struct symbol_file *f, char **word, u32 nr);

/* says: of a line, such as "not a symbol". */
static int refuse_line(const struct symbol_file *f, const char *says, char **word, u32 nr)
{
	char line[4 * SHOWN] = "", *shown;
	size_t len = 0;

	for (u32 i = 0; i < nr && len < SHOWN; i++)
		len += snprintf(line + len, sizeof(line) - len, "%s%.100s", i ? " " : "", word[i]);
	shown = text__clean(line, SHOWN);
	if (shown)
		error("%s %s:%u: %s: '%s'", f->option, f->path, f->line, says, shown);
	else
		out_of_memory();
	free(shown);
	return -1;
}

static bool parse_address(const char *text, u64 *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 16);
	return !errno && isxdigit((unsigned char)*text) && !*end;
}

static enum guest_symbol_rank symbol_rank_of(char type)
{
	switch (type) {
	case 'T':
		return RANK_GLOBAL;
	case 'W':
	case 'w':
		return RANK_WEAK;
	case 't':
		return RANK_LOCAL;
	default:
		return RANK_NONE;
	}
}

/* ADDRESS TYPE NAME [MODULE]. Absolute symbols are none of code, nor near it. */
static int take_symbol(struct symbol_file *f, char **word, u32 nr)
{
	char *module = nr > 3 ? word[3] : NULL;
	u64 address;

	if (nr < 3 || nr > 4 || !parse_address(word[0], &address) || strlen(word[1]) != 1)
		return refuse_line(f, "not ADDRESS TYPE NAME", word, nr);
	if (!address) {
		f->zeros++;
		return 0;
	}
	if (tolower((unsigned char)*word[1]) == 'a')
		return 0;
	if (module && *module == '[') {
		module++;
		module[strcspn(module, "]")] = '\0';
	}
	return guest_symbols__add(f->symbols, address + f->slide, 0, symbol_rank_of(*word[1]),
				  word[2], module);
}

/* START SIZE NAME; the name may have blanks. */
static int take_perf(struct symbol_file *f, char **word, u32 nr)
{
	u64 address, size;

	if (nr < 3 || !parse_address(word[0], &address) || !parse_address(word[1], &size))
		return refuse_line(f, "not START SIZE NAME", word, nr);
	for (u32 i = 3; i < nr; i++)
		word[i][-1] = ' ';
	if (!size || address + size < address)
		return 0;
	return guest_symbols__add(f->symbols, address + f->slide, address + f->slide + size,
				  RANK_GLOBAL, word[2], NULL);
}

static int take_map_line(struct symbol_file *f, char **word, u32 nr)
{
	u64 size;

	/* Debian's /boot/System.map: "ffffffffffffffff B The real System.map is in the ..." */
	if (nr > 4 && strlen(word[1]) == 1 && !strcmp(word[2], "The"))
		return refuse_line(f, "no symbols, but a note", word + 2, nr - 2);
	f->of_perf |= nr >= 3 && (strlen(word[1]) > 1 || isdigit((unsigned char)*word[1])) &&
		      parse_address(word[1], &size);
	return f->of_perf ? take_perf(f, word, nr) : take_symbol(f, word, nr);
}

/* NAME SIZE REFERENCES USERS STATE ADDRESS */
static int take_module(struct symbol_file *f, char **word, u32 nr)
{
	u64 address, size;
	char *end;

	errno = 0;
	size = nr < 6 ? 0 : strtoull(word[1], &end, 10);
	if (nr < 6 || errno || *end || strncmp(word[5], "0x", 2) ||
	    !parse_address(word[5] + 2, &address))
		return refuse_line(f, "not NAME SIZE REFERENCES USERS STATE ADDRESS", word, nr);
	if (!address) {
		f->zeros++;
		return 0;
	}
	if (address + size < address)
		return refuse_line(f, "ends after the last address", word, nr);
	return guest_symbols__add(f->symbols, address, 0, RANK_NONE, NULL, word[0]) ?:
	       guest_symbols__add(f->symbols, address + size, 0, RANK_NONE, NULL, NULL);
}

static u32 split_words(char *line, char **word)
{
	u32 nr = 0;

	for (char *p = line; nr < WORDS; nr++) {
		while (isspace((unsigned char)*p))
			*p++ = '\0';
		if (!*p)
			break;
		word[nr] = p;
		while (*p && !isspace((unsigned char)*p))
			p++;
	}
	return nr;
}

static int take_lines(struct symbol_file *f, take_words take)
{
	char line[LINE_BYTES], *word[WORDS];

	while (fgets(line, sizeof(line), f->fp)) {
		size_t len = strlen(line);
		u32 nr;

		f->line++;
		if ((!len || line[len - 1] != '\n') && !feof(f->fp))
			return error("%s %s:%u: not a line of text, or one of more than %u bytes",
				     f->option, f->path, f->line, LINE_BYTES - 2);
		nr = split_words(line, word);
		if (nr && take(f, word, nr))
			return -1;
	}
	return ferror(f->fp) ? error("%s %s: %s", f->option, f->path, strerror(errno)) : 0;
}

static int read_lines_of(struct symbol_file *f, take_words take)
{
	int ret;

	f->fp = fopen(f->path, "re");
	if (!f->fp)
		return error("%s %s: %s", f->option, f->path, strerror(errno));
	ret = take_lines(f, take);
	fclose(f->fp);
	return ret;
}

/* Where f has added nothing. */
static int check_found(const struct symbol_file *f, u32 before, const char *where)
{
	if (guest_symbols__number(f->symbols) > before)
		return 0;
	if (f->zeros)
		return error("%s %s: all addresses are 0: read %s as root in the guest, where sysctl "
			     "kernel.kptr_restrict is 0 or 1", f->option, f->path, where);
	return error("%s %s: no functions in it", f->option, f->path);
}

int guest_symbols__read_kallsyms(struct guest_symbols *s, const char *path)
{
	struct symbol_file f = { .option = "--guest-kallsyms", .path = path, .symbols = s };
	u32 before = guest_symbols__number(s);

	return read_lines_of(&f, take_symbol) ?: check_found(&f, before, "/proc/kallsyms");
}

int guest_symbols__read_map(struct guest_symbols *s, const char *path, u64 slide)
{
	struct symbol_file f = { .option = "--guest-map", .path = path, .symbols = s,
				 .slide = slide };
	u32 before = guest_symbols__number(s);

	return read_lines_of(&f, take_map_line) ?: check_found(&f, before, "/proc/kallsyms");
}

int guest_symbols__read_modules(struct guest_symbols *s, const char *path)
{
	struct symbol_file f = { .option = "--guest-modules", .path = path, .symbols = s };

	if (read_lines_of(&f, take_module))
		return -1;
	return f.zeros ? check_found(&f, guest_symbols__number(s), "/proc/modules") : 0;
}

/* ---- ELF -------------------------------------------------------------------- */

static int add_elf_symbol(void *arg, const GElf_Sym *sym, const char *name)
{
	static const enum guest_symbol_rank rank[] = {
		[STB_LOCAL] = RANK_LOCAL, [STB_GLOBAL] = RANK_GLOBAL, [STB_WEAK] = RANK_WEAK,
	};
	u32 bind = GELF_ST_BIND(sym->st_info);
	struct symbol_file *f = arg;
	u64 from = sym->st_value + f->slide;

	return guest_symbols__add(f->symbols, from, sym->st_size ? from + sym->st_size : 0,
				  bind < ARRAY_SIZE(rank) ? rank[bind] : RANK_LOCAL, name, NULL);
}

static int read_elf(struct symbol_file *f, Elf *elf, int fd)
{
	u32 before = guest_symbols__number(f->symbols);
	GElf_Ehdr head;
	int ret;

	/* By its code alone the kernel's offset is found. */
	if (boot_image__is(fd) && before)
		return 0;
	if (boot_image__is(fd))
		return error("%s %s: a compressed kernel, which has no symbols; System.map (--guest-map), "
			     "/proc/kallsyms of the guest (--guest-kallsyms), or vmlinux of the kernel's debug "
			     "package have them", f->option, f->path);
	if (!elf || elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &head))
		return error("%s %s: not an ELF file", f->option, f->path);
	if (head.e_type == ET_REL)
		return error("%s %s: an object without addresses, such as a module; --guest-kallsyms has those "
			     "of modules", f->option, f->path);
	ret = elf_walk__functions(elf, true, add_elf_symbol, f);
	if (!ret && !guest_symbols__number(f->symbols))
		return error("%s %s: it is stripped, and has no symbols", f->option, f->path);
	return ret;
}

int guest_symbols__read_image(struct guest_symbols *s, const char *path, u64 slide)
{
	struct symbol_file f = { .option = "--guest-vmlinux", .path = path, .symbols = s,
				 .slide = slide };
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret;
	Elf *elf;

	if (fd < 0)
		return error("%s %s: %s", f.option, path, strerror(errno));
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	ret = read_elf(&f, elf, fd);
	elf_end(elf);
	close(fd);
	return ret;
}
