// SPDX-License-Identifier: GPL-2.0
/*
 * Any tracepoint, as the kernel wrote it.  A program does not know which tracepoint called it
 * (compat.bpf.h), so there is one program for each.
 */
#include "point.bpf.h"

/* Per CPU, and per tracepoint because an interrupt may run another raw program meanwhile. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, KVMW_MAX_RAW);
	__type(key, u32);
	__type(value, struct kvmw_ring_raw);
} raw_rows SEC(".maps");

static __always_inline u32 raw_size(const void *ctx, const u32 index)
{
	u32 size = config.raw[index].size, loc = 0, end;

	if (config.raw[index].dynamic &&
	    !bpf_probe_read_kernel(&loc, sizeof(loc), ctx + config.raw[index].dynamic)) {
		end = (loc & 0xffff) + (loc >> 16);
		size = end > size ? end : size;
	}
	return size < 8 * KVMW_RAW_WORDS ? size : 8 * KVMW_RAW_WORDS;
}

static __always_inline int raw(void *ctx, const u32 index)
{
	u32 key = index;
	struct kvmw_ring_raw *row;
	struct kvmw_vcpu_state *s;
	u32 size;

	if (!active)
		return PASS_ON;
	s = state_of_current();
	row = s ? bpf_map_lookup_elem(&raw_rows, &key) : NULL;
	if (!row)
		return PASS_ON;
	if (!spared()) {
		row_count(&s->kinds[KVMW_SUM_RAW + index], KVMW_NONE);
		__sync_fetch_and_add(&s->kinds[KVMW_SUM_RAW + index].filtered, 1);
		return PASS_ON;
	}
	size = raw_size(ctx, index);
	/* The last word may be filled only in part. */
	if (size >= 8 && size < 8 * KVMW_RAW_WORDS)
		*(u64 *)((void *)&row->e.w0 + (size & -8U)) = 0;
	if (size > 8 * KVMW_RAW_WORDS || bpf_probe_read_kernel(&row->e.w0, size, ctx))
		return PASS_ON;
	/* A program finds a kernel pointer here, not the first field of the record. */
	row->e.w0 = 0;
	row->event = KVMW_EVENT_RAW;
	row->pad = 0;
	row->e.time_ns = bpf_ktime_get_ns();
	row->e.span_ns = KVMW_NONE;
	row->e.vcpu = s->exit.e.vcpu;
	row->e.tid = bpf_get_current_pid_tgid();
	row->e.cpu = bpf_get_smp_processor_id();
	row->e.kind = index + 1;
	row->e.size = size;
	row_count(&s->kinds[KVMW_SUM_RAW + index], KVMW_NONE);
	/* The words behind it are not sent; the recorder clears them. */
	size = (size + 7) & -8U;
	if (size > 8 * KVMW_RAW_WORDS ||
	    !emit(s, row, __builtin_offsetof(struct kvmw_ring_raw, e.w0) + size)) {
		__sync_fetch_and_add(&s->kinds[KVMW_SUM_RAW + index].lost, 1);
		count_lost(s, KVMW_EVENT_RAW, row->e.time_ns);
	}
	return PASS_ON;
}

#define RAW(n) SEC("tp") int raw##n(void *ctx) { return raw(ctx, n); }
RAW(0) RAW(1) RAW(2) RAW(3) RAW(4) RAW(5) RAW(6) RAW(7)
RAW(8) RAW(9) RAW(10) RAW(11) RAW(12) RAW(13) RAW(14) RAW(15)
RAW(16) RAW(17) RAW(18) RAW(19) RAW(20) RAW(21) RAW(22) RAW(23)
RAW(24) RAW(25) RAW(26) RAW(27) RAW(28) RAW(29) RAW(30) RAW(31)

char LICENSE[] SEC("license") __weak = "GPL";
