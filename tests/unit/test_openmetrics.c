// SPDX-License-Identifier: GPL-2.0
/*
 * What is counted of VMs, as text for Prometheus.
 *
 * With an argument, so many VMs are served by HTTP until a signal comes: tests/test_prometheus.py.
 */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/analysis/counts.h"
#include "util/export/http.h"
#include "util/export/openmetrics.h"

enum { CPUID = 10, IO = 30, HLT = 12, NR_REASONS = 3 };
static const u32 reasons[NR_REASONS] = { CPUID, IO, HLT };

#define SECOND	1000000000ULL

/* A host with so many VMs of one vCPU, which had 100 exits of each reason, so many times. */
static struct recording *make_host(u32 vms, u64 times)
{
	struct recording *rec = recording__new("test");
	size_t size;
	char *text;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(rec);
	assert_non_null(out);
	fputs("{\"vms\":[", out);
	for (u32 i = 0; i < vms; i++)
		fprintf(out, "%s{\"id\":%u,\"pid\":%u,\"name\":\"v\\\"m\\\\%u\",\"vmm\":\"qemu\"}",
			i ? "," : "", i, 1000 + i, i);
	fputs("],\"vcpus\":[", out);
	for (u32 i = 0; i < vms; i++)
		fprintf(out, "%s{\"id\":%u,\"vm\":%u,\"vcpu\":0,\"tid\":%u,\"comm\":\"CPU\"}",
			i ? "," : "", i, i, 5000 + i);
	fputs("]}", out);
	fclose(out);
	assert_int_equal(recording__ident(rec, text), 0);
	free(text);
	for (u32 i = 0; i < vms; i++)
		for (u32 k = 0; k < NR_REASONS; k++) {
			const struct kvmw_total total = {
				.vcpu = i, .event = KVMW_EVENT_EXIT, .isa = 1, .reason = reasons[k],
				.count = 100 * times, .done = 100 * times,
				.gap_ns = times * SECOND / 4,
				.span_ns = times * SECOND / 2, .user_ns = times * SECOND / 8,
				.halt_ns = k == 2 ? times * SECOND / 4 : 0,
			};

			assert_int_equal(recording__take_rows(rec,
							      event_desc__by_id(KVMW_EVENT_TOTAL),
							      &total, 1), 0);
		}
	for (u32 i = 0; i < vms; i++) {
		const struct kvmw_holder holder = {
			.vcpu = i, .kind = KVMW_holder_PROCESS, .tid = 9, .pid = 9, .number = ~0U,
			.turns = times,
			.time_ns = times * SECOND / 16,
		};

		assert_int_equal(recording__take_rows(rec, event_desc__by_id(KVMW_EVENT_HOLDER),
						      &holder, 1), 0);

		const struct kvmw_total total = {
			.vcpu = i, .event = KVMW_EVENT_IOCTL, .reason = 1, .count = 7, .done = 6,
			.span_ns = 3 * SECOND,
		};

		assert_int_equal(recording__take_rows(rec, event_desc__by_id(KVMW_EVENT_TOTAL),
						      &total, 1), 0);
	}
	rec->meta.start_ns = SECOND;
	rec->meta.stop_ns = 11 * SECOND;
	return rec;
}

static void count(struct counts *c, const struct recording *rec, u64 times)
{
	u64 durations[COUNTS_LATENCIES] = { [10] = 60 * times, [12] = 39 * times, [33] = times };

	for (u32 i = 0; i < rec->totals.table.nr; i++)
		assert_int_equal(counts__take_latencies(c, &agg_table__at(&rec->totals, i)->key,
							durations, SECOND / 2),
				 0);
	assert_int_equal(counts__take(c, &rec->totals, ~0U), 0);
}

static void make_report(struct recording *rec, struct counts *c, const struct report_options *opt,
			struct agg_table *aggs, struct report *rep)
{
	agg_table__free(&rec->totals);
	*aggs = (struct agg_table) { .over_limit = 0 };
	assert_int_equal(counts__since(c, COUNTS_GROWN, &rec->totals), 0);
	assert_int_equal(report__make(rep, rec, aggs, opt), 0);
	counts__finish(rep);
}

