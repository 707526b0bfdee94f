// SPDX-License-Identifier: GPL-2.0
/* META: each known member says how it is passed on; a new one is dropped until it is here. */
#include <ctype.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "util/arch/reason.h"
#include "util/keep/series.h"
#include "util/memory.h"
#include "util/privacy/scrub.h"

typedef struct json_object json;

static json *meta_pass__plain(struct scrub *s, json *value)
{
	(void)s;
	return json_object_get(value);
}

struct meta_rule {
	const char *name;
	enum json_type type;
	json *(*pass)(struct scrub *s, json *value);	/* NULL: is dropped */
};

/* What the rules pass on of an object. */
static json *pass_members(struct scrub *s, json *from, const struct meta_rule *rule, size_t nr)
{
	json *to = json_object_new_object();

	json_object_object_foreach(from, name, value) {
		json *passed = NULL;
		size_t i = 0;

		while (i < nr &&
		       !(!strcmp(rule[i].name, name) && json_object_is_type(value, rule[i].type)))
			i++;
		if (i < nr && rule[i].pass)
			passed = rule[i].pass(s, value);
		if (passed)
			json_object_object_add(to, name, passed);
		else if (i == nr || rule[i].pass)
			s->dropped.members++;
	}
	return to;
}

static json *pass_elements(struct scrub *s, json *from, enum json_type type,
			   json *(*pass)(struct scrub *s, json *value))
{
	json *to = json_object_new_array();

	for (size_t i = 0; i < json_object_array_length(from); i++) {
		json *value = json_object_array_get_idx(from, i);
		json *passed = json_object_is_type(value, type) ? pass(s, value) : NULL;

		if (passed)
			json_object_array_add(to, passed);
		else
			s->dropped.members++;
	}
	return to;
}

static json *meta_pass__name(struct scrub *s, json *value)
{
	char buf[PRIVACY_TEXT];

	s->met[KVMW_SECRET_NAMES] = true;
	return json_object_new_string(privacy__name(&s->privacy, json_object_get_string(value),
						    buf));
}

static json *meta_pass__command(struct scrub *s, json *value)
{
	s->met[KVMW_SECRET_COMMANDS] = true;
	if (s->privacy.way[KVMW_SECRET_COMMANDS] == PRIVACY_KEEP)
		return pass_elements(s, value, json_type_string, meta_pass__plain);
	return json_object_new_array();
}

static json *words_of_note(struct scrub *s, json *value)
{
	s->met[KVMW_SECRET_NOTES] = true;
	return s->privacy.way[KVMW_SECRET_NOTES] == PRIVACY_KEEP ? json_object_get(value) :
	       json_object_new_string(SCRUB_WORDS);
}

static json *meta_pass__host(struct scrub *s, json *value)
{
	static const struct meta_rule rules[] = {
		{ "name", json_type_string, meta_pass__name }, { "kernel", json_type_string, meta_pass__plain },
		{ "arch", json_type_string, meta_pass__plain }, { "cpu", json_type_string, meta_pass__plain },
		{ "cpus", json_type_int, meta_pass__plain },
	};

	return pass_members(s, value, rules, ARRAY_SIZE(rules));
}

/* {"kvm":{"halt_poll_ns":"200000"}} */
static json *meta_pass__params(struct scrub *s, json *value)
{
	json *to = json_object_new_object();

	json_object_object_foreach(value, module, list) {
		json *texts = json_object_new_object();

		if (json_object_is_type(list, json_type_object)) {
			json_object_object_foreach(list, param, text)
				if (json_object_is_type(text, json_type_string))
					json_object_object_add(texts, param, json_object_get(text));
		}
		json_object_object_add(to, module, texts);
	}
	(void)s;
	return to;
}

static json *meta_pass__kvm(struct scrub *s, json *value)
{
	static const struct meta_rule rules[] = {
		{ "module", json_type_string, meta_pass__plain }, { "params", json_type_object, meta_pass__params },
	};

	return pass_members(s, value, rules, ARRAY_SIZE(rules));
}

