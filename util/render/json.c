// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>

#include "util/memory.h"
#include "util/event_desc.h"
#include "util/privacy/privacy.h"
#include "util/render/json.h"
#include "util/text.h"

#define TEXT_BYTES	(16u << 10)	/* of one text */
#define EXPECTED	(256u << 10)	/* bytes: far more than is made at a time */

int json__expect(void)
{
	return mem__expect(EXPECTED);
}

void json__u64(struct json_object *obj, const char *key, u64 value)
{
	json_object_object_add(obj, key, json_object_new_uint64(value));
}

void json__ns(struct json_object *obj, const char *key, u64 ns)
{
	json_object_object_add(obj, key, ns == KVMW_NONE ? NULL : json_object_new_uint64(ns));
}

void json__schema(struct json_object *obj)
{
	json__u64(obj, "schema", JSON_SCHEMA);
}

void json__address(struct json_object *obj, const char *key, u64 value)
{
	char name[64], hex[24];

	json__ns(obj, key, value);
	snprintf(name, sizeof(name), "%s_hex", key);
	snprintf(hex, sizeof(hex), "0x%llx", (unsigned long long)value);
	json__text(obj, name, value == KVMW_NONE ? NULL : hex);
}

void json__time(struct json_object *obj, const char *key, u64 ns)
{
	json_object_object_add(obj, key, ns ? json_object_new_uint64(ns) : NULL);
}

void json__name(struct json_object *obj, const char *name)
{
	if (name)
		json__text(obj, "name", name);
}

void json__text(struct json_object *obj, const char *key, const char *text)
{
	/* A path, say, may be anything; JSON is UTF-8. */
	char clean[TEXT_BYTES];

	json_object_object_add(obj, key, text ? json_object_new_string(
			       text__clean_into(clean, sizeof(clean), text)) : NULL);
}

void json__bool(struct json_object *obj, const char *key, bool value)
{
	json_object_object_add(obj, key, json_object_new_boolean(value));
}

void json__real(struct json_object *obj, const char *key, double value)
{
	char digits[64];

	snprintf(digits, sizeof(digits), "%.4f", value);
	json_object_object_add(obj, key, json_object_new_double_s(value, digits));
}

struct json_object *json__object(struct json_object *obj, const char *key)
{
	struct json_object *child = json_object_new_object();

	json_object_object_add(obj, key, child);
	return child;
}

struct json_object *json__array(struct json_object *obj, const char *key)
{
	struct json_object *child = json_object_new_array();

	json_object_object_add(obj, key, child);
	return child;
}

static void json__texts(struct json_object *obj, const char *key, const struct rec_texts *texts)
{
	struct json_object *list = json__array(obj, key);

	for (u32 i = 0; i < texts->nr; i++)
		json_object_array_add(list, json_object_new_string(texts->text[i]));
}

static struct json_object *make_vm(struct json_writer *w, const void *ctx, u32 i)
{
	const struct rec_vm *vm = &((const struct recording *)ctx)->vm[i];
	struct json_object *item = json_object_new_object();

	json__u64(item, "id", vm->id);
	json__u64(item, "pid", vm->pid);
	json__text(item, "name", vm->name);
	json__text(item, "vmm", vm->vmm);
	if (vm->file)
		json__u64(item, "file", vm->file);
	return item;
}

static struct json_object *make_vcpu(struct json_writer *w, const void *ctx, u32 i)
{
	const struct rec_vcpu *vcpu = &((const struct recording *)ctx)->vcpu[i];
	struct json_object *item = json_object_new_object();

	json__u64(item, "id", vcpu->id);
	json__ns(item, "vm", vcpu->vm == REC_NO_VM ? KVMW_NONE : vcpu->vm);
	json__ns(item, "vcpu", vcpu->vcpu < 0 ? KVMW_NONE : (u64)vcpu->vcpu);
	json__u64(item, "tid", vcpu->tid);
	json__text(item, "comm", vcpu->comm);
	json__text(item, "role", *vcpu->role ? vcpu->role : NULL);
	if (vcpu->gone_ns)
		json__u64(item, "gone_ns", vcpu->gone_ns);
	return item;
}

void json__identities(struct json_writer *w, struct json_object *obj, const struct recording *rec)
{
	json__list(w, obj, "vms", rec->nr_vms, make_vm, rec);
	json__list(w, obj, "vcpus", rec->nr_vcpus, make_vcpu, rec);
	if (rec->ids_left_out)
		json__bool(obj, "ids_left_out", true);
}

void json__vm(struct json_object *obj, const struct recording *rec, const struct rec_vm *vm)
{
	json__ns(obj, "pid", vm ? vm->pid : KVMW_NONE);
	if (rec->several_vms_of_pid)
		json__ns(obj, "vm_id", vm ? vm->id : KVMW_NONE);
}

