// SPDX-License-Identifier: GPL-2.0
/* kvmw report -e irq: interrupts by source and vector, and how long each step took. */
#include "util/analysis/model_irq.h"
#include "util/render/json.h"
#include "util/render/textgrid.h"
#include "util/render/units.h"
#include "util/render/views.h"

#define TOP	20		/* lines shown unless told otherwise */
#define TOP_PINS 8		/* named in a sentence */
#define WIDE	120

#define ASSERT_ACCEPT	"to acceptance"
#define ACCEPT_INJECT	"to injection"
#define INJECT_EOI	"to EOI"

static const struct textgrid_col cols[] = {
	{ NULL, "source", 0, true },
	{ NULL, "vector", 0, true },
	{ NULL, "accepted", 0, false },
	{ NULL, "injected", 0, false },
	{ NULL, "EOIs", 0, false },
	{ ASSERT_ACCEPT, "p50", WIDE, false },
	{ ASSERT_ACCEPT, "p99", WIDE, false },
	{ ASSERT_ACCEPT, "max", WIDE, false },
	{ ACCEPT_INJECT, "p50", 0, false },
	{ ACCEPT_INJECT, "p99", 0, false },
	{ ACCEPT_INJECT, "max", WIDE, false },
	{ INJECT_EOI, "p50", 0, false },
	{ INJECT_EOI, "p99", 0, false },
	{ INJECT_EOI, "max", WIDE, false },
};

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

static u32 nr_shown(const struct report *rep, u32 nr, u32 top)
{
	u32 most = rep->opt->top ?: top;

	return nr < most ? nr : most;
}

static void view_irq__add_times(struct textgrid *g, const struct hist *h)
{
	textgrid__ns(g, h->count ? hist__percentile(h, 500) : KVMW_NONE);
	textgrid__ns(g, h->count ? hist__percentile(h, 990) : KVMW_NONE);
	textgrid__ns(g, h->count ? h->max : KVMW_NONE);
}

static void add_line(struct textgrid *g, const struct report *rep, const struct irq_line *line)
{
	enum irq_step eoi = irq_line__eoi(line);
	char buf[TEXTGRID_CELL];

	textgrid__add(g, "%s", source_name(rep, line, buf, sizeof(buf)));
	if (line->mode)
		textgrid__add(g, "%s", mode_name(line->mode));
	else if (line->vector == UINT32_MAX)
		textgrid__add(g, "-");
	else
		textgrid__add(g, "0x%02x", line->vector);
	textgrid__count(g, line->rows[IRQ_ACCEPT]);
	textgrid__count(g, line->rows[IRQ_INJECT]);
	textgrid__count(g, line->rows[eoi]);
	view_irq__add_times(g, &line->span[IRQ_ACCEPT]);
	view_irq__add_times(g, &line->span[IRQ_INJECT]);
	view_irq__add_times(g, &line->span[eoi]);
}

static void again(const struct screen *s, const struct irq_model *v)
{
	char count[UNITS_MAX], pv[UNITS_MAX], words[160];
	u64 repeated = 0, nr_pv = 0;

	for (u32 i = 0; i < v->nr_lines; i++) {
		repeated += v->line[i].again;
		nr_pv += v->line[i].rows[IRQ_PV_EOI];
	}
	if (repeated) {
		snprintf(words, sizeof(words), "%s injections were repeated: an exit had interrupted "
			 "the delivery", units__count(repeated, count));
		screen__wrap(s, "", "  ", words);
	}
	if (nr_pv) {
		snprintf(words, sizeof(words), "%s EOIs were paravirtual: KVM learns of such a one "
			 "at the next exit", units__count(nr_pv, pv));
		screen__wrap(s, "", "  ", words);
	}
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
	u64 told = 0, nr = 0;
	size_t len;

	for (u32 i = 0; i < v->nr_pins; i++) {
		told = sat_add(told, v->pin[i].told);
		nr = sat_add(nr, v->pin[i].coalesced);
	}
	if (!told)
		return;
	len = snprintf(words, sizeof(words), "%s of %s changes of a chip's pin were coalesced, one "
		       "being pending already", units__count(nr, a), units__count(told, b));
	for (u32 i = 0; i < v->nr_pins && i < TOP_PINS && v->pin[i].coalesced; i++)
		len += snprintf(words + len, sizeof(words) - len, "%s %s %s", i ? "," : ":",
				pin_name(rep, &v->pin[i], name, sizeof(name)),
				units__count(v->pin[i].coalesced, a));
	if (v->nr_pins > TOP_PINS && v->pin[TOP_PINS].coalesced)
		snprintf(words + len, sizeof(words) - len, ", ...");
	screen__wrap(s, "", "  ", words);
}

