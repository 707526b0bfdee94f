// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "util/analysis/cpu_holders.h"
#include "util/array.h"
#include "util/export/openmetrics.h"

#define LE_FIRST	9	/* the first bucket ends at 2^10 ns */
#define LE_LAST		33	/* and the last one at 2^34 ns */
#define LE_STEP		2

struct om {
	FILE *out;
	enum metrics_format format;
	u32 nr, max;		/* series, and at most */
	u64 left_out;
	/* of the samples that come next, as text; they are the same for many */
	char *labels;
	u32 nr_labels, labels_room;	/* bytes */
	bool failed;		/* out of memory */
};

const char *openmetrics__type(enum metrics_format format)
{
	return format == METRICS_OPENMETRICS ?
	       "application/openmetrics-text; version=1.0.0; charset=utf-8" :
	       "text/plain; version=0.0.4; charset=utf-8";
}

enum metrics_format openmetrics__accepted(const char *accept)
{
	return accept && strstr(accept, "application/openmetrics-text") ?
	       METRICS_OPENMETRICS : METRICS_TEXT;
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

/* ---- labels and numbers ------------------------------------------------------ */

static void om__add(struct om *om, char c)
{
	if (om->failed || array__reserve(om->labels, om->nr_labels, om->labels_room, NULL))
		om->failed = true;
	else
		om->labels[om->nr_labels++] = c;
}

static void om__add_label(struct om *om, const char *name, const char *value)
{
	om__add(om, om->nr_labels ? ',' : '{');
	while (*name)
		om__add(om, *name++);
	om__add(om, '=');
	om__add(om, '"');
	for (; *value; value++) {
		if (*value == '\n' || *value == '"' || *value == '\\')
			om__add(om, '\\');
		om__add(om, *value == '\n' ? 'n' : *value);
	}
	om__add(om, '"');
}

/* The labels of a VM, and no others yet. */
static void om__of_vm(struct om *om, const struct rec_vm *vm)
{
	char pid[REC_VM_NAME];

	om->nr_labels = 0;
	om__add_label(om, "vm", vm ? vm->name : "");
	om__add_label(om, "pid", vm ? rec_vm__name(vm, pid) : "");
}

static void om__add_vcpu(struct om *om, const struct rec_vcpu *vcpu)
{
	char number[32] = "";

	if (rec_vcpu__is_vcpu(vcpu))
		snprintf(number, sizeof(number), "%lld", (long long)vcpu->vcpu);
	om__add_label(om, "vcpu", number);
}

/* The same of a row, with its vCPU and reason, as far as it is of one. */
static void om__of_row(struct om *om, const struct report *rep, const struct report_row *row)
{
	const struct rec_vcpu *vcpu = metrics__vcpu(rep, row);
	int reason = report_options__position(rep->opt, KEY_REASON);

	om__of_vm(om, metrics__vm(rep, row));
	if (vcpu)
		om__add_vcpu(om, vcpu);
	if (reason >= 0)
		om__add_label(om, "reason", row->label[reason]);
}

#define DIGITS	32

/*
 * There are tens of thousands of numbers at a time, and formats take long. At least so many digits
 * before end.
 */
static char *print_digits(char *end, u64 value, u32 least)
{
	while (value || least) {
		*--end = '0' + value % 10;
		value /= 10;
		least -= least > 0;
	}
	return end;
}

static const char *print_number(char buf[DIGITS], u64 value)
{
	buf[DIGITS - 1] = '\0';
	return print_digits(&buf[DIGITS - 1], value, 1);
}

static const char *print_seconds(char buf[DIGITS], u64 ns)
{
	char *at = print_digits(&buf[DIGITS - 1], ns % NSEC_PER_SEC, 9);

	buf[DIGITS - 1] = '\0';
	*--at = '.';
	return print_digits(at, ns / NSEC_PER_SEC, 1);
}

static void om__put(const struct om *om, const char *name, const char *value)
{
	fputs_unlocked(name, om->out);
	fwrite_unlocked(om->labels, 1, om->nr_labels, om->out);
	fputs_unlocked(om->nr_labels ? "} " : " ", om->out);
	fputs_unlocked(value, om->out);
	putc_unlocked('\n', om->out);
}

static void om__put_count(const struct om *om, const char *name, u64 value)
{
	char buf[DIGITS];

	om__put(om, name, print_number(buf, value));
}

static void om__put_time(const struct om *om, const char *name, u64 ns)
{
	char buf[DIGITS];

	om__put(om, name, print_seconds(buf, ns));
}

/* With one more label, which those after it do not have. */
static void om__put_labeled(struct om *om, const char *name, const char *label, const char *value,
			    u64 number, bool time)
{
	u32 nr_labels = om->nr_labels;

	om__add_label(om, label, value);
	(time ? om__put_time : om__put_count)(om, name, number);
	om->nr_labels = nr_labels;
}

/* ---- families ------------------------------------------------------------------ */

static void om__put_exits(struct om *om, const struct report *rep)
{
	bool exits = rep->event == KVMW_EVENT_EXIT;

	om__family(om, exits ? "kvmw_exits" : "kvmw_returns", "counter", NULL,
		   exits ? "VM exits" : "returns of KVM_RUN to the VMM");
	for (u32 i = 0; i < rep->nr_rows; i++) {
		if (!om__has_room(om, 1))
			continue;
		om__of_row(om, rep, &rep->row[i]);
		om__put_count(om, exits ? "kvmw_exits_total" : "kvmw_returns_total",
			      rep->row[i].count);
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
		om__of_row(om, rep, &rep->row[i]);
		om__put_time(om, exits ? "kvmw_exit_seconds_total" : "kvmw_return_seconds_total",
			     rep->row[i].time_ns);
	}
}

static void om__put_part(struct om *om, const char *part, u64 ns)
{
	if (ns != KVMW_NONE && om__has_room(om, 1))
		om__put_labeled(om, "kvmw_vcpu_seconds_total", "part", part, ns, true);
}

/* They add up: what is part of another one is taken out of it. */
static void om__put_parts(struct om *om, const struct report *rep)
{
	om__family(om, "kvmw_vcpu_seconds", "counter", "seconds",
		   "time of vCPUs: in the guest, in KVM, in the VMM, polling before a halt, halted, waiting for a "
		   "CPU, throttled by a quota, asleep elsewhere");
	for (u32 i = 0; i < rep->nr_rows; i++) {
		const struct report_row *row = &rep->row[i];

		om__of_row(om, rep, row);
		om__put_part(om, rep->event == KVMW_EVENT_EXIT ? "guest" : "kvm_run", row->gap_ns);
		om__put_part(om, "kvm", row->kvm_ns);
		om__put_part(om, "vmm", row->user_ns);
		om__put_part(om, "poll", row->poll_ns);
		om__put_part(om, "halt", time__less(row->halt_ns, row->poll_ns));
		om__put_part(om, "wait", time__less(row->wait_ns, row->throttled_ns));
		om__put_part(om, "throttled", row->throttled_ns);
		om__put_part(om, "block", row->block_ns);
	}
}

static void om__put_waits(struct om *om, const struct metrics *m)
{
	om__family(om, "kvmw_wait_taker_seconds", "counter", "seconds",
		   "time of waits for a CPU, by what had the CPU");
	for (u32 i = 0; i < m->waits.nr; i++) {
		const struct metrics_waits *w = hash_table__at(&m->waits, i);

		om__of_vm(om, recording__vm(m->rec, w->key));
		for (u32 kind = 0; kind < METRICS_TAKERS; kind++) {
			if (!w->taker_ns[kind] || !cpu_holder__kind(kind) || !om__has_room(om, 1))
				continue;
			om__put_labeled(om, "kvmw_wait_taker_seconds_total", "taker",
					cpu_holder__kind(kind), w->taker_ns[kind], true);
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

static void om__put_kind(struct om *om, const struct metrics *m, const char *name,
			 const struct kind_count *k, bool time)
{
	const struct kind_desc *kind =
		event_desc__kind(event_desc__by_id(k->key.event), k->key.kind);
	const struct rec_vcpu *vcpu = recording__vcpu(m->rec, k->key.vcpu);
	char number[32];

	if ((time && !k->done) || !om__has_room(om, 1))
		return;
	om__of_vm(om, recording__vm(m->rec, k->key.vm));
	if (vcpu)
		om__add_vcpu(om, vcpu);
	snprintf(number, sizeof(number), "%u", k->key.kind);
	om__put_labeled(om, name, "kind", kind ? kind->name : number, time ? k->span_ns : k->count,
			time);
}

/* The names come from the list of events. */
static void om__put_family(struct om *om, const struct metrics *m, const struct event_desc *event,
			   bool time)
{
	char name[64], help[256];

	snprintf(name, sizeof(name), "kvmw_%s_%s", event->name, time ? "seconds" : "events");
	snprintf(help, sizeof(help), "%s%s", time ? "how long they took, where known: " : "",
		 event->doc);
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
	static const char bucket[] = "kvmw_exit_duration_seconds_bucket";
	u64 log2[HIST_LOG2], sum = 0;
	u32 at = 0;

	hist__log2(&row->span, log2);
	om__of_row(om, rep, row);
	for (u32 last = LE_FIRST; last <= LE_LAST; last += LE_STEP) {
		char le[DIGITS];

		while (at <= last)
			sum += log2[at++];
		om__put_labeled(om, bucket, "le", print_seconds(le, (2ULL << last) - 1), sum,
				false);
	}
	while (at < HIST_LOG2)
		sum += log2[at++];
	om__put_labeled(om, bucket, "le", "+Inf", sum, false);
	om__put_count(om, "kvmw_exit_duration_seconds_count", sum);
	om__put_time(om, "kvmw_exit_duration_seconds_sum", row->span.sum);
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

static int om__put_vms(struct om *om, const struct metrics *m)
{
	u32 *vcpus = mem__calloc(m->rec->nr_vms + 1, sizeof(*vcpus));

	if (!vcpus)
		return -1;
	for (u32 i = 0; i < m->rec->nr_vcpus; i++) {
		const struct rec_vcpu *vcpu = &m->rec->vcpu[i];
		const struct rec_vm *vm = recording__vm(m->rec, vcpu->vm);

		if (vm && rec_vcpu__is_vcpu(vcpu) && !vcpu->gone_ns)
			vcpus[vm - m->rec->vm]++;
	}
	om__family(om, "kvmw_vcpus", "gauge", NULL,
		   "vCPUs of a VM that have been seen and are not gone");
	for (u32 i = 0; i < m->rec->nr_vms; i++) {
		if (!om__has_room(om, 1))
			continue;
		om__of_vm(om, &m->rec->vm[i]);
		om__put_labeled(om, "kvmw_vcpus", "vmm", m->rec->vm[i].vmm, vcpus[i], false);
	}
	free(vcpus);
	return 0;
}

static void om__put_own(struct om *om, const struct metrics *m)
{
	bool open = om->format == METRICS_OPENMETRICS;

	om->nr_labels = 0;
	om__family(om, "kvmw_uncounted_events", "counter", NULL,
		   "events of vCPUs beyond those that can be counted at a time");
	om__put_count(om, "kvmw_uncounted_events_total", m->gaps.no_room);
	om__family(om, "kvmw_missed_events", "counter", NULL,
		   "runs of BPF programs that the kernel skipped, for any process of the host");
	om__put_count(om, "kvmw_missed_events_total", m->gaps.missed);
	om__family(om, "kvmw_start_time_seconds", "gauge", "seconds",
		   "when counting began, since the epoch");
	om__put_time(om, "kvmw_start_time_seconds", m->start_realtime_ns);
	om__family(om, "kvmw_left_out_series", "gauge", NULL,
		   "series that did not fit into this text");
	om__put_count(om, "kvmw_left_out_series", om->left_out);
	om__family(om, open ? "kvmw_build" : "kvmw_build_info", "info", NULL,
		   "the version of kvmw");
	om__put_labeled(om, "kvmw_build_info", "version", m->rec->meta.version ?: "", 1, false);
	if (open)
		fputs("# EOF\n", om->out);
}

/* What says most of a VM in the fewest series comes first. */
int openmetrics__write(FILE *out, const struct metrics *m, enum metrics_format format, u32 max)
{
	struct om om = { .out = out, .format = format, .max = max };

	if (om__put_vms(&om, m))
		return -1;
	om__put_parts(&om, m->by_vcpu);
	om__put_waits(&om, m);
	om__put_exits(&om, m->by_reason);
	om__put_exit_times(&om, m->by_reason);
	om__put_kinds(&om, m);
	om__put_histograms(&om, m->by_reason);
	om__put_own(&om, m);
	free(om.labels);
	return om.failed ? -1 : 0;
}
