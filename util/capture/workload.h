/* SPDX-License-Identifier: GPL-2.0 */
/* The command after "--": forked early, run when recording starts. */
#ifndef KVMW_WORKLOAD_H
#define KVMW_WORKLOAD_H

#include <sys/types.h>

#include "util/types.h"

struct workload {
	pid_t pid;		/* 0: there is none */
	int go, failed;		/* pipes; -1: closed */
	bool ended;
	int status;		/* of waitpid(2), once ended */
};

struct sudo_user;

/*
 * to_stderr: its standard output goes to standard error, because standard output is the
 * recording.  user: who runs it; NULL: the caller.  -1: error() said why.
 */
int workload__prepare(struct workload *w, const char **argv, bool to_stderr,
		      const struct sudo_user *user);

/* Runs it; -1: it could not be run, error() said why. */
int workload__start(struct workload *w, const char *name);

/* Collects ended children; true once the command itself has ended. */
bool workload__reap(struct workload *w);

/* Sends it SIGTERM if it still runs. */
void workload__terminate(const struct workload *w);
/* If it still runs, sends SIGTERM and waits a few seconds. */
void workload__end(struct workload *w);

/* As in a shell: its exit status, or 128 + signal. */
int workload__exit_status(const struct workload *w);

#endif
