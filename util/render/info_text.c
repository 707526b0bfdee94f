// SPDX-License-Identifier: GPL-2.0
/* kvmw info, for people. */
#include <stdlib.h>
#include <string.h>

#include "util/analysis/vcpu_life.h"
#include "util/memory.h"
#include "util/privacy/privacy.h"
#include "util/render/host_facts.h"
#include "util/render/limits.h"
#include "util/render/process_memory.h"
#include "util/render/render.h"
#include "util/render/slot_lists.h"
#include "util/render/threads.h"
#include "util/render/units.h"
#include "util/render/vm_setup.h"

static void info_text__texts(const struct screen *s, const char *what,
			     const struct rec_texts *texts)
{
	char first[32];

	for (u32 i = 0; i < texts->nr; i++) {
		snprintf(first, sizeof(first), "%-11s ", i ? "" : what);
		screen__wrap(s, first, "            ", texts->text[i]);
	}
}

static void field(const struct screen *s, const char *what, const char *text)
{
	char first[32];

	if (!text || !*text)
		return;
	snprintf(first, sizeof(first), "%-11s ", what);
	screen__wrap(s, first, "            ", text);
}

/* As one text, where a line for each would be a page. 0, or -1 out of memory. */
static int joined(const struct screen *s, const char *what, const struct rec_texts *texts)
{
	size_t size = 1, len = 0;
	char *text;

	for (u32 i = 0; i < texts->nr; i++)
		size += strlen(texts->text[i]) + 2;
	text = mem__calloc(size, 1);
	if (!text)
		return -1;
	for (u32 i = 0; i < texts->nr; i++)
		len += snprintf(text + len, size - len, "%s%s", i ? ", " : "", texts->text[i]);
	field(s, what, text);
	free(text);
	return 0;
}

static void parameters(const struct screen *s, const struct rec_texts *params, bool verbose)
{
	char text[48];

	if (verbose) {
		info_text__texts(s, "parameters", params);
		return;
	}
	snprintf(text, sizeof(text), "%u, shown by -v", params->nr);
	field(s, "parameters", params->nr ? text : NULL);
}

static int header(const struct screen *s, const struct recording *rec, bool verbose)
{
	const struct rec_meta *m = &rec->meta;
	u64 when = recording__realtime(rec, m->start_ns);
	char text[4096], date[64], bytes[UNITS_MAX];

	field(s, "file", strcmp(rec->path, "-") ? rec->path : "standard input");
	snprintf(text, sizeof(text), "%s bytes, written by kvmw %s",
		 units__count(rec->bytes, bytes), m->version ?: "of unknown version");
	field(s, "", text);
	field(s, "command", render__command(&m->command, text, sizeof(text)));
	snprintf(text, sizeof(text), "%s, Linux %s %s", m->host ?: "?", m->kernel ?: "?",
		 m->arch ?: "");
	field(s, "host", text);
	snprintf(text, sizeof(text), "%llu x %s", (unsigned long long)m->cpus, m->cpu ?: "?");
	field(s, "CPU", text);
	field(s, "KVM", m->module);
	parameters(s, &m->params, verbose);
	if (joined(s, "events", &m->events))
		return -1;
	field(s, "filters", m->filter_words && !*m->filter_words ? "none" : m->filter_words);
	snprintf(text, sizeof(text), "%llu of %llu bytes each", (unsigned long long)m->rings,
		 (unsigned long long)m->ring_bytes);
	field(s, "rings", m->rings ? text : NULL);
	snprintf(text, sizeof(text), "%s, %.9f s of CLOCK_MONOTONIC",
		 when ? render__date(when, date) : "date unknown", m->start_ns / 1e9);
	field(s, "start", m->start_ns ? text : NULL);
	snprintf(text, sizeof(text), "%.9f s%s%s", recording__duration(rec) / 1e9,
		 m->stop_why ? ", until: " : "", m->stop_why ?: "");
	field(s, "duration", text);
	snprintf(text, sizeof(text), "%s, at %.9f s", m->trigger ?: "",
		 recording__since_start(rec, m->trigger_ns) / 1e9);
	field(s, "trigger", m->trigger ? text : NULL);
	field(s, "resolution", render__resolution(&m->resolution, text, sizeof(text)));
	snprintf(text, sizeof(text), "file %llu of a series", (unsigned long long)m->series_number);
	if (m->series_to > m->series_number)
		snprintf(text, sizeof(text), "files %llu to %llu of a series",
			 (unsigned long long)m->series_number, (unsigned long long)m->series_to);
	field(s, "series", m->series_number ? text : NULL);
	field(s, "part", m->part);
	for (u32 id = 0; id < ARRAY_SIZE(m->skipped); id++) {
		if (!m->skipped[id])
			continue;
		snprintf(text, sizeof(text), "%s: %s", event_desc__by_id(id)->name, m->skipped[id]);
		field(s, "skipped", text);
	}
	info_text__texts(s, "note", &m->notes);
	return 0;
}