static void json__state(struct json_object *obj, const struct recording *rec)
{
	struct json_object *list, *item;

	json__u64(obj, "bytes", rec->bytes);
	json__bool(obj, "finished", rec->finished);
	json__bool(obj, "complete", !recording__incomplete(rec));
	json__u64(obj, "missing_rows", rec->missing_rows);
	list = json__array(obj, "damage");
	for (size_t i = 0; i < rec->nr_damage; i++) {
		item = json_object_new_object();
		json_object_array_add(list, item);
		json__u64(item, "offset", rec->damage[i].offset);
		json__u64(item, "bytes", rec->damage[i].bytes);
		json__text(item, "what", rec->damage[i].what);
	}
}

/* Events that were asked for, but that the host could not record: why. */
static void skipped(struct json_object *obj, const struct recording *rec)
{
	struct json_object *list = json__object(obj, "skipped");

	for (u32 id = 0; id < ARRAY_SIZE(rec->meta.skipped); id++)
		if (rec->meta.skipped[id])
			json__text(list, event_desc__by_id(id)->name, rec->meta.skipped[id]);
}

static void cost(struct json_object *obj, const struct recording *rec)
{
	const struct kvmw_cost *c = &rec->cost;

	if (!rec->has_cost) {
		json_object_object_add(obj, "cost", NULL);
		return;
	}
	obj = json__object(obj, "cost");
	json__u64(obj, "time_ns", c->time_ns);
	json__u64(obj, "bpf_ns", c->bpf_ns);
	json__u64(obj, "bpf_events", c->bpf_events);
	json__u64(obj, "cpu_ns", c->cpu_ns);
	json__u64(obj, "events", c->events);
	json__u64(obj, "bytes", c->bytes);
}

/* What is null because it was removed, and what is made up. */
static void json__privacy(struct json_object *obj, const struct recording *rec)
{
	struct json_object *privacy = json_object_new_object();

	for (u32 i = 0; i < KVMW_NR_SECRETS; i++)
		if (rec->meta.hidden[i])
			json__text(privacy, secret_desc(i)->member,
				   secret_state__name(rec->meta.hidden[i]));
	if (json_object_object_length(privacy))
		json_object_object_add(obj, "privacy", privacy);
	else
		json_object_put(privacy);
}

/* Of all events, whichever one a report is about. */
static void lost(struct json_object *obj, const struct recording *rec)
{
	struct json_object *list = json__object(obj, "lost");

	for (u32 id = 0; id < ARRAY_SIZE(rec->lost); id++) {
		const struct event_desc *event = event_desc__by_id(id);

		if (event && (rec->event_rows[id] || rec->lost[id]))
			json__u64(list, event->name, rec->lost[id]);
	}
}

void json__recording(struct json_writer *w, struct json_object *obj, const struct recording *rec)
{
	const struct rec_meta *m = &rec->meta;
	struct json_object *host, *kvm, *filters, *series;
	char resolution[RESOLUTION_TEXT];

	json__state(obj, rec);
	json__text(obj, "kvmw", m->version);
	json__texts(obj, "command", &m->command);
	host = json__object(obj, "host");
	json__text(host, "name", m->host);
	json__text(host, "kernel", m->kernel);
	json__text(host, "arch", m->arch);
	json__text(host, "cpu", m->cpu);
	json__u64(host, "cpus", m->cpus);
	kvm = json__object(obj, "kvm");
	json__text(kvm, "module", m->module);
	json__texts(kvm, "params", &m->params);
	json__texts(obj, "events", &m->events);
	filters = m->filters ? json_tokener_parse(m->filters) : NULL;
	json_object_object_add(obj, "filters", filters);
	json__u64(obj, "rings", m->rings);
	json__u64(obj, "ring_bytes", m->ring_bytes);
	json__time(obj, "start_ns", m->start_ns);
	json__time(obj, "start_realtime_ns", recording__realtime(rec, m->start_ns));
	json__time(obj, "duration_ns", recording__duration(rec));
	json__text(obj, "stopped", m->stop_why);
	if (!resolution__is_exact(&m->resolution))
		json__text(obj, "resolution", resolution__text(&m->resolution, resolution));
	if (m->part)
		json__text(obj, "part", m->part);
	if (m->series_number) {
		series = json__object(obj, "series");
		json__u64(series, "number", m->series_number);
		json__u64(series, "to", m->series_to);
	}
	if (m->trigger) {
		json__text(obj, "trigger", m->trigger);
		json__time(obj, "trigger_ns", m->trigger_ns);
	}
	json__texts(obj, "notes", &m->notes);
	skipped(obj, rec);
	lost(obj, rec);
	json__identities(w, obj, rec);
	cost(obj, rec);
	json__privacy(obj, rec);
}

static int print_with(const struct screen *s, struct json_object *root, int flags)
{
	const char *text = json_object_to_json_string_ext(root, flags);
	int ret = 0;

	if (text)
		fprintf(s->out, "%s\n", text);
	else
		ret = out_of_memory();
	json_object_put(root);
	return ret;
}

int json__print(const struct screen *s, struct json_object *root)
{
	return print_with(s, root, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
				   JSON_C_TO_STRING_NOSLASHESCAPE);
}

int json__print_line(const struct screen *s, struct json_object *root)
{
	return print_with(s, root, JSON_C_TO_STRING_PLAIN);
}
