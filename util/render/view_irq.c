// SPDX-License-Identifier: GPL-2.0
/* kvmw report -e irq: interrupts by source and vector, and how long each step took. */
#include "util/analysis/model_irq.h"
#include "util/analysis/span_table.h"
#include "util/arch/names.h"
#include "util/render/json.h"
#include "util/render/textgrid.h"
#include "util/render/units.h"
#include "util/render/views.h"

#define TOP_PINS 8		/* named in a sentence */
#define WIDE	120

#define ASSERT_ACCEPT	"accept"
#define ACCEPT_INJECT	"inject"
#define INJECT_EOI	"EOI"
#define TO_HANDLER	"handler"	/* the first two */

static const struct textgrid_col cols[] = {
	{ .head = "source", .left = true },
	{ .head = "vector", .left = true, .give = true },
	{ .head = "accepted" },
	{ .head = "injected" },
	{ .head = "merged", .dull = true },
	{ .head = "EOIs" },
	{ .group = TO_HANDLER, .head = "mean" },
	{ .group = ASSERT_ACCEPT, .head = "p50", .from = WIDE },
	{ .group = ASSERT_ACCEPT, .head = "p99", .from = WIDE },
	{ .group = ASSERT_ACCEPT, .head = "max", .from = WIDE },
	{ .group = ACCEPT_INJECT, .head = "p50" },
	{ .group = ACCEPT_INJECT, .head = "p99" },
	{ .group = ACCEPT_INJECT, .head = "max", .from = WIDE },
	{ .group = INJECT_EOI, .head = "p50" },
	{ .group = INJECT_EOI, .head = "p99" },
	{ .group = INJECT_EOI, .head = "max", .from = WIDE },
};

/* Dropped before names of vectors are cut. */
static const u8 ranks[ARRAY_SIZE(cols)] = { 0, 0, 0, 0, 0, 0, 1, 4, 4, 4, 2, 2, 2, 3, 3, 3 };

static const char *kind_name(const struct report *rep, u32 kind, char *buf, size_t size)
{
	const char *name = recording__kind(rep->rec, KVMW_EVENT_IRQ, kind);

	if (name)
		snprintf(buf, size, "%s", name);
	else
		snprintf(buf, size, "kind %u", kind);
	return buf;
}

static const char *source_name(const struct report *rep, const struct irq_line *line, char *buf,
			       size_t size)
{
	unsigned long long irq = line->irq;
	char name[UNITS_MAX];

	switch (line->source) {
	case 0:
		snprintf(buf, size, "timer/other");
		return buf;
	case IRQ_NO_SOURCE:
		snprintf(buf, size, "unknown");
		return buf;
	case KVMW_irq_SET_IRQ:
		snprintf(name, sizeof(name), "GSI");
		break;
	case KVMW_irq_PIC_SET:
		snprintf(name, sizeof(name), "PIC pin");
		break;
	case KVMW_irq_IOAPIC_SET:
		snprintf(name, sizeof(name), "IOAPIC pin");
		break;
	case KVMW_irq_MSI_SET:
		snprintf(name, sizeof(name), irq == KVMW_NONE ? "MSI" : "MSI GSI");
		break;
	case KVMW_irq_IPI:
		snprintf(name, sizeof(name), "IPI");
		break;
	default:
		kind_name(rep, line->source, name, sizeof(name));
	}
	if (irq == KVMW_NONE)
		snprintf(buf, size, "%s", name);
	else
		snprintf(buf, size, "%s %llu", name, irq);
	return buf;
}

/* Delivery modes: Intel SDM volume 3, "Interrupt Command Register"; 3: a halted vCPU is kicked. */
static const char *mode_name(u16 mode)
{
	static const char *const names[] = {
		[2] = "SMI", [3] = "kick", [4] = "NMI", [5] = "INIT", [6] = "SIPI", [7] = "ExtINT",
	};

	return mode < ARRAY_SIZE(names) && names[mode] ? names[mode] : "?";
}

static void view_irq__add_times(struct textgrid *g, const struct duration_stats *span)
{
	textgrid__ns(g, span->p50);
	textgrid__ns(g, span->p99);
	textgrid__ns(g, span->max);
}

