/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How a recording is made to end.  A thread of its own takes the signals, because the others may
 * stand still in a write, or in /proc, when it is time to go.
 */
#ifndef KVMW_BUILTIN_RECORD_STOP_H
#define KVMW_BUILTIN_RECORD_STOP_H

#include <pthread.h>

#include "util/data/data.h"

struct drain;
struct workload;

struct record_stop {
	int signals, ended;		/* file descriptors; -1: none */
	int told;			/* the same; readable once it is time to end */
	int signal;			/* the first one; 0: none came */
	const char *path;		/* where to, for the message */
	struct data_progress progress;	/* of the writer */
	struct drain *drain;
	struct workload *workload;
	pthread_t thread;
	bool running;
};

/* Blocks the signals for all threads that are started later.  0, or -1 after error(). */
int record_stop__open(struct record_stop *s, const char *path);

/*
 * Starts the thread.  Once a signal has come, the output must take data within 2 s, each time;
 * a second signal ends the program at once.  In both cases it says what is lost.
 * 0, or -1 after error().
 */
int record_stop__start(struct record_stop *s, struct drain *drain, struct workload *workload);

/* "interrupted" or "terminated"; NULL: no signal came. */
const char *record_stop__why(const struct record_stop *s);

/* All is written: ends the thread. */
void record_stop__end(struct record_stop *s);

#endif
