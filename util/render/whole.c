// SPDX-License-Identifier: GPL-2.0
/*
 * Where the time of all vCPUs went, as bars. A name begins with the word that is the heading of its
 * column in the tables below.
 */
#include <stdlib.h>

#include "util/render/render.h"
#include "util/render/units.h"

#define BAR_MIN	20
#define BAR_MAX	50

struct whole_part {
	const char *name;
	u64 ns;
	enum color color;
};

static int compare_parts(const void *a, const void *b)
{
	const struct whole_part *x = a, *y = b;

	return x->ns > y->ns ? -1 : x->ns < y->ns;
}

/* A part that is too small for a percentage says nothing. */
static bool is_worth_a_line(const struct report_whole *w, const struct whole_part *part)
{
	return part->ns >= w->wall_ns / 1000 && part->ns;
}

void render__whole(const struct screen *s, const struct report *rep)
{
	const struct report_whole *w = &rep->whole;
	bool exit = rep->event == KVMW_EVENT_EXIT;
	u64 throttled_ns = w->throttled_ns == KVMW_NONE ? 0 : w->throttled_ns;
	struct whole_part parts[] = {
		{ exit ? "guest" : "KVM_RUN", w->guest_ns, COLOR_GREEN },
		{ "KVM", w->kvm_ns, COLOR_YELLOW }, { "VMM", w->vmm_ns, COLOR_MAGENTA },
		{ "poll before a halt", w->poll_ns, COLOR_CYAN },
		{ "halt", time__less(w->halt_ns, w->poll_ns), COLOR_BLUE },
		{ "wait for a CPU", time__less(w->wait_ns, w->throttled_ns), COLOR_RED },
		{ "throttled by quota", throttled_ns, COLOR_RED }, { "block, other sleep", w->block_ns, COLOR_RED },
		{ exit ? "open exit" : "open return", w->open_ns, COLOR_RED },
		{ exit ? "no exit" : "no return", w->no_exit_ns, COLOR_DIM },
		{ "unseen", time__less(w->unseen_ns, w->no_exit_ns), COLOR_DIM }, { "gone", w->gone_ns, COLOR_DIM },
	};
	u32 room = s->width > 36 ? s->width - 36 : 0, bar = room < BAR_MAX ? room : BAR_MAX;
	char buf[UNITS_MAX];

	if (!w->wall_ns || bar < BAR_MIN)
		return;
	qsort(parts, ARRAY_SIZE(parts), sizeof(*parts), compare_parts);
	for (size_t i = 0; i < ARRAY_SIZE(parts) && is_worth_a_line(w, &parts[i]); i++) {
		/* Times of a recording that is wrong may be more than the whole. */
		u32 blocks = parts[i].ns < w->wall_ns ?
			     (double)parts[i].ns / w->wall_ns * bar + 0.5 : bar;

		fprintf(s->out, "  %-18s %6s ", parts[i].name,
			units__share(parts[i].ns, w->wall_ns, buf));
		screen__color(s, parts[i].color);
		for (u32 k = 0; k < (blocks ?: 1); k++)
			fputs(screen__block(s, 1, 1), s->out);
		screen__plain(s);
		fputc('\n', s->out);
	}
	fputc('\n', s->out);
}
