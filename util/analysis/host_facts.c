// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "util/analysis/host_facts.h"
#include "util/hash_table.h"

struct joined_fact {
	struct { u32 kind, text; } key;		/* text: of those that there are several of */
	const struct kvmw_host *row[2];		/* start, end */
};

static const struct kind_desc *host_kind(u32 number)
{
	return event_desc__kind(event_desc__by_id(KVMW_EVENT_HOST), number);
}

static bool is_time(u32 kind)
{
	return kind == KVMW_host_STEAL || kind == KVMW_host_IDLE;
}

static void fill_fact(struct host_fact *fact, const struct joined_fact *j,
		      const struct recording *rec)
{
	const struct kvmw_host *start = j->row[0], *end = j->row[1], *last = end ?: start;
	bool both = start && end;
	const struct kind_desc *kind = host_kind(j->key.kind);
	double all;

	*fact = (struct host_fact) {
		.kind = kind->number, .name = kind->name, .doc = kind->doc,
		.text = recording__text(rec, last->text) ?: "", .value = last->value,
		.change = KVMW_NONE, .percent = -1,
	};
	if (!both || start->value == KVMW_NONE || end->value == KVMW_NONE ||
	    (is_time(fact->kind) && end->value < start->value))
		return;
	fact->change = end->value - start->value;
	all = (double)rec->meta.cpus * (end->time_ns - start->time_ns);
	if (is_time(fact->kind) && end->time_ns > start->time_ns && all > 0) {
		fact->percent = 100.0 * fact->change / all;
		/* It is counted in ticks. */
		fact->percent = fact->percent > 100 ? 100 : fact->percent;
	}
}

static int by_kind_and_text(const void *a, const void *b)
{
	const struct host_fact *x = a, *y = b;

	return x->kind != y->kind ? (x->kind < y->kind ? -1 : 1) : strcmp(x->text, y->text);
}

static int join_facts(struct hash_table *joined, const struct rec_table *rows)
{
	for (u32 i = 0; i < rows->nr; i++) {
		const struct kvmw_host *row = rec_table__host(rows, i);
		const struct joined_fact key = {
			.key = { row->kind, row->kind == KVMW_host_VULNERABILITY ? row->text : 0 },
		};
		struct joined_fact *j;

		/* From a newer version. */
		if (!host_kind(row->kind) || (row->moment != 1 && row->moment != 2))
			continue;
		j = hash_table__get(joined, &key.key);
		if (!j)
			return -1;
		j->row[row->moment - 1] = row;
	}
	return 0;
}

int host_facts__make(struct host_facts *facts, const struct recording *rec)
{
	struct hash_table joined = HASH_TABLE(struct joined_fact, NULL);
	int err;

	memset(facts, 0, sizeof(*facts));
	err = join_facts(&joined, &rec->host);
	if (!err) {
		facts->fact = calloc(joined.nr ?: 1, sizeof(*facts->fact));
		err = facts->fact ? 0 : out_of_memory();
	}
	for (u32 i = 0; i < joined.nr && !err; i++)
		fill_fact(&facts->fact[facts->nr++], hash_table__at(&joined, i), rec);
	if (facts->nr)
		qsort(facts->fact, facts->nr, sizeof(*facts->fact), by_kind_and_text);
	hash_table__free(&joined);
	return err;
}

void host_facts__free(struct host_facts *facts)
{
	free(facts->fact);
	memset(facts, 0, sizeof(*facts));
}

const struct host_fact *host_facts__find(const struct host_facts *facts, u32 kind)
{
	for (u32 i = 0; i < facts->nr; i++)
		if (facts->fact[i].kind == kind)
			return &facts->fact[i];
	return NULL;
}