/* What somebody gives away with the file, and what not. */
static void info_text__secrets(const struct screen *s, const struct recording_info *inv)
{
	static const struct { u32 state; const char *what, *title; } lines[] = {
		{ INFO_SECRET_HELD, "holds", "" }, { PRIVACY_REMAP, "scrubbed", "made up: " },
		{ PRIVACY_REMOVE, "scrubbed", "removed: " }, { SECRET_NOT_RECORDED, "withheld", "not recorded: " },
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		char list[SECRETS_LIST], text[SECRETS_LIST + 32];

		snprintf(text, sizeof(text), "%s%s", lines[i].title,
			 secrets__in_state(inv->secret, lines[i].state, true, list));
		field(s, lines[i].what, *list ? text : NULL);
	}
}

static void info_text__vcpu(const struct screen *s, const struct recording *rec,
			    const struct rec_vcpu *v)
{
	struct vcpu_life life = vcpu_life__of(rec, v->id);
	char text[640], number[24] = "?", died[48] = "";

	if (v->vcpu >= 0)
		snprintf(number, sizeof(number), "%lld", (long long)v->vcpu);
	if (vcpu_life__is_gone(&life))
		snprintf(died, sizeof(died), ", died at %.3f s", vcpu_life__died(&life) / 1e9);
	snprintf(text, sizeof(text), "%u: %s%s, tid %u, %s%s", v->id,
		 *v->role ? "non-vCPU threads" : "vCPU ", *v->role ? "" : number, v->tid, v->comm,
		 died);
	field(s, *v->role ? "  threads" : "  vCPU", text);
}

