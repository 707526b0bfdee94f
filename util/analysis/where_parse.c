// SPDX-License-Identifier: GPL-2.0
/* --where: from the text to a tree of terms, by recursive descent. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/analysis/where_internal.h"
#include "util/error.h"
#include "util/memory.h"
#include "util/parse.h"

#define TEXT_MAX	4096	/* bytes of an expression */

struct where_parser {
	struct where *w;
	const char *at;
	u32 depth;
};

static int syntax(const struct where_parser *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int syntax(const struct where_parser *p, const char *fmt, ...)
{
	char words[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	return error("%s, column %zu: %s", p->w->option, (size_t)(p->at - p->w->text) + 1, words);
}

/* What stands there instead, for messages. */
static const char *found(const struct where_parser *p, char *buf, size_t size)
{
	if (*p->at)
		snprintf(buf, size, ", found '%.20s'", p->at);
	else
		snprintf(buf, size, ", but the expression ends here");
	return buf;
}

static void where_parse__skip_space(struct where_parser *p)
{
	while (isspace((unsigned char)*p->at))
		p->at++;
}

static bool accept(struct where_parser *p, const char *token)
{
	size_t len = strlen(token);

	where_parse__skip_space(p);
	if (strncmp(p->at, token, len))
		return false;
	p->at += len;
	return true;
}

static bool is_word_char(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* ---- values ------------------------------------------------------------- */

static int take_text(struct where_parser *p, struct where_value *v, const char *from, size_t len)
{
	v->text = strndup(from, len);
	return v->text ? 0 : out_of_memory();
}

static int quoted(struct where_parser *p, struct where_value *v)
{
	char quote = *p->at;
	const char *end = strchr(p->at + 1, quote);
	int ret;

	if (!end)
		return syntax(p, "the text that begins here has no closing %c", quote);
	v->kind = VALUE_WORD;
	ret = take_text(p, v, p->at + 1, end - p->at - 1);
	p->at = end + 1;
	return ret;
}

/* Names of reasons, kinds and the like have '-', '.', ':' and '#' inside. */
static int where_parse__word(struct where_parser *p, struct where_value *v)
{
	size_t len = v->negative;	/* -EFAULT */

	while (is_word_char(p->at[len]) ||
	       (p->at[len] && strchr("-.:#", p->at[len]) && is_word_char(p->at[len + 1])))
		len++;
	if (take_text(p, v, p->at, len))
		return -1;
	v->negative = false;
	v->kind = strcmp(v->text, "unknown") ? VALUE_WORD : VALUE_NONE;
	p->at += len;
	return 0;
}

/* 10, 0x3f8, 4K, 100us, 2.5 */
static int where_parse__number(struct where_parser *p, struct where_value *v)
{
	const char *begin = p->at + v->negative, *rest;
	bool hex = begin[0] == '0' && (begin[1] == 'x' || begin[1] == 'X');
	size_t len = 0;

	while (is_word_char(begin[len]) ||
	       (begin[len] == '.' && isdigit((unsigned char)begin[len + 1])))
		len++;
	if (take_text(p, v, p->at, len + v->negative))
		return -1;
	rest = v->text + v->negative;
	v->kind = VALUE_NUMBER;
	if (hex) {
		if (parse_number(&rest, 16, UINT64_MAX, &v->number) || *rest)
			return syntax(p, "'%.40s' is not a hexadecimal number of 64 bits", v->text);
	} else if (parse_u64(rest, &v->number) &&
		   (strchr(rest, 'm') || parse_size(rest, &v->number))) {
		/* A small m stands for minutes. */
		v->kind = VALUE_TIME;
		v->bare = !isalpha((unsigned char)v->text[strlen(v->text) - 1]);
		if (parse_time(rest, &v->number))
			return syntax(p, "'%.40s' is not a number, such as 10, 0x3f8, 4K, 100us or 2.5s",
				      v->text);
	}
	p->at += strlen(v->text);
	return 0;
}

static int where_parse__value(struct where_parser *p, struct where_term *t)
{
	struct where_value *v = &t->value[t->nr_values];
	char buf[40];

	if (t->nr_values == WHERE_VALUES)
		return syntax(p, "more than %u values", WHERE_VALUES);
	where_parse__skip_space(p);
	*v = (struct where_value) { .column = p->at - p->w->text + 1 };
	t->nr_values++;
	if (*p->at == '"' || *p->at == '\'')
		return quoted(p, v);
	v->negative = *p->at == '-';
	if (isdigit((unsigned char)p->at[v->negative]))
		return where_parse__number(p, v);
	if (isalpha((unsigned char)p->at[v->negative]) || p->at[v->negative] == '_')
		return where_parse__word(p, v);
	return syntax(p, "expected a number, a name or a \"text\"%s", found(p, buf, sizeof(buf)));
}

/* A, A-B */
static int range(struct where_parser *p, struct where_term *t)
{
	u32 first = t->nr_values;

	if (where_parse__value(p, t))
		return -1;
	if (t->value[first].kind == VALUE_WORD || t->value[first].kind == VALUE_NONE ||
	    !accept(p, "-"))
		return 0;
	t->value[first].range_begins = true;
	if (where_parse__value(p, t))
		return -1;
	return t->value[first + 1].kind == VALUE_NUMBER || t->value[first + 1].kind == VALUE_TIME ?
	       0 : syntax(p, "a range must end with a number");
}

static int where_parse__list(struct where_parser *p, struct where_term *t)
{
	bool bracket = accept(p, "(");
	char buf[40];

	do {
		if (range(p, t))
			return -1;
	} while (accept(p, ","));
	if (!bracket || accept(p, ")"))
		return 0;
	return syntax(p, "the list needs a ')' here%s", found(p, buf, sizeof(buf)));
}

/* ---- terms -------------------------------------------------------------- */

/* Longer ones first. */
static const struct where_op_token {
	const char *token;
	enum where_op op;
	bool negate, is_list;
} op_tokens[] = {
	{ "==", WHERE_EQ, false, false }, { "!=", WHERE_EQ, true, false }, { "!~", WHERE_MATCH, true, false },
	{ "<=", WHERE_LE, false, false }, { ">=", WHERE_GE, false, false }, { "=~", WHERE_MATCH, false, false },
	{ "<", WHERE_LT, false, false }, { ">", WHERE_GT, false, false }, { "~", WHERE_MATCH, false, false },
	{ "=", WHERE_EQ, false, false }, { "in", WHERE_EQ, false, true },
};

static const struct where_op_token *operator(struct where_parser *p)
{
	where_parse__skip_space(p);
	for (size_t i = 0; i < ARRAY_SIZE(op_tokens); i++) {
		size_t len = strlen(op_tokens[i].token);

		if (strncmp(p->at, op_tokens[i].token, len) ||
		    (op_tokens[i].is_list && is_word_char(p->at[len])))
			continue;
		p->at += len;
		return &op_tokens[i];
	}
	return NULL;
}

/* The pattern of ~, to be found anywhere in the name. */
static int pattern(struct where_parser *p, struct where_term *t)
{
	char words[128];
	int ret;

	if (where_parse__value(p, t))
		return -1;
	ret = regcomp(&t->regex, t->value[0].text, REG_EXTENDED | REG_NOSUB);
	t->has_regex = !ret;
	if (!ret)
		return 0;
	regerror(ret, &t->regex, words, sizeof(words));
	return syntax(p, "'%.40s' is not a regular expression: %s", t->value[0].text, words);
}

static int add_node(struct where_parser *p, struct where_node node, u16 *at)
{
	if (p->w->nr_nodes == WHERE_NODES)
		return syntax(p, "the expression is too long");
	*at = p->w->nr_nodes;
	p->w->node[p->w->nr_nodes++] = node;
	return 0;
}

static int where_parse__term(struct where_parser *p, u16 *node)
{
	struct where *w = p->w;
	struct where_term *t = &w->term[w->nr_terms];
	const struct where_op_token *op;
	char buf[40];

	if (!isalpha((unsigned char)*p->at) && *p->at != '_')
		return syntax(p, "expected the name of a field%s", found(p, buf, sizeof(buf)));
	if (w->nr_terms == WHERE_TERMS)
		return syntax(p, "more than %u comparisons", WHERE_TERMS);
	*t = (struct where_term) { .name = p->at, .column = p->at - w->text + 1 };
	w->nr_terms++;
	while (is_word_char(p->at[t->len]))
		t->len++;
	p->at += t->len;
	op = operator(p);
	if (!op)
		return syntax(p, "'%.*s' must be followed by ==, !=, <, <=, >, >=, in, ~ or !~%s",
			      (int)(t->len < 40 ? t->len : 40), t->name,
			      found(p, buf, sizeof(buf)));
	t->op = op->op;
	t->negate = op->negate;
	if (op->op == WHERE_MATCH ? pattern(p, t) : op->is_list ? where_parse__list(p, t) :
	    where_parse__value(p, t))
		return -1;
	return add_node(p, (struct where_node) { .kind = NODE_TERM, .a = t - w->term }, node);
}

/* ---- expressions -------------------------------------------------------- */

static int any_of(struct where_parser *p, u16 *node);

/* NOLINTNEXTLINE(misc-no-recursion): nodes are bounded */
static int unary(struct where_parser *p, u16 *node)
{
	char buf[40];
	int ret;

	if (p->depth == WHERE_DEPTH)
		return syntax(p, "more than %u levels of ( and !", WHERE_DEPTH);
	p->depth++;
	if (accept(p, "!")) {
		ret = unary(p, node) ||
		      add_node(p, (struct where_node) { .kind = NODE_NOT, .a = *node }, node) ?
		      -1 : 0;
	} else if (accept(p, "(")) {
		ret = any_of(p, node);
		if (!ret && !accept(p, ")"))
			ret = syntax(p, "expected &&, || or ')'%s", found(p, buf, sizeof(buf)));
	} else {
		ret = where_parse__term(p, node);
	}
	p->depth--;
	return ret;
}

/* NOLINTNEXTLINE(misc-no-recursion): nodes are bounded */
static int all_of(struct where_parser *p, u16 *node)
{
	u16 right;

	if (unary(p, node))
		return -1;
	while (accept(p, "&&"))
		if (unary(p, &right) ||
		    add_node(p, (struct where_node) { NODE_AND, *node, right }, node))
			return -1;
	return 0;
}

/* NOLINTNEXTLINE(misc-no-recursion): nodes are bounded */
static int any_of(struct where_parser *p, u16 *node)
{
	u16 right;

	if (all_of(p, node))
		return -1;
	while (accept(p, "||"))
		if (all_of(p, &right) ||
		    add_node(p, (struct where_node) { NODE_OR, *node, right }, node))
			return -1;
	return 0;
}

int where_parse__text(struct where *w)
{
	struct where_parser p = { .w = w, .at = w->text };
	char buf[40];
	u16 root;

	if (strlen(w->text) > TEXT_MAX)
		return error("%s: longer than %u characters", w->option, TEXT_MAX);
	if (any_of(&p, &root))
		return -1;
	where_parse__skip_space(&p);
	w->root = root;
	return *p.at ? syntax(&p, "expected && or ||%s", found(&p, buf, sizeof(buf))) : 0;
}
