// SPDX-License-Identifier: GPL-2.0
/* Parses META and IDENT frames: JSON from a file that may contain anything. */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "util/recording/recording.h"
#include "util/array.h"
#include "util/text.h"

#define TEXT_MAX	256	/* characters of one text */
#define SHORT_MAX	64	/* of the name of a VM, a program, a thread */
#define FORMAT_MAX	(64u << 10)	/* bytes of a tracepoint's format */
#define STACKS_MAX	(64u << 20)	/* bytes of memory for stacks */
#define JSON_DEPTH	16

/* The member with this name and type, or NULL. */
static struct json_object *member(struct json_object *obj, const char *key, enum json_type type)
{
	struct json_object *value;

	if (!json_object_is_type(obj, json_type_object) ||
	    !json_object_object_get_ex(obj, key, &value) || !json_object_is_type(value, type))
		return NULL;
	return value;
}

static u64 get_u64(struct json_object *obj, const char *key, u64 otherwise)
{
	struct json_object *value = member(obj, key, json_type_int);

	if (!value || (json_object_get_int64(value) < 0))
		return otherwise;
	return json_object_get_uint64(value);
}

static u32 get_u32(struct json_object *obj, const char *key)
{
	u64 value = get_u64(obj, key, 0);

	return value > UINT32_MAX ? 0 : value;
}

static int set_text(char **to, const char *text, size_t max)
{
	char *clean = text__clean(text, max);

	if (!clean)
		return out_of_memory();
	free(*to);
	*to = clean;
	return 0;
}

static int get_text(struct json_object *obj, const char *key, char **to, size_t max)
{
	struct json_object *value = member(obj, key, json_type_string);

	return value ? set_text(to, json_object_get_string(value), max) : 0;
}

static void free_texts(struct rec_texts *texts)
{
	for (u32 i = 0; i < texts->nr; i++)
		free(texts->text[i]);
	free(texts->text);
	memset(texts, 0, sizeof(*texts));
}

static int add_text(struct rec_texts *texts, const char *text)
{
	if (texts->nr == REC_MAX_TEXTS)
		return 0;
	if (!texts->text)
		texts->text = calloc(REC_MAX_TEXTS, sizeof(*texts->text));
	if (!texts->text)
		return out_of_memory();
	if (set_text(&texts->text[texts->nr], text, TEXT_MAX))
		return -1;
	texts->nr++;
	return 0;
}

static int get_texts(struct json_object *obj, const char *key, struct rec_texts *texts)
{
	struct json_object *list = member(obj, key, json_type_array);
	size_t nr = list ? json_object_array_length(list) : 0;

	if (list)
		free_texts(texts);
	for (size_t i = 0; i < nr && i < REC_MAX_TEXTS; i++) {
		struct json_object *item = json_object_array_get_idx(list, i);

		if (json_object_is_type(item, json_type_string) &&
		    add_text(texts, json_object_get_string(item)))
			return -1;
	}
	return 0;
}

/* "params":{"kvm":{"halt_poll_ns":"200000"}} becomes "kvm.halt_poll_ns=200000". */
static int get_params(struct json_object *kvm, struct rec_texts *texts)
{
	struct json_object *params = member(kvm, "params", json_type_object);
	char text[3 * TEXT_MAX];

	if (!params)
		return 0;
	free_texts(texts);
	json_object_object_foreach(params, module, values) {
		if (!json_object_is_type(values, json_type_object))
			continue;
		json_object_object_foreach(values, name, value) {
			snprintf(text, sizeof(text), "%.*s.%.*s=%.*s", TEXT_MAX, module, TEXT_MAX,
				 name, TEXT_MAX, json_object_get_string(value) ?: "");
			if (add_text(texts, text))
				return -1;
		}
	}
	return 0;
}

static void get_clock(struct json_object *root, struct rec_meta *meta)
{
	struct json_object *clocks = member(root, "clocks", json_type_array), *first;

	if (!clocks || !json_object_array_length(clocks))
		return;
	first = json_object_array_get_idx(clocks, 0);
	meta->monotonic_ns = get_u64(first, "monotonic_ns", 0);
	meta->realtime_ns = get_u64(first, "realtime_ns", 0);
	meta->has_clock = meta->realtime_ns;
}

