/* SPDX-License-Identifier: GPL-2.0 */
/* The selection of a report: lists of numbers, VMs, reasons. time_window.h has the times. */
#ifndef KVMW_FILTER_H
#define KVMW_FILTER_H

#include "util/recording/time_window.h"
#include "util/types.h"

struct number_list {		/* all zero: empty */
	struct number_range {
		u32 from, to;
		u32 nth_from, nth_to;	/* of VMs: with these numbers; 0, all ones: all */
		const char *name;	/* of VMs: with this name or VMM instead; NULL: none */
	} *range;
	u32 nr, room;
	char *text;			/* that the names are in */
	const char *option;		/* that it is from */
};

/* Parses "0-3,7". 0, or -1: not such a list (error() said what). */
int number_list__parse(struct number_list *list, const char *option, const char *text);
/* The same of VMs: "4711,4720-4730,4800#2"; of option --vm also their names. */
int number_list__parse_vms(struct number_list *list, const char *option, const char *text);
bool number_list__has(const struct number_list *list, u64 number);
struct list_vm {
	u32 pid;
	u32 nth;		/* its number among those with its pid, from 1; 0: the only one */
	const char *name, *vmm;
};
bool number_list__has_vm(const struct number_list *list, const struct list_vm *vm);
void number_list__free(struct number_list *list);

/* Exit reasons, as words: which numbers they stand for depends on the event's isa. */
struct reason_list {		/* all zero: empty */
	char *text;		/* as given, its commas replaced */
	const char *word[32];
	u32 nr;
};

/* Parses "io,npf,0x7c". 0, or -1: not such a list, or out of memory (error() said so). */
int reason_list__parse(struct reason_list *list, const char *text);
bool reason_list__has(const struct reason_list *list, u32 isa, u32 reason);
void reason_list__free(struct reason_list *list);

#endif
