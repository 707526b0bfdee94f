// SPDX-License-Identifier: GPL-2.0
/* What stands out. */
#include "util/render/render.h"

void render__findings(const struct screen *s, const struct findings *findings)
{
	char words[sizeof(findings->found->text) + sizeof(findings->found->next) + 16];

	for (u32 i = 0; i < findings->nr; i++) {
		const struct finding *f = &findings->found[i];

		snprintf(words, sizeof(words), "%s%s%s", f->text, *f->next ? " More: " : "", f->next);
		screen__color(s, COLOR_BOLD);
		screen__wrap(s, "=> ", "   ", words);
		screen__plain(s);
	}
	if (!findings->nr && *findings->none)
		screen__wrap(s, "=> ", "   ", findings->none);
	fputc('\n', s->out);
}