const char *scrub__tracepoint(struct scrub *s, const char *text, char *buf)
{
	s->met[KVMW_SECRET_RAW] = true;
	if (s->privacy.way[KVMW_SECRET_RAW] == PRIVACY_KEEP) {
		snprintf(buf, PRIVACY_TEXT, "%s", text);
		return buf;
	}
	return remap__name(s->privacy.remap, text, strlen(text), buf);
}

static json *event_name(struct scrub *s, json *value)
{
	const char *text = json_object_get_string(value);
	char buf[PRIVACY_TEXT];

	return event_desc__by_name(text) ? json_object_get(value) :
	       json_object_new_string(scrub__tracepoint(s, text, buf));
}

static json *meta_pass__events(struct scrub *s, json *value)
{
	return pass_elements(s, value, json_type_string, event_name);
}

static json *meta_pass__skipped(struct scrub *s, json *value)
{
	json *to = json_object_new_object();

	json_object_object_foreach(value, event, why) {
		if (event_desc__by_name(event) && json_object_is_type(why, json_type_string))
			json_object_object_add(to, event, words_of_note(s, why));
		else
			s->dropped.members++;
	}
	return to;
}

/* ---- filters ------------------------------------------------------------- */

static json *hidden_word(void)
{
	return json_object_new_string(SCRUB_WORDS);
}

static json *meta_pass__reasons(struct scrub *s, json *value)
{
	char words[256], *rest = words;

	(void)s;
	snprintf(words, sizeof(words), "%s", json_object_get_string(value));
	for (char *word; (word = strsep(&rest, ","));)
		if (!reason_exists(word))
			return hidden_word();
	return json_object_get(value);
}

static json *meta_pass__range(struct scrub *s, json *value)
{
	const char *text = json_object_get_string(value);

	(void)s;
	return text[strspn(text, "0123456789abcdefx-")] ? hidden_word() : json_object_get(value);
}

static json *gpa_range(struct scrub *s, json *value)
{
	s->met[KVMW_SECRET_GUEST] = true;
	return s->privacy.way[KVMW_SECRET_GUEST] == PRIVACY_KEEP ? meta_pass__range(s, value) :
	       hidden_word();
}

static json *meta_pass__numbers(struct scrub *s, json *value)
{
	return pass_elements(s, value, json_type_int, meta_pass__plain);
}

static json *meta_pass__path(struct scrub *s, json *value)
{
	char buf[PRIVACY_TEXT];

	s->met[KVMW_SECRET_NAMES] = true;
	return json_object_new_string(privacy__path(&s->privacy, json_object_get_string(value),
						    buf));
}

static json *meta_pass__paths(struct scrub *s, json *value)
{
	return pass_elements(s, value, json_type_string, meta_pass__path);
}

static json *meta_pass__filters(struct scrub *s, json *value)
{
	static const struct meta_rule rules[] = {
		{ "all", json_type_boolean, meta_pass__plain }, { "pids", json_type_array, meta_pass__numbers },
		{ "groups", json_type_array, meta_pass__paths }, { "excluded", json_type_array, meta_pass__numbers },
		{ "vcpus", json_type_array, meta_pass__numbers }, { "reasons", json_type_string, meta_pass__reasons },
		{ "min_ns", json_type_int, meta_pass__plain }, { "port", json_type_string, meta_pass__range },
		{ "msr", json_type_string, meta_pass__range }, { "gpa", json_type_string, gpa_range },
		{ "sample", json_type_int, meta_pass__plain }, { "cpu_limit", json_type_double, meta_pass__plain },
	};

	return pass_members(s, value, rules, ARRAY_SIZE(rules));
}

/* ---- the rest ------------------------------------------------------------- */

static json *clock_pair(struct scrub *s, json *value)
{
	static const struct meta_rule rules[] = {
		{ "monotonic_ns", json_type_int, meta_pass__plain }, { "realtime_ns", json_type_int, meta_pass__plain },
	};

	return pass_members(s, value, rules, ARRAY_SIZE(rules));
}

