// SPDX-License-Identifier: GPL-2.0
/* kvmw report --outliers: as text, and as JSON; Documentation/kvmw-report.txt has its members. */
#include <string.h>

#include "util/render/chains.h"
#include "util/render/json.h"
#include "util/render/render.h"
#include "util/render/units.h"

/* Of a step's line: mark, offset, duration, blanks; its further lines begin below its words. */
#define OFFSET_WIDTH	13
#define TOOK_WIDTH	8
#define REST		"                           "

static double offset_ms(const struct chain *chain, u64 time_ns)
{
	return time_ns >= chain->start_ns ? (time_ns - chain->start_ns) / 1e6 :
	       -((chain->start_ns - time_ns) / 1e6);
}

static void print_step(const struct screen *s, const struct chain *chain,
		       const struct chain_step *step)
{
	char first[96], offset[32], took[UNITS_MAX] = "";

	snprintf(offset, sizeof(offset), "%+.3f ms", offset_ms(chain, step->time_ns));
	if (step->span_ns != KVMW_NONE)
		units__ns(step->span_ns, UNITS_FULL, took);
	snprintf(first, sizeof(first), "%s %*s %*s  ", step->made_it_long ? ">" : " ", OFFSET_WIDTH,
		 offset, TOOK_WIDTH, took);
	if (step->made_it_long)
		screen__color(s, COLOR_BOLD);
	screen__wrap(s, first, REST, step->what);
	if (step->made_it_long)
		screen__plain(s);
}

/* "KVM 1.2us, VMM 12.3ms": the parts that are not 0. */
static void print_parts(const struct screen *s, const struct recording *rec,
			const struct chain *chain)
{
	char words[512] = "", ns[UNITS_MAX];

	for (u32 i = 0; i < NR_CHAIN_PARTS; i++) {
		size_t len = strlen(words);

		if (captured(chain->part_ns[i]))
			snprintf(words + len, sizeof(words) - len, "%s%s %s", len ? ", " : "",
				 chain_part__label(i),
				 units__ns(chain->part_ns[i], UNITS_FULL, ns));
	}
	if (!*words)
		return;
	screen__wrap(s, "    of it: ", "    ", words);
	if (chain->event == KVMW_EVENT_USERSPACE && !rec->event_rows[KVMW_EVENT_SCHED])
		screen__wrap(s, "    VMM ", "    ", render__vmm_contains(rec));
}

static void chains__print(const struct screen *s, const struct chains *chains, u32 i)
{
	const struct chain *chain = &chains->list[i];
	const struct recording *rec = chains->rec;
	u64 start = rec->meta.start_ns ?: rec->first_ns;
	char length[UNITS_MAX], lost[UNITS_MAX];

	fputc('\n', s->out);
	screen__say(s, "", "    ", "%u. %s, %s%s, %.6f s after the start: %s", i + 1,
		    units__ns(chain->length_ns, UNITS_FULL, length), chain->who,
		    chain->open ? ", not ended" : "",
		    chain->start_ns >= start ? (chain->start_ns - start) / 1e9 : 0, chain->cause);
	print_parts(s, rec, chain);
	for (u32 k = 0; k < chain->nr_steps; k++)
		print_step(s, chain, &chain->step[k]);
	if (chain->left_out)
		screen__say(s, "    ", "    ", "%u more not shown", chain->left_out);
	for (u32 k = 0; k < chain->nr_unknown; k++)
		screen__wrap(s, "    ", "    ", chain->unknown[k]);
	if (chain->lost)
		screen__say(s, "    ", "    ",
			    "up to %s records of this time were lost: steps may be missing",
			    units__count(chain->lost, lost));
}

static const char *longest_by(u32 event)
{
	switch (event) {
	case KVMW_EVENT_EXIT:
		return "the time until the guest ran again, without sleep";
	case KVMW_EVENT_IRQ:
		return "the time until each was accepted, or injected";
	case KVMW_EVENT_SCHED:
		return "the wait for a CPU";
	case KVMW_EVENT_TIMER:
		return "how late each expired";
	default:
		return "how long each took";
	}
}

/* What was asked of outliers: others can be longer. */
static void chosen_by(const struct screen *s, const struct chains *chains)
{
	const struct recording *rec = chains->rec;
	u64 start = rec->meta.start_ns ?: rec->first_ns, to = time__less(chains->window.to, start);

	if (chains->window.active)
		screen__say(s, "# window    ", "#           ",
			    "%.6f to %.6f s: only those that began in it",
			    time__less(chains->window.from, start) / 1e9,
			    (to < recording__duration(rec) ? to : recording__duration(rec)) / 1e9);
	if (chains->where)
		screen__say(s, "# where     ", "#           ",
			    "%s: only those for which this is true", chains->where);
}

void render__chains(const struct screen *s, const struct chains *chains)
{
	const struct event_desc *event = event_desc__by_id(chains->event);
	char words[256], rows[UNITS_MAX], number[16] = "";

	render__about(s, chains->rec);
	chosen_by(s, chains);
	if (chains->nr > 1)
		snprintf(number, sizeof(number), "%u ", chains->nr);
	snprintf(words, sizeof(words), "The %slongest %s, by %s; %s %s recorded in all.", number,
		 event_desc__noun(event, chains->nr), longest_by(chains->event),
		 units__count(chains->rows, rows), chains->rows == 1 ? "was" : "were");
	fputc('\n', s->out);
	screen__wrap(s, "", "", words);
	for (u32 i = 0; i < chains->nr; i++)
		chains__print(s, chains, i);
}

