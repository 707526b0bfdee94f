// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "util/array.h"
#include "util/error.h"
#include "util/memory.h"
#include "util/search.h"
#include "util/symbols/guest_symbols.h"
#include "util/text.h"

#define LONGEST		(1u << 20)	/* of a function without a known end */
#define NO_NAME		UINT32_MAX
#define TEXT_MAX	(1u << 30)	/* bytes of all names */

struct entry {
	u64 from, to;
	u32 name, module;	/* in text; NO_NAME: none */
	u32 rank;
};

struct guest_symbols {
	struct entry *list;
	u32 nr, room;
	char *text;		/* names, each with its 0 */
	u32 text_nr, text_room;
	u32 nr_functions;
	u32 last_module;	/* the one added last; they come one module after the other */
	bool of_kernel;
};

struct guest_symbols *guest_symbols__new(void)
{
	struct guest_symbols *s = mem__calloc(1, sizeof(*s));

	if (s)
		s->last_module = NO_NAME;
	return s;
}

void guest_symbols__free(struct guest_symbols *s)
{
	if (!s)
		return;
	array__free(s->list, s->room, NULL);
	array__free(s->text, s->text_room, NULL);
	free(s);
}

static bool is_plain(const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (name[i] < ' ' || name[i] > '~')
			return false;
	return len <= GUEST_SYMBOL_NAME_MAX;
}

static int keep_text(struct guest_symbols *s, const char *name, size_t len, u32 *at)
{
	if (len + 1 > TEXT_MAX - s->text_nr)
		return error("the names of the guest's symbols are longer than %u bytes in all",
			     TEXT_MAX);
	if (array__reserve_many(s->text, s->text_nr, len + 1, s->text_room, NULL))
		return -1;
	*at = s->text_nr;
	memcpy(s->text + s->text_nr, name, len);
	s->text[s->text_nr + len] = '\0';
	s->text_nr += len + 1;
	return 0;
}

static int guest_symbols__keep_name(struct guest_symbols *s, const char *name, u32 *at)
{
	size_t len = strlen(name);
	char *clean;
	int ret;

	if (is_plain(name, len))
		return keep_text(s, name, len, at);
	clean = text__clean(name, GUEST_SYMBOL_NAME_MAX);
	if (!clean)
		return out_of_memory();
	ret = keep_text(s, clean, strlen(clean), at);
	free(clean);
	return ret;
}

static int keep_module(struct guest_symbols *s, const char *module)
{
	if (s->last_module != NO_NAME && !strcmp(s->text + s->last_module, module))
		return 0;
	return guest_symbols__keep_name(s, module, &s->last_module);
}

int guest_symbols__add(struct guest_symbols *s, u64 from, u64 to, enum guest_symbol_rank rank,
		       const char *name, const char *module)
{
	struct entry e = { .from = from, .to = to, .name = NO_NAME, .module = NO_NAME };

	if (s->nr == GUEST_SYMBOLS_MAX)
		return error("the guest has more than %u symbols", GUEST_SYMBOLS_MAX);
	if (array__reserve(s->list, s->nr, s->room, NULL) || (module && keep_module(s, module)))
		return -1;
	if (module)
		e.module = s->last_module;
	if (rank != RANK_NONE) {
		if (guest_symbols__keep_name(s, name, &e.name))
			return -1;
		e.rank = 2 * rank + (*name != '_');
		s->nr_functions++;
		s->of_kernel |= from >> 63;
	}
	s->list[s->nr++] = e;
	return 0;
}

/* By address; what counts there comes first. */
static int entry__compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	COMPARE(x->from, y->from);
	COMPARE(y->rank, x->rank);
	/* Without a rank, one that says which module begins here. */
	COMPARE(x->module == NO_NAME, y->module == NO_NAME);
	COMPARE(x->name, y->name);
	return 0;
}

