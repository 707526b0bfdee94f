/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Functions of a guest by address, from files that the user has of it.  Where several symbols have
 * one address, the global one counts, and among these one without a leading underscore.
 */
#ifndef KVMW_GUEST_SYMBOLS_H
#define KVMW_GUEST_SYMBOLS_H

#include "util/types.h"

#define GUEST_SYMBOLS_MAX	(1u << 22)
#define GUEST_SYMBOLS_STORED	(1u << 14)	/* in a recording */
#define GUEST_SYMBOL_NAME_MAX	128		/* characters; longer names are cut */

struct guest_symbol_files {
	const char *kallsyms;	/* of /proc/kallsyms */
	const char *map;	/* System.map, or /tmp/perf-PID.map */
	const char *image;	/* ELF: vmlinux, or a guest without Linux */
	const char *modules;	/* of /proc/modules: where modules end */
	u64 slide;		/* added to the addresses of map and image: KASLR's offset */
	bool has_slide;		/* it is known */
};

struct budget;
struct guest_symbols;

/* names: they live as long as the symbols, and are safe on a terminal. */
struct guest_symbol {
	u64 from, to;		/* to is the first address behind it */
	const char *name;	/* NULL: a function of the module whose name is unknown */
	const char *module;	/* NULL: none */
};

/* NULL: one of them is not right, or out of memory (error() said so). */
struct guest_symbols *guest_symbols__read(const struct guest_symbol_files *files);
void guest_symbols__free(struct guest_symbols *s);

/* Whether a function or a module is known at an address. */
bool guest_symbols__find(const struct guest_symbols *s, u64 address, struct guest_symbol *found);
/* Of functions. */
u32 guest_symbols__number(const struct guest_symbols *s);
/* Whether there are functions of a kernel, in the upper half of all addresses. */
bool guest_symbols__of_kernel(const struct guest_symbols *s);

/* ---- of a recording --------------------------------------------------------- */

struct guest_symbols *guest_symbols__new(void);
/*
 * Adds one to those that can be found already. One that overlaps another, is one too many, or has
 * no room in the budget, is dropped. 0, or -1: out of memory (error() said so).
 */
int guest_symbols__insert(struct guest_symbols *s, const struct guest_symbol *symbol,
			  struct budget *budget);
void guest_symbols__set_of_kernel(struct guest_symbols *s);

/* ---- for those that read files ------------------------------------------------ */

enum guest_symbol_rank { RANK_NONE, RANK_LOCAL, RANK_WEAK, RANK_GLOBAL };

/*
 * to: 0, until the next symbol. RANK_NONE: not a function, but one ends there; its name is not
 * kept.
 * module: or NULL.  0, or -1 (error() said why).
 */
int guest_symbols__add(struct guest_symbols *s, u64 from, u64 to, enum guest_symbol_rank rank,
		       const char *name, const char *module);
int guest_symbols__prepare(struct guest_symbols *s);

int guest_symbols__read_kallsyms(struct guest_symbols *s, const char *path);
int guest_symbols__read_map(struct guest_symbols *s, const char *path, u64 slide);
int guest_symbols__read_modules(struct guest_symbols *s, const char *path);
int guest_symbols__read_image(struct guest_symbols *s, const char *path, u64 slide);

#endif
