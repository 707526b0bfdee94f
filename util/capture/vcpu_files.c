// SPDX-License-Identifier: GPL-2.0
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/array.h"
#include "util/capture/vcpu_files.h"

static int vcpu_files__read_all(struct vcpu_files *files, int fd)
{
	struct kvmw_vcpu_thread row;
	size_t have = 0;
	ssize_t got;

	/* A row may come in two pieces. */
	while ((got = read(fd, (char *)&row + have, sizeof(row) - have)) > 0) {
		have += got;
		if (have < sizeof(row))
			continue;
		have = 0;
		if (array__reserve(files->vcpu, files->nr, files->room, NULL))
			return -1;
		files->vcpu[files->nr++] = row;
	}
	files->known = !got;
	return 0;
}

int vcpu_files__read(struct vcpu_files *files, const struct session *session)
{
	const struct bpf_program *prog = session__vcpu_files(session);
	struct bpf_link *link;
	int fd, err = 0;

	memset(files, 0, sizeof(*files));
	if (!prog)
		return 0;
	link = bpf_program__attach_iter(prog, NULL);
	if (!link)
		return 0;
	fd = bpf_iter_create(bpf_link__fd(link));
	if (fd >= 0) {
		err = vcpu_files__read_all(files, fd);
		close(fd);
	}
	bpf_link__destroy(link);
	return err;
}

void vcpu_files__free(struct vcpu_files *files)
{
	free(files->vcpu);
	memset(files, 0, sizeof(*files));
}

const struct kvmw_vcpu_thread *vcpu_files__of_thread(const struct vcpu_files *files, u32 tid)
{
	const struct kvmw_vcpu_thread *found = NULL;

	for (u32 i = 0; i < files->nr; i++) {
		const struct kvmw_vcpu_thread *v = &files->vcpu[i];

		if (v->tid != tid)
			continue;
		/* Two files of one vCPU are alike. */
		if (found && found->vcpu != v->vcpu)
			return NULL;
		found = v;
	}
	return found;
}

bool vcpu_files__never_ran(const struct vcpu_files *files, u32 tgid, u32 number)
{
	bool any = false;

	for (u32 i = 0; i < files->nr; i++) {
		const struct kvmw_vcpu_thread *v = &files->vcpu[i];

		if (v->tgid != tgid || v->number != number)
			continue;
		if (v->tid)
			return false;
		any = true;
	}
	return files->known && any;
}
