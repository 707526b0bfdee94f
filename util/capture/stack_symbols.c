// SPDX-License-Identifier: GPL-2.0
#include <json-c/json.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "util/capture/json_build.h"
#include "util/capture/stack_symbols.h"
#include "util/capture/symbols.h"
#include "util/error.h"
#include "util/memory.h"
#include "util/text.h"

#define MAX_SYMBOL	256
#define SEND_MAX	64	/* stacks in a frame */

struct wanted {
	u32 id;
	pid_t pid;		/* 0: of the kernel */
};

struct stacks {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool finish;
	struct wanted wanted[KVMW_MAX_STACKS];
	u32 nr_wanted, nr_done, nr_sent;
	u64 known[KVMW_MAX_STACKS / 64];
	struct symbols *symbols;
	struct sink *sink;
	const struct session *session;
};

/* What leads to programs at functions: it is on the way to all that these functions call. */
static bool of_trampoline(const char *frame)
{
	static const char *const prefix = "bpf_trampoline_";

	return text__begins(frame, &prefix, 1);
}

/*
 * The newest frames belong to tracing itself, up to the function that has the tracepoint.
 */
static bool of_tracing(const char *frame)
{
	static const char *const prefixes[] = {
		"bpf_", "__bpf_", "__traceiter_", "__probestub_", "trace_call_bpf", "perf_trace_",
		"perf_call_bpf", "perf_tp_event", "arch_rethook_", "kretprobe_", "__kretprobe_",
	};

	return text__begins(frame, prefixes, ARRAY_SIZE(prefixes));
}

/* [frame, build id, address]: names that somebody else may know. */
static int add_lost(struct json_object *list, size_t frame, const struct elf_place *place)
{
	struct json_object *item = json_object_new_array();
	char id[2 * ELF_ID_MAX + 1] = "";
	int err = 0;

	for (u32 i = 0; i < place->id_len; i++)
		snprintf(id + (size_t)2 * i, 3, "%02x", place->id[i]);
	err |= json_build__append(item, json_object_new_int64(frame));
	err |= json_build__append_text(item, id);
	err |= json_build__append(item, json_object_new_int64(place->address));
	return err | json_build__append(list, json_build__end(item, err));
}

static struct json_object *frames_of(struct stacks *s, const struct wanted *w,
				     struct json_object *lost_names)
{
	struct json_object *frames = json_object_new_array();
	u64 address[KVMW_MAX_FRAMES] = {};
	struct elf_place lost = { .id_len = 0 };
	bool inside = true;
	int err = 0;

	if (session__stack(s->session, w->id, address))
		return frames;
	for (u32 i = 0; i < KVMW_MAX_FRAMES && address[i]; i++) {
		char text[MAX_SYMBOL];

		if (w->pid && i && !symbols__after_call(s->symbols, w->pid, address[i]))
			break;
		if (w->pid)
			symbols__user(s->symbols, w->pid, address[i], text, sizeof(text), &lost);
		else
			symbols__kernel(s->symbols, address[i], text, sizeof(text));
		if (lost.id_len)
			err |= add_lost(lost_names, json_object_array_length(frames), &lost);
		inside = inside && !w->pid && of_tracing(text);
		if (!inside && (w->pid || !of_trampoline(text)))
			err |= json_build__append_text(frames, text);
	}
	return json_build__end(frames, err);
}

static void send(struct stacks *s, const struct wanted *wanted, u32 nr)
{
	struct json_object *root = json_object_new_object(), *list = json_object_new_array();
	int err = 0;
	char *text;

	for (u32 i = 0; i < nr; i++) {
		struct json_object *o = json_object_new_object(), *lost = json_object_new_array();

		err |= json_build__put(o, "id", json_object_new_int(wanted[i].id));
		err |= json_build__put(o, "frames", frames_of(s, &wanted[i], lost));
		if (json_object_array_length(lost))
			err |= json_build__put(o, "lost", lost);
		else
			json_object_put(lost);
		err |= json_build__append(list, o);
	}
	err |= json_build__put(root, "stacks", list);
	root = json_build__end(root, err);
	text = json_build__text(root);
	json_object_put(root);
	if (sink__json(s->sink, DATA_IDENT, text))
		sink__fail(s->sink);
}

static void *stack_symbols__run(void *arg)
{
	struct stacks *s = arg;

	pthread_mutex_lock(&s->lock);
	while (!s->finish || s->nr_done < s->nr_wanted) {
		u32 from = s->nr_done, nr = s->nr_wanted - from;

		if (!nr) {
			pthread_cond_wait(&s->changed, &s->lock);
			continue;
		}
		if (nr > SEND_MAX)
			nr = SEND_MAX;
		s->nr_done += nr;
		pthread_mutex_unlock(&s->lock);
		/* Entries of the list do not change any more. */
		send(s, &s->wanted[from], nr);
		pthread_mutex_lock(&s->lock);
		s->nr_sent += nr;
		pthread_cond_broadcast(&s->changed);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

struct stacks *stacks__new(const struct session *session, struct sink *sink)
{
	struct stacks *s = mem__calloc(1, sizeof(*s));
	int err;

	if (!s)
		return NULL;
	s->sink = sink;
	s->session = session;
	s->symbols = symbols__new();
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
	if (!s->symbols)
		goto out;
	err = pthread_create(&s->thread, NULL, stack_symbols__run, s);
	if (!err)
		return s;
	error("cannot start the stack thread: %s", strerror(err));
out:
	symbols__free(s->symbols);
	free(s);
	return NULL;
}

static void stack_symbols__want(struct stacks *s, s64 id, pid_t pid)
{
	if (id < 0 || id >= KVMW_MAX_STACKS || s->known[id / 64] >> id % 64 & 1)
		return;
	s->known[id / 64] |= 1ULL << id % 64;
	pthread_mutex_lock(&s->lock);
	s->wanted[s->nr_wanted++] = (struct wanted) { id, pid };
	pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

void stacks__note(struct stacks *s, const struct kvmw_stack *row, pid_t pid)
{
	stack_symbols__want(s, row->kernel, 0);
	stack_symbols__want(s, row->user, pid);
}

void stacks__settle(struct stacks *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	while (s->nr_sent < s->nr_wanted)
		pthread_cond_wait(&s->changed, &s->lock);
	pthread_mutex_unlock(&s->lock);
}

void stacks__finish(struct stacks *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->finish = true;
	pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	symbols__free(s->symbols);
	free(s);
}
