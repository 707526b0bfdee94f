/* SPDX-License-Identifier: GPL-2.0 */
/* Offsets of tracepoint fields on the running kernel. */
#ifndef KVMW_OFFSETS_H
#define KVMW_OFFSETS_H

#include "util/capture/events_option.h"
#include "bpf_skel/shared.h"

/*
 * Fills config with the offsets that the chosen events and tracepoints need.
 * -1 after error(): a format cannot be read or lacks a field.
 */
int offsets__read(const struct event_choice *choice, struct kvmw_config *config);

/* False if a program has the layout of this tracepoint fixed and the kernel has another one. */
bool offsets__as_expected(const char *category, const char *tracepoint);

#endif
