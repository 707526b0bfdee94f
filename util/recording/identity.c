// SPDX-License-Identifier: GPL-2.0
/* Parses IDENT frames: VMs, vCPUs, threads and stacks, which later frames add to or replace. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/array.h"
#include "util/recording/lost_names.h"
#include "util/recording/member.h"
#include "util/recording/recording.h"
#include "util/symbols/demangler.h"
#include "util/symbols/namer.h"

#define SHORT_MAX	64	/* of the name of a VM, a program, a thread */
#define LONG_TEXT	4096	/* of a text */
#define STACKS_MAX	(64u << 20)	/* bytes of memory for stacks */

/* What all structs here begin with. */
struct entry {
	u32 id;
	u32 order;
};

/* Entries in ascending order of their ids, which are the numbers in a member. */
struct entries {
	void **list;
	u32 *nr, *room;
	size_t size;
	const char *id;
	bool (*wants)(const struct recording *rec, struct json_object *obj);	/* NULL: all */
	int (*fill)(struct recording *rec, void *entry, struct json_object *obj);
	void (*clear)(void *entry);
};

static struct entry *entry_at(const struct entries *e, u32 i)
{
	return (struct entry *)((char *)*e->list + i * e->size);
}

static int by_id(const void *a, const void *b)
{
	u32 x = ((const struct entry *)a)->id, y = ((const struct entry *)b)->id;

	return x < y ? -1 : x > y;
}

static int by_id_and_order(const void *a, const void *b)
{
	u32 x = ((const struct entry *)a)->order, y = ((const struct entry *)b)->order;

	return by_id(a, b) ?: (x < y ? -1 : x > y);
}

static void *find_entry(const void *list, u32 nr, size_t size, u32 id)
{
	const struct entry key = { .id = id };

	return nr ? bsearch(&key, list, nr, size, by_id) : NULL;
}

/* Sorts those behind the first, which are sorted; of several with one id the last one stays. */
static void sort_new(const struct entries *e, u32 first)
{
	u32 nr = *e->nr, kept = first;

	if (nr > first)
		qsort(entry_at(e, first), nr - first, e->size, by_id_and_order);
	for (u32 i = first; i < nr; i++) {
		if (kept > first && entry_at(e, kept - 1)->id == entry_at(e, i)->id)
			e->clear(entry_at(e, --kept));
		if (kept != i)
			memcpy(entry_at(e, kept), entry_at(e, i), e->size);
		kept++;
	}
	*e->nr = kept;
}

/* Those behind the first find their places among these, which have other ids. */
static int merge_new(const struct entries *e, u32 first)
{
	u32 nr = *e->nr - first, to = *e->nr, left = nr;
	char *new;

	if (!first || !nr || entry_at(e, first - 1)->id < entry_at(e, first)->id)
		return 0;
	new = malloc(nr * e->size);
	if (!new)
		return out_of_memory();
	memcpy(new, entry_at(e, first), nr * e->size);
	while (left) {
		struct entry *last = (struct entry *)(new + (left - 1) * e->size);

		if (first && entry_at(e, first - 1)->id > last->id)
			memcpy(entry_at(e, --to), entry_at(e, --first), e->size);
		else
			memcpy(entry_at(e, --to), new + --left * e->size, e->size);
	}
	free(new);
	return 0;
}

/* An entry of this id, made behind the sorted ones if it is not among them.  0; 1: no room; -1 */
static int get_entry(struct recording *rec, const struct entries *e, u32 sorted, u32 id,
		     struct entry **entry)
{
	size_t bytes = array__growth(*e->room, e->size);

	*entry = find_entry(*e->list, sorted, e->size, id);
	if (budget__is_full(rec->budget) || *entry)
		return !*entry;
	if (*e->nr == REC_MAX_IDS || (*e->nr == *e->room && budget__take(rec->budget, bytes)))
		return 1;
	if (*e->nr == *e->room) {
		void *grown = array__grow(*e->list, *e->nr, 1, e->room, e->size, NULL);

		if (!grown)
			return -1;
		*e->list = grown;
	}
	*entry = entry_at(e, (*e->nr)++);
	memset(*entry, 0, e->size);
	(*entry)->id = id;
	return 0;
}

static int replace_text(struct recording *rec, struct json_object *obj, const char *key, char **to,
			size_t max)
{
	char *before = *to;
	int ret;

	*to = NULL;
	ret = member__set_text(to, "", 0) || member__text(obj, key, to, max) ? -1 : 0;
	/* With malloc()'s own overhead. What was there is not given back: who sends others pays. */
	if (!ret && !(before && !strcmp(before, *to)))
		budget__hold(rec->budget, strlen(*to) + 32);
	free(before);
	return ret;
}

