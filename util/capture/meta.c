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
#include "util/capture/json_build.h"
#include "util/capture/meta.h"
#include "util/capture/tracefs.h"
#include "util/memory.h"

struct meta {
	struct json_object *root, *clocks, *notes;
	int err;		/* out of memory: meta__json() says so */
};

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
	int err = 0;

	uname(&uts);
	cpu_model(model, sizeof(model));
	err |= json_build__put_text(o, "name", uts.nodename);
	err |= json_build__put_text(o, "kernel", uts.release);
	err |= json_build__put_text(o, "arch", uts.machine);
	err |= json_build__put_text(o, "cpu", model);
	err |= json_build__put(o, "cpus", json_object_new_int(sysconf(_SC_NPROCESSORS_ONLN)));
	return json_build__end(o, err);
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
	int err = 0;

	snprintf(path, sizeof(path), "/sys/module/%s/parameters", module);
	nr = scandir(path, &entries, is_parameter, alphasort);
	for (int i = 0; i < nr; i++) {
		snprintf(path, sizeof(path), "/sys/module/%s/parameters/%s", module,
			 entries[i]->d_name);
		read_line(path, value, sizeof(value));
		err |= json_build__put_text(o, entries[i]->d_name, value);
		free(entries[i]);
	}
	if (nr >= 0)
		free(entries);
	return json_build__end(o, err);
}

static struct json_object *kvm(void)
{
	struct json_object *o = json_object_new_object(), *params = json_object_new_object();
	const char *module = "kvm", *vendor = module;
	int err = 0;

	for (size_t i = 0; module; module = arch_modules[i++]) {
		char path[64];

		snprintf(path, sizeof(path), "/sys/module/%s", module);
		if (access(path, F_OK))
			continue;
		vendor = module;
		err |= json_build__put(params, module, module_params(module));
	}
	err |= json_build__put_text(o, "module", vendor);
	err |= json_build__put(o, "params", params);
	return json_build__end(o, err);
}

/* Which VMs: see also "all". */
static int add_selection(struct json_object *o, const struct session_opts *opts)
{
	struct json_object *list = json_object_new_array();
	int err = 0;

	for (u32 i = 0; i < opts->nr_pids; i++)
		err |= json_build__append(list, json_object_new_int(opts->pids[i]));
	err |= json_build__put(o, "pids", list);
	if (opts->nr_excluded) {
		list = json_object_new_array();
		for (u32 i = 0; i < opts->nr_excluded; i++)
			err |= json_build__append(list, json_object_new_int(opts->excluded[i]));
		err |= json_build__put(o, "excluded", list);
	}
	if (opts->groups && opts->groups->nr) {
		list = json_object_new_array();
		for (u32 i = 0; i < opts->groups->nr; i++)
			err |= json_build__append_text(list, opts->groups->list[i].path);
		err |= json_build__put(o, "groups", list);
	}
	return err;
}

static struct json_object *filters(const struct session_opts *opts,
				   const struct record_filter *filter)
{
	struct json_object *o = json_object_new_object();
	int err = 0;

	err |= json_build__put(o, "all", json_object_new_boolean(opts->target == KVMW_TARGET_ALL));
	err |= add_selection(o, opts);
	if (opts->vcpus) {
		struct json_object *list = json_object_new_array();

		for (u32 i = 0; i < KVMW_MAX_VCPU_IDS; i++)
			if (opts->vcpus[i / 64] >> i % 64 & 1)
				err |= json_build__append(list, json_object_new_int(i));
		err |= json_build__put(o, "vcpus", list);
	}
	err |= record_filter__json(filter, o);
	if (opts->cpu_limit > 0)
		err |= json_build__put(o, "cpu_limit", json_object_new_double(opts->cpu_limit));
	return json_build__end(o, err);
}

static void add_clock(struct meta *meta)
{
	struct json_object *o = json_object_new_object();
	u64 before = monotonic_ns(), realtime;
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	realtime = ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
	meta->err |= json_build__put(o, "monotonic_ns",
				     json_object_new_int64(before + (monotonic_ns() - before) / 2));
	meta->err |= json_build__put(o, "realtime_ns", json_object_new_int64(realtime));
	meta->err |= json_build__append(meta->clocks, o);
}

