// SPDX-License-Identifier: GPL-2.0
/* kvmw record, stat, top: which VMs are observed: -p, --vm, -G, --container, -a and --exclude. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builtin-record.h"
#include "builtin.h"
#include "util/capture/preflight.h"
#include "util/capture/vm.h"
#include "util/error.h"
#include "util/parse.h"

static error_t parse_pid(struct record_options *o, const char *arg)
{
	u32 pid;

	if (!*arg)
		return usage_error("-p: a process id is missing beside a comma, as in -p 1,2");
	if (parse_u32(arg, &pid) || !pid || pid > 0x7fffffff)
		return usage_error("-p '%s': must be a process id; --vm %s takes a VM by its name",
				   arg, arg);
	if (o->nr_pids == MAX_PIDS)
		return usage_error("-p: more than %d processes; use -a", MAX_PIDS);
	o->pids[o->nr_pids++] = pid;
	return 0;
}

/* In a copy: the command line goes into the recording. */
static error_t parse_pids(struct record_options *o, const char *arg)
{
	char *copy, *rest;
	error_t err = 0;

	if (!*arg)
		return usage_error("-p: no process id given; kvmw list shows the running VMs");
	copy = rest = strdup(arg);
	if (!copy)
		return ENOMEM;
	for (char *p; !err && (p = strsep(&rest, ","));)
		err = parse_pid(o, p);
	free(copy);
	return err;
}

static error_t take_word(struct record_words *words, const char *arg, const char *option,
			 const char *shows)
{
	if (!*arg)
		return usage_error("%s: no name given; %s", option, shows);
	if (words->nr == MAX_PIDS)
		return usage_error("%s: given more than %d times; use -a", option, MAX_PIDS);
	words->word[words->nr++] = arg;
	return 0;
}

static error_t parse_max_vcpus(struct record_options *o, const char *arg)
{
	u32 nr;

	if (parse_u32(arg, &nr) || !nr || nr > KVMW_MAX_VCPUS)
		return usage_error("--max-vcpus '%s': must be from 1 to %d, the number of vCPUs and VMMs seen at a time", arg,
				   KVMW_MAX_VCPUS);
	o->max_vcpus = (nr + KVMW_MIN_VCPUS - 1) / KVMW_MIN_VCPUS * KVMW_MIN_VCPUS;
	return 0;
}

/* Several, separated by commas: they are looked for later. */
static error_t take_groups(struct record_words *words, const char *arg)
{
	size_t len = strlen(arg);

	if (len && (*arg == ',' || arg[len - 1] == ',' || strstr(arg, ",,")))
		return usage_error("-G '%s': a name is missing beside a comma, as in -G a.slice,b.slice", arg);
	return take_word(words, arg, "-G", "systemd-cgls shows the control groups");
}

static error_t parse_vcpus(struct record_options *o, const char *arg)
{
	o->vcpu_filter = true;
	if (parse_list(arg, o->vcpus, KVMW_MAX_VCPU_IDS))
		return usage_error("--vcpu '%s': must be a list of numbers below %d, such as 0-3,7",
				   arg, KVMW_MAX_VCPU_IDS);
	return 0;
}

