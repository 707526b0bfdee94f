// SPDX-License-Identifier: GPL-2.0
/* The rules of kvmw-findings(7) about how VMs are set up. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/analysis/findings/rules.h"
#include "util/analysis/vm_setup.h"

/* Whether the report is about this VM; of one without an event: whether it is about all. */
static bool rules_setup__selects(const struct facts *f, const struct vm_setup *s)
{
	bool any = false;

	for (u32 i = 0; i < s->nr_vcpus; i++) {
		if (s->vcpu[i]->vcpu == ~0U)
			continue;
		if (report__selects(f->rep->rec, f->rep->opt, s->vcpu[i]->vcpu))
			return true;
		any = true;
	}
	return !any && !f->rep->opt->pids.nr && !f->rep->opt->vcpus.nr;
}

/* What holds of all VMs of the report; NULL: it differs, or is unknown. */
static const struct vm_setup *same_apicv(const struct facts *f)
{
	const struct vm_setups *all = f->rep->setups;
	const struct vm_setup *found = NULL;

	for (u32 i = 0; all && i < all->nr; i++) {
		const struct vm_setup *s = &all->setup[i];

		if (!rules_setup__selects(f, s))
			continue;
		if (s->row->apicv == KVMW_NONE || s->apicv_changed ||
		    (found && (found->row->apicv != s->row->apicv ||
			       strcmp(found->apicv_not, s->apicv_not))))
			return NULL;
		found = s;
	}
	return found;
}

void rules__say_apicv(const struct facts *f, struct finding *finding)
{
	const struct vm_setup *s = same_apicv(f);

	if (!s)
		return;
	finding__add(finding, " APICv or AVIC, which would spare them, is %s%s%s.",
		     s->row->apicv ? "on" : "off", *s->apicv_not ? ": " : "", s->apicv_not);
	finding__rests_on(finding, "apicv", s->row->apicv);
}

/* "200000": a parameter of module kvm when the recording began; NULL: unknown. */
static const char *kvm_param(const struct facts *f, const char *name)
{
	const struct rec_texts *params = &f->rep->rec->meta.params;
	size_t len = strlen(name);

	for (u32 i = 0; i < params->nr; i++)
		if (!strncmp(params->text[i], "kvm.", 4) &&
		    !strncmp(params->text[i] + 4, name, len) && params->text[i][4 + len] == '=')
			return params->text[i] + 4 + len + 1;
	return NULL;
}

static void add_param(const struct facts *f, const char *name, const char *word, char *buf,
		      size_t size)
{
	const char *value = kvm_param(f, name);
	size_t len = strlen(buf);

	if (value)
		snprintf(buf + len, size - len, "%s%s %.20s", len ? ", " : "", word, value);
}

/* What all VMs of the report may poll; a VM may have a limit of its own (KVM_CAP_HALT_POLL). */
static u64 same_window(const struct facts *f)
{
	const struct vm_setups *all = f->rep->setups;
	u64 found = KVMW_NONE;

	for (u32 i = 0; all && i < all->nr; i++) {
		if (!rules_setup__selects(f, &all->setup[i]))
			continue;
		if (found != KVMW_NONE && all->setup[i].row->halt_poll_ns != found)
			return KVMW_NONE;
		found = all->setup[i].row->halt_poll_ns;
	}
	return found;
}

void rules__say_window(const struct facts *f, struct finding *finding)
{
	u64 most = same_window(f);
	char own[64] = "", params[160] = "";

	add_param(f, "halt_poll_ns", "", params, sizeof(params));
	if (most != KVMW_NONE) {
		snprintf(own, sizeof(own), "; this VM's limit is %llu", (unsigned long long)most);
		finding__rests_on(finding, "halt_poll_ns", most);
	}
	add_param(f, "halt_poll_ns_grow", "grow", params, sizeof(params));
	add_param(f, "halt_poll_ns_grow_start", "grow_start", params, sizeof(params));
	add_param(f, "halt_poll_ns_shrink", "shrink", params, sizeof(params));
	if (*params)
		finding__add(finding, " kvm.halt_poll_ns is%s%s.", params,
			     most != KVMW_NONE &&
			     most != strtoull(kvm_param(f, "halt_poll_ns") ?: "0", NULL, 10) ?
			     own : "");
}

bool rules__no_irqchip(const struct facts *f)
{
	const struct vm_setups *all = f->rep->setups;
	u32 nr = 0;

	for (u32 i = 0; all && i < all->nr; i++) {
		if (!rules_setup__selects(f, &all->setup[i]))
			continue;
		nr++;
		if (all->setup[i].row->irqchip)
			return false;
	}
	return nr;
}

#define TSC_US		1
#define TSC_CYCLES	10000	/* where the frequency is not known: a microsecond of any CPU */

static bool differs(const struct vm_setup *s)
{
	if (s->tsc_spread == KVMW_NONE)
		return false;
	return s->tsc_khz && s->tsc_khz != KVMW_NONE ?
	       s->tsc_spread / (s->tsc_khz / 1e3) >= TSC_US : s->tsc_spread >= TSC_CYCLES;
}

bool rule__tsc_offsets(const struct facts *f, struct finding *finding)
{
	const struct vm_setups *all = f->rep->setups;
	const struct vm_setup *first = NULL;
	char us[40] = "", name[REC_VM_NAME];

	for (u32 i = 0; all && i < all->nr; i++)
		if (differs(&all->setup[i]) && rules_setup__selects(f, &all->setup[i]) &&
		    (!first || all->setup[i].tsc_spread > first->tsc_spread))
			first = &all->setup[i];
	if (!first)
		return false;
	if (first->tsc_khz && first->tsc_khz != KVMW_NONE)
		snprintf(us, sizeof(us), " (%.0f us)", first->tsc_spread / (first->tsc_khz / 1e3));
	snprintf(name, sizeof(name), "%u", first->row->pid);
	finding__say(finding, "The TSCs of the vCPUs of VM %s differ by up to %llu cycles%s: to the guest, time may go back.",
		     first->vm ? rec_vm__name(first->vm, name) : name,
		     (unsigned long long)first->tsc_spread, us);
	finding__rests_on(finding, "cycles", first->tsc_spread);
	snprintf(finding->next, sizeof(finding->next), "kvmw info -v");
	return true;
}