static struct json_object *events(const struct event_choice *choice)
{
	struct json_object *list = json_object_new_array();
	int err = 0;

	for_each_named_event(event)
		if (choice->events & BIT(event->id))
			err |= json_build__append_text(list, event->name);
	for (u32 i = 0; i < choice->nr_raw; i++) {
		char name[140];

		snprintf(name, sizeof(name), "%s:%s", choice->raw[i].category, choice->raw[i].name);
		err |= json_build__append_text(list, name);
	}
	return json_build__end(list, err);
}

static struct json_object *skipped_events(char *const *skipped)
{
	struct json_object *o = json_object_new_object();
	int err = 0;

	for_each_named_event(event)
		if (skipped[event->id])
			err |= json_build__put_text(o, event->name, skipped[event->id]);
	return json_build__end(o, err);
}

/* With these, records of raw tracepoints can be decoded on any host. */
static struct json_object *tracepoints(const struct event_choice *choice)
{
	struct json_object *list = json_object_new_array();
	int err = 0;

	for (u32 i = 0; i < choice->nr_raw; i++) {
		struct json_object *o = json_object_new_object();
		char name[140], *format;

		snprintf(name, sizeof(name), "%s:%s", choice->raw[i].category, choice->raw[i].name);
		format = tracefs__format_text(choice->raw[i].category, choice->raw[i].name);
		err |= json_build__put(o, "kind", json_object_new_int(i + 1));
		err |= json_build__put_text(o, "name", name);
		err |= json_build__put_text(o, "format", format ? format : "");
		err |= json_build__append(list, o);
		free(format);
	}
	return json_build__end(list, err);
}

/* With the event that it is about, if it is one: readers who see another event are spared it. */
static void note_without(struct meta *meta, u32 h, u32 set)
{
	const struct event_desc *only = NULL;
	char note[256];
	u32 nr = 0;

	for_each_captured_event(event) {
		if (!(set & BIT(event->id)) || !provider__uses(BIT(event->id), h))
			continue;
		only = event;
		nr++;
	}
	snprintf(note, sizeof(note), "%s%s%s", nr == 1 ? only->name : "", nr == 1 ? ": " : "",
		 probes[h].without);
	meta__note(meta, note);
}

/* How each probe is attached here; a note where one is not. */
static void add_probes(struct meta *meta, const struct session *session, u32 set)
{
	struct json_object *o = json_object_new_object();

	for (u32 h = 0; h < NR_PROBES; h++) {
		const struct attach_method *method = session__method(session, h);

		if (method)
			meta->err |= json_build__put_text(o, method->program, method->name);
		else if (h < PROBE_POINTS && provider__uses(set, h) && probes[h].without &&
			 session__applies(session, h))
			note_without(meta, h, set);
	}
	meta->err |= json_build__put(meta->root, "programs", o);
}

struct meta *meta__new(int argc, const char **argv, const struct session *session,
		       const struct session_opts *opts, const struct record_filter *filter,
		       char *const *skipped)
{
	struct meta *meta = mem__calloc(1, sizeof(*meta));
	struct json_object *command = json_object_new_array(), *o;

	if (!meta)
		return NULL;
	meta->root = o = json_object_new_object();
	meta->clocks = json_object_new_array();
	meta->notes = json_object_new_array();
	/* argv[0] was changed to "kvmw record" for argp, or to "kvmw stat". */
	meta->err |= json_build__append_text(command, "kvmw");
	meta->err |= json_build__append_text(command, argv[0] + strlen("kvmw "));
	for (int i = 1; i < argc; i++)
		meta->err |= json_build__append_text(command, argv[i]);
	meta->err |= json_build__put_text(o, "kvmw", KVMW_VERSION);
	meta->err |= json_build__put(o, "command", command);
	meta->err |= json_build__put(o, "host", host());
	meta->err |= json_build__put(o, "kvm", kvm());
	meta->err |= json_build__put(o, "events", events(opts->choice));
	meta->err |= json_build__put(o, "skipped", skipped_events(skipped));
	meta->err |= json_build__put(o, "filters", filters(opts, filter));
	meta->err |= json_build__put(o, "rings", json_object_new_int(session__nr_rings(session)));
	meta->err |= json_build__put(o, "ring_bytes",
				     json_object_new_int64(session__ring_bytes(session)));
	meta->err |= json_build__put(o, "clocks", meta->clocks);
	meta->err |= json_build__put(o, "notes", meta->notes);
	if (opts->choice->nr_raw)
		meta->err |= json_build__put(o, "tracepoints", tracepoints(opts->choice));
	if (meta->err) {
		out_of_memory();
		meta__free(meta);
		return NULL;
	}
	add_probes(meta, session, opts->choice->events);
	if (skipped[KVMW_EVENT_EXIT])
		meta__note(meta, skipped[KVMW_EVENT_EXIT]);
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
	meta->err |= json_build__put(meta->root, "start_ns", json_object_new_int64(start_ns));
}

