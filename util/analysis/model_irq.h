/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Interrupts by source and vector: how many were accepted, injected and ended, and how
 * long each step took.  Memory is bounded by SPAN_TABLE_MAX; what is beyond is in over_limit.
 */
#ifndef KVMW_MODEL_IRQ_H
#define KVMW_MODEL_IRQ_H

#include "util/analysis/hist.h"
#include "util/analysis/models.h"

/* A step is recorded by its last event, whose span is the time since the step before. */
enum irq_step { IRQ_ACCEPT, IRQ_INJECT, IRQ_EOI, IRQ_PV_EOI, NR_IRQ_STEPS };

#define IRQ_NO_SOURCE	UINT16_MAX	/* what asserted it is unknown */
#define IRQ_LINES	20		/* lines shown without --top */

struct irq_line {
	/* kind of the event that asserted it; 0: KVM itself, such as its timers */
	u16 source;
	/* delivery mode where it is neither fixed nor lowest priority, or 0 */
	u16 mode;
	u32 vector;		/* UINT32_MAX: unknown, or there is a mode */
	u64 irq;		/* GSI; KVMW_NONE: none */
	u64 rows[NR_IRQ_STEPS];
	u64 again;		/* injections repeated because an exit interrupted the delivery */
	/* Accepted, but not injected by themselves; KVMW_NONE: none of that vector was injected. */
	u64 merged;
	u64 handler_ns;		/* mean from assertion to injection, or KVMW_NONE */
	struct duration_stats span[NR_IRQ_STEPS];
};

/* A chip's pin, or KVMW_NONE, whose changes say whether an interrupt was coalesced. */
struct irq_pin {
	u32 kind;
	u64 pin;
	u64 changes, coalesced;
};

struct irq_model {
	struct irq_line *line;	/* those shown, the most injected first */
	u32 nr_lines, hidden;	/* hidden: lines beyond them */
	u64 again, pv_eois;	/* of all lines */
	u64 merged;		/* of those shown */
	struct irq_pin *pin;	/* the most coalesced first */
	u32 nr_pins;
	u64 changes, coalesced;	/* of all pins */
	u64 over_limit;		/* rows beyond SPAN_TABLE_MAX keys */
};

extern const struct report_model irq_report_model;

/*
 * The step that counts all EOIs: KVM reports a paravirtual one twice, as an EOI too.
 * A recording may hold paravirtual ones only.
 */
static inline enum irq_step irq_line__eoi(const struct irq_line *line)
{
	return line->rows[IRQ_EOI] >= line->rows[IRQ_PV_EOI] ? IRQ_EOI : IRQ_PV_EOI;
}

#endif
