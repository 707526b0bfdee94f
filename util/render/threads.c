// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include "util/render/json.h"
#include "util/render/textgrid.h"
#include "util/render/threads.h"
#include "util/render/units.h"

#define MAX_IDLE	8	/* vCPUs listed one by one */

/* ---- a table, for kvmw info ----------------------------------------------- */

static const struct textgrid_col thread_columns[] = {
	{ .head = "pid/tid", .left = true },
	{ .head = "vCPU" },
	{ .head = "thread", .left = true, .give = true },
	{ .head = "state", .left = true },
	{ .head = "asleep in", .left = true },
	{ .group = "part of the recording", .head = "on CPU" },
	{ .group = "part of the recording", .head = "waiting" },
	{ .head = "CPUs", .left = true, .from = 90 },
	{ .head = "policy", .left = true, .from = 100 },
};

/* Of a class that newer kernels have only the number is known. */
static const char *policy_words(const struct kvmw_thread *row, char *buf, size_t size)
{
	static const char *const names[] = { "other", "fifo", "rr", "batch", NULL, "idle",
					     "deadline", "ext" };

	if (row->policy == ~0U)
		snprintf(buf, size, "-");
	else if (row->policy >= ARRAY_SIZE(names) || !names[row->policy])
		snprintf(buf, size, "%u", row->policy);
	else if (row->rt_priority && row->rt_priority != ~0U)
		snprintf(buf, size, "%s %u", names[row->policy], row->rt_priority);
	else if (row->nice)
		snprintf(buf, size, "%s nice %d", names[row->policy], row->nice);
	else
		snprintf(buf, size, "%s", names[row->policy]);
	return buf;
}

/* "S", at the start and the end "S R". */
static const char *states_words(const struct vm_thread *t, char *buf, size_t size)
{
	const struct kvmw_thread *rows[] = { t->start, t->end };
	size_t len = 0;

	*buf = '\0';
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		u16 state = rows[i] ? rows[i]->state : 0;

		len += snprintf(buf + len, size - len, "%s%c", i ? " " : "",
				state > ' ' && state < 0x7f ? (char)state : '-');
	}
	return buf;
}

static void add_thread_row(struct textgrid *g, const struct recording *rec,
			   const struct vm_thread *t)
{
	const char *cpus = recording__text(rec, t->last->affinity);
	char buf[64], place[VM_THREAD_PLACE];

	if (t->tid == ~0U)
		textgrid__add(g, "%u/?", t->pid);
	else
		textgrid__add(g, "%u/%u", t->pid, t->tid);
	if (vm_thread__is_vcpu(t))
		textgrid__add(g, "%u", t->number);
	else
		textgrid__add(g, "%s", "");
	textgrid__add(g, "%s", t->comm);
	textgrid__add(g, "%s", states_words(t, buf, sizeof(buf)));
	textgrid__add(g, "%s", vm_thread__place(rec, t->last, place));
	textgrid__add(g, "%s", units__share(t->run_ns, t->span_ns, buf));
	textgrid__add(g, "%s", units__share(t->delay_ns, t->span_ns, buf));
	textgrid__add(g, "%s", cpus ?: "-");
	textgrid__add(g, "%s", policy_words(t->last, buf, sizeof(buf)));
}

int render__threads(const struct screen *s, const struct recording *rec,
		    const struct vm_threads *threads)
{
	struct textgrid g;

	if (!threads->nr)
		return 0;
	fputs("\nThreads of the VMs, with their states at the start and the end:\n", s->out);
	textgrid__init(&g, thread_columns, ARRAY_SIZE(thread_columns));
	for (u32 i = 0; i < threads->nr; i++)
		add_thread_row(&g, rec, &threads->thread[i]);
	return textgrid__finish(&g, s);
}

/* ---- JSON ----------------------------------------------------------------- */

static void add_id(struct json_object *obj, const char *key, u32 value)
{
	json__ns(obj, key, value == ~0U ? KVMW_NONE : value);
}

/* null: not seen at that moment. */
static void add_moment(struct json_object *obj, const char *key, const struct recording *rec,
		       const struct kvmw_thread *row)
{
	const struct rec_stack *stack = row ? recording__stack(rec, row->stack) : NULL;
	char text[VM_THREAD_PLACE];
	struct json_object *list;

	if (!row || row->tid == ~0U) {
		json_object_object_add(obj, key, NULL);
		return;
	}
	obj = json__object(obj, key);
	json__u64(obj, "time_ns", row->time_ns);
	snprintf(text, sizeof(text), "%c",
		 row->state > ' ' && row->state < 0x7f ? (char)row->state : '?');
	json__text(obj, "state", text);
	if (row->in_run <= 1)
		json__bool(obj, "in_kvm_run", row->in_run);
	else
		json_object_object_add(obj, "in_kvm_run", NULL);
	json__ns(obj, "syscall", row->syscall);
	vm_thread__place(rec, row, text);
	json__text(obj, "asleep_in", *text ? text : NULL);
	list = json__array(obj, "stack");
	for (u32 i = 0; stack && i < stack->nr; i++)
		json_object_array_add(list, json_object_new_string(stack->frame[i]));
	add_id(obj, "cpu", row->cpu);
	add_id(obj, "cpus", row->cpus);
	json__text(obj, "affinity", recording__text(rec, row->affinity));
	add_id(obj, "policy", row->policy);
	add_id(obj, "rt_priority", row->rt_priority);
	json_object_object_add(obj, "nice", json_object_new_int(row->nice));
}

static struct json_object *threads__one_json(const struct recording *rec, const struct vm_thread *t)
{
	struct json_object *item = json_object_new_object();

