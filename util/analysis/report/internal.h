/* SPDX-License-Identifier: GPL-2.0 */
/* What report.c and its parts (rows, vCPUs, empty) share; for them alone. */
#ifndef KVMW_INTERNAL_H
#define KVMW_INTERNAL_H

#include "util/analysis/report/report.h"

/* Counts and sums of a row, by the rule of report.h. */
void report__numbers(const struct agg *sum, u32 event, struct report_row *row);
/* Mean, percentiles and the like of row->span. */
void report__distribution(struct report_row *row);

/* rows.c */
int key_value__compare(const struct key_value *x, const struct key_value *y);
int report__make_rows(struct report *rep, const struct agg **list, u32 nr);
int report__order(struct report *rep);

/* labels.c: each writes at most size bytes, cut off if need be. */
void label__kind(const struct report *rep, u32 kind, char *buf, size_t size);
void label__exit_detail(const struct report *rep, u32 kind, u64 detail, u64 group, char *buf,
			size_t size);
void label__family_detail(const struct report *rep, u32 kind, u32 isa, u64 detail, char *buf,
			  size_t size);
/* The function that a stack ends in. */
void label__innermost(const struct report *rep, u32 id, char *buf, size_t size);
/* "4711 qemu"; zero: the text for thread 0. */
void label__thread(const struct report *rep, u64 tid, const char *zero, char *buf, size_t size);
/* "3"; in address space 1: "1/3". */
void label__memslot(u64 slot, char *buf, size_t size);

/* vcpu_rows.c */
int report__make_vcpus(struct report *rep, const struct agg **list, u32 nr);

/* snapshots.c */
int report__make_snapshots(struct report *rep);
void report__free_snapshots(struct report *rep);

/* empty.c */
void report__say_why_empty(struct report *rep);

#endif
