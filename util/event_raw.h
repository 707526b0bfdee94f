/* SPDX-License-Identifier: GPL-2.0 */
/* Fields of the event raw: class RAW of KVMW_EVENTS (util/events.h, which includes this file). */
#ifndef KVMW_EVENT_RAW_H
#define KVMW_EVENT_RAW_H

/* Each tracepoint is a kind, named in META.  A word holds 8 bytes of the record. */
#define KVMW_RAW_WORDS	32
#define KVMW_MAX_RAW	32	/* tracepoints of one recording */
#define KVMW_FIELDS_raw(FIELD, S)					\
	KVMW_HEAD(FIELD, S, "unused")					\
	FIELD(S, u64, size, "bytes", NUMBER, DICT, "kind", "size of the record") \
	FIELD(S, u64, w0, "hex", RECORD, DICT, "kind", "bytes 0 to 7 of the record") \
	FIELD(S, u64, w1, "hex", RECORD, DICT, "kind", "bytes 8 to 15 of the record") \
	FIELD(S, u64, w2, "hex", RECORD, DICT, "kind", "bytes 16 to 23 of the record") \
	FIELD(S, u64, w3, "hex", RECORD, DICT, "kind", "bytes 24 to 31 of the record") \
	FIELD(S, u64, w4, "hex", RECORD, DICT, "kind", "bytes 32 to 39 of the record") \
	FIELD(S, u64, w5, "hex", RECORD, DICT, "kind", "bytes 40 to 47 of the record") \
	FIELD(S, u64, w6, "hex", RECORD, DICT, "kind", "bytes 48 to 55 of the record") \
	FIELD(S, u64, w7, "hex", RECORD, DICT, "kind", "bytes 56 to 63 of the record") \
	FIELD(S, u64, w8, "hex", RECORD, DICT, "kind", "bytes 64 to 71 of the record") \
	FIELD(S, u64, w9, "hex", RECORD, DICT, "kind", "bytes 72 to 79 of the record") \
	FIELD(S, u64, w10, "hex", RECORD, DICT, "kind", "bytes 80 to 87 of the record") \
	FIELD(S, u64, w11, "hex", RECORD, DICT, "kind", "bytes 88 to 95 of the record") \
	FIELD(S, u64, w12, "hex", RECORD, DICT, "kind", "bytes 96 to 103 of the record") \
	FIELD(S, u64, w13, "hex", RECORD, DICT, "kind", "bytes 104 to 111 of the record") \
	FIELD(S, u64, w14, "hex", RECORD, DICT, "kind", "bytes 112 to 119 of the record") \
	FIELD(S, u64, w15, "hex", RECORD, DICT, "kind", "bytes 120 to 127 of the record") \
	FIELD(S, u64, w16, "hex", RECORD, DICT, "kind", "bytes 128 to 135 of the record") \
	FIELD(S, u64, w17, "hex", RECORD, DICT, "kind", "bytes 136 to 143 of the record") \
	FIELD(S, u64, w18, "hex", RECORD, DICT, "kind", "bytes 144 to 151 of the record") \
	FIELD(S, u64, w19, "hex", RECORD, DICT, "kind", "bytes 152 to 159 of the record") \
	FIELD(S, u64, w20, "hex", RECORD, DICT, "kind", "bytes 160 to 167 of the record") \
	FIELD(S, u64, w21, "hex", RECORD, DICT, "kind", "bytes 168 to 175 of the record") \
	FIELD(S, u64, w22, "hex", RECORD, DICT, "kind", "bytes 176 to 183 of the record") \
	FIELD(S, u64, w23, "hex", RECORD, DICT, "kind", "bytes 184 to 191 of the record") \
	FIELD(S, u64, w24, "hex", RECORD, DICT, "kind", "bytes 192 to 199 of the record") \
	FIELD(S, u64, w25, "hex", RECORD, DICT, "kind", "bytes 200 to 207 of the record") \
	FIELD(S, u64, w26, "hex", RECORD, DICT, "kind", "bytes 208 to 215 of the record") \
	FIELD(S, u64, w27, "hex", RECORD, DICT, "kind", "bytes 216 to 223 of the record") \
	FIELD(S, u64, w28, "hex", RECORD, DICT, "kind", "bytes 224 to 231 of the record") \
	FIELD(S, u64, w29, "hex", RECORD, DICT, "kind", "bytes 232 to 239 of the record") \
	FIELD(S, u64, w30, "hex", RECORD, DICT, "kind", "bytes 240 to 247 of the record") \
	FIELD(S, u64, w31, "hex", RECORD, DICT, "kind", "bytes 248 to 255 of the record")

#define KVMW_KINDS_raw(KIND, S)

#endif
