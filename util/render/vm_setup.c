// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include "util/arch/names.h"
#include "util/array.h"
#include "util/render/json.h"
#include "util/render/units.h"
#include "util/render/vm_setup.h"

#define SETUP_WORDS	2048

static const char *const irqchips[] = { "none", "full", "split" };
static const char *const apic_modes[] = { "off", "xAPIC", "x2APIC" };
static const double ratio_unit = 1ULL << 48;

static const char *word_of(const char *const *words, size_t nr, u64 value)
{
	return value < nr ? words[value] : NULL;
}

static void vm_setup__add(char *buf, const char *what, const char *text)
{
	size_t len = strlen(buf);

	snprintf(buf + len, SETUP_WORDS - len, "%s%s%s", len ? "; " : "", what, text);
}

static void add_bool(char *buf, const char *what, u64 value)
{
	vm_setup__add(buf, what, value == KVMW_NONE ? ": unknown" : value ? ": yes" : ": no");
}

static const char *say_apicv(const struct vm_setup *s, char *buf, size_t size)
{
	snprintf(buf, size, "%s%s%s%s",
		 s->row->apicv == KVMW_NONE ? "unknown" : s->row->apicv ? "on" : "off",
		 *s->apicv_not ? ", inhibited: " : "", s->apicv_not,
		 s->apicv_changed ? "; it was different at the start" : "");
	return buf;
}

static void say_vm(const struct vm_setup *s, char *buf)
{
	const struct kvmw_vm_config *r = s->row;
	char text[640], time[UNITS_MAX];

	*buf = '\0';
	if (r->vcpus == KVMW_NONE)
		snprintf(text, sizeof(text), "vCPUs: unknown");
	else
		snprintf(text, sizeof(text), "%llu vCPU%s created", (unsigned long long)r->vcpus,
			 r->vcpus == 1 ? "" : "s");
	vm_setup__add(buf, text, "");
	if (r->irqchip == KVMW_NONE && r->pit == KVMW_NONE && r->apicv == KVMW_NONE) {
		vm_setup__add(buf,
			      "all else is unknown: KVM has no BTF, or its program was refused",
			      "");
		return;
	}
	vm_setup__add(buf, "irqchip in KVM: ",
		      word_of(irqchips, ARRAY_SIZE(irqchips), r->irqchip) ?: "unknown");
	add_bool(buf, "PIT in KVM", r->pit);
	vm_setup__add(buf, "APICv or AVIC: ", say_apicv(s, text, sizeof(text)));
	vm_setup__add(buf, "polls before a halt for at most ",
		      r->halt_poll_ns == KVMW_NONE ? "an unknown time" :
		      units__ns(r->halt_poll_ns, UNITS_FULL, time));
	add_bool(buf, "NX huge pages", r->nx_huge_pages);
	if (r->dirty_ring && r->dirty_ring != KVMW_NONE) {
		snprintf(text, sizeof(text), "%llu bytes each", (unsigned long long)r->dirty_ring);
		vm_setup__add(buf, "dirty rings: ", text);
	}
}

static void add_features(char *buf, enum feature_word word, u64 bits)
{
	for (u32 i = 0; bits != KVMW_NONE && i < 64; i++) {
		size_t len = strlen(buf);
		const char *name = bits >> i & 1 ? feature_name(word, i) : NULL;

		if (name)
			snprintf(buf + len, SETUP_WORDS - len, "%s%s", len ? ", " : "", name);
	}
}

static void say_features(const struct kvmw_vm_config *r, char *buf)
{
	*buf = '\0';
	add_features(buf, FEATURES_KVM, r->kvm_features);
	add_features(buf, FEATURES_HYPERV, r->hyperv_features);
	add_features(buf, HINTS_HYPERV, r->hyperv_hints);
}

static void say_vcpu(const struct kvmw_vcpu_config *v, char *buf)
{
	const char *mode = word_of(apic_modes, ARRAY_SIZE(apic_modes), v->apic_mode);
	char text[64];

	snprintf(buf, SETUP_WORDS, "vCPU %u: APIC mode %s", v->number, mode ?: "unknown");
	if (v->apicv == 1)
		vm_setup__add(buf, "with APICv or AVIC", "");
	snprintf(text, sizeof(text), "%lld", (long long)v->tsc_offset);
	vm_setup__add(buf, "TSC offset ", (u64)v->tsc_offset == KVMW_NONE ? "unknown" : text);
	snprintf(text, sizeof(text), "%.9g", v->tsc_ratio / ratio_unit);
	if (v->tsc_ratio != KVMW_NONE && v->tsc_ratio != 1ULL << 48)
		vm_setup__add(buf, "scaled by ", text);
	snprintf(text, sizeof(text), "%.3f MHz", v->tsc_khz / 1e3);
	if (v->tsc_khz != KVMW_NONE)
		vm_setup__add(buf, text, "");
}

