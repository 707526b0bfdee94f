// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "builtin-record-stop.h"
#include "util/capture/drain.h"
#include "util/capture/privileges.h"
#include "util/capture/workload.h"
#include "util/array.h"
#include "util/error.h"

#define PATIENCE_NS	(2 * NSEC_PER_SEC)
/*
 * timeout(1) and terminals send a signal to the process and to its group: what comes within this
 * time is the same one.
 */
#define SAME_SIGNAL_NS	(NSEC_PER_SEC / 4)
#define LOOK_MS		100

int record_stop__open(struct record_stop *s, const char *path)
{
	struct sigaction hup;
	sigset_t set;

	s->path = path;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	/* A blocked signal is delivered even if nohup(1) had it ignored. */
	if (!sigaction(SIGHUP, NULL, &hup) && hup.sa_handler != SIG_IGN)
		sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	s->told = eventfd(0, EFD_CLOEXEC);
	s->ended = eventfd(0, EFD_CLOEXEC);
	if (s->signals < 0 || s->told < 0 || s->ended < 0)
		return error("cannot set up signals: %s", strerror(errno));
	return 0;
}

/* Whoever does not read the output may not read errors either. */
static bool takes_errors(void)
{
	struct pollfd fd = { STDERR_FILENO, POLLOUT, 0 };

	return poll(&fd, 1, 0) == 1 && fd.revents & POLLOUT;
}

static void give_up(const struct record_stop *s, const char *why)
{
	u64 rows = __atomic_load_n(&s->progress.rows, __ATOMIC_RELAXED);
	u64 bytes = __atomic_load_n(&s->progress.bytes, __ATOMIC_RELAXED);
	struct drain_counts c;

	drain__counts(s->drain, &c);
	if (takes_errors())
		error("%s: %s: gave up; of the %llu events so far, %llu and the last totals are "
		      "missing; its first %llu bytes are a readable recording", s->path, why,
		      (unsigned long long)c.events,
		      (unsigned long long)(c.events > rows ? c.events - rows : 0),
		      (unsigned long long)bytes);
	workload__terminate(s->workload);
	_exit(KVMW_FAILED);
}

/* Whether a signal has come; *which is the last one. */
static bool take_signals(const struct record_stop *s, int *which)
{
	struct signalfd_siginfo info;
	bool came = false;

	while (read(s->signals, &info, sizeof(info)) == sizeof(info)) {
		*which = info.ssi_signo;
		came = true;
	}
	return came;
}

static void check_output(const struct record_stop *s, u64 first_ns)
{
	u64 since = __atomic_load_n(&s->progress.waits_ns, __ATOMIC_RELAXED);

	if (since && monotonic_ns() >= (since > first_ns ? since : first_ns) + PATIENCE_NS)
		give_up(s, "took no data for 2 s after the signal");
}

static void *record_stop__run(void *arg)
{
	struct record_stop *s = arg;
	struct pollfd fds[] = { { s->ended, POLLIN, 0 }, { s->signals, POLLIN, 0 } };
	u64 first_ns = 0;
	int which;

	privileges__drop();
	for (;;) {
		poll(fds, ARRAY_SIZE(fds), first_ns ? LOOK_MS : -1);
		if (fds[0].revents)
			return NULL;
		if (take_signals(s, &which)) {
			u64 now = monotonic_ns();

			if (first_ns && now >= first_ns + SAME_SIGNAL_NS)
				give_up(s, "a second signal came before all was written");
			if (!first_ns) {
				first_ns = now;
				__atomic_store_n(&s->signal, which, __ATOMIC_RELEASE);
				eventfd_write(s->told, 1);
			}
		}
		if (first_ns)
			check_output(s, first_ns);
	}
}

int record_stop__start(struct record_stop *s, struct drain *drain, struct workload *workload)
{
	s->drain = drain;
	s->workload = workload;
	if (pthread_create(&s->thread, NULL, record_stop__run, s))
		return error("cannot start the thread that takes signals: %s", strerror(errno));
	s->running = true;
	return 0;
}

const char *record_stop__why(const struct record_stop *s)
{
	int which = __atomic_load_n(&s->signal, __ATOMIC_ACQUIRE);

	return !which ? NULL : which == SIGINT ? "interrupted" : "terminated";
}

void record_stop__end(struct record_stop *s)
{
	if (!s->running)
		return;
	eventfd_write(s->ended, 1);
	pthread_join(s->thread, NULL);
	s->running = false;
}
