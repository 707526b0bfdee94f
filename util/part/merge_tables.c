// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "util/memory.h"
#include "util/part/cut.h"
#include "util/part/merge.h"

/* ---- rows that several parts have ------------------------------------------------ */

struct seen_row {
	struct { u64 event, hash[2]; } key;
	u32 input;		/* that has it, plus 1 */
};

/* 1: an earlier part has this row; 0; -1 out of memory. */
static int has_seen(struct merge *m, u32 event, const void *row, size_t size, u32 input)
{
	static const u64 seeds[2][2] = { { 1, 2 }, { 3, 4 } };
	struct seen_row key = { .key.event = event }, *seen;

	for (u32 i = 0; i < 2; i++)
		key.key.hash[i] = hash_bytes(seeds[i], row, size);
	if (!m->seen.entry_size)
		m->seen = HASH_TABLE(struct seen_row, &m->budget);
	seen = hash_table__get(&m->seen, &key.key);
	if (!seen)
		return -1;
	if (seen->input && seen->input != input + 1)
		return 1;
	seen->input = input + 1;
	return 0;
}

/* ---- what was read at the beginning and the end ------------------------------------ */

static u64 moment_of(const struct event_desc *event, const void *row)
{
	int field = event_desc__field(event, "moment", strlen("moment"));

	if (field < 0)
		field = event_desc__field(event, "kind", strlen("kind"));
	return field < 0 ? 1 : field_desc__value(&event->fields[field], row);
}

static int merge_tables__put_table(struct merge *m, u32 nr, u32 id, const struct rec_table *table,
				   u32 moment)
{
	const struct event_desc *event = event_desc__by_id(id);
	u8 *rows = mem__calloc(table->nr ?: 1, event->size);
	u32 kept = 0;
	int ret = rows ? 0 : -1;

	for (u32 i = 0; !ret && i < table->nr; i++) {
		const u8 *row = (const u8 *)table->rows + (size_t)i * event->size;

		if (moment_of(event, row) != moment)
			continue;
		ret = has_seen(m, id, row, event->size, nr);
		if (!ret)
			memcpy(rows + (size_t)kept++ * event->size, row, event->size);
		ret = ret < 0 ? -1 : 0;
	}
	ret = ret ?: part_out__rows(&m->out, id, rows, kept);
	free(rows);
	return ret;
}

static int put_tables_of(struct merge *m, u32 nr, u32 moment)
{
	const struct recording *rec = m->input[nr].rec;
	const struct { u32 event; const struct rec_table *table; } tables[] = {
		{ KVMW_EVENT_THREAD, &rec->threads }, { KVMW_EVENT_CGROUP, &rec->cgroups },
		{ KVMW_EVENT_HOST, &rec->host }, { KVMW_EVENT_SLOT, &rec->slots },
		{ KVMW_EVENT_VM_CONFIG, &rec->vm_configs },
		{ KVMW_EVENT_VCPU_CONFIG, &rec->vcpu_configs },
		{ KVMW_EVENT_VM_MEMORY, &rec->vm_memories },
	};

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		if (merge_tables__put_table(m, nr, tables[i].event, tables[i].table, moment))
			return -1;
	return 0;
}

int merge__put_tables(struct merge *m, u32 moment)
{
	u64 to_ns = 0;

	for (u32 i = 0; i < m->nr; i++)
		to_ns = m->input[i].to_ns > to_ns ? m->input[i].to_ns : to_ns;
	for (u32 i = 0; i < m->nr; i++) {
		bool at = moment == 1 ? m->input[i].from_ns == m->input[0].from_ns :
			  m->input[i].to_ns == to_ns;

		if (at && put_tables_of(m, i, moment))
			return -1;
	}
	return 0;
}

/* ---- sums ------------------------------------------------------------------------ */

static u64 merge_tables__known(u64 value)
{
	return value == KVMW_NONE ? 0 : value;
}

/* Whether an earlier part of the same time has it, if it is of a VM as a whole. */
static bool has_earlier(const struct merge *m, u32 nr,
			bool (*has)(const struct recording *rec, const void *row), const void *row)
{
	for (u32 i = 0; i < nr; i++)
		if (merge__overlap(&m->input[i], &m->input[nr]) && has(m->input[i].rec, row))
			return true;
	return false;
}

static bool has_slots_total(const struct recording *rec, const void *row)
{
	const struct agg *agg = row, *same = hash_table__find(&rec->totals.table, &agg->key);

	return agg->key.event == KVMW_EVENT_MEMSLOT && same && same->has_total;
}

/* A part of other VMs has those of none in particular, but with no count. */
static bool has_taken(const struct recording *rec, const void *row)
{
	const struct rec_taken *taken = row,
			       *same = hash_table__find(&rec->takens.table, &taken->key);

	return same && same->count >= taken->count;
}

static int add_totals(struct merge *m, u32 nr)
{
	const struct recording *rec = m->input[nr].rec;

	for (u32 i = 0; i < rec->totals.table.nr; i++) {
		const struct agg *agg = agg_table__at(&rec->totals, i);
		struct kvmw_total row = agg->total;

		row.vcpu = agg->key.vcpu;
		row.event = agg->key.event;
		row.isa = agg->key.isa;
		row.reason = agg->key.reason;
		row.halt_ns = merge_tables__known(row.halt_ns);
		row.poll_ns = merge_tables__known(row.poll_ns);
		row.wait_ns = merge_tables__known(row.wait_ns);
		row.block_ns = merge_tables__known(row.block_ns);
		row.throttled_ns = merge_tables__known(row.throttled_ns);
		if (agg->has_total && !has_earlier(m, nr, has_slots_total, agg) &&
		    keep_sums__add(&m->sums, KVMW_EVENT_TOTAL, &row))
			return -1;
	}
	return 0;
}

