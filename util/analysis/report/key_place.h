/* SPDX-License-Identifier: GPL-2.0 */
/* Members of the descriptors of keys.c for rip and sym; see keys.h. */
#ifndef KVMW_KEY_PLACE_H
#define KVMW_KEY_PLACE_H

#include "util/analysis/report/report.h"

const char *place__column(const struct sort_key *key, const struct event_desc *event, u32 i);

void rip__label(const struct sort_key *key, const struct report *rep,
			 const struct key_value *value, char *buf, size_t size);
u32 rip__members(const struct sort_key *key, const struct report *rep,
			 const struct key_value *value, const char *label,
		 struct key_member *member);

/*
 * Where in the guest an instruction is: the address of its function, or what is known instead.
 * symbols: or NULL.
 */
u64 place__of(const struct guest_symbols *symbols, u64 rip, bool nested);
bool place__is_known(u64 place);
#define PLACE_NAME_MAX	REPORT_LABEL_MAX	/* bytes */
void place__name(const struct guest_symbols *symbols, u64 place, char *buf, size_t size);

const char *sym__column(const struct sort_key *key, const struct event_desc *event, u32 i);
void sym__value(const struct sort_key *sort_key, const struct report *rep,
		const struct agg_key *key, const u64 *fine, struct key_value *value);
void sym__fine(const struct report_options *opt, u32 event, const u64 *column, u64 *fine);
void sym__label(const struct sort_key *key, const struct report *rep,
			 const struct key_value *value, char *buf, size_t size);
u32 sym__members(const struct sort_key *key, const struct report *rep,
			 const struct key_value *value, const char *label,
		 struct key_member *member);

#endif
