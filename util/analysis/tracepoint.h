/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Rows of event raw, decoded by the format which the kernel gave for their tracepoint
 * and the recording holds.  A format is text from a file that may be hostile: libtraceevent
 * reads it only in a child (tracepoint_text.c).  A tracepoint that fails has no text; one whose
 * fields do not lie within a record has no fields either.
 */
#ifndef KVMW_TRACEPOINT_H
#define KVMW_TRACEPOINT_H

#include "util/recording/recording.h"

#define TRACEPOINT_BYTES (KVMW_RAW_WORDS * sizeof(u64))	/* of one record */

enum tracepoint_type { TP_UNSIGNED, TP_SIGNED, TP_STRING, TP_BYTES };

struct tracepoint_field {
	const char *name;	/* safe to print */
	enum tracepoint_type type;
	bool hex;		/* an address: better read in hex */
	bool dynamic, relative;	/* holds where the value is: offset and length */
	u32 offset, size;	/* lies within TRACEPOINT_BYTES */
};

struct tracepoint {
	const char *name;	/* "kvm:kvm_pio"; safe to print */
	struct tracepoint_field *field;
	u32 nr_fields;		/* 0: could not be decoded */
	struct tracepoint_printer *printer;
	u32 number;
};

/*
 * Of all tracepoints that rec names at this time. printer: of texts, outlives them; NULL: there are
 * none. NULL: out of memory, said so.
 */
struct tracepoints *tracepoints__new(const struct recording *rec,
				     struct tracepoint_printer *printer);
void tracepoints__free(struct tracepoints *tps);
const struct tracepoint *tracepoints__find(const struct tracepoints *tps, u32 kind);

/* A field's bytes in a record of size bytes: where, and how many; NULL: not in there. */
const u8 *tracepoint__value(const struct tracepoint_field *field, const u8 *record, u32 size,
			    u32 *len);
/* Of TP_UNSIGNED and TP_SIGNED, extended to 64 bits. */
bool tracepoint__number(const struct tracepoint_field *field, const u8 *record, u32 size,
			u64 *value);

/*
 * The record as the kernel itself would print it, "pio_write at 0x3f8 ...": printable
 * ASCII, valid until the next call.  NULL: its format does not say, or does it in a
 * way that is not safe to follow; then use the fields.
 */
const char *tracepoint__text(const struct tracepoint *tp, const u8 *record, u32 size);

#endif