	json__u64(item, "pid", t->pid);
	add_id(item, "tid", t->tid);
	add_id(item, "vcpu", t->number);
	add_id(item, "vcpu_id", t->vcpu);
	json__text(item, "comm", *t->comm ? t->comm : NULL);
	json__ns(item, "span_ns", t->span_ns);
	json__ns(item, "user_ns", t->user_ns);
	json__ns(item, "system_ns", t->system_ns);
	json__ns(item, "guest_ns", t->guest_ns);
	json__ns(item, "on_cpu_ns", t->run_ns);
	json__ns(item, "waiting_ns", t->delay_ns);
	json__ns(item, "asleep_ns", t->asleep_ns);
	if (t->tid == ~0U)
		json__bool(item, "never_ran", !t->last->in_run);
	add_moment(item, "start", rec, t->start);
	add_moment(item, "end", rec, t->end);
	return item;
}

static struct json_object *threads__make_json(struct json_writer *w, const void *ctx, u32 i)
{
	const struct vm_threads *threads = ctx;

	return threads__one_json(threads->rec, &threads->thread[i]);
}

void render__threads_json(struct json_writer *w, struct json_object *root,
			  const struct recording *rec, const struct vm_threads *threads)
{
	if (!rec->threads.nr)
		return;
	json__list(w, root, "threads", threads->nr, threads__make_json, threads);
	json__u64(root, "threads_left_out", rec->threads.over_limit);
}

static struct json_object *make_idle(struct json_writer *w, const void *ctx, u32 i)
{
	const struct report *rep = ctx;

	return threads__one_json(rep->rec, rep->idle[i]);
}

void render__idle_vcpus_json(struct json_writer *w, struct json_object *root,
			     const struct report *rep)
{
	if (rep->idle)
		json__list(w, root, "vcpus_without_events", rep->nr_idle, make_idle, rep);
}

/* ---- vCPUs without an event, in words ------------------------------------- */

/* "asleep in kvm_vcpu_block inside KVM_RUN"; "" if it was not asleep, or nothing is known. */
static const char *sleep_words(const struct recording *rec, const struct kvmw_thread *row,
			       char *buf, size_t size)
{
	char place[VM_THREAD_PLACE];

	*buf = '\0';
	if (!row || row->state == 'R')
		return buf;
	if (row->state == 'T' || row->state == 't') {
		snprintf(buf, size, "stopped by a signal");
		return buf;
	}
	vm_thread__place(rec, row, place);
	snprintf(buf, size, "asleep%s%s%s", *place ? " in " : "", place,
		 row->in_run == 1 ? " inside KVM_RUN" :
		 row->in_run == 0 ? " outside of KVM_RUN" : "");
	return buf;
}

/* Where it slept at both moments. */
static void say_where(const struct recording *rec, const struct vm_thread *t, char *buf,
		      size_t size)
{
	char first[128], last[128];

	sleep_words(rec, t->start, first, sizeof(first));
	sleep_words(rec, t->end, last, sizeof(last));
	*buf = '\0';
	if (*first && !strcmp(first, last))
		snprintf(buf, size, "; %s at the start and at the end", first);
	else if (*first || *last)
		snprintf(buf, size, "%s%s%s%s", *first ? "; at the start " : "", first,
			 *last ? "; at the end " : "", last);
}

static void say_times(const struct vm_thread *t, char *buf, size_t size)
{
	char run[UNITS_MAX], guest[UNITS_MAX], wait[UNITS_MAX], sleep[UNITS_MAX], in_guest[48] = "";

	*buf = '\0';
	if (t->span_ns == KVMW_NONE || t->asleep_ns == KVMW_NONE)
		return;
	if (t->guest_ns != KVMW_NONE && t->guest_ns)
		snprintf(in_guest, sizeof(in_guest), " (in the guest %s)",
			 units__share(t->guest_ns, t->span_ns, guest));
	snprintf(buf, size, "; on a CPU %s%s, waiting for one %s, asleep %s of the time",
		 units__share(t->run_ns, t->span_ns, run), in_guest,
		 units__share(t->delay_ns, t->span_ns, wait),
		 units__share(t->asleep_ns, t->span_ns, sleep));
}

static void say_idle(const struct screen *s, const struct report *rep, const struct vm_thread *t)
{
	char words[640], times[200], where[320], first[64], name[48] = "";
	bool several = rep->rec->nr_vms > 1 || rep->several_idle_vms;

	if (several)
		snprintf(name, sizeof(name), "%u/", t->pid);
	snprintf(first, sizeof(first), "  vCPU %s%u: ", name, t->number);
	say_times(t, times, sizeof(times));
	say_where(rep->rec, t, where, sizeof(where));
	if (t->tid == ~0U)
		snprintf(words, sizeof(words), "%s",
			 t->last->in_run ? "no thread is known to run it" :
			 "no thread has ever run it");
	else
		snprintf(words, sizeof(words), "thread %u%s%s%s%s%s", t->tid, *t->comm ? " " : "",
			 t->comm, times, where, t->end ? "" : "; what became of it is unknown");
	screen__wrap(s, first, "    ", words);
}

void render__idle_vcpus(const struct screen *s, const struct report *rep)
{
	if (!rep->nr_idle)
		return;
	fprintf(s->out, "\nvCPUs without %s, and what their threads did:\n",
		rep->event == KVMW_EVENT_EXIT ? "an exit" : "a return to the VMM");
	for (u32 i = 0; i < rep->nr_idle && i < MAX_IDLE; i++)
		say_idle(s, rep, rep->idle[i]);
	if (rep->nr_idle > MAX_IDLE)
		fprintf(s->out, "  and %u more: kvmw info -v lists them\n",
			rep->nr_idle - MAX_IDLE);
}
