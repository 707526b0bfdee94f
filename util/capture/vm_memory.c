// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/array.h"
#include "util/capture/cgroups.h"
#include "util/capture/proc.h"
#include "util/capture/session.h"
#include "util/capture/vm_memory.h"

#define HUGE_RATIO	512		/* a huge page of x86 is no more work than a small one */

/* "N3=17": 17 of these units on node 3. */
static bool take_node(const char *word, u64 unit, struct node_bytes *nodes)
{
	unsigned long node;
	char *end;
	u64 nr;

	if (*word != 'N' || !isdigit((unsigned char)word[1]))
		return false;
	node = strtoul(word + 1, &end, 10);
	if (*end != '=' || node >= VM_MEMORY_NODES)
		return false;
	nr = strtoull(end + 1, &end, 10);
	if (*end)
		return false;
	nodes->bytes[node] += nr * unit;
	return true;
}

/* "anon N0=4096 N1=0", a line for each kind of memory. */
static bool take_kind(const char *text, const char *kind, struct node_bytes *nodes)
{
	size_t len = strlen(kind);
	char line[VM_MEMORY_NODES * 24];
	bool found = false;
	size_t end;

	while (text && (strncmp(text, kind, len) || text[len] != ' ')) {
		text = strchr(text, '\n');
		text += !!text;
	}
	end = text ? strcspn(text, "\n") : 0;
	/* A number that is cut off is a wrong one. */
	if (!text || !text[end] || end >= sizeof(line))
		return false;
	snprintf(line, sizeof(line), "%.*s", (int)end, text);
	for (char *save = NULL, *word = strtok_r(line, " ", &save); word;
	     word = strtok_r(NULL, " ", &save))
		found |= take_node(word, 1, nodes);
	return found;
}

bool numa_stat__read(const char *path, struct node_bytes *nodes)
{
	char text[32768];

	memset(nodes, 0, sizeof(*nodes));
	if (proc__read(text, sizeof(text), "%s", path) < 0)
		return false;
	errno = ENODATA;
	return take_kind(text, "anon", nodes) && take_kind(text, "shmem", nodes);
}

/* "7f00 default anon=3 dirty=3 N0=2 N1=1 kernelpagesize_kB=4": file names have no blanks. */
static bool take_map(char *line, struct node_bytes *nodes)
{
	const char *size = strstr(line, " kernelpagesize_kB=");
	u64 unit = size ? strtoull(strchr(size, '=') + 1, NULL, 10) * 1024 : 0;
	bool found = false;

	if (!unit)
		return false;
	for (char *save = NULL, *word = strtok_r(line, " \n", &save); word;
	     word = strtok_r(NULL, " \n", &save))
		found |= take_node(word, unit, nodes);
	return found;
}

bool numa_maps__read(const char *path, struct node_bytes *nodes)
{
	FILE *f = fopen(path, "re");
	size_t room = 0;
	char *line = NULL;
	bool found = false;
	int err;

	memset(nodes, 0, sizeof(*nodes));
	if (!f)
		return false;
	errno = 0;
	while (getline(&line, &room, f) > 0)
		found |= take_map(line, nodes);
	err = errno ?: ENODATA;
	found &= !ferror(f);
	free(line);
	fclose(f);
	errno = err;
	return found;
}

static u64 kilobytes(const char *text, const char *name)
{
	char value[64], *end;
	u64 nr;

	if (!proc__value(text, name, value, sizeof(value)))
		return KVMW_NONE;
	nr = strtoull(value, &end, 10);
	return end == value || strcmp(end, " kB") ? KVMW_NONE : nr * 1024;
}

bool vm_memory__status(const char *path, struct kvmw_vm_memory *row)
{
	char text[8192];
	bool ok = proc__read(text, sizeof(text), "%s", path) > 0;

	row->bytes = kilobytes(text, "VmRSS");
	row->anon_bytes = kilobytes(text, "RssAnon");
	row->shmem_bytes = kilobytes(text, "RssShmem");
	row->hugetlb_bytes = kilobytes(text, "HugetlbPages");
	return ok;
}

bool vm_memory__rollup(const char *path, struct kvmw_vm_memory *row)
{
	char text[4096];
	ssize_t got = proc__read(text, sizeof(text), "%s", path);
	int err = got < 0 ? errno : ENODATA;

	row->anon_huge_bytes = kilobytes(text, "AnonHugePages");
	row->shmem_huge_bytes = kilobytes(text, "ShmemPmdMapped");
	errno = err;
	return row->anon_huge_bytes != KVMW_NONE;
}

