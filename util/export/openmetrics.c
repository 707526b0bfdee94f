// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "util/analysis/cpu_holders.h"
#include "util/export/openmetrics.h"

#define LE_FIRST	9	/* the first bucket ends at 2^10 ns */
#define LE_LAST		33	/* and the last one at 2^34 ns */
#define LE_STEP		2

struct om {
	FILE *out;
	enum metrics_format format;
	u32 nr, max;		/* series, and at most */
	u64 left_out;
};

const char *openmetrics__type(enum metrics_format format)
{
	return format == METRICS_OPENMETRICS ?
	       "application/openmetrics-text; version=1.0.0; charset=utf-8" :
	       "text/plain; version=0.0.4; charset=utf-8";
}

enum metrics_format openmetrics__accepted(const char *accept)
{
	return accept && strstr(accept, "application/openmetrics-text") ? METRICS_OPENMETRICS : METRICS_TEXT;
}

/* name: without _total, which OpenMetrics leaves to the samples.  unit: its end, or NULL. */
static void om__family(const struct om *om, const char *name, const char *type, const char *unit,
		       const char *help)
{
	bool open = om->format == METRICS_OPENMETRICS;
	const char *total = !open && !strcmp(type, "counter") ? "_total" : "";

	fprintf(om->out, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, total, help, name, total,
		open || strcmp(type, "info") ? type : "gauge");
	if (open && unit)
		fprintf(om->out, "# UNIT %s %s\n", name, unit);
}

/* Whether there is room for nr more series. */
static bool om__has_room(struct om *om, u32 nr)
{
	if (om->nr + nr > om->max) {
		om->left_out += nr;
		return false;
	}
	om->nr += nr;
	return true;
}

static void om__put_label(const struct om *om, const char *before, const char *name, const char *value)
{
	fprintf(om->out, "%s%s=\"", before, name);
	for (; *value; value++) {
		if (*value == '\n')
			fputs("\\n", om->out);
		else if (*value == '"' || *value == '\\')
			fprintf(om->out, "\\%c", *value);
		else
			fputc(*value, om->out);
	}
	fputc('"', om->out);
}

static void om__put_seconds(const struct om *om, u64 ns)
{
	fprintf(om->out, "%llu.%09llu", (unsigned long long)ns / 1000000000, (unsigned long long)ns % 1000000000);
}

/* Name and labels of the VM up to the bracket that closes them. */
static void om__put_vm(const struct om *om, const char *name, const struct rec_vm *vm)
{
	char pid[REC_VM_NAME];

	fprintf(om->out, "%s{", name);
	om__put_label(om, "", "vm", vm ? vm->name : "");
	om__put_label(om, ",", "pid", vm ? rec_vm__name(vm, pid) : "");
}

/* The same of a row, with its vCPU and reason, as far as it is of one. */
static void om__put_row(const struct om *om, const char *name, const struct report *rep,
		    const struct report_row *row)
{
	const struct rec_vcpu *vcpu = metrics__vcpu(rep, row);
	int reason = report_options__position(rep->opt, KEY_REASON);
	char number[32];

	om__put_vm(om, name, metrics__vm(rep, row));
	if (vcpu) {
		snprintf(number, sizeof(number), "%lld", (long long)vcpu->vcpu);
		om__put_label(om, ",", "vcpu", number);
	}
	if (reason >= 0)
		om__put_label(om, ",", "reason", row->label[reason]);
}

static void om__put_count(const struct om *om, u64 value)
{
	fprintf(om->out, "} %llu\n", (unsigned long long)value);
}

static void om__put_time(const struct om *om, u64 ns)
{
	fputs("} ", om->out);
	om__put_seconds(om, ns);
	fputc('\n', om->out);
}

static void om__put_exits(struct om *om, const struct report *rep)
{
	bool exits = rep->event == KVMW_EVENT_EXIT;

	om__family(om, exits ? "kvmw_exits" : "kvmw_returns", "counter", NULL,
		   exits ? "VM exits" : "returns of KVM_RUN to the VMM");
	for (u32 i = 0; i < rep->nr_rows; i++) {
		if (!om__has_room(om, 1))
			continue;
		om__put_row(om, exits ? "kvmw_exits_total" : "kvmw_returns_total", rep, &rep->row[i]);
		om__put_count(om, rep->row[i].count);
	}
}

/* From the exit to the next entry. */
static void om__put_exit_times(struct om *om, const struct report *rep)
{
	bool exits = rep->event == KVMW_EVENT_EXIT;

	om__family(om, exits ? "kvmw_exit_seconds" : "kvmw_return_seconds", "counter", "seconds",
		   exits ? "time from VM exits to the next entries, halts and waits included" :
		   "time from returns to the VMM to the next calls of KVM_RUN");
	for (u32 i = 0; i < rep->nr_rows; i++) {
		if (rep->row[i].time_ns == KVMW_NONE || !om__has_room(om, 1))
			continue;
		om__put_row(om, exits ? "kvmw_exit_seconds_total" : "kvmw_return_seconds_total", rep, &rep->row[i]);
		om__put_time(om, rep->row[i].time_ns);
	}
}