static json *meta_pass__clocks(struct scrub *s, json *value)
{
	return pass_elements(s, value, json_type_object, clock_pair);
}

/* That another file follows is what merge finds gaps by. */
static json *why_stopped(struct scrub *s, json *value)
{
	return !strcmp(json_object_get_string(value), SERIES_STOP) ? json_object_get(value) :
	       words_of_note(s, value);
}

static json *meta_pass__stop(struct scrub *s, json *value)
{
	static const struct meta_rule rules[] = {
		{ "time_ns", json_type_int, meta_pass__plain }, { "why", json_type_string, why_stopped },
	};

	return pass_members(s, value, rules, ARRAY_SIZE(rules));
}

static json *meta_pass__trigger(struct scrub *s, json *value)
{
	static const struct meta_rule rules[] = {
		{ "time_ns", json_type_int, meta_pass__plain }, { "what", json_type_string, words_of_note },
	};

	return pass_members(s, value, rules, ARRAY_SIZE(rules));
}

static json *meta_pass__notes(struct scrub *s, json *value)
{
	json *to = pass_elements(s, value, json_type_string, words_of_note);

	json_object_put(s->notes);
	s->notes = json_object_get(to);
	return to;
}

static json *tracepoint_name(struct scrub *s, json *value)
{
	char buf[PRIVACY_TEXT];

	return json_object_new_string(scrub__tracepoint(s, json_object_get_string(value), buf));
}

static json *meta_pass__format(struct scrub *s, json *value)
{
	return s->privacy.way[KVMW_SECRET_RAW] == PRIVACY_KEEP ? json_object_get(value) :
	       json_object_new_string("");
}

static json *meta_pass__tracepoint(struct scrub *s, json *value)
{
	static const struct meta_rule rules[] = {
		{ "kind", json_type_int, meta_pass__plain }, { "name", json_type_string, tracepoint_name },
		{ "format", json_type_string, meta_pass__format },
	};

	return pass_members(s, value, rules, ARRAY_SIZE(rules));
}

static json *meta_pass__tracepoints(struct scrub *s, json *value)
{
	return pass_elements(s, value, json_type_object, meta_pass__tracepoint);
}

/* {"kernel":true} */
static json *meta_pass__symbols(struct scrub *s, json *value)
{
	static const struct meta_rule rules[] = { { "kernel", json_type_boolean,
						    meta_pass__plain } };

	return pass_members(s, value, rules, ARRAY_SIZE(rules));
}

static json *meta_pass__resolution(struct scrub *s, json *value)
{
	struct resolution said;
	char text[RESOLUTION_TEXT];

	if (resolution__parse(&said, json_object_get_string(value)))
		return NULL;
	data_encoder__expect_rounded(s->out.encoder);
	return json_object_new_string(resolution__text(&said, text));
}

static json *meta_pass__missing(struct scrub *s, json *value)
{
	s->missed_before = json_object_get_int64(value) > 0 ? json_object_get_int64(value) : 0;
	return json_object_get(value);
}

/* What was hidden before: it is that still. */
static json *meta_pass__states(struct scrub *s, json *value)
{
	json *to = json_object_new_object();

	for (u32 i = 0; i < KVMW_NR_SECRETS; i++) {
		json *state = json_object_object_get(value, secret_desc(i)->member);
		int known = json_object_is_type(state, json_type_string) ?
			    secret_state__parse(json_object_get_string(state)) : -1;

		if (known >= 0)
			json_object_object_add(to, secret_desc(i)->member,
					       json_object_new_string(secret_state__name(known)));
	}
	json_object_put(s->states);
	s->states = json_object_get(to);
	return to;
}