/* Compares by id: all structs sorted with it begin with their id. */
static int by_id(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return x < y ? -1 : x > y;
}

static void free_tracepoints(struct rec_meta *meta)
{
	for (u32 i = 0; i < meta->nr_tracepoints; i++) {
		free(meta->tracepoint[i].name);
		free(meta->tracepoint[i].format);
	}
	free(meta->tracepoint);
	meta->tracepoint = NULL;
	meta->nr_tracepoints = 0;
}

static int fill_tracepoint(struct rec_tracepoint *tp, struct json_object *obj)
{
	struct json_object *format = member(obj, "format", json_type_string);

	tp->kind = get_u32(obj, "kind");
	tp->format = strndup(format ? json_object_get_string(format) : "", FORMAT_MAX);
	if (!tp->format)
		return out_of_memory();
	return set_text(&tp->name, "", 0) || get_text(obj, "name", &tp->name, TEXT_MAX) ? -1 : 0;
}

static int get_tracepoints(struct json_object *root, struct rec_meta *meta)
{
	struct json_object *list = member(root, "tracepoints", json_type_array);
	size_t nr = list ? json_object_array_length(list) : 0;

	if (!list)
		return 0;
	if (nr > REC_MAX_TRACEPOINTS)
		nr = REC_MAX_TRACEPOINTS;
	free_tracepoints(meta);
	meta->tracepoint = calloc(nr ?: 1, sizeof(*meta->tracepoint));
	if (!meta->tracepoint)
		return out_of_memory();
	while (meta->nr_tracepoints < nr) {
		u32 i = meta->nr_tracepoints++;

		if (fill_tracepoint(&meta->tracepoint[i], json_object_array_get_idx(list, i)))
			return -1;
	}
	qsort(meta->tracepoint, nr, sizeof(*meta->tracepoint), by_id);
	return 0;
}

static int take_meta(struct rec_meta *meta, struct json_object *root)
{
	struct json_object *host = member(root, "host", json_type_object);
	struct json_object *kvm = member(root, "kvm", json_type_object);
	struct json_object *stop = member(root, "stop", json_type_object);
	struct json_object *filters = member(root, "filters", json_type_object);

	meta->cpus = get_u64(host, "cpus", meta->cpus);
	meta->rings = get_u64(root, "rings", meta->rings);
	meta->ring_bytes = get_u64(root, "ring_bytes", meta->ring_bytes);
	meta->start_ns = get_u64(root, "start_ns", meta->start_ns);
	meta->stop_ns = get_u64(stop, "time_ns", meta->stop_ns);
	get_clock(root, meta);
	return get_text(root, "kvmw", &meta->version, TEXT_MAX) ||
	       get_text(host, "name", &meta->host, TEXT_MAX) ||
	       get_text(host, "kernel", &meta->kernel, TEXT_MAX) ||
	       get_text(host, "arch", &meta->arch, TEXT_MAX) ||
	       get_text(host, "cpu", &meta->cpu, TEXT_MAX) ||
	       get_text(kvm, "module", &meta->module, TEXT_MAX) ||
	       get_params(kvm, &meta->params) ||
	       get_text(stop, "why", &meta->stop_why, TEXT_MAX) ||
	       get_texts(root, "command", &meta->command) ||
	       get_texts(root, "events", &meta->events) ||
	       get_texts(root, "notes", &meta->notes) ||
	       get_tracepoints(root, meta) ||
	       (filters && set_text(&meta->filters, json_object_to_json_string_ext(
					    filters, JSON_C_TO_STRING_PLAIN), TEXT_MAX)) ? -1 : 0;
}

static struct json_object *parse_object(const char *json)
{
	struct json_tokener *tok = json_tokener_new_ex(JSON_DEPTH);
	struct json_object *root = tok ? json_tokener_parse_ex(tok, json, -1) : NULL;

	if (tok)
		json_tokener_free(tok);
	if (root && !json_object_is_type(root, json_type_object)) {
		json_object_put(root);
		return NULL;
	}
	return root;
}