static void om__put_part(struct om *om, const struct report *rep, const struct report_row *row,
		     const char *part, u64 ns)
{
	if (ns == KVMW_NONE || !om__has_room(om, 1))
		return;
	om__put_row(om, "kvmw_vcpu_seconds_total", rep, row);
	om__put_label(om, ",", "part", part);
	om__put_time(om, ns);
}

/* They add up: what is part of another one is taken out of it. */
static void om__put_parts(struct om *om, const struct report *rep)
{
	om__family(om, "kvmw_vcpu_seconds", "counter", "seconds",
		   "time of vCPUs: in the guest, in KVM, in the VMM, polling before a halt, halted, waiting for a "
		   "CPU, throttled by a quota, asleep elsewhere");
	for (u32 i = 0; i < rep->nr_rows; i++) {
		const struct report_row *row = &rep->row[i];

		om__put_part(om, rep, row, rep->event == KVMW_EVENT_EXIT ? "guest" : "kvm_run", row->gap_ns);
		om__put_part(om, rep, row, "kvm", row->kvm_ns);
		om__put_part(om, rep, row, "vmm", row->user_ns);
		om__put_part(om, rep, row, "poll", row->poll_ns);
		om__put_part(om, rep, row, "halt", time__less(row->halt_ns, row->poll_ns));
		om__put_part(om, rep, row, "wait", time__less(row->wait_ns, row->throttled_ns));
		om__put_part(om, rep, row, "throttled", row->throttled_ns);
		om__put_part(om, rep, row, "block", row->block_ns);
	}
}

static void om__put_waits(struct om *om, const struct metrics *m)
{
	om__family(om, "kvmw_wait_taker_seconds", "counter", "seconds",
		   "time of waits for a CPU, by what had the CPU");
	for (u32 i = 0; i < m->waits.nr; i++) {
		const struct metrics_waits *w = hash_table__at(&m->waits, i);

		for (u32 kind = 0; kind < METRICS_TAKERS; kind++) {
			if (!w->taker_ns[kind] || !cpu_holder__kind(kind) || !om__has_room(om, 1))
				continue;
			om__put_vm(om, "kvmw_wait_taker_seconds_total", recording__vm(m->rec, w->key));
			om__put_label(om, ",", "taker", cpu_holder__kind(kind));
			om__put_time(om, w->taker_ns[kind]);
		}
	}
}

static bool kinds_end(const struct kind_counts *kinds, u32 event)
{
	for (u32 i = 0; i < kinds->nr; i++)
		if (kinds->each[i].key.event == event && kinds->each[i].done)
			return true;
	return false;
}

static void om__put_kind(struct om *om, const struct metrics *m, const char *name, const struct kind_count *k, bool time)
{
	const struct kind_desc *kind = event_desc__kind(event_desc__by_id(k->key.event), k->key.kind);
	const struct rec_vcpu *vcpu = recording__vcpu(m->rec, k->key.vcpu);
	char number[32];

	if ((time && !k->done) || !om__has_room(om, 1))
		return;
	om__put_vm(om, name, recording__vm(m->rec, k->key.vm));
	if (vcpu) {
		snprintf(number, sizeof(number), "%lld", (long long)vcpu->vcpu);
		om__put_label(om, ",", "vcpu", rec_vcpu__is_vcpu(vcpu) ? number : "");
	}
	snprintf(number, sizeof(number), "%u", k->key.kind);
	om__put_label(om, ",", "kind", kind ? kind->name : number);
	if (time)
		om__put_time(om, k->span_ns);
	else
		om__put_count(om, k->count);
}

/* The names come from the list of events. */
static void om__put_family(struct om *om, const struct metrics *m, const struct event_desc *event, bool time)
{
	char name[64], help[256];

	snprintf(name, sizeof(name), "kvmw_%s_%s", event->name, time ? "seconds" : "events");
	snprintf(help, sizeof(help), "%s%s", time ? "how long they took, where known: " : "", event->doc);
	om__family(om, name, "counter", time ? "seconds" : NULL, help);
	strcat(name, "_total");
	for (u32 i = 0; i < m->kinds.nr; i++)
		if (m->kinds.each[i].key.event == event->id)
			om__put_kind(om, m, name, &m->kinds.each[i], time);
}

static void om__put_kinds(struct om *om, const struct metrics *m)
{
	u32 last = 0;

	for (u32 i = 0; i < m->kinds.nr; i++) {
		const struct event_desc *event = event_desc__by_id(m->kinds.each[i].key.event);

		if (event->id == last)
			continue;
		last = event->id;
		om__put_family(om, m, event, false);
		if (kinds_end(&m->kinds, event->id))
			om__put_family(om, m, event, true);
	}
}

