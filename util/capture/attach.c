// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <bpf/libbpf.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/capture/attach.h"
#include "util/capture/tracefs.h"

/*
 * Like bpf_program__attach_tracepoint() of libbpf, but on an event of this thread instead of CPU
 * 0: our programs let perf users see the event, so the kernel would count and sample it on CPU 0
 * for nobody.
 */
struct bpf_link *attach__tracepoint(struct bpf_program *prog, const struct attach_method *method)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
	};
	struct bpf_link *link;
	int fd;

	attr.config = tracefs__id(method->category, method->name);
	fd = syscall(__NR_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		return NULL;
	link = bpf_program__attach_perf_event(prog, fd);
	if (!link)
		close(fd);
	return link;
}

const char *attach__reason(int err)
{
	return err == EPERM ? "not permitted (kernel lockdown, or a capability is missing)" :
	       err == EACCES ? "refused by the kernel's verifier, -v shows why" :
	       err >= __LIBBPF_ERRNO__START ? "libbpf failed, -v shows why" : strerror(err);
}
