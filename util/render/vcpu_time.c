// SPDX-License-Identifier: GPL-2.0
/* Where each vCPU's time went. */
#include <string.h>

#include "util/render/named_list.h"
#include "util/render/render.h"
#include "util/render/textgrid.h"
#include "util/render/units.h"

enum column {
	COL_LABEL,
	COL_GUEST,
	COL_KVM,
	COL_VMM,
	COL_POLLING,
	COL_HALTED,
	COL_WAITING,
	COL_THROTTLED,
	COL_BLOCKED,
	COL_OPEN,
	COL_NO_EXIT,
	COL_UNSEEN,
	COL_GONE,
	COL_COUNT,
	COL_THREAD,
	NR_COLUMNS
};

static const char *vcpu_time__heading(const struct report *rep, u32 col)
{
	static const char *const names[NR_COLUMNS] = {
		[COL_LABEL] = "vCPU", [COL_GUEST] = "guest", [COL_KVM] = "KVM", [COL_VMM] = "VMM",
		[COL_POLLING] = "poll", [COL_HALTED] = "halt", [COL_WAITING] = "wait",
		[COL_THROTTLED] = "throttled",
		[COL_BLOCKED] = "block", [COL_OPEN] = "open", [COL_NO_EXIT] = "no exit", [COL_UNSEEN] = "unseen",
		[COL_GONE] = "gone", [COL_COUNT] = "exits", [COL_THREAD] = "thread",
	};

	if (rep->event == KVMW_EVENT_USERSPACE && col == COL_GUEST)
		return "KVM_RUN";
	if (rep->event == KVMW_EVENT_USERSPACE && col == COL_NO_EXIT)
		return "no return";
	return rep->event == KVMW_EVENT_USERSPACE && col == COL_COUNT ? "returns" : names[col];
}

static u64 part(const struct report_vcpu *v, u32 col)
{
	const u64 parts[NR_COLUMNS] = {
		[COL_GUEST] = v->guest_ns, [COL_KVM] = v->kvm_ns, [COL_VMM] = v->vmm_ns,
		[COL_POLLING] = v->poll_ns, [COL_HALTED] = time__less(v->halt_ns, v->poll_ns),
		[COL_WAITING] = time__less(v->wait_ns, v->throttled_ns),
		[COL_THROTTLED] = v->throttled_ns,
		[COL_BLOCKED] = v->block_ns, [COL_OPEN] = v->time.open_ns,
		[COL_NO_EXIT] = v->count ? 0 : v->time.unseen_ns,
		[COL_UNSEEN] = v->count ? v->time.unseen_ns : 0, [COL_GONE] = v->time.gone_ns,
	};

	return parts[col];
}

static bool vcpu_time__shown(const struct report *rep, u32 col)
{
	bool exit = rep->event == KVMW_EVENT_EXIT, window = rep->rec->window.active;

	switch (col) {
	case COL_KVM:
	case COL_POLLING:
	case COL_HALTED:
	case COL_WAITING:
	case COL_THROTTLED:
	case COL_BLOCKED:
		return exit;
	case COL_OPEN:
	case COL_NO_EXIT:
	case COL_UNSEEN:
	case COL_GONE:
		return !window;
	default:
		return true;
	}
}

static void vcpu_time__add_cell(struct textgrid *g, const struct report_vcpu *v, u32 col)
{
	char buf[UNITS_MAX];

	switch (col) {
	case COL_LABEL:
		textgrid__add(g, "%s", v->label);
		break;
	case COL_COUNT:
		textgrid__count(g, v->count);
		break;
	case COL_THREAD:
		if (v->tid)
			textgrid__add(g, "%u%s%s", v->tid, *v->comm ? " " : "", v->comm);
		else
			textgrid__add(g, "%s", "");
		break;
	default:
		textgrid__add(g, "%s", units__share(part(v, col), v->time.wall_ns, buf));
	}
}

#define LEGEND_OF_VCPU	1	/* percent of a vCPU's time: such a column is worth explaining */

static bool vcpu_time__matters(const struct report *rep, u32 col)
{
	for (u32 i = 0; i < rep->nr_vcpus; i++) {
		u64 ns = part(&rep->vcpu[i], col);

		if (ns != KVMW_NONE && ns &&
		    ns * 100.0 >= (double)rep->vcpu[i].time.wall_ns * LEGEND_OF_VCPU)
			return true;
	}
	return false;
}

