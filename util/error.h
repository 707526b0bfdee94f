/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Messages to the user: one line each, on stderr, beginning with "kvmw: ". Names in them may be
 * anything: a line is cleaned as a whole, see util/text.h.
 */
#ifndef KVMW_ERROR_H
#define KVMW_ERROR_H

#include <errno.h>

/* Exit status of every subcommand. */
enum { KVMW_OK = 0, KVMW_FAILED = 1, KVMW_USAGE = 2 };

/* Prints "kvmw: MESSAGE\n"; always returns -1, so that callers can return it. */
int error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * The same for wrong usage: EINVAL, which a parser of argp returns; argp_parse() gives it to
 * the command, which exits with KVMW_USAGE.
 */
#define usage_error(...) (error(__VA_ARGS__), EINVAL)

/* Something that is not wrong, but that the user should know: "kvmw: MESSAGE". */
void notice(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* For problems that do not stop the program: "kvmw: warning: MESSAGE". */
void warning(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A line of an account: "MESSAGE". */
void tell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