/* One of the two words that a name is recorded as, but for what was cleaned. */
static u64 comm_word(const char *comm, u32 nr)
{
	char raw[REC_COMM] = "";
	u64 word;

	snprintf(raw, sizeof(raw), "%s", comm);
	memcpy(&word, raw + nr * sizeof(word), sizeof(word));
	return word;
}

static int merge_tables__add_holders(struct merge *m, u32 nr)
{
	const struct recording *rec = m->input[nr].rec;

	for (u32 i = 0; i < rec->holders.table.nr; i++) {
		const struct rec_holder *h = rec_holders__at(&rec->holders, i);
		const struct kvmw_holder row = {
			.vcpu = h->key.vcpu, .place = h->key.place, .kind = h->kind,
			.tid = h->tid, .pid = h->pid, .number = h->number,
			.comm0 = comm_word(h->comm, 0), .comm1 = comm_word(h->comm, 1),
			.turns = h->turns, .time_ns = h->time_ns,
		};

		if (keep_sums__add(&m->sums, KVMW_EVENT_HOLDER, &row))
			return -1;
	}
	return 0;
}

static int add_takens(struct merge *m, u32 nr)
{
	const struct recording *rec = m->input[nr].rec;

	for (u32 i = 0; i < rec->takens.table.nr; i++) {
		const struct rec_taken *t = rec_takens__at(&rec->takens, i);
		const struct kvmw_taken row = {
			.place = t->key.place, .kind = t->kind, .pid = t->pid, .tid = t->tid,
			.tgid = t->tgid,
			.comm0 = comm_word(t->comm, 0), .comm1 = comm_word(t->comm, 1),
			.cause = t->cause, .syscall = t->syscall, .count = t->count,
			.bytes = t->bytes,
			.guest_count = t->guest_count, .guest_bytes = t->guest_bytes,
		};

		if (!has_earlier(m, nr, has_taken, t) &&
		    keep_sums__add(&m->sums, KVMW_EVENT_TAKEN, &row))
			return -1;
	}
	return 0;
}

static void merge_tables__without_unknown(const void *ctx, struct kvmw_total *row)
{
	const struct merge *m = ctx;

	for (u32 i = 0; i < m->nr; i++)
		part_total__without_unknown(m->input[i].rec, row);
}

/* Parts of the same time have the same recorder's cost. */
static int merge__put_cost(struct merge *m)
{
	struct kvmw_cost sum = { 0 };
	bool any = false;

	for (u32 i = 0; i < m->nr; i++) {
		const struct kvmw_cost *cost = &m->input[i].rec->cost;

		if (!m->input[i].rec->has_cost || m->input[i].beside)
			continue;
		any = true;
		sum.time_ns = cost->time_ns > sum.time_ns ? cost->time_ns : sum.time_ns;
		sum.bpf_ns += cost->bpf_ns;
		sum.bpf_events += cost->bpf_events;
		sum.cpu_ns += cost->cpu_ns;
		sum.events += cost->events;
		sum.bytes += cost->bytes;
	}
	return any ? part_out__rows(&m->out, KVMW_EVENT_COST, &sum, 1) : 0;
}

int merge__put_sums(struct merge *m)
{
	for (u32 i = 0; i < m->nr; i++) {
		/* What is of all events of a vCPU is in each of its parts by event. */
		if (add_totals(m, i) || add_takens(m, i) ||
		    (!m->input[i].again && merge_tables__add_holders(m, i)))
			return -1;
	}
	return part_out__sums(&m->out, &m->sums, merge_tables__without_unknown, m) ||
	       merge__put_cost(m) ? -1 : 0;
}

/* ---- rows ------------------------------------------------------------------------ */

/* Passes on the rows of a frame that no earlier part has, of those that it may have. */
static int merge_tables__put_unseen(struct merge *m, u32 nr, const struct data_frame *f,
				    bool (*may_have)(const struct merge_input *in, const void *row))
{
	struct merge_input *in = &m->input[nr];
	const struct event_desc *event = part_out__event(in->reader, f);
	union {
		struct kvmw_loss loss;
		struct kvmw_memslot slot;
	} row;
	u32 kept = 0;
	int ret = event ? part_out__decode(&m->out, in->reader, f, event, NULL) : 1;

	if (ret)
		return ret;
	for (u32 i = 0; i < f->rows; i++) {
		memset(&row, 0, sizeof(row));
		event_desc__row(event, m->out.col, i, &row);
		ret = may_have(in, &row) ? has_seen(m, event->id, &row, event->size, nr) : 0;
		if (ret < 0)
			return -1;
		m->out.keep[i] = !ret;
		kept += !ret;
	}
	return part_out__put_kept(&m->out, in->reader, f, event, kept);
}

/* Older recordings do not know of whom it is. */
static bool merge_tables__may_have_loss(const struct merge_input *in, const void *row)
{
	const struct kvmw_loss *loss = row;

	return loss->first_ns <= in->from_ns || loss->last_ns >= in->to_ns ||
	       loss->vcpu == UINT32_MAX;
}

int merge__losses(struct merge *m, u32 nr, const struct data_frame *f)
{
	return merge_tables__put_unseen(m, nr, f, merge_tables__may_have_loss);
}

static bool merge_tables__may_have_slot(const struct merge_input *in, const void *row)
{
	return true;
}

int merge__slots(struct merge *m, u32 nr, const struct data_frame *f)
{
	return merge_tables__put_unseen(m, nr, f, merge_tables__may_have_slot);
}
