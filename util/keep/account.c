// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "util/keep/account.h"
#include "util/arch/reason.h"

#define NR_PARTS	6	/* as in struct event_desc */

struct account_key {
	u32 vcpu, event, isa, reason;
};

struct counted {
	struct account_key key;
	struct kvmw_total now;		/* of this second */
	struct kvmw_total since;	/* of the rows since the last reading */
	struct kvmw_total last, next;	/* readings; the next one when all its rows have come */
	u64 rows;			/* completed ones, of all times */
	bool waits;			/* next is one */
};

/* Where a row has what its total is of. */
struct columns {
	int vcpu, isa, reason, span, gap, part[NR_PARTS];
};

void account__init(struct account *a)
{
	a->keys = HASH_TABLE(struct counted, NULL);
}

void account__free(struct account *a)
{
	hash_table__free(&a->keys);
}

static int account__column(const struct event_desc *event, const char *name)
{
	return name ? event_desc__field(event, name, strlen(name)) : -1;
}

static struct columns account__columns_of(const struct event_desc *event)
{
	struct columns c = {
		.vcpu = account__column(event, "vcpu"),
		.isa = event->class == EVENT_CYCLE ? account__column(event, "isa") : -1,
		.reason = account__column(event, event->reason),
		.span = account__column(event, event->span),
		.gap = account__column(event, event->gap),
	};

	for (u32 i = 0; i < NR_PARTS; i++)
		c.part[i] = account__column(event, event->parts[i]);
	return c;
}

bool account__needs(const struct event_desc *event, u32 field)
{
	const struct columns c = account__columns_of(event);
	const int needed[] = { c.vcpu, c.isa, c.reason, c.span, c.gap };

	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		if (needed[i] == (int)field)
			return true;
	for (u32 i = 0; i < NR_PARTS; i++)
		if (c.part[i] == (int)field)
			return true;
	return false;
}

/* Rows as the recorder has them, or columns as a file does. */
struct source {
	const struct event_desc *event;
	const u8 *rows;
	u64 *const *col;	/* NULL: rows */
};

/* All ones where there is none. */
static u64 account__value(const struct source *from, int field, u32 i)
{
	if (field < 0)
		return KVMW_NONE;
	return from->col ? from->col[field][i] :
	       field_desc__value(&from->event->fields[field],
				 from->rows + (size_t)i * from->event->size);
}

static void account__add_row(struct kvmw_total *to, const struct source *from,
			     const struct columns *c, u32 row)
{
	u64 *const part[NR_PARTS] = { &to->user_ns, &to->halt_ns, &to->poll_ns, &to->wait_ns,
				      &to->block_ns, &to->throttled_ns };
	u64 span = account__value(from, c->span, row);

	to->count++;
	to->gap_ns += captured(account__value(from, c->gap, row));
	if (span == KVMW_NONE)
		return;
	to->done++;
	to->span_ns += span;
	for (u32 i = 0; i < NR_PARTS; i++)
		*part[i] += captured(account__value(from, c->part[i], row));
}

void account__add(struct kvmw_total *to, const struct kvmw_total *from)
{
	to->count += from->count;
	to->done += from->done;
	to->lost += from->lost;
	to->gap_ns += from->gap_ns;
	to->span_ns += from->span_ns;
	to->user_ns += from->user_ns;
	to->halt_ns += from->halt_ns;
	to->poll_ns += from->poll_ns;
	to->wait_ns += from->wait_ns;
	to->block_ns += from->block_ns;
	to->left_out += from->left_out;
	to->throttled_ns += from->throttled_ns;
}

/* What is in now and not in before, nor in the rows since. A vCPU may be between two additions. */
static u64 more(u64 now, u64 before, u64 rows)
{
	return now > before && now - before > rows ? now - before - rows : 0;
}

