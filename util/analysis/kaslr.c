// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "util/analysis/kaslr.h"
#include "util/arch/exit_code.h"
#include "util/events.h"
#include "util/hash_table.h"
#include "util/memory.h"
#include "util/recording/scan.h"
#include "util/symbols/guest_code.h"

#define MAX_PLACES	4096
#define MAX_FRAMES	64	/* of exits, about as many seconds */
#define MIN_BITS	24	/* as an accident, one in 2^15 among the 2^9 offsets */

static const char *const columns[] = { "rip", "reason", "isa", "detail_kind", "nested", NULL };
enum { RIP, REASON, ISA, DETAIL_KIND, NESTED };
static const struct scan_event exits[] = { { .id = KVMW_EVENT_EXIT, .columns = columns } };

/* An instruction that made exits. */
struct code_place {
	struct {
		u64 rip;
		u32 reason;
		u16 isa, detail_kind;
	} key;
};

static void *code_places__new(void *arg)
{
	struct hash_table *t = mem__calloc(1, sizeof(*t));

	if (t)
		*t = (struct hash_table)HASH_TABLE(struct code_place, NULL);
	return t;
}

static void code_places__free(void *state)
{
	hash_table__free(state);
	free(state);
}

static int code_places__add(struct hash_table *t, const struct code_place *place)
{
	bool full = false;

	return hash_table__get_limited(t, &place->key, MAX_PLACES, &full) || full ? 0 : -1;
}

static int code_places__take(void *state, const struct scan_batch *b)
{
	const struct kernel_range *range = &guest_kernel_range;

	for (u32 i = 0; i < b->rows; i++) {
		struct code_place place = {
			.key = { b->col[RIP][i], b->col[REASON][i], b->col[ISA][i],
				 b->col[DETAIL_KIND][i] },
		};

		if (place.key.rip >= range->from && place.key.rip < range->to &&
		    b->col[NESTED][i] != 1 &&
		    exit_code__is_known(place.key.isa, place.key.reason, place.key.detail_kind) &&
		    code_places__add(state, &place))
			return -1;
	}
	return 0;
}

static int code_places__merge(void *to, const void *from)
{
	const struct hash_table *t = from;

	for (u32 i = 0; i < t->nr; i++)
		if (code_places__add(to, hash_table__at(t, i)))
			return -1;
	return 0;
}

static bool code_places__skip(const struct recording *rec, u32 event, void *arg)
{
	u32 *frames = arg;

	return event == KVMW_EVENT_EXIT && (*frames)++ >= MAX_FRAMES;
}

struct kaslr_score {
	u32 fits, bits;
};

static struct kaslr_score score_of(const struct hash_table *places, const struct guest_code *code,
				   u64 slide)
{
	struct kaslr_score score = { 0 };
	u8 bytes[EXIT_CODE_MAX];

	for (u32 i = 0; i < places->nr; i++) {
		const struct code_place *place = hash_table__at(places, i);
		size_t size = guest_code__at(code, place->key.rip - slide, bytes, sizeof(bytes));
		u32 bits = exit_code__fits(place->key.isa, place->key.reason,
					   place->key.detail_kind, bytes, size);

		score.fits += !!bits;
		score.bits += bits;
	}
	return score;
}

static void kaslr__fit(struct kaslr *k, const struct hash_table *places,
		       const struct guest_code *code)
{
	const struct kernel_range *range = &guest_kernel_range;
	struct kaslr_score best = { 0 }, next = { 0 };

	for (u64 slide = 0; slide < range->to - range->from; slide += range->step) {
		struct kaslr_score score = score_of(places, code, slide);

		if (score.bits > best.bits) {
			next = best;
			best = score;
			k->slide = slide;
		} else if (score.bits > next.bits) {
			next = score;
		}
	}
	k->of = places->nr;
	k->fits = best.fits;
	k->next = next.fits;
	/* A third may have been changed by the kernel itself, or be of another one before it. */
	k->certain =
		best.bits >= MIN_BITS && 3 * best.fits >= 2 * k->of && 2 * next.bits <= best.bits;
}

int kaslr__find(struct kaslr *k, struct data_reader *r, struct recording *rec,
		const struct guest_code *code)
{
	u32 frames = 0;
	const struct scan_consumer code_places = {
		.events = exits, .nr_events = 1, .arg = &frames, .new = code_places__new,
		.take = code_places__take,
		.merge = code_places__merge, .free = code_places__free, .skip = code_places__skip,
	};
	const struct scan_consumer *const consumer[] = { &code_places };
	void *found;

	if (scan__read(r, rec, 0, consumer, 1, &found))
		return -1;
	*k = (struct kaslr) { 0 };
	kaslr__fit(k, found, code);
	code_places__free(found);
	return 0;
}
