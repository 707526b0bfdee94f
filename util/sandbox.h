/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Restricts a process, to limit the damage if a hostile recording takes over the code that
 * reads it.
 */
#ifndef KVMW_SANDBOX_H
#define KVMW_SANDBOX_H

#include <stdbool.h>

/* Each allows more than the previous one. */
enum sandbox {
	SANDBOX_COMPUTE,	/* memory, time, open files; no other file, process or network */
	SANDBOX_READ,		/* and threads; waiting for existing children */
	SANDBOX_READ_SCREEN,	/* and the size and the mode of a terminal that is open */
	SANDBOX_READ_FORK,	/* and children, as limited as their parent */
};

/*
 * From now on this process, and all it may start, gain no privileges, and any other system call
 * fails with ENOSYS, as one that this kernel does not have: that is the one refusal after which
 * every C library tries an older call, and none takes it for a failure.  Threads that have been
 * started stay as they are.  false: this kernel does not offer it, or the program is built with a
 * sanitizer, which needs more.
 */
bool sandbox__enter(enum sandbox sandbox);

/* Closes all files but the first nr. */
void sandbox__close_files(unsigned int nr);

#endif
