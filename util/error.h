/* SPDX-License-Identifier: GPL-2.0 */
/* Messages to the user: one line each, on stderr, beginning with "kvmw: ". */
#ifndef KVMW_ERROR_H
#define KVMW_ERROR_H

/* Exit status of every subcommand. */
enum { KVMW_OK = 0, KVMW_FAILED = 1, KVMW_USAGE = 2 };

/* Prints "kvmw: MESSAGE\n"; always returns -1, so that callers can return it. */
int error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The same for what does not stop the program: "kvmw: warning: MESSAGE". */
void warning(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
