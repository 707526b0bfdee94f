// SPDX-License-Identifier: GPL-2.0
/* --fail-if: MEASURE(KEY) OPERATOR VALUE. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/analysis/diff/diff.h"
#include "util/error.h"
#include "util/nearest.h"
#include "util/parse.h"

static int bad_condition(const char *text, const char *why)
{
	return usage_error("--fail-if '%s': %s; write MEASURE(KEY) OPERATOR VALUE, such as 'p99(io) > +20%%', "
			   "'count(total) > 5000' or 'max(hlt) >= 10ms'", text, why);
}

static int parse_measure(struct diff_condition *c, const char *name, size_t len)
{
	struct word_list words;
	char why[640];

	word_list__begin(&words, name, len);
	for (u32 m = 0; m < NR_DIFF_MEASURES; m++) {
		const char *known = diff_measure__name(m);

		word_list__add(&words, known);
		if (strlen(known) != len || strncmp(known, name, len))
			continue;
		c->measure = m;
		return 0;
	}
	snprintf(why, sizeof(why), "invalid measure '%.*s'%s; valid ones: %s", (int)(len < 32 ? len : 32),
		 name, nearest__hint(&words.nearest), words.text);
	return bad_condition(c->text, why);
}

static const char *parse_operator(struct diff_condition *c, const char *p)
{
	bool equal = (p[0] == '>' || p[0] == '<') && p[1] == '=';

	if (*p == '>')
		c->op = equal ? DIFF_NOT_BELOW : DIFF_ABOVE;
	else if (*p == '<')
		c->op = equal ? DIFF_NOT_ABOVE : DIFF_BELOW;
	else
		return NULL;
	return p + 1 + equal;
}

/* "+20%", "-5 %"; "12.5" of count; "1.5ms" of all else. */
static int parse_limit_value(struct diff_condition *c, const char *p)
{
	char *end;
	u64 ns;

	c->value = strtod(p, &end);
	if (end != p && isfinite(c->value)) {
		const char *rest = end + strspn(end, " ");

		c->relative = *rest == '%' && !rest[1];
		if (c->relative || (c->measure == DIFF_COUNT && !*rest && c->value >= 0))
			return 0;
	}
	if (c->measure == DIFF_COUNT)
		return bad_condition(c->text, "its value must be a change in percent, or events per second of "
				     "vCPU time");
	if (end != p && !*end && c->value)
		return bad_condition(c->text, "its value has no unit, one of ns, us, ms, s or %");
	if (parse_time(p, &ns))
		return bad_condition(c->text, "its value must be a change in percent, or a time such as 1.5ms");
	c->value = ns;
	return 0;
}

int diff_condition__parse(struct diff_condition *c, const char *text)
{
	const char *name = text + strspn(text, " "), *open = strchr(name, '('),
		   *close = strrchr(name, ')'), *p;
	size_t len = open ? open - name : 0;
	int err;

	*c = (struct diff_condition) { .text = text };
	if (!open || !close || close <= open + 1)
		return bad_condition(text, "it names no key");
	while (len && name[len - 1] == ' ')
		len--;
	err = parse_measure(c, name, len);
	if (err)
		return err;
	if ((size_t)(close - open) > sizeof(c->key))
		return bad_condition(text, "its key is too long");
	snprintf(c->key, sizeof(c->key), "%.*s", (int)(close - open - 1), open + 1);
	p = parse_operator(c, close + 1 + strspn(close + 1, " "));
	if (!p)
		return bad_condition(text, "its key must be followed by >, >=, < or <=");
	return parse_limit_value(c, p + strspn(p, " "));
}

static bool by_reason(const struct diff *d)
{
	const struct report_options *opt = d->rep[DIFF_OLD]->opt;

	return event_desc__is_cycle(d->rep[DIFF_OLD]->event) && opt->nr_sort == 1 &&
	       opt->sort[0] == KEY_REASON;
}

/*
 * A reason may be as --reason takes it. Then it is all rows that --reason would select: Intel's and
 * AMD's names for it are two rows, one in each recording. 0, or -1 (error() said why).
 */
static int find_reason(const struct diff_condition *c, const struct diff *d, struct diff_row *row)
{
	u32 nr[NR_DIFF_SIDES] = { 0 }, nr_rows = 0;

	for (u32 i = 0; i < d->nr_rows; i++) {
		const struct diff_row *one = &d->row[i];
		const struct report_row *any = one->row[DIFF_OLD] ?: one->row[DIFF_NEW];

		if (!reason_is(any->key[0].v[0] >> 32, any->key[0].v[0], c->key))
			continue;
		for (u32 side = 0; side < NR_DIFF_SIDES; side++)
			nr[side] += !!one->row[side];
		if (nr_rows++)
			diff_row__join(row, one);
		else
			*row = *one;
	}
	if (nr_rows < 2)
		return 0;
	row->label = (char *)c->key;
	/* The same number is another reason of each vendor. */
	if (isdigit(*c->key) ||
	    (!diff_measure__is_rate(c->measure) && (nr[DIFF_OLD] > 1 || nr[DIFF_NEW] > 1)))
		return error("--fail-if '%s': %u rows are '%s'; name one of them as the table does",
			     c->text, nr_rows, c->key);
	return 0;
}

static const struct diff_row *find_label(const struct diff_condition *c, const struct diff *d)
{
	const struct diff_row *found = NULL;

	if (!strcmp(c->key, d->total.label))
		return &d->total;
	for (u32 i = 0; i < d->nr_rows; i++) {
		if (!strcmp(d->row[i].label, c->key))
			return &d->row[i];
		if (!strcasecmp(d->row[i].label, c->key))
			found = &d->row[i];
	}
	return found;
}

int diff_condition__find(const struct diff_condition *c, const struct diff *d, struct diff_row *row)
{
	const struct diff_row *found;
	struct nearest n;

	*row = (struct diff_row) { .label = NULL };
	if (c->measure == DIFF_COST && *d->no_cost)
		return error("--fail-if '%s': costs of %s (OLD) and %s (NEW) do not compare: %s; compare 'time' or 'count'",
			     c->text, d->rep[DIFF_OLD]->rec->path, d->rep[DIFF_NEW]->rec->path,
			     d->no_cost);
	if (by_reason(d) && find_reason(c, d, row))
		return -1;
	found = row->label ? row : find_label(c, d);
	if (found)
		*row = *found;
	if (found || (by_reason(d) && reason_exists(c->key)))
		return 0;
	nearest__begin(&n, c->key, strlen(c->key));
	for (u32 i = 0; i < d->nr_rows; i++)
		nearest__offer(&n, d->row[i].label);
	return error("--fail-if '%s': neither %s nor %s has a row '%s'%s; keys are as in the table",
		     c->text, d->rep[DIFF_OLD]->rec->path, d->rep[DIFF_NEW]->rec->path, c->key,
		     nearest__hint(&n));
}

/* What is unknown is neither above nor below. */
bool diff_condition__holds(const struct diff_condition *c, const struct diff_row *row)
{
	double is =
		c->relative ? row->value[c->measure].percent : row->value[c->measure].of[DIFF_NEW];

	switch (c->op) {
	case DIFF_ABOVE:
		return is > c->value;
	case DIFF_NOT_BELOW:
		return is >= c->value;
	case DIFF_BELOW:
		return is < c->value;
	default:
		return is <= c->value;
	}
}
