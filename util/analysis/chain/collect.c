// SPDX-License-Identifier: GPL-2.0
/* The second reading: the rows around each outlier. */
#include <stdlib.h>
#include <string.h>

#include "util/analysis/chain/internal.h"
#include "util/memory.h"
#include "util/recording/timeline.h"
#include "util/search.h"

#define HELD_BYTES	(8u << 20)	/* of decoded rows at a time */
/* what is looked at before an outlier, at least and at most */
#define BEFORE_MIN_NS 10000000ULL
#define BEFORE_MAX_NS	100000000ULL
#define AFTER_MIN_NS	1000000ULL	/* and after it */
#define AFTER_MAX_NS	10000000ULL
#define EDGE_NS		1000000000ULL	/* of an outlier longer than two of these: its two ends */

struct window {
	u64 from, to;
	u32 chain;
};

struct cpu_switch {
	u32 key;		/* the CPU */
	struct chain_switch last;
};

struct collector {
	struct chains *chains;
	struct chain_work *work;	/* of each */
	struct window *window;		/* by from */
	u32 nr_windows, next;
	u64 *latest;			/* of window i and all before it: the greatest to */
	u32 *active, nr_active;		/* windows that the rows have reached */
	struct row_fields fields[KVMW_MAX_EVENTS];
	struct hash_table last;		/* struct cpu_switch */
	bool identified;
};

static int compare_windows(const void *a, const void *b)
{
	const struct window *x = a, *y = b;

	COMPARE(x->from, y->from);
	COMPARE(x->chain, y->chain);
	return 0;
}

static u64 clamp(u64 ns, u64 least, u64 most)
{
	return ns < least ? least : ns > most ? most : ns;
}

static void add_windows(struct collector *c, u32 chain)
{
	const struct chain_work *w = &c->work[chain];
	u64 from = w->chain->start_ns, to = w->chain->end_ns, length = to - from;
	u64 before = clamp(length, BEFORE_MIN_NS, BEFORE_MAX_NS),
	    after = clamp(length, AFTER_MIN_NS, AFTER_MAX_NS);
	u32 event = c->chains->event;

	/* A timer may have been armed long before. */
	if (event == KVMW_EVENT_IRQ || event == KVMW_EVENT_TIMER)
		before = BEFORE_MAX_NS;
	from = from > before ? from - before : 0;
	to = sat_add(to, after);
	/* Of one without an end all of it: whether its vCPU did something later. */
	if (length > 2 * EDGE_NS && !w->chain->open) {
		c->window[c->nr_windows++] = (struct window) { from, w->chain->start_ns + EDGE_NS,
							       chain };
		from = w->chain->end_ns - EDGE_NS;
		c->work[chain].misses_switches = c->work[chain].misses_own = true;
	}
	c->window[c->nr_windows++] = (struct window) { from, to, chain };
}

static void sort_windows(struct collector *c)
{
	for (u32 i = 0; i < c->chains->nr; i++)
		add_windows(c, i);
	if (c->nr_windows)
		qsort(c->window, c->nr_windows, sizeof(*c->window), compare_windows);
	for (u32 i = 0; i < c->nr_windows; i++)
		c->latest[i] = i && c->latest[i - 1] > c->window[i].to ? c->latest[i - 1] :
			       c->window[i].to;
}

static int compare_from(const void *key, const void *element)
{
	return *(const u64 *)key > ((const struct window *)element)->from;
}

/* Whether a frame from first to last may have rows of any window. */
static int collect__wants(void *ctx, const struct data_reader *r, const struct data_frame *f)
{
	struct collector *c = ctx;
	const struct data_event *event = data_reader__event(r, f->event);
	u64 end = f->last_ns + 1;
	u32 nr;

	if (!event || !chain_event__has_length(event->id))
		return 0;
	nr = lower_bound(&end, c->window, c->nr_windows, sizeof(*c->window), compare_from);
	if (!nr || c->latest[nr - 1] < f->first_ns)
		return 0;
	if (!c->fields[event->id].known)
		row_fields__resolve(&c->fields[event->id], event);
	return 1;
}

