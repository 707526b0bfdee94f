/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The stacks that rows of event "stack" refer to, each sent once, with its symbols, in an IDENT
 * frame.  This has its own thread, because reading symbols takes longer than rings can wait and a
 * VM may be gone within a second.
 */
#ifndef KVMW_STACK_SYMBOLS_H
#define KVMW_STACK_SYMBOLS_H

#include "util/capture/session.h"
#include "util/capture/sink.h"

/* Starts the thread. NULL: error() said why. */
struct stacks *stacks__new(const struct session *session, struct sink *sink);

/* Takes note of a row of a vCPU of this process. */
void stacks__note(struct stacks *stacks, const struct kvmw_stack *row, pid_t pid);

/* Waits until those that were noted are sent. NULL: there are none. */
void stacks__settle(struct stacks *stacks);

/* Sends the remaining stacks, ends the thread, frees. */
void stacks__finish(struct stacks *stacks);

#endif
