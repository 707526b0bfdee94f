// SPDX-License-Identifier: GPL-2.0
/* --where: applied to columns, a block of rows at a time. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "util/analysis/report/key_place.h"
#include "util/analysis/where_internal.h"
#include "util/arch/reason.h"
#include "util/recording/recording.h"

#define BLOCK	256		/* rows at a time, so that all of it is in the cache */
#define MEMO	64		/* values of a term whose names were compared */

/* What a value's name came to: many rows, few different values. */
struct memo {
	u64 value, aux;
	bool used;
	u8 truth;
};

/* What a field of this recording has where the value is unknown. */
struct no_value {
	bool all;		/* the recording does not have the field */
	bool some;
	u64 value;
};

struct where_run {
	const struct where *w;
	const struct where_event *e;
	const struct recording *rec;
	const struct data_event *event;
	u64 start_ns;
	u64 *const *col;
	u32 first, nr;		/* the block */
	struct no_value none[WHERE_TERMS];
	/* which of these are in use: most terms have numbers only */
	bool has_memo[WHERE_TERMS];
	struct memo memo[WHERE_TERMS][MEMO];
};

static const u64 *column(const struct where_run *r, const struct where_bound *b, u32 i)
{
	return b->column[i] == UINT8_MAX ? NULL : r->col[b->column[i]] + r->first;
}

/* ---- names of values ----------------------------------------------------- */

static bool has_reason_of(const struct where_term *t, u32 isa, u64 reason)
{
	for (u32 i = 0; i < t->nr_values; i++)
		if (t->value[i].kind == VALUE_WORD && reason_is(isa, reason, t->value[i].text))
			return true;
	return false;
}

static bool says(const struct where_term *t, const char *name)
{
	if (!name)
		return false;
	if (t->op == WHERE_MATCH)
		return !regexec(&t->regex, name, 0, NULL, 0);
	for (u32 i = 0; i < t->nr_values; i++)
		if (t->value[i].kind != VALUE_NONE && !strcasecmp(name, t->value[i].text))
			return true;
	return false;
}

static enum where_truth of(bool is)
{
	return is ? WHERE_TRUE : WHERE_FALSE;
}

static enum where_truth where_rows__vm(const struct where_run *r, const struct where_term *t,
				       u64 id)
{
	const struct rec_vcpu *vcpu = id > UINT32_MAX ? NULL : recording__vcpu(r->rec, id);
	const struct rec_vm *vm = vcpu ? recording__vm(r->rec, vcpu->vm) : NULL;

	if (!vm || (!*vm->name && !*vm->vmm))
		return WHERE_UNKNOWN;
	return of(says(t, vm->name) || says(t, vm->vmm));
}

/* As kvmw script prints it. */
static enum where_truth comm(const struct where_run *r, const struct where_term *t, u64 tid, u64 id)
{
	const struct rec_vcpu *vcpu = id > UINT32_MAX ? NULL : recording__vcpu(r->rec, id);
	const struct rec_task *task;

	if (tid == KVMW_NONE)
		return WHERE_UNKNOWN;
	if (vcpu && vcpu->tid == tid && *vcpu->comm)
		return of(says(t, vcpu->comm));
	task = tid > UINT32_MAX ? NULL : recording__task(r->rec, tid);
	return task && *task->comm ? of(says(t, task->comm)) : WHERE_UNKNOWN;
}

static enum where_truth function(const struct where_run *r, const struct where_term *t, u64 rip,
				 u64 nested)
{
	const struct guest_symbols *symbols = r->w->symbols ?: r->rec->symbols;
	u64 place = place__of(symbols, rip, nested == 1);
	char name[PLACE_NAME_MAX];

	if (!place__is_known(place))
		return WHERE_UNKNOWN;
	place__name(symbols, place, name, sizeof(name));
	return of(says(t, name));
}

