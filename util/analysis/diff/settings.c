// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/analysis/diff/settings.h"
#include "util/analysis/host_facts.h"
#include "util/analysis/slot_lists.h"
#include "util/analysis/vm_setup.h"
#include "util/array.h"

/* No value: nothing is known of it. */
static int settings__add(struct settings *s, const char *what, const char *value)
{
	struct setting *new;

	if (!value || !*value)
		return 0;
	if (array__reserve(s->list, s->nr, s->room, NULL))
		return -1;
	new = &s->list[s->nr++];
	*new = (struct setting) { mem__strdup(what), mem__strdup(value) };
	return new->what && new->value ? 0 : -1;
}

static int add_number(struct settings *s, const char *what, u64 value, bool hex)
{
	char text[32];

	snprintf(text, sizeof(text), hex ? "0x%llx" : "%llu", (unsigned long long)value);
	return value == KVMW_NONE ? 0 : settings__add(s, what, text);
}

/* One of many texts "NAME=VALUE" or "NAME: VALUE". */
static int add_pair(struct settings *s, const char *prefix, const char *pair, char separator)
{
	const char *value = strchr(pair, separator);
	char what[128];

	if (!value)
		return 0;
	snprintf(what, sizeof(what), "%s%.*s", prefix, (int)(value - pair), pair);
	value++;
	return settings__add(s, what, value + strspn(value, " "));
}

static int add_resolution(struct settings *s, const struct resolution *r)
{
	char text[RESOLUTION_TEXT];

	return settings__add(s, "resolution of durations",
			     resolution__is_exact(r) ? "exact" : resolution__text(r, text));
}

static int add_meta(struct settings *s, const struct recording *rec)
{
	const struct rec_meta *m = &rec->meta;
	int err = settings__add(s, "host", m->host) || settings__add(s, "kernel", m->kernel) ||
		  settings__add(s, "architecture", m->arch) || settings__add(s, "CPU", m->cpu) ||
		  (m->cpus && add_number(s, "host CPUs", m->cpus, false)) ||
		  settings__add(s, "KVM module", m->module) ||
		  settings__add(s, "recorder", m->version) ||
		  settings__add(s, "recording filters", m->selective ? m->filter_words : "none") ||
		  add_resolution(s, &m->resolution);

	for (u32 i = 0; i < m->params.nr && !err; i++)
		err = add_pair(s, "parameter ", m->params.text[i], '=');
	return err ? -1 : 0;
}

/* What changes all the time, whatever anybody does. */
static bool is_state(u32 kind)
{
	return kind == KVMW_host_STEAL || kind == KVMW_host_IDLE || kind == KVMW_host_LOAD ||
	       kind == KVMW_host_KSM_SHARING || kind == KVMW_host_HUGEPAGES_FREE;
}

static int add_host(struct settings *s, const struct host_facts *host)
{
	int err = 0;

	for (u32 i = 0; host && i < host->nr && !err; i++) {
		const struct host_fact *fact = &host->fact[i];
		char what[64];

		snprintf(what, sizeof(what), "host's %s", fact->name);
		if (fact->kind == KVMW_host_VULNERABILITY)
			err = add_pair(s, "vulnerability ", fact->text, ':');
		else if (!is_state(fact->kind))
			err = *fact->text ? settings__add(s, what, fact->text) :
			      add_number(s, what, fact->value, false);
	}
	return err;
}

/* What all VMs have in common. */
static int add_setups(struct settings *s, const struct vm_setups *setups)
{
	static const struct {
		const char *what;
		size_t at;
		bool hex;
	} fields[] = {
		{ "VM's vCPUs", offsetof(struct kvmw_vm_config, vcpus), false },
		{ "VM's irqchip in KVM (0 none, 1 full, 2 split)", offsetof(struct kvmw_vm_config, irqchip), false },
		{ "VM's PIT in KVM", offsetof(struct kvmw_vm_config, pit), false },
		{ "VM's APICv or AVIC", offsetof(struct kvmw_vm_config, apicv), false },
		{ "VM's dirty ring, bytes", offsetof(struct kvmw_vm_config, dirty_ring), false },
		{ "VM's halt_poll_ns", offsetof(struct kvmw_vm_config, halt_poll_ns), false },
		{ "VM's NX huge pages", offsetof(struct kvmw_vm_config, nx_huge_pages), false },
		{ "VM's KVM features", offsetof(struct kvmw_vm_config, kvm_features), true },
		{ "VM's Hyper-V features", offsetof(struct kvmw_vm_config, hyperv_features), true },
		{ "VM's Hyper-V hints", offsetof(struct kvmw_vm_config, hyperv_hints), true },
	};
	int err = 0;

	for (size_t i = 0; setups && setups->nr && i < ARRAY_SIZE(fields) && !err; i++) {
		u64 common = KVMW_NONE, value;

		for (u32 k = 0; k < setups->nr; k++) {
			memcpy(&value, (const char *)setups->setup[k].row + fields[i].at,
			       sizeof(value));
			common = !k || value == common ? value : KVMW_NONE;
		}
		err = add_number(s, fields[i].what, common, fields[i].hex);
	}
	return err;
}

static int add_memory(struct settings *s, const struct recording *rec)
{
	struct slot_lists slots;
	u64 bytes = 0;
	int err = slot_lists__make(&slots, rec);

	for (u32 i = 0; i < slots.nr && !err; i++)
		bytes = sat_add(bytes, slots.vm[i].bytes);
	if (bytes && !err)
		err = add_number(s, "memory of all slots, bytes", bytes, false);
	slot_lists__free(&slots);
	return err;
}

static int add_counts(struct settings *s, const struct report *rep)
{
	const struct recording *rec = rep->rec;
	u32 vcpus = 0;

	for (u32 i = 0; i < rec->nr_vcpus; i++)
		vcpus += rec_vcpu__is_vcpu(&rec->vcpu[i]) &&
			 report__selects(rec, rep->opt, rec->vcpu[i].id);
	return add_number(s, "VMs", rec->nr_vms, false) ||
	       add_number(s, "vCPUs that ran", vcpus, false);
}

int settings__make(struct settings *s, const struct report *rep)
{
	*s = (struct settings) { .nr = 0 };
	return add_meta(s, rep->rec) || add_counts(s, rep) || add_setups(s, rep->setups) ||
	       add_memory(s, rep->rec) || add_host(s, rep->host) ? -1 : 0;
}

void settings__free(struct settings *s)
{
	for (u32 i = 0; i < s->nr; i++) {
		free(s->list[i].what);
		free(s->list[i].value);
	}
	array__free(s->list, s->room, NULL);
	s->nr = 0;
}

const char *settings__find(const struct settings *s, const char *what)
{
	for (u32 i = 0; i < s->nr; i++)
		if (!strcmp(s->list[i].what, what))
			return s->list[i].value;
	return NULL;
}