static void id_or_null(struct json_object *obj, const char *key, u32 id)
{
	json__ns(obj, key, id == UINT32_MAX ? KVMW_NONE : id);
}

static void add_event(struct json_object *obj, const struct chains *chains, u32 event, u32 kind)
{
	json__text(obj, "event", event_desc__by_id(event)->name);
	json__text(obj, "kind",
		   kind == UINT32_MAX ? NULL : recording__kind(chains->rec, event, kind));
}

/* "pid", "vcpu": of the VM and the number in it, null where it is no vCPU. */
static void add_whose(struct json_object *obj, const struct chains *chains, u32 id)
{
	const struct rec_vcpu *vcpu = recording__vcpu(chains->rec, id);

	json__vm(obj, chains->rec, vcpu ? recording__vm(chains->rec, vcpu->vm) : NULL);
	json__ns(obj, "vcpu", vcpu && vcpu->vcpu >= 0 ? (u64)vcpu->vcpu : KVMW_NONE);
	json__u64(obj, "vcpu_id", id);
}

static void add_step_json(struct json_object *list, const struct chains *chains,
			  const struct chain *chain, u32 i)
{
	const struct chain_step *step = &chain->step[i];
	struct json_object *obj = json_object_new_object();

	json_object_array_add(list, obj);
	json__text(obj, "role", chain_role__name(step->role));
	json__bool(obj, "made_it_long", step->made_it_long);
	json__u64(obj, "time_ns", step->time_ns);
	json_object_object_add(obj, "offset_ns",
			       json_object_new_int64((s64)(step->time_ns - chain->start_ns)));
	json__ns(obj, "since_previous_ns", i ? step->time_ns - step[-1].time_ns : KVMW_NONE);
	json__ns(obj, "span_ns", step->span_ns);
	add_event(obj, chains, step->event, step->kind);
	add_whose(obj, chains, step->vcpu);
	id_or_null(obj, "tid", step->tid);
	id_or_null(obj, "cpu", step->cpu);
	json__text(obj, "what", step->what);
}

static void add_cause_json(struct json_object *obj, const struct chain *chain)
{
	struct json_object *parts, *list, *item;
	char key[32];

	json__text(obj, "gap", chain->gap == NR_CHAIN_PARTS ? NULL : chain_part__name(chain->gap));
	json__text(obj, "cause", chain->cause);
	parts = json__object(obj, "parts");
	for (u32 i = 0; i < NR_CHAIN_PARTS; i++) {
		snprintf(key, sizeof(key), "%s_ns", chain_part__name(i));
		json__ns(parts, key, chain->part_ns[i]);
	}
	id_or_null(obj, "waited_for_cpu", chain->wait_cpu);
	list = json__array(obj, "holders");
	for (u32 i = 0; i < chain->nr_holders; i++) {
		item = json_object_new_object();
		json_object_array_add(list, item);
		json__text(item, "name", chain->holder[i].name);
		json__u64(item, "tid", chain->holder[i].tid);
		json__u64(item, "time_ns", chain->holder[i].time_ns);
		json__u64(item, "stretches", chain->holder[i].stretches);
		json__bool(item, "certain", chain->holder[i].certain);
	}
	json__u64(obj, "certain_ns", chain->certain_ns);
	json__u64(obj, "others_ns", chain->others_ns);
	json__text(obj, "last_holder", *chain->last_holder ? chain->last_holder : NULL);
	list = json__array(obj, "unknown");
	for (u32 i = 0; i < chain->nr_unknown; i++)
		json_object_array_add(list, json_object_new_string(chain->unknown[i]));
	json__u64(obj, "lost", chain->lost);
}

static struct json_object *make_chain(struct json_writer *w, const void *ctx, u32 i)
{
	const struct chains *chains = ctx;
	const struct chain *chain = &chains->list[i];
	struct json_object *obj = json_object_new_object(), *list;

	add_event(obj, chains, chain->event, chain->kind);
	add_whose(obj, chains, chain->vcpu);
	json__text(obj, "who", chain->who);
	id_or_null(obj, "tid", chain->tid);
	id_or_null(obj, "cpu", chain->cpu);
	json__u64(obj, "start_ns", chain->start_ns);
	json__ns(obj, "end_ns", chain->open ? KVMW_NONE : chain->end_ns);
	json__u64(obj, "length_ns", chain->length_ns);
	add_cause_json(obj, chain);
	list = json__array(obj, "steps");
	for (u32 k = 0; k < chain->nr_steps; k++)
		add_step_json(list, chains, chain, k);
	json__u64(obj, "left_out", chain->left_out);
	return obj;
}

int render__chains_json(const struct screen *s, const struct chains *chains)
{
	struct json_writer w = { .out = s->out };
	struct json_object *root, *window;

	if (json__expect())
		return -1;
	root = json_object_new_object();
	json__schema(root);
	json__text(root, "file", chains->rec->path);
	json__recording(&w, json__object(root, "recording"), chains->rec);
	json__text(root, "event", event_desc__by_id(chains->event)->name);
	json__u64(root, "recorded", chains->rows);
	if (chains->where)
		json__text(root, "where", chains->where);
	if (chains->window.active) {
		window = json__object(root, "window");
		json__u64(window, "from_ns", chains->window.from);
		json__ns(window, "to_ns", chains->window.to);
	}
	json__list(&w, root, "outliers", chains->nr, make_chain, chains);
	return json__write(&w, root);
}
