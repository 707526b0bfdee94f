// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/analysis/counts.h"
#include "util/analysis/top.h"
#include "util/search.h"

#define MAX_ROWS	AGG_MAX_KEYS
#define FORGET_AT	TOP_STEPS	/* intervals between two looks for rows that are gone */

static const enum report_key keys[NR_TOP_LEVELS] = { KEY_VM, KEY_VCPU, KEY_REASON, KEY_ACCESS };

void top__options(struct report_options *opt, u32 event, bool details)
{
	*opt = (struct report_options) { .order = ORDER_KEY, .event = event };
	for (u32 i = 0; i < (details ? NR_TOP_LEVELS : TOP_DETAILS); i++)
		opt->sort[opt->nr_sort++] = keys[i];
}

void top__reason_options(struct report_options *opt, u32 event)
{
	*opt = (struct report_options) {
		.sort = { KEY_REASON }, .nr_sort = 1, .order = COLUMN_COUNT, .event = event,
	};
}

/* ---- keys ------------------------------------------------------------------ */

struct top_key top_key__none(void)
{
	struct top_key key;

	memset(&key, 0xff, sizeof(key));
	return key;
}

struct top_key top_key__at(const struct top_key *key, enum top_level level)
{
	struct top_key at = top_key__none();

	at.vm = key->vm;
	if (level >= TOP_VCPUS)
		at.vcpu = key->vcpu;
	if (level >= TOP_REASONS)
		at.reason = key->reason;
	if (level >= TOP_DETAILS)
		memcpy(at.detail, key->detail, sizeof(at.detail));
	return at;
}

