/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What IDENT frames said: the last entry of each id, as its text. A window needs them for longer
 * than the frames that had them, and fewer than there ever were.
 */
#ifndef KVMW_KEEP_IDENTITY_H
#define KVMW_KEEP_IDENTITY_H

#include "util/hash_table.h"

/* entries of a list; with more, the older half is forgotten, but of vcpus only what is gone */
#define IDENTITY_MAX 32768

/* Ids of stacks that tables of moments refer to; those of event "stack" are below. */
#define IDENTITY_MOMENTS_STACKS	(1U << 30)

/* Members of an IDENT frame. */
enum identity_list { IDENTITY_VMS, IDENTITY_VCPUS, IDENTITY_TASKS, IDENTITY_STACKS, IDENTITY_TEXTS,
		     IDENTITY_NEIGHBOURS, NR_IDENTITY_LISTS };

struct identity {		/* all zero: empty */
	struct hash_table entries;
	u32 nr[NR_IDENTITY_LISTS];
	u64 changes;		/* so far */
	u32 nr_gone, gone;	/* vCPUs so far, and the id of the last one */
	/* From the caller: the end of the last second, and the number of the moment whose */
	u64 now_ns;
	/* tables come next, from the caller; what they refer to is sent anew for each */
	u32 moment;
};

/* The text of an IDENT frame of this recorder.  0, or -1 after error(). */
int identity__take(struct identity *id, const char *json);
/*
 * Something that refers to this entry, of vcpus or neighbours, is kept that is dropped once all
 * before that time is.
 */
void identity__needed(struct identity *id, enum identity_list list, u32 number, u64 until_ns);
/*
 * Forgets what of vcpus was gone by then and is not needed any more, and VMs that have no other;
 * threads and neighbours that are not needed any more and were not named for so long that they
 * would have been named again; and what only the tables of a moment, and those before, refer to; 0:
 * of none. Whether there were vcpus.
 */
bool identity__forget(struct identity *id, u64 before_ns, u32 moment);
/* Forgets the vCPUs that ended, and VMs that have no other: nothing that comes names them. */
void identity__forget_ended(struct identity *id);
bool identity__has_vcpu(const struct identity *id, u32 vcpu);
/* Whether a vCPU was gone by then. */
bool identity__was_gone(const struct identity *id, u32 vcpu, u64 time_ns);
/*
 * Nothing more comes of a vCPU. One that is gone because its thread died may come back in another
 * one, until then.
 */
void identity__end(struct identity *id, u32 vcpu);
/* Whether that is so, and its name is forgotten, or never was known. */
bool identity__is_over(const struct identity *id, u32 vcpu);
/* The text of an entry; NULL: there is none. */
const char *identity__text(const struct identity *id, enum identity_list list, u32 number);
/* The VM that a vCPU is of, by its name, or the program that runs it.  false: it is not known. */
struct identity_vm {
	char name[64];
	s64 pid, vcpu;		/* vcpu: number of the vCPU */
};
bool identity__vm_of(const struct identity *id, u32 vcpu, struct identity_vm *vm);
/* All of it, as texts of IDENT frames, one below the other; free() it.  NULL after error(). */
char *identity__json(const struct identity *id);
void identity__free(struct identity *id);

#endif