/* What has no record since the last reading. */
static void take_reading(const struct account *a, struct counted *c)
{
	const struct kvmw_total *n = &c->next, *l = &c->last, *s = &c->since;
	u64 lost = n->lost - l->lost, left_out = n->left_out - l->left_out;
	struct kvmw_total extra = { .count = lost + left_out, .lost = lost, .left_out = left_out };

	if (extra.count) {
		extra.done = more(n->done, l->done, s->done);
		if (extra.done > extra.count)
			extra.done = extra.count;
	}
	/* Of all other reasons together: their rows have keys of their own. */
	if (extra.count && c->key.reason != KVMW_REASON_OTHER) {
		extra.gap_ns = more(n->gap_ns, l->gap_ns, s->gap_ns);
		extra.span_ns = more(n->span_ns, l->span_ns, s->span_ns);
		extra.user_ns = more(n->user_ns, l->user_ns, s->user_ns);
		extra.halt_ns = more(n->halt_ns, l->halt_ns, s->halt_ns);
		extra.poll_ns = more(n->poll_ns, l->poll_ns, s->poll_ns);
		extra.wait_ns = more(n->wait_ns, l->wait_ns, s->wait_ns);
		extra.block_ns = more(n->block_ns, l->block_ns, s->block_ns);
		extra.throttled_ns = more(n->throttled_ns, l->throttled_ns, s->throttled_ns);
	}
	if (!a->aside)
		account__add(&c->now, &extra);
	c->last = c->next;
	memset(&c->since, 0, sizeof(c->since));
	c->waits = false;
}

/*
 * Records of completed events that the next reading has counted; rows of other reasons have keys of
 * their own.
 */
static bool has_come(const struct counted *c)
{
	if (c->key.reason == KVMW_REASON_OTHER)
		return c->waits;
	return c->waits && c->rows + c->next.lost + c->next.left_out >= c->next.done;
}

static int account__take(struct account *a, const struct source *from, u32 nr)
{
	const struct columns col = account__columns_of(from->event);
	struct account_key last = { 0 };
	struct counted *c = NULL;

	for (u32 i = 0; i < nr; i++) {
		struct account_key key = {
			.vcpu = account__value(from, col.vcpu, i),
			.event = from->event->id,
			.isa = col.isa < 0 ? 0 : account__value(from, col.isa, i),
			.reason = account__value(from, col.reason, i),
		};
		u64 done;

		/* Entries stay where they are until there is another one. */
		if (!c || memcmp(&key, &last, sizeof(key))) {
			c = hash_table__get(&a->keys, &key);
			if (!c)
				return -1;
			last = key;
		}
		done = c->since.done;
		if (!a->aside)
			account__add_row(&c->now, from, &col, i);
		account__add_row(&c->since, from, &col, i);
		c->rows += c->since.done - done;
		if (has_come(c))
			take_reading(a, c);
	}
	return 0;
}

int account__rows(struct account *a, const struct event_desc *event, const u8 *rows, u32 nr)
{
	return account__take(a, &(struct source) { .event = event, .rows = rows }, nr);
}

int account__columns(struct account *a, const struct event_desc *event, u64 *const *col, u32 nr)
{
	return account__take(a, &(struct source) { .event = event, .col = col }, nr);
}

int account__begun(struct account *a, const struct kvmw_total *row)
{
	const struct account_key key = { row->vcpu, row->event, row->isa, row->reason };
	struct counted *c = hash_table__get(&a->keys, &key);

	if (!c)
		return -1;
	account__add(&c->now, row);
	return 0;
}

int account__counted(struct account *a, const struct kvmw_total *rows, u32 nr)
{
	for (u32 i = 0; i < nr; i++) {
		const struct account_key key = { rows[i].vcpu, rows[i].event, rows[i].isa,
						 rows[i].reason };
		struct counted *c = hash_table__get(&a->keys, &key);

		if (!c)
			return -1;
		c->next = rows[i];
		c->waits = true;
		if (has_come(c))
			take_reading(a, c);
	}
	return 0;
}

static bool counted__may_come(const void *identity, const void *entry)
{
	const struct counted *c = entry;

	return !identity__is_over(identity, c->key.vcpu);
}

void account__forget(struct account *a, const struct identity *identity)
{
	hash_table__keep(&a->keys, counted__may_come, identity);
}

int account__end(struct account *a, int (*take)(void *arg, const struct kvmw_total *row), void *arg)
{
	for (u32 i = 0; i < a->keys.nr; i++) {
		struct counted *c = hash_table__at(&a->keys, i);

		if (!c->now.count)
			continue;
		c->now.vcpu = c->key.vcpu;
		c->now.event = c->key.event;
		c->now.isa = c->key.isa;
		c->now.reason = c->key.reason;
		if (take(arg, &c->now))
			return -1;
		memset(&c->now, 0, sizeof(c->now));
	}
	return 0;
}

void account__restart(struct account *a)
{
	for (u32 i = 0; i < a->keys.nr; i++) {
		struct counted *c = hash_table__at(&a->keys, i);

		memset(&c->now, 0, sizeof(c->now));
	}
}
