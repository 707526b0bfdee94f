// SPDX-License-Identifier: GPL-2.0
/* The command that shows more, so that it can be pasted into a shell. */
#include <stdio.h>
#include <string.h>

#include "util/analysis/findings/rules.h"

#define USUAL_FILE	"kvmw.data"	/* the one that needs no -i */
#define CUT		" ..."		/* of finding->next: which VMs, and for how long */

/* A word as a shell takes it; "" where it does not fit. */
static const char *shell_word(const char *text, char *buf, size_t size)
{
	size_t len = 0;

	if (*text && !text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				   "0123456789_./:,@%+=-")]) {
		snprintf(buf, size, "%s", text);
		return strlen(text) < size ? buf : "";
	}
	buf[len++] = '\'';
	for (; *text && len + 6 < size; text++)
		len += snprintf(buf + len, size - len, *text == '\'' ? "'\\''" : "%c", *text);
	snprintf(buf + len, size - len, "'");
	return *text ? "" : buf;
}

/* Of the recorded VM, or of all VMs where there were several. */
static void to_record_again(const struct recording *rec, struct finding *finding, size_t len)
{
	char word[REC_VM_NAME * 4 + 8];

	if (rec->nr_vms != 1)
		snprintf(finding->command, sizeof(finding->command), "%.*s -a -- sleep 10",
			 (int)len, finding->next);
	else if (*rec->vm[0].name && *shell_word(rec->vm[0].name, word, sizeof(word)))
		snprintf(finding->command, sizeof(finding->command), "%.*s --vm %s -- sleep 10",
			 (int)len, finding->next, word);
	else
		snprintf(finding->command, sizeof(finding->command), "%.*s -p %u -- sleep 10",
			 (int)len, finding->next, rec->vm[0].pid);
}

/* next: "kvmw report -e sched", "kvmw record -e exit,irq ..." */
void finding__make_command(const struct recording *rec, struct finding *finding)
{
	size_t len = strlen(finding->next), verb = strcspn(finding->next, " ");
	char word[sizeof(finding->command) - sizeof(finding->next)];
	const char *file;

	verb += finding->next[verb] ? 1 + strcspn(&finding->next[verb + 1], " ") : 0;
	if (len > strlen(CUT) && !strcmp(&finding->next[len - strlen(CUT)], CUT)) {
		to_record_again(rec, finding, len - strlen(CUT));
		return;
	}
	file = strcmp(rec->path, USUAL_FILE) ? shell_word(rec->path, word, sizeof(word)) : "";
	if (*finding->next)
		snprintf(finding->command, sizeof(finding->command), "%.*s%s%s%s", (int)verb,
			 finding->next, *file ? " -i " : "", file, &finding->next[verb]);
}