/* ---- what matters to an outlier ------------------------------------------ */

/* last: of all CPUs; NULL: nothing was read yet. */
static void add_cpu(struct chain_work *w, u32 cpu, const struct hash_table *last)
{
	const struct cpu_switch *now = last ? hash_table__find(last, &cpu) : NULL;

	if (cpu == NO_ID || chain_work__ran_on(w, cpu))
		return;
	if (w->nr_cpus == ARRAY_SIZE(w->cpus)) {
		w->misses_switches = true;
		return;
	}
	if (now)
		w->first[w->nr_cpus] = now->last;
	w->cpus[w->nr_cpus++] = cpu;
}

static void see_switch(struct chain_work *w, const struct chain_row *row)
{
	struct chain_switch sw;

	if (row->time_ns >= chain_work__since(w) || !chain_switch__of(&sw, row))
		return;
	for (u32 i = 0; i < w->nr_cpus; i++)
		if (w->cpus[i] == row->cpu)
			w->first[i] = sw;
}

/* What was kept for another expiry. */
static void forget_before(struct chain_work *w, u64 time_ns, const struct hash_table *last)
{
	u32 to = 0;

	for (u32 i = 0; i < w->nr_rows; i++)
		if (w->row[i].to_ns >= time_ns)
			w->row[to++] = w->row[i];
	w->nr_rows = to;
	for (u32 i = 0; i < w->nr_cpus; i++) {
		const struct cpu_switch *now = hash_table__find(last, &w->cpus[i]);

		w->slept[i].event = 0;
		if (now)
			w->first[i] = now->last;
	}
}

static void find_least(struct chain_work *w)
{
	w->least = 0;
	for (u32 i = 1; i < w->nr_rows; i++)
		if (w->row[i].weight < w->row[w->least].weight)
			w->least = i;
}

/* Keeps the most important ones. */
static void keep_around(struct chain_work *w, const struct chain_row *row)
{
	if (w->nr_rows < CHAIN_ROWS) {
		w->row[w->nr_rows++] = *row;
		if (w->nr_rows == CHAIN_ROWS)
			find_least(w);
		return;
	}
	w->chain->left_out++;
	if (w->row[w->least].weight >= row->weight) {
		w->misses_switches |= row->event == KVMW_EVENT_SCHED;
		w->misses_own |= row->event == KVMW_EVENT_SCHED && row->weight >= WEIGHT_DECIDES;
		return;
	}
	w->misses_switches |= w->row[w->least].event == KVMW_EVENT_SCHED;
	w->misses_own |= w->row[w->least].event == KVMW_EVENT_SCHED &&
			 w->row[w->least].weight >= WEIGHT_DECIDES;
	w->row[w->least] = *row;
	find_least(w);
}

/*
 * While its thread sleeps, who has the CPUs that it ran on does not matter, until it is woken:
 * whoever has one then may keep it waiting.
 */
static void see_sleep(struct chain_work *w, const struct chain_row *row)
{
	if (row->event != KVMW_EVENT_SCHED || row->kind == KVMW_sched_MIGRATE)
		return;
	w->asleep = row->kind == KVMW_sched_OUT && captured(row->v[SCHED_STATE]);
	for (u32 i = 0; i < w->nr_cpus; i++) {
		if (w->slept[i].event)
			keep_around(w, &w->slept[i]);
		w->slept[i].event = 0;
	}
}

static bool sleeps_through(struct chain_work *w, const struct chain_row *row)
{
	if (!w->asleep || row->event != KVMW_EVENT_SCHED || row->weight < WEIGHT_CPU)
		return false;
	for (u32 i = 0; i < w->nr_cpus; i++)
		if (w->cpus[i] == row->cpu)
			w->slept[i] = *row;
	return true;
}

