/* SPDX-License-Identifier: GPL-2.0 */
/* "did you mean …?": the known word most like the one that was typed. */
#ifndef KVMW_NEAREST_H
#define KVMW_NEAREST_H

#include "util/types.h"

#define NEAREST_MAX	40	/* characters; no longer word is like another one */

struct nearest {
	char typed[NEAREST_MAX + 1];	/* "": like nothing */
	char word[NEAREST_MAX + 1];	/* the best so far, "" */
	char hint[NEAREST_MAX + 20];
	u32 distance;
};

/* Begins with the first len bytes of what was typed. */
void nearest__begin(struct nearest *n, const char *typed, size_t len);

/*
 * Offers a known word. It is like what was typed if it begins with it, or if few letters have
 * to be inserted, deleted, replaced or swapped: one in three. Upper and lower case are the same.
 * Of equally near words the first one stays. Words that are not printable ASCII are ignored.
 */
void nearest__offer(struct nearest *n, const char *word);

/* " (did you mean WORD?)", or "" if no word is like what was typed. */
const char *nearest__hint(struct nearest *n);

/* The words that an option takes, and the one most like what was typed: for its error message. */
struct word_list {
	char text[512];		/* "exit, userspace, irq"; what does not fit is cut off */
	struct nearest nearest;
};

void word_list__begin(struct word_list *list, const char *typed, size_t len);
void word_list__add(struct word_list *list, const char *word);

#endif