/* What the headings mean that no bar above says.  shown: a bit for each column of the grid. */
static void vcpu_time__legend(const struct screen *s, const struct report *rep, u32 shown)
{
	bool exit = rep->event == KVMW_EVENT_EXIT;
	const char *const meaning[NR_COLUMNS] = {
		[COL_BLOCKED] = "asleep in the VMM, or for a page or a lock",
		[COL_OPEN] = exit ? "since its last exit, which has no end" : "since its last return, which has no end",
		[COL_UNSEEN] = exit ? "before its first exit, since its last VM entry, or where an entry was missed" :
				      "before its first return, since its last KVM_RUN, or where one was missed",
		[COL_GONE] = "after it was destroyed, or its thread ended",
	};
	char words[320] = "";
	size_t len = 0;
	u32 at = 0;

	for (u32 col = 0; col < NR_COLUMNS; col++) {
		if (!vcpu_time__shown(rep, col))
			continue;
		if (meaning[col] && shown >> at & 1 && vcpu_time__matters(rep, col))
			len += snprintf(words + len, sizeof(words) - len, "%s%s: %s",
					len ? ". " : "", vcpu_time__heading(rep, col),
					meaning[col]);
		at++;
	}
	if (!len)
		return;
	screen__color(s, COLOR_DIM);
	screen__wrap(s, "# ", "# ", words);
	screen__plain(s);
}

static int vcpu_time__table(const struct screen *s, const struct report *rep)
{
	static const u8 ranks[NR_COLUMNS] = {
		[COL_THREAD] = 4, [COL_BLOCKED] = 3, [COL_COUNT] = 2, [COL_UNSEEN] = 1,
	};
	struct textgrid_col cols[NR_COLUMNS];
	u8 drop[NR_COLUMNS];
	struct textgrid g;
	u32 nr = 0;

	for (u32 col = 0; col < NR_COLUMNS; col++) {
		if (!vcpu_time__shown(rep, col))
			continue;
		drop[nr] = ranks[col];
		cols[nr++] = (struct textgrid_col) {
			.head = vcpu_time__heading(rep, col),
			.left = col == COL_LABEL || col == COL_THREAD,
			.dull = col > COL_GUEST && col < COL_COUNT,
		};
	}
	textgrid__init(&g, cols, nr);
	g.drop = drop;
	for (u32 i = 0; i < rep->nr_vcpus; i++)
		for (u32 col = 0; col < NR_COLUMNS; col++)
			if (vcpu_time__shown(rep, col))
				vcpu_time__add_cell(&g, &rep->vcpu[i], col);
	if (textgrid__finish(&g, s))
		return -1;
	vcpu_time__legend(s, rep, g.shown);
	return 0;
}

#define OPEN_OF_VCPU	5	/* percent of its time: the last exit is named */

static void say_what_happened(const struct screen *s, const struct report *rep)
{
	struct named_list died = { 0 }, gaps = { 0 }, idle = { 0 }, open = { 0 };

	for (u32 i = 0; i < rep->nr_vcpus; i++) {
		const struct report_vcpu *v = &rep->vcpu[i];

		if (v->died_ns != KVMW_NONE)
			named_list__add(&died, "vCPU %s at %.3f s", v->label, v->died_ns / 1e9);
		if (*v->open_exit &&
		    v->time.open_ns * 100.0 >= (double)v->time.wall_ns * OPEN_OF_VCPU)
			named_list__add(&open, "vCPU %s for %.3f s after %s", v->label,
					v->time.open_ns / 1e9, v->open_exit);
		if (v->time.gaps)
			named_list__add(&gaps, "%llu of vCPU %s", (unsigned long long)v->time.gaps,
					v->label);
		if (!v->count && !report__is_idle(rep, v->id))
			named_list__add(&idle, "vCPU %s", v->label);
	}
	named_list__print(s, "Open", &open);
	named_list__print(s, "Died", &died);
	named_list__print(s, rep->event == KVMW_EVENT_EXIT ? "Never exited" : "Never returned",
			  &idle);
	named_list__print(s, rep->event == KVMW_EVENT_EXIT ?
			  "Gaps (the next VM entry was missed)" :
			  "Gaps (the next KVM_RUN was missed)", &gaps);
}

int render__vcpus(const struct screen *s, const struct report *rep)
{
	if (!rep->nr_vcpus)
		return 0;
	if (rep->rec->window.active)
		fputs("\nWhere each vCPU's time went, in the cycles of that window:\n", s->out);
	else if (rep->nr_files)
		fputs("\nWhere each vCPU's time went, in its own recording:\n", s->out);
	else
		fprintf(s->out, "\nWhere each vCPU's time went, of %.3f s%s:\n",
			rep->duration_ns / 1e9, !rep->filtered ? "" :
			rep->event == KVMW_EVENT_EXIT ? ", all exits" :
			", all returns");
	if (vcpu_time__table(s, rep))
		return -1;
	say_what_happened(s, rep);
	return 0;
}
