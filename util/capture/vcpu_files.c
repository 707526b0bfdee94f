// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "util/array.h"
#include "util/capture/iterator.h"
#include "util/capture/vcpu_files.h"

_Static_assert(sizeof(struct kvmw_vcpu_thread) <= ITERATOR_ROW, "no row would arrive");

static int add_vcpu_file(void *arg, const void *row)
{
	struct vcpu_files *files = arg;

	if (array__reserve(files->vcpu, files->nr, files->room, NULL))
		return -1;
	files->vcpu[files->nr++] = *(const struct kvmw_vcpu_thread *)row;
	return 0;
}

int vcpu_files__read(struct vcpu_files *files, const struct session *session)
{
	int ret;

	memset(files, 0, sizeof(*files));
	ret = iterator__read(session__vcpu_files(session), sizeof(*files->vcpu), add_vcpu_file,
			     files);
	files->known = ret > 0;
	return ret < 0 ? -1 : 0;
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