static char *text_after(u32 vms, u64 times, enum metrics_format format, u32 max)
{
	const struct metrics_gaps gaps = { .no_room = 3, .missed = 4 };
	struct recording *rec = make_host(vms, times);
	struct report_options by_reason, by_vcpu;
	struct counts c = { .full = false };
	struct agg_table aggs[2];
	struct report rep[2];
	struct metrics m;
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	count(&c, rec, times);
	metrics__options(&by_reason, KVMW_EVENT_EXIT, false, true);
	metrics__options(&by_vcpu, KVMW_EVENT_EXIT, false, false);
	make_report(rec, &c, &by_reason, &aggs[0], &rep[0]);
	make_report(rec, &c, &by_vcpu, &aggs[1], &rep[1]);
	assert_int_equal(metrics__make(&m, &rep[0], &rep[1], &gaps), 0);
	assert_int_equal(openmetrics__write(out, &m, format, max), 0);
	fclose(out);
	metrics__free(&m);
	for (u32 i = 0; i < 2; i++) {
		report__free(&rep[i]);
		agg_table__free(&aggs[i]);
	}
	counts__free(&c);
	recording__free(rec);
	return text;
}

static char *text_of(u32 vms, enum metrics_format format, u32 max)
{
	return text_after(vms, 1, format, max);
}

static void has(const char *text, const char *line)
{
	if (!strstr(text, line))
		fail_msg("'%s' is not in\n%s", line, text);
}

static void test_text(void **state)
{
	char *text = text_of(1, METRICS_TEXT, METRICS_MAX_SERIES);

#define VM "vm=\"v\\\"m\\\\0\",pid=\"1000\""
	has(text,
	    "# TYPE kvmw_exits_total counter\nkvmw_exits_total{" VM ",reason=\"CPUID\"} 100\n");
	has(text, "# HELP kvmw_ioctl_events_total KVM ioctls of the VMM\n# TYPE kvmw_ioctl_events_total counter\n"
	    "kvmw_ioctl_events_total{" VM ",kind=\"call\"} 7\n");
	has(text, "kvmw_ioctl_seconds_total{" VM ",kind=\"call\"} 3.000000000\n");
	has(text, "kvmw_exit_seconds_total{" VM ",reason=\"HLT\"} 0.500000000\n");
	has(text, "kvmw_vcpu_seconds_total{" VM ",part=\"guest\"} 0.750000000\n");
	has(text, "kvmw_vcpu_seconds_total{" VM ",part=\"halt\"} 0.250000000\n");
	has(text, "kvmw_vcpu_seconds_total{" VM ",part=\"vmm\"} 0.375000000\n");
	has(text, "kvmw_vcpu_seconds_total{" VM ",part=\"kvm\"} 0.875000000\n");
	/* Those of 2^10 to 2^11 are in the bucket that ends with 2^12 - 1. */
	has(text,
	    "kvmw_exit_duration_seconds_bucket{" VM ",reason=\"CPUID\",le=\"0.000001023\"} 0\n");
	has(text,
	    "kvmw_exit_duration_seconds_bucket{" VM ",reason=\"CPUID\",le=\"0.000004095\"} 60\n");
	has(text,
	    "kvmw_exit_duration_seconds_bucket{" VM ",reason=\"CPUID\",le=\"0.000016383\"} 99\n");
	has(text,
	    "kvmw_exit_duration_seconds_bucket{" VM ",reason=\"CPUID\",le=\"17.179869183\"} 100\n");
	has(text, "kvmw_exit_duration_seconds_bucket{" VM ",reason=\"CPUID\",le=\"+Inf\"} 100\n");
	has(text, "kvmw_exit_duration_seconds_count{" VM ",reason=\"CPUID\"} 100\n");
	has(text, "kvmw_exit_duration_seconds_sum{" VM ",reason=\"CPUID\"} 0.500000000\n");
	has(text, "kvmw_vcpus{" VM ",vmm=\"qemu\"} 1\n");
	has(text, "kvmw_uncounted_events_total 3\n");
	has(text, "kvmw_missed_events_total 4\n");
	has(text, "kvmw_left_out_series 0\n");
	assert_null(strstr(text, "# UNIT"));
	assert_null(strstr(text, "# EOF"));
	free(text);
}