void meta__stop(struct meta *meta, u64 stop_ns, const char *why)
{
	struct json_object *o = json_object_new_object();

	meta->err |= json_build__put(o, "time_ns", json_object_new_int64(stop_ns));
	meta->err |= json_build__put_text(o, "why", why);
	meta->err |= json_build__put(meta->root, "stop", o);
	add_clock(meta);
}

void meta__symbols(struct meta *meta, const struct guest_symbols *symbols)
{
	struct json_object *o = json_object_new_object();

	meta->err |= json_build__put(o, "kernel",
				     json_object_new_boolean(guest_symbols__of_kernel(symbols)));
	meta->err |= json_build__put(meta->root, "guest_symbols", o);
}

void meta__resolution(struct meta *meta, const struct resolution *resolution)
{
	char text[RESOLUTION_TEXT];

	if (!resolution__is_exact(resolution))
		meta->err |= json_build__put_text(meta->root, "resolution",
						  resolution__text(resolution, text));
}

void meta__note(struct meta *meta, const char *note)
{
	/* Several missing probes may have the same note. */
	for (size_t i = 0; i < json_object_array_length(meta->notes); i++)
		if (!strcmp(json_object_get_string(json_object_array_get_idx(meta->notes, i)),
			    note))
			return;
	meta->err |= json_build__append_text(meta->notes, note);
}

void meta__hide(struct meta *meta, const struct privacy *privacy)
{
	struct json_object *o = json_object_new_object();

	for (u32 i = 0; i < KVMW_NR_SECRETS; i++)
		if (privacy->way[i] != PRIVACY_KEEP)
			meta->err |= json_build__put_text(o, secret_desc(i)->member,
							  secret_state__name(SECRET_NOT_RECORDED));
	meta->err |= json_build__put(meta->root, "privacy", o);
}

u32 meta__nr_notes(const struct meta *meta)
{
	return json_object_array_length(meta->notes);
}

void meta__forget_notes(struct meta *meta, u32 nr)
{
	json_object_array_del_idx(meta->notes, nr, json_object_array_length(meta->notes) - nr);
}

/*
 * Of a part of the recording: clocks may have been set since the recorder was started, and who
 * writes it knows its start.
 */
static void begin_anew(struct meta *meta)
{
	json_object_object_del(meta->root, "start_ns");
	json_object_array_del_idx(meta->clocks, 0, json_object_array_length(meta->clocks));
	add_clock(meta);
}

char *meta__of_snapshot(struct meta *meta, const char *trigger, u64 time_ns)
{
	struct json_object *o = json_object_new_object();

	meta->err |= json_build__put(o, "time_ns", json_object_new_int64(time_ns));
	meta->err |= json_build__put_text(o, "what", trigger);
	meta->err |= json_build__put(meta->root, "trigger", o);
	begin_anew(meta);
	return meta__json(meta);
}

char *meta__of_next_file(struct meta *meta)
{
	if (!json_object_object_get_ex(meta->root, "first_clock", NULL))
		meta->err |= json_build__put(meta->root, "first_clock",
					     json_object_get(
					     json_object_array_get_idx(meta->clocks, 0)));
	begin_anew(meta);
	return meta__json(meta);
}

char *meta__json(const struct meta *meta)
{
	return json_build__text(meta->err ? NULL : meta->root);
}
