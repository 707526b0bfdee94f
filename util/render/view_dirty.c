// SPDX-License-Identifier: GPL-2.0
/* kvmw report -e dirty: how many pages, how often, how fast, where and by whom. */
#include <string.h>

#include "util/analysis/model_dirty.h"
#include "util/render/json.h"
#include "util/render/migration.h"
#include "util/render/units.h"
#include "util/render/views.h"

#define PAGE_BYTES	4096.0
#define MAX_CHART	200	/* characters */
#define JSON_RATES	100
#define SLOT_WIDTH	100	/* of the screen, from which a range's slot is on its line */
#define SLOT_INDENT	11	/* of its own line otherwise */

#define HOW_TO "KVM logs dirty pages while a VMM asks for it: during a live migration; in QEMU also " \
	"with the QMP command calc-dirty-rate in mode dirty-bitmap; in any VMM with " \
	"KVM_MEM_LOG_DIRTY_PAGES set in the flags of a memory slot. Record while that is active."

#define U(x) ((unsigned long long)(x))

/* The whole recording was read, and dirty was recorded. */
static bool none_while_recorded(const struct report *rep)
{
	return !rep->rec->event_rows[rep->event] && !report__is_filtered(rep) &&
	       !rep->rec->nr_damage && rep->rec->finished &&
	       report__was_asked_for(rep->rec, "dirty");
}

/* These texts are in JSON, too (not_observed): frozen. */
static const char *why_none(const struct report *rep, const struct dirty_model *v, char *buf,
			    size_t size)
{
	char count[UNITS_MAX];

	if (none_while_recorded(rep))
		snprintf(buf, size, "no page was marked during the recording: dirty logging was "
			 "probably off.");
	else if (*rep->empty)
		snprintf(buf, size, "%s.", rep->empty);
	else if (v->unlogged)
		snprintf(buf, size, "dirty logging was off for the memory slots of all %s page "
			 "marks.", units__count(v->unlogged + v->unknown, count));
	else if (v->unknown)
		snprintf(buf, size,
			 "for all %s marks in the recording, the page, or whether dirty logging "
			 "was on, is unknown.", units__count(v->unknown, count));
	else if (report__is_filtered(rep))
		snprintf(buf, size, "no page was marked in what --time, --vcpu or --pid select.");
	else
		snprintf(buf, size, "none of the %s records is a page mark.",
			 units__count(rep->recorded, count));
	return buf;
}

static void loss(const struct screen *s, const struct report *rep)
{
	char count[UNITS_MAX];

	if (!rep->lost && !rep->filtered)
		return;
	screen__say(s, "  ", "  ", "%s events were not recorded: pages may be missing.",
		    units__count(sat_add(rep->lost, rep->filtered), count));
}

/* What the numbers do not include. */
static void caveats(const struct screen *s, const struct report *rep, const struct dirty_model *v)
{
	char count[UNITS_MAX];

	if (v->unlogged + v->unknown)
		screen__say(s, "  ", "  ",
			    "%s further marks are not counted: dirty logging was off for their "
			    "memory slot.",
			    units__count(v->unlogged + v->unknown, count));
	if (v->no_page)
		screen__say(s, "  ", "  ",
			    "%s marks are not shown: they are on more pages than kvmw keeps.",
			    units__count(v->no_page, count));
	if (v->no_time)
		screen__say(s, "  ", "  ",
			    "The rate and the working set do not include %s marks: kvmw keeps no "
			    "more times.",
			    units__count(v->no_time, count));
	loss(s, rep);
}

static void pages(const struct screen *s, const struct dirty_model *v)
{
	char count[UNITS_MAX], marks[UNITS_MAX], again[UNITS_MAX], size[UNITS_MAX], words[256];

	snprintf(words, sizeof(words), "%s%s distinct pages (%s), %s marks, %.2f per page; "
		 "%s pages (%.1f%%) were marked more than once.",
		 v->no_page ? "at least " : "", units__count(v->pages, count),
		 units__bytes((double)v->pages * PAGE_BYTES, size), units__count(v->marks, marks),
		 (double)v->marks / v->pages,
		 units__count(v->again, again), 100.0 * v->again / v->pages);
	fputs("\nPages dirtied while dirty logging was on:\n", s->out);
	screen__wrap(s, "  ", "  ", words);
}