/* Buckets end with the last nanosecond that belongs to them. */
static void om__put_histogram(struct om *om, const struct report *rep, const struct report_row *row)
{
	static const char name[] = "kvmw_exit_duration_seconds";
	u64 log2[HIST_LOG2], sum = 0;
	char bucket[64];
	u32 at = 0;

	hist__log2(&row->span, log2);
	snprintf(bucket, sizeof(bucket), "%s_bucket", name);
	for (u32 last = LE_FIRST; last <= LE_LAST; last += LE_STEP) {
		u64 end = (2ULL << last) - 1;

		while (at <= last)
			sum += log2[at++];
		om__put_row(om, bucket, rep, row);
		fputs(",le=\"", om->out);
		om__put_seconds(om, end);
		fputc('"', om->out);
		om__put_count(om, sum);
	}
	while (at < HIST_LOG2)
		sum += log2[at++];
	om__put_row(om, bucket, rep, row);
	om__put_label(om, ",", "le", "+Inf");
	om__put_count(om, sum);
	snprintf(bucket, sizeof(bucket), "%s_count", name);
	om__put_row(om, bucket, rep, row);
	om__put_count(om, sum);
	snprintf(bucket, sizeof(bucket), "%s_sum", name);
	om__put_row(om, bucket, rep, row);
	om__put_time(om, row->span.sum);
}

static void om__put_histograms(struct om *om, const struct report *rep)
{
	const u32 nr = (LE_LAST - LE_FIRST) / LE_STEP + 1 + 3;

	if (rep->event != KVMW_EVENT_EXIT)
		return;
	om__family(om, "kvmw_exit_duration_seconds", "histogram", "seconds",
		   "how long completed exits lasted, until the next entry");
	for (u32 i = 0; i < rep->nr_rows; i++)
		if (rep->row[i].span.count && om__has_room(om, nr))
			om__put_histogram(om, rep, &rep->row[i]);
}

static void om__put_vms(struct om *om, const struct metrics *m)
{
	om__family(om, "kvmw_vcpus", "gauge", NULL, "vCPUs of a VM that have been seen and are not gone");
	for (u32 i = 0; i < m->rec->nr_vms; i++) {
		const struct rec_vm *vm = &m->rec->vm[i];
		u32 nr = 0;

		for (u32 k = 0; k < m->rec->nr_vcpus; k++)
			nr += m->rec->vcpu[k].vm == vm->id && rec_vcpu__is_vcpu(&m->rec->vcpu[k]) &&
			      !m->rec->vcpu[k].gone_ns;
		if (!om__has_room(om, 1))
			continue;
		om__put_vm(om, "kvmw_vcpus", vm);
		om__put_label(om, ",", "vmm", vm->vmm);
		om__put_count(om, nr);
	}
}

static void om__put_own(const struct om *om, const struct metrics *m)
{
	bool open = om->format == METRICS_OPENMETRICS;

	om__family(om, "kvmw_uncounted_events", "counter", NULL,
		   "events of vCPUs beyond those that can be counted at a time");
	fprintf(om->out, "kvmw_uncounted_events_total %llu\n", (unsigned long long)m->gaps.no_room);
	om__family(om, "kvmw_missed_events", "counter", NULL,
		   "runs of BPF programs that the kernel skipped, for any process of the host");
	fprintf(om->out, "kvmw_missed_events_total %llu\n", (unsigned long long)m->gaps.missed);
	om__family(om, "kvmw_start_time_seconds", "gauge", "seconds", "when counting began, since the epoch");
	fputs("kvmw_start_time_seconds ", om->out);
	om__put_seconds(om, m->start_realtime_ns);
	fputc('\n', om->out);
	om__family(om, "kvmw_left_out_series", "gauge", NULL, "series that did not fit into this text");
	fprintf(om->out, "kvmw_left_out_series %llu\n", (unsigned long long)om->left_out);
	om__family(om, open ? "kvmw_build" : "kvmw_build_info", "info", NULL, "the version of kvmw");
	fputs("kvmw_build_info{", om->out);
	om__put_label(om, "", "version", m->rec->meta.version ?: "");
	om__put_count(om, 1);
	if (open)
		fputs("# EOF\n", om->out);
}

/* What says most of a VM in the fewest series comes first. */
void openmetrics__write(FILE *out, const struct metrics *m, enum metrics_format format, u32 max)
{
	struct om om = { .out = out, .format = format, .max = max };

	om__put_vms(&om, m);
	om__put_parts(&om, m->by_vcpu);
	om__put_waits(&om, m);
	om__put_exits(&om, m->by_reason);
	om__put_exit_times(&om, m->by_reason);
	om__put_kinds(&om, m);
	om__put_histograms(&om, m->by_reason);
	om__put_own(&om, m);
}