void vm_setups__print(const struct screen *s, const struct vm_setups *setups)
{
	char words[SETUP_WORDS], name[REC_VM_NAME], first[REC_VM_NAME + 16];

	if (setups->nr)
		fputs("\nHow the VMs are set up:\n", s->out);
	for (u32 i = 0; i < setups->nr; i++) {
		const struct vm_setup *vm = &setups->setup[i];

		snprintf(name, sizeof(name), "%u", vm->row->pid);
		snprintf(first, sizeof(first), "pid %s: ",
			 vm->vm ? rec_vm__name(vm->vm, name) : name);
		say_vm(vm, words);
		screen__wrap(s, first, "  ", words);
		say_features(vm->row, words);
		snprintf(first, sizeof(first), "  sees %s: ",
			 *vm->signature ? vm->signature : "no hypervisor");
		if (*vm->signature || *words)
			screen__wrap(s, first, "    ", *words ? words : "no features");
		for (u32 k = 0; k < vm->nr_vcpus; k++) {
			say_vcpu(vm->vcpu[k], words);
			screen__wrap(s, "  ", "    ", words);
		}
	}
}

/* ---- JSON ----------------------------------------------------------------- */

static void vm_setup__json_bool(struct json_object *obj, const char *key, u64 value)
{
	if (value == KVMW_NONE)
		json_object_object_add(obj, key, NULL);
	else
		json__bool(obj, key, value);
}

static void vm_setup__json_features(struct json_object *obj, const char *key,
				    enum feature_word word, u64 bits)
{
	struct json_object *list;
	char number[32];

	if (bits == KVMW_NONE) {
		json_object_object_add(obj, key, NULL);
		return;
	}
	list = json__array(obj, key);
	for (u32 i = 0; i < 64; i++) {
		const char *name = feature_name(word, i);

		if (!(bits >> i & 1))
			continue;
		snprintf(number, sizeof(number), "bit %u", i);
		json_object_array_add(list, json_object_new_string(name ?: number));
	}
}

static struct json_object *make_vcpu_config(struct json_writer *w, const void *ctx, u32 i)
{
	const struct kvmw_vcpu_config *v = ((const struct vm_setup *)ctx)->vcpu[i];
	struct json_object *item = json_object_new_object();

	json__ns(item, "vcpu_id", v->vcpu == ~0U ? KVMW_NONE : v->vcpu);
	json__ns(item, "vcpu", v->number == ~0U ? KVMW_NONE : v->number);
	json__text(item, "apic_mode", word_of(apic_modes, ARRAY_SIZE(apic_modes), v->apic_mode));
	vm_setup__json_bool(item, "apicv", v->apicv);
	if ((u64)v->tsc_offset == KVMW_NONE)
		json_object_object_add(item, "tsc_offset", NULL);
	else
		json_object_object_add(item, "tsc_offset", json_object_new_int64(v->tsc_offset));
	if (v->tsc_ratio == KVMW_NONE)
		json_object_object_add(item, "tsc_ratio", NULL);
	else
		json__real(item, "tsc_ratio", v->tsc_ratio / ratio_unit);
	json__ns(item, "tsc_khz", v->tsc_khz);
	json__ns(item, "host_tsc", v->host_tsc);
	json__ns(item, "time_ns", v->time_ns);
	return item;
}

static struct json_object *make_vm_config(struct json_writer *w, const void *ctx, u32 i)
{
	const struct vm_setup *s = &((const struct vm_setups *)ctx)->setup[i];
	struct json_object *item = json_object_new_object();
	const struct kvmw_vm_config *r = s->row;

	json__u64(item, "pid", r->pid);
	json__ns(item, "vm_id", s->vm ? s->vm->id : KVMW_NONE);
	json__ns(item, "vcpus", r->vcpus);
	json__text(item, "irqchip", word_of(irqchips, ARRAY_SIZE(irqchips), r->irqchip));
	vm_setup__json_bool(item, "pit", r->pit);
	vm_setup__json_bool(item, "apicv", r->apicv);
	json__text(item, "apicv_inhibited_by", *s->apicv_not ? s->apicv_not : NULL);
	vm_setup__json_bool(item, "apicv_changed", s->apicv_changed);
	json__ns(item, "halt_poll_ns", r->halt_poll_ns);
	vm_setup__json_bool(item, "nx_huge_pages", r->nx_huge_pages);
	json__ns(item, "dirty_ring_bytes", r->dirty_ring);
	json__text(item, "hypervisor", *s->signature ? s->signature : NULL);
	vm_setup__json_features(item, "kvm_features", FEATURES_KVM, r->kvm_features);
	vm_setup__json_features(item, "hyperv_features", FEATURES_HYPERV, r->hyperv_features);
	vm_setup__json_features(item, "hyperv_hints", HINTS_HYPERV, r->hyperv_hints);
	json__ns(item, "tsc_spread", s->tsc_spread);
	json__list(w, item, "vcpu_configs", s->nr_vcpus, make_vcpu_config, s);
	return item;
}

void vm_setups__json(struct json_writer *w, struct json_object *root,
		     const struct vm_setups *setups)
{
	if (setups->nr)
		json__list(w, root, "vm_configs", setups->nr, make_vm_config, setups);
}