/* Where a time is in the recording, in seconds. */
static double view_dirty__seconds(const struct report *rep, u64 time_ns)
{
	u64 start = rep->rec->meta.start_ns;

	return time_ns >= start ? (time_ns - start) / 1e9 : -((start - time_ns) / 1e9);
}

static void rate(const struct screen *s, const struct report *rep, const struct dirty_model *v)
{
	u32 room = s->width - 4 < MAX_CHART ? s->width - 4 : MAX_CHART, used;
	char length[UNITS_MAX], words[256], mean_bytes[UNITS_MAX], most_bytes[UNITS_MAX];
	double seconds = (v->last_ns - v->first_ns) / 1e9;
	u64 marks[MAX_CHART], most = 0, bucket;

	if (!v->timed)
		return;
	bucket = dirty_model__rates(v, marks, room, &used);
	for (u32 i = 0; i < used; i++)
		most = marks[i] > most ? marks[i] : most;
	snprintf(words, sizeof(words), "Pages marked per second, from %.3f to %.3f s of the "
		 "recording; one character is %s, the peak %.0f pages/s (%s/s), the mean %s/s.",
		 view_dirty__seconds(rep, v->first_ns), view_dirty__seconds(rep, v->last_ns),
		 units__ns(bucket, UNITS_FULL, length), most * 1e9 / bucket,
		 units__bytes(most * 1e9 / bucket * PAGE_BYTES, most_bytes),
		 units__bytes(seconds > 0 ? v->marks / seconds * PAGE_BYTES : 0, mean_bytes));
	fputc('\n', s->out);
	screen__wrap(s, "", "  ", words);
	fputs("  |", s->out);
	for (u32 i = 0; i < used; i++)
		fputs(screen__block(s, marks[i], most), s->out);
	fputs("|\n", s->out);
}

static void working_set(const struct screen *s, const struct dirty_model *v)
{
	static const char *const names[DIRTY_WINDOWS] = { "10 ms", "100 ms", "1 s", "10 s" };
	char count[UNITS_MAX], mean[UNITS_MAX], max[UNITS_MAX], size[2][UNITS_MAX];

	if (!v->timed)
		return;
	fputs("\nWorking set, distinct pages in each whole window of time:\n", s->out);
	fprintf(s->out, "%7s %7s %11s %9s %11s %9s\n", "window", "whole", "mean pages",
		"size", "max pages", "size");
	for (u32 i = 0; i < DIRTY_WINDOWS; i++) {
		const struct dirty_window *w = &v->window[i];

		strcpy(mean, "-");
		strcpy(size[0], "-");
		if (w->whole) {
			snprintf(mean, sizeof(mean), "%.1f", w->mean);
			units__bytes(w->mean * PAGE_BYTES, size[0]);
		}
		fprintf(s->out, "%7s %7s %11s %9s %11s %9s\n", names[i],
			units__count(w->whole, count), mean, size[0], units__count(w->max, max),
			units__bytes((double)w->max * PAGE_BYTES, size[1]));
	}
}

static void where(const struct report *rep, const struct dirty_range *r, char *buf, size_t size)
{
	const struct rec_vm *vm = rep->rec->nr_vms > 1 ? recording__vm(rep->rec, r->vm) : NULL;
	u64 offset = (r->gfn << 12) - r->slot_gpa;
	char slot[UNITS_MAX], name[REC_VM_NAME];
	size_t len = 0;

	if (vm)
		len = snprintf(buf, size, "pid %s ", rec_vm__name(vm, name));
	if (r->slot == UINT32_MAX)
		len += snprintf(buf + len, size - len, "slot unknown");
	else
		len += snprintf(buf + len, size - len, "slot %s", units__slot(r->slot, slot));
	if (r->has_slot)
		len += snprintf(buf + len, size - len, " (gpa 0x%llx-0x%llx)", U(r->slot_gpa),
				U(r->slot_gpa + r->slot_size - 1));
	if (r->has_slot && r->slot_hva != KVMW_NONE)
		snprintf(buf + len, size - len, " hva 0x%llx", U(r->slot_hva + offset));
}