int recording__meta(struct recording *rec, const char *json)
{
	struct json_object *root = parse_object(json);
	int ret;

	if (!root)
		return 1;
	ret = take_meta(&rec->meta, root);
	json_object_put(root);
	return ret;
}

static void free_vms(struct rec_vm *vm, u32 nr)
{
	for (u32 i = 0; i < nr; i++) {
		free(vm[i].name);
		free(vm[i].vmm);
	}
	free(vm);
}

static void free_vcpus(struct rec_vcpu *vcpu, u32 nr)
{
	for (u32 i = 0; i < nr; i++) {
		free(vcpu[i].comm);
		free(vcpu[i].role);
	}
	free(vcpu);
}

static int fill_vm(struct rec_vm *vm, struct json_object *obj)
{
	vm->id = get_u32(obj, "id");
	vm->pid = get_u32(obj, "pid");
	return set_text(&vm->name, "", 0) || set_text(&vm->vmm, "", 0) ||
	       get_text(obj, "name", &vm->name, SHORT_MAX) || get_text(obj, "vmm", &vm->vmm, SHORT_MAX) ? -1 : 0;
}

static int recording_json__fill_vcpu(struct rec_vcpu *vcpu, struct json_object *obj)
{
	u64 number = get_u64(obj, "vcpu", UINT64_MAX);

	vcpu->id = get_u32(obj, "id");
	vcpu->vm = json_object_object_get(obj, "vm") ? get_u32(obj, "vm") : REC_NO_VM;
	vcpu->vcpu = number > UINT32_MAX ? -1 : (s64)number;
	vcpu->tid = get_u32(obj, "tid");
	return set_text(&vcpu->comm, "", 0) || get_text(obj, "comm", &vcpu->comm, SHORT_MAX) ||
	       set_text(&vcpu->role, "", 0) || get_text(obj, "role", &vcpu->role, SHORT_MAX) ? -1 : 0;
}

static u32 list_length(struct json_object *list)
{
	size_t nr = json_object_array_length(list);

	return nr > REC_MAX_IDS ? REC_MAX_IDS : nr;
}

static int take_vms(struct recording *rec, struct json_object *list)
{
	u32 nr = list_length(list);
	struct rec_vm *vm = calloc(nr ?: 1, sizeof(*vm));
	int ret = vm ? 0 : out_of_memory();

	for (u32 i = 0; !ret && i < nr; i++)
		ret = fill_vm(&vm[i], json_object_array_get_idx(list, i));
	if (ret) {
		if (vm)
			free_vms(vm, nr);
		return ret;
	}
	free_vms(rec->vm, rec->nr_vms);
	qsort(vm, nr, sizeof(*vm), by_id);
	rec->vm = vm;
	rec->nr_vms = nr;
	return 0;
}

static int take_vcpus(struct recording *rec, struct json_object *list)
{
	u32 nr = list_length(list);
	struct rec_vcpu *vcpu = calloc(nr ?: 1, sizeof(*vcpu));
	int ret = vcpu ? 0 : out_of_memory();

	for (u32 i = 0; !ret && i < nr; i++)
		ret = recording_json__fill_vcpu(&vcpu[i], json_object_array_get_idx(list, i));
	if (ret) {
		if (vcpu)
			free_vcpus(vcpu, nr);
		return ret;
	}
	free_vcpus(rec->vcpu, rec->nr_vcpus);
	qsort(vcpu, nr, sizeof(*vcpu), by_id);
	rec->vcpu = vcpu;
	rec->nr_vcpus = nr;
	return 0;
}

/*
 * Tasks and stacks accumulate in the course of a recording: a list may hold all of them
 * or only new ones.  Looks up id among the nr sorted entries, or else appends an entry
 * to those that are not sorted yet.  NULL: out of memory, or *full.
 */
