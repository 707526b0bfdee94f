/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Less than a process may do by birth: what follows when a hostile recording takes over the
 * code that reads it.
 */
#ifndef KVMW_SANDBOX_H
#define KVMW_SANDBOX_H

#include <stdbool.h>

enum sandbox {
	SANDBOX_COMPUTE,	/* memory, time, open files; no other file, process or network */
};

/*
 * From now on this process, and all it may start, gain no privileges, and every other system
 * call fails with EPERM.  false: this kernel does not offer it, or the program is built with a
 * sanitizer, which needs more.
 */
bool sandbox__enter(enum sandbox sandbox);

/* Closes all files but the first nr. */
void sandbox__close_files(unsigned int nr);

#endif
