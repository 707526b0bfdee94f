// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "util/analysis/findings/exit_places.h"
#include "util/analysis/report/report.h"
#include "util/arch/access.h"
#include "util/array.h"
#include "util/event_desc.h"
#include "util/recording/row_codes.h"

enum {
	COL_VCPU,
	COL_ISA,
	COL_REASON,
	COL_RIP,
	COL_KIND,
	COL_INFO1,
	COL_DETAIL,
	COL_WRITTEN,
	COL_NESTED,
	COL_FAILED,
	COL_TOTAL,
	COL_HALT,
	COL_POLL,
	COL_WAIT,
	COL_BLOCK,
	COL_TIME,
	COL_GUEST
};

static const char *const columns[] = { "vcpu", "isa", "reason", "rip", "detail_kind", "info1",
				       "detail", "written", "nested", "user_reason", "total_ns",
				       "halt_ns", "poll_ns", "wait_ns", "block_ns", NULL };
static const char *const lazy[] = { "time_ns", "guest_ns", NULL };

/* For a column that may have codes; nothing need be filled in. */
static inline u64 row_value(const struct scan_batch *b, u32 column, u32 i)
{
	return b->coded >> column & 1 ? b->facts[column].value[b->facts[column].code[i]] :
	       b->col[column][i];
}

/* 0 stops the timer; and a nested guest has a TSC of its own. */
static inline bool is_deadline(const struct scan_batch *b, u32 i)
{
	u64 written;

	if (row_value(b, COL_KIND, i) != KVMW_DETAIL_MSR_WRITE ||
	    !access_is_deadline(KVMW_DETAIL_MSR_WRITE, row_value(b, COL_DETAIL, i)))
		return false;
	written = row_value(b, COL_WRITTEN, i);
	return written && written != KVMW_NONE && row_value(b, COL_NESTED, i) != 1;
}

static bool value_is_1(u64 value)
{
	return value == 1;
}

static bool kind_is_msr_write(u64 kind)
{
	return kind == KVMW_DETAIL_MSR_WRITE;
}

static bool msr_is_deadline(u64 msr)
{
	return access_is_deadline(KVMW_DETAIL_MSR_WRITE, msr);
}

/* Whether any row may have such a value. */
static bool may_have(const struct scan_batch *b, u32 column, bool (*such)(u64 value))
{
	const struct data_facts *facts = b->facts ? &b->facts[column] : NULL;

	if (b->same >> column & 1)
		return such(b->col[column][0]);
	for (u32 i = 0; facts && facts->code && i < facts->nr_values; i++)
		if (such(facts->value[i]))
			return true;
	return !facts || !facts->code;
}

/*
 * Times are expensive to decode; and how long a guest ran matters only of nested ones.  Most frames
 * have neither, as their dictionaries say; else rows are asked, which have codes still.
 */
static bool any_deadline_or_nested(const struct scan_batch *b)
{
	bool nested = may_have(b, COL_NESTED, value_is_1), any = false;
	bool deadline = may_have(b, COL_KIND, kind_is_msr_write) &&
			may_have(b, COL_DETAIL, msr_is_deadline);

	for (u32 i = 0; (nested || deadline) && i < b->rows && !any; i++)
		any = (nested && row_value(b, COL_NESTED, i) == 1) ||
		      (deadline && is_deadline(b, i));
	return any;
}

static const struct scan_event events[] = {
	{ .id = KVMW_EVENT_EXIT, .columns = columns, .lazy = lazy,
	  .need_lazy = any_deadline_or_nested, .coded = BIT(COL_TOTAL) - 1 },
};

static void take_deadlines(struct deadlines *deadlines, const struct scan_batch *b)
{
	for (u32 i = 0; b->has_lazy && i < b->rows; i++)
		if (is_deadline(b, i))
			deadlines__add(deadlines, &(struct deadline) {
				.time_ns = b->col[COL_TIME][i],
				.written = row_value(b, COL_WRITTEN, i),
				.vcpu = row_value(b, COL_VCPU, i),
			});
}

