// SPDX-License-Identifier: GPL-2.0
/* The keys rip and sym: where in the guest it happened. */
#include <stdio.h>
#include <string.h>

#include "util/analysis/report/internal.h"
#include "util/analysis/report/key_place.h"
#include "util/analysis/report/key_stack.h"
#include "util/symbols/guest_symbols.h"

/* Instead of the address of a function; no guest has functions that high. */
enum { PLACE_NESTED = -5, PLACE_USER, PLACE_LOW, PLACE_UNKNOWN, PLACE_NONE };

static const char *const place_names[] = {
	[0] = "[nested guest]",
	[PLACE_USER - PLACE_NESTED] = "[user code]",
	[PLACE_LOW - PLACE_NESTED] = "[user or boot code]",
	[PLACE_UNKNOWN - PLACE_NESTED] = "[unknown]",
	[PLACE_NONE - PLACE_NESTED] = "-",
};

static bool is_address(u64 place)
{
	return place < (u64)PLACE_NESTED;
}

const char *place__column(const struct sort_key *key, const struct event_desc *event, u32 i)
{
	static const char *const of_event[] = { "rip", "nested" };

	/* Of a nested guest's own events the symbols are that guest's. */
	if (i >= ARRAY_SIZE(of_event) || (i && event->id == KVMW_EVENT_NESTED))
		return NULL;
	return event_desc__field(event, of_event[i], strlen(of_event[i])) < 0 ? NULL : of_event[i];
}

/* ---- rip ---------------------------------------------------------------- */

/* "virtqueue_notify+0x24 [virtio_ring]", into at most size bytes. */
static void describe(const struct guest_symbol *symbol, u64 rip, char *buf, size_t size)
{
	snprintf(buf, size, "%s+%#llx%s%s%s", symbol->name ?: "",
		 (unsigned long long)(rip - symbol->from), symbol->module ? " [" : "",
		 symbol->module ?: "", symbol->module ? "]" : "");
}

void rip__label(const struct sort_key *key, const struct report *rep,
			 const struct key_value *value, char *buf, size_t size)
{
	const struct guest_symbols *symbols = rep->opt->symbols;
	u64 rip = value->v[0];
	struct guest_symbol symbol;
	int len;

	if (rip == KVMW_NONE) {
		snprintf(buf, size, "-");
		return;
	}
	len = snprintf(buf, size, "%#llx", (unsigned long long)rip);
	if (!symbols || !guest_symbols__find(symbols, rip, &symbol) || (size_t)len + 1 >= size)
		return;
	buf[len++] = ' ';
	describe(&symbol, rip, buf + len, size - len);
}

u32 rip__members(const struct sort_key *key, const struct report *rep,
			 const struct key_value *value, const char *label,
		 struct key_member *member)
{
	const struct guest_symbols *symbols = rep->opt->symbols;
	struct guest_symbol symbol = { 0 };
	bool known = value->v[0] != KVMW_NONE && symbols &&
		     guest_symbols__find(symbols, value->v[0], &symbol);

	(void)label;
	member[0] = (struct key_member) { .name = "rip", .number = value->v[0],
					  .is_address = true };
	if (!symbols)
		return 1;
	member[1] = (struct key_member) { .name = "symbol", .is_text = true, .text = symbol.name };
	member[2] = (struct key_member) { .name = "module", .is_text = true,
					  .text = symbol.module };
	member[3] = (struct key_member) {
		.name = "symbol_offset", .number = known ? value->v[0] - symbol.from : KVMW_NONE,
	};
	return 4;
}

/* ---- sym ---------------------------------------------------------------- */

u64 place__of(const struct guest_symbols *symbols, u64 rip, bool nested)
{
	struct guest_symbol symbol;

	if (rip == KVMW_NONE)
		return PLACE_NONE;
	if (nested)
		return PLACE_NESTED;
	if (symbols && guest_symbols__find(symbols, rip, &symbol))
		return symbol.from;
	if (!symbols || !guest_symbols__of_kernel(symbols) || rip >> 63)
		return PLACE_UNKNOWN;
	return rip >> 32 ? PLACE_USER : PLACE_LOW;
}

bool place__is_known(u64 place)
{
	return place != (u64)PLACE_NONE && place != (u64)PLACE_UNKNOWN;
}

void place__name(const struct guest_symbols *symbols, u64 place, char *buf, size_t size)
{
	struct guest_symbol symbol;

	if (!is_address(place))
		snprintf(buf, size, "%s", place_names[place - (u64)PLACE_NESTED]);
	else if (!symbols || !guest_symbols__find(symbols, place, &symbol))
		snprintf(buf, size, "%s", place_names[PLACE_UNKNOWN - PLACE_NESTED]);
	else if (!symbol.module)
		snprintf(buf, size, "%s", symbol.name);
	else
		snprintf(buf, size, "%s%s[%s]", symbol.name ?: "", symbol.name ? " " : "",
			 symbol.module);
}

/* Of a stack, the function of the host that it ends in. */
const char *sym__column(const struct sort_key *key, const struct event_desc *event, u32 i)
{
	static const char *const of_stack[] = { "kernel", "user" };

	if (event->id != KVMW_EVENT_STACK)
		return place__column(key, event, i);
	return i < ARRAY_SIZE(of_stack) ? of_stack[i] : NULL;
}

void sym__value(const struct sort_key *sort_key, const struct report *rep,
		const struct agg_key *key, const u64 *fine, struct key_value *value)
{
	value->v[0] =
		rep->event == KVMW_EVENT_STACK ? stack_pair__innermost(rep, fine[0]) : fine[0];
}

void sym__fine(const struct report_options *opt, u32 event, const u64 *column, u64 *fine)
{
	if (event == KVMW_EVENT_STACK) {
		fine[0] = stack_pair__of(column[0], column[1]);
		return;
	}
	fine[0] = place__of(opt->symbols, column[0], event != KVMW_EVENT_NESTED && column[1] == 1);
	if (opt->offsets && is_address(fine[0]))
		fine[0] = column[0];
}

void sym__label(const struct sort_key *key, const struct report *rep,
			 const struct key_value *value, char *buf, size_t size)
{
	struct guest_symbol symbol;

	if (rep->event == KVMW_EVENT_STACK)
		label__innermost(rep, value->v[0], buf, size);
	else if (rep->opt->offsets && is_address(value->v[0]) &&
	    guest_symbols__find(rep->opt->symbols, value->v[0], &symbol))
		describe(&symbol, value->v[0], buf, size);
	else
		place__name(rep->opt->symbols, value->v[0], buf, size);
}

u32 sym__members(const struct sort_key *key, const struct report *rep,
			 const struct key_value *value, const char *label,
		 struct key_member *member)
{
	struct guest_symbol symbol = { 0 };
	bool known = rep->event != KVMW_EVENT_STACK && is_address(value->v[0]) &&
		     rep->opt->symbols &&
		     guest_symbols__find(rep->opt->symbols, value->v[0], &symbol);

	member[0] = (struct key_member) {
		.name = "symbol", .is_text = true, .text = !label || known ? symbol.name : label,
	};
	member[1] = (struct key_member) { .name = "module", .is_text = true,
					  .text = symbol.module };
	member[2] = (struct key_member) {
		.name = "symbol_address", .number = known ? symbol.from : KVMW_NONE,
		.is_address = true,
	};
	if (rep->event == KVMW_EVENT_STACK)
		return 1;
	if (!rep->opt->offsets)
		return 3;
	member[3] = (struct key_member) {
		.name = "symbol_offset", .number = known ? value->v[0] - symbol.from : KVMW_NONE,
	};
	return 4;
}
