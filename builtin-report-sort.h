/* SPDX-License-Identifier: GPL-2.0 */
/* Options of kvmw report that say what its rows are. error_t: 0, or wrong usage (see error()). */
#ifndef KVMW_BUILTIN_REPORT_SORT_H
#define KVMW_BUILTIN_REPORT_SORT_H

#include <argp.h>

#include "builtin-report.h"

/* Whether a word that an option does not know is meant for another one. */
bool report_sort__guess(struct report_args *args, const char *option, const char *word);
/* Does what it was meant for, once it is known which options were given. */
error_t report_sort__take_guess(struct report_args *args);

/* Whether this command has the key; args NULL: any. */
bool report_sort__has(const struct report_args *args, enum report_key key);
/* The keys that an event has without --sort. */
void report_sort__set(struct report_options *opt, const char *names);
/* Of --sort; which keys they are is found out once the event is known. */
error_t report_sort__parse(struct report_args *args, char *arg);
error_t report_sort__resolve(struct report_args *args);

error_t report_sort__parse_order(struct report_options *opt, const char *arg);
error_t report_sort__parse_fields(struct report_options *opt, char *list);

#endif
