// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "util/arch/arch.h"
#include "util/capture/meta.h"
#include "util/capture/tracefs.h"

struct meta {
	struct json_object *root, *clocks, *notes;
};

static void add_string(struct json_object *o, const char *key, const char *value)
{
	json_object_object_add(o, key, json_object_new_string(value));
}

static void read_line(const char *path, char *line, size_t size)
{
	FILE *f = fopen(path, "re");

	if (!f || !fgets(line, size, f))
		line[0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	if (f)
		fclose(f);
}

static void cpu_model(char *model, size_t size)
{
	char line[512];
	FILE *f = fopen("/proc/cpuinfo", "re");

	snprintf(model, size, "unknown");
	while (f && fgets(line, sizeof(line), f)) {
		char *value = strstr(line, ": ");

		if (!value || strncmp(line, ARCH_CPU_MODEL, strlen(ARCH_CPU_MODEL)))
			continue;
		value[strcspn(value, "\n")] = '\0';
		snprintf(model, size, "%s", value + 2);
		break;
	}
	if (f)
		fclose(f);
}

static struct json_object *host(void)
{
	struct json_object *o = json_object_new_object();
	struct utsname uts;
	char model[256];

	uname(&uts);
	cpu_model(model, sizeof(model));
	add_string(o, "name", uts.nodename);
	add_string(o, "kernel", uts.release);
	add_string(o, "arch", uts.machine);
	add_string(o, "cpu", model);
	json_object_object_add(o, "cpus", json_object_new_int(sysconf(_SC_NPROCESSORS_ONLN)));
	return o;
}

static int is_parameter(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static struct json_object *module_params(const char *module)
{
	struct json_object *o = json_object_new_object();
	char path[384], value[256];
	struct dirent **entries;
	int nr;

	snprintf(path, sizeof(path), "/sys/module/%s/parameters", module);
	nr = scandir(path, &entries, is_parameter, alphasort);
	for (int i = 0; i < nr; i++) {
		snprintf(path, sizeof(path), "/sys/module/%s/parameters/%s", module, entries[i]->d_name);
		read_line(path, value, sizeof(value));
		add_string(o, entries[i]->d_name, value);
		free(entries[i]);
	}
	if (nr >= 0)
		free(entries);
	return o;
}

static struct json_object *kvm(void)
{
	struct json_object *o = json_object_new_object(), *params = json_object_new_object();
	const char *module = "kvm", *vendor = module;

	for (size_t i = 0; module; module = arch_modules[i++]) {
		char path[64];

		snprintf(path, sizeof(path), "/sys/module/%s", module);
		if (access(path, F_OK))
			continue;
		vendor = module;
		json_object_object_add(params, module, module_params(module));
	}
	add_string(o, "module", vendor);
	json_object_object_add(o, "params", params);
	return o;
}

static struct json_object *filters(const struct session_opts *opts,
				   const struct record_filter *filter)
{
	struct json_object *o = json_object_new_object(), *list = json_object_new_array();

	json_object_object_add(o, "all", json_object_new_boolean(opts->target == KVMW_TARGET_ALL));
	for (u32 i = 0; i < opts->nr_pids; i++)
		json_object_array_add(list, json_object_new_int(opts->pids[i]));
	json_object_object_add(o, "pids", list);
	if (opts->vcpus) {
		list = json_object_new_array();
		for (u32 i = 0; i < KVMW_MAX_VCPU_IDS; i++)
			if (opts->vcpus[i / 64] >> i % 64 & 1)
				json_object_array_add(list, json_object_new_int(i));
		json_object_object_add(o, "vcpus", list);
	}
	record_filter__json(filter, o);
	return o;
}

static void add_clock(struct meta *meta)
{
	struct json_object *o = json_object_new_object();
	u64 before = monotonic_ns(), realtime;
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	realtime = ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
	json_object_object_add(o, "monotonic_ns",
			       json_object_new_int64(before + (monotonic_ns() - before) / 2));
	json_object_object_add(o, "realtime_ns", json_object_new_int64(realtime));
	json_object_array_add(meta->clocks, o);
}

static struct json_object *events(const struct event_choice *choice)
{
	struct json_object *list = json_object_new_array();

	for_each_named_event(event)
		if (choice->events & BIT(event->id))
			json_object_array_add(list, json_object_new_string(event->name));
	for (u32 i = 0; i < choice->nr_raw; i++) {
		char name[140];

		snprintf(name, sizeof(name), "%s:%s", choice->raw[i].category, choice->raw[i].name);
		json_object_array_add(list, json_object_new_string(name));
	}
	return list;
}

/* With these, records of raw tracepoints can be decoded on any host. */
static struct json_object *tracepoints(const struct event_choice *choice)
{
	struct json_object *list = json_object_new_array();

	for (u32 i = 0; i < choice->nr_raw; i++) {
		struct json_object *o = json_object_new_object();
		char name[140], *format;

		snprintf(name, sizeof(name), "%s:%s", choice->raw[i].category, choice->raw[i].name);
		format = tracefs__format_text(choice->raw[i].category, choice->raw[i].name);
		json_object_object_add(o, "kind", json_object_new_int(i + 1));
		add_string(o, "name", name);
		add_string(o, "format", format ? format : "");
		json_object_array_add(list, o);
		free(format);
	}
	return list;
}

/* How each probe is attached here; a note where one is not. */
static void add_probes(struct meta *meta, const struct session *session, u32 set)
{
	struct json_object *o = json_object_new_object();

	for (u32 h = 0; h < NR_PROBES; h++) {
		const struct attach_method *method = session__method(session, h);

		if (method)
			add_string(o, method->program, method->name);
		else if (h < PROBE_POINTS && provider__uses(set, h) && probes[h].without &&
			 session__applies(session, h))
			meta__note(meta, probes[h].without);
	}
	json_object_object_add(meta->root, "programs", o);
}

struct meta *meta__new(int argc, const char **argv, const struct session *session,
		       const struct session_opts *opts, const struct record_filter *filter,
		       const char *silent)
{
	struct meta *meta = calloc(1, sizeof(*meta));
	struct json_object *command = json_object_new_array(), *o;

	if (!meta)
		return NULL;
	meta->root = o = json_object_new_object();
	meta->clocks = json_object_new_array();
	meta->notes = json_object_new_array();
	/* argv[0] was changed to "kvmw record" for argp. */
	json_object_array_add(command, json_object_new_string("kvmw"));
	json_object_array_add(command, json_object_new_string("record"));
	for (int i = 1; i < argc; i++)
		json_object_array_add(command, json_object_new_string(argv[i]));

	add_string(o, "kvmw", KVMW_VERSION);
	json_object_object_add(o, "command", command);
	json_object_object_add(o, "host", host());
	json_object_object_add(o, "kvm", kvm());
	json_object_object_add(o, "events", events(opts->choice));
	json_object_object_add(o, "filters", filters(opts, filter));
	json_object_object_add(o, "rings", json_object_new_int(session__nr_rings(session)));
	json_object_object_add(o, "ring_bytes", json_object_new_int64(session__ring_bytes(session)));
	json_object_object_add(o, "clocks", meta->clocks);
	json_object_object_add(o, "notes", meta->notes);
	if (opts->choice->nr_raw)
		json_object_object_add(o, "tracepoints", tracepoints(opts->choice));
	add_probes(meta, session, opts->choice->events);
	if (silent)
		meta__note(meta, silent);
	add_clock(meta);
	return meta;
}

void meta__free(struct meta *meta)
{
	if (!meta)
		return;
	json_object_put(meta->root);
	free(meta);
}

void meta__start(struct meta *meta, u64 start_ns)
{
	json_object_object_add(meta->root, "start_ns", json_object_new_int64(start_ns));
}

void meta__stop(struct meta *meta, u64 stop_ns, const char *why)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "time_ns", json_object_new_int64(stop_ns));
	add_string(o, "why", why);
	json_object_object_add(meta->root, "stop", o);
	add_clock(meta);
}

void meta__note(struct meta *meta, const char *note)
{
	/* Several missing probes may have the same note. */
	for (size_t i = 0; i < json_object_array_length(meta->notes); i++)
		if (!strcmp(json_object_get_string(json_object_array_get_idx(meta->notes, i)), note))
			return;
	json_object_array_add(meta->notes, json_object_new_string(note));
}

char *meta__json(const struct meta *meta)
{
	const char *text = json_object_to_json_string_ext(meta->root, JSON_C_TO_STRING_PLAIN);

	return text ? strdup(text) : NULL;
}
