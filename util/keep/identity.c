// SPDX-License-Identifier: GPL-2.0
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/error.h"
#include "util/keep/identity.h"

#include "bpf_skel/shared.h"

#define A_FRAME		256	/* entries of a frame: a damaged one costs little */
/* rows may wait in a ring before they come */
#define NAMED_FOR_NS (2 * KVMW_NAMED_AGAIN_NS)

static const struct { const char *name, *id; } lists[NR_IDENTITY_LISTS] = {
	[IDENTITY_VMS] = { "vms", "id" },
	[IDENTITY_VCPUS] = { "vcpus", "id" },
	[IDENTITY_TASKS] = { "tasks", "tid" },
	[IDENTITY_STACKS] = { "stacks", "id" },
	[IDENTITY_TEXTS] = { "texts", "id" },
	[IDENTITY_NEIGHBOURS] = { "neighbours", "pid" },
};

struct identity_key {
	u32 list, id;
};

struct identity_entry {
	struct identity_key key;
	u64 changed;		/* when, by the number of changes */
	u64 gone_ns;		/* of vcpus; 0: it is there, or this is none */
	u64 needed_ns;		/* of vcpus, tasks, neighbours: until all before it is dropped */
	bool ended;		/* of vcpus: nothing more comes of it */
	u32 moment;		/* when it was said, the latest one */
	s64 vm;			/* of vcpus; -1: none */
	char *text;		/* JSON; NULL: forgotten */
};

static struct identity_entry *identity__at(const struct identity *id, u32 i)
{
	return hash_table__at(&id->entries, i);
}

static bool identity__keeps(const void *arg, const void *entry)
{
	const struct identity_entry *e = entry;

	return e->text || (e->key.list == IDENTITY_VCPUS && !e->ended);
}

/* Drops the entries without a text, but not those of vCPUs that may come back. */
static void identity__sweep(struct identity *id)
{
	hash_table__keep(&id->entries, identity__keeps, NULL);
	memset(id->nr, 0, sizeof(id->nr));
	for (u32 i = 0; i < id->entries.nr; i++)
		id->nr[identity__at(id, i)->key.list] += identity__at(id, i)->text != NULL;
}

static void forget_entry(struct identity_entry *e)
{
	free(e->text);
	e->text = NULL;
}