int only_node(const char *path)
{
	char text[256], *end;
	long node;

	proc__line(text, sizeof(text), "%s", path);
	node = strtol(text, &end, 10);
	return end == text || *end || node < 0 || node >= VM_MEMORY_NODES ? -1 : node;
}

/* ---- one process ---------------------------------------------------------- */

struct reading_memory {
	struct vm_memories *to;
	struct interned *names;
	struct kvmw_vm_memory row;
	struct node_bytes nodes;
	bool walk;		/* its pages may be gone through */
	char why[128];		/* nodes are not known */
};

static void may_walk(struct reading_memory *r)
{
	u64 rss = r->row.bytes, huge = r->row.hugetlb_bytes, work;

	if (rss == KVMW_NONE)
		return;
	work = rss + (huge == KVMW_NONE ? 0 : huge / HUGE_RATIO);
	r->walk = work <= VM_MEMORY_WALK - r->to->walked;
	r->to->walked += r->walk ? work : 0;
}

static const char *why_no_walk(const struct reading_memory *r)
{
	return r->row.bytes == KVMW_NONE ? "its resident size is unknown" :
	       "its pages are not counted: with those of earlier VMs, they exceed 4 GiB";
}

static bool nodes_of_cgroup(struct reading_memory *r)
{
	char path[CGROUPS_PATH + 32];

	if (!cgroups__own(r->row.pid, path, CGROUPS_PATH))
		return false;
	strcat(path, "/memory.numa_stat");
	return numa_stat__read(path, &r->nodes);
}

static u32 find_nodes(struct reading_memory *r)
{
	int only = only_node("/sys/devices/system/node/online");
	u64 huge = r->row.hugetlb_bytes;
	char path[64];

	if (only >= 0 && r->row.bytes != KVMW_NONE) {
		r->nodes.bytes[only] = r->row.bytes + (huge == KVMW_NONE ? 0 : huge);
		return NODES_ONLY_ONE;
	}
	/* Control groups do not show where pages of hugetlbfs are. */
	if (!huge && nodes_of_cgroup(r))
		return NODES_OF_CGROUP;
	snprintf(path, sizeof(path), "/proc/%u/numa_maps", r->row.pid);
	if (!r->walk)
		snprintf(r->why, sizeof(r->why), "%s", why_no_walk(r));
	else if (numa_maps__read(path, &r->nodes))
		return NODES_OF_MAPS;
	else
		snprintf(r->why, sizeof(r->why), "%s: %s", path, strerror(errno));
	memset(&r->nodes, 0, sizeof(r->nodes));
	return NODES_UNKNOWN;
}

static int vm_memory__add(struct vm_memories *memories, const struct kvmw_vm_memory *row)
{
	if (array__reserve(memories->row, memories->nr, memories->room, NULL))
		return -1;
	memories->row[memories->nr++] = *row;
	return 0;
}

static int add_nodes(struct reading_memory *r)
{
	struct kvmw_vm_memory row;
	int err = 0;

	memset(&row, 0xff, sizeof(row));
	row.time_ns = r->row.time_ns;
	row.kind = r->row.kind;
	row.pid = r->row.pid;
	for (u32 i = 0; i < VM_MEMORY_NODES && !err; i++) {
		row.node = i;
		row.bytes = r->nodes.bytes[i];
		err = row.bytes ? vm_memory__add(r->to, &row) : 0;
	}
	return err;
}

int vm_memory__read(struct vm_memories *memories, u32 kind, u32 pid, struct interned *names)
{
	struct reading_memory r = { .to = memories, .names = names };
	char path[64], why[128] = "";

	memset(&r.row, 0xff, sizeof(r.row));
	r.row.kind = kind;
	r.row.pid = pid;
	snprintf(path, sizeof(path), "/proc/%u/status", pid);
	if (!vm_memory__status(path, &r.row))
		return 0;
	may_walk(&r);
	snprintf(path, sizeof(path), "/proc/%u/smaps_rollup", pid);
	if (!r.walk)
		snprintf(why, sizeof(why), "%s", why_no_walk(&r));
	else if (!vm_memory__rollup(path, &r.row))
		snprintf(why, sizeof(why), "%s: %s", path, strerror(errno));
	r.row.nodes_from = find_nodes(&r);
	r.row.time_ns = monotonic_ns();
	return interned__text(names, why, &r.row.huge_unknown) ||
	       interned__text(names, r.why, &r.row.nodes_unknown) ||
	       vm_memory__add(memories, &r.row) || add_nodes(&r) ? -1 : 0;
}

void vm_memory__begin(struct vm_memories *memories)
{
	memories->nr = 0;
	memories->walked = 0;
}

void vm_memory__free(struct vm_memories *memories)
{
	free(memories->row);
	memset(memories, 0, sizeof(*memories));
}