static void *exit_places__new(void *arg)
{
	const struct report_options *opt = arg;
	struct exit_places *places = mem__calloc(1, sizeof(*places));

	if (places) {
		places->vcpus = HASH_TABLE(struct vcpu_places, opt ? opt->budget : NULL);
		places->ranges = HASH_TABLE(struct fault_range_pages, opt ? opt->budget : NULL);
	}
	return places;
}

#define PLACES_BYTES	(NR_PLACES * sizeof(struct place))

static void exit_places__free(void *state)
{
	struct exit_places *places = state;

	for (u32 i = 0; i < places->vcpus.nr; i++) {
		struct vcpu_places *v = hash_table__at(&places->vcpus, i);

		budget__free(places->vcpus.budget, v->place, PLACES_BYTES);
		budget__free(places->vcpus.budget, v->fault, PLACES_BYTES);
		budget__free(places->vcpus.budget, v->ipi, PLACES_BYTES);
	}
	hash_table__free(&places->vcpus);
	hash_table__free(&places->ranges);
	free(places);
}

/* Most vCPUs have no places of one kind or another. 0, or -1 out of memory. */
static int add_place(struct exit_places *places, struct place **list, u64 at, u64 gpa, u64 count)
{
	struct budget *budget = places->vcpus.budget;

	if (!*list && !budget__take(budget, PLACES_BYTES)) {
		*list = mem__calloc(NR_PLACES, sizeof(**list));
		if (!*list) {
			budget__give(budget, PLACES_BYTES);
			return -1;
		}
	}
	if (*list)
		places__add(*list, at, gpa, count);
	return 0;
}

static int merge_places(struct exit_places *to, struct place **list, const struct place *more)
{
	for (u32 i = 0; more && i < NR_PLACES; i++)
		if (more[i].count && add_place(to, list, more[i].at, more[i].gpa, more[i].count))
			return -1;
	return 0;
}

/* Of a guest with protected registers (SEV-ES), the host sees 0, or where vCPUs are reset to. */
static bool is_place(u64 rip)
{
	return rip && rip != 0xfff0 && rip != KVMW_NONE;
}

/* NULL: out of memory, or, with *full, one too many. */
static struct vcpu_places *places_of(struct exit_places *places, u32 vcpu, bool *full)
{
	return hash_table__get_limited(&places->vcpus, &vcpu, REC_MAX_IDS, full);
}

/* NULL: there are too many, or, with *ret -1, out of memory. */
static struct fault_range_pages *range_of(struct exit_places *places, const void *key, int *ret)
{
	bool full;
	struct fault_range_pages *r =
		hash_table__get_limited(&places->ranges, key, NR_RANGES, &full);

	if (!r && !full)
		*ret = -1;
	return r;
}

static int take_page_fault(struct exit_places *places, struct vcpu_places *v, u64 *const *col,
			   u32 i)
{
	u64 gpa = col[COL_DETAIL][i];
	struct fault_range_pages *r;
	int ret = 0;

	v->faults++;
	v->protect += fault_is_of_protection(col[COL_ISA][i], col[COL_INFO1][i]);
	if (gpa == KVMW_NONE)
		return 0;
	if (add_place(places, &v->fault, col[COL_RIP][i], gpa >> 12, 1))
		return -1;
	v->again += v->last_gfn == gpa >> 12 && v->last_rip == col[COL_RIP][i];
	v->last_gfn = gpa >> 12;
	v->last_rip = col[COL_RIP][i];
	r = range_of(places, &(typeof(r->key)) { v->key.vcpu, 0, gpa >> RANGE_SHIFT }, &ret);
	if (!r)
		return ret;
	r->faults++;
	r->page[(gpa >> 12) % 512 / 64] |= 1ULL << (gpa >> 12) % 64;
	return 0;
}

