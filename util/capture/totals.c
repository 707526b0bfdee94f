// SPDX-License-Identifier: GPL-2.0
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "util/capture/json_build.h"
#include "util/capture/totals.h"

#define BATCH_ROWS 4096

/* Rows of one event, in as many batches as it takes. */
struct rows {
	struct sink *sink;
	enum data_frame_type type;
	const struct event_desc *event;
	struct batch *batch;
};

static void *next_row(struct rows *rows)
{
	struct batch *b = rows->batch;

	if (b && b->nr == b->size) {
		sink__put(rows->sink, b);
		b = NULL;
	}
	if (!b)
		b = sink__batch(rows->sink, rows->type, rows->event, 0, BATCH_ROWS);
	rows->batch = b;
	return b ? b->rows + (size_t)b->nr++ * rows->event->size : NULL;
}

static void end_rows(struct rows *rows)
{
	if (rows->batch)
		sink__put(rows->sink, rows->batch);
}

/* -1: unknown */
static int vcpu_number(struct totals *totals, u32 id, const struct kvmw_vcpu_state *s)
{
	if (s->role != KVMW_ROLE_VCPU)
		return -1;
	if (s->vcpu_id != KVMW_VCPU_UNKNOWN)
		return s->vcpu_id;
	if (!totals->numbers[id] && s->run_fd >= 0)
		totals->numbers[id] = vm__vcpu_of_fd(s->tgid, s->run_fd) + 1;
	return (int)totals->numbers[id] - 1;
}

static u32 totals__vm_of(struct totals *totals, const struct kvmw_vcpu_state *s)
{
	struct vm *vm;
	u32 i;

	for (i = 0; i < totals->nr_vms; i++)
		if ((u32)totals->vms[i].pid == s->tgid)
			return i;
	vm = &totals->vms[totals->nr_vms++];
	vm__describe(s->tgid, vm);
	if (!vm->vmm[0])
		memcpy(vm->vmm, s->leader, sizeof(s->leader));
	return i;
}

static const char *const roles[] = {
	[KVMW_ROLE_VMM] = "vmm", [KVMW_ROLE_KERNEL] = "kernel",
};

/* NULL: out of memory. */
static struct json_object *ident_vcpu(struct totals *totals, u32 id, const struct kvmw_vcpu_state *s)
{
	struct json_object *o = json_object_new_object();
	int vcpu = vcpu_number(totals, id, s), err;

	err = json_build__put(o, "id", json_object_new_int(id));
	err |= s->role == KVMW_ROLE_KERNEL ? json_build__put_null(o, "vm") :
	       json_build__put(o, "vm", json_object_new_int(totals__vm_of(totals, s)));
	err |= vcpu < 0 ? json_build__put_null(o, "vcpu") :
	       json_build__put(o, "vcpu", json_object_new_int(vcpu));
	err |= json_build__put(o, "tid", json_object_new_int(s->tgid ? s->tid : 0));
	err |= json_build__put(o, "comm",
			       json_object_new_string_len(s->comm, strnlen(s->comm, sizeof(s->comm))));
	if (s->role != KVMW_ROLE_VCPU)
		err |= json_build__put(o, "role", json_object_new_string(roles[s->role]));
	return json_build__end(o, err);
}

/* NULL: out of memory. */
static struct json_object *ident_vm(u32 id, const struct vm *vm)
{
	struct json_object *o = json_object_new_object();
	int err;

	err = json_build__put(o, "id", json_object_new_int(id));
	err |= json_build__put(o, "pid", json_object_new_int(vm->pid));
	err |= json_build__put_text(o, "name", vm->name);
	err |= json_build__put_text(o, "vmm", vm->vmm);
	return json_build__end(o, err);
}

static int send_ident(struct totals *totals, struct sink *sink, const struct kvmw_vcpu_state *states)
{
	struct json_object *root = json_object_new_object();
	struct json_object *vms = json_object_new_array(), *vcpus = json_object_new_array();
	int err = 0;
	char *text;

	/* The vCPUs first: they find the VMs. */
	for (u32 i = 0; i < KVMW_MAX_VCPUS && !err; i++)
		if (states[i].tid)
			err = json_build__append(vcpus, ident_vcpu(totals, i, &states[i]));
	for (u32 i = 0; i < totals->nr_vms && !err; i++)
		err = json_build__append(vms, ident_vm(i, &totals->vms[i]));
	err |= json_build__put(root, "vms", vms);
	err |= json_build__put(root, "vcpus", vcpus);
	root = json_build__end(root, err);
	text = json_build__text(root);
	json_object_put(root);
	return sink__json(sink, DATA_IDENT, text);
}

static bool idents_changed(struct totals *totals, const struct kvmw_vcpu_state *states, u32 *used)
{
	bool changed = false;

	*used = 0;
	for (u32 i = 0; i < KVMW_MAX_VCPUS; i++) {
		u64 seen = states[i].vcpu_id | (u64)(states[i].run_fd >= 0) << 32;

		if (!states[i].tid)
			continue;
		++*used;
		changed |= totals->seen[i] != seen;
		totals->seen[i] = seen;
	}
	changed |= *used != totals->known;
	totals->known = *used;
	return changed;
}

int totals__ident(struct totals *totals, struct sink *sink, const struct kvmw_vcpu_state *states)
{
	u32 used;

	/* States are taken in order: there is a new vCPU if the next one is in use. */
	if (totals->known >= KVMW_MAX_VCPUS || !states[totals->known].tid)
		return 0;
	return idents_changed(totals, states, &used) ? send_ident(totals, sink, states) : 0;
}

