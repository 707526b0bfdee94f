/* SPDX-License-Identifier: GPL-2.0 */
/* The state of the host, in words and JSON. */
#ifndef KVMW_RENDER_HOST_FACTS_H
#define KVMW_RENDER_HOST_FACTS_H

#include <json-c/json.h>

#include "util/analysis/host_facts.h"

#define HOST_FACT_WORDS	5000	/* bytes */

/* "thp: madvise", "idle: 42.0% of the CPUs' time". Returns buf, of HOST_FACT_WORDS. */
const char *host_fact__words(const struct host_fact *fact, char *buf);

/* Member "host_state". */
void host_facts__json(struct json_object *root, const struct host_facts *facts);

#endif