/* Unknown, or of an interrupt without a vector: NULL. */
static const char *vector_name(const struct irq_line *line, const char *(*name)(u64 vector))
{
	return line->mode || line->vector == UINT32_MAX ? NULL : name(line->vector);
}

static void add_line(struct textgrid *g, const struct report *rep, const struct irq_line *line)
{
	const char *name = vector_name(line, linux_vector_name);
	enum irq_step eoi = irq_line__eoi(line);
	char buf[TEXTGRID_CELL];

	textgrid__add(g, "%s", source_name(rep, line, buf, sizeof(buf)));
	if (line->mode)
		textgrid__add(g, "%s", mode_name(line->mode));
	else if (line->vector == UINT32_MAX)
		textgrid__add(g, "-");
	else
		textgrid__add(g, "0x%02x%s%s", line->vector, name ? " " : "", name ?: "");
	textgrid__count(g, line->rows[IRQ_ACCEPT]);
	textgrid__count(g, line->rows[IRQ_INJECT]);
	if (line->merged == KVMW_NONE)
		textgrid__add(g, "-");
	else
		textgrid__count(g, line->merged);
	textgrid__count(g, line->rows[eoi]);
	textgrid__ns(g, line->handler_ns);
	view_irq__add_times(g, &line->span[IRQ_ACCEPT]);
	view_irq__add_times(g, &line->span[IRQ_INJECT]);
	view_irq__add_times(g, &line->span[eoi]);
}

static void again(const struct screen *s, const struct irq_model *v)
{
	char count[UNITS_MAX];

	if (v->again)
		screen__say(s, "", "  ",
			    "%s injections were repeated: an exit had interrupted the delivery",
			    units__count(v->again, count));
	if (v->pv_eois)
		screen__say(s, "", "  ",
			    "%s EOIs were paravirtual: KVM notices these only at the next exit",
			    units__count(v->pv_eois, count));
}

/* What the columns mean, as far as they are not obvious. */
static void view_irq__legend(const struct screen *s, const struct irq_model *v)
{
	bool other = false, unknown = false;
	char words[700];

	for (u32 i = 0; i < v->nr_lines; i++) {
		other |= !v->line[i].source;
		unknown |= v->line[i].source == IRQ_NO_SOURCE;
	}
	snprintf(words, sizeof(words), "accepted: by a local APIC; injected: the guest enters its handler; EOI: it "
		 "ended it. Times are since the step before, and %s from the assertion to the injection.%s%s%s",
		 TO_HANDLER,
		 v->merged ? " merged: accepted while the same vector was pending, and handled together with it." : "",
		 other ? " timer/other: raised by KVM itself, such as by the timer of an APIC." :
		 "", unknown ? " unknown: injected, but its acceptance was not seen." : "");
	screen__color(s, COLOR_DIM);
	screen__wrap(s, "# ", "# ", words);
	screen__plain(s);
}

static const char *pin_name(const struct report *rep, const struct irq_pin *pin, char *buf,
			    size_t size)
{
	unsigned long long number = pin->pin;
	char name[UNITS_MAX];

	if (pin->pin == KVMW_NONE)
		snprintf(buf, size, "%s", kind_name(rep, pin->kind, name, sizeof(name)));
	else
		snprintf(buf, size, "%s pin %llu", pin->kind == KVMW_irq_PIC_SET ? "PIC" : "IOAPIC",
			 number);
	return buf;
}

static void coalesced(const struct screen *s, const struct report *rep, const struct irq_model *v)
{
	char words[1024], a[UNITS_MAX], b[UNITS_MAX], name[64];
	size_t len;

	if (!v->changes)
		return;
	len = snprintf(words, sizeof(words), "%s of %s changes of interrupt controller pins were "
		       "coalesced with a pending one", units__count(v->coalesced, a),
		       units__count(v->changes, b));
	for (u32 i = 0; i < v->nr_pins && i < TOP_PINS && v->pin[i].coalesced; i++)
		len += snprintf(words + len, sizeof(words) - len, "%s %s %s", i ? "," : ":",
				pin_name(rep, &v->pin[i], name, sizeof(name)),
				units__count(v->pin[i].coalesced, a));
	if (v->nr_pins > TOP_PINS && v->pin[TOP_PINS].coalesced)
		snprintf(words + len, sizeof(words) - len, ", ...");
	screen__wrap(s, "", "  ", words);
}

