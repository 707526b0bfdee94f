/* SPDX-License-Identifier: GPL-2.0 */
/* Rows that a BPF iterator writes. */
#ifndef KVMW_ITERATOR_H
#define KVMW_ITERATOR_H

#include <stddef.h>

struct bpf_program;

#define ITERATOR_ROW	512	/* bytes of a row at most */

/*
 * Runs a loaded program and gives each row of size bytes to take(), which returns 0 or -1.
 * 1: that were all rows; 0: not known, the program is NULL or failed; -1: take() did.
 */
int iterator__read(const struct bpf_program *prog, size_t size,
		   int (*take)(void *arg, const void *row), void *arg);

#endif
