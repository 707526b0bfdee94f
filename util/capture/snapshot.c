// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/array.h"
#include "util/capture/neighbours.h"
#include "util/capture/preflight.h"
#include "util/capture/proc_thread.h"
#include "util/capture/snapshot.h"
#include "util/error.h"

/* The vCPUs of one process, by number; several VMs may have one with the same number. */
struct vcpu_numbers {
	u32 *number;
	u32 nr, room;
	bool failed;
};

static void take_file(void *arg, int fd, int vcpu)
{
	struct vcpu_numbers *files = arg;

	if (vcpu < 0 || files->failed)
		return;
	files->failed = array__reserve(files->number, files->nr, files->room, NULL);
	if (!files->failed)
		files->number[files->nr++] = vcpu;
}

static struct kvmw_thread *snapshot__add(struct snapshot *snap)
{
	if (array__reserve(snap->thread, snap->nr, snap->room, NULL))
		return NULL;
	return &snap->thread[snap->nr++];
}

static int add_thread(struct snapshot *snap, u32 kind, u32 pid, u32 tid)
{
	const struct kvmw_vcpu_thread *ran;
	struct kvmw_thread row, *to;
	int ret = proc_thread__read(pid, tid, &snap->names, &row);

	if (ret)
		return ret < 0 ? -1 : 0;
	row.kind = kind;
	row.time_ns = monotonic_ns();
	ran = row.number == ~0U ? vcpu_files__of_thread(&snap->vcpus, tid) : NULL;
	if (ran && ran->tgid == pid)
		row.number = ran->number;
	to = snapshot__add(snap);
	if (!to)
		return -1;
	*to = row;
	return 0;
}

static int add_threads(struct snapshot *snap, u32 kind, u32 pid)
{
	struct dirent *entry;
	char path[64];
	int err = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%u/task", pid);
	dir = opendir(path);
	if (!dir)
		return 0;
	while (!err && (entry = readdir(dir))) {
		u32 tid = strtoul(entry->d_name, NULL, 10);

		if (!tid)
			continue;
		if (snap->nr == SNAPSHOT_MAX_THREADS)
			snap->left_out++;
		else
			err = add_thread(snap, kind, pid, tid);
	}
	closedir(dir);
	return err;
}

/* Crosses off one vCPU with this number. */
static void cross_off(struct vcpu_numbers *files, u32 number)
{
	for (u32 i = 0; i < files->nr; i++) {
		if (files->number[i] != number)
			continue;
		files->number[i] = files->number[--files->nr];
		return;
	}
}

static int snapshot__add_vcpu(struct snapshot *snap, u32 kind, u32 pid, u32 number)
{
	struct kvmw_thread *row = snapshot__add(snap);

	if (!row)
		return -1;
	memset(row, 0xff, sizeof(*row));
	row->time_ns = monotonic_ns();
	row->kind = kind;
	row->pid = pid;
	row->number = number;
	row->comm0 = row->comm1 = 0;
	if (vcpu_files__never_ran(&snap->vcpus, pid, number))
		row->in_run = 0;
	return 0;
}

/* The vCPUs of a process that none of its threads, from first on, is known to run. */
static int add_other_vcpus(struct snapshot *snap, u32 kind, u32 pid, u32 first)
{
	struct vcpu_numbers files = { .nr = 0 };
	u32 end = snap->nr;
	int err = 0;

	vm__each_fd(pid, take_file, &files);
	for (u32 i = first; i < end; i++)
		cross_off(&files, snap->thread[i].number);
	for (u32 i = 0; i < files.nr && !err; i++) {
		if (snap->nr == SNAPSHOT_MAX_THREADS)
			snap->left_out++;
		else
			err = snapshot__add_vcpu(snap, kind, pid, files.number[i]);
	}
	free(files.number);
	return err || files.failed ? -1 : 0;
}

static int add_pid(struct snapshot *snap, u32 pid)
{
	for (u32 i = 0; i < snap->nr_pids; i++)
		if (snap->pids[i] == pid)
			return 0;
	if (array__reserve(snap->pids, snap->nr_pids, snap->pids_room, NULL))
		return -1;
	snap->pids[snap->nr_pids++] = pid;
	return 0;
}

static bool is_excluded(const struct session_opts *opts, pid_t pid)
{
	for (u32 i = 0; i < opts->nr_excluded; i++)
		if (opts->excluded[i] == pid)
			return true;
	return false;
}

static bool may_run_selected(const struct session_opts *opts, pid_t pid)
{
	return opts->target == KVMW_TARGET_ALL ? !is_excluded(opts, pid) :
	       group_find__has(opts->groups, pid);
}

static int add_running(struct snapshot *snap, const struct session_opts *opts)
{
	struct vm *vms = NULL;
	int nr, err = 0;
	u32 hidden;

	nr = vm__scan(&vms, &hidden);
	for (int i = 0; i < nr && !err; i++)
		if (may_run_selected(opts, vms[i].pid))
			err = add_pid(snap, vms[i].pid);
	free(vms);
	return err;
}