static json *meta_pass__part(struct scrub *s, json *value)
{
	static const struct meta_rule rules[] = {
		{ "from_ns", json_type_int, meta_pass__plain }, { "to_ns", json_type_int, meta_pass__plain },
		{ "end_ns", json_type_int, meta_pass__plain }, { "by", json_type_string, words_of_note },
		{ "selects", json_type_boolean, meta_pass__plain }, { "without", json_type_array, meta_pass__events },
	};

	return pass_members(s, value, rules, ARRAY_SIZE(rules));
}

static json *meta_pass__series(struct scrub *s, json *value)
{
	static const struct meta_rule rules[] = {
		{ "number", json_type_int, meta_pass__plain }, { "to", json_type_int, meta_pass__plain },
	};

	return pass_members(s, value, rules, ARRAY_SIZE(rules));
}

int scrub__meta(struct scrub *s, const char *text)
{
	static const struct meta_rule rules[] = {
		{ "kvmw", json_type_string, meta_pass__plain }, { "command", json_type_array, meta_pass__command },
		{ "host", json_type_object, meta_pass__host }, { "kvm", json_type_object, meta_pass__kvm },
		{ "events", json_type_array, meta_pass__events }, { "skipped", json_type_object, meta_pass__skipped },
		{ "filters", json_type_object, meta_pass__filters }, { "rings", json_type_int, meta_pass__plain },
		{ "ring_bytes", json_type_int, meta_pass__plain }, { "clocks", json_type_array, meta_pass__clocks },
		{ "start_ns", json_type_int, meta_pass__plain }, { "stop", json_type_object, meta_pass__stop },
		{ "notes", json_type_array, meta_pass__notes }, { "tracepoints", json_type_array, meta_pass__tracepoints },
		{ "trigger", json_type_object, meta_pass__trigger },
		{ "part", json_type_object, meta_pass__part },
		{ "resolution", json_type_string, meta_pass__resolution },
		{ "series", json_type_object, meta_pass__series }, { "first_clock", json_type_object, clock_pair },
		{ "privacy", json_type_object, meta_pass__states },
		{ "missing_rows", json_type_int, meta_pass__missing },
		{ "guest_symbols", json_type_object, meta_pass__symbols },
		/* How kvmw attached: of no interest to readers. */
		{ "programs", json_type_object, NULL },
	};
	json *root, *to;
	int ret = json_text__parse(&s->out.purse, text, &root);

	if (ret)
		return ret;
	/* Without the functions it says nothing. */
	if (s->privacy.way[KVMW_SECRET_SYMBOLS] != PRIVACY_KEEP &&
	    json_object_object_get_ex(root, "guest_symbols", NULL)) {
		s->met[KVMW_SECRET_SYMBOLS] = true;
		json_object_object_del(root, "guest_symbols");
	}
	to = pass_members(s, root, rules, ARRAY_SIZE(rules));
	json_object_put(root);
	return part_out__json(&s->out, DATA_META, to);
}

int scrub__last_meta(struct scrub *s, const char *note, u64 missing_rows)
{
	json *root = json_object_new_object(), *list = s->notes ?: json_object_new_array();
	json *now = s->states ?: json_object_new_object();

	if (note)
		json_object_array_add(list, json_object_new_string(note));
	for (u32 i = 0; i < KVMW_NR_SECRETS; i++) {
		enum privacy_way way = s->privacy.way[i];
		json *was = json_object_object_get(now, secret_desc(i)->member);

		/* What was not there is not hidden; what is gone does not return by a new name. */
		if (!(s->met[i] || (note && i == KVMW_SECRET_NOTES)) || way == PRIVACY_KEEP ||
		    (was && way == PRIVACY_REMAP))
			continue;
		json_object_object_add(now, secret_desc(i)->member,
				       json_object_new_string(secret_state__name(way)));
	}
	json_object_object_add(root, "notes", list);
	json_object_object_add(root, "privacy", now);
	if (missing_rows)
		json_object_object_add(root, "missing_rows", json_object_new_int64(missing_rows));
	s->notes = s->states = NULL;
	return part_out__json(&s->out, DATA_META, root);
}
