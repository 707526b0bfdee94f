// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "builtin-record-keep.h"
#include "util/capture/vm.h"
#include "util/error.h"

#define MAX_NAME	64	/* of a VM, in a path */

static int arm(int fd, u64 first_ns, u64 each_ns)
{
	const struct itimerspec when = {
		.it_value = { first_ns / NSEC_PER_SEC, first_ns % NSEC_PER_SEC },
		.it_interval = { each_ns / NSEC_PER_SEC, each_ns % NSEC_PER_SEC },
	};

	return timerfd_settime(fd, 0, &when, NULL) ? error("cannot set a timer: %s", strerror(errno)) : 0;
}

/* Whether it was readable; it is not any more. */
static bool take_event(int fd)
{
	u64 buf[sizeof(struct signalfd_siginfo) / sizeof(u64)];
	bool any = false;

	while (read(fd, buf, sizeof(buf)) > 0)
		any = true;
	return any;
}

int record_keep__open(struct record_keep *k, const struct keep_options *opt)
{
	sigset_t set;

	k->opt = opt;
	k->files.socket = -1;
	memset(k->fd, -1, sizeof(k->fd));
	if (!opt->time_ns)
		return 0;
	if (record_files__start(&k->files))
		return -1;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	k->fd[KEEP_FD_SIGNAL] = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	k->fd[KEEP_FD_WRITTEN] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	k->fd[KEEP_FD_MOMENT] = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	k->fd[KEEP_FD_AFTER] = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	for (u32 i = 0; i < NR_KEEP_FDS; i++)
		if (k->fd[i] < 0)
			return error("cannot set up signals and timers: %s", strerror(errno));
	return keep_window__init(&k->window, opt->bytes, opt->time_ns);
}

int record_keep__start(struct record_keep *k, const struct keep_uses *uses, u64 start_ns)
{
	u64 each_ns = k->opt->time_ns / 2;

	k->uses = *uses;
	keep_window__start(&k->window, start_ns);
	return k->opt->time_ns ? arm(k->fd[KEEP_FD_MOMENT], each_ns, each_ns) : 0;
}

void record_keep__say(const struct record_keep *k)
{
	if (k->opt->time_ns && !k->uses.quiet)
		tell("[ kvmw record: keeps the last %.4g s; kill -USR2 %d writes them to a file ]",
		     k->opt->time_ns / 1e9, getpid());
}

void record_keep__fds(const struct record_keep *k, struct pollfd *fds)
{
	for (u32 i = 0; i < NR_KEEP_FDS; i++)
		fds[i] = (struct pollfd) { k->opt->time_ns ? k->fd[i] : -1, POLLIN, 0 };
}

/* ---- the name ------------------------------------------------------------ */

/* The process of the only VM that is recorded; 0: there are several, or none. */
static pid_t only_vm(const struct record_keep *k)
{
	const struct kvmw_vcpu_state *states = session__states(k->uses.session);
	pid_t pid = k->uses.session_opts->nr_pids == 1 ? k->uses.session_opts->pids[0] : 0;

	for (u32 i = 0; i < KVMW_MAX_VCPUS; i++) {
		const struct kvmw_vcpu_state *s = &states[i];

		if (!s->tid || s->role != KVMW_ROLE_VCPU || (pid_t)s->tgid == pid)
			continue;
		if (pid)
			return 0;
		pid = s->tgid;
	}
	return pid;
}