static bool top__same_key(const struct top_key *a, const struct top_key *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static enum top_level level_of(const struct top_key *key)
{
	const struct top_key none = top_key__none();

	return key->vcpu == none.vcpu ? TOP_VMS : key->reason == none.reason ? TOP_VCPUS :
	       !memcmp(key->detail, none.detail, sizeof(key->detail)) ? TOP_REASONS : TOP_DETAILS;
}

/* Values of the keys of a row, by level, as its labels are made from them. */
struct top_values {
	struct key_value key[NR_TOP_LEVELS];
	u32 nr;
};

static struct top_key key_of_values(const struct top_values *v)
{
	struct top_key key = top_key__none();

	key.vm = v->key[TOP_VMS].v[0];
	if (v->nr > TOP_VCPUS)
		key.vcpu = v->key[TOP_VCPUS].v[1];
	if (v->nr > TOP_REASONS)
		key.reason = v->key[TOP_REASONS].v[0];
	if (v->nr > TOP_DETAILS)
		memcpy(key.detail, v->key[TOP_DETAILS].v, sizeof(key.detail));
	return key;
}

/* ---- an interval ------------------------------------------------------------ */

static void top_row__begin(struct top_row *row, u32 interval)
{
	row->interval = interval;
	row->nr_vcpus = 0;
	row->count = row->wall_ns = 0;
	memset(row->part_ns, 0xff, sizeof(row->part_ns));
	row->span = (struct hist) { .count = 0 };
}

static int set_label(struct top_row *row, const struct report *rep, enum top_level level,
		     const struct key_value *value)
{
	const struct sort_key *key = sort_key__get(keys[level]);
	char buf[REPORT_LABEL_MAX];

	if (level == TOP_DETAILS && detail_is_fault(value->v[0]))
		snprintf(buf, sizeof(buf), "RAM");
	else
		key->label(key, rep, value, buf, sizeof(buf));
	if (row->label && !strcmp(row->label, buf))
		return 0;
	free(row->label);
	row->label = mem__strdup(buf);
	return row->label ? 0 : -1;
}

/* *row is NULL where there is one too many. 0, or -1 out of memory. */
static int top__get(struct top *top, const struct report *rep, const struct top_values *v,
		    struct top_row **row)
{
	const struct top_key key = key_of_values(v);
	bool full;

	if (!top->rows.entry_size)
		top->rows = HASH_TABLE(struct top_row, NULL);
	*row = hash_table__get_limited(&top->rows, &key, MAX_ROWS, &full);
	if (!*row)
		return full ? 0 : -1;
	if ((*row)->interval == top->interval)
		return 0;
	top_row__begin(*row, top->interval);
	return set_label(*row, rep, v->nr - 1, &v->key[v->nr - 1]);
}

static void top__add_part(u64 *to, u64 ns)
{
	if (ns != KVMW_NONE)
		*to = *to == KVMW_NONE ? ns : sat_add(*to, ns);
}

static void add_vcpu_time(struct top_row *row, const struct report_vcpu *v)
{
	const u64 parts[NR_TOP_PARTS] = {
		[TOP_GUEST] = v->guest_ns, [TOP_KVM] = v->kvm_ns, [TOP_VMM] = v->vmm_ns,
		[TOP_HALT] = v->halt_ns,
		[TOP_POLL] = v->poll_ns, [TOP_WAIT] = v->wait_ns, [TOP_THROTTLED] = v->throttled_ns,
		[TOP_BLOCK] = v->block_ns,
	};

	for (u32 i = 0; i < NR_TOP_PARTS; i++)
		top__add_part(&row->part_ns[i], parts[i]);
	row->wall_ns = sat_add(row->wall_ns, v->time.wall_ns);
	row->nr_vcpus++;
}

static int take_vcpu(struct top *top, const struct report *rep, const struct report_vcpu *v)
{
	u64 vm = recording__vm(rep->rec, v->vm) ? v->vm : REC_NO_VM;
	struct top_values values = { .key = { { { vm } },
					      { { vm << 32 | (u32)v->number, v->id } } } };

	add_vcpu_time(&top->total, v);
	for (values.nr = 1; values.nr <= 2; values.nr++) {
		struct top_row *row;

		if (top__get(top, rep, &values, &row))
			return -1;
		if (row)
			add_vcpu_time(row, v);
	}
	return 0;
}

/* A reason's time is a share of its vCPU's, and so is a detail's. */
static void add_reason_time(const struct top *top, struct top_row *row,
			    const struct report_row *from)
{
	const u64 parts[NR_TOP_PARTS] = {
		[TOP_GUEST] = KVMW_NONE, [TOP_KVM] = from->kvm_ns, [TOP_VMM] = from->user_ns,
		[TOP_HALT] = from->halt_ns,
		[TOP_POLL] = from->poll_ns, [TOP_WAIT] = from->wait_ns,
		[TOP_THROTTLED] = from->throttled_ns, [TOP_BLOCK] = from->block_ns,
	};
	const struct top_key vcpu_key = top_key__at(&row->key, TOP_VCPUS);
	const struct top_row *vcpu = top__row(top, &vcpu_key);

	for (u32 i = 0; i < NR_TOP_PARTS; i++)
		top__add_part(&row->part_ns[i], parts[i]);
	row->wall_ns = vcpu ? vcpu->wall_ns : 0;
}

static int add_events(struct top_row *row, const struct report_row *from)
{
	row->count = sat_add(row->count, from->count);
	return hist__merge(&row->span, &from->span);
}

/* Of memory there is one row, as in the first page of kvmw report. */
static void join_faults(struct key_value *detail)
{
	if (detail_is_fault(detail->v[0]))
		detail->v[0] = KVMW_DETAIL_FAULT_READ;
}

static int top__take_row(struct top *top, const struct report *rep, const struct report_row *from)
{
	struct top_values values = { .nr = 0 };

	memcpy(values.key, from->key, sizeof(values.key));
	if (rep->opt->nr_sort > TOP_DETAILS)
		join_faults(&values.key[TOP_DETAILS]);
	if (add_events(&top->total, from))
		return -1;
	while (values.nr < rep->opt->nr_sort) {
		struct top_row *row;

		values.nr++;
		if (top__get(top, rep, &values, &row) || (row && add_events(row, from)))
			return -1;
		if (!row)
			top->over_limit += from->count;
		else if (values.nr > TOP_REASONS)
			add_reason_time(top, row, from);
	}
	return 0;
}

static void top_row__finish(const struct top *top, struct top_row *row)
{
	struct hist *h = &row->span;

	row->mean_ns = h->count ? h->sum / h->count : KVMW_NONE;
	row->p99_ns = h->count ? hist__percentile(h, 990) : KVMW_NONE;
	if (top->counted)
		row->p99_ns = counts__end_of_power(row->p99_ns);
	row->per_second = top->length_ns ? row->count * 1e9 / top->length_ns : 0;
	hist__free(h);
}

/* Rows that are not there have a rate, too, which is 0. */
static void top__finish(struct top *top)
{
	u32 at = top->interval % TOP_STEPS;

	for (u32 i = 0; i < top->rows.nr; i++) {
		struct top_row *row = hash_table__at(&top->rows, i);
		bool there = row->interval == top->interval;

		if (there)
			top_row__finish(top, row);
		row->past[at] = there ? row->per_second : 0;
	}
	top_row__finish(top, &top->total);
	top->total.past[at] = top->total.per_second;
}

/* Of what was not seen for so long nothing is left to show. */
static int top__forget(struct top *top)
{
	struct hash_table kept = HASH_TABLE(struct top_row, NULL);

	for (u32 i = 0; i < top->rows.nr; i++) {
		struct top_row *row = hash_table__at(&top->rows, i), *to;

		if (top->interval - row->interval >= TOP_STEPS)
			continue;
		to = hash_table__get(&kept, &row->key);
		if (!to) {
			hash_table__free(&kept);
			return -1;
		}
		*to = *row;
	}
	for (u32 i = 0; i < top->rows.nr; i++) {
		struct top_row *row = hash_table__at(&top->rows, i);

		if (top->interval - row->interval >= TOP_STEPS)
			free(row->label);
	}
	hash_table__free(&top->rows);
	top->rows = kept;
	return 0;
}

/* These judge a recording as a whole: a vCPU without exits in a second may have had many before. */
static bool judges_all(const struct finding *f)
{
	static const char *const rules[] = {
		"migration", "open-exit", "never-exited", "missed", "tsc-offsets", "lost",
	};

	for (u32 i = 0; i < ARRAY_SIZE(rules); i++)
		if (!strcmp(f->rule, rules[i]))
			return true;
	return false;
}

/* What stands out, as far as these numbers tell. */
static int top__find(struct top *top, const struct report *by_reason)
{
	static const struct findings_input none;
	const struct report no_details = { .nr_rows = 0 };
	struct findings *found = &top->findings;
	u32 nr = 0;

	found->nr = 0;
	*found->wait = '\0';
	if (by_reason->event != KVMW_EVENT_EXIT || !by_reason->nr_rows)
		return 0;
	if (findings__make(by_reason, &no_details, &none, found))
		return -1;
	for (u32 i = 0; i < found->nr; i++)
		if (!judges_all(&found->found[i]))
			found->found[nr++] = found->found[i];
	found->nr = nr;
	return 0;
}

static bool vcpu_is_there(const struct recording *rec, const struct rec_vcpu *vcpu)
{
	return rec_vcpu__is_vcpu(vcpu) && (!vcpu->gone_ns || vcpu->gone_ns > rec->meta.start_ns);
}

/* Of a recording: one long exit may last for intervals, in which nothing begins. */
static int count_present(struct top *top, const struct recording *rec)
{
	bool *seen = mem__calloc(rec->nr_vms + 1, sizeof(*seen));
	u32 vms = 0, vcpus = 0;

	if (!seen)
		return -1;
	for (u32 i = 0; i < rec->nr_vcpus; i++) {
		const struct rec_vm *vm = recording__vm(rec, rec->vcpu[i].vm);

		if (!vcpu_is_there(rec, &rec->vcpu[i]))
			continue;
		vcpus++;
		vms += vm && !seen[vm - rec->vm];
		if (vm)
			seen[vm - rec->vm] = true;
	}
	free(seen);
	top->nr_vms = vms > top->nr_vms ? vms : top->nr_vms;
	top->nr_vcpus = vcpus > top->nr_vcpus ? vcpus : top->nr_vcpus;
	return 0;
}

static int top__count(struct top *top, const struct recording *rec)
{
	top->nr_vms = 0;
	top->nr_vcpus = top->total.nr_vcpus;
	for (u32 i = 0; i < top->rows.nr; i++) {
		const struct top_row *row = hash_table__at(&top->rows, i);

		top->nr_vms += row->interval == top->interval && row->nr_vcpus &&
			       level_of(&row->key) == TOP_VMS;
	}
	return top->counted ? 0 : count_present(top, rec);
}

int top__take(struct top *top, const struct report *rep, const struct report *by_reason, u64 end_ns)
{
	int ret = 0;

	top->interval++;
	top->end_ns = end_ns;
	top->end_realtime_ns = recording__realtime(rep->rec, rep->rec->meta.stop_ns);
	top->length_ns = recording__covered(rep->rec);
	top->over_limit = rep->over_limit;
	top->has_details = rep->opt->nr_sort > TOP_DETAILS;
	top->event = rep->event;
	top_row__begin(&top->total, top->interval);
	/* Of these first, whose time reasons are shares of. */
	for (u32 i = 0; i < rep->nr_vcpus && !ret; i++)
		ret = take_vcpu(top, rep, &rep->vcpu[i]);
	for (u32 i = 0; i < rep->nr_rows && !ret; i++)
		ret = top__take_row(top, rep, &rep->row[i]);
	top__finish(top);
	if (ret || top__count(top, rep->rec) ||
	    (top->interval % FORGET_AT == 0 && top__forget(top)))
		return -1;
	return top__find(top, by_reason);
}

void top__free(struct top *top)
{
	for (u32 i = 0; i < top->rows.nr; i++)
		free(((struct top_row *)hash_table__at(&top->rows, i))->label);
	hash_table__free(&top->rows);
}

/* ---- what is said of a row --------------------------------------------------- */

double top_row__past(const struct top *top, const struct top_row *row, u32 ago)
{
	return ago < TOP_STEPS && ago < top->interval ?
	       row->past[(top->interval - ago) % TOP_STEPS] : 0;
}

double top_row__share(const struct top_row *row, enum top_part part)
{
	u64 ns = row->part_ns[part];

	return ns == KVMW_NONE || !row->wall_ns ? -1 : 100.0 * ns / row->wall_ns;
}

const struct top_row *top__row(const struct top *top, const struct top_key *key)
{
	const struct top_row *row = top->rows.nr ? hash_table__find(&top->rows, key) : NULL;

	return row && row->interval == top->interval ? row : NULL;
}

/* ---- lists ------------------------------------------------------------------- */

static const struct { const char *name, *doc; } columns[NR_TOP_COLUMNS] = {
	[TOP_BY_RATE] = { "exits", "how often" },
	[TOP_BY_GUEST] = { "guest", "share of time in the guest" },
	[TOP_BY_KVM] = { "kvm", "share of time in KVM" },
	[TOP_BY_VMM] = { "vmm", "share of time in the VMM" },
	[TOP_BY_POLL] = { "poll", "share of time polling before a halt" },
	[TOP_BY_HALT] = { "halt", "share of time halted" },
	[TOP_BY_WAIT] = { "wait", "share of time waiting for a CPU" },
	[TOP_BY_THROTTLED] = { "throttled", "share of time throttled by a quota" },
	[TOP_BY_BLOCK] = { "block", "share of time asleep for another reason" },
	[TOP_BY_MEAN] = { "mean", "mean duration, exit to entry" },
	[TOP_BY_P99] = { "p99", "99th percentile of durations" },
	[TOP_BY_NAME] = { "name", "name of the row" },
};

const char *top_column__name(enum top_column column)
{
	return columns[column].name;
}

const char *top_column__doc(enum top_column column)
{
	return columns[column].doc;
}

static double measure(const struct top_row *row, enum top_column column)
{
	static const enum top_part parts[NR_TOP_COLUMNS] = {
		[TOP_BY_GUEST] = TOP_GUEST, [TOP_BY_KVM] = TOP_KVM, [TOP_BY_VMM] = TOP_VMM,
		[TOP_BY_POLL] = TOP_POLL,
		[TOP_BY_HALT] = TOP_HALT, [TOP_BY_WAIT] = TOP_WAIT,
		[TOP_BY_THROTTLED] = TOP_THROTTLED, [TOP_BY_BLOCK] = TOP_BLOCK,
	};

	switch (column) {
	case TOP_BY_GUEST ... TOP_BY_BLOCK:
		return top_row__share(row, parts[column]);
	case TOP_BY_MEAN:
		return captured(row->mean_ns);
	case TOP_BY_P99:
		return captured(row->p99_ns);
	default:
		return row->per_second;
	}
}

/* Names with numbers in them as people count. */
static int top__compare_names(const struct top_row *x, const struct top_row *y)
{
	int ret = strverscmp(x->label, y->label);

	return ret ?: memcmp(&x->key, &y->key, sizeof(x->key));
}

static int top__compare(const void *a, const void *b, void *arg)
{
	const struct top_row *x = *(const struct top_row *const *)a,
			     *y = *(const struct top_row *const *)b;
	enum top_column column = *(const enum top_column *)arg;
	double of_x = measure(x, column), of_y = measure(y, column);

	if (column == TOP_BY_NAME || of_x == of_y)
		return top__compare_names(x, y);
	return of_x > of_y ? -1 : 1;
}

/* What a row of this level is in. */
static struct top_key parent_of(const struct top_key *key, enum top_level level)
{
	return level == TOP_VMS ? top_key__none() : top_key__at(key, level - 1);
}

static bool is_in(const struct top_key *key, const struct top_choice *choice)
{
	struct top_key at, within = choice->within;

	if (level_of(key) != choice->level)
		return false;
	at = parent_of(key, choice->level);
	return choice->level == TOP_VMS || top__same_key(&at, &within);
}

int top__list(const struct top *top, const struct top_choice *choice, struct top_list *list)
{
	enum top_column column = choice->sort;

	*list = (struct top_list) { .nr = 0 };
	list->row = mem__calloc(top->rows.nr + 1, sizeof(*list->row));
	if (!list->row)
		return -1;
	for (u32 i = 0; i < top->rows.nr; i++) {
		const struct top_row *row = hash_table__at(&top->rows, i);

		if (row->interval != top->interval || !is_in(&row->key, choice))
			continue;
		if (strcasestr(row->label, choice->filter))
			list->row[list->nr++] = row;
		else
			list->left_out++;
	}
	qsort_r(list->row, list->nr, sizeof(*list->row), top__compare, &column);
	for (u32 i = 0; choice->reverse && i < list->nr / 2; i++) {
		const struct top_row *row = list->row[i];

		list->row[i] = list->row[list->nr - 1 - i];
		list->row[list->nr - 1 - i] = row;
	}
	return 0;
}

/* ---- all rows of a level ------------------------------------------------------- */

struct level_order {
	enum top_level level;
	enum top_column sort;
};

static int compare_parents(const struct top_key *x, const struct top_key *y, enum top_level level)
{
	const struct top_key of_x = parent_of(x, level), of_y = parent_of(y, level);

	return memcmp(&of_x, &of_y, sizeof(of_x));
}

static int compare_in_level(const void *a, const void *b, void *arg)
{
	const struct top_row *x = *(const struct top_row *const *)a,
			     *y = *(const struct top_row *const *)b;
	struct level_order *order = arg;

	return compare_parents(&x->key, &y->key, order->level) ?: top__compare(a, b, &order->sort);
}

int top__list_level(const struct top *top, enum top_level level, enum top_column sort,
		    struct top_list *list)
{
	struct level_order order = { .level = level, .sort = sort };

	*list = (struct top_list) { .nr = 0 };
	list->row = mem__calloc(top->rows.nr + 1, sizeof(*list->row));
	if (!list->row)
		return -1;
	for (u32 i = 0; i < top->rows.nr; i++) {
		const struct top_row *row = hash_table__at(&top->rows, i);

		if (row->interval == top->interval && level_of(&row->key) == level)
			list->row[list->nr++] = row;
	}
	qsort_r(list->row, list->nr, sizeof(*list->row), compare_in_level, &order);
	return 0;
}

struct level_parent {
	enum top_level level;
	struct top_key key;
};

static int compare_to_parent(const void *key, const void *element)
{
	const struct level_parent *parent = key;
	const struct top_key of =
		parent_of(&(*(const struct top_row *const *)element)->key, parent->level);

	return memcmp(&parent->key, &of, sizeof(of));
}

struct top_list top__below(const struct top_list *list, enum top_level level,
			   const struct top_key *within)
{
	const struct level_parent parent = { level, level == TOP_VMS ? top_key__none() : *within };
	size_t from =
		lower_bound(&parent, list->row, list->nr, sizeof(*list->row), compare_to_parent);
	struct top_list below = { .row = list->row + from };

	while (from + below.nr < list->nr && !compare_to_parent(&parent, &below.row[below.nr]))
		below.nr++;
	return below;
}
