// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include <unistd.h>

#include "util/capture/clocks.h"
#include "util/capture/holders.h"
#include "util/capture/neighbours.h"
#include "util/capture/preflight.h"
#include "util/memory.h"

/*
 * Whether a process runs VMs, recorded or not; kind: KVMW_holder_VM if one of its threads is
 * known to be a vCPU.  Looks at /proc now and then, while the process is there.
 */
static bool runs_vms(struct holders *holders, struct neighbours *new, u32 pid, u32 kind)
{
	typeof(holders->processes[0]) *p = &holders->processes[pid % HOLDERS_PROCESSES];
	bool same = p->pid == pid, known;
	u64 now = monotonic_ns();
	struct vm vm;

	if (same && now < p->again_ns && (p->runs_vms || kind != KVMW_holder_VM))
		return p->runs_vms;
	known = host__knows_pids() && !vm__read(pid, &vm);
	p->pid = pid;
	p->again_ns = now + KVMW_NAMED_AGAIN_NS;
	/* It may be gone by now: then it is what it was. */
	p->runs_vms = (known ? vm.nr_vms : same && p->runs_vms) || kind == KVMW_holder_VM;
	if (p->runs_vms && known)
		neighbours__add(new, &vm);
	return p->runs_vms;
}

/* The programs know a thread of another VM only by the vCPU that it runs. */
static u32 holder_kind(struct holders *holders, struct neighbours *new,
		   const struct kvmw_place *sum)
{
	if (sum->kind == KVMW_holder_PROCESS && sum->tgid == (u32)getpid())
		return KVMW_holder_RECORDER;
	if (sum->kind == KVMW_holder_PROCESS && holders->command &&
	    sum->tgid == (u32)holders->command)
		return KVMW_holder_COMMAND;
	if (sum->kind != KVMW_holder_PROCESS && sum->kind != KVMW_holder_VM)
		return sum->kind;
	return runs_vms(holders, new, sum->tgid, sum->kind) ? KVMW_holder_VM : KVMW_holder_PROCESS;
}

/* A name ends with its first 0; what follows is what the kernel had there before. */
static void clean_name(u64 *words)
{
	char *name = (char *)words;
	size_t len = strnlen(name, KVMW_COMM);

	memset(name + len, 0, KVMW_COMM - len);
}

/* What never goes back: a place that has another thread has had more turns in all. */
static u64 version_of(const struct kvmw_place *place)
{
	return __atomic_load_n(&place->past, __ATOMIC_ACQUIRE) +
	       __atomic_load_n(&place->turns, __ATOMIC_ACQUIRE);
}

static int send_holder(struct holders *holders, struct sink_rows *rows, struct neighbours *new,
		       const struct kvmw_vcpu_state *s, u32 place)
{
	struct kvmw_place sum = s->holders[place];
	bool others = sum.kind == KVMW_holder_OTHERS;
	struct kvmw_holder *row;

	/* It changes right now: next time. */
	if (!sum.kind || version_of(&s->holders[place]) != sum.past + sum.turns)
		return 0;
	row = sink__row(rows);
	if (!row)
		return -1;
	clean_name(sum.comm);
	*row = (struct kvmw_holder) {
		.vcpu = s->exit.e.vcpu,
		.place = place,
		.kind = holder_kind(holders, new, &sum),
		.tid = others ? ~0U : sum.tid,
		.pid = others ? ~0U : sum.tgid,
		.number = place >= KVMW_MAX_HOLDERS || sum.vcpu_id == KVMW_VCPU_NONE ? ~0U :
			  sum.vcpu_id,
		.comm0 = sum.comm[0],
		.comm1 = sum.comm[1],
		.turns = sum.turns,
		.time_ns = sum.ns,
	};
	return 0;
}

static int send_state(struct holders *holders, struct sink_rows *rows, struct neighbours *new,
		      const struct kvmw_vcpu_state *states, u32 i)
{
	int err = 0;

	for (u32 place = 0; place < KVMW_NR_PLACES && !err; place++) {
		u64 version = version_of(&states[i].holders[place]);

		if (version == holders->versions[i][place])
			continue;
		holders->versions[i][place] = version;
		err = send_holder(holders, rows, new, &states[i], place);
	}
	return err;
}

int holders__send(struct holders *holders, struct sink *sink, const struct kvmw_vcpu_state *states,
		  u32 nr)
{
	struct sink_rows rows = { sink, DATA_STATS, event_desc__by_id(KVMW_EVENT_HOLDER), NULL };
	struct neighbours new = neighbours__begin();
	int err = 0;

	for (u32 i = 0; i < nr && !err; i++)
		if (states[i].tid && states[i].role == KVMW_ROLE_VCPU)
			err = send_state(holders, &rows, &new, states, i);
	sink__end_rows(&rows);
	return neighbours__end(&new, sink, !err) || err ? -1 : 0;
}

void holders__take_memory(struct holders *holders, u32 nr)
{
	mem__take(holders->versions, nr * sizeof(*holders->versions));
}

void holders__forget(struct holders *holders, u32 i)
{
	memset(holders->versions[i], 0, sizeof(holders->versions[i]));
}
