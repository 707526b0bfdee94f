// SPDX-License-Identifier: GPL-2.0
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "util/capture/ident.h"
#include "util/capture/json_build.h"
#include "util/capture/preflight.h"
#include "util/memory.h"

static bool same_process(const struct ident_vm *vm, const struct kvmw_vcpu_state *s)
{
	return (u32)vm->desc.pid == s->tgid && vm->start_ns == s->start_ns;
}

/* Finds the VM of a state; NULL: it is new. */
static struct ident_vm *ident__find(struct ident *ident, const struct kvmw_vcpu_state *s)
{
	for (u32 i = 0; i < ident->nr_vms; i++)
		if (s->vm != KVMW_NO_VM && ident->vms[i].vm == s->vm)
			return &ident->vms[i];
	/* Threads whose VM is unknown belong to their process's first one, and it to them. */
	for (u32 i = 0; i < ident->nr_vms; i++)
		if (same_process(&ident->vms[i], s) &&
		    (s->vm == KVMW_NO_VM || ident->vms[i].vm == KVMW_NO_VM))
			return &ident->vms[i];
	return NULL;
}

/* By now, another process may have the pid; in a container, another one has it anyway. */
static bool describable(const struct kvmw_vcpu_state *s)
{
	return host__knows_pids() && (!s->gone_ns || vm__started_at(s->tgid, s->start_ns));
}

static struct ident_vm *ident__vm_of(struct ident *ident, const struct kvmw_vcpu_state *s)
{
	struct ident_vm *vm = ident__find(ident, s);

	if (!vm) {
		vm = &ident->vms[ident->nr_vms++];
		*vm = (struct ident_vm) {
			.id = ident->next_id++, .vm = KVMW_NO_VM, .start_ns = s->start_ns,
			.desc.pid = s->tgid,
		};
		if (describable(s))
			vm__describe(s->tgid, &vm->desc);
		if (!vm->desc.vmm[0])
			memcpy(vm->desc.vmm, s->leader, sizeof(s->leader));
	}
	if (vm->vm == KVMW_NO_VM)
		vm->vm = s->vm;
	vm->changed = true;
	return vm;
}

static const char *const roles[] = {
	[KVMW_ROLE_VMM] = "vmm", [KVMW_ROLE_KERNEL] = "kernel",
};

/* NULL: out of memory. */
static struct json_object *ident_vcpu(struct ident *ident, const struct kvmw_vcpu_state *s,
				      u64 gone_ns)
{
	struct json_object *o = json_object_new_object();
	bool is_vcpu = s->role == KVMW_ROLE_VCPU;
	int err;

	err = json_build__put(o, "id", json_object_new_int64(s->exit.e.vcpu));
	err |= s->role == KVMW_ROLE_KERNEL ? json_build__put_null(o, "vm") :
	       json_build__put(o, "vm", json_object_new_int64(ident__vm_of(ident, s)->id));
	err |= is_vcpu ? json_build__put(o, "vcpu", json_object_new_int64(s->vcpu_id)) :
	       json_build__put_null(o, "vcpu");
	err |= json_build__put(o, "tid", json_object_new_int(s->tgid ? s->tid : 0));
	err |= json_build__put(o, "comm",
			       json_object_new_string_len(s->comm,
							  strnlen(s->comm, sizeof(s->comm))));
	if (!is_vcpu)
		err |= json_build__put(o, "role", json_object_new_string(roles[s->role]));
	if (s->moved)
		err |= json_build__put(o, "moved", json_object_new_boolean(true));
	if (gone_ns)
		err |= json_build__put(o, "gone_ns", json_object_new_int64(gone_ns));
	if (s->left)
		err |= json_build__put(o, "left", json_object_new_boolean(true));
	return json_build__end(o, err);
}

/* NULL: out of memory. */
static struct json_object *ident_vm(const struct ident_vm *vm)
{
	struct json_object *o = json_object_new_object();
	int err;