/* Of a value with a name, or a text. */
static enum where_truth compare_name(const struct where_run *r, const struct where_term *t,
				     const struct where_bound *b, u64 value, u64 aux)
{
	char buf[FIELD_NAME_MAX];
	const struct rec_tracepoint *tp;

	switch (b->ref.source) {
	case NAME_EVENT:
		return of(says(t, r->event->name));
	case NAME_VM:
		return where_rows__vm(r, t, value);
	case NAME_COMM:
		return comm(r, t, value, aux);
	case NAME_SYM:
		return function(r, t, value, aux);
	default:
		break;
	}
	if (b->ref.form == FORM_KIND && r->event->id == KVMW_EVENT_RAW) {
		tp = recording__tracepoint(r->rec, value);
		return of(says(t, tp ? tp->name : NULL));
	}
	if (b->ref.form == FORM_REASON && aux == KVMW_NONE)
		return WHERE_UNKNOWN;
	if (t->op != WHERE_MATCH && b->ref.form == FORM_REASON)
		return of(has_reason_of(t, aux, value));
	if (t->op != WHERE_MATCH && b->ref.form == FORM_USER)
		return of(has_reason_of(t, KVMW_ISA_NONE, value));
	return of(says(t, field__name(b->ref.form, r->event, value, aux, buf)));
}

static enum where_truth name_truth(struct where_run *r, u32 i, u64 value, u64 aux)
{
	struct memo *m =
		&r->memo[i][(value ^ value >> 17 ^ aux * 5) * 0x9e3779b1u >> 8 & (MEMO - 1)];

	if (!r->has_memo[i])
		memset(r->memo[i], 0, sizeof(r->memo[i]));
	r->has_memo[i] = true;
	if (!m->used || m->value != value || m->aux != aux)
		*m = (struct memo) {
			.value = value, .aux = aux, .used = true,
			.truth = compare_name(r, &r->w->term[i], &r->e->bound[i], value, aux),
		};
	return m->truth;
}

/* ---- values -------------------------------------------------------------- */

/* Of vCPU and VM; KVMW_NONE: unknown. */
static u64 identity(const struct where_run *r, enum name_source source, u64 id, u64 tid)
{
	const struct rec_vcpu *vcpu = id > UINT32_MAX ? NULL : recording__vcpu(r->rec, id);
	const struct rec_vm *vm;

	switch (source) {
	case NAME_VCPU:
		return vcpu && rec_vcpu__is_vcpu(vcpu) && vcpu->vcpu >= 0 ?
		       (u64)vcpu->vcpu : KVMW_NONE;
	case NAME_PID:
		vm = vcpu ? recording__vm(r->rec, vcpu->vm) : NULL;
		return vm ? vm->pid : KVMW_NONE;
	default:
		return tid == KVMW_NONE ? rec_vcpu__tid(vcpu) : tid;
	}
}

/* v: the values of the block, truth: WHERE_UNKNOWN where none is; aux: what names depend on. */
static void where_rows__values(const struct where_run *r, u32 i, u64 *v, u64 *aux, u8 *truth)
{
	const struct where_bound *b = &r->e->bound[i];
	const u64 *first = column(r, b, 0), *second = column(r, b, 1);
	const struct no_value *none = &r->none[i];

	for (u32 k = 0; k < r->nr; k++) {
		v[k] = first ? first[k] : 0;
		aux[k] = second ? second[k] : KVMW_NONE;
		truth[k] = none->all || (none->some && v[k] == none->value) ?
			   WHERE_UNKNOWN : WHERE_TRUE;
	}
	if (b->ref.source == NAME_DETAIL)
		for (u32 k = 0; k < r->nr; k++)
			if (aux[k] > 31 || !(b->ref.details >> aux[k] & 1))
				truth[k] = WHERE_UNKNOWN;
	if (!name_ref__is_identity(&b->ref) || b->ref.source == NAME_VM)
		return;
	for (u32 k = 0; k < r->nr; k++) {
		u64 id = v[k], tid = aux[k];

		if (b->ref.source == NAME_COMM) {
			v[k] = identity(r, NAME_TID, id, tid);
			aux[k] = id;
			truth[k] = WHERE_TRUE;
			continue;
		}
		v[k] = identity(r, b->ref.source, id, tid);
		truth[k] = v[k] == KVMW_NONE ? WHERE_UNKNOWN : WHERE_TRUE;
	}
}

static bool in_ranges(const struct where_bound *b, u64 key)
{
	for (u32 i = 0; i < b->nr_ranges; i++)
		if (key >= b->range[i].from && key <= b->range[i].to)
			return true;
	return false;
}

/* Whether any value of the term is a name; else its ranges are all. */
static bool where_rows__has_words(const struct where_term *t, const struct where_bound *b)
{
	bool words = t->op == WHERE_MATCH || name_ref__is_text(&b->ref);

	for (u32 i = 0; i < t->nr_values; i++)
		words |= t->value[i].kind == VALUE_WORD;
	return words && b->ref.form != FORM_BOOL;
}