static void test_openmetrics(void **state)
{
	char *text = text_of(1, METRICS_OPENMETRICS, METRICS_MAX_SERIES);

	has(text, "# TYPE kvmw_exits counter\nkvmw_exits_total{");
	has(text, "# TYPE kvmw_exit_seconds counter\n# UNIT kvmw_exit_seconds seconds\n");
	has(text, "# TYPE kvmw_build info\n");
	has(text, "\n# EOF\n");
	free(text);
}

/* Lines that are no comment; left_out: what the text says of others. */
static u32 nr_series(const char *text, u32 *left_out)
{
	const char *said = strstr(text, "\nkvmw_left_out_series ");
	u32 nr = 0;

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		nr += *line && *line != '#';
	}
	*left_out = said ? strtoul(said + strlen("\nkvmw_left_out_series "), NULL, 10) : 0;
	return nr;
}

#define OWN	5	/* series that are of no VM */

static void test_number_of_series_is_bounded(void **state)
{
	u32 left_out, more, all;
	char *text = text_of(1000, METRICS_TEXT, 1000000);

	all = nr_series(text, &left_out);
	assert_int_equal(left_out, 0);
	free(text);
	text = text_of(1000, METRICS_TEXT, METRICS_MAX_SERIES);
	more = nr_series(text, &left_out);
	assert_true(more <= METRICS_MAX_SERIES + OWN);
	assert_int_equal(more + left_out, all);
	/* What says most is there. */
	has(text,
	    "kvmw_exits_total{vm=\"v\\\"m\\\\999\",pid=\"1999\",reason=\"IO_INSTRUCTION\"} 100\n");
	free(text);
	text = text_of(1000, METRICS_TEXT, 10);
	assert_int_equal(nr_series(text, &left_out), 10 + OWN);
	assert_int_equal(left_out + 10 + OWN, all);
	free(text);
}

static void test_what_is_accepted(void **state)
{
	assert_int_equal(openmetrics__accepted(NULL), METRICS_TEXT);
	assert_int_equal(openmetrics__accepted("*/*"), METRICS_TEXT);
	assert_int_equal(openmetrics__accepted("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.3"),
			 METRICS_OPENMETRICS);
}

struct served {
	u32 vms;
	u64 times;		/* that it was asked */
};

static char *next_text(void *arg, const char *accept, const char **type, size_t *size)
{
	enum metrics_format format = openmetrics__accepted(accept);
	struct served *s = arg;
	char *text = text_after(s->vms, ++s->times, format, METRICS_MAX_SERIES);

	*type = openmetrics__type(format);
	*size = strlen(text);
	return text;
}

static int serve(u32 vms)
{
	struct served s = { .vms = vms };
	struct sockaddr_storage address;
	struct http *http = http__address("0", &address) ? NULL :
			    http__new(&address, next_text, &s);
	char name[64];

	if (!http)
		return 1;
	puts(http__name(http, name, sizeof(name)));
	fflush(stdout);
	for (;;) {
		struct pollfd fd = { http__fd(http), POLLIN, 0 };

		poll(&fd, 1, 1000);
		http__run(http);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_openmetrics),
		cmocka_unit_test(test_number_of_series_is_bounded),
		cmocka_unit_test(test_what_is_accepted),
	};

	return argc > 1 ? serve(strtoul(argv[1], NULL, 10)) :
	       cmocka_run_group_tests(tests, NULL, NULL);
}
