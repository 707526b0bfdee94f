/* SPDX-License-Identifier: GPL-2.0 */
/* Timers, signals and events as file descriptors, for a loop that waits with poll(). */
#ifndef KVMW_BUILTIN_RECORD_FDS_H
#define KVMW_BUILTIN_RECORD_FDS_H

#include <stdbool.h>

#include "util/types.h"

/* A signalfd of SIGUSR2, which is blocked from now on; -1: errno says why. */
int record_fds__usr2(void);
/* Sets a timer; 0, or -1 after error(). */
int record_fds__arm(int fd, u64 first_ns, u64 each_ns);
/* Whether it was readable; it is not any more. */
bool record_fds__take(int fd);

#endif
