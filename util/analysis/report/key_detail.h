/* SPDX-License-Identifier: GPL-2.0 */
/* How the descriptors of keys.c for detail, access, halted make few values of many; see keys.h. */
#ifndef KVMW_KEY_DETAIL_H
#define KVMW_KEY_DETAIL_H

#include "util/types.h"

struct report_options;

/* fine[0]: the kind, and what of the value written counts; fine[1]: the detail. */
void detail__fine(const struct report_options *opt, u32 event, const u64 *column, u64 *fine);
void detail__fine_rows(const struct report_options *opt, u32 event, const u64 *const *column,
		       u32 nr, u32 step, u64 *fine);
void access__fine(const struct report_options *opt, u32 event, const u64 *column, u64 *fine);
void access__fine_rows(const struct report_options *opt, u32 event, const u64 *const *column,
		       u32 nr, u32 step, u64 *fine);
void halted__fine(const struct report_options *opt, u32 event, const u64 *column, u64 *fine);
void halted__fine_rows(const struct report_options *opt, u32 event, const u64 *const *column,
		       u32 nr, u32 step, u64 *fine);

#endif