/* Names are the VM's own affair: only what is harmless in a path, and no dot or minus first. */
static void vm_part(pid_t pid, char *buf)
{
	struct vm vm = { .name = "" };
	size_t len = 0;

	if (pid)
		vm__describe(pid, &vm);
	for (const char *p = *vm.name ? vm.name : vm.vmm; *p && len < MAX_NAME - 1; p++) {
		bool plain = (*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
			     *p == '_' || (len && (*p == '.' || *p == '-'));

		buf[len++] = plain ? *p : '_';
	}
	buf[len] = '\0';
	if (!len)
		strcpy(buf, pid ? "vm" : "all");
}

/* "kvmw-debian12-20261128-120304.567.data"; with -o FILE: "FILE.20261128-120304.567" */
static void make_path(struct record_keep *k)
{
	char vm[MAX_NAME], at[32] = "";
	struct timespec now;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	if (localtime_r(&now.tv_sec, &tm))
		strftime(at, sizeof(at), "%Y%m%d-%H%M%S", &tm);
	if (k->uses.output) {
		snprintf(k->path, sizeof(k->path), "%s.%s.%03ld", k->uses.output, at, now.tv_nsec / 1000000);
		return;
	}
	vm_part(only_vm(k), vm);
	snprintf(k->path, sizeof(k->path), "kvmw-%s-%s.%03ld.data", vm, at, now.tv_nsec / 1000000);
}

/* ---- a snapshot ---------------------------------------------------------- */

static int send_tables(struct record_keep *k, u32 kind)
{
	struct keep_uses *u = &k->uses;

	if (kind == KVMW_thread_START && sink__moment(u->sink))
		return -1;
	return snapshot__read(u->tables, kind, u->session_opts, u->session) ||
	       snapshot__send(u->tables, u->sink) ? -1 : 0;
}

/* What cannot be made now can be made later: the recording goes on. */
static int keep_failed(struct record_keep *k)
{
	k->nr_failed++;
	return 0;
}

static int begin(struct record_keep *k)
{
	struct keep_uses *u = &k->uses;
	struct keep_snapshot *s = &k->snapshot;
	int fd;

	k->waiting = false;
	drain__cut(u->drain);
	if (send_tables(k, KVMW_thread_END))
		return -1;
	make_path(k);
	fd = record_files__make(&k->files, k->path);
	if (fd < 0)
		return keep_failed(k);
	*s = (struct keep_snapshot) { .told = k->fd[KEEP_FD_WRITTEN] };
	s->meta = meta__of_snapshot(u->meta, k->why, k->trigger_ns);
	s->writer = s->meta ? data_writer__new(fd, k->path, u->events) : NULL;
	if (!s->writer) {
		free(s->meta);
		record_files__undo(&k->files);
		return keep_failed(k);
	}
	data_writer__watch(s->writer, u->progress);
	k->writing = true;
	return sink__snapshot(u->sink, s);
}

static int end(struct record_keep *k)
{
	const struct keep_snapshot *s = &k->snapshot;

	k->writing = false;
	if (keep_snapshot__end(&k->snapshot))
		return keep_failed(k);
	k->nr++;
	if (!k->uses.quiet)
		tell("[ kvmw record: %s: %llu events of %.1f s, %.3f MB %s, %llu lost ]", k->why,
		     (unsigned long long)s->events, (s->end.time_ns - s->begin.time_ns) / 1e9, s->bytes / 1e6,
		     k->path, (unsigned long long)s->lost);
	if (k->opt->exec)
		record_files__run(&k->files, k->opt->exec, k->path);
	return 0;
}

static bool may_make(const struct record_keep *k)
{
	return !k->opt->max_snapshots || k->nr + k->nr_failed < k->opt->max_snapshots;
}

/* by_hand: whoever asks gets one, whatever --cooldown says. */
static int trigger(struct record_keep *k, const char *why, u64 now, bool by_hand)
{
	if (!may_make(k) || (!by_hand && k->last_ns && now < k->last_ns + k->opt->cooldown_ns)) {
		k->nr_ignored++;
		return 0;
	}
	if (k->waiting || k->writing) {
		k->again |= by_hand;
		k->nr_ignored += !by_hand;
		return 0;
	}
	snprintf(k->why, sizeof(k->why), "%s", why);
	k->trigger_ns = k->last_ns = now;
	if (!k->opt->after_ns)
		return begin(k);
	k->waiting = true;
	return arm(k->fd[KEEP_FD_AFTER], k->opt->after_ns, 0);
}

int record_keep__handle(struct record_keep *k, const struct pollfd *fds)
{
	int err = 0;

	if (fds[KEEP_FD_WRITTEN].revents && take_event(k->fd[KEEP_FD_WRITTEN]) && k->writing)
		err = end(k);
	if (!err && fds[KEEP_FD_MOMENT].revents && take_event(k->fd[KEEP_FD_MOMENT]))
		err = send_tables(k, KVMW_thread_START);
	if (!err && fds[KEEP_FD_AFTER].revents && take_event(k->fd[KEEP_FD_AFTER]) && k->waiting)
		err = begin(k);
	if (!err && fds[KEEP_FD_SIGNAL].revents && take_event(k->fd[KEEP_FD_SIGNAL]))
		err = trigger(k, "SIGUSR2", monotonic_ns(), true);
	if (!err && k->again && !k->waiting && !k->writing) {
		k->again = false;
		err = trigger(k, "SIGUSR2", monotonic_ns(), true);
	}
	return err;
}

static void wait_for_file(struct record_keep *k)
{
	struct pollfd fd = { k->fd[KEEP_FD_WRITTEN], POLLIN, 0 };

	while (k->writing && poll(&fd, 1, -1) < 0 && errno == EINTR)
		;
	if (k->writing && take_event(k->fd[KEEP_FD_WRITTEN]))
		end(k);
}

void record_keep__finish(struct record_keep *k)
{
	/* What was asked for before the end did is made. */
	bool again = k->again || (k->opt->time_ns && take_event(k->fd[KEEP_FD_SIGNAL]));

	if (k->waiting && begin(k))
		return;
	wait_for_file(k);
	if (again && !trigger(k, "SIGUSR2", monotonic_ns(), true) && (!k->waiting || !begin(k)))
		wait_for_file(k);
}

void record_keep__close(struct record_keep *k)
{
	if (!k->opt || !k->opt->time_ns)
		return;
	record_files__end(&k->files);
	keep_window__free(&k->window);
	for (u32 i = 0; i < NR_KEEP_FDS; i++)
		if (k->fd[i] >= 0)
			close(k->fd[i]);
}
