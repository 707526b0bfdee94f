/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What somebody who reads a recording may have meant by a word that -e or -s does not know.
 * A wrong guess costs nothing here, so report and script act on it, and say so.
 */
#ifndef KVMW_BUILTIN_GUESS_H
#define KVMW_BUILTIN_GUESS_H

#include "util/types.h"

struct guess {			/* all NULL: none */
	char word[40];
	const char *what;	/* "an exit reason" */
	const char *event;	/* of -e; NULL: none */
	const char *sort;	/* of --sort; NULL: none */
	const char *reason;	/* of --reason; NULL: none */
};

/* False: the word means nothing that is known. */
bool guess__word(struct guess *g, const char *word);

/* Says what the word, given to option, is taken as. */
void guess__say(const struct guess *g, const char *option);

#endif