static void view_dirty__ranges(const struct screen *s, const struct report *rep,
			       const struct dirty_model *v)
{
	char count[UNITS_MAX], all[UNITS_MAX], share[UNITS_MAX], gfns[64];
	char first[192], rest[192], words[192];
	bool beside = s->width >= SLOT_WIDTH;
	u32 width = 3;

	for (u32 i = 0; i < v->nr_ranges; i++) {
		u32 len = snprintf(gfns, sizeof(gfns), "0x%llx-0x%llx", U(v->range[i].gfn),
				   U(v->range[i].gfn + v->range[i].pages - 1));

		width = len > width ? len : width;
	}
	fprintf(s->out, "\nHottest ranges of adjacent pages, %u of %s:\n",
		v->nr_ranges, units__count(v->all_ranges, all));
	fprintf(s->out, "%10s %6s %8s %-*s%s\n", "marks", "%", "pages", beside ? (int)width : 0,
		"gfn", beside ? " memory slot" : "");
	for (u32 i = 0; i < v->nr_ranges; i++) {
		const struct dirty_range *r = &v->range[i];
		u64 last = r->gfn + r->pages - 1;

		snprintf(gfns, sizeof(gfns), last == r->gfn ? "0x%llx" : "0x%llx-0x%llx", U(r->gfn),
			 U(last));
		snprintf(first, sizeof(first), "%10s %6s %8llu %-*s%s",
			 units__count(r->marks, count), units__share(r->marks, v->marks, share),
			 U(r->pages), beside ? (int)width : 0, gfns, beside ? " " : "\n");
		if (!beside)
			fputs(first, s->out);
		snprintf(rest, sizeof(rest), "%*s", beside ? (int)strlen(first) : SLOT_INDENT, "");
		where(rep, r, words, sizeof(words));
		screen__wrap(s, beside ? first : rest, rest, words);
	}
}

static void by_whom(const struct screen *s, const struct dirty_model *v)
{
	char count[UNITS_MAX], share[UNITS_MAX];

	fputs("\nMarked by (vmm: its other threads; kernel: kernel threads):\n", s->out);
	fprintf(s->out, "%-16s %10s %6s\n", "vCPU", "marks", "%");
	for (u32 i = 0; i < v->nr_by && i < DIRTY_TOP_BY; i++) {
		screen__field(s, v->by[i].label, 16, true);
		fprintf(s->out, " %10s %6s\n", units__count(v->by[i].marks, count),
			units__share(v->by[i].marks, v->marks, share));
	}
	if (v->beyond_top)
		fprintf(s->out, "%-16s %10s %6s\n", "others", units__count(v->beyond_top, count),
			units__share(v->beyond_top, v->marks, share));
}

static int view_dirty__text(const struct screen *s, const struct report *rep, const void *model)
{
	const struct dirty_model *v = model;
	char words[sizeof(rep->empty) + 2];

	if (v->pages) {
		pages(s, v);
		caveats(s, rep, v);
		rate(s, rep, v);
		working_set(s, v);
		view_dirty__ranges(s, rep, v);
		by_whom(s, v);
		if (render__migration(s, &v->migration))
			return -1;
	} else {
		fputs("\nDirty pages were not observed:\n", s->out);
		screen__wrap(s, "  ", "  ", why_none(rep, v, words, sizeof(words)));
		loss(s, rep);
		if (v->unlogged || v->unknown || none_while_recorded(rep))
			screen__wrap(s, "  ", "  ", HOW_TO);
	}
	return 0;
}

static void json_rates(struct json_object *obj, const struct dirty_model *v)
{
	u64 marks[JSON_RATES], bucket;
	struct json_object *list;
	u32 used;

	bucket = dirty_model__rates(v, marks, JSON_RATES, &used);
	obj = json__object(obj, "rate");
	json__u64(obj, "bucket_ns", bucket);
	list = json__array(obj, "marks");
	for (u32 i = 0; i < used; i++)
		json_object_array_add(list, json_object_new_uint64(marks[i]));
}

