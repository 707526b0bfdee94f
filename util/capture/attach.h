/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KVMW_ATTACH_H
#define KVMW_ATTACH_H

#include "util/capture/provider.h"

struct bpf_link;
struct bpf_program;

/* Attaches a program to the classic tracepoint of a method. NULL, and errno. */
struct bpf_link *attach__tracepoint(struct bpf_program *prog, const struct attach_method *method);

/* What kept a program from being loaded or attached. */
const char *attach__reason(int err);

#endif