static int compare_changes(const void *a, const void *b)
{
	const u64 *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/*
 * The older half of a list, but nothing of vcpus that is there: without the last readings of its
 * totals, the next ones would count all that was lost since the recording began.
 */
static int forget_half(struct identity *id, u32 list)
{
	u64 *changed = calloc(id->nr[list], sizeof(*changed)), middle;
	u32 nr = 0;

	if (!changed)
		return out_of_memory();
	for (u32 i = 0; i < id->entries.nr; i++)
		if (identity__at(id, i)->key.list == list && identity__at(id, i)->text)
			changed[nr++] = identity__at(id, i)->changed;
	qsort(changed, nr, sizeof(*changed), compare_changes);
	middle = changed[nr / 2];
	free(changed);
	for (u32 i = 0; i < id->entries.nr; i++) {
		struct identity_entry *e = identity__at(id, i);

		if (e->key.list == list && e->changed < middle &&
		    (list != IDENTITY_VCPUS || e->gone_ns))
			forget_entry(e);
	}
	identity__sweep(id);
	return 0;
}

static int take_item(struct identity *id, u32 list, struct json_object *item)
{
	struct json_object *number = json_object_object_get(item, lists[list].id);
	const struct identity_key key = { list, json_object_get_int64(number) };
	const char *text = json_object_to_json_string_ext(item, JSON_C_TO_STRING_PLAIN);
	struct identity_entry *e;
	u64 was_gone;

	if (!text)
		return out_of_memory();
	if (id->nr[list] >= IDENTITY_MAX && forget_half(id, list))
		return -1;
	e = hash_table__get(&id->entries, &key);
	if (!e)
		return -1;
	id->nr[list] += !e->text;
	free(e->text);
	e->text = mem__strdup(text);
	e->changed = ++id->changes;
	e->moment = id->moment;
	if (list == IDENTITY_TASKS || list == IDENTITY_NEIGHBOURS)
		e->needed_ns = id->now_ns + NAMED_FOR_NS;
	if (list == IDENTITY_VCPUS) {
		was_gone = e->gone_ns;
		e->gone_ns = json_object_get_int64(json_object_object_get(item, "gone_ns"));
		if (e->gone_ns && !was_gone && !json_object_object_get(item, "role") &&
		    !json_object_object_get(item, "left")) {
			id->nr_gone++;
			id->gone = key.id;
		}
		number = json_object_object_get(item, "vm");
		e->vm = number ? json_object_get_int64(number) : -1;
	}
	return e->text ? 0 : -1;
}

int identity__take(struct identity *id, const char *json)
{
	struct json_object *root = json_tokener_parse(json);
	int err = 0;

	if (!root)
		return out_of_memory();
	if (!id->entries.entry_size)
		id->entries = HASH_TABLE(struct identity_entry, NULL);
	for (u32 list = 0; list < NR_IDENTITY_LISTS && !err; list++) {
		struct json_object *items = json_object_object_get(root, lists[list].name);
		size_t nr = items ? json_object_array_length(items) : 0;

		for (size_t i = 0; i < nr && !err; i++)
			err = take_item(id, list, json_object_array_get_idx(items, i));
	}
	json_object_put(root);
	return err;
}

static struct identity_entry *identity__at_key(const struct identity *id, u32 list, u32 number)
{
	const struct identity_key key = { list, number };

	return id->entries.entry_size ? hash_table__find(&id->entries, &key) : NULL;
}

static struct identity_entry *identity__find(const struct identity *id, u32 list, u32 number)
{
	struct identity_entry *e = identity__at_key(id, list, number);

	return e && e->text ? e : NULL;
}

void identity__end(struct identity *id, u32 vcpu)
{
	struct identity_entry *e = identity__at_key(id, IDENTITY_VCPUS, vcpu);

	if (e)
		e->ended = true;
}

void identity__needed(struct identity *id, enum identity_list list, u32 number, u64 until_ns)
{
	struct identity_entry *e = identity__find(id, list, number);

	if (e && e->needed_ns < until_ns)
		e->needed_ns = until_ns;
}

bool identity__was_gone(const struct identity *id, u32 vcpu, u64 time_ns)
{
	const struct identity_entry *e = identity__find(id, IDENTITY_VCPUS, vcpu);

	return !e || (e->gone_ns && e->gone_ns < time_ns);
}

bool identity__is_over(const struct identity *id, u32 vcpu)
{
	return !identity__at_key(id, IDENTITY_VCPUS, vcpu);
}

bool identity__has_vcpu(const struct identity *id, u32 vcpu)
{
	return identity__find(id, IDENTITY_VCPUS, vcpu);
}

const char *identity__text(const struct identity *id, enum identity_list list, u32 number)
{
	const struct identity_entry *e = identity__find(id, list, number);

	return e ? e->text : NULL;
}

static struct json_object *parsed(const struct identity *id, enum identity_list list, u32 number)
{
	const char *text = identity__text(id, list, number);

	return text ? json_tokener_parse(text) : NULL;
}

static s64 identity__number(struct json_object *o, const char *name)
{
	return json_object_get_int64(json_object_object_get(o, name));
}

bool identity__vm_of(const struct identity *id, u32 vcpu, struct identity_vm *vm)
{
	const struct identity_entry *e = identity__find(id, IDENTITY_VCPUS, vcpu);
	struct json_object *of = parsed(id, IDENTITY_VCPUS, vcpu),
			   *o = e && e->vm >= 0 ? parsed(id, IDENTITY_VMS, e->vm) : NULL;
	const char *name = json_object_get_string(json_object_object_get(o, "name"));

	if (!name || !*name)
		name = json_object_get_string(json_object_object_get(o, "vmm"));
	*vm = (struct identity_vm) { .pid = identity__number(o, "pid"),
				     .vcpu = identity__number(of, "vcpu") };
	snprintf(vm->name, sizeof(vm->name), "%s", name ?: "");
	json_object_put(of);
	json_object_put(o);
	return *vm->name;
}

/* Of all: 5 ms in a second for 30 VMs of 18,000: 108,000 in an hour and a window of ten minutes. */
static bool has_others(const struct identity *id, s64 vm)
{
	for (u32 i = 0; i < id->entries.nr; i++) {
		const struct identity_entry *e = identity__at(id, i);

		if (e->text && e->key.list == IDENTITY_VCPUS && e->vm == vm)
			return true;
	}
	return false;
}

static void forget_vcpu(struct identity *id, struct identity_entry *e)
{
	struct identity_key key = { IDENTITY_VMS, e->vm };
	struct identity_entry *vm;

	forget_entry(e);
	vm = has_others(id, e->vm) ? NULL : hash_table__find(&id->entries, &key);
	if (vm)
		forget_entry(vm);
}

/* No row of the window refers to it, and none will. */
static bool identity__is_past(const struct identity_entry *e, u64 before_ns, u32 moment)
{
	switch (e->key.list) {
	case IDENTITY_VCPUS:
		return e->gone_ns && e->gone_ns < before_ns && e->needed_ns <= before_ns;
	case IDENTITY_TASKS:
	case IDENTITY_NEIGHBOURS:
		return e->needed_ns <= before_ns;
	case IDENTITY_TEXTS:
		return moment && e->moment <= moment;
	case IDENTITY_STACKS:
		return moment && e->moment <= moment && e->key.id >= IDENTITY_MOMENTS_STACKS;
	default:
		return false;
	}
}

bool identity__forget(struct identity *id, u64 before_ns, u32 moment)
{
	bool any = false, vcpus = false;

	for (u32 i = 0; i < id->entries.nr; i++) {
		struct identity_entry *e = identity__at(id, i);

		if (!e->text || !identity__is_past(e, before_ns, moment))
			continue;
		any = true;
		if (e->key.list == IDENTITY_VCPUS)
			forget_vcpu(id, e);
		else
			forget_entry(e);
		vcpus |= e->key.list == IDENTITY_VCPUS;
	}
	if (any)
		identity__sweep(id);
	return vcpus;
}

void identity__forget_ended(struct identity *id)
{
	for (u32 i = 0; i < id->entries.nr; i++)
		if (identity__at(id, i)->ended && identity__at(id, i)->text)
			forget_vcpu(id, identity__at(id, i));
	identity__sweep(id);
}

static void put_list(const struct identity *id, u32 list, FILE *f)
{
	u32 nr = 0;

	for (u32 i = 0; i < id->entries.nr; i++) {
		const struct identity_entry *e = identity__at(id, i);

		if (e->key.list != list || !e->text)
			continue;
		if (nr % A_FRAME == 0)
			fprintf(f, "%s{\"%s\":[", nr ? "]}\n" : "", lists[list].name);
		fprintf(f, "%s%s", nr % A_FRAME ? "," : "", e->text);
		nr++;
	}
	if (nr)
		fputs("]}\n", f);
}

char *identity__json(const struct identity *id)
{
	size_t size;
	char *text = NULL;
	FILE *f = open_memstream(&text, &size);
	bool failed = !f;

	for (u32 list = 0; f && list < NR_IDENTITY_LISTS; list++)
		put_list(id, list, f);
	if (f)
		failed = ferror(f) | fclose(f);
	if (!failed)
		return text;
	free(text);
	out_of_memory();
	return NULL;
}

void identity__free(struct identity *id)
{
	for (u32 i = 0; i < id->entries.nr; i++)
		free(identity__at(id, i)->text);
	hash_table__free(&id->entries);
	memset(id, 0, sizeof(*id));
}