static void view_irq__text(const struct screen *s, const struct report *rep, void *state)
{
	struct irq_model *v = state;
	char count[UNITS_MAX];
	struct textgrid g;
	u32 nr;

	if (!v || irq_model__finish(v, rep->rec))
		return;
	nr = nr_shown(rep, v->nr_lines, TOP);
	if (nr) {
		fputs("\nInterrupts by source and vector, each time since the step before:\n", s->out);
		textgrid__init(&g, cols, ARRAY_SIZE(cols));
		for (u32 i = 0; i < nr; i++)
			add_line(&g, rep, &v->line[i]);
		textgrid__finish(&g, s);
	}
	if (nr < v->nr_lines)
		fprintf(s->out, "%s more not shown; --top shows as many as told\n",
			units__count(v->nr_lines - nr, count));
	again(s, v);
	coalesced(s, rep, v);
	if (v->over_limit)
		fprintf(s->out, "%s events left out: more than %u sources and vectors\n",
			units__count(v->over_limit, count), AGG_MAX_KEYS);
}

static void view_irq__json_times(struct json_object *obj, const char *key, const struct hist *h)
{
	obj = json__object(obj, key);
	json__u64(obj, "count", h->count);
	json__ns(obj, "p50_ns", h->count ? hist__percentile(h, 500) : KVMW_NONE);
	json__ns(obj, "p99_ns", h->count ? hist__percentile(h, 990) : KVMW_NONE);
	json__ns(obj, "max_ns", h->count ? h->max : KVMW_NONE);
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
	json__text(item, "mode", line->mode ? mode_name(line->mode) : NULL);
	json__u64(item, "accepted", line->rows[IRQ_ACCEPT]);
	json__u64(item, "injected", line->rows[IRQ_INJECT]);
	json__u64(item, "injected_again", line->again);
	json__u64(item, "eois", line->rows[eoi]);
	json__u64(item, "pv_eois", line->rows[IRQ_PV_EOI]);
	view_irq__json_times(item, "to_acceptance", &line->span[IRQ_ACCEPT]);
	view_irq__json_times(item, "to_injection", &line->span[IRQ_INJECT]);
	view_irq__json_times(item, "to_eoi", &line->span[eoi]);
}

static int view_irq__json(struct json_object *root, const struct report *rep, void *state)
{
	struct json_object *obj = json__object(root, "interrupts"), *list, *item;
	struct irq_model *v = state;
	char name[UNITS_MAX];
	u32 nr;

	if (!v || irq_model__finish(v, rep->rec))
		return -1;
	nr = nr_shown(rep, v->nr_lines, TOP);
	list = json__array(obj, "sources");
	for (u32 i = 0; i < nr; i++)
		json_line(list, rep, &v->line[i]);
	json__u64(obj, "sources_hidden", v->nr_lines - nr);
	list = json__array(obj, "coalesced");
	for (u32 i = 0; i < v->nr_pins; i++) {
		item = json_object_new_object();
		json_object_array_add(list, item);
		json__text(item, "kind", kind_name(rep, v->pin[i].kind, name, sizeof(name)));
		json__ns(item, "pin", v->pin[i].pin);
		json__u64(item, "changes", v->pin[i].told);
		json__u64(item, "coalesced", v->pin[i].coalesced);
	}
	json__u64(obj, "left_out", v->over_limit);
	return 0;
}

const struct report_view irq_view = {
	.event = KVMW_EVENT_IRQ,
	.consumer = &irq_consumer,
	.text = view_irq__text,
	.json = view_irq__json,
};
