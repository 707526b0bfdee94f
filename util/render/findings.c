// SPDX-License-Identifier: GPL-2.0
/* What stands out. */
#include "util/render/render.h"

void render__findings(const struct screen *s, const struct findings *findings)
{
	for (u32 i = 0; i < findings->nr; i++) {
		const struct finding *f = &findings->found[i];

		screen__color(s, COLOR_BOLD);
		screen__wrap(s, "=> ", "   ", f->text);
		screen__plain(s);
		if (!*f->command)
			continue;
		/* In one line, however long: a line that is broken cannot be pasted. */
		fputs("   More: ", s->out);
		screen__text(s, f->command);
		fputc('\n', s->out);
	}
	if (!findings->nr && *findings->none)
		screen__wrap(s, "=> ", "   ", findings->none);
	if (*findings->wait)
		screen__wrap(s, "-> ", "   ", findings->wait);
	fputc('\n', s->out);
}