/* What it took of a host CPU without the guest; of one without an end nothing is known. */
static u64 cost_of(u64 *const *col, u32 i)
{
	u64 not = sat_add(captured(col[COL_HALT][i]),
			  sat_add(captured(col[COL_WAIT][i]), captured(col[COL_BLOCK][i])));
	u64 all = sat_add(captured(col[COL_TOTAL][i]), captured(col[COL_POLL][i]));

	return all > not ? all - not : 0;
}

static void take_nested(struct vcpu_places *v, u64 *const *col, u32 i)
{
	v->nested++;
	v->nested_ns = sat_add(v->nested_ns, cost_of(col, i));
	v->nested_guest_ns = sat_add(v->nested_guest_ns, captured(col[COL_GUEST][i]));
}

static void take_enters_nested(struct vcpu_places *v, u64 *const *col, u32 i)
{
	v->enters++;
	v->enters_ns = sat_add(v->enters_ns, cost_of(col, i));
}

static void take_poll(struct vcpu_places *v, u64 *const *col, u32 i)
{
	u64 poll = captured(col[COL_POLL][i]), halt = captured(col[COL_HALT][i]);

	if (!poll)
		return;
	v->polls++;
	if (halt <= poll) {
		v->paid++;
	} else if (halt - poll <= poll) {
		v->just_missed++;
		v->just_missed_ns = sat_add(v->just_missed_ns, poll);
	}
}

/* NR_RUN_FAILURES: none. */
static enum run_failure failure_of(u64 user_reason)
{
	switch (user_reason) {
	case 8:
		return FAILURE_SHUTDOWN;
	case 9:
		return FAILURE_ENTRY;
	case 17:
		return FAILURE_INTERNAL;
	default:
		return NR_RUN_FAILURES;
	}
}

#define EXIT_REASON_HLT	5	/* KVM_EXIT_HLT, include/uapi/linux/kvm.h */

static void take_hlt(struct vcpu_places *v, u64 *const *col, u32 i)
{
	if (captured(col[COL_HALT][i]) || col[COL_HALT][i] == KVMW_NONE ||
	    col[COL_TOTAL][i] == KVMW_NONE)
		return;
	v->no_halt++;
	v->no_halt_vmm += col[COL_FAILED][i] == EXIT_REASON_HLT;
}

static int take_ipi(struct exit_places *places, struct vcpu_places *v, u64 *const *col, u32 i)
{
	v->ipis++;
	return col[COL_WRITTEN][i] == KVMW_NONE ? 0 :
	       add_place(places, &v->ipi, col[COL_WRITTEN][i], col[COL_DETAIL][i], 1);
}

static int take_interrupt(struct exit_places *places, struct vcpu_places *v, u64 rip)
{
	v->by_host++;
	return is_place(rip) ? add_place(places, &v->place, rip >> PLACE_SHIFT, 0, 1) : 0;
}

/* What is to be done about a row. */
enum { DO_BY_HOST = 1, DO_FAULT = 2, DO_ENTERS = 4, DO_HLT = 8, DO_FAILURE = 16, DO_IPI = 32,
       DO_NESTED = 64 };

/*
 * Rows that are alike.  What to do about them is noted, since classes go by names, which are slow
 * to compare, and vCPUs are found by a hash.
 */
struct alike {
	u64 reason, kind, user;
	u32 vcpu, isa;
	u32 entry;		/* of the vCPU, plus 1; 0: one too many */
	bool nested;
};

#define ALIKE		512
#define ALIKE_BY	(BIT(COL_VCPU) | BIT(COL_ISA) | BIT(COL_REASON) | BIT(COL_KIND) | \
			 BIT(COL_NESTED) | BIT(COL_FAILED))

struct alikes {
	struct exit_places *places;
	const struct scan_batch *b;
	struct row_codes codes;	/* without them, by hash */
	bool polled;		/* some rows may have */
	bool known[ALIKE];
	u8 todo[ALIKE];		/* of those not known: all ones, so do_row() is called */
	u32 rows[ALIKE];	/* that were not counted yet */
	struct alike alike[ALIKE];
};

