// SPDX-License-Identifier: GPL-2.0
/* kvmw list --json; its members are described in Documentation/kvmw-list.txt. */
#include "util/render/json.h"
#include "util/render/list.h"

static struct json_object *list_json__add(struct json_object *array)
{
	struct json_object *o = json_object_new_object();

	json_object_array_add(array, o);
	return o;
}

static void list_json__vms(struct json_object *array, const struct listing *list)
{
	for (u32 i = 0; i < list->nr_vms; i++) {
		struct json_object *o = list_json__add(array);

		json__u64(o, "pid", list->vm[i].pid);
		json__text(o, "vmm", list->vm[i].vmm);
		json__text(o, "name", list->vm[i].name);
		json__u64(o, "vcpus", list->vm[i].nr_vcpus);
		json__text(o, "uuid", *list->vm[i].uuid ? list->vm[i].uuid : NULL);
	}
}

static void list_json__points(struct json_object *array, const struct listing *list, u32 event)
{
	for (u32 i = 0; i < list->nr_points; i++) {
		struct json_object *o;

		if (list->point[i].event != event)
			continue;
		o = list_json__add(array);
		json__text(o, "name", list->point[i].name);
		json__u64(o, "kind", list->point[i].kind);
		json__bool(o, "here", list->point[i].here);
	}
}

static void list_json__events(struct json_object *array, const struct listing *list)
{
	for_each_named_event(event) {
		const struct listing_event *here = &list->event[event->id];
		struct json_object *o = list_json__add(array);

		json__text(o, "name", event->name);
		json__bool(o, "default", listing__is_default(list, event));
		json__text(o, "doc", event->doc);
		json__text(o, "runs_at", event->cost);
		list_json__points(json__array(o, "tracepoints"), list, event->id);
		json__text(o, "missing", here->missing);
		json__text(o, "lacks", here->lacks);
	}
}

static void list_json__groups(struct json_object *array)
{
	for (u32 group = 0; group < KVMW_NR_GROUPS; group++) {
		struct json_object *o = list_json__add(array), *events;

		json__text(o, "name", event_group__name(group));
		events = json__array(o, "events");
		for_each_named_event(event)
			if (event_group__events(group) & BIT(event->id))
				json_object_array_add(events, json_object_new_string(event->name));
	}
}

int render__list_json(const struct screen *s, const struct listing *list)
{
	struct json_object *root;

	if (json__expect())
		return -1;
	root = json_object_new_object();
	json__schema(root);
	list_json__vms(json__array(root, "vms"), list);
	json__u64(root, "hidden", list->hidden);
	list_json__events(json__array(root, "events"), list);
	list_json__groups(json__array(root, "groups"));
	return json__print(s, root);
}
