// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "util/arch/isa.h"
#include "util/arch/reason.h"
#include "util/events.h"
#include "util/nearest.h"
#include "util/parse.h"

static const struct isa *const isas[] = {
	[KVMW_ISA_NONE] = &isa_kvm, [KVMW_ISA_VMX] = &isa_vmx, [KVMW_ISA_SVM] = &isa_svm,
};

static const struct isa *find_isa(u32 isa)
{
	return isa < ARRAY_SIZE(isas) ? isas[isa] : NULL;
}

const char *reason_known(u32 isa, u32 number)
{
	const struct isa *found = find_isa(isa);

	return found ? found->reason(number) : NULL;
}

const char *isa_name(u32 isa)
{
	const struct isa *found = find_isa(isa);

	return found ? found->name : NULL;
}

static bool has_name(const struct isa *isa, u32 number, const char *word)
{
	const char *name = isa->reason(number);
	size_t prefix = isa->prefix ? strlen(isa->prefix) : 0;

	if (name && !strcasecmp(name, word))
		return true;
	if (name && prefix && !strncmp(name, isa->prefix, prefix) &&
	    !strcasecmp(name + prefix, word))
		return true;
	for (const struct reason_word *w = isa->words; w && w->word; w++)
		if (w->number == number && !strcasecmp(w->word, word))
			return true;
	return false;
}

bool reason_is(u32 isa, u32 reason, const char *word)
{
	const struct isa *found = find_isa(isa);
	const char *end = word;
	char name[REASON_NAME_MAX];
	u64 value;

	if (!parse_number(&end, 0, UINT32_MAX, &value) && !*end)
		return value == reason;
	if (found &&
	    has_name(found, found->number_mask ? reason & found->number_mask : reason, word))
		return true;
	/* Also as reports show what is only partly known. */
	return !strcasecmp(reason_name(isa, reason, name, sizeof(name)), word);
}

/* Where numbers have names: the usual ones, errors and what software defines, the last ones. */
static const struct { u32 first, last; } named[] = {
	{ 0, REASON_MAX_NAMED - 1 }, { KVMW_REASON_ERRNO, KVMW_REASON_ERRNO + 0xffff },
	{ 0xf0000000, 0xf0000000 }, { UINT32_MAX, UINT32_MAX },
};

static bool isa_has(const struct isa *isa, const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(named); i++)
		for (u64 number = named[i].first; number <= named[i].last; number++)
			if (has_name(isa, number, word))
				return true;
	return false;
}

bool reason_exists(const char *word)
{
	for (u32 isa = 0; isa < ARRAY_SIZE(isas); isa++)
		if (isa_has(isas[isa], word))
			return true;
	return false;
}

void reason_offer(u32 isa, struct nearest *n)
{
	const struct isa *found = find_isa(isa);

	for (u32 i = 0; found && i < REASON_MAX_NAMED; i++)
		if (found->reason(i))
			nearest__offer(n, found->reason(i));
	for (const struct reason_word *w = found ? found->words : NULL; w && w->word; w++)
		nearest__offer(n, w->word);
}

const char *reason_name(u32 isa, u32 reason, char *buf, size_t size)
{
	const struct isa *found = find_isa(isa);
	u32 number = found && found->number_mask ? reason & found->number_mask : reason;
	const char *name = reason_known(isa, number);

	if (reason == KVMW_REASON_OTHER) {
		snprintf(buf, size, "(other)");
		return buf;
	}
	if (found && reason & found->reserved) {
		snprintf(buf, size, "0x%x", reason);
		return buf;
	}
	if (name)
		snprintf(buf, size, "%s", name);
	else if (isa == KVMW_ISA_NONE)
		snprintf(buf, size, "KVM_EXIT %u", number);
	else if (found)
		snprintf(buf, size, "%s 0x%x", found->name, number);
	else
		snprintf(buf, size, "isa %u 0x%x", isa, number);
	if (found && found->flags)
		found->flags(reason, buf, size);
	return buf;
}
