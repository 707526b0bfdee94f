/* SPDX-License-Identifier: GPL-2.0 */
/* The command line of any subcommand: argp, with -h, and with better error messages. */
#ifndef KVMW_BUILTIN_OPTIONS_H
#define KVMW_BUILTIN_OPTIONS_H

#include <argp.h>

/*
 * argp_parse() of a command, whose argv[0] is "kvmw NAME"; -h and --help print its help and exit.
 * 0, or an errno: wrong usage (error() said what).
 */
int options__parse(const struct argp *argp, int argc, const char **argv, unsigned int flags,
		   void *input);

/* By the len bytes of its long name, or of their beginning if no other has it. NULL: none. */
const struct argp_option *option__find(const struct argp *argp, const char *name, size_t len);

/* The option whose argument is the word after this one; NULL: none. */
const struct argp_option *option__wants_next(const struct argp *argp, const char *word);

#endif
