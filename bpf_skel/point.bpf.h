/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Rows of families: how a program on a tracepoint of points.h fills a row, counts it and
 * sends it.
 *
 *	static u32 prog(void *ctx) {
 *		struct kvmw_ring_row row;
 *		struct kvmw_vcpu_state *s = point_begin(&row, irq, SET_IRQ, kvm_set_irq, ctx);
 *
 *		if (s)
 *			point_send(s, &row, irq, SET_IRQ);
 *		return PASS_ON;
 *	}
 */
#ifndef KVMW_POINT_BPF_H
#define KVMW_POINT_BPF_H

#include "filter.bpf.h"

/* Index into row.value of a family's field. */
#define VALUE(family, field) \
	((__builtin_offsetof(struct kvmw_##family, field) - sizeof(struct kvmw_head)) / sizeof(u64))
#define NR_VALUES(family) \
	((sizeof(struct kvmw_##family) - sizeof(struct kvmw_head)) / sizeof(u64))

static __always_inline u64 field_value(const void *ctx, u32 offset, u32 size, bool is_signed)
{
	union { u8 b; u16 h; u32 w; u64 d; } v = { .d = 0 };

	/* Little endian: the low bytes come first. */
	if (bpf_probe_read_kernel(&v, size <= 8 ? size : 8, ctx + offset))
		return KVMW_NONE;
	if (is_signed)
		return size == 1 ? (u64)(s64)(s8)v.b : size == 2 ? (u64)(s64)(s16)v.h :
		       size == 4 ? (u64)(s64)(s32)v.w : v.d;
	return v.d;
}

/* Fills in the head for state s and sets all fields to unknown. */
static __always_inline void row_begin(struct kvmw_ring_row *row, const struct kvmw_vcpu_state *s,
				      u32 event, u32 kind, u32 nr)
{
	row->event = event;
	row->pad = 0;
	row->e.time_ns = bpf_ktime_get_ns();
	row->e.span_ns = KVMW_NONE;
	row->e.vcpu = s->exit.e.vcpu;
	row->e.tid = bpf_get_current_pid_tgid();
	row->e.cpu = bpf_get_smp_processor_id();
	row->e.kind = kind;
	for (u32 i = 0; i < nr && i < KVMW_MAX_FIELDS; i++)
		row->value[i] = KVMW_NONE;
}

/* For state s; NULL: not recorded. */
static __always_inline struct kvmw_vcpu_state *row_fill_for(struct kvmw_vcpu_state *s,
							    struct kvmw_ring_row *row, u32 event,
							    u32 kind, u32 point, u32 nr,
							    const void *ctx)
{
	if (!s)
		return NULL;
	row_begin(row, s, event, kind, nr);
#pragma unroll
	for (u32 i = 0; i < KVMW_MAX_FIELDS; i++) {
		if (i < nr && config.points[point].field[i].size)
			row->value[i] = field_value(ctx, config.points[point].field[i].offset,
						    config.points[point].field[i].size,
						    config.points[point].field[i].is_signed);
	}
	return s;
}

static __always_inline struct kvmw_vcpu_state *row_fill(struct kvmw_ring_row *row, u32 event,
							u32 kind, u32 point, u32 nr,
							const void *ctx)
{
	return row_fill_for(active ? state_of_current() : NULL, row, event, kind, point, nr, ctx);
}

static __always_inline void row_done(struct kvmw_kind_total *sum, u64 span_ns)
{
	if (span_ns != KVMW_NONE) {
		__sync_fetch_and_add(&sum->done, 1);
		__sync_fetch_and_add(&sum->span_ns, span_ns);
	}
}

static __always_inline void row_count(struct kvmw_kind_total *sum, u64 span_ns)
{
	__sync_fetch_and_add(&sum->count, 1);
	row_done(sum, span_ns);
}

/* The guest physical address of a row; KVMW_NONE: it has none. */
static __always_inline u64 row_gpa(const struct kvmw_ring_row *row)
{
	u64 gfn = row->value[VALUE(dirty, gfn)];

	if (row->event == KVMW_EVENT_FAULT)
		return row->value[VALUE(fault, gpa)];
	return row->event == KVMW_EVENT_DIRTY && gfn != KVMW_NONE ? gfn << 12 : KVMW_NONE;
}

/* A row to which no filter applies. */
static __always_inline void row_put(struct kvmw_vcpu_state *s, struct kvmw_ring_row *row, u32 sum,
				    u32 size)
{
	if (emit(s, row, size))
		return;
	__sync_fetch_and_add(&s->kinds[sum].lost, 1);
	count_lost(s, row->event, row->e.time_ns);
}

static __always_inline void row_emit(struct kvmw_vcpu_state *s, struct kvmw_ring_row *row, u32 sum,
				     u32 size)
{
	if (row_wanted(row->e.span_ns, row_gpa(row)) && spared())
		row_put(s, row, sum, size);
	else
		__sync_fetch_and_add(&s->kinds[sum].filtered, 1);
}

static __always_inline void row_send(struct kvmw_vcpu_state *s, struct kvmw_ring_row *row, u32 sum,
				     u32 size)
{
	row_count(&s->kinds[sum], row->e.span_ns);
	row_emit(s, row, sum, size);
}

/*
 * A row that has not ended yet is counted by row_hold(), kept in its vCPU's state and sent by
 * row_release().  Only the vCPU's own thread calls these.
 */
static __always_inline void row_release(struct kvmw_vcpu_state *s, struct kvmw_held *held, u32 sum,
					u64 span_ns)
{
	u32 size = held->size;

	held->size = 0;
	held->row.e.span_ns = span_ns;
	row_done(&s->kinds[sum], span_ns);
	row_emit(s, &held->row, sum, size <= sizeof(held->row) ? size : sizeof(held->row));
}

static __always_inline void row_hold(struct kvmw_vcpu_state *s, struct kvmw_held *held,
				     const struct kvmw_ring_row *row, u32 sum, u32 size)
{
	row_count(&s->kinds[sum], KVMW_NONE);
	held->row = *row;
	held->size = size;
}

#define KIND_OF(family, KIND)	KVMW_##family##_##KIND
#define SUM_OF(family, KIND)	KVMW_SUM_##family##_##KIND

/* EVENT is the family's id: KVMW_EVENT_IRQ. */
#define point_begin(row, EVENT, family, KIND, tracepoint, ctx)		\
	row_fill(row, EVENT, KIND_OF(family, KIND), KVMW_POINT_##tracepoint, NR_VALUES(family), ctx)
#define point_send(s, row, family, KIND)				\
	row_send(s, row, SUM_OF(family, KIND), 8 + sizeof(struct kvmw_##family))

/* A whole program, for a tracepoint that needs no further processing. */
#define POINT_PROGRAM(EVENT, family, KIND, category, tracepoint)	\
SEC("tp/" #category "/" #tracepoint)					\
int tracepoint(void *ctx)						\
{									\
	struct kvmw_ring_row row;					\
	struct kvmw_vcpu_state *s = point_begin(&row, EVENT, family, KIND, tracepoint, ctx); \
									\
	if (s)								\
		point_send(s, &row, family, KIND);			\
	return PASS_ON;							\
}

#endif