	err = json_build__put(o, "id", json_object_new_int64(vm->id));
	err |= json_build__put(o, "pid", json_object_new_int(vm->desc.pid));
	err |= json_build__put_text(o, "name", vm->desc.name);
	err |= json_build__put_text(o, "vmm", vm->desc.vmm);
	return json_build__end(o, err);
}

/*
 * The vCPUs that changed, with their VMs; or all of them, when as many have been sent one by one:
 * a damaged frame then costs little, and thousands of short VMs do not send each other again.
 */
static int send_ident(struct ident *ident, struct sink *sink, const struct kvmw_vcpu_state *states,
		      u32 nr)
{
	struct json_object *root = json_object_new_object();
	struct json_object *vms = json_object_new_array(), *vcpus = json_object_new_array();
	bool all = ident->since_all >= ident->nr_states;
	int err = 0;
	char *text;

	/* The vCPUs first: they find the VMs. */
	for (u32 i = 0; i < nr && !err; i++) {
		if (!states[i].tid || !(all || ident->sent[i].changed))
			continue;
		err = json_build__append(vcpus,
					 ident_vcpu(ident, &states[i], ident->sent[i].gone_ns));
		ident->sent[i].changed = false;
		ident->since_all++;
	}
	for (u32 i = 0; i < ident->nr_vms && !err; i++) {
		if (ident->vms[i].changed)
			err = json_build__append(vms, ident_vm(&ident->vms[i]));
		ident->vms[i].changed = false;
	}
	if (all)
		ident->since_all = 0;
	err |= json_build__put(root, "vms", vms);
	err |= json_build__put(root, "vcpus", vcpus);
	root = json_build__end(root, err);
	text = json_build__text(root);
	json_object_put(root);
	return sink__json(sink, DATA_IDENT, text);
}

static bool ident__changed(struct ident *ident, const struct session *session)
{
	const struct kvmw_vcpu_state *states = session__states(session);
	bool changed = false;

	ident->nr_states = 0;
	for (u32 i = 0; i < session__nr_states(session); i++) {
		const struct kvmw_vcpu_state *s = &states[i];
		typeof(ident->sent[i]) now = {
			.id = s->exit.e.vcpu, .tid = s->tid, .vm = s->vm, .used = true,
			.changed = true,
		};
		const typeof(now) *sent = &ident->sent[i];

		if (!s->tid)
			continue;
		ident->nr_states++;
		now.gone_ns = session__gone_ns(session, s);
		if (sent->used && sent->id == now.id && sent->tid == now.tid &&
		    sent->vm == now.vm && sent->gone_ns == now.gone_ns)
			continue;
		ident->sent[i] = now;
		changed = true;
	}
	return changed;
}

int ident__send(struct ident *ident, struct sink *sink, const struct session *session)
{
	u64 changes = session__changes(session);

	if (changes == ident->changes)
		return 0;
	ident->changes = changes;
	return ident__changed(ident, session) ?
	       send_ident(ident, sink, session__states(session), session__nr_states(session)) : 0;
}

void ident__take_memory(struct ident *ident, u32 nr)
{
	mem__take(ident->sent, nr * sizeof(*ident->sent));
	mem__take(ident->vms, nr * sizeof(*ident->vms));
}

/* Mostly, without a search. */
static bool is_of(struct ident *ident, const struct kvmw_vcpu_state *s, const struct ident_vm *vm)
{
	return s->vm != KVMW_NO_VM && vm->vm != KVMW_NO_VM ? s->vm == vm->vm :
	       ident__find(ident, s) == vm;
}

void ident__forget(struct ident *ident, const struct kvmw_vcpu_state *states, u32 nr, u32 i)
{
	struct ident_vm *vm =
		states[i].role == KVMW_ROLE_KERNEL ? NULL : ident__find(ident, &states[i]);

	ident->sent[i].used = false;
	if (!vm)
		return;
	for (u32 k = 0; k < nr; k++)
		if (k != i && states[k].tid && states[k].role != KVMW_ROLE_KERNEL &&
		    is_of(ident, &states[k], vm))
			return;
	*vm = ident->vms[--ident->nr_vms];
}