/* ---- VMs, vCPUs, threads ------------------------------------------------ */

static int fill_vm(struct recording *rec, void *entry, struct json_object *obj)
{
	struct rec_vm *vm = entry;

	u32 pid = member__u32(obj, "pid");

	rec->vms_renamed |= vm->pid && vm->pid != pid;
	vm->pid = pid;
	return replace_text(rec, obj, "name", &vm->name, SHORT_MAX) ||
	       replace_text(rec, obj, "vmm", &vm->vmm, SHORT_MAX) ? -1 : 0;
}

static void clear_vm(void *entry)
{
	struct rec_vm *vm = entry;

	free(vm->name);
	free(vm->vmm);
}

static int identity__fill_vcpu(struct recording *rec, void *entry, struct json_object *obj)
{
	u64 number = member__u64(obj, "vcpu", UINT64_MAX), vm = member__u64(obj, "vm", REC_NO_VM);
	struct rec_vcpu *vcpu = entry;

	vcpu->vm = vm > UINT32_MAX ? REC_NO_VM : vm;
	vcpu->vcpu = number > UINT32_MAX ? -1 : (s64)number;
	vcpu->moved = json_object_get_boolean(json_object_object_get(obj, "moved"));
	vcpu->tid = member__u32(obj, "tid");
	vcpu->gone_ns = member__u64(obj, "gone_ns", 0);
	return replace_text(rec, obj, "comm", &vcpu->comm, SHORT_MAX) ||
	       replace_text(rec, obj, "role", &vcpu->role, SHORT_MAX) ? -1 : 0;
}

static void clear_vcpu(void *entry)
{
	struct rec_vcpu *vcpu = entry;

	free(vcpu->comm);
	free(vcpu->role);
}

static int fill_task(struct recording *rec, void *entry, struct json_object *obj)
{
	return replace_text(rec, obj, "comm", &((struct rec_task *)entry)->comm, SHORT_MAX);
}

static void clear_task(void *entry)
{
	free(((struct rec_task *)entry)->comm);
}

static int fill_neighbour(struct recording *rec, void *entry, struct json_object *obj)
{
	struct rec_neighbour *n = entry;

	return replace_text(rec, obj, "name", &n->name, SHORT_MAX) ||
	       replace_text(rec, obj, "vmm", &n->vmm, SHORT_MAX) ? -1 : 0;
}

static void clear_neighbour(void *entry)
{
	struct rec_neighbour *n = entry;

	free(n->name);
	free(n->vmm);
}

static int fill_text(struct recording *rec, void *entry, struct json_object *obj)
{
	return replace_text(rec, obj, "text", &((struct rec_text *)entry)->text, LONG_TEXT);
}

static void clear_text(void *entry)
{
	free(((struct rec_text *)entry)->text);
}

/* ---- stacks ------------------------------------------------------------- */

static int set_frame(const struct recording *rec, char **to, const char *frame)
{
	char name[4 * TEXT_MAX];

	if (rec->demangler && demangler__frame(rec->demangler, frame, name, sizeof(name)))
		frame = name;
	return member__set_text(to, frame, TEXT_MAX);
}

static int fill_frames(struct recording *rec, struct rec_stack *stack, struct json_object *frames)
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

		if (set_frame(rec, to, json_object_is_type(item, json_type_string) ?
			      json_object_get_string(item) : ""))
			return -1;
		/* Includes malloc()'s own overhead. */
		rec->stack_bytes += strlen(*to) + 32;
		budget__hold(rec->budget, strlen(*to) + 32);
	}
	return 0;
}

/* "file+0x1234" becomes "function+0x10 [file]". */
static int name_frame(const struct recording *rec, char **frame, const struct elf_place *place)
{
	char name[NAMER_NAME], text[NAMER_NAME + 4 * TEXT_MAX];
	const char *plus = strrchr(*frame, '+');
	u64 into;

	if (!namer__ask(rec->namer, place, name, &into))
		return 0;
	snprintf(text, sizeof(text), "%s+0x%llx [%.*s]", name, (unsigned long long)into,
		 plus ? (int)(plus - *frame) : (int)strlen(*frame), *frame);
	return set_frame(rec, frame, text);
}

static int name_frames(const struct recording *rec, struct rec_stack *stack,
		       struct json_object *lost)
{
	size_t nr = lost && rec->namer ? json_object_array_length(lost) : 0;
	bool asked[REC_MAX_STACK] = { false };

