// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/recording/filter.h"
#include "util/analysis/hist.h"
#include "util/arch/reason.h"
#include "util/array.h"
#include "util/error.h"
#include "util/events.h"
#include "util/memory.h"
#include "util/nearest.h"
#include "util/parse.h"

static int filter__add(struct number_list *list, struct number_range range)
{
	if (array__reserve(list->range, list->nr, list->room, NULL))
		return -1;
	list->range[list->nr++] = range;
	return 0;
}

int number_list__parse(struct number_list *list, const char *option, const char *text)
{
	const char *p = text;

	number_list__free(list);
	list->option = option;
	do {
		u64 from, to;

		if (parse_range(&p, 10, UINT32_MAX - 1, &from, &to))
			break;
		if (filter__add(list, (struct number_range) { from, to, 0, UINT32_MAX, NULL }))
			return -1;
		if (!*p)
			return 0;
	} while (*p++ == ',');
	return error("%s '%s': must be a list of numbers, such as 0-3,7", option, text);
}

/* "4711", "4720-4730", "4800#2", "4800#1-3" */
static bool parse_vm(const char *text, struct number_range *range)
{
	u64 from, to, nth_from = 0, nth_to = UINT32_MAX;

	if (parse_range(&text, 10, UINT32_MAX - 1, &from, &to))
		return false;
	if (from == to && *text == '#') {
		text++;
		if (parse_range(&text, 10, UINT32_MAX - 1, &nth_from, &nth_to))
			return false;
	}
	*range = (struct number_range) { from, to, nth_from, nth_to, NULL };
	return !*text;
}

static int bad_vm(const char *option, const char *item)
{
	u32 pid, first, last, again;
	char end;

	if (sscanf(item, "%u#%u-%u#%u%c", &pid, &first, &again, &last, &end) == 4 && pid == again)
		return error("%s '%s': a range of VMs with one pid is %u#%u-%u", option, item, pid,
			     first, last);
	return error("%s '%s': must be a list of VMs, such as 4711,4800#2,4900#1-3%s", option, item,
		     strcmp(option, "--vm") ? "" : ", or of their names");
}

int number_list__parse_vms(struct number_list *list, const char *option, const char *text)
{
	bool names = !strcmp(option, "--vm");
	char *p, *next;

	number_list__free(list);
	list->option = option;
	list->text = p = mem__strdup(text);
	if (!p)
		return -1;
	for (; p; p = next) {
		struct number_range range = { .name = p };

		next = strchr(p, ',');
		if (next)
			*next++ = '\0';
		/* What is no number may be a name. */
		if (!parse_vm(p, &range) && (!names || !*p || strchr(p, '#')))
			return bad_vm(option, p);
		if (filter__add(list, range))
			return -1;
	}
	return 0;
}

bool number_list__has(const struct number_list *list, u64 number)
{
	for (u32 i = 0; i < list->nr; i++)
		if (number >= list->range[i].from && number <= list->range[i].to)
			return true;
	return false;
}

bool number_list__has_vm(const struct number_list *list, const struct list_vm *vm)
{
	u32 nth = vm->nth ?: 1;

	for (u32 i = 0; i < list->nr; i++) {
		const struct number_range *r = &list->range[i];

		if (r->name ? !strcmp(vm->name, r->name) || !strcmp(vm->vmm, r->name) :
		    vm->pid >= r->from && vm->pid <= r->to && nth >= r->nth_from &&
		    nth <= r->nth_to)
			return true;
	}
	return false;
}

void number_list__free(struct number_list *list)
{
	free(list->range);
	free(list->text);
	memset(list, 0, sizeof(*list));
}

static int no_reason(const char *word)
{
	struct nearest n;

	nearest__begin(&n, word, strlen(word));
	for (u32 isa = KVMW_ISA_NONE; isa <= KVMW_ISA_SVM; isa++)
		reason_offer(isa, &n);
	return error("--reason '%.60s': no exit reason has this name%s; a number works too, and kvmw "
		     "report shows the reasons that occur", word, nearest__hint(&n));
}

static bool is_number(const char *word)
{
	u64 value;

	return !parse_number(&word, 0, UINT32_MAX, &value) && !*word;
}

int reason_list__parse(struct reason_list *list, const char *text)
{
	char *save;

	reason_list__free(list);
	list->text = mem__strdup(text);
	if (!list->text)
		return -1;
	for (char *p = strtok_r(list->text, ",", &save); p; p = strtok_r(NULL, ",", &save)) {
		if (list->nr == ARRAY_SIZE(list->word))
			return error("--reason: more than %zu reasons", ARRAY_SIZE(list->word));
		if (!is_number(p) && !reason_exists(p))
			return no_reason(p);
		list->word[list->nr++] = p;
	}
	return list->nr ? 0 : error("--reason: no exit reason given (example: npf,hlt)");
}

bool reason_list__has(const struct reason_list *list, u32 isa, u32 reason)
{
	for (u32 i = 0; i < list->nr; i++)
		if (reason_is(isa, reason, list->word[i]))
			return true;
	return false;
}

void reason_list__free(struct reason_list *list)
{
	free(list->text);
	memset(list, 0, sizeof(*list));
}
