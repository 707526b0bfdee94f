/* SPDX-License-Identifier: GPL-2.0 */
/* Attaching what libbpf attaches otherwise, or not on all CPUs, and what an error of it means. */
#ifndef KVMW_ATTACH_H
#define KVMW_ATTACH_H

#include <bpf/libbpf.h>

#include "util/capture/provider.h"

/* The programs that are attached. */
struct links {
	struct bpf_link *of[NR_PROBES];
	struct bpf_link **sample;	/* of ATTACH_SAMPLE, one for each CPU */
	u32 nr_samples;
};

/* The program of a probe, by one of its methods. 0, or an errno: it is not. */
int links__attach(struct links *links, u32 probe, struct bpf_program *prog,
		  const struct attach_method *method);
/* Detaches all. */
void links__destroy(struct links *links);

/* The errno that loading or attaching a program left, in words. */
const char *attach__reason(int err);

#endif