static int vcpus_by_vm(const void *a, const void *b)
{
	const struct rec_vcpu *x = *(struct rec_vcpu *const *)a, *y = *(struct rec_vcpu *const *)b;

	if (x->vm != y->vm)
		return x->vm < y->vm ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

/* VMs are in the order of their ids, and so are these. */
static int info_text__identities(const struct screen *s, const struct recording *rec)
{
	const struct rec_vcpu **vcpu = mem__calloc(rec->nr_vcpus + 1, sizeof(*vcpu));
	char text[640], name[REC_VM_NAME];
	u32 k = 0;

	if (!vcpu)
		return -1;
	for (u32 i = 0; i < rec->nr_vcpus; i++)
		vcpu[i] = &rec->vcpu[i];
	qsort(vcpu, rec->nr_vcpus, sizeof(*vcpu), vcpus_by_vm);
	for (u32 i = 0; i < rec->nr_vms; i++) {
		const struct rec_vm *vm = &rec->vm[i];

		snprintf(text, sizeof(text), "%u: pid %s, %s%s%s", vm->id,
			 rec_vm__name(vm, name), vm->name, *vm->name ? ", " : "",
			 *vm->vmm ? vm->vmm : "VMM unknown");
		field(s, "VM", text);
		for (; k < rec->nr_vcpus && vcpu[k]->vm <= vm->id; k++)
			if (vcpu[k]->vm == vm->id)
				info_text__vcpu(s, rec, vcpu[k]);
	}
	free(vcpu);
	snprintf(text, sizeof(text),
		 "more VMs or vCPUs than kvmw keeps, which is %d at most: nothing is "
		 "known of the others but their ids", REC_MAX_IDS);
	field(s, "", rec->ids_left_out ? text : NULL);
	return 0;
}

/* By which report -s sym knows functions. */
static void info_text__symbols(const struct screen *s, const struct recording *rec)
{
	u32 nr = guest_symbols__number(rec->symbols);
	char text[96];

	snprintf(text, sizeof(text), "%u functions of the guest%s", nr,
		 nr == GUEST_SYMBOLS_STORED ? ", the most that a recording can have" : "");
	field(s, "symbols", rec->has_symbols ? text : NULL);
}

static void info_text__limits(const struct screen *s, const struct vm_limits *limits)
{
	char words[LIMITS_WORDS];

	for (u32 i = 0; i < limits->nr_vms; i++)
		field(s, i ? "" : "CPUs of VMs", limits__of_vm(&limits->vm[i], words));
	for (u32 i = 0; i < limits->nr_groups; i++)
		field(s, i ? "" : "cgroups", limits__of_group(&limits->group[i], words));
}

static void info_text__frames(const struct screen *s, const struct recording_info *inv)
{
	char type[16], each[UNITS_MAX];

	fprintf(s->out, "\n%-8s %-12s %8s %12s %12s %9s\n", "frames", "event", "number", "rows",
		"bytes", "per row");
	for (u32 i = 0; i < inv->nr; i++) {
		const struct info_frames *k = &inv->frames[i];

		snprintf(each, sizeof(each), "%.3f", k->rows ? (double)k->bytes / k->rows : 0);
		fprintf(s->out, "%-8s ", frame_type__name(k->type, type));
		screen__field(s, k->name, 12, true);
		fprintf(s->out, " %8llu %12llu %12llu %9s\n", (unsigned long long)k->frames,
			(unsigned long long)k->rows, (unsigned long long)k->bytes,
			k->rows ? each : "-");
	}
}

/* A name of a column is one of a key of report and a field of script: not cut, unless nonsense. */
static u32 column_width(const struct screen *s, const struct info_frames *k)
{
	u32 width = 12;

	for (u32 i = 0; i < k->nr_columns; i++) {
		u32 need = screen__width(s, k->column_name[i]);

		width = need > width ? need : width;
	}
	return width < 20 ? width : 20;
}

static void info_text__column(const struct screen *s, const struct info_frames *k, u32 i, u32 width)
{
	const struct info_column *c = &k->column[i];

	fputs("  ", s->out);
	screen__field(s, k->column_name[i], width, true);
	fprintf(s->out, " %-4s %12llu %12llu %9.3f  ", k->column_type[i],
		(unsigned long long)c->stored, (unsigned long long)c->raw,
		k->rows ? (double)c->stored / k->rows : 0);
	for (u32 e = 0; e < c->nr_encodings; e++)
		fprintf(s->out, "%s%s", e ? ", " : "", c->encoding[e]);
	fputc('\n', s->out);
}

static void columns(const struct screen *s, const struct recording_info *inv)
{
	char type[16];

	for (u32 i = 0; i < inv->nr; i++) {
		const struct info_frames *k = &inv->frames[i];
		u32 width = column_width(s, k);

		if (!k->nr_columns || !k->rows)
			continue;
		fprintf(s->out, "\n%s ", frame_type__name(k->type, type));
		screen__text(s, k->name);
		fprintf(s->out, "\n  %-*s %-4s %12s %12s %9s  %s\n", (int)width, "column", "type",
			"stored", "raw", "per row", "encoding");
		for (u32 c = 0; c < k->nr_columns; c++)
			info_text__column(s, k, c, width);
	}
}

static void info_text__state(const struct screen *s, const struct recording *rec,
			     const struct recording_info *inv)
{
	char text[256];

	fputc('\n', s->out);
	for (u32 i = 0; i < ARRAY_SIZE(rec->lost); i++) {
		const struct event_desc *event = event_desc__by_id(i);

		if (!rec->lost[i])
			continue;
		snprintf(text, sizeof(text), "%llu records of %s: the ring buffers overflowed",
			 (unsigned long long)rec->lost[i],
			 event ? event->name : "an event that this kvmw does not know");
		field(s, "lost", text);
	}
	snprintf(text, sizeof(text), "%s%s", inv->has_index ? "present" : "none",
		 rec->finished ? "; END frame present" : recording__unfinished(rec) ?
		 "; no END frame: the recorder did not finish" : "; no END frame: the source of this recording lacks events");
	field(s, "index", text);
	snprintf(text, sizeof(text), "%u place%s", rec->nr_damage, rec->nr_damage == 1 ? "" : "s");
	field(s, "damage", rec->nr_damage ? text : "none");
}

int render__info(const struct screen *s, const struct recording *rec,
		 const struct recording_info *inv, bool verbose)
{
	char words[HOST_FACT_WORDS];

	if (header(s, rec, verbose))
		return -1;
	info_text__secrets(s, inv);
	if (info_text__identities(s, rec))
		return -1;
	info_text__symbols(s, rec);
	for (u32 i = 0; i < inv->host.nr; i++)
		field(s, i ? "" : "host state", host_fact__words(&inv->host.fact[i], words));
	info_text__limits(s, &inv->limits);
	if (verbose) {
		vm_setups__print(s, &inv->setups);
		slot_lists__print(s, &inv->slots);
		process_memories__print(s, &inv->memory);
	}
	if (verbose && render__threads(s, rec, &inv->threads))
		return -1;
	info_text__frames(s, inv);
	if (verbose)
		columns(s, inv);
	info_text__state(s, rec, inv);
	return 0;
}
