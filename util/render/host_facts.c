// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>

#include "util/render/host_facts.h"
#include "util/render/json.h"

/* A list of numbers, not how many there are. */
const char *host_fact__words(const struct host_fact *fact, char *buf)
{
	char value[160] = "", change[48] = "";

	if (fact->kind == KVMW_host_STEAL || fact->kind == KVMW_host_IDLE) {
		if (fact->percent >= 0)
			snprintf(value, sizeof(value), "%.1f%% of the time of all CPUs",
				 fact->percent);
		else
			snprintf(value, sizeof(value),
				 "unknown: the end of the recording is missing");
	} else if (fact->value != KVMW_NONE) {
		if (fact->change && fact->change != KVMW_NONE)
			snprintf(change, sizeof(change), " (%+lld in the recording)",
				 (long long)fact->change);
		snprintf(value, sizeof(value), "%llu%s", (unsigned long long)fact->value, change);
	}
	snprintf(buf, HOST_FACT_WORDS, "%s: %s%s%s", fact->name, value,
		 *value && *fact->text ? ", " : "", fact->text);
	return buf;
}

void host_facts__json(struct json_object *root, const struct host_facts *facts)
{
	struct json_object *list, *item;

	if (!facts->nr)
		return;
	list = json__array(root, "host_state");
	for (u32 i = 0; i < facts->nr; i++) {
		const struct host_fact *fact = &facts->fact[i];

		item = json_object_new_object();
		json_object_array_add(list, item);
		json__text(item, "name", fact->name);
		json__text(item, "doc", fact->doc);
		json__ns(item, "value", fact->value);
		if (fact->change == KVMW_NONE)
			json_object_object_add(item, "change", NULL);
		else
			json_object_object_add(item, "change",
					       json_object_new_int64((s64)fact->change));
		if (fact->percent >= 0)
			json__real(item, "percent", fact->percent);
		json__text(item, "text", *fact->text ? fact->text : NULL);
	}
}