static void eval_term(struct where_run *r, u32 i, u8 *truth)
{
	const struct where_term *t = &r->w->term[i];
	const struct where_bound *b = &r->e->bound[i];
	bool words = where_rows__has_words(t, b),
	     asks = t->value[0].kind == VALUE_NONE && t->op == WHERE_EQ;
	u64 minus = b->since_start ? r->start_ns : 0, v[BLOCK], aux[BLOCK];

	if (b->ref.source == NAME_NONE) {
		memset(truth, asks ? of(!t->negate) : WHERE_UNKNOWN, r->nr);
		return;
	}
	where_rows__values(r, i, v, aux, truth);
	/* Texts are known only when they are looked up. */
	for (u32 k = 0; k < r->nr; k++) {
		bool is;

		if (asks && truth[k] == WHERE_TRUE && name_ref__is_text(&b->ref))
			truth[k] = name_truth(r, i, v[k], aux[k]);
		if (asks) {
			truth[k] = of((truth[k] == WHERE_UNKNOWN) != t->negate);
			continue;
		}
		if (truth[k] == WHERE_UNKNOWN)
			continue;
		is = b->nr_ranges && in_ranges(b, where_key(v[k] - minus, b->is_signed));
		if (words && !is) {
			truth[k] = name_truth(r, i, v[k], aux[k]);
			if (truth[k] == WHERE_UNKNOWN)
				continue;
			is = truth[k] == WHERE_TRUE;
		}
		truth[k] = of(is != t->negate);
	}
}

/* ---- the tree ------------------------------------------------------------ */

static bool all_are(const u8 *truth, u32 nr, enum where_truth what)
{
	for (u32 k = 0; k < nr; k++)
		if (truth[k] != what)
			return false;
	return true;
}

/* The parser has bounded how deep it is: by the number of nodes. */
/* NOLINTNEXTLINE(misc-no-recursion): as deep as the parser was */
static void eval_node(struct where_run *r, u32 at, u8 *truth)
{
	const struct where_node *node = &r->w->node[at];
	u8 right[BLOCK];

	if (node->kind == NODE_TERM) {
		eval_term(r, node->a, truth);
		return;
	}
	eval_node(r, node->a, truth);
	if (node->kind == NODE_NOT) {
		for (u32 k = 0; k < r->nr; k++)
			truth[k] = WHERE_TRUE - truth[k];
		return;
	}
	if (all_are(truth, r->nr, node->kind == NODE_AND ? WHERE_FALSE : WHERE_TRUE))
		return;
	eval_node(r, node->b, right);
	for (u32 k = 0; k < r->nr; k++) {
		bool take = node->kind == NODE_AND ? right[k] < truth[k] : right[k] > truth[k];

		truth[k] = take ? right[k] : truth[k];
	}
}

static struct no_value none_of(const struct where_run *r, const struct where_bound *b)
{
	struct no_value none = { .all = true };
	const struct data_field *f;
	int field;
	u32 bits;

	if (!b->ref.column[0])
		return (struct no_value) { .all = false };
	field = data_event__field(r->event, b->ref.column[0]);
	if (field < 0)
		return none;
	f = &r->event->fields[field];
	bits = 8 * field_type__width(f->type);
	none.all = false;
	none.value = bits == 64 ? KVMW_NONE : (1ULL << bits) - 1;
	none.some = field__none(f, none.value);
	return none;
}

void where_rows__keep(const struct row_filter *f, const struct recording *rec, u64 start_ns,
		      const struct data_event *event, u64 *const *col, u32 rows, u8 *keep)
{
	const struct where *w = (const struct where *)f;
	struct where_run r;

	/* Not all of it: the room for names is large. */
	r.w = w;
	r.e = w->event[event->id];
	r.rec = rec;
	r.event = event;
	r.start_ns = start_ns;
	r.col = col;
	memset(r.has_memo, 0, sizeof(r.has_memo));
	for (u32 i = 0; i < w->nr_terms; i++)
		r.none[i] = none_of(&r, &r.e->bound[i]);
	for (r.first = 0; r.first < rows; r.first += BLOCK) {
		u8 truth[BLOCK];

		r.nr = rows - r.first < BLOCK ? rows - r.first : BLOCK;
		eval_node(&r, w->root, truth);
		for (u32 k = 0; k < r.nr; k++)
			keep[r.first + k] = truth[k] == WHERE_TRUE;
	}
}