/* A pid may have been given to another process since. */
static int add_seen(struct snapshot *snap, const struct session *session)
{
	const struct kvmw_vcpu_state *states = session__states(session);
	int err = 0;

	for (u32 i = 0; i < session__nr_states(session) && !err; i++)
		if (states[i].tid && states[i].role == KVMW_ROLE_VCPU &&
		    !session__gone_ns(session, &states[i]))
			err = add_pid(snap, states[i].tgid);
	return err;
}

static int choose_processes(struct snapshot *snap, const struct session_opts *opts,
			    const struct session *session)
{
	int err = 0;

	snap->nr_pids = 0;
	/* The container's own processes are others. */
	if (!host__knows_pids())
		return 0;
	if (opts->target == KVMW_TARGET_ALL)
		return add_running(snap, opts);
	if (opts->groups && opts->groups->nr)
		err = add_running(snap, opts);
	for (u32 i = 0; i < opts->nr_pids && !err; i++)
		err = add_pid(snap, opts->pids[i]);
	return err || add_seen(snap, session) ? -1 : 0;
}

int snapshot__read(struct snapshot *snap, u32 kind, const struct session_opts *opts,
		   const struct session *session)
{
	int err = choose_processes(snap, opts, session);

	snap->nr = snap->groups.nr = snap->configs.nr_vms = snap->configs.nr_vcpus = 0;
	vm_memory__begin(&snap->memory);
	if (!err)
		err = vcpu_files__read(&snap->vcpus, session);
	if (!err && kind == KVMW_thread_START)
		err = vm_slots__read(&snap->slots, session);
	for (u32 i = 0; i < snap->nr_pids && !err; i++) {
		u32 first = snap->nr;

		err = add_threads(snap, kind, snap->pids[i]);
		if (!err)
			err = add_other_vcpus(snap, kind, snap->pids[i], first) ||
			      vm_configs__read(&snap->configs, kind, snap->pids[i], &snap->vcpus,
					       session, &snap->names) ||
			      cgroups__read(&snap->groups, kind, snap->pids[i], &snap->names) ||
			      vm_memory__read(&snap->memory, kind, snap->pids[i], &snap->names) ?
			      -1 : 0;
	}
	vcpu_files__free(&snap->vcpus);
	return err || host_state__read(&snap->host, kind, &snap->names) ? -1 : 0;
}

/* VMs without an event are named nowhere else. */
static int snapshot__name_vms(const struct snapshot *snap, struct sink *sink)
{
	struct neighbours names = neighbours__begin();
	struct vm vm;

	for (u32 i = 0; i < snap->nr_pids; i++)
		if (!vm__read(snap->pids[i], &vm))
			neighbours__add(&names, &vm);
	return neighbours__end(&names, sink, true);
}

static int send_rows(struct sink *sink, u32 event, const void *list, u32 nr)
{
	struct sink_rows rows = { sink, DATA_STATS, event_desc__by_id(event), NULL };
	size_t size = rows.event->size;

	for (u32 i = 0; i < nr; i++) {
		void *row = sink__row(&rows);

		if (!row)
			return -1;
		memcpy(row, (const char *)list + i * size, size);
	}
	sink__end_rows(&rows);
	return 0;
}

/* Of the beginning: once. */
static int send_slots(struct snapshot *snap, struct sink *sink)
{
	int err = vm_slots__send(&snap->slots, snap->pids, snap->nr_pids, sink);

	vm_slots__free(&snap->slots);
	return err;
}

int snapshot__send(struct snapshot *snap, struct sink *sink)
{
	if (snapshot__name_vms(snap, sink) || interned__send(&snap->names, sink))
		return -1;
	return send_rows(sink, KVMW_EVENT_THREAD, snap->thread, snap->nr) ||
	       send_rows(sink, KVMW_EVENT_CGROUP, snap->groups.row, snap->groups.nr) ||
	       send_rows(sink, KVMW_EVENT_VM_CONFIG, snap->configs.vm, snap->configs.nr_vms) ||
	       send_rows(sink, KVMW_EVENT_VCPU_CONFIG, snap->configs.vcpu,
			 snap->configs.nr_vcpus) ||
	       send_rows(sink, KVMW_EVENT_VM_MEMORY, snap->memory.row, snap->memory.nr) ||
	       send_rows(sink, KVMW_EVENT_HOST, snap->host.row, snap->host.nr) ||
	       send_slots(snap, sink) ? -1 : 0;
}

void snapshot__free(struct snapshot *snap)
{
	interned__free(&snap->names);
	cgroups__free(&snap->groups);
	vm_configs__free(&snap->configs);
	vm_memory__free(&snap->memory);
	vm_slots__free(&snap->slots);
	free(snap->thread);
	free(snap->pids);
}
