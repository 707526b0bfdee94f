// SPDX-License-Identifier: GPL-2.0
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util/capture/maps.h"
#include "util/error.h"
#include "bpf_skel/shared.h"

static size_t whole_pages(size_t bytes)
{
	size_t page = sysconf(_SC_PAGESIZE);

	return (bytes + page - 1) / page * page;
}

void *maps__values(const struct bpf_map *map, size_t size)
{
	void *values = mmap(NULL, whole_pages(size), PROT_READ, MAP_SHARED, bpf_map__fd(map), 0);

	if (values != MAP_FAILED)
		return values;
	error("cannot map %s of the BPF programs: %s", bpf_map__name(map), strerror(errno));
	return NULL;
}

void maps__unmap(void *values, size_t size)
{
	if (values)
		munmap(values, whole_pages(size));
}

int maps__fill_queue(const struct bpf_map *map, u32 nr)
{
	for (u32 i = 0; i < nr; i++)
		if (bpf_map_update_elem(bpf_map__fd(map), NULL, &i, 0))
			return error("cannot fill %s of the BPF programs: %s", bpf_map__name(map),
				     strerror(errno));
	return 0;
}

int maps__choose(const struct bpf_map *map, const pid_t *pids, u32 nr, const void *value)
{
	for (u32 i = 0; i < nr; i++)
		if (bpf_map_update_elem(bpf_map__fd(map), &pids[i], value, 0))
			return error("cannot select process %d: %s", pids[i], strerror(errno));
	return 0;
}

int maps__choose_groups(const struct bpf_map *map, const struct group_choices *groups)
{
	for (u32 i = 0; groups && i < groups->nr; i++)
		if (bpf_map_update_elem(bpf_map__fd(map), &groups->list[i].id, &i, 0))
			return error("cannot select control group %s: %s", groups->list[i].path,
				     strerror(errno));
	return 0;
}

/* A new ring as element i: its fd, or -1: error() said why. */
static int make_ring(const struct bpf_map *rings, u32 i, u64 bytes)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "kvmw_ring", 0, 0, bytes, NULL);

	if (fd < 0)
		return error("cannot create a ring of %llu bytes: %s; try a smaller -m",
			     (unsigned long long)bytes, strerror(errno));
	if (!bpf_map_update_elem(bpf_map__fd(rings), &i, &fd, 0))
		return fd;
	error("cannot use ring %u: %s", i, strerror(errno));
	close(fd);
	return -1;
}

int maps__rings(const struct bpf_map *rings, u32 nr, u64 bytes, int *fds)
{
	for (u32 i = 0; i < nr; i++) {
		fds[i] = make_ring(rings, i, bytes);
		if (fds[i] < 0)
			return -1;
	}
	return 0;
}

static u64 power_of_two_below(u64 n)
{
	u64 p = 1;

	while (p <= n / 2)
		p *= 2;
	return p;
}

void maps__plan_rings(u64 bytes, u32 *nr, u64 *each)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	u64 page = sysconf(_SC_PAGESIZE);

	if (!bytes)
		return;
	*nr = power_of_two_below(cpus > 4 ? cpus / 4 : 1);
	if (*nr > KVMW_MAX_RINGS)
		*nr = KVMW_MAX_RINGS;
	while (*nr > 1 && bytes / *nr < page)
		*nr /= 2;
	*each = power_of_two_below(bytes / *nr);
	if (*each < page)
		*each = page;
}
