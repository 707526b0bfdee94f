// SPDX-License-Identifier: GPL-2.0
/* kvmw record: the processes of -p and --vm. */
#include <string.h>

#include "builtin-record.h"
#include "util/capture/vm.h"
#include "util/error.h"

static int check_pid(pid_t *pid)
{
	struct vm vm;
	int err = vm__read(*pid, &vm);

	if (err == ESRCH)
		return error("%d: no such process; kvmw list shows the running VMs", *pid);
	if (err)
		return error("%d (%s): cannot read its file descriptors: %s; run as root, "
			     "or with CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH", *pid, vm.vmm, strerror(err));
	if (!vm.nr_vms)
		return error("%d (%s) is not a virtual machine: it holds no KVM file descriptors; "
			     "kvmw list shows those that do", *pid, vm.vmm);
	*pid = vm.pid;
	return 0;
}

int record_options__find_targets(struct record_options *o)
{
	u32 nr = 0;

	for (u32 i = 0; i < o->nr_pids; i++)
		if (check_pid(&o->pids[i]))
			return -1;
	for (u32 i = 0; i < o->nr_names; i++) {
		if (o->nr_pids == MAX_PIDS)
			return error("-p, --vm: more than %d VMs; use -a", MAX_PIDS);
		if (vm__find(o->names[i], &o->pids[o->nr_pids]))
			return -1;
		o->nr_pids++;
	}
	for (u32 i = 0; i < o->nr_pids; i++) {
		u32 k = 0;

		while (k < nr && o->pids[k] != o->pids[i])
			k++;
		if (k == nr)
			o->pids[nr++] = o->pids[i];
	}
	o->nr_pids = nr;
	return 0;
}
