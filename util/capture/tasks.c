// SPDX-License-Identifier: GPL-2.0
#include <json-c/json.h>
#include <string.h>

#include "util/capture/tasks.h"

static struct json_object *task_json(const struct kvmw_ring_task *task)
{
	struct json_object *o = json_object_new_object();
	const char *comm = (const char *)task->name.comm;

	json_object_object_add(o, "tid", json_object_new_int64(task->tid));
	json_object_object_add(o, "comm", json_object_new_string_len(comm, strnlen(comm, KVMW_COMM)));
	return o;
}

int tasks__note(struct tasks *tasks, const struct kvmw_ring_task *task)
{
	if (!tasks->list)
		tasks->list = json_object_new_array();
	return tasks->list ? json_object_array_add(tasks->list, task_json(task)) : -1;
}

int tasks__send(struct tasks *tasks, struct sink *sink)
{
	struct json_object *root;
	char *text;

	if (!tasks->list)
		return 0;
	root = json_object_new_object();
	json_object_object_add(root, "tasks", tasks->list);
	tasks->list = NULL;
	text = strdup(json_object_to_json_string_ext(root, JSON_C_TO_STRING_PLAIN));
	json_object_put(root);
	return text ? sink__json(sink, DATA_IDENT, text) : -1;
}

void tasks__forget(struct tasks *tasks)
{
	json_object_put(tasks->list);
}
