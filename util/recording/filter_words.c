// SPDX-License-Identifier: GPL-2.0
/* META's filters in the words of the options that asked for them: "-p 4711 --min-duration 1ms". */
#include <stdio.h>
#include <string.h>

#include "util/recording/member.h"
#include "util/recording/recording.h"

#define WORDS_MAX	(4UL * TEXT_MAX)	/* bytes; what does not fit is cut off */

struct filter_text {
	char text[WORDS_MAX];
	size_t len;
};

static void words__add(struct filter_text *t, const char *word)
{
	size_t len = strlen(word);

	if (t->len + len >= sizeof(t->text))
		len = sizeof(t->text) - 1 - t->len;
	memcpy(t->text + t->len, word, len);
	t->len += len;
	t->text[t->len] = '\0';
}

static void words__option(struct filter_text *t, const char *option)
{
	words__add(t, t->len ? " " : "");
	words__add(t, option);
	words__add(t, " ");
}

static void words__text(struct filter_text *t, const char *option, struct json_object *value)
{
	words__option(t, option);
	words__add(t, json_object_get_string(value) ?: "?");
}

/* A list of numbers, where neighbours become a range: "0-3,7". */
static void words__list(struct filter_text *t, const char *option, struct json_object *list)
{
	size_t nr = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
	char item[64];

	if (!nr)
		return;
	words__option(t, option);
	for (size_t i = 0, end; i < nr && t->len + sizeof(item) < sizeof(t->text); i = end + 1) {
		s64 first = json_object_get_int64(json_object_array_get_idx(list, i)), last = first;

		for (end = i; end + 1 < nr; end++, last++)
			if (json_object_get_int64(json_object_array_get_idx(list, end + 1)) !=
			    last + 1)
				break;
		snprintf(item, sizeof(item), last > first ? "%s%lld-%lld" : "%s%lld", i ? "," : "",
			 (long long)first, (long long)last);
		words__add(t, item);
	}
}

static void words__texts(struct filter_text *t, const char *option, struct json_object *list)
{
	size_t nr = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;

	for (size_t i = 0; i < nr; i++)
		words__text(t, option, json_object_array_get_idx(list, i));
}

/* In the largest unit that needs no fraction. */
static void words__time(struct filter_text *t, const char *option, struct json_object *value)
{
	static const struct { const char *name; u64 ns; } units[] = {
		{ "s", NSEC_PER_SEC }, { "ms", 1000000 }, { "us", 1000 }, { "ns", 1 },
	};
	u64 ns = json_object_get_uint64(value);
	char text[32];
	u32 i = 0;

	while (units[i].ns > 1 && (!ns || ns % units[i].ns))
		i++;
	snprintf(text, sizeof(text), "%llu%s", (unsigned long long)ns / units[i].ns, units[i].name);
	words__option(t, option);
	words__add(t, text);
}

/* "0x3f8-0x3f8" is one port. */
static void words__range(struct filter_text *t, const char *option, struct json_object *value)
{
	const char *text = json_object_get_string(value) ?: "?", *dash = strchr(text, '-');
	size_t len = dash ? dash - text : 0;
	char from[32];

	words__option(t, option);
	if (dash && len < sizeof(from) && !strncmp(text, dash + 1, len) && !dash[1 + len]) {
		snprintf(from, sizeof(from), "%.*s", (int)len, text);
		text = from;
	}
	words__add(t, text);
}

static void words__flag(struct filter_text *t, const char *option, struct json_object *value)
{
	if (json_object_get_boolean(value))
		words__add(t, option);
}

static void words__percent(struct filter_text *t, const char *option, struct json_object *value)
{
	char text[32];

	if (!json_object_is_type(value, json_type_double) &&
	    !json_object_is_type(value, json_type_int))
		return;
	snprintf(text, sizeof(text), "%.4g%%", json_object_get_double(value));
	words__option(t, option);
	words__add(t, text);
}

static const struct {
	const char *member, *option;
	void (*add)(struct filter_text *t, const char *option, struct json_object *value);
} words[] = {
	{ "all", "-a", words__flag }, { "pids", "-p", words__list },
	{ "groups", "-G", words__texts }, { "excluded", "--exclude", words__list }, { "vcpus", "--vcpu", words__list },
	{ "reasons", "--reason", words__text }, { "min_ns", "--min-duration", words__time },
	{ "port", "--port", words__range }, { "gpa", "--gpa", words__range },
	{ "msr", "--msr", words__range },
	{ "sample", "--sample", words__text }, { "cpu_limit", "--cpu-limit", words__percent },
};

int recording__filter_words(struct json_object *filters, char **to)
{
	struct filter_text t = { .len = 0 };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		struct json_object *value;

		if (json_object_object_get_ex(filters, words[i].member, &value) && value)
			words[i].add(&t, words[i].option, value);
	}
	return member__set_text(to, t.text, WORDS_MAX);
}