int guest_symbols__prepare(struct guest_symbols *s)
{
	u32 nr = 0;

	if (s->nr)
		qsort(s->list, s->nr, sizeof(*s->list), entry__compare);
	for (u32 i = 0; i < s->nr; i++)
		if (!nr || s->list[i].from != s->list[nr - 1].from)
			s->list[nr++] = s->list[i];
	s->nr = nr;
	for (u32 i = 0; i < nr; i++) {
		struct entry *e = &s->list[i];
		u64 next = i + 1 < nr ? s->list[i + 1].from : UINT64_MAX;

		if (!e->to)
			e->to = next - e->from < LONGEST ? next : e->from + LONGEST;
		if (e->to > next || e->to < e->from)
			e->to = next;
	}
	return 0;
}

u32 guest_symbols__number(const struct guest_symbols *s)
{
	return s->nr_functions;
}

bool guest_symbols__of_kernel(const struct guest_symbols *s)
{
	return s->of_kernel;
}

static int entry__at(const void *key, const void *element)
{
	const struct entry *e = element;

	COMPARE(*(const u64 *)key, e->from);
	return 0;
}

/* list[at] is where it belongs. */
static bool overlaps(const struct guest_symbols *s, size_t at, const struct guest_symbol *symbol)
{
	return (at && s->list[at - 1].to > symbol->from) ||
	       (at < s->nr && s->list[at].from < symbol->to);
}

int guest_symbols__insert(struct guest_symbols *s, const struct guest_symbol *symbol,
			  struct budget *budget)
{
	struct entry e = { .from = symbol->from, .to = symbol->to, .name = NO_NAME,
			   .module = NO_NAME };
	size_t at = lower_bound(&symbol->from, s->list, s->nr, sizeof(*s->list), entry__at);
	u32 text = s->text_nr;

	if (symbol->from >= symbol->to || overlaps(s, at, symbol) ||
	    s->nr == GUEST_SYMBOLS_STORED || budget__is_full(budget))
		return 0;
	if (array__reserve(s->list, s->nr, s->room, NULL) ||
	    (symbol->module && keep_module(s, symbol->module)) ||
	    (symbol->name && guest_symbols__keep_name(s, symbol->name, &e.name)))
		return -1;
	if (symbol->module)
		e.module = s->last_module;
	memmove(s->list + at + 1, s->list + at, (s->nr - at) * sizeof(*s->list));
	s->list[at] = e;
	s->nr++;
	s->nr_functions += !!symbol->name;
	budget__hold(budget, sizeof(e) + s->text_nr - text);
	return 0;
}

void guest_symbols__set_of_kernel(struct guest_symbols *s)
{
	s->of_kernel = true;
}

static const char *text_at(const struct guest_symbols *s, u32 at)
{
	return at == NO_NAME ? NULL : s->text + at;
}

bool guest_symbols__find(const struct guest_symbols *s, u64 address, struct guest_symbol *found)
{
	size_t at = lower_bound(&address, s->list, s->nr, sizeof(*s->list), entry__at);
	const struct entry *e = s->list + at;

	if ((at == s->nr || e->from != address) && !at--)
		return false;
	e = &s->list[at];
	if (address >= e->to || (e->name == NO_NAME && e->module == NO_NAME))
		return false;
	*found = (struct guest_symbol) {
		.from = e->from, .to = e->to, .name = text_at(s, e->name),
		.module = text_at(s, e->module),
	};
	return true;
}

static int read_files(struct guest_symbols *s, const struct guest_symbol_files *files)
{
	if ((files->kallsyms && guest_symbols__read_kallsyms(s, files->kallsyms)) ||
	    (files->map && guest_symbols__read_map(s, files->map, files->slide)) ||
	    (files->image && guest_symbols__read_image(s, files->image, files->slide)) ||
	    (files->modules && guest_symbols__read_modules(s, files->modules)))
		return -1;
	return guest_symbols__prepare(s);
}

struct guest_symbols *guest_symbols__read(const struct guest_symbol_files *files)
{
	struct guest_symbols *s = guest_symbols__new();

	if (!s || !read_files(s, files))
		return s;
	guest_symbols__free(s);
	return NULL;
}
