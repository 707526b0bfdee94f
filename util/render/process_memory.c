// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include "util/render/json.h"
#include "util/render/process_memory.h"
#include "util/render/units.h"

#define MEMORY_WORDS	2048
#define NODES_SHOWN	16

/* By nodes_from of a row. */
static const char *const sources[] = { NULL, "one node", "cgroup", "numa_maps" };
static const char *const sources_in_words[] = {
	"", ", the host's only one", ", as its control group counts", "",
};

static void process_memory__add(char *buf, const char *before, const char *text)
{
	size_t len = strlen(buf);

	snprintf(buf + len, MEMORY_WORDS - len, "%s%s", len ? before : "", text);
}

static const char *say_size(u64 bytes, char *buf)
{
	if (bytes == KVMW_NONE)
		return "unknown";
	return units__bytes(bytes, buf);
}

/* "512 MiB anonymous, 94.0% of it in huge pages" */
static void say_part(char *buf, const char *what, u64 bytes, u64 huge)
{
	char text[160], size[UNITS_MAX], share[UNITS_MAX], in_huge[64] = "";

	if (!bytes)
		return;
	if (bytes != KVMW_NONE && huge != KVMW_NONE)
		snprintf(in_huge, sizeof(in_huge), ", %s of it in huge pages",
			 units__share(huge, bytes, share));
	snprintf(text, sizeof(text), "%s: %s%s", what, say_size(bytes, size), in_huge);
	process_memory__add(buf, "; ", text);
}

static void say_parts(const struct kvmw_vm_memory *r, char *buf)
{
	say_part(buf, "anonymous", r->anon_bytes, r->anon_huge_bytes);
	say_part(buf, "shared", r->shmem_bytes, r->shmem_huge_bytes);
	say_part(buf, "hugetlbfs", r->hugetlb_bytes, KVMW_NONE);
}

static void say_unknown(const char *what, const char *why, char *buf)
{
	char text[300];

	snprintf(text, sizeof(text), "%s unknown%s%s", what, *why ? ": " : "", why);
	process_memory__add(buf, "; ", text);
}

static void say_nodes(const struct process_memory *p, char *buf)
{
	char text[300], size[UNITS_MAX];

	for (u32 i = 0; i < p->nr_nodes && i < NODES_SHOWN; i++) {
		snprintf(text, sizeof(text), "%s %u: %s", i ? "" : "NUMA node", p->node[i]->node,
			 say_size(p->node[i]->bytes, size));
		process_memory__add(buf, i ? "," : "; ", text);
	}
	if (p->nr_nodes > NODES_SHOWN)
		process_memory__add(buf, ", ", "and others");
	if (p->row->nodes_from < ARRAY_SIZE(sources_in_words))
		process_memory__add(buf, "", sources_in_words[p->row->nodes_from]);
}

static void say_memory_of(const struct process_memory *p, char *buf)
{
	const struct kvmw_vm_memory *r = p->row;
	char size[UNITS_MAX];

	*buf = '\0';
	process_memory__add(buf, "", "resident: ");
	process_memory__add(buf, "", say_size(r->bytes, size));
	if (r->bytes != KVMW_NONE)
		say_parts(r, buf);
	if (!p->nr_nodes && *p->huge_unknown && !strcmp(p->huge_unknown, p->nodes_unknown)) {
		say_unknown("transparent huge pages and NUMA nodes", p->huge_unknown, buf);
		return;
	}
	if (*p->huge_unknown)
		say_unknown("transparent huge pages", p->huge_unknown, buf);
	if (p->nr_nodes)
		say_nodes(p, buf);
	else
		say_unknown("NUMA nodes", p->nodes_unknown, buf);
}

void process_memories__print(const struct screen *s, const struct process_memories *list)
{
	char words[MEMORY_WORDS], first[32];

	if (list->nr)
		fputs("\nMemory of the VMs' processes:\n", s->out);
	for (u32 i = 0; i < list->nr; i++) {
		snprintf(first, sizeof(first), "pid %u: ", list->process[i].row->pid);
		say_memory_of(&list->process[i], words);
		screen__wrap(s, first, "  ", words);
	}
}

/* ---- JSON ----------------------------------------------------------------- */

static void process_memory__json_nodes(struct json_object *item, const struct process_memory *p)
{
	struct json_object *list, *node;

	if (!p->nr_nodes) {
		json_object_object_add(item, "nodes", NULL);
		return;
	}
	list = json__array(item, "nodes");
	for (u32 i = 0; i < p->nr_nodes; i++) {
		node = json_object_new_object();
		json_object_array_add(list, node);
		json__u64(node, "node", p->node[i]->node);
		json__ns(node, "bytes", p->node[i]->bytes);
	}
}

static struct json_object *make_process_memory(struct json_writer *w, const void *ctx, u32 i)
{
	const struct process_memory *p = &((const struct process_memories *)ctx)->process[i];
	struct json_object *item = json_object_new_object();
	const struct kvmw_vm_memory *r = p->row;

	json__u64(item, "pid", r->pid);
	json__u64(item, "time_ns", r->time_ns);
	json__ns(item, "resident_bytes", r->bytes);
	json__ns(item, "anon_bytes", r->anon_bytes);
	json__ns(item, "anon_huge_bytes", r->anon_huge_bytes);
	json__ns(item, "shmem_bytes", r->shmem_bytes);
	json__ns(item, "shmem_huge_bytes", r->shmem_huge_bytes);
	json__ns(item, "hugetlb_bytes", r->hugetlb_bytes);
	json__text(item, "huge_unknown", *p->huge_unknown ? p->huge_unknown : NULL);
	process_memory__json_nodes(item, p);
	json__text(item, "nodes_from",
		   r->nodes_from < ARRAY_SIZE(sources) ? sources[r->nodes_from] : NULL);
	json__text(item, "nodes_unknown", *p->nodes_unknown ? p->nodes_unknown : NULL);
	return item;
}

void process_memories__json(struct json_writer *w, struct json_object *root,
			    const struct process_memories *processes)
{
	if (processes->nr)
		json__list(w, root, "process_memory", processes->nr, make_process_memory,
			   processes);
}
