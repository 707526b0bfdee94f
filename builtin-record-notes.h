/* SPDX-License-Identifier: GPL-2.0 */
/* What not even the totals count. */
#ifndef KVMW_BUILTIN_RECORD_NOTES_H
#define KVMW_BUILTIN_RECORD_NOTES_H

#include "util/capture/meta.h"

/*
 * Notes, and if say is set warnings, of events that were missed until now, or are of vCPUs for
 * which there was no room; true: there are such.
 */
bool record_notes__add(struct meta *meta, const struct session *session, bool say);

#endif
