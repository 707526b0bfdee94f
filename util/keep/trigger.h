/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What triggers a snapshot:
 *
 *	EXPR		a row for which it is true is recorded, as for --where
 *	rate(EXPR)>N	more such rows a second; rate(io) is short for rate(reason==io)
 *	stuck>TIME	a vCPU runs without an exit, or has not entered the guest, for so long
 *	gone		a vCPU is gone: its VM ended, or its VMM died
 *	lost		records were lost
 *
 * Rows are looked at by the thread that feeds the window, all else by the one that waits.
 */
#ifndef KVMW_KEEP_TRIGGER_H
#define KVMW_KEEP_TRIGGER_H

#include <pthread.h>

#include "util/analysis/where.h"
#include "util/data/format.h"
#include "util/recording/recording.h"

#define KEEP_MAX_TRIGGERS	16
#define KEEP_WHY_MAX		160	/* bytes */
#define KEEP_VM_MAX		64

enum keep_trigger_kind { TRIGGER_ROW, TRIGGER_RATE, TRIGGER_STUCK, TRIGGER_GONE, TRIGGER_LOST };

struct keep_trigger {
	enum keep_trigger_kind kind;
	const char *text;	/* as typed */
	char *expr;		/* of a rate, owned */
	char *option;		/* for messages about where, owned */
	struct where *where;	/* of rows; NULL: it is not about rows */
	u64 limit;		/* ns, or rows a second */
	u64 rows;		/* in this second */
};

struct keep_hit {
	char why[KEEP_WHY_MAX];	/* "": none */
	char vm[KEEP_VM_MAX];	/* name of the VM; "": whoever takes this finds it out */
	u64 time_ns;
	u32 vcpu;		/* id; all ones: none */
};

struct keep_triggers {
	struct keep_trigger trigger[KEEP_MAX_TRIGGERS];
	u32 nr;
	bool of_rows, of_identity;
	struct schema schema;
	struct recording *rec;	/* what names in rows refer to */
	char *meta;		/* the last text of META, owned */
	u32 few;		/* twice the entries that it had when it was last rebuilt */
	u64 *column[ROW_FILTER_COLUMNS];	/* of a batch */
	u8 *keep;
	u64 second_ns;		/* when the current one began; 0: unknown */
	/* The first hit that was not taken yet. */
	pthread_mutex_t lock;
	struct keep_hit hit;
	int told;		/* an eventfd that is notified */
};

/* All zero before the first one; text outlives it. 0, or -1 after error(). */
int keep_triggers__add(struct keep_triggers *t, const char *text);
/* Whether they can be about these events, a bitmap.  0, or -1 after error(). */
int keep_triggers__check(const struct keep_triggers *t, u32 events);
/* For these events.  0, or -1 after error(). */
int keep_triggers__bind(struct keep_triggers *t, u32 events, int told);
void keep_triggers__free(struct keep_triggers *t);
/* The trigger of this kind; NULL: there is none. */
const struct keep_trigger *keep_triggers__of(const struct keep_triggers *t,
					     enum keep_trigger_kind kind);

/* META, IDENT; all: makes the text of all that is known. 0, or -1 after error(). */
int keep_triggers__json(struct keep_triggers *t, enum data_frame_type type, const char *json,
			char *(*all)(const void *arg), const void *arg);
/* Rows of a captured event. */
void keep_triggers__rows(struct keep_triggers *t, const struct event_desc *event, const u8 *rows,
			 u32 nr);
void keep_triggers__end_second(struct keep_triggers *t, u64 time_ns);
/* What any thread has seen; vm: the name of the VM that it is about, or NULL. */
void keep_triggers__hit(struct keep_triggers *t, u64 time_ns, u32 vcpu, const char *vm,
			const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* The first one since the last call; why is "": there was none. */
struct keep_hit keep_triggers__take(struct keep_triggers *t);

#endif
