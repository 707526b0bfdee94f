/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How kvmw snapshot talks to recorders with --keep: by sockets in the abstract namespace, so that a
 * killed one leaves nothing behind.  Both sides look at who the other one is.
 */
#ifndef KVMW_BUILTIN_RECORD_CONTROL_H
#define KVMW_BUILTIN_RECORD_CONTROL_H

#include <limits.h>
#include <sys/types.h>

#include "util/types.h"

#define CONTROL_NAME	"kvmw-keep/%d"	/* of the recorder with this process id */
#define CONTROL_CLIENTS	8		/* at a time */

struct control_request {
	u32 vm;			/* only if it records this process; 0: in any case */
	u32 wait;		/* the answer comes when the snapshot is written */
};

enum control_result {
	CONTROL_DONE,
	CONTROL_ASKED,
	CONTROL_NOT_MINE,
	CONTROL_FAILED,
	CONTROL_NO_MORE,
	CONTROL_BUSY
};

struct control_answer {
	u32 result;		/* enum control_result */
	char path[PATH_MAX];	/* of CONTROL_DONE */
};

struct record_control {
	int listening;		/* -1: not */
	int client[CONTROL_CLIENTS];	/* of those that wait; -1: none */
	u32 number[CONTROL_CLIENTS];	/* of the snapshot that each waits for */
};

/* Goes on without, after a warning, if that is not possible. */
void record_control__open(struct record_control *c);
void record_control__close(struct record_control *c);
/*
 * Accepts a client who may ask: root, or the recorder's user; *request is the request. A file
 * descriptor, or -1.
 */
int record_control__accept(struct record_control *c, struct control_request *request);
/* Answers, and is done with it. */
void record_control__answer(int client, enum control_result result, const char *path);
/* It waits for the snapshot of this number. -1: too many wait. */
int record_control__wait(struct record_control *c, int client, u32 number);
/* Those that wait for this snapshot, or an earlier one. */
void record_control__answer_all(struct record_control *c, u32 number, enum control_result result,
				const char *path);

/* Whether the other end is root or this user, and, unless pid is 0, this process. */
bool control__is_trusted(int socket, pid_t pid);
/* The address of a recorder; its length. */
struct sockaddr_un;
unsigned int control__address(struct sockaddr_un *to, pid_t pid);

#endif
