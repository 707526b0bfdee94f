// SPDX-License-Identifier: GPL-2.0
/* The steps of a chain, in order of time. */
#include <stdlib.h>
#include <string.h>

#include "util/analysis/chain/internal.h"
#include "util/memory.h"
#include "util/search.h"
#include "util/text.h"

static void chain_steps__add(const struct chain_context *c, struct chain_work *w,
			     const struct chain_row *row, enum chain_role role,
			     const struct chain_row *gap)
{
	struct chain *chain = w->chain;
	struct chain_step *step = &chain->step[chain->nr_steps];

	if (!row->event)
		return;
	chain->nr_steps++;
	*step = (struct chain_step) {
		.role = role, .made_it_long = row == gap && role != CHAIN_ENTERED,
		.time_ns = row->time_ns,
		.span_ns = row->span_ns, .event = row->event, .kind = row->kind, .vcpu = row->vcpu,
		.tid = row->tid, .cpu = row->cpu,
	};
	if (role == CHAIN_ENTERED) {
		step->time_ns = row->to_ns;
		step->span_ns = KVMW_NONE;
		step->cpu = row->v[EXIT_ENTRY_CPU];
	}
	chain_words__row(c, row, role, step->what, sizeof(step->what));
}

/* A name that was cut to fit may end within a character. */
static void make_whole(char *text, size_t size)
{
	char copy[CHAIN_CAUSE];

	snprintf(copy, sizeof(copy), "%s", text);
	text__clean_into(text, size, copy);
}

static void make_texts_whole(struct chain *chain)
{
	make_whole(chain->who, sizeof(chain->who));
	make_whole(chain->cause, sizeof(chain->cause));
	make_whole(chain->last_holder, sizeof(chain->last_holder));
	for (u32 i = 0; i < chain->nr_holders; i++)
		make_whole(chain->holder[i].name, sizeof(chain->holder[i].name));
	for (u32 i = 0; i < chain->nr_unknown; i++)
		make_whole(chain->unknown[i], sizeof(chain->unknown[i]));
	for (u32 i = 0; i < chain->nr_steps; i++)
		make_whole(chain->step[i].what, sizeof(chain->step[i].what));
}

/* The cycle after which the vCPU was in the guest again: the first that ends after the outlier. */
static const struct chain_row *entry_of(const struct chain_work *w)
{
	const struct chain_row *first = NULL;

	if (w->self.event == KVMW_EVENT_EXIT)
		return w->chain->open ? NULL : &w->self;
	if (w->self.event == KVMW_EVENT_IOCTL || w->self.event == KVMW_EVENT_MEMSLOT)
		return NULL;
	for (u32 i = 0; i < w->nr_rows; i++) {
		const struct chain_row *row = &w->row[i];

		if (row->event == KVMW_EVENT_EXIT && row->span_ns != KVMW_NONE &&
		    row->to_ns >= w->chain->end_ns && (!first || row->to_ns < first->to_ns))
			first = row;
	}
	return first;
}

static int in_order_of_time(const void *a, const void *b)
{
	const struct chain_step *x = a, *y = b;

	COMPARE(x->time_ns, y->time_ns);
	COMPARE(x->event, y->event);
	COMPARE(x->kind, y->kind);
	COMPARE(x->tid, y->tid);
	return strcmp(x->what, y->what);
}

int chain_work__make_steps(const struct chain_context *c, struct chain_work *w)
{
	struct chain *chain = w->chain;
	const struct chain_row *gap, *entry;
	struct chain_parts parts;

	chain->step = mem__calloc(CHAIN_STEPS, sizeof(*chain->step));
	if (!chain->step)
		return -1;
	chain_words__who(c, chain->vcpu, chain->tid, chain->who, sizeof(chain->who));
	chain_work__find_parts(c, w, &parts);
	chain_work__say_cause(c, w, &parts);
	gap = chain->gap == CHAIN_THROTTLED ? parts.row[CHAIN_WAITING] :
	      chain->gap < NR_CHAIN_PARTS ? parts.row[chain->gap] : NULL;
	gap = gap ?: &w->self;
	entry = entry_of(w);
	chain_steps__add(c, w, &w->before, CHAIN_BEFORE, gap);
	chain_steps__add(c, w, &w->out, CHAIN_AROUND, gap);
	chain_steps__add(c, w, &w->asserted, CHAIN_AROUND, gap);
	chain_steps__add(c, w, &w->armed, CHAIN_AROUND, gap);
	chain_steps__add(c, w, &w->expired, CHAIN_AROUND, gap);
	for (u32 i = 0; i < w->nr_rows; i++)
		chain_steps__add(c, w, &w->row[i], CHAIN_AROUND, gap);
	chain_steps__add(c, w, &w->self, CHAIN_SELF, gap);
	if (entry)
		chain_steps__add(c, w, entry, CHAIN_ENTERED, gap);
	chain_steps__add(c, w, &w->after, CHAIN_AFTER, gap);
	qsort(chain->step, chain->nr_steps, sizeof(*chain->step), in_order_of_time);
	make_texts_whole(chain);
	return 0;
}

const char *chain_part__name(enum chain_part part)
{
#define CHAIN_PART_NAME(NAME, name, label) [CHAIN_##NAME] = #name,
	static const char *const names[] = { CHAIN_PARTS(CHAIN_PART_NAME) };

	return names[part];
}

const char *chain_part__label(enum chain_part part)
{
#define CHAIN_PART_LABEL(NAME, name, label) [CHAIN_##NAME] = label,
	static const char *const labels[] = { CHAIN_PARTS(CHAIN_PART_LABEL) };

	return labels[part];
}

const char *chain_role__name(enum chain_role role)
{
	static const char *const names[NR_CHAIN_ROLES] = {
		[CHAIN_SELF] = "self", [CHAIN_BEFORE] = "before", [CHAIN_AFTER] = "after",
		[CHAIN_AROUND] = "around", [CHAIN_ENTERED] = "entered",
	};

	return names[role];
}
