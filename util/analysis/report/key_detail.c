// SPDX-License-Identifier: GPL-2.0
#include "util/analysis/detail_name.h"
#include "util/analysis/report/key_detail.h"
#include "util/analysis/report/key_stack.h"
#include "util/event_desc.h"

enum { COL_DETAIL, COL_KIND, COL_WRITTEN, COL_NESTED, COL_USER_STACK = COL_WRITTEN };

/* A page is a detail, each address in it is too many. */
static u64 page_of(u32 event, u64 kind, u64 detail)
{
	bool fault =
		event == KVMW_EVENT_FAULT || (event == KVMW_EVENT_EXIT && detail_is_fault(kind));

	return fault && detail != KVMW_NONE ? detail & ~0xfffULL : detail;
}

void detail__fine(const struct report_options *opt, u32 event, const u64 *column, u64 *fine)
{
	u16 kind = column[COL_KIND];

	fine[0] = kind;
	if (event == KVMW_EVENT_EXIT)
		fine[0] |= detail_name__group(kind, column[COL_DETAIL], column[COL_WRITTEN],
					      column[COL_NESTED]) << 16;
	fine[1] = event != KVMW_EVENT_STACK ? page_of(event, kind, column[COL_DETAIL]) :
		  stack_pair__of(column[COL_DETAIL], column[COL_USER_STACK]);
}

void access__fine(const struct report_options *opt, u32 event, const u64 *column, u64 *fine)
{
	detail__fine(opt, event, column, fine);
	if (detail_is_fault(fine[0]))
		fine[1] = KVMW_NONE;
}

void detail__fine_rows(const struct report_options *opt, u32 event, const u64 *const *column,
		       u32 nr, u32 step, u64 *fine)
{
	for (u32 i = 0; i < nr; i++) {
		u16 kind = column[COL_KIND][i];

		fine[i] = kind;
		/* Few exits write to a register whose value matters. */
		if (event == KVMW_EVENT_EXIT && kind == KVMW_DETAIL_MSR_WRITE)
			fine[i] |= detail_name__group(kind, column[COL_DETAIL][i],
						      column[COL_WRITTEN][i],
						      column[COL_NESTED][i]) << 16;
		fine[step + i] = event != KVMW_EVENT_STACK ?
				 page_of(event, kind, column[COL_DETAIL][i]) :
				 stack_pair__of(column[COL_DETAIL][i], column[COL_USER_STACK][i]);
	}
}

void access__fine_rows(const struct report_options *opt, u32 event, const u64 *const *column,
		       u32 nr, u32 step, u64 *fine)
{
	detail__fine_rows(opt, event, column, nr, step, fine);
	for (u32 i = 0; i < nr; i++)
		if (detail_is_fault(fine[i]))
			fine[step + i] = KVMW_NONE;
}

void halted__fine(const struct report_options *opt, u32 event, const u64 *column, u64 *fine)
{
	fine[0] = column[0] == KVMW_NONE ? KVMW_NONE : !!column[0];
}

void halted__fine_rows(const struct report_options *opt, u32 event, const u64 *const *column,
		       u32 nr, u32 step, u64 *fine)
{
	for (u32 i = 0; i < nr; i++)
		fine[i] = column[0][i] == KVMW_NONE ? KVMW_NONE : !!column[0][i];
}