static u8 find_todo(u32 isa, u64 reason, u64 kind, u64 user)
{
	enum exit_class class = exit_class(isa, reason);

	return (class == EXIT_BY_HOST ? DO_BY_HOST : 0) |
	       (class == EXIT_ENTERS_NESTED ? DO_ENTERS : 0) | (class == EXIT_HALT ? DO_HLT : 0) |
	       (detail_is_fault(kind) ? DO_FAULT : 0) |
	       (failure_of(user) < NR_RUN_FAILURES ? DO_FAILURE : 0) |
	       (kind == KVMW_DETAIL_MSR_WRITE || detail_is_mmio(kind) ? DO_IPI : 0);
}

static u32 hash_of(u64 *const *col, u32 i)
{
	return (col[COL_REASON][i] ^ col[COL_KIND][i] * 5 ^ col[COL_FAILED][i] * 11 ^
		col[COL_VCPU][i] * 37) % ALIKE;
}

static bool is_alike(const struct alike *alike, u64 *const *col, u32 i)
{
	return alike->reason == col[COL_REASON][i] && alike->kind == col[COL_KIND][i] &&
	       alike->user == col[COL_FAILED][i] && alike->vcpu == (u32)col[COL_VCPU][i] &&
	       alike->isa == (u32)col[COL_ISA][i] && alike->nested == (col[COL_NESTED][i] == 1);
}

static void alikes__count(struct alikes *a, u32 n)
{
	u32 entry = a->alike[n].entry;

	if (a->rows[n] && entry) {
		struct vcpu_places *v = hash_table__at(&a->places->vcpus, entry - 1);

		v->exits += a->rows[n];
	}
	a->rows[n] = 0;
}

/* Notes those that are like row i. 0, or -1 out of memory. */
static int alikes__note(struct alikes *a, u32 n, u32 i)
{
	u64 *const *col = a->b->col;
	struct alike *alike = &a->alike[n];
	struct vcpu_places *v;
	bool full = false;

	alikes__count(a, n);
	*alike = (struct alike) {
		.reason = col[COL_REASON][i], .kind = col[COL_KIND][i],
		.user = col[COL_FAILED][i], .vcpu = col[COL_VCPU][i], .isa = col[COL_ISA][i],
		.nested = col[COL_NESTED][i] == 1,
	};
	v = places_of(a->places, alike->vcpu, &full);
	if (!v && !full)
		return -1;
	alike->entry = v ? hash_table__index(&a->places->vcpus, v) + 1 : 0;
	a->known[n] = true;
	a->todo[n] = find_todo(alike->isa, alike->reason, alike->kind, alike->user) |
		     (alike->nested ? DO_NESTED : 0);
	return 0;
}

/* Alike or not: a row may have polled. */
static inline bool alikes__has_todo(const struct alikes *a, u32 n, u32 i)
{
	return a->todo[n] || (a->polled && captured(a->b->col[COL_POLL][i]));
}

/* 0, or -1 out of memory. */
static int do_row(struct alikes *a, u32 n, u32 i)
{
	struct exit_places *places = a->places;
	u64 *const *col = a->b->col;
	struct vcpu_places *v;
	u8 todo;

	/* What polling saw has no codes. */
	if (a->codes.all && a->todo[n])
		scan_batch__set_coded(a->b, i);
	if (!a->known[n] && alikes__note(a, n, i))
		return -1;
	todo = a->todo[n];
	if (!a->alike[n].entry)
		return 0;
	v = hash_table__at(&places->vcpus, a->alike[n].entry - 1);
	if ((todo & DO_BY_HOST && take_interrupt(places, v, col[COL_RIP][i])) ||
	    (todo & DO_FAULT && take_page_fault(places, v, col, i)) ||
	    (todo & DO_IPI && access_sends_ipi(col[COL_KIND][i], col[COL_DETAIL][i]) &&
	     take_ipi(places, v, col, i)))
		return -1;
	if (todo & DO_ENTERS && !a->alike[n].nested)
		take_enters_nested(v, col, i);
	if (todo & DO_HLT)
		take_hlt(v, col, i);
	if (todo & DO_FAILURE)
		v->failed[failure_of(col[COL_FAILED][i])]++;
	if (todo & DO_NESTED)
		take_nested(v, col, i);
	if (a->polled)
		take_poll(v, col, i);
	return 0;
}