	for (size_t i = 0; i < nr && i < REC_MAX_STACK; i++) {
		struct elf_place place;
		size_t frame;

		if (!lost_name__parse(json_object_array_get_idx(lost, i), stack->nr, &frame,
				      &place) ||
		    asked[frame])
			continue;
		asked[frame] = true;
		if (name_frame(rec, &stack->frame[frame], &place))
			return -1;
	}
	return 0;
}

static bool wants_stack(const struct recording *rec, struct json_object *obj)
{
	return member__get(obj, "frames", json_type_array) && rec->stack_bytes < STACKS_MAX;
}

/* A stack never changes, so a known one is kept. */
static int fill_stack(struct recording *rec, void *entry, struct json_object *obj)
{
	struct rec_stack *stack = entry;

	if (stack->frame)
		return 0;
	return fill_frames(rec, stack, member__get(obj, "frames", json_type_array)) ||
	       name_frames(rec, stack, member__get(obj, "lost", json_type_array)) ? -1 : 0;
}

static void clear_stack(void *entry)
{
	struct rec_stack *stack = entry;

	for (u32 i = 0; i < stack->nr; i++)
		free(stack->frame[i]);
	free(stack->frame);
}

/* ---- the frame ---------------------------------------------------------- */

struct vms_of_pid {
	struct { u32 pid; } key;
	u32 nr, first;		/* first: its id */
};

/* Numbers VMs of each process, of those behind the first, in the order of ids. */
static int number_vms(struct recording *rec, u32 first)
{
	for (u32 i = first; i < rec->nr_vms; i++) {
		struct rec_vm *vm = &rec->vm[i];
		const struct vms_of_pid key = { .key = { vm->pid } };
		struct vms_of_pid *of = hash_table__get(&rec->vm_pids, &key.key);
		struct rec_vm *another;

		if (!of)
			return -1;
		vm->number = of->nr++ ? of->nr : 0;
		if (of->nr == 1)
			of->first = vm->id;
		another = of->nr == 2 ?
			  find_entry(rec->vm, rec->nr_vms, sizeof(*rec->vm), of->first) : NULL;
		if (another)
			another->number = 1;
		rec->several_vms_of_pid |= of->nr > 1;
	}
	return 0;
}

/* first: those behind it are new. */
static int renumber_vms(struct recording *rec, u32 first)
{
	bool later = !first || rec->nr_vms <= first || rec->numbered_id < rec->vm[first].id;

	if (!rec->vm_pids.entry_size)
		rec->vm_pids = HASH_TABLE(struct vms_of_pid, NULL);
	if (rec->nr_vms)
		rec->numbered_id = rec->vm[rec->nr_vms - 1].id;
	if (later && !rec->vms_renamed)
		return number_vms(rec, first);
	hash_table__free(&rec->vm_pids);
	rec->several_vms_of_pid = rec->vms_renamed = false;
	return number_vms(rec, 0);
}

enum { LIST_VMS, LIST_VCPUS, NR_LISTS = 6, LIST_SYMBOLS = NR_LISTS };

static const char *symbol_text(struct json_object *obj, const char *key)
{
	struct json_object *text = member__get(obj, key, json_type_string);

	return text ? json_object_get_string(text) : NULL;
}

/* A function of the guest; its names are cleaned where they are kept. */
static int take_symbol_of_guest(struct recording *rec, struct json_object *obj)
{
	const struct guest_symbol symbol = {
		.from = member__u64(obj, "from", 0), .to = member__u64(obj, "to", 0),
		.name = symbol_text(obj, "name"), .module = symbol_text(obj, "module"),
	};

	return rec->has_symbols ? guest_symbols__insert(rec->symbols, &symbol, rec->budget) : 0;
}

struct ident {
	struct recording *rec;
	const struct entries *list;
	u32 sorted[NR_LISTS], order;
	bool full[NR_LISTS];
};

/* An entry without an id is no entry. */
static int ident__take(void *ctx, u32 name, struct json_object *obj)
{
	struct ident *in = ctx;
	const struct entries *e = &in->list[name];
	struct entry *entry;
	u64 id;
	int ret;

	if (name == LIST_SYMBOLS)
		return take_symbol_of_guest(in->rec, obj);
	id = member__u64(obj, e->id, UINT64_MAX);
	if (id > UINT32_MAX || (e->wants && !e->wants(in->rec, obj)))
		return 0;
	ret = get_entry(in->rec, e, in->sorted[name], id, &entry);
	in->full[name] |= ret > 0;
	if (ret)
		return ret < 0 ? ret : 0;
	entry->order = ++in->order;
	return e->fill(in->rec, entry, obj);
}