/* The nearest cycles before and after, and what led to a timer's interrupt. */
static bool take_nearest(struct chain_work *w, const struct chain_row *row)
{
	u64 from = chain_work__since(w), to = w->chain->end_ns;

	if (row->event == KVMW_EVENT_EXIT && row->to_ns <= from) {
		w->before = *row;
		return true;
	}
	if (row->event == KVMW_EVENT_EXIT && row->time_ns >= to) {
		if (!w->after.event)
			w->after = *row;
		return true;
	}
	if (row->event != KVMW_EVENT_SCHED || row->time_ns >= from)
		return false;
	/* Off its CPU when the outlier began: since then. */
	w->woken = row->kind == KVMW_sched_WAKEUP;
	if (row->kind == KVMW_sched_OUT)
		w->out = *row;
	else if (row->kind == KVMW_sched_IN)
		w->out.event = 0;
	return true;
}

/* The last one before its acceptance, if it was of the kind that this one's acceptance tells. */
static bool take_assertion(struct chain_work *w, const struct chain_row *row, bool same_vm)
{
	if (w->self.event != KVMW_EVENT_IRQ || row->event != KVMW_EVENT_IRQ || !same_vm ||
	    row->time_ns > w->chain->start_ns || row->kind != w->self.v[IRQ_SOURCE] ||
	    !chain_work__is_irq_step(w, row))
		return false;
	w->asserted = *row;
	return true;
}

/* Of an interrupt that nothing asserted: the timer, if no other was accepted since it expired. */
static bool take_timer(struct chain_work *w, const struct chain_row *row,
		       const struct hash_table *last)
{
	const struct chain_row *self = &w->self;
	bool of_timer = self->event == KVMW_EVENT_TIMER ||
			(self->event == KVMW_EVENT_IRQ && !self->v[IRQ_SOURCE]);

	if (!of_timer || row->event != KVMW_EVENT_TIMER || row->time_ns > w->chain->start_ns ||
	    (row->kind != KVMW_timer_APIC_START && row->kind != KVMW_timer_APIC_EXPIRE))
		return false;
	if (row->kind == KVMW_timer_APIC_START) {
		w->armed = *row;
		return true;
	}
	w->expired = *row;
	forget_before(w, row->time_ns, last);
	return true;
}

static bool is_other_timer(const struct chain_work *w, const struct chain_row *row)
{
	return row->event == KVMW_EVENT_IRQ && row->kind == KVMW_irq_ACCEPT &&
	       !row->v[IRQ_SOURCE] && row->v[IRQ_DEST] == (u64)w->number &&
	       row->time_ns < w->chain->start_ns;
}

static bool is_self(const struct chain_work *w, const struct chain_row *row)
{
	const struct chain_row *self = &w->self;

	return row->event == self->event && row->time_ns == self->time_ns &&
	       row->span_ns == self->span_ns && row->vcpu == self->vcpu && row->tid == self->tid &&
	       row->kind == self->kind;
}

