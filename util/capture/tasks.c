// SPDX-License-Identifier: GPL-2.0
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "util/array.h"
#include "util/capture/json_build.h"
#include "util/capture/tasks.h"

static int by_tid_and_time(const void *a, const void *b)
{
	const struct kvmw_ring_task *x = a, *y = b;

	if (x->tid != y->tid)
		return x->tid < y->tid ? -1 : 1;
	return (x->time_ns > y->time_ns) - (x->time_ns < y->time_ns);
}

/* Keeps one name of each thread. */
static void keep_latest(struct tasks *tasks)
{
	u32 nr = 0;

	if (tasks->nr)
		qsort(tasks->task, tasks->nr, sizeof(*tasks->task), by_tid_and_time);
	for (u32 i = 0; i < tasks->nr; i++) {
		if (nr && tasks->task[nr - 1].tid == tasks->task[i].tid)
			nr--;
		tasks->task[nr++] = tasks->task[i];
	}
	tasks->nr = nr;
}

static int tasks__make_room(struct tasks *tasks)
{
	if (tasks->nr < tasks->room)
		return 0;
	keep_latest(tasks);
	if (tasks->room && tasks->nr <= tasks->room / 2)
		return 0;
	return array__reserve_many(tasks->task, tasks->nr, tasks->room - tasks->nr + 1, tasks->room,
				   NULL);
}

int tasks__note(struct tasks *tasks, const struct kvmw_ring_task *task)
{
	if (tasks__make_room(tasks))
		return -1;
	tasks->task[tasks->nr++] = *task;
	return 0;
}

static struct json_object *task_json(const struct kvmw_ring_task *task)
{
	struct json_object *o = json_object_new_object();
	const char *comm = (const char *)task->name.comm;
	int err = json_build__put(o, "tid", json_object_new_int64(task->tid));

	err |= json_build__put(o, "comm",
			       json_object_new_string_len(comm, strnlen(comm, KVMW_COMM)));
	return json_build__end(o, err);
}

int tasks__send(struct tasks *tasks, struct sink *sink)
{
	struct json_object *root, *list;
	int err = 0;
	char *text;

	if (!tasks->nr)
		return 0;
	keep_latest(tasks);
	root = json_object_new_object();
	list = json_object_new_array();
	for (u32 i = 0; i < tasks->nr && !err; i++)
		err = json_build__append(list, task_json(&tasks->task[i]));
	tasks->nr = 0;
	err |= json_build__put(root, "tasks", list);
	root = json_build__end(root, err);
	text = json_build__text(root);
	json_object_put(root);
	return sink__json(sink, DATA_IDENT, text);
}

void tasks__forget(struct tasks *tasks)
{
	free(tasks->task);
}
