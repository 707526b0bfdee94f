// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/analysis/findings/findings.h"
#include "util/array.h"

/* Among equals, in the order of the rules: stable. */
static void insert(struct findings *out, const struct finding *finding)
{
	u32 at = out->nr;

	while (at && out->found[at - 1].share < finding->share)
		at--;
	if (at == FINDINGS_MAX)
		return;
	if (out->nr < FINDINGS_MAX)
		out->nr++;
	memmove(&out->found[at + 1], &out->found[at], (out->nr - 1 - at) * sizeof(*finding));
	out->found[at] = *finding;
}

static void say_none(const struct facts *f, struct findings *out)
{
	const struct report_whole *w = &f->rep->whole;

	snprintf(out->none, sizeof(out->none),
		 "Nothing stands out: of the vCPUs' time, KVM and VMM took %.1f%%, polling %.1f%%, "
		 "waiting for a CPU %.1f%%, other sleep %.1f%%.",
		 facts__share(f, w->kvm_ns) + facts__share(f, w->vmm_ns), facts__share(f, w->poll_ns),
		 facts__share(f, w->wait_ns), facts__share(f, w->block_ns));
}

int findings__make(const struct report *rep, const struct report *fine, struct findings *out)
{
	struct facts facts;
	int ret = facts__make(rep, fine, &facts);

	memset(out, 0, sizeof(*out));
	for (u32 i = 0; !ret && i < nr_finding_rules; i++) {
		struct finding finding = { .rule = finding_rules[i].name };

		if (finding_rules[i].holds(&facts, &finding))
			insert(out, &finding);
	}
	if (!ret && !out->nr && rep->whole.wall_ns)
		say_none(&facts, out);
	facts__free(&facts);
	return ret;
}