static void *make_entry(void **list, u32 nr, u32 *total, u32 *room, size_t size, u32 id,
			bool *full)
{
	void *entry = nr ? bsearch(&id, *list, nr, size, by_id) : NULL, *grown;

	*full = !entry && *total == REC_MAX_IDS;
	if (entry || *full)
		return entry;
	if (*total == *room) {
		grown = array__grow(*list, *total, 1, room, size, NULL);
		if (!grown)
			return NULL;
		*list = grown;
	}
	entry = (char *)*list + (*total)++ * size;
	memset(entry, 0, size);
	*(u32 *)entry = id;
	return entry;
}

static int by_tid_and_order(const void *a, const void *b)
{
	const struct rec_task *x = a, *y = b;

	return x->tid != y->tid ? (x->tid < y->tid ? -1 : 1) : (x->order > y->order) - (x->order < y->order);
}

/* Sorts the tasks, and keeps only the last name of each thread. */
static void sort_tasks(struct recording *rec)
{
	u32 nr = 0;

	if (!rec->nr_tasks)
		return;
	qsort(rec->task, rec->nr_tasks, sizeof(*rec->task), by_tid_and_order);
	for (u32 i = 0; i < rec->nr_tasks; i++) {
		if (nr && rec->task[nr - 1].tid == rec->task[i].tid)
			free(rec->task[--nr].comm);
		rec->task[nr++] = rec->task[i];
	}
	rec->nr_tasks = nr;
}

static int take_tasks(struct recording *rec, struct json_object *list)
{
	u32 nr = list_length(list), sorted = rec->nr_tasks;
	int ret = 0;

	for (u32 i = 0; !ret && i < nr; i++) {
		struct json_object *obj = json_object_array_get_idx(list, i);
		struct rec_task *task;
		bool full;

		task = make_entry((void **)&rec->task, sorted, &rec->nr_tasks, &rec->task_room,
				  sizeof(*task), get_u32(obj, "tid"), &full);
		if (task)
			ret = (!task->comm && set_text(&task->comm, "", 0)) ||
			      get_text(obj, "comm", &task->comm, SHORT_MAX) ? -1 : 0;
		else if (!full)
			ret = -1;
		if (task)
			task->order = i + 1;
	}
	sort_tasks(rec);
	return ret;
}

static int fill_stack(struct recording *rec, struct rec_stack *stack, struct json_object *frames)
{
	size_t nr = json_object_array_length(frames);

	if (nr > REC_MAX_STACK)
		nr = REC_MAX_STACK;
	stack->frame = calloc(nr ?: 1, sizeof(*stack->frame));
	if (!stack->frame)
		return out_of_memory();
	for (; stack->nr < nr; stack->nr++) {
		struct json_object *item = json_object_array_get_idx(frames, stack->nr);
		char **to = &stack->frame[stack->nr];

		if (set_text(to, json_object_is_type(item, json_type_string) ?
			     json_object_get_string(item) : "", TEXT_MAX))
			return -1;
		/* Includes malloc()'s own overhead. */
		rec->stack_bytes += strlen(*to) + 32;
	}
	return 0;
}

/* A stack never changes, so a known one is kept. */
static int take_stacks(struct recording *rec, struct json_object *list)
{
	u32 nr = list_length(list), sorted = rec->nr_stacks;
	int ret = 0;

	for (u32 i = 0; !ret && i < nr && rec->stack_bytes < STACKS_MAX; i++) {
		struct json_object *obj = json_object_array_get_idx(list, i);
		struct json_object *frames = member(obj, "frames", json_type_array);
		struct rec_stack *stack;
		bool full;

		if (!frames)
			continue;
		stack = make_entry((void **)&rec->stack, sorted, &rec->nr_stacks,
				   &rec->stack_room, sizeof(*stack), get_u32(obj, "id"), &full);
		if (stack && !stack->frame)
			ret = fill_stack(rec, stack, frames);
		else if (!stack && !full)
			ret = -1;
	}
	if (rec->nr_stacks)
		qsort(rec->stack, rec->nr_stacks, sizeof(*rec->stack), by_id);
	return ret;
}

