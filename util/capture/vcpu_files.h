/* SPDX-License-Identifier: GPL-2.0 */
/* The vCPUs among the files of all processes, by a BPF iterator: who ran them last. */
#ifndef KVMW_VCPU_FILES_H
#define KVMW_VCPU_FILES_H

#include "bpf_skel/shared.h"
#include "util/capture/session.h"

struct vcpu_files {
	struct kvmw_vcpu_thread *vcpu;	/* as the kernel lists them */
	u32 nr, room;
	bool known;			/* the kernel could be asked */
};

/* 0, or -1: out of memory (error() said so); to be freed in both cases. */
int vcpu_files__read(struct vcpu_files *files, const struct session *session);
void vcpu_files__free(struct vcpu_files *files);

/* The only vCPU that a thread ran last; NULL: it ran none, or several. */
const struct kvmw_vcpu_thread *vcpu_files__of_thread(const struct vcpu_files *files, u32 tid);
/* Whether all vCPUs of a process with this number are known not to have been run by any thread. */
bool vcpu_files__never_ran(const struct vcpu_files *files, u32 tgid, u32 number);

#endif
