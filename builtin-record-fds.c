// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "builtin-record-fds.h"
#include "util/error.h"

int record_fds__usr2(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int record_fds__arm(int fd, u64 first_ns, u64 each_ns)
{
	const struct itimerspec when = {
		.it_value = { first_ns / NSEC_PER_SEC, first_ns % NSEC_PER_SEC },
		.it_interval = { each_ns / NSEC_PER_SEC, each_ns % NSEC_PER_SEC },
	};

	return timerfd_settime(fd, 0, &when, NULL) ?
	       error("cannot set a timer: %s", strerror(errno)) : 0;
}

bool record_fds__take(int fd)
{
	u64 buf[sizeof(struct signalfd_siginfo) / sizeof(u64)];
	bool any = false;

	while (read(fd, buf, sizeof(buf)) > 0)
		any = true;
	return any;
}