/* nr: columns of the codes that differ. */
static inline __attribute__((always_inline)) int take_by_codes(struct alikes *a, const u32 nr)
{
	struct row_codes codes = a->codes;

	for (u32 i = 0; i < a->b->rows; i++) {
		u32 n = row_codes__at(&codes, i, nr);

		if (alikes__has_todo(a, n, i) && do_row(a, n, i))
			return -1;
		a->rows[n]++;
	}
	return 0;
}

static int take_by_values(struct alikes *a)
{
	u64 *const *col = a->b->col;

	scan_batch__set_rows(a->b);
	for (u32 i = 0; i < a->b->rows; i++) {
		u32 n = hash_of(col, i);

		if (!is_alike(&a->alike[n], col, i))
			a->known[n] = false;
		if ((!a->known[n] || alikes__has_todo(a, n, i)) && do_row(a, n, i))
			return -1;
		a->rows[n]++;
	}
	return 0;
}

static int alikes__take(struct alikes *a)
{
	if (!a->codes.all)
		return take_by_values(a);
	return a->codes.nr == 1 ? take_by_codes(a, 1) : a->codes.nr == 2 ? take_by_codes(a, 2) :
	       a->codes.nr == 3 ? take_by_codes(a, 3) : take_by_codes(a, a->codes.nr);
}

static int exit_places__take(void *state, const struct scan_batch *b)
{
	struct exit_places *places = state;
	struct alikes a = {
		.places = places, .b = b, .codes = row_codes__of(b, ALIKE_BY, ALIKE),
		.polled = !(b->same >> COL_POLL & 1) || captured(b->col[COL_POLL][0]),
	};

	take_deadlines(&places->deadlines, b);
	memset(a.todo, 0xff, sizeof(a.todo));
	if (alikes__take(&a))
		return -1;
	for (u32 n = 0; n < ALIKE; n++)
		alikes__count(&a, n);
	return 0;
}

static int merge_ranges(struct exit_places *all, const struct exit_places *more)
{
	for (u32 i = 0; i < more->ranges.nr; i++) {
		const struct fault_range_pages *one = hash_table__at(&more->ranges, i);
		int ret = 0;
		struct fault_range_pages *r = range_of(all, &one->key, &ret);

		if (ret)
			return -1;
		if (!r)
			continue;
		r->faults += one->faults;
		for (u32 k = 0; k < ARRAY_SIZE(r->page); k++)
			r->page[k] |= one->page[k];
	}
	return 0;
}

static int exit_places__merge(void *to, const void *from)
{
	const struct exit_places *more = from;
	struct exit_places *all = to;

	deadlines__merge(&all->deadlines, &more->deadlines);
	for (u32 i = 0; i < more->vcpus.nr; i++) {
		const struct vcpu_places *one = hash_table__at(&more->vcpus, i);
		bool full;
		struct vcpu_places *v = places_of(all, one->key.vcpu, &full);

		if (!v && !full)
			return -1;
		if (!v)
			continue;
		vcpu_places__add(v, one);
		if (merge_places(all, &v->place, one->place) ||
		    merge_places(all, &v->fault, one->fault) ||
		    merge_places(all, &v->ipi, one->ipi))
			return -1;
	}
	return merge_ranges(all, more);
}

const struct scan_consumer exit_places__scan = {
	.events = events, .nr_events = 1,
	.new = exit_places__new, .take = exit_places__take,
	.merge = exit_places__merge, .free = exit_places__free,
};
