// SPDX-License-Identifier: GPL-2.0
/* How much a row matters to an outlier. */
#include "util/analysis/chain/internal.h"

bool chain_work__is_own(const struct chain_work *w, const struct chain_row *row)
{
	if (w->is_vcpu)
		return row->vcpu == w->chain->vcpu;
	return row->tid != NO_ID && row->tid == w->chain->tid;
}

bool chain_work__ran_on(const struct chain_work *w, u32 cpu)
{
	for (u32 i = 0; i < w->nr_cpus; i++)
		if (w->cpus[i] == cpu)
			return true;
	return false;
}

u64 chain_work__since(const struct chain_work *w)
{
	return w->expired.event ? w->expired.time_ns : w->chain->start_ns;
}

/* Steps of an interrupt, by whoever takes them. */
bool chain_work__is_irq_step(const struct chain_work *w, const struct chain_row *row)
{
	const struct chain_row *self = &w->self;
	bool to = row->kind == KVMW_irq_ACCEPT || row->kind == KVMW_irq_APICV_ACCEPT;
	u64 vector = row->v[IRQ_VECTOR];

	if (row->kind == KVMW_irq_APIC || row->kind == KVMW_irq_ACK)
		return false;
	if (self->event != KVMW_EVENT_IRQ)
		return to ? w->number >= 0 && row->v[IRQ_DEST] == (u64)w->number :
		       chain_work__is_own(w, row);
	if (row->kind == KVMW_irq_SET_IRQ)
		return self->v[IRQ_IRQ] != KVMW_NONE && row->v[IRQ_IRQ] == self->v[IRQ_IRQ] &&
		       row->v[IRQ_LEVEL];
	if (vector != self->v[IRQ_VECTOR])
		return false;
	return !to && (row->kind == KVMW_irq_MSI_SET || row->kind == KVMW_irq_IPI) ? true :
	       row->v[IRQ_DEST] == self->v[IRQ_DEST];
}

/* Whether a later step of this kind than the outlier's end is there already. */
static bool has_later(const struct chain_work *w, u32 kind)
{
	for (u32 i = 0; i < w->nr_rows; i++)
		if (w->row[i].event == KVMW_EVENT_IRQ && w->row[i].kind == kind &&
		    w->row[i].time_ns > w->chain->end_ns)
			return true;
	return false;
}

/* Of an interrupt what follows it, too: a timer's is accepted, injected, and all end by an EOI. */
static u64 weight_of_irq(const struct chain_work *w, const struct chain_row *row, bool same_vm)
{
	bool timer = w->self.event == KVMW_EVENT_TIMER,
	     irq = timer || w->self.event == KVMW_EVENT_IRQ;
	bool eoi = row->kind == KVMW_irq_EOI || row->kind == KVMW_irq_PV_EOI;

	if (!same_vm || !chain_work__is_irq_step(w, row) || row->time_ns < chain_work__since(w))
		return 0;
	if (row->time_ns > w->chain->end_ns &&
	    (!irq || (!timer && !eoi) || has_later(w, row->kind)))
		return 0;
	return irq ? WEIGHT_DECIDES : 2;
}

/* own: of the outlier's vCPU or thread. */
static u64 weight_of_sched(const struct chain_work *w, const struct chain_row *row, bool own,
			   bool same_vm)
{
	u64 from = chain_work__since(w), to = w->chain->end_ns,
	    inside = in_common(row->from_ns, row->to_ns, from, to);

	if (row->time_ns < from || row->time_ns > to)
		return 0;
	if (own)
		return WEIGHT_DECIDES + inside;
	if (chain_work__ran_on(w, row->cpu) &&
	    (row->kind == KVMW_sched_IN || row->kind == KVMW_sched_OUT))
		return WEIGHT_CPU + inside;
	/* Another thread of the VM that waited or slept, as one that has a lock may have. */
	return same_vm && row->kind != KVMW_sched_OUT && inside >= (to - from) / 8 ? inside : 0;
}

u64 chain_work__weight_of(const struct chain_work *w, const struct chain_row *row, bool own,
			  bool same_vm)
{
	u64 from = chain_work__since(w), to = w->chain->end_ns,
	    inside = in_common(row->from_ns, row->to_ns, from, to);

	if (row->event == KVMW_EVENT_IRQ)
		return weight_of_irq(w, row, same_vm);
	if (row->event == KVMW_EVENT_SCHED)
		return weight_of_sched(w, row, own, same_vm);
	if (row->to_ns < from || row->from_ns > to)
		return 0;
	switch (row->event) {
	case KVMW_EVENT_HALT:
		return own && row->kind == KVMW_halt_WAKEUP ? WEIGHT_DECIDES + inside : 0;
	case KVMW_EVENT_TIMER:
		return own ? 2 : 0;
	case KVMW_EVENT_IOCTL:
		/* What a vCPU does in it has rows of its own. */
		if (row->v[IOCTL_CMD] == IOCTL_KVM_RUN)
			return 0;
		/* fallthrough */
	case KVMW_EVENT_MMU:
	case KVMW_EVENT_MEMSLOT:
		return own || (same_vm && inside) ? inside + 1 : 0;
	default:
		return own ? inside + 1 : 0;
	}
}