int recording__ident(struct recording *rec, const char *json)
{
	const struct entries all[NR_LISTS] = {
		{ (void **)&rec->vm, &rec->nr_vms, &rec->vm_room, sizeof(*rec->vm), "id", NULL,
		  fill_vm, clear_vm },
		{ (void **)&rec->vcpu, &rec->nr_vcpus, &rec->vcpu_room, sizeof(*rec->vcpu), "id",
		  NULL, identity__fill_vcpu, clear_vcpu },
		{ (void **)&rec->task, &rec->nr_tasks, &rec->task_room, sizeof(*rec->task), "tid",
		  NULL, fill_task, clear_task },
		{ (void **)&rec->neighbour, &rec->nr_neighbours, &rec->neighbour_room,
		  sizeof(*rec->neighbour), "pid", NULL, fill_neighbour, clear_neighbour },
		{ (void **)&rec->text, &rec->nr_texts, &rec->text_room, sizeof(*rec->text), "id",
		  NULL, fill_text, clear_text },
		{ (void **)&rec->stack, &rec->nr_stacks, &rec->stack_room, sizeof(*rec->stack),
		  "id", wants_stack, fill_stack, clear_stack },
	};
	static const char *const names[] = { "vms", "vcpus", "tasks", "neighbours", "texts",
					     "stacks", "symbols" };
	struct ident in = { .rec = rec, .list = all };
	bool any;
	int ret;

	for (u32 i = 0; i < NR_LISTS; i++)
		in.sorted[i] = *all[i].nr;
	ret = json_text__each(&rec->json, json, names, ARRAY_SIZE(names), ident__take, &in, &any);
	/* Out of memory, which was said: what follows would say it again. */
	if (ret < 0)
		return -1;
	for (u32 i = 0; i < NR_LISTS; i++) {
		sort_new(&all[i], in.sorted[i]);
		if (merge_new(&all[i], in.sorted[i]))
			return -1;
	}
	rec->ids_left_out |= in.full[LIST_VMS] || in.full[LIST_VCPUS];
	if (renumber_vms(rec, in.sorted[LIST_VMS]))
		return -1;
	return ret ?: any ? 0 : JSON_BAD;
}

const struct rec_vm *recording__vm(const struct recording *rec, u32 id)
{
	return find_entry(rec->vm, rec->nr_vms, sizeof(*rec->vm), id);
}

const struct rec_vcpu *recording__vcpu(const struct recording *rec, u32 id)
{
	return find_entry(rec->vcpu, rec->nr_vcpus, sizeof(*rec->vcpu), id);
}

const struct rec_task *recording__task(const struct recording *rec, u32 tid)
{
	return find_entry(rec->task, rec->nr_tasks, sizeof(*rec->task), tid);
}

const struct rec_neighbour *recording__neighbour(const struct recording *rec, u32 pid)
{
	return find_entry(rec->neighbour, rec->nr_neighbours, sizeof(*rec->neighbour), pid);
}

const char *recording__text(const struct recording *rec, u32 id)
{
	const struct rec_text *text = find_entry(rec->text, rec->nr_texts, sizeof(*rec->text), id);

	return text ? text->text : NULL;
}

const struct rec_stack *recording__stack(const struct recording *rec, u32 id)
{
	return find_entry(rec->stack, rec->nr_stacks, sizeof(*rec->stack), id);
}

const char *rec_vm__name(const struct rec_vm *vm, char *buf)
{
	int len = vm->number ? snprintf(buf, REC_VM_NAME, "%u#%u", vm->pid, vm->number) :
			       snprintf(buf, REC_VM_NAME, "%u", vm->pid);

	if (vm->file)
		snprintf(buf + len, REC_VM_NAME - len, "@%u", vm->file);
	return buf;
}

void recording__free_identity(struct recording *rec)
{
	for (u32 i = 0; i < rec->nr_vms; i++)
		clear_vm(&rec->vm[i]);
	for (u32 i = 0; i < rec->nr_vcpus; i++)
		clear_vcpu(&rec->vcpu[i]);
	for (u32 i = 0; i < rec->nr_tasks; i++)
		clear_task(&rec->task[i]);
	for (u32 i = 0; i < rec->nr_neighbours; i++)
		clear_neighbour(&rec->neighbour[i]);
	for (u32 i = 0; i < rec->nr_texts; i++)
		clear_text(&rec->text[i]);
	for (u32 i = 0; i < rec->nr_stacks; i++)
		clear_stack(&rec->stack[i]);
	hash_table__free(&rec->vm_pids);
	free(rec->vm);
	free(rec->vcpu);
	free(rec->task);
	free(rec->neighbour);
	free(rec->text);
	free(rec->stack);
}