static void collect__offer(const struct collector *c, struct chain_work *w, struct chain_row *row,
			   u32 vm)
{
	bool own = chain_work__is_own(w, row), same_vm = w->vm != REC_NO_VM && vm == w->vm;

	if (w->followed)
		return;
	/* Rows excluded by --time and other options also show that its end was missed. */
	if (w->chain->open && row->vcpu == w->chain->vcpu && row->time_ns > w->chain->start_ns &&
	    (row->event == KVMW_EVENT_EXIT ||
	     (row->event == KVMW_EVENT_USERSPACE && w->self.event == row->event))) {
		w->followed = true;
		return;
	}
	see_switch(w, row);
	if (own && row->event == KVMW_EVENT_SCHED && row->time_ns <= w->chain->end_ns) {
		w->has_switches = true;
		add_cpu(w, row->cpu, &c->last);
	}
	if (is_self(w, row)) {
		w->self = *row;
		w->chain->cpu = row->cpu;
		add_cpu(w, row->cpu, &c->last);
		if (row->event == KVMW_EVENT_EXIT)
			add_cpu(w, row->v[EXIT_ENTRY_CPU], &c->last);
		return;
	}
	if (same_vm && w->expired.event && is_other_timer(w, row)) {
		w->expired.event = 0;
		forget_before(w, w->chain->start_ns, &c->last);
	}
	if (own)
		see_sleep(w, row);
	if ((own && (take_nearest(w, row) || take_timer(w, row, &c->last))) ||
	    take_assertion(w, row, same_vm))
		return;
	row->weight = chain_work__weight_of(w, row, own, same_vm);
	if (row->weight && (own || !sleeps_through(w, row)))
		keep_around(w, row);
}

/* ---- rows in order of time ----------------------------------------------- */

/* Which windows have this time: c->active. */
static void move_to(struct collector *c, u64 time_ns)
{
	u32 to = 0;

	for (u32 i = 0; i < c->nr_active; i++)
		if (c->window[c->active[i]].to >= time_ns)
			c->active[to++] = c->active[i];
	c->nr_active = to;
	for (; c->next < c->nr_windows && c->window[c->next].from <= time_ns; c->next++)
		if (c->window[c->next].to >= time_ns)
			c->active[c->nr_active++] = c->next;
}

/* Who the outliers are of: known once the first rows are read, when all frames have been seen. */
static void identify(struct collector *c)
{
	const struct recording *rec = c->chains->rec;

	for (u32 i = 0; !c->identified && i < c->chains->nr; i++) {
		struct chain_work *w = &c->work[i];
		const struct rec_vcpu *vcpu = recording__vcpu(rec, w->chain->vcpu);

		if (!vcpu)
			continue;
		w->vm = vcpu->vm;
		if (!rec_vcpu__is_vcpu(vcpu))
			continue;
		w->is_vcpu = true;
		w->number = vcpu->vcpu;
		if (w->chain->tid == NO_ID)
			w->chain->tid = vcpu->tid;
	}
	c->identified = true;
}

static int keep_last(struct collector *c, const struct chain_row *row)
{
	struct chain_switch sw;
	struct cpu_switch *on;

	if (!chain_switch__of(&sw, row))
		return 0;
	on = hash_table__get(&c->last, &row->cpu);
	if (!on)
		return -1;
	on->last = sw;
	return 0;
}

static int collect__rows(void *ctx, struct slice *s, u32 from, u32 to)
{
	struct collector *c = ctx;
	const struct recording *rec = c->chains->rec;
	struct chain_row row;

	identify(c);
	for (u32 i = from; i < to; i++) {
		const struct rec_vcpu *vcpu;

		move_to(c, slice__time(s, i));
		if (!c->nr_active)
			continue;
		chain_row__take(&row, &c->fields[s->event->id], s, i);
		vcpu = recording__vcpu(rec, row.vcpu);
		for (u32 k = 0; k < c->nr_active; k++)
			collect__offer(c, &c->work[c->window[c->active[k]].chain], &row,
				       vcpu ? vcpu->vm : REC_NO_VM);
		if (keep_last(c, &row))
			return -1;
	}
	return 0;
}

/* ---- from what was found to chains ---------------------------------------- */