static int send_totals(struct totals *totals, struct rows *rows, u32 vcpu, const struct kvmw_vcpu_state *s)
{
	for (u32 i = 0; i <= KVMW_MAX_SUMS; i++) {
		const struct kvmw_sum sum = s->sums[i];
		struct kvmw_total *row;
		/* All fields count: the vCPU may be between two of its additions. */
		u64 version = sum.count + sum.done + sum.lost + sum.gap_ns + sum.span_ns + sum.user_ns +
			      sum.halt_ns + sum.poll_ns + sum.wait_ns + sum.block_ns + sum.filtered;

		if (!sum.key || version == totals->versions[vcpu][i])
			continue;
		totals->versions[vcpu][i] = version;
		row = next_row(rows);
		if (!row)
			return -1;
		*row = (struct kvmw_total) {
			.vcpu = vcpu,
			.event = KVMW_SUM_EVENT(sum.key),
			.isa = KVMW_SUM_ISA(sum.key),
			.reason = KVMW_SUM_REASON(sum.key),
			.count = sum.count,
			.done = sum.done,
			.lost = sum.lost,
			.gap_ns = sum.gap_ns,
			.span_ns = sum.span_ns,
			.user_ns = sum.user_ns,
			.halt_ns = sum.halt_ns,
			.poll_ns = sum.poll_ns,
			.wait_ns = sum.wait_ns,
			.block_ns = sum.block_ns,
			.left_out = sum.filtered,
		};
	}
	return 0;
}

/* Event and kind of each element of a state's kinds[]. */
#define OF_KIND(S, NAME, name, number, doc) { KVMW_EVENT_ID_##S, number },
#define OF_EVENT(NAME, name, id, class, doc, ...) KVMW_KINDS_##name(OF_KIND, name)
static const struct { u32 event, kind; } kinds[KVMW_NR_KIND_SUMS] = { KVMW_EVENTS(OF_EVENT) };

static int send_kinds(struct totals *totals, struct rows *rows, u32 vcpu, const struct kvmw_vcpu_state *s)
{
	for (u32 i = 0; i < KVMW_NR_KIND_SUMS; i++) {
		const struct kvmw_kind_total sum = s->kinds[i];
		u64 version = sum.count + sum.done + sum.lost + sum.span_ns + sum.filtered;
		bool raw = i >= KVMW_SUM_RAW;
		struct kvmw_total *row;

		if (version == totals->kind_versions[vcpu][i])
			continue;
		totals->kind_versions[vcpu][i] = version;
		row = next_row(rows);
		if (!row)
			return -1;
		*row = (struct kvmw_total) {
			.vcpu = vcpu,
			.event = raw ? KVMW_EVENT_RAW : kinds[i].event,
			.reason = raw ? i - KVMW_SUM_RAW + 1 : kinds[i].kind,
			.count = sum.count,
			.done = sum.done,
			.lost = sum.lost,
			.span_ns = sum.span_ns,
			.left_out = sum.filtered,
		};
	}
	return 0;
}

/*
 * The span of a loss begins at the previous look at this state.  While the vCPU counts this
 * loss, last_ns may still be that of an earlier one.
 */
static int send_loss(struct rows *rows, u32 vcpu, u32 event, u64 lost, u64 *sent, u64 since,
		     u64 last_ns)
{
	struct kvmw_loss *row;

	if (lost == *sent)
		return 0;
	row = next_row(rows);
	if (!row)
		return -1;
	*row = (struct kvmw_loss) {
		.vcpu = vcpu,
		.event = event,
		.count = lost - *sent,
		.first_ns = since,
		.last_ns = last_ns > since ? last_ns : since,
	};
	*sent = lost;
	return 0;
}

int totals__send(struct totals *totals, struct sink *sink, const struct kvmw_vcpu_state *states, u64 now)
{
	struct rows counts = { sink, DATA_STATS, event_desc__by_id(KVMW_EVENT_TOTAL), NULL };
	struct rows losses = { sink, DATA_LOSS, event_desc__by_id(KVMW_EVENT_LOSS), NULL };
	u32 used;
	int err = 0;

	if (idents_changed(totals, states, &used))
		err = send_ident(totals, sink, states);
	for (u32 i = 0; i < KVMW_MAX_VCPUS && !err; i++) {
		const struct kvmw_vcpu_state *s = &states[i];

		if (!s->tid)
			continue;
		err = send_totals(totals, &counts, i, s) || send_kinds(totals, &counts, i, s);
		for (u32 event = 0; !err && event < KVMW_MAX_EVENTS; event++)
			err = send_loss(&losses, i, event, s->lost[event].count,
					&totals->lost[i][event], totals->time_ns,
					s->lost[event].last_ns);
	}
	end_rows(&counts);
	end_rows(&losses);
	totals->time_ns = now;
	return err ? -1 : 0;
}

u32 totals__vcpus(const struct kvmw_vcpu_state *states)
{
	u32 nr = 0;

	for (u32 i = 0; i < KVMW_MAX_VCPUS; i++)
		nr += states[i].tid && states[i].role == KVMW_ROLE_VCPU;
	return nr;
}

void totals__sum(const struct kvmw_vcpu_state *states, u64 *count, u64 *lost)
{
	*count = *lost = 0;
	for (u32 i = 0; i < KVMW_MAX_VCPUS; i++) {
		if (!states[i].tid)
			continue;
		for (u32 j = 0; j < KVMW_MAX_EVENTS; j++)
			*lost += states[i].lost[j].count;
		for (u32 j = 0; j < KVMW_NR_KIND_SUMS; j++)
			*count += states[i].kinds[j].count;
		for (u32 j = 0; j <= KVMW_MAX_SUMS; j++)
			*count += states[i].sums[j].count;
	}
}
