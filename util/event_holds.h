/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a recording may reveal, and which fields do: part of the lists of util/events.h, which
 * includes this file.
 */
#ifndef KVMW_EVENT_HOLDS_H
#define KVMW_EVENT_HOLDS_H

/*
 * SECRET(NAME, member, way, word, doc): what somebody may not want to give away.  member: in META
 * and JSON, append-only; way: what kvmw scrub does to it, REMAP or REMOVE; word: of --keep.
 */
#define KVMW_SECRETS(SECRET)						\
	SECRET(GUEST, guest_addresses, REMAP, "guest-addresses", "guest addresses") \
	SECRET(HOST, host_addresses, REMAP, "host-addresses", "host addresses") \
	SECRET(VALUES, values, REMOVE, "values",				\
	       "contents of MSRs, arguments, page-table entries")	\
	SECRET(COMMANDS, commands, REMOVE, "commands", "command line")		\
	SECRET(NAMES, names, REMAP, "names", "names of host, VMs, programs, threads, cgroups") \
	SECRET(STACKS, stacks, REMAP, "stacks", "function names in stacks")	\
	SECRET(RAW, raw, REMOVE, "raw", "contents of raw tracepoints")	\
	SECRET(NOTES, notes, REMOVE, "notes", "the recorder's notes")	\
	SECRET(SYMBOLS, guest_symbols, REMOVE, "guest-symbols", "names of the guest's functions")

/*
 * HOLDS(NAME, secret, doc): what is in a field.  PLACE fields begin a range of pages: it would
 * lie elsewhere if its first page did, so that they cannot be re-mapped.
 */
#define KVMW_HOLDS(HOLDS)						\
	HOLDS(NUMBER, NONE, "a time, count, size, id, flag or code that the kernel or CPU defines") \
	HOLDS(GUEST_CODE, GUEST, "a virtual address of the guest")	\
	HOLDS(GUEST_PHYS, GUEST, "a physical address of the guest")	\
	HOLDS(GUEST_FRAME, GUEST, "the number of a page of the guest")	\
	HOLDS(GUEST_PLACE, GUEST, "where a range of guest memory begins, or a page in it") \
	HOLDS(DETAIL, GUEST, "by detail_kind, GUEST_PHYS or NUMBER")	\
	HOLDS(HOST_ADDR, HOST, "an address in the VMM")			\
	HOLDS(HOST_END, HOST, "the end of the range that begins at the field before it") \
	HOLDS(HOST_PLACE, HOST, "where a memory slot begins in the VMM")	\
	HOLDS(HOST_FRAME, HOST, "the number of a page of the host")	\
	HOLDS(INFO1, VALUES, "what the CPU says about an exit: an address or not, by isa and reason") \
	HOLDS(INFO2, VALUES, "the second such value")	\
	HOLDS(VALUE, VALUES, "a value that the guest or the VMM chose") \
	HOLDS(NAME, NAMES, "the first 8 bytes of a name")		\
	HOLDS(NAME_REST, NAMES, "the rest of the name in the field before it") \
	HOLDS(PATH, NAMES, "the id of a text that is a path")		\
	HOLDS(TEXT, NONE, "the id of a text that names nothing")	\
	HOLDS(RECORD, RAW, "bytes of a record whose meaning only the kernel knows")

/* KVMW_SECRET_GUEST, …; KVMW_HOLDS_NUMBER, … */
#define KVMW_SECRET_ID(NAME, member, way, word, doc) KVMW_SECRET_##NAME,
enum kvmw_secret {
	KVMW_SECRETS(KVMW_SECRET_ID)
	KVMW_NR_SECRETS,
	KVMW_SECRET_NONE = KVMW_NR_SECRETS
};
#define KVMW_HOLDS_ID(NAME, secret, doc) KVMW_HOLDS_##NAME,
enum kvmw_holds { KVMW_HOLDS(KVMW_HOLDS_ID) };

#endif
