/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tables of x86's names consist of; util/arch/names.h looks things up in them.
 *
 * A table is in ascending order and its ranges do not overlap; tests/unit/test_names.c checks
 * that, and that no name is longer than NAME_MAX_LEN: a row of `kvmw report` has to fit.
 */
#ifndef KVMW_X86_NAMES_TABLE_H
#define KVMW_X86_NAMES_TABLE_H

#include "util/types.h"

#define NAME_MAX_LEN	30

struct name {
	u64 from, to;		/* both included */
	const char *read;	/* its name, or that when read */
	const char *written;	/* NULL: the same */
};

/* One number, a range, and those that mean one thing when read and another when written. */
#define NAME(at, name)			{ at, at, name, NULL }
#define NAMES(from, to, name)		{ from, to, name, NULL }
#define NAME_RW(at, read, written)	{ at, at, read, written }

/* Eight numbers in a row, with their index in the name. */
#define NAME_8(at, name)						\
	NAME((at) + 0, name "0"), NAME((at) + 1, name "1"), NAME((at) + 2, name "2"), \
	NAME((at) + 3, name "3"), NAME((at) + 4, name "4"), NAME((at) + 5, name "5"), \
	NAME((at) + 6, name "6"), NAME((at) + 7, name "7")

struct name_table {
	const char *what;
	const struct name *name;
	size_t nr;
};

#define NAME_TABLE(what, list)		{ what, list, ARRAY_SIZE(list) }

/* The name of a number; NULL: it has none. */
const char *name_table__find(const struct name_table *table, u64 number, bool written);

extern const struct name_table port_table, mmio_table, page_table, apic_table, msr_table,
	cpuid_table, cr_table, exception_table, linux_vector_table, guest_vector_table,
	host_vector_table, hv_hypercall_table, syscall_table, sleep_syscall_table;

#endif
