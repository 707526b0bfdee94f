// SPDX-License-Identifier: GPL-2.0
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#include "util/capture/iterator.h"

static int iterator__read_rows(int fd, size_t size, int (*take)(void *arg, const void *row),
			       void *arg)
{
	_Alignas(8) char row[ITERATOR_ROW];
	size_t have = 0;
	ssize_t got;

	/* A row may come in two pieces. */
	while ((got = read(fd, row + have, size - have)) > 0) {
		have += got;
		if (have < size)
			continue;
		have = 0;
		if (take(arg, row))
			return -1;
	}
	return !got;
}

int iterator__read(const struct bpf_program *prog, size_t size,
		   int (*take)(void *arg, const void *row), void *arg)
{
	struct bpf_link *link =
		prog && size <= ITERATOR_ROW ? bpf_program__attach_iter(prog, NULL) : NULL;
	int fd, ret = 0;

	if (!link)
		return 0;
	fd = bpf_iter_create(bpf_link__fd(link));
	if (fd >= 0) {
		ret = iterator__read_rows(fd, size, take, arg);
		close(fd);
	}
	bpf_link__destroy(link);
	return ret;
}
