// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "util/analysis/report/report.h"

static u64 of_count(const struct report_row *row)
{
	return row->count;
}

static u64 of_cost(const struct report_row *row)
{
	return row->cost_ns;
}

static u64 of_kvm(const struct report_row *row)
{
	return row->kvm_ns;
}

static u64 of_vmm(const struct report_row *row)
{
	return row->user_ns;
}

static u64 of_polling(const struct report_row *row)
{
	return row->poll_ns;
}

static u64 of_halted(const struct report_row *row)
{
	return time__less(row->halt_ns, row->poll_ns);
}

static u64 of_waiting(const struct report_row *row)
{
	return time__less(row->wait_ns, row->throttled_ns);
}

static u64 of_throttled(const struct report_row *row)
{
	return row->throttled_ns;
}

static u64 of_blocked(const struct report_row *row)
{
	return row->block_ns;
}

static u64 of_total(const struct report_row *row)
{
	return row->time_ns;
}

static u64 of_min(const struct report_row *row)
{
	return row->min_ns;
}

static u64 of_mean(const struct report_row *row)
{
	return row->mean_ns;
}

static u64 of_stddev(const struct report_row *row)
{
	return hist__stddev(&row->span);
}

static u64 of_p50(const struct report_row *row)
{
	return row->p50_ns;
}

static u64 of_p90(const struct report_row *row)
{
	return row->p90_ns;
}

static u64 of_p95(const struct report_row *row)
{
	return row->span.count ? hist__percentile(&row->span, 950) : KVMW_NONE;
}

static u64 of_p99(const struct report_row *row)
{
	return row->p99_ns;
}

static u64 of_p999(const struct report_row *row)
{
	return row->span.count ? hist__percentile(&row->span, 999) : KVMW_NONE;
}

static u64 of_max(const struct report_row *row)
{
	return row->max_ns;
}

static const struct report_column_desc report_columns[NR_REPORT_COLUMNS] = {
	[COLUMN_COUNT] = { "count", NULL, "events", "count", "count", .measure = of_count },
	[COLUMN_RATE] = { "rate", NULL, "events per second", "/s", "per_second", .measure = of_count },
	[COLUMN_PERCENT] = { "percent", NULL, "share of the total", "%", "time_percent", .measure = of_total },
	[COLUMN_COST] = { "cost", NULL, "KVM, VMM and polling", "cost", "cost_ns", true, .measure = of_cost },
	[COLUMN_KVM] = { "kvm", NULL, "time in KVM", "KVM", "kvm_ns", true, .measure = of_kvm },
	[COLUMN_VMM] = { "vmm", NULL, "time in the VMM", "VMM", "user_ns", true, .measure = of_vmm },
	[COLUMN_POLLING] = { "polling", NULL, "halted, polling", "poll", "poll_ns", true, .measure = of_polling },
	[COLUMN_HALTED] = { "halted", NULL, "halted, asleep", "halt", "halt_ns", true, .measure = of_halted },
	[COLUMN_WAITING] = { "waiting", NULL, "waiting for a CPU", "wait", "wait_ns", true, .measure = of_waiting },
	[COLUMN_THROTTLED] = { "throttled", NULL, "out of its CPU quota", "throttled", "throttled_ns", true,
			       .measure = of_throttled },
	[COLUMN_BLOCKED] = { "blocked", NULL, "asleep otherwise", "block", "block_ns", true, .measure = of_blocked },
	[COLUMN_TOTAL] = { "total", "time", "time of all events", "time", "time_ns", .measure = of_total },
	[COLUMN_MIN] = { "min", NULL, "shortest", "min", "min_ns", .of_rows = true, .measure = of_min },
	[COLUMN_MEAN] = { "mean", NULL, "mean duration", "mean", "mean_ns", .measure = of_mean },
	[COLUMN_STDDEV] = { "stddev", NULL, "standard deviation", "stddev", "stddev_ns", .of_rows = true,
			    .measure = of_stddev },
	[COLUMN_P50] = { "p50", NULL, "median", "p50", "p50_ns", .of_rows = true, .measure = of_p50 },
	[COLUMN_P90] = { "p90", NULL, "90th percentile", "p90", "p90_ns", .of_rows = true, .measure = of_p90 },
	[COLUMN_P95] = { "p95", NULL, "95th percentile", "p95", "p95_ns", .of_rows = true, .measure = of_p95 },
	[COLUMN_P99] = { "p99", NULL, "99th percentile", "p99", "p99_ns", .of_rows = true, .measure = of_p99 },
	[COLUMN_P999] = { "p999", NULL, "99.9th percentile", "p999", "p999_ns", .of_rows = true, .measure = of_p999 },
	[COLUMN_MAX] = { "max", NULL, "longest", "max", "max_ns", .of_rows = true, .measure = of_max },
	[COLUMN_HIST] = { "hist", NULL, "distribution", "dist (log)", .of_rows = true },
};

const struct report_column_desc *report_column__get(enum report_column column)
{
	return &report_columns[column];
}

enum report_column report_column__find(const char *name)
{
	enum report_column column = 0;

	while (column < NR_REPORT_COLUMNS && strcmp(name, report_columns[column].name) &&
	       (!report_columns[column].order || strcmp(name, report_columns[column].order)))
		column++;
	return column;
}

bool report_column__is_of(enum report_column column, const struct event_desc *event)
{
	return !report_columns[column].exits || event->id == KVMW_EVENT_EXIT;
}

void report_column__list(const struct event_desc *event, struct word_list *words)
{
	for (enum report_column i = 0; i < NR_REPORT_COLUMNS; i++)
		if (!event || report_column__is_of(i, event))
			word_list__add(words, report_columns[i].name);
}

const char *report_order__name(enum report_column order)
{
	if (order == ORDER_KEY)
		return "key";
	return report_columns[order].measure ? report_columns[order].order ?:
	       report_columns[order].name : NULL;
}

double report_row__rate(const struct report *rep, const struct report_row *row)
{
	double seconds = report_row__covered(rep, row) / 1e9;

	return seconds > 0 ? row->count / seconds : -1;
}
