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
int report__make_rows(struct report *rep, const struct agg **list, u32 nr);
int report__order(struct report *rep);

/* labels.c */
int report__label_row(const struct report *rep, struct report_row *row);

/* vcpu_rows.c */
int report__make_vcpus(struct report *rep, const struct agg **list, u32 nr);

/* empty.c */
void report__say_why_empty(struct report *rep);

#endif