static void json_windows(struct json_object *obj, const struct dirty_model *v)
{
	struct json_object *list = json__array(obj, "windows"), *item;

	for (u32 i = 0; v->timed && i < DIRTY_WINDOWS; i++) {
		item = json_object_new_object();
		json_object_array_add(list, item);
		json__u64(item, "window_ns", v->window[i].ns);
		json__u64(item, "whole_windows", v->window[i].whole);
		if (v->window[i].whole)
			json__real(item, "mean_pages", v->window[i].mean);
		else
			json__text(item, "mean_pages", NULL);
		json__u64(item, "max_pages", v->window[i].max);
	}
}

static void view_dirty__json_ranges(struct json_object *obj, const struct report *rep,
				    const struct dirty_model *v)
{
	struct json_object *list = json__array(obj, "ranges"), *item;

	for (u32 i = 0; i < v->nr_ranges; i++) {
		const struct dirty_range *r = &v->range[i];
		const struct rec_vm *vm = recording__vm(rep->rec, r->vm);

		item = json_object_new_object();
		json_object_array_add(list, item);
		json__vm(item, rep->rec, vm);
		json__address(item, "gfn", r->gfn);
		json__u64(item, "pages", r->pages);
		json__u64(item, "marks", r->marks);
		json__ns(item, "slot", r->slot == UINT32_MAX ? KVMW_NONE : r->slot);
		json__address(item, "slot_gpa", r->has_slot ? r->slot_gpa : KVMW_NONE);
		json__ns(item, "slot_size", r->has_slot ? r->slot_size : KVMW_NONE);
		json__address(item, "slot_hva", r->has_slot ? r->slot_hva : KVMW_NONE);
	}
}

static void json_by(struct json_object *obj, const struct report *rep, const struct dirty_model *v)
{
	struct json_object *list = json__array(obj, "by"), *item;

	for (u32 i = 0; i < v->nr_by; i++) {
		const struct rec_vcpu *vcpu = recording__vcpu(rep->rec, v->by[i].vcpu);
		const struct rec_vm *vm = vcpu ? recording__vm(rep->rec, vcpu->vm) : NULL;

		item = json_object_new_object();
		json_object_array_add(list, item);
		json__u64(item, "vcpu_id", v->by[i].vcpu);
		json__ns(item, "vcpu", !vcpu || vcpu->vcpu < 0 ? KVMW_NONE : (u64)vcpu->vcpu);
		json__text(item, "role", vcpu && *vcpu->role ? vcpu->role : NULL);
		json__vm(item, rep->rec, vm);
		json__u64(item, "marks", v->by[i].marks);
	}
}

static int view_dirty__json(struct json_object *root, const struct report *rep, const void *model)
{
	struct json_object *obj = json__object(root, "dirty");
	const struct dirty_model *v = model;
	char words[sizeof(rep->empty) + 2];

	json__ns(obj, "pages", v->pages ?: KVMW_NONE);
	json__ns(obj, "pages_marked_again", v->pages ? v->again : KVMW_NONE);
	json__ns(obj, "marks", v->pages ? v->marks : KVMW_NONE);
	json__u64(obj, "marks_without_logging", v->unlogged);
	json__u64(obj, "marks_not_told", v->unknown);
	json__u64(obj, "marks_without_page", v->no_page);
	json__u64(obj, "marks_without_time", v->no_time);
	json__text(obj, "not_observed", v->pages ? NULL : why_none(rep, v, words, sizeof(words)));
	json__time(obj, "first_ns", v->first_ns);
	json__time(obj, "last_ns", v->last_ns);
	if (v->timed)
		json_rates(obj, v);
	else
		json__text(obj, "rate", NULL);
	json_windows(obj, v);
	view_dirty__json_ranges(obj, rep, v);
	json_by(obj, rep, v);
	if (v->pages)
		render__migration_json(obj, &v->migration);
	return 0;
}

const struct report_view dirty_report_view = {
	.event = KVMW_EVENT_DIRTY,
	.text = view_dirty__text,
	.json = view_dirty__json,
};
