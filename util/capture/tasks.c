// SPDX-License-Identifier: GPL-2.0
#include <bpf/bpf.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "util/capture/tasks.h"
#include "util/error.h"

struct found {
	u32 tid;
	struct kvmw_task name;
};

static int by_tid(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return x < y ? -1 : x > y;
}

/* All of the map, sorted; their number, or -1. */
static int read_map(int map_fd, struct found *found)
{
	u32 *tids = malloc(KVMW_MAX_TASKS * sizeof(*tids)), batch = 0, nr = 0, count;
	struct kvmw_task *names = malloc(KVMW_MAX_TASKS * sizeof(*names));
	int err = tids && names ? 0 : -1;

	while (!err && nr < KVMW_MAX_TASKS) {
		count = KVMW_MAX_TASKS - nr;
		err = bpf_map_lookup_batch(map_fd, nr ? &batch : NULL, &batch, tids + nr, names + nr,
					   &count, NULL);
		/* ENOSPC: one bucket has more than there is room for; they come the next time. */
		if (err && errno != ENOENT)
			break;
		nr += count;
	}
	for (u32 i = 0; i < nr; i++)
		found[i] = (struct found) { tids[i], names[i] };
	qsort(found, nr, sizeof(*found), by_tid);
	if (!tids || !names)
		nr = 0;
	free(names);
	free(tids);
	return nr;
}

static bool known(const struct tasks *tasks, const struct found *f)
{
	const u32 *at = bsearch(&f->tid, tasks->tids, tasks->nr, sizeof(*tasks->tids), by_tid);

	return at && !memcmp(&tasks->names[at - tasks->tids], &f->name, sizeof(f->name));
}

static struct json_object *task_json(const struct found *f)
{
	struct json_object *o = json_object_new_object();
	const char *comm = (const char *)f->name.comm;

	json_object_object_add(o, "tid", json_object_new_int64(f->tid));
	json_object_object_add(o, "comm", json_object_new_string_len(comm, strnlen(comm, KVMW_COMM)));
	return o;
}

static int send_list(struct sink *sink, struct json_object *list)
{
	struct json_object *root = json_object_new_object();
	char *text;

	json_object_object_add(root, "tasks", list);
	text = strdup(json_object_to_json_string_ext(root, JSON_C_TO_STRING_PLAIN));
	json_object_put(root);
	return text ? sink__json(sink, DATA_IDENT, text) : -1;
}

int tasks__send(struct tasks *tasks, struct sink *sink, int map_fd)
{
	struct found *found = malloc(KVMW_MAX_TASKS * sizeof(*found));
	struct json_object *list = json_object_new_array();
	int nr = found ? read_map(map_fd, found) : -1, err = 0;

	for (int i = 0; i < nr; i++)
		if (!known(tasks, &found[i]))
			json_object_array_add(list, task_json(&found[i]));
	for (int i = 0; i < nr; i++) {
		tasks->tids[i] = found[i].tid;
		tasks->names[i] = found[i].name;
	}
	if (nr >= 0)
		tasks->nr = nr;
	free(found);
	if (json_object_array_length(list))
		err = send_list(sink, list);
	else
		json_object_put(list);
	return nr < 0 ? -1 : err;
}