/* VMs and vCPUs always come together. */
int recording__ident(struct recording *rec, const char *json)
{
	struct json_object *root = parse_object(json), *vms, *vcpus, *tasks, *stacks;
	int ret = 1;

	vms = member(root, "vms", json_type_array);
	vcpus = member(root, "vcpus", json_type_array);
	tasks = member(root, "tasks", json_type_array);
	stacks = member(root, "stacks", json_type_array);
	if (!vms == !vcpus && (vms || tasks || stacks))
		ret = (vms && (take_vms(rec, vms) || take_vcpus(rec, vcpus))) ||
		      (tasks && take_tasks(rec, tasks)) ||
		      (stacks && take_stacks(rec, stacks)) ? -1 : 0;
	json_object_put(root);
	return ret;
}

const struct rec_vm *recording__vm(const struct recording *rec, u32 id)
{
	return rec->nr_vms ? bsearch(&id, rec->vm, rec->nr_vms, sizeof(*rec->vm), by_id) : NULL;
}

const struct rec_vcpu *recording__vcpu(const struct recording *rec, u32 id)
{
	return rec->nr_vcpus ?
	       bsearch(&id, rec->vcpu, rec->nr_vcpus, sizeof(*rec->vcpu), by_id) : NULL;
}

const struct rec_task *recording__task(const struct recording *rec, u32 tid)
{
	return rec->nr_tasks ?
	       bsearch(&tid, rec->task, rec->nr_tasks, sizeof(*rec->task), by_id) : NULL;
}

static int compare_frames(const struct rec_stack *x, const struct rec_stack *y)
{
	if (x->nr != y->nr)
		return x->nr < y->nr ? -1 : 1;
	for (u32 i = 0; i < x->nr; i++) {
		int order = strcmp(x->frame[i], y->frame[i]);

		if (order)
			return order;
	}
	return 0;
}

static int by_frames(const void *a, const void *b)
{
	const struct rec_stack *x = *(struct rec_stack *const *)a, *y = *(struct rec_stack *const *)b;

	return compare_frames(x, y) ?: (x->id > y->id) - (x->id < y->id);
}

int recording__same_stacks(struct recording *rec)
{
	struct rec_stack **list = calloc(rec->nr_stacks ?: 1, sizeof(*list));

	if (!list)
		return out_of_memory();
	for (u32 i = 0; i < rec->nr_stacks; i++)
		list[i] = &rec->stack[i];
	qsort(list, rec->nr_stacks, sizeof(*list), by_frames);
	for (u32 i = 0; i < rec->nr_stacks; i++)
		list[i]->same = i && !compare_frames(list[i - 1], list[i]) ? list[i - 1]->same : list[i]->id;
	free(list);
	return 0;
}

const struct rec_stack *recording__stack(const struct recording *rec, u32 id)
{
	return rec->nr_stacks ?
	       bsearch(&id, rec->stack, rec->nr_stacks, sizeof(*rec->stack), by_id) : NULL;
}

const struct rec_tracepoint *recording__tracepoint(const struct recording *rec, u32 kind)
{
	const struct rec_meta *m = &rec->meta;

	return m->nr_tracepoints ? bsearch(&kind, m->tracepoint, m->nr_tracepoints,
					   sizeof(*m->tracepoint), by_id) : NULL;
}

static void free_tasks_and_stacks(struct recording *rec)
{
	for (u32 i = 0; i < rec->nr_tasks; i++)
		free(rec->task[i].comm);
	free(rec->task);
	for (u32 i = 0; i < rec->nr_stacks; i++) {
		for (u32 k = 0; k < rec->stack[i].nr; k++)
			free(rec->stack[i].frame[k]);
		free(rec->stack[i].frame);
	}
	free(rec->stack);
}

void recording__free_identity(struct recording *rec)
{
	struct rec_meta *m = &rec->meta;
	char *texts[] = { m->version, m->host, m->kernel, m->arch, m->cpu, m->module,
			  m->filters, m->stop_why };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		free(texts[i]);
	free_texts(&m->params);
	free_texts(&m->command);
	free_texts(&m->events);
	free_texts(&m->notes);
	free_vms(rec->vm, rec->nr_vms);
	free_vcpus(rec->vcpu, rec->nr_vcpus);
	free_tracepoints(m);
	free_tasks_and_stacks(rec);
}
