/* SPDX-License-Identifier: GPL-2.0 */
/* Tracepoints of the running kernel, from tracefs. */
#ifndef KVMW_TRACEFS_H
#define KVMW_TRACEFS_H

#include "util/types.h"

/*
 * Where tracefs is mounted; mounts it where the kernel has it and the caller may.
 * NULL: not mounted.  The string is static.
 */
const char *tracefs__path(void);

/* 0: it is there and readable; else an errno (ENOENT, EACCES, …). */
int tracefs__tracepoint(const char *category, const char *name);

/* Its number for perf_event_open(2); 0: not there. */
u64 tracefs__id(const char *category, const char *name);

/* The text of its format file; free() it.  NULL with errno: not there, not readable. */
char *tracefs__format_text(const char *category, const char *name);

struct nearest;

/* Offers "CATEGORY:NAME" of the tracepoints of a category; of all if none of these is near. */
void tracefs__offer(const char *category, struct nearest *n);

struct tep_event;
struct tep_handle;

/*
 * Parses events/CATEGORY/NAME/format.  NULL with errno set: not there, not readable
 * or not understood.  Free *tep with tep_free(): the event goes with it.
 */
struct tep_event *tracefs__format(const char *category, const char *name,
				  struct tep_handle **tep);

#endif
