/* SPDX-License-Identifier: GPL-2.0 */
/*
 * demangle.h behind a wall: a few characters of a name can keep the library busy forever, and it
 * was not written for hostile names. A child, started before a recording is read, does it in
 * a sandbox.
 */
#ifndef KVMW_DEMANGLER_H
#define KVMW_DEMANGLER_H

#include <stdbool.h>
#include <stddef.h>

struct demangler;

/* NULL: error() said why. */
struct demangler *demangler__start(void);
/* As demangle__frame(); once the child has used up its time, said once, no frame is such a name. */
bool demangler__frame(struct demangler *d, const char *frame, char *buf, size_t size);
/* Ends the child. */
void demangler__end(struct demangler *d);

#endif