static int view_irq__text(const struct screen *s, const struct report *rep, const void *model)
{
	const struct irq_model *v = model;
	char count[UNITS_MAX];
	struct textgrid g;
	bool named = false;
	int ret = 0;

	if (v->nr_lines) {
		fputs("\nInterrupts, and how long their steps took:\n", s->out);
		textgrid__init(&g, cols, ARRAY_SIZE(cols));
		g.drop = ranks;
		for (u32 i = 0; i < v->nr_lines; i++) {
			add_line(&g, rep, &v->line[i]);
			named |= vector_name(&v->line[i], linux_vector_name) != NULL;
		}
		ret = textgrid__finish(&g, s);
		view_irq__legend(s, v);
	}
	if (v->hidden)
		fprintf(s->out, "%s more not shown (use --top N)\n",
			units__count(v->hidden, count));
	if (named)
		screen__wrap(s, "", "  ", "Names of vectors are those of Linux guests.");
	again(s, v);
	coalesced(s, rep, v);
	if (v->over_limit)
		fprintf(s->out, "%s events are not counted here: more sources and vectors than kvmw keeps\n",
			units__count(v->over_limit, count));
	return ret;
}

static void view_irq__json_times(struct json_object *obj, const char *key,
				 const struct duration_stats *span)
{
	obj = json__object(obj, key);
	json__u64(obj, "count", span->count);
	json__ns(obj, "p50_ns", span->p50);
	json__ns(obj, "p99_ns", span->p99);
	json__ns(obj, "max_ns", span->max);
}

static void json_line(struct json_object *list, const struct report *rep,
		      const struct irq_line *line)
{
	struct json_object *item = json_object_new_object();
	enum irq_step eoi = irq_line__eoi(line);
	char buf[TEXTGRID_CELL];

	json_object_array_add(list, item);
	json__text(item, "source", source_name(rep, line, buf, sizeof(buf)));
	json__ns(item, "source_kind", line->source == IRQ_NO_SOURCE ? KVMW_NONE : line->source);
	json__ns(item, "irq", line->irq);
	json__ns(item, "vector", line->vector == UINT32_MAX ? KVMW_NONE : line->vector);
	json__name(item, vector_name(line, guest_vector_name));
	json__text(item, "mode", line->mode ? mode_name(line->mode) : NULL);
	json__u64(item, "accepted", line->rows[IRQ_ACCEPT]);
	json__u64(item, "injected", line->rows[IRQ_INJECT]);
	json__u64(item, "injected_again", line->again);
	json__ns(item, "merged", line->merged);
	json__u64(item, "eois", line->rows[eoi]);
	json__u64(item, "pv_eois", line->rows[IRQ_PV_EOI]);
	view_irq__json_times(item, "to_acceptance", &line->span[IRQ_ACCEPT]);
	view_irq__json_times(item, "to_injection", &line->span[IRQ_INJECT]);
	view_irq__json_times(item, "to_eoi", &line->span[eoi]);
	json__ns(item, "to_handler_mean_ns", line->handler_ns);
}

static int view_irq__json(struct json_object *root, const struct report *rep, const void *model)
{
	struct json_object *obj = json__object(root, "interrupts"), *list, *item;
	const struct irq_model *v = model;
	char name[UNITS_MAX];

	list = json__array(obj, "sources");
	for (u32 i = 0; i < v->nr_lines; i++)
		json_line(list, rep, &v->line[i]);
	json__u64(obj, "sources_hidden", v->hidden);
	list = json__array(obj, "coalesced");
	for (u32 i = 0; i < v->nr_pins; i++) {
		item = json_object_new_object();
		json_object_array_add(list, item);
		json__text(item, "kind", kind_name(rep, v->pin[i].kind, name, sizeof(name)));
		json__ns(item, "pin", v->pin[i].pin);
		json__u64(item, "changes", v->pin[i].changes);
		json__u64(item, "coalesced", v->pin[i].coalesced);
	}
	json__u64(obj, "left_out", v->over_limit);
	return 0;
}

const struct report_view irq_report_view = {
	.event = KVMW_EVENT_IRQ,
	.text = view_irq__text,
	.json = view_irq__json,
};