static void begin_work(struct chain_work *w, struct chain *chain, const struct chain_key *key,
		       u32 event)
{
	*chain = (struct chain) {
		.event = event, .kind = key->kind, .vcpu = key->vcpu, .tid = key->tid, .cpu = NO_ID,
		.open = key->span_ns == KVMW_NONE, .length_ns = chain->length_ns,
		.gap = NR_CHAIN_PARTS,
		.wait_cpu = NO_ID,
	};
	w->chain = chain;
	w->self = (struct chain_row) {
		.event = event, .time_ns = key->time_ns, .span_ns = key->span_ns, .vcpu = key->vcpu,
		.tid = key->tid, .kind = key->kind, .cpu = key->cpu,
	};
	memset(w->self.v, 0xff, sizeof(w->self.v));
	if (event == KVMW_EVENT_IRQ)
		memcpy(w->self.v, key->irq, sizeof(key->irq));
	add_cpu(w, key->cpu, NULL);
	chain_row__set_extent(&w->self);
	chain->start_ns = w->self.from_ns;
	chain->end_ns = chain->open ? key->time_ns + chain->length_ns : w->self.to_ns;
	w->vm = REC_NO_VM;
	w->number = -1;
}

static int take_found(struct collector *c, struct chain_found *found)
{
	u32 which = c->chains->event != chain_found__event(found->arg.opt, 0), most = c->chains->nr;
	struct outliers *done = &found->done[which];

	outliers__sort(done);
	c->chains->list = mem__calloc(most ?: 1, sizeof(*c->chains->list));
	c->work = mem__calloc(most ?: 1, sizeof(*c->work));
	c->window = mem__calloc(2 * most + 1, sizeof(*c->window));
	c->latest = mem__calloc(2 * most + 1, sizeof(*c->latest));
	c->active = mem__calloc(2 * most + 1, sizeof(*c->active));
	if (!c->chains->list || !c->work || !c->window || !c->latest || !c->active)
		return -1;
	for (u32 i = 0; i < most; i++) {
		c->chains->list[i].length_ns = done->list[i].length;
		begin_work(&c->work[i], &c->chains->list[i], done->list[i].row, c->chains->event);
	}
	return 0;
}

/* Those whose end was missed are no outliers: nobody knows how long they took. */
static void drop_followed(struct collector *c)
{
	u32 to = 0;

	for (u32 i = 0; i < c->chains->nr; i++) {
		if (c->work[i].followed)
			continue;
		if (to != i) {
			c->chains->list[to] = c->chains->list[i];
			c->work[to] = c->work[i];
			c->work[to].chain = &c->chains->list[to];
		}
		to++;
	}
	c->chains->nr = to;
}

static int find_causes(struct collector *c, const struct report_options *opt)
{
	struct chain_context ctx = { .rec = c->chains->rec, .opt = opt,
				     .rep = { .rec = c->chains->rec, .opt = opt } };
	int ret = thread_names__init(&ctx.names, &ctx.rep);

	identify(c);
	drop_followed(c);
	for (u32 i = 0; !ret && i < c->chains->nr; i++)
		ret = chain_work__make_steps(&ctx, &c->work[i]);
	thread_names__free(&ctx.names);
	return ret;
}

int chains__read(struct chains *chains, void *found, const struct report_options *opt,
		 struct recording *rec, struct data_reader *r)
{
	struct collector c = { .chains = chains, .last = HASH_TABLE(struct cpu_switch, NULL) };
	struct timeline t = {
		.rec = rec, .max_bytes = HELD_BYTES, .ctx = &c, .wants = collect__wants,
		.rows = collect__rows,
	};
	int ret;

	chains->rec = rec;
	rec->wants_losses = true;
	ret = take_found(&c, found);
	if (!ret) {
		sort_windows(&c);
		ret = timeline__read(&t, r) ? -1 : 0;
	}
	/* The names of kinds are known after this. */
	if (recording__close_reader(rec, r, ret) || find_causes(&c, opt))
		ret = -1;
	hash_table__free(&c.last);
	free(c.active);
	free(c.latest);
	free(c.window);
	free(c.work);
	return ret;
}

void chains__free(struct chains *chains)
{
	for (u32 i = 0; chains->list && i < chains->nr; i++)
		free(chains->list[i].step);
	free(chains->list);
	*chains = (struct chains) { .rec = NULL };
}
