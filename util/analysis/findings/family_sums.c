// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "util/analysis/findings/family_sums.h"
#include "util/analysis/report/report.h"
#include "util/array.h"
#include "util/event_desc.h"

/* vcpu and kind come first in each. */
enum {
	COL_VCPU,
	COL_KIND,
	COL_SPAN,
	COL_KERNEL,
	COL_LOGGING = COL_SPAN,
	COL_GROW = COL_SPAN,
	COL_RET_PF = COL_SPAN,
	COL_GPA,
	COL_RIP
};

static const char *const irq_columns[] = { "vcpu", "kind", "span_ns", NULL };
static const char *const dirty_columns[] = { "vcpu", "kind", "logging", NULL };
static const char *const halt_columns[] = { "vcpu", "kind", "grow", NULL };
static const char *const fault_columns[] = { "vcpu", "kind", "ret_pf", "gpa", "rip", NULL };
static const char *const nested_columns[] = { "vcpu", "kind", NULL };
static const char *const stack_columns[] = { "vcpu", "kind", "span_ns", "kernel", NULL };
static const struct scan_event events[] = {
	{ .id = KVMW_EVENT_IRQ, .columns = irq_columns },
	{ .id = KVMW_EVENT_DIRTY, .columns = dirty_columns },
	{ .id = KVMW_EVENT_HALT, .columns = halt_columns },
	{ .id = KVMW_EVENT_FAULT, .columns = fault_columns },
	{ .id = KVMW_EVENT_NESTED, .columns = nested_columns },
	{ .id = KVMW_EVENT_STACK, .columns = stack_columns },
};

static void *family_sums__new(void *arg)
{
	const struct report_options *opt = arg;
	struct family_sums *sums = mem__calloc(1, sizeof(*sums));

	if (sums)
		sums->vcpus = HASH_TABLE(struct vcpu_families, opt ? opt->budget : NULL);
	return sums;
}

static void family_sums__free(void *state)
{
	struct family_sums *sums = state;

	hash_table__free(&sums->vcpus);
	free(sums);
}

/* NULL: out of memory, or, with *full, one too many. */
static struct vcpu_families *families_of(struct family_sums *sums, u32 vcpu, bool *full)
{
	return hash_table__get_limited(&sums->vcpus, &vcpu, REC_MAX_IDS, full);
}

static void take_irq(struct vcpu_families *v, u64 *const *col, u32 i)
{
	u64 waited = col[COL_SPAN][i];

	if (col[COL_KIND][i] != KVMW_irq_INJECT || waited == KVMW_NONE)
		return;
	v->injections++;
	if (waited < INJECTION_LONG)
		return;
	v->late++;
	v->late_ns = sat_add(v->late_ns, waited);
	if (waited > v->late_max_ns)
		v->late_max_ns = waited;
}

static void take_handled(struct vcpu_families *v, u64 *const *col, u32 i)
{
	u64 ret = col[COL_RET_PF][i];

	if (col[COL_KIND][i] != KVMW_fault_PAGE_FAULT || ret == KVMW_NONE)
		return;
	v->handled++;
	if (ret != KVMW_RET_PF_RETRY && ret != KVMW_RET_PF_SPURIOUS)
		return;
	v->nothing++;
	if (col[COL_GPA][i] != KVMW_NONE)
		places__add(v->place, col[COL_RIP][i], col[COL_GPA][i] >> 12, 1);
}

static void family_sums__row(struct vcpu_families *v, u32 event, u64 *const *col, u32 i)
{
	u64 kind = col[COL_KIND][i];

	switch (event) {
	case KVMW_EVENT_IRQ:
		take_irq(v, col, i);
		break;
	case KVMW_EVENT_DIRTY:
		v->logged += kind == KVMW_dirty_PAGE && col[COL_LOGGING][i] == 1;
		break;
	case KVMW_EVENT_HALT:
		v->grew += kind == KVMW_halt_WINDOW && col[COL_GROW][i] == 1;
		v->shrank += kind == KVMW_halt_WINDOW && !col[COL_GROW][i];
		break;
	case KVMW_EVENT_NESTED:
		v->nested += kind == KVMW_nested_EXIT;
		v->forwarded += kind == KVMW_nested_INJECT;
		break;
	case KVMW_EVENT_STACK:
		/* A negative id: there is none. */
		if (kind == KVMW_stack_EXIT && (s64)col[COL_KERNEL][i] >= 0 &&
		    captured(col[COL_SPAN][i]))
			places__add(v->stack, col[COL_KERNEL][i], 0, col[COL_SPAN][i]);
		break;
	default:
		take_handled(v, col, i);
		break;
	}
}

static int family_sums__take(void *state, const struct scan_batch *b)
{
	struct family_sums *sums = state;
	struct vcpu_families *v = NULL;
	bool full = false;

	for (u32 i = 0; i < b->rows; i++) {
		u32 vcpu = b->col[COL_VCPU][i];

		if (!v || v->key.vcpu != vcpu)
			v = families_of(sums, vcpu, &full);
		if (v)
			family_sums__row(v, b->event->id, b->col, i);
		else if (!full)
			return -1;
	}
	return 0;
}

void vcpu_families__add(struct vcpu_families *v, const struct vcpu_families *more)
{
	v->injections += more->injections;
	v->late += more->late;
	v->late_ns = sat_add(v->late_ns, more->late_ns);
	if (more->late_max_ns > v->late_max_ns)
		v->late_max_ns = more->late_max_ns;
	v->logged += more->logged;
	v->grew += more->grew;
	v->shrank += more->shrank;
	v->handled += more->handled;
	v->nothing += more->nothing;
	v->nested += more->nested;
	v->forwarded += more->forwarded;
	for (u32 k = 0; k < NR_PLACES; k++) {
		if (more->place[k].count)
			places__add(v->place, more->place[k].at, more->place[k].gpa,
				    more->place[k].count);
		if (more->stack[k].count)
			places__add(v->stack, more->stack[k].at, 0, more->stack[k].count);
	}
}

static int family_sums__merge(void *to, const void *from)
{
	const struct family_sums *more = from;
	struct family_sums *all = to;

	for (u32 i = 0; i < more->vcpus.nr; i++) {
		const struct vcpu_families *one = hash_table__at(&more->vcpus, i);
		bool full;
		struct vcpu_families *v = families_of(all, one->key.vcpu, &full);

		if (!v && !full)
			return -1;
		if (!v)
			continue;
		vcpu_families__add(v, one);
	}
	return 0;
}

const struct scan_consumer family_sums__scan = {
	.events = events, .nr_events = ARRAY_SIZE(events),
	.new = family_sums__new, .take = family_sums__take,
	.merge = family_sums__merge, .free = family_sums__free,
};
