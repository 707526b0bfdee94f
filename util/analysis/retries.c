// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "util/analysis/hist.h"
#include "util/analysis/retries.h"
#include "util/analysis/span_table.h"
#include "util/search.h"

static u64 fault_end(const struct refault_fault *f)
{
	return sat_add(f->time_ns, captured(f->span_ns));
}

static int retries__by_end(const void *a, const void *b)
{
	const struct refault *x = a, *y = b;

	COMPARE(fault_end(x->fault), fault_end(y->fault));
	COMPARE(x->fault->time_ns, y->fault->time_ns);
	return 0;
}

static bool is_placed(const struct refault *re)
{
	return re->page != KVMW_NONE && re->fault->pid && re->fault->span_ns != KVMW_NONE;
}

static int add_pages(struct taken_pages *pages, const struct refault_list *list)
{
	for (u32 i = 0; i < list->nr; i++) {
		const struct refault *re = &list->fault[i];

		if (is_placed(re) && (taken_pages__add(pages, re->fault->pid, re->page) ||
				      taken_pages__add(pages, re->fault->pid, TAKEN_ANY_PAGE)))
			return -1;
	}
	return taken_pages__sort(pages);
}

/* The last row that covered such a page of the fault's VM; NULL: none. */
static const struct refault_taken *last_row(const struct taken_pages *pages,
					    const struct refault *re, u64 page,
					    const struct refault_rows *rows,
					    const struct recording *rec)
{
	u32 row = taken_pages__last(pages, re->fault->pid, page);
	const struct refault_taken *t = row ? &rows->taken[row - 1] : NULL;

	return t && refault_taken__is_of(t, rec, re->fault) ? t : NULL;
}

static void add_retry(struct retry_sum *sum, u64 span_ns)
{
	sum->count++;
	sum->span_ns = sat_add(sum->span_ns, captured(span_ns));
}

/* The rows up to the end of the fault have covered pages. */
static void count_retry(struct retries *found, const struct refault *re,
			const struct refault_taken *page, const struct refault_taken *any,
			struct refault_counter to[3])
{
	u64 begin = re->fault->time_ns, span = re->fault->span_ns;

	if (page && page->time_ns >= begin)
		refaults__count(&to[0], page, span);
	else if (any && any->time_ns >= begin)
		refaults__count(&to[1], any, span);
	else if (page && page->time_ns >= re->before_ns)
		refaults__count(&to[2], page, span);
	else
		add_retry(&found->without, span);
}

static bool rows_are_known(const struct recording *rec)
{
	/* Of one vCPU, nothing is recorded that other threads do. */
	if (rec->meta.some_vcpus)
		return false;
	return rec->event_rows[KVMW_EVENT_MMU] ||
	       (report__was_asked_for(rec, "mmu") && !rec->meta.skipped[KVMW_EVENT_MMU]);
}

int retries__join(struct retries *found, struct refault_list *list, const struct refault_rows *rows,
		  const struct thread_names *names)
{
	struct refault_counter to[] = {
		{ .found = &found->page, .names = names },
		{ .found = &found->elsewhere, .names = names },
		{ .found = &found->before, .names = names },
	};
	const struct recording *rec = names->rep->rec;
	struct taken_pages pages = { .budget = rows->budget };
	int ret = -1;

	found->known = rows_are_known(rec);
	if (!found->known || !list->nr)
		return 0;
	if (add_pages(&pages, list))
		goto out;
	qsort(list->fault, list->nr, sizeof(*list->fault), retries__by_end);
	for (u32 i = 0, next = 0; i < list->nr; i++) {
		const struct refault *re = &list->fault[i];

		add_retry(&found->all, re->fault->span_ns);
		if (!is_placed(re)) {
			add_retry(&found->unknown, re->fault->span_ns);
			continue;
		}
		for (; next < rows->nr_taken && rows->taken[next].time_ns <= fault_end(re->fault);
		     next++)
			refault_taken__cover(rows, next, &pages);
		count_retry(found, re, last_row(&pages, re, re->page, rows, rec),
			    last_row(&pages, re, TAKEN_ANY_PAGE, rows, rec), to);
	}
	for (u32 i = 0; i < ARRAY_SIZE(to); i++)
		refaults__sort(to[i].found);
	ret = 0;
out:
	taken_pages__free(&pages);
	return ret;
}