static error_t parse_target(int key, char *arg, struct argp_state *state)
{
	static const char kvmw_list[] = "kvmw list shows the VMs and their names";
	struct record_options *o = state->input;

	switch (key) {
	case 'p':
		return parse_pids(o, arg);
	case RECORD_VM:
		return take_word(&o->names, arg, "--vm", kvmw_list);
	case 'G':
		return take_groups(&o->groups, arg);
	case RECORD_CONTAINER:
		return take_word(&o->containers, arg, "--container",
				 "docker ps, podman ps and crictl ps show their ids");
	case RECORD_EXCLUDE:
		return take_word(&o->excludes, arg, "--exclude", kvmw_list);
	case RECORD_MAX_VCPUS:
		return parse_max_vcpus(o, arg);
	case 'a':
		o->all = true;
		return 0;
	case 'V':
		return parse_vcpus(o, arg);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option target_options[] = {
	{ "pid", 'p', "PID[,PID...]", 0, "These running VMs", 0 },
	{ "vm", RECORD_VM, "NAME", 0, "The running VM of this name or uuid (kvmw list), or those like web-*", 0 },
	{ "cgroup", 'G', "CGROUP[,CGROUP...]", 0,
	  "The VMs in these control groups (v2) and all below, including those that start later", 0 },
	{ "container", RECORD_CONTAINER, "ID", 0, "The VMs in the container or pod with this id", 0 },
	{ "all", 'a', NULL, 0, "All VMs, including those that start later", 0 },
	{ "exclude", RECORD_EXCLUDE, "NAME|PID", 0, "With -a: except these running VMs", 0 },
	{ "vcpu", 'V', "LIST", 0, "Only these vCPUs, e.g. 0-3,7", 0 },
	{ "max-vcpus", RECORD_MAX_VCPUS, "N", 0, "Make room for N vCPUs and VMMs at a time (default 1024)", 0 },
	{ 0 }
};

const struct argp record_targets_argp = { .options = target_options, .parser = parse_target };

/* The first option that chooses VMs; NULL: none does. */
static const char *first_choice(const struct record_options *o)
{
	return o->nr_pids ? "-p" : o->names.nr ? "--vm" : o->groups.nr ? "-G" :
	       o->containers.nr ? "--container" : NULL;
}

bool record_options__chooses(const struct record_options *o)
{
	return first_choice(o);
}

error_t record_options__check_observed(const struct record_options *o, const char *verb)
{
	const char *chosen = first_choice(o);

	if (!chosen && !o->all && !o->excludes.nr && !o->command)
		return usage_error("what to %s? -p PID or --vm NAME of a running VM (kvmw list shows them), -G CGROUP or "
				   "--container ID, -a for all, or -- COMMAND that starts one", verb);
	if (chosen && o->all)
		return usage_error("%s and -a exclude each other", chosen);
	if (o->excludes.nr && !o->all)
		return usage_error("--exclude needs -a");
	return 0;
}

bool record_options__any_target(const struct record_options *o)
{
	return first_choice(o) || o->all || o->excludes.nr || o->vcpu_filter || o->max_vcpus;
}

bool record_options__has_groups(const struct record_options *o)
{
	return o->groups.nr || o->containers.nr;
}

const char *record_options__why_nothing(const struct record_options *o, bool children)
{
	return o->vcpu_filter ? "does a VM have one of the --vcpu vCPUs, and did it run?" :
	       children ? "did the command start a VM?" :
	       o->nr_excluded ? "did any vCPU run in a VM that --exclude does not name?" :
	       "did any vCPU run?";
}

static int check_pid(pid_t *pid)
{
	struct vm vm;
	int err = vm__read(*pid, &vm);

	if (err == ESRCH)
		return error("%d: no such process; kvmw list shows the running VMs", *pid);
	if (err)
		return error("%d (%s): cannot read its file descriptors: %s; %s", *pid, vm.vmm,
			     strerror(err),
			     host__may_inspect() ?
			     "a security policy or a user namespace protects it" :
			     "run as root, or with CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH");
	if (!vm.nr_vms)
		return error("%d (%s) is not a virtual machine: it holds no KVM file descriptors; "
			     "kvmw list shows those that do", *pid, vm.vmm);
	*pid = vm.pid;
	return 0;
}

static u32 each_once(pid_t *pids, u32 nr)
{
	u32 nr_distinct = 0;

	for (u32 i = 0; i < nr; i++) {
		u32 k = 0;

		while (k < nr_distinct && pids[k] != pids[i])
			k++;
		if (k == nr_distinct)
			pids[nr_distinct++] = pids[i];
	}
	return nr_distinct;
}

/* Adds the processes of named VMs.  0, or -1 (error() said why). */
static int find_names(const struct record_words *names, const char *option, pid_t *pids, u32 *nr)
{
	for (u32 i = 0; i < names->nr; i++) {
		int found;

		if (*nr == MAX_PIDS)
			return error("%s: more than %d VMs; use -a, or -G", option, MAX_PIDS);
		found = vm__find(option, names->word[i], pids + *nr, MAX_PIDS - *nr);
		if (found < 0)
			return -1;
		*nr = each_once(pids, *nr + found);
	}
	return 0;
}

/* Several, separated by commas, as perf -G takes them. */
static int find_groups_of(struct group_choices *choices, const char *arg)
{
	char *copy = strdup(arg), *rest = copy;
	int err = copy ? 0 : out_of_memory();

	for (char *name; !err && (name = strsep(&rest, ","));)
		err = group_find__named(choices, name);
	free(copy);
	return err;
}

int record_options__find_targets(struct record_options *o)
{
	bool by_pid = o->nr_pids || o->names.nr || o->excludes.nr ||
		      (!o->all && !record_options__has_groups(o));
	int err = 0;

	if (by_pid && host__check_pid_namespace())
		return -1;
	for (u32 i = 0; i < o->nr_pids; i++)
		if (check_pid(&o->pids[i]))
			return -1;
	o->nr_pids = each_once(o->pids, o->nr_pids);
	for (u32 i = 0; i < o->groups.nr && !err; i++)
		err = find_groups_of(&o->in_groups, o->groups.word[i]);
	for (u32 i = 0; i < o->containers.nr && !err; i++)
		err = group_find__container(&o->in_groups, o->containers.word[i]);
	return err || find_names(&o->names, "--vm", o->pids, &o->nr_pids) ||
	       find_names(&o->excludes, "--exclude", o->excluded, &o->nr_excluded) ? -1 : 0;
}

void record_options__choose(const struct record_options *o, struct session_opts *opts)
{
	opts->target = o->all ? KVMW_TARGET_ALL :
		       o->nr_pids || o->in_groups.nr ? KVMW_TARGET_CHOSEN : KVMW_TARGET_CHILDREN;
	opts->pids = o->pids;
	opts->nr_pids = o->nr_pids;
	opts->groups = &o->in_groups;
	opts->excluded = o->excluded;
	opts->nr_excluded = o->nr_excluded;
	opts->max_vcpus = o->max_vcpus;
	opts->vcpus = o->vcpu_filter ? o->vcpus : NULL;
}
