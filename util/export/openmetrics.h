/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Counters as text that Prometheus reads: its own format 0.0.4
 * (prometheus.io/docs/instrumenting/exposition_formats), or OpenMetrics 1.0
 * (github.com/prometheus/OpenMetrics).
 */
#ifndef KVMW_OPENMETRICS_H
#define KVMW_OPENMETRICS_H

#include <stdio.h>

#include "util/analysis/metrics.h"

enum metrics_format { METRICS_TEXT, METRICS_OPENMETRICS };

#define METRICS_MAX_SERIES	50000	/* in one text; what does not fit is counted */

/* For the header Content-Type. */
const char *openmetrics__type(enum metrics_format format);
/* The format that the value of a header Accept asks for; NULL: there is none. */
enum metrics_format openmetrics__accepted(const char *accept);

/* max: series at most.  0, or -1 out of memory. */
int openmetrics__write(FILE *out, const struct metrics *m, enum metrics_format format, u32 max);

#endif
