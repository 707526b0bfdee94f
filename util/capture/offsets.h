/* SPDX-License-Identifier: GPL-2.0 */
/* Where the fields of a tracepoint lie on the running kernel. */
#ifndef KVMW_OFFSETS_H
#define KVMW_OFFSETS_H

#include "util/capture/events_option.h"
#include "bpf_skel/shared.h"

/*
 * Fills config with the offsets which the events and tracepoints chosen need.
 * -1 with errno: a format cannot be read, or lacks a field (error() named it).
 */
int offsets__read(const struct event_choice *choice, struct kvmw_config *config);

/* Whether a tracepoint's fields lie where those of our programs that have them fixed take them. */
bool offsets__as_expected(const char *category, const char *tracepoint);

#endif
