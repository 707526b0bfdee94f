// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>

#include "util/render/json.h"
#include "util/render/slot_lists.h"
#include "util/render/units.h"

/* By bit: include/uapi/linux/kvm.h.  What bits from 16 on mean depends on the kernel. */
static const char *const slot_flags[] = { "log-dirty-pages", "readonly", "guest-memfd" };

static void say_slots(const struct slot_list *list, char *buf, size_t size)
{
	char all[UNITS_MAX], rom[UNITS_MAX], logged[UNITS_MAX], read_only[96] = "",
	     logging[96] = "off";

	if (!list->nr) {
		snprintf(buf, size, "unknown: none was read; it may have had none yet, or KVM's structures are not known");
		return;
	}
	units__bytes(list->bytes, all);
	if (list->read_only)
		snprintf(read_only, sizeof(read_only), ", of these %u read-only (%s)",
			 list->read_only, units__bytes(list->read_only_bytes, rom));
	if (list->logged)
		snprintf(logging, sizeof(logging), "on in %u (%s)", list->logged,
			 units__bytes(list->logged_bytes, logged));
	snprintf(buf, size, "%u slot%s, %s%s; dirty logging %s", list->nr, list->nr == 1 ? "" : "s",
		 all, read_only, logging);
}

void slot_lists__print(const struct screen *s, const struct slot_lists *lists)
{
	char words[400], pid[16], name[REC_VM_NAME], first[REC_VM_NAME + 40];

	if (lists->nr)
		fputs("\nMemory slots when the recording began:\n", s->out);
	for (u32 i = 0; i < lists->nr; i++) {
		const struct slot_list *list = &lists->vm[i];

		snprintf(pid, sizeof(pid), "%u", list->pid);
		if (list->alone)
			snprintf(first, sizeof(first), "pid %s: ",
				 list->vm ? rec_vm__name(list->vm, name) : pid);
		else
			snprintf(first, sizeof(first), "pid %u, VM %u: ", list->pid, list->number);
		say_slots(list, words, sizeof(words));
		screen__wrap(s, first, "  ", words);
	}
}

/* ---- JSON ----------------------------------------------------------------- */

static void slot_json__flags(struct json_object *item, u32 flags)
{
	struct json_object *list;
	char number[16];

	if (flags == ~0U) {
		json_object_object_add(item, "flags", NULL);
		return;
	}
	list = json__array(item, "flags");
	for (u32 i = 0; i < 32; i++) {
		snprintf(number, sizeof(number), "bit %u", i);
		if (flags >> i & 1)
			json_object_array_add(list, json_object_new_string(
					      i < ARRAY_SIZE(slot_flags) ? slot_flags[i] : number));
	}
}

static struct json_object *make_slot(struct json_writer *w, const void *ctx, u32 i)
{
	const struct kvmw_slot *slot = ((const struct slot_list *)ctx)->slot[i];
	struct json_object *item = json_object_new_object();

	json__ns(item, "slot", slot->slot == ~0U ? KVMW_NONE : slot->slot);
	json__address(item, "gpa", slot->gpa);
	json__ns(item, "bytes", slot->size);
	json__address(item, "hva", slot->hva);
	slot_json__flags(item, slot->flags);
	if (slot->logging > 1)
		json_object_object_add(item, "dirty_logging", NULL);
	else
		json__bool(item, "dirty_logging", slot->logging);
	return item;
}

static struct json_object *make_slots_of_vm(struct json_writer *w, const void *ctx, u32 i)
{
	const struct slot_list *vm = &((const struct slot_lists *)ctx)->vm[i];
	struct json_object *item = json_object_new_object();

	json__u64(item, "pid", vm->pid);
	json__u64(item, "number", vm->number);
	json__ns(item, "vm_id", vm->vm ? vm->vm->id : KVMW_NONE);
	json__ns(item, "bytes", vm->nr ? vm->bytes : KVMW_NONE);
	json__ns(item, "read_only", vm->nr ? vm->read_only : KVMW_NONE);
	json__ns(item, "read_only_bytes", vm->nr ? vm->read_only_bytes : KVMW_NONE);
	json__ns(item, "logged", vm->nr ? vm->logged : KVMW_NONE);
	json__ns(item, "logged_bytes", vm->nr ? vm->logged_bytes : KVMW_NONE);
	if (vm->nr)
		json__list(w, item, "slots", vm->nr, make_slot, vm);
	else
		json_object_object_add(item, "slots", NULL);
	return item;
}

void slot_lists__json(struct json_writer *w, struct json_object *root,
		      const struct slot_lists *lists)
{
	if (lists->nr)
		json__list(w, root, "memory_slots", lists->nr, make_slots_of_vm, lists);
}
