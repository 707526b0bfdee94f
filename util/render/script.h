/* SPDX-License-Identifier: GPL-2.0 */
/* kvmw script: rows as text, JSON or CSV. */
#ifndef KVMW_RENDER_SCRIPT_H
#define KVMW_RENDER_SCRIPT_H

#include "util/analysis/script.h"
#include "util/render/screen.h"

enum script_form { SCRIPT_TEXT, SCRIPT_JSON, SCRIPT_CSV };

struct script_printer;

/* Prints to the screen, after what was printed so far. NULL: out of memory (said so). */
struct script_printer *script_printer__new(const struct screen *s, enum script_form form);
/* What script__read() prints with. */
struct script_output script_printer__output(struct script_printer *p);
/* Writes the rest. 0, or -1: not everything was written (error() said so). */
int script_printer__free(struct script_printer *p);

#endif
