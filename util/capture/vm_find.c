// SPDX-License-Identifier: GPL-2.0
/* Running VMs by one of their names. */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/capture/vm.h"
#include "util/error.h"
#include "util/nearest.h"
#include "util/parse.h"
#include "util/text.h"

#define LISTED	8	/* VMs that a message names */

typedef bool vm_has(const struct vm *vm, const char *name);

static bool vm_find__has_name(const struct vm *vm, const char *name)
{
	return *vm->name && !strcmp(vm->name, name);
}

static bool has_uuid(const struct vm *vm, const char *name)
{
	return *vm->uuid && !strcasecmp(vm->uuid, name);
}

static bool has_pid(const struct vm *vm, const char *name)
{
	u32 pid;

	return !parse_u32(name, &pid) && pid == (u32)vm->pid;
}

static bool has_vmm(const struct vm *vm, const char *name)
{
	return !strcmp(vm->vmm, name);
}

static bool is_like(const struct vm *vm, const char *pattern)
{
	return (*vm->name && !fnmatch(pattern, vm->name, 0)) ||
	       (*vm->uuid && !fnmatch(pattern, vm->uuid, 0)) || !fnmatch(pattern, vm->vmm, 0);
}

/* The first of these that any VM has decides; names may have the characters of patterns. */
static vm_has *const kinds[] = { vm_find__has_name, has_uuid, has_pid, has_vmm, is_like };

/* "4711 alpha (qemu-system-x86_64), …": all VMs, or those that have the name. */
static void vm_find__list(const struct vm *vms, u32 nr, vm_has *has, const char *name, char *buf,
			  size_t size)
{
	size_t len = 0;
	u32 listed = 0;

	*buf = '\0';
	for (u32 i = 0; i < nr && len < size; i++) {
		const struct vm *vm = &vms[i];

		if (has && !has(vm, name))
			continue;
		if (listed++ == LISTED) {
			snprintf(buf + len, size - len, ", ...");
			return;
		}
		len += snprintf(buf + len, size - len, "%s%d %s%s%s%s", listed > 1 ? ", " : "",
				vm->pid, vm->name, *vm->name ? " (" : "", vm->vmm,
				*vm->name ? ")" : "");
	}
}

static int no_such_vm(const struct vm *vms, u32 nr, u32 hidden, const char *option,
		      const char *name)
{
	char list[2048], unseen[64] = "", *clean = text__clean(name, 128);
	struct nearest n;

	nearest__begin(&n, name, strlen(name));
	for (u32 i = 0; i < nr; i++) {
		nearest__offer(&n, vms[i].name);
		nearest__offer(&n, vms[i].vmm);
	}
	vm_find__list(vms, nr, NULL, name, list, sizeof(list));
	if (hidden)
		snprintf(unseen, sizeof(unseen), " (%u process%s could not be inspected)", hidden,
			 hidden == 1 ? "" : "es");
	error("%s '%s': no running VM has this name%s%s%s%s", option, clean ?: "",
	      nearest__hint(&n), nr ? "; there are: " : "; no VM is running", list, unseen);
	free(clean);
	return -1;
}

static int vm_find__take(const struct vm *vms, u32 nr, vm_has *has, const char *option,
			 const char *name, pid_t *pids, u32 max)
{
	char list[2048];
	u32 found = 0;

	for (u32 i = 0; i < nr; i++) {
		if (!has(&vms[i], name))
			continue;
		if (found < max)
			pids[found] = vms[i].pid;
		found++;
	}
	if (found == 1 || (has == is_like && found <= max))
		return found;
	if (has == is_like && max > 1)
		return error("%s '%s': %u VMs have such a name, more than can be selected; use -a, or -G",
			     option, name, found);
	vm_find__list(vms, nr, has, name, list, sizeof(list));
	return error("%s '%s': %u VMs have this name: %s; use %s PID", option, name, found, list,
		     strcmp(option, "--vm") ? option : "-p");
}

static vm_has *kind_of(const struct vm *vms, u32 nr, const char *name)
{
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
		for (u32 i = 0; i < nr; i++)
			if (kinds[k](&vms[i], name))
				return kinds[k];
	return NULL;
}

int vm__find(const char *option, const char *name, pid_t *pids, u32 max)
{
	struct vm *vms = NULL;
	int nr, ret = -1;
	u32 hidden;
	vm_has *has;

	nr = vm__scan(&vms, &hidden);
	if (nr >= 0) {
		has = kind_of(vms, nr, name);
		ret = has ? vm_find__take(vms, nr, has, option, name, pids, max) :
			    no_such_vm(vms, nr, hidden, option, name);
	}
	free(vms);
	return ret;
}
