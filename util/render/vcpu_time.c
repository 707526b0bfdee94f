// SPDX-License-Identifier: GPL-2.0
/* Where each vCPU's time went. */
#include <string.h>

#include "util/render/named_list.h"
#include "util/render/render.h"
#include "util/render/units.h"

#define MAX_LABEL	16	/* "4194304/4095" */
#define WIDE		110	/* room for a column that is part of another one */

enum column { COL_LABEL, COL_GUEST, COL_KVM, COL_VMM, COL_HALTED, COL_POLLED, COL_WAITING,
	      COL_BLOCKED, COL_OPEN, COL_UNSEEN, COL_GONE, COL_COUNT, COL_THREAD, NR_COLUMNS };

static const char *vcpu_time__heading(const struct report *rep, u32 col)
{
	static const char *const names[NR_COLUMNS] = {
		[COL_LABEL] = "vCPU", [COL_GUEST] = "guest", [COL_KVM] = "KVM", [COL_VMM] = "VMM",
		[COL_HALTED] = "halted", [COL_POLLED] = "(polled)", [COL_WAITING] = "waiting",
		[COL_BLOCKED] = "blocked", [COL_OPEN] = "open", [COL_UNSEEN] = "unseen",
		[COL_GONE] = "gone", [COL_COUNT] = "exits", [COL_THREAD] = "thread",
	};

	if (rep->event == KVMW_EVENT_USERSPACE && col == COL_GUEST)
		return "KVM_RUN";
	return rep->event == KVMW_EVENT_USERSPACE && col == COL_COUNT ? "returns" : names[col];
}

static u64 part(const struct report_vcpu *v, u32 col)
{
	const u64 parts[NR_COLUMNS] = {
		[COL_GUEST] = v->guest_ns, [COL_KVM] = v->kvm_ns, [COL_VMM] = v->vmm_ns,
		[COL_HALTED] = v->halt_ns, [COL_POLLED] = v->poll_ns, [COL_WAITING] = v->wait_ns,
		[COL_BLOCKED] = v->block_ns, [COL_OPEN] = v->time.open_ns,
		[COL_UNSEEN] = v->time.unseen_ns, [COL_GONE] = v->time.gone_ns,
	};

	return parts[col];
}

static bool vcpu_time__shown(const struct screen *s, const struct report *rep, u32 col)
{
	bool exit = rep->event == KVMW_EVENT_EXIT, window = rep->rec->window.active;

	switch (col) {
	case COL_KVM:
	case COL_HALTED:
	case COL_WAITING:
	case COL_BLOCKED:
		return exit;
	case COL_POLLED:
		return exit && s->width >= WIDE;
	case COL_OPEN:
	case COL_UNSEEN:
	case COL_GONE:
		for (u32 i = 0; i < rep->nr_vcpus; i++)
			if (part(&rep->vcpu[i], col) > rep->vcpu[i].time.wall_ns / 2000)
				return !window;
		return false;
	default:
		return true;
	}
}

static const char *vcpu_time__cell(const struct report_vcpu *v, u32 col, char *buf, size_t size)
{
	switch (col) {
	case COL_LABEL:
		return v->label;
	case COL_COUNT:
		snprintf(buf, size, "%llu", (unsigned long long)v->count);
		return buf;
	case COL_THREAD:
		*buf = '\0';
		if (v->tid)
			snprintf(buf, size, "%u%s%s", v->tid, *v->comm ? " " : "", v->comm);
		return buf;
	default:
		return units__share(part(v, col), v->time.wall_ns, buf);
	}
}

/* The thread's name takes what the others leave. */
static void vcpu_time__measure(const struct screen *s, const struct report *rep, u32 *width)
{
	u32 left = s->width;
	char buf[REPORT_LABEL_MAX];

	for (u32 col = 0; col < COL_THREAD; col++) {
		width[col] = 0;
		if (!vcpu_time__shown(s, rep, col))
			continue;
		width[col] = screen__width(s, vcpu_time__heading(rep, col));
		for (u32 i = 0; i < rep->nr_vcpus; i++) {
			u32 need = screen__width(
				s, vcpu_time__cell(&rep->vcpu[i], col, buf, sizeof(buf)));

			width[col] = need > width[col] ? need : width[col];
		}
		if (col == COL_LABEL && width[col] > MAX_LABEL)
			width[col] = MAX_LABEL;
		left -= left > width[col] ? width[col] + 1 : left;
	}
	width[COL_THREAD] = left;
}

/* v NULL: the headings. */
static void vcpu_time__print_line(const struct screen *s, const struct report *rep,
				  const struct report_vcpu *v, const u32 *width)
{
	char buf[REPORT_LABEL_MAX];

	for (u32 col = 0; col < NR_COLUMNS; col++) {
		const char *text = v ? vcpu_time__cell(v, col, buf, sizeof(buf))
				     : vcpu_time__heading(rep, col);

		if (!width[col] || (col == COL_THREAD && !*text))
			continue;
		if (col)
			fputc(' ', s->out);
		if (col == COL_THREAD && screen__width(s, text) < width[col])
			screen__text(s, text);
		else
			screen__field(s, text, width[col], col == COL_LABEL || col == COL_THREAD);
	}
	fputc('\n', s->out);
}

static void say_what_happened(const struct screen *s, const struct report *rep)
{
	struct named_list died = { 0 }, gaps = { 0 }, idle = { 0 };

	for (u32 i = 0; i < rep->nr_vcpus; i++) {
		const struct report_vcpu *v = &rep->vcpu[i];

		if (v->died_ns != KVMW_NONE)
			named_list__add(&died, "vCPU %s at %.3f s", v->label, v->died_ns / 1e9);
		if (v->time.gaps)
			named_list__add(&gaps, "%llu of vCPU %s", (unsigned long long)v->time.gaps,
					v->label);
		if (!v->count)
			named_list__add(&idle, "vCPU %s", v->label);
	}
	named_list__print(s, "Died", &died);
	named_list__print(s, rep->event == KVMW_EVENT_EXIT ? "Never exited" : "Never returned", &idle);
	named_list__print(s, rep->event == KVMW_EVENT_EXIT ?
			  "Gaps (the next VM entry was missed)" :
			  "Gaps (the next KVM_RUN was missed)", &gaps);
}

void render__vcpus(const struct screen *s, const struct report *rep)
{
	u32 width[NR_COLUMNS];

	if (!rep->nr_vcpus)
		return;
	if (rep->rec->window.active)
		fputs("\nWhere each vCPU's time went, of the cycles in that window:\n", s->out);
	else
		fprintf(s->out, "\nWhere each vCPU's time went, of %.3f s%s:\n",
			rep->duration_ns / 1e9, !rep->filtered ? "" :
			rep->event == KVMW_EVENT_EXIT ? ", recorded exits and others" :
			", recorded returns and others");
	vcpu_time__measure(s, rep, width);
	vcpu_time__print_line(s, rep, NULL, width);
	for (u32 i = 0; i < rep->nr_vcpus; i++)
		vcpu_time__print_line(s, rep, &rep->vcpu[i], width);
	say_what_happened(s, rep);
}
