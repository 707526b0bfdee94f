/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Interrupts by source and vector: how many were accepted, injected and ended, and how
 * long each step took.  Memory is bounded by AGG_MAX_KEYS; what is beyond is in over_limit.
 */
#ifndef KVMW_MODEL_IRQ_H
#define KVMW_MODEL_IRQ_H

#include "util/analysis/report/report.h"
#include "util/recording/scan.h"

/* A step is told by its last event, whose span is the time since the step before. */
enum irq_step { IRQ_ACCEPT, IRQ_INJECT, IRQ_EOI, IRQ_PV_EOI, NR_IRQ_STEPS };

#define IRQ_NO_SOURCE	UINT16_MAX	/* it is not known what asserted it */

struct irq_line {
	u16 source;		/* kind of the event that asserted it; 0: KVM itself, as its timers */
	u16 mode;		/* delivery mode where it is neither fixed nor lowest priority, or 0 */
	u32 vector;		/* UINT32_MAX: not told, or there is a mode */
	u64 irq;		/* GSI, KVMW_NONE: of none */
	u64 rows[NR_IRQ_STEPS];
	u64 again;		/* of the injections: an exit had interrupted the one before */
	struct hist span[NR_IRQ_STEPS];
};

/* A chip's pin, or KVMW_NONE, which told whether an interrupt was coalesced. */
struct irq_pin {
	u32 kind;
	u64 pin;
	u64 told, coalesced;
};

struct irq_model {
	const struct report_options *opt;
	struct agg_table lines, pins;	/* as read */
	/* Of irq_model__finish(): the most injected first, the most coalesced first. */
	struct irq_line *line;
	u32 nr_lines;
	struct irq_pin *pin;
	u32 nr_pins;
	u64 over_limit;
};

/* Its arg is the const struct report_options *; its state a struct irq_model. */
extern const struct scan_consumer irq_consumer;

/* Once, after the scan. 0, or -1 out of memory (error() said so). */
int irq_model__finish(struct irq_model *v, const struct recording *rec);

/*
 * The step that tells of all EOIs: KVM tells a paravirtual one twice, as an EOI too.
 * Where there are only paravirtual ones in the recording it is these.
 */
static inline enum irq_step irq_line__eoi(const struct irq_line *line)
{
	return line->rows[IRQ_EOI] >= line->rows[IRQ_PV_EOI] ? IRQ_EOI : IRQ_PV_EOI;
}

#endif
