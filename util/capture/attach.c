// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/libbpf.h>
#include <linux/perf_event.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/capture/attach.h"
#include "util/capture/tracefs.h"
#include "util/memory.h"

static int open_event(const struct perf_event_attr *attr, int cpu)
{
	return syscall(__NR_perf_event_open, attr, cpu < 0 ? 0 : -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

static struct bpf_link *attach_to(struct bpf_program *prog, const struct perf_event_attr *attr,
				  int cpu)
{
	int fd = open_event(attr, cpu);
	struct bpf_link *link;

	if (fd < 0)
		return NULL;
	link = bpf_program__attach_perf_event(prog, fd);
	if (!link)
		close(fd);
	return link;
}

/*
 * Like bpf_program__attach_tracepoint() of libbpf, but on an event of this thread instead of CPU
 * 0: our programs let perf users see the event, so the kernel would count and sample it on CPU 0
 * for nobody.
 */
static struct bpf_link *attach_tracepoint(struct bpf_program *prog,
					  const struct attach_method *method)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
	};

	attr.config = tracefs__id(method->category, method->name);
	return attach_to(prog, &attr, -1);
}

/* Two of each CPU may be more than there are by default. */
static void allow_files(struct rlimit *before)
{
	struct rlimit all;

	getrlimit(RLIMIT_NOFILE, before);
	all = (struct rlimit) { before->rlim_max, before->rlim_max };
	setrlimit(RLIMIT_NOFILE, &all);
}

/*
 * On each CPU that is online, except while it is idle.  A period, not a frequency, which the kernel
 * would only approach.
 */
static int attach_samples(struct links *links, struct bpf_program *prog)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.size = sizeof(attr),
		.sample_period = NSEC_PER_SEC / KVMW_SAMPLE_HZ,
		.exclude_idle = 1,
	};
	int cpus = libbpf_num_possible_cpus(), err = 0;
	struct rlimit before;

	links->sample = mem__calloc(cpus > 0 ? cpus : 1, sizeof(struct bpf_link *));
	if (!links->sample)
		return ENOMEM;
	allow_files(&before);
	for (int cpu = 0; cpu < cpus && !err; cpu++) {
		struct bpf_link *link = attach_to(prog, &attr, cpu);

		if (link)
			links->sample[links->nr_samples++] = link;
		else if (errno != ENODEV)
			err = errno;
	}
	/* COMMAND gets the one that it had. */
	setrlimit(RLIMIT_NOFILE, &before);
	return err;
}

int links__attach(struct links *links, u32 probe, struct bpf_program *prog,
		  const struct attach_method *method)
{
	if (method->type == ATTACH_SAMPLE)
		return attach_samples(links, prog);
	links->of[probe] = method->type == ATTACH_TP ? attach_tracepoint(prog, method) :
			   bpf_program__attach(prog);
	return links->of[probe] ? 0 : errno;
}

void links__destroy(struct links *links)
{
	for (u32 h = 0; h < NR_PROBES; h++)
		bpf_link__destroy(links->of[h]);
	for (u32 i = 0; i < links->nr_samples; i++)
		bpf_link__destroy(links->sample[i]);
	free(links->sample);
	memset(links, 0, sizeof(*links));
}

const char *attach__reason(int err)
{
	return err == EPERM ? "not permitted (kernel lockdown, or a capability is missing)" :
	       err == EACCES ? "refused by the kernel's verifier, -v shows why" :
	       err >= __LIBBPF_ERRNO__START ? "libbpf failed, -v shows why" : strerror(err);
}
