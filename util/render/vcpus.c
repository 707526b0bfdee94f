// SPDX-License-Identifier: GPL-2.0
/* Where each vCPU's time went. */
#include <string.h>

#include "util/render/render.h"
#include "util/render/units.h"

#define MAX_LABEL 16	/* "4194304/4095" */

static const char *thread(const struct report_vcpu *v, char *buf, size_t size)
{
	if (!v->tid)
		*buf = '\0';
	else
		snprintf(buf, size, "%u %s", v->tid, v->comm);
	return buf;
}

/* Of the columns of shares. */
static u32 fixed_width(const struct report *rep)
{
	return 9 + 8 * (rep->event == KVMW_EVENT_EXIT) + 8 + 16 * !rep->rec->window.active;
}

static void print_vcpu(const struct screen *s, const struct report *rep,
		       const struct report_vcpu *v, u32 label)
{
	u32 room = s->width - label - 14 - fixed_width(rep);
	char buf[REPORT_LABEL_MAX];

	screen__field(s, v->label, label, true);
	fprintf(s->out, " %8s", units__share(v->guest_ns, v->wall_ns, buf));
	if (rep->event == KVMW_EVENT_EXIT)
		fprintf(s->out, " %7s", units__share(v->kvm_ns, v->wall_ns, buf));
	fprintf(s->out, " %7s", units__share(v->vmm_ns, v->wall_ns, buf));
	if (!rep->rec->window.active) {
		fprintf(s->out, " %7s", units__share(v->open_ns, v->wall_ns, buf));
		fprintf(s->out, " %7s", units__share(v->unseen_ns, v->wall_ns, buf));
	}
	fprintf(s->out, " %12llu ", (unsigned long long)v->count);
	thread(v, buf, sizeof(buf));
	if (screen__width(s, buf) < room)
		screen__text(s, buf);
	else
		screen__field(s, buf, room, true);
	fputc('\n', s->out);
}

void render__vcpus(const struct screen *s, const struct report *rep)
{
	bool exit = rep->event == KVMW_EVENT_EXIT, window = rep->rec->window.active;
	u32 label = strlen("vCPU");

	for (u32 i = 0; i < rep->nr_vcpus; i++) {
		u32 need = screen__width(s, rep->vcpu[i].label);

		label = need > label ? need : label;
		if (label > MAX_LABEL)
			label = MAX_LABEL;
	}
	if (window)
		fputs("\nWhere each vCPU's time went, of the cycles in that window:\n", s->out);
	else
		fprintf(s->out, "\nWhere each vCPU's time went, of %.3f s:\n",
			rep->duration_ns / 1e9);
	fprintf(s->out, "%-*s %8s", (int)label, "vCPU", exit ? "guest" : "KVM_RUN");
	if (exit)
		fprintf(s->out, " %7s", "KVM");
	fprintf(s->out, " %7s", "VMM");
	if (!window)
		fprintf(s->out, " %7s %7s", "open", "unseen");
	fprintf(s->out, " %12s thread\n", exit ? "exits" : "returns");
	for (u32 i = 0; i < rep->nr_vcpus; i++)
		print_vcpu(s, rep, &rep->vcpu[i], label);
}
