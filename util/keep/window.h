/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The last TIME of a recording, in memory, and snapshots of it: whole recordings.
 *
 * It is fed as a file is written, in order, by one thread. Frames are kept as they are encoded;
 * what a file has the last word of, totals and identities, is kept apart, so that frames can be
 * dropped. It is divided into seconds, which end with a row of cost; what is dropped is whole
 * seconds, or parts of one that is large.
 */
#ifndef KVMW_KEEP_WINDOW_H
#define KVMW_KEEP_WINDOW_H

#include <pthread.h>

#include "util/data/data.h"
#include "util/keep/account.h"
#include "util/keep/deltas.h"
#include "util/keep/identity.h"
#include "util/keep/ring.h"
#include "util/keep/trigger.h"

/* What an entry of the ring is. */
enum keep_what {
	KEEP_FRAME = 1,		/* EVENTS or LOSS */
	KEEP_SECOND,		/* it ends, or a part of a large one: struct keep_second */
	KEEP_SUMS,		/* frame of the second's totals, or of what other sums grew by */
	KEEP_MOMENT,		/* tables of one moment follow, or frame of a table */
	KEEP_ASIDE,		/* frame for one snapshot alone */
};

struct keep_second {
	u64 time_ns;
	struct kvmw_cost cost;	/* until then */
};

struct keep_window {
	struct keep_ring ring;
	u64 time_ns;		/* how much is kept, as long as it fits */
	struct keep_second begin;	/* the end of the second that was dropped last */
	struct keep_second last;
	struct account account;
	struct account open;	/* of rows aside, for the next snapshot */
	struct deltas deltas;
	struct identity identity;
	struct data_encoder *encoder;	/* of what is made here */
	struct data_buf frame;
	struct kvmw_total *totals;	/* of the second that ends */
	u32 nr_totals, totals_room;
	u32 moment, snapshot;	/* numbers of the latest ones */
	u32 past_moment;	/* the latest one that is dropped in part; 0: none */
	struct keep_triggers *triggers;	/* that look at what comes; or NULL */
	bool held;		/* a snapshot is about to be made: drop nothing */
	u64 cut;		/* position: what comes later is not in it; 0: all is */
	struct keep_second cut_end;	/* its last second */
	/* position: where the second that has not ended, or its part, begins */
	u64 part;
	u64 newest_ns;		/* latest time of all rows */
	/* What a snapshot still needs is not dropped. */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	u64 needed;		/* position; all ones: nothing */
};

/* 0, or -1 after error(). */
int keep_window__init(struct keep_window *w, u64 bytes, u64 time_ns);
/* When the recording starts, before anything ends. */
void keep_window__start(struct keep_window *w, u64 start_ns);
void keep_window__free(struct keep_window *w);

/*
 * Rows as data_encoder__rows() takes them, which may be changed; aside: for the next snapshot
 * alone. They may wait for a snapshot that is being written. 0, or -1 after error().
 */
int keep_window__rows(struct keep_window *w, struct data_encoder *enc, enum data_frame_type type,
		      const struct event_desc *event, u32 stream, bool aside, void *rows, u32 nr);
/* An event that is counted and has no record, and no end yet, as one of total; aside as above. */
int keep_window__begun(struct keep_window *w, bool aside, const struct kvmw_total *row);
/* The text of an IDENT frame, or of META, which only triggers need. */
int keep_window__json(struct keep_window *w, enum data_frame_type type, const char *json);
/* Nothing more comes of a vCPU. */
void keep_window__ended(struct keep_window *w, u32 vcpu);
/* A snapshot is about to be made. */
void keep_window__hold(struct keep_window *w);
/* It is not made after all: forgets what came aside for it. */
void keep_window__release(struct keep_window *w);
/* It has what came until now; of what follows, only rows aside.  They include cycles that go on. */
void keep_window__cut(struct keep_window *w);
/* Tables of another moment follow, with kind "start". */
int keep_window__moment(struct keep_window *w);

/* A recording to be made; file.c. */
struct keep_snapshot {
	struct data_writer *writer;	/* new; closed when it is written */
	char *meta;			/* of META, without start and stop, owned */
	int told;			/* an eventfd for the end */
	/* Filled in. */
	struct keep_window *window;
	struct keep_second begin, end;
	u32 number;
	u64 at, to, cut;		/* positions: from, to; from cut on, only what is aside */
	char *ident;
	struct kvmw_total *open;	/* totals of rows aside */
	u32 nr_open;
	bool knows_taken;
	struct kvmw_taken others;	/* all others that took memory, once knows_taken */
	pthread_t thread;
	u64 bytes, events, lost;
	bool running;			/* there is a thread */
	bool failed;			/* error() said why */
};

/*
 * Everything until now; a thread writes it, and notifies s->told at the end, even if it fails. One
 * at a time.
 */
void keep_window__snapshot(struct keep_window *w, struct keep_snapshot *s);
/* The thread's; file.c. */
void *keep_snapshot__write(void *arg);
/* After that: 0, or -1. */
int keep_snapshot__end(struct keep_snapshot *s);

#endif
