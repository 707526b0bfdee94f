// SPDX-License-Identifier: GPL-2.0
#include "util/capture/json_build.h"
#include "util/capture/neighbours.h"

struct neighbours neighbours__begin(void)
{
	return (struct neighbours) { .list = json_object_new_array() };
}

static struct json_object *neighbour_json(const struct vm *vm)
{
	struct json_object *o = json_object_new_object();
	int err = json_build__put(o, "pid", json_object_new_int(vm->pid));

	err |= json_build__put_text(o, "name", vm->name);
	err |= json_build__put_text(o, "vmm", vm->vmm);
	return json_build__end(o, err);
}

void neighbours__add(struct neighbours *n, const struct vm *vm)
{
	n->err |= json_build__append(n->list, neighbour_json(vm));
	n->nr++;
}

int neighbours__end(struct neighbours *n, struct sink *sink, bool send)
{
	struct json_object *root;
	char *text;

	if (!send || !n->nr) {
		json_object_put(n->list);
		return 0;
	}
	root = json_object_new_object();
	n->err |= json_build__put(root, "neighbours", n->list);
	root = json_build__end(root, n->err);
	text = json_build__text(root);
	json_object_put(root);
	return sink__json(sink, DATA_IDENT, text);
}
