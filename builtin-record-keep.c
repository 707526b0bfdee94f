// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "builtin-record-fds.h"
#include "builtin-record-keep.h"
#include "util/arch/reason.h"
#include "util/capture/vm.h"
#include "util/error.h"
#include "util/memory.h"

#define MAX_NAME	64	/* of a VM, in a path */
#define WATCH_MIN_NS	(NSEC_PER_SEC / 20)

/* Whoever is asked in three days has to be able to make a file then. */
static int check_folder(const char *output)
{
	char *copy = mem__strdup(output ?: ".");
	const char *folder = copy ? dirname(copy) : NULL;
	int err = 0;

	if (folder && faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS))
		err = error("no snapshot could be written to %s: %s; choose another folder with -o",
			    *folder == '.' && !folder[1] ? "the current folder" : folder,
			    strerror(errno));
	free(copy);
	return folder ? err : -1;
}

int record_keep__open(struct record_keep *k, struct keep_options *opt, const char *output)
{
	k->opt = opt;
	k->files.socket = -1;
	memset(k->fd, -1, sizeof(k->fd));
	k->control.listening = -1;
	memset(k->control.client, -1, sizeof(k->control.client));
	if (!opt->time_ns)
		return 0;
	if (check_folder(output) || record_files__start(&k->files))
		return -1;
	k->fd[KEEP_FD_SIGNAL] = record_fds__usr2();
	k->fd[KEEP_FD_WRITTEN] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	k->fd[KEEP_FD_MOMENT] = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	k->fd[KEEP_FD_HIT] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	k->fd[KEEP_FD_WATCH] = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	k->fd[KEEP_FD_AFTER] = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	for (u32 i = 0; i < KEEP_FD_CONTROL; i++)
		if (k->fd[i] < 0)
			return error("cannot set up signals and timers: %s", strerror(errno));
	return keep_window__init(&k->window, opt->bytes, opt->time_ns);
}

int record_keep__bind(struct record_keep *k, u32 events)
{
	if (!k->opt->triggers.nr)
		return 0;
	k->window.triggers = &k->opt->triggers;
	return keep_triggers__bind(&k->opt->triggers, events, k->fd[KEEP_FD_HIT]);
}

void record_keep__say(const struct record_keep *k)
{
	if (k->opt->time_ns && !k->uses.quiet)
		tell("[ kvmw record: keeps the last %.4g s; kvmw snapshot, or kill -USR2 %d, writes it to a file ]",
		     k->opt->time_ns / 1e9, getpid());
}

void record_keep__fds(const struct record_keep *k, struct pollfd *fds)
{
	for (u32 i = 0; i < NR_KEEP_FDS; i++)
		fds[i] = (struct pollfd) { k->opt->time_ns ? k->fd[i] : -1, POLLIN, 0 };
}

/* ---- the name ------------------------------------------------------------ */

/* The process of the VM that it is about, or of the only one recorded; 0: several, or none. */
static pid_t vm_of(const struct record_keep *k)
{
	const struct kvmw_vcpu_state *states = session__states(k->uses.session),
				     *hit = &states[KVMW_STATE(k->vcpu)];
	pid_t pid = k->uses.session_opts->nr_pids == 1 ? k->uses.session_opts->pids[0] : 0;

	if (k->vcpu != ~0U && hit->tid && hit->exit.e.vcpu == k->vcpu && hit->tgid)
		return hit->tgid;
	for (u32 i = 0; i < session__nr_states(k->uses.session); i++) {
		const struct kvmw_vcpu_state *s = &states[i];

		if (!s->tid || s->role != KVMW_ROLE_VCPU || (pid_t)s->tgid == pid)
			continue;
		if (pid)
			return 0;
		pid = s->tgid;
	}
	return pid;
}

/* Of a process that is gone, the programs know what it was. */
static void see_leader(const struct record_keep *k, pid_t pid, char *buf, size_t size)
{
	const struct kvmw_vcpu_state *states = session__states(k->uses.session);

	for (u32 i = 0; i < session__nr_states(k->uses.session); i++)
		if (states[i].tid && (pid_t)states[i].tgid == pid)
			snprintf(buf, size, "%.*s", (int)sizeof(states[i].leader),
				 states[i].leader);
}

/* As long as it is there. */
static void see_name(struct record_keep *k, pid_t pid)
{
	struct vm vm = { .name = "" };

	if (pid)
		vm__describe(pid, &vm);
	if (pid && !*vm.vmm && k->named != pid)
		see_leader(k, pid, vm.vmm, sizeof(vm.vmm));
	if (!*vm.vmm)
		return;
	snprintf(k->name, sizeof(k->name), "%s", *vm.name ? vm.name : vm.vmm);
	k->named = pid;
}

/* Names are the VM's own affair: only what is harmless in a path, and no dot or minus first. */
static void vm_part(const struct record_keep *k, pid_t pid, char *buf)
{
	size_t len = 0;

	for (const char *p = *k->vm ? k->vm : pid && pid == k->named ? k->name : "";
	     *p && len < MAX_NAME - 1; p++) {
		bool plain = (*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') ||
			     (*p >= 'A' && *p <= 'Z') || *p == '_' ||
			     (len && (*p == '.' || *p == '-'));

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
	pid_t pid = vm_of(k);
	struct timespec now;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	if (localtime_r(&now.tv_sec, &tm))
		strftime(at, sizeof(at), "%Y%m%d-%H%M%S", &tm);
	if (k->uses.output) {
		snprintf(k->path, sizeof(k->path), "%s.%s.%03ld", k->uses.output, at,
			 now.tv_nsec / 1000000);
		return;
	}
	see_name(k, pid);
	vm_part(k, pid, vm);
	snprintf(k->path, sizeof(k->path), "kvmw-%s-%s.%03ld.data", vm, at, now.tv_nsec / 1000000);
}

int record_keep__start(struct record_keep *k, const struct record_uses *uses, u64 start_ns)
{
	const struct keep_trigger *stuck = keep_triggers__of(&k->opt->triggers, TRIGGER_STUCK);
	u64 each_ns = k->opt->time_ns / 2, watch_ns = NSEC_PER_SEC;

	k->uses = *uses;
	k->vcpu = ~0U;
	see_name(k, vm_of(k));
	keep_window__start(&k->window, start_ns);
	if (stuck && stuck->limit / 4 < watch_ns)
		watch_ns = stuck->limit / 4 > WATCH_MIN_NS ? stuck->limit / 4 : WATCH_MIN_NS;
	if (stuck || keep_triggers__of(&k->opt->triggers, TRIGGER_LOST))
		if (record_fds__arm(k->fd[KEEP_FD_WATCH], watch_ns, watch_ns))
			return -1;
	record_control__open(&k->control);
	k->fd[KEEP_FD_CONTROL] = k->control.listening;
	return record_fds__arm(k->fd[KEEP_FD_MOMENT], each_ns, each_ns);
}

/* ---- a snapshot ---------------------------------------------------------- */

static int send_tables(struct record_keep *k, u32 kind)
{
	struct record_uses *u = &k->uses;

	if (kind == KVMW_thread_START && sink__mark(u->sink, MARK_MOMENT, NULL))
		return -1;
	interned__renew(&u->tables->names);
	return snapshot__read(u->tables, kind, u->session_opts, u->session) ||
	       snapshot__send(u->tables, u->sink) ? -1 : 0;
}

static bool may_make(const struct record_keep *k)
{
	return !k->opt->max_snapshots || k->number < k->opt->max_snapshots;
}

/* From now on the recorder costs what it costs, for nothing. */
static void say_if_last(const struct record_keep *k)
{
	if (!k->uses.quiet && !may_make(k))
		notice("this was snapshot %u of the %u that --max-snapshots allows: no more will be made until kvmw record is "
		       "restarted", k->number, k->opt->max_snapshots);
}

/* What cannot be made now can be made later: the recording goes on. */
static int keep_failed(struct record_keep *k)
{
	k->nr_failed++;
	say_if_last(k);
	record_control__answer_all(&k->control, k->number, CONTROL_FAILED, "");
	return sink__mark(k->uses.sink, MARK_RELEASE, NULL);
}

static int start_writing(struct record_keep *k, int fd)
{
	struct keep_snapshot *s = &k->snapshot;

	*s = (struct keep_snapshot) { .told = k->fd[KEEP_FD_WRITTEN] };
	s->meta = meta__of_snapshot(k->uses.meta, k->why, k->trigger_ns);
	s->writer = s->meta ? data_writer__new(fd, k->path, k->uses.events) : NULL;
	if (!s->writer) {
		free(s->meta);
		record_files__undo(&k->files);
		return keep_failed(k);
	}
	data_writer__watch(s->writer, k->uses.progress);
	k->writing = !sink__mark(k->uses.sink, MARK_SNAPSHOT, s);
	if (k->writing)
		return 0;
	/* Nobody is left who could report its end. */
	keep_snapshot__end(s);
	record_files__undo(&k->files);
	return keep_failed(k);
}

static void clear_status_line(const struct record_keep *k)
{
	if (k->uses.status_line)
		fputs(CLEAR_STATUS_LINE, stderr);
}

static int begin(struct record_keep *k)
{
	struct record_uses *u = &k->uses;
	int fd;

	clear_status_line(k);
	k->waiting = false;
	if (sink__mark(u->sink, MARK_HOLD, NULL))
		return -1;
	drain__cut(u->drain);
	if (send_tables(k, KVMW_thread_END))
		return -1;
	make_path(k);
	fd = record_files__make(&k->files, k->path);
	return fd < 0 ? keep_failed(k) : start_writing(k, fd);
}

/* As who asked for it can use it. */
static const char *full_path(const struct record_keep *k, char *buf)
{
	if (*k->path == '/' || !getcwd(buf, PATH_MAX) ||
	    strlen(buf) + strlen(k->path) + 2 > PATH_MAX)
		return k->path;
	strcat(buf, "/");
	return strcat(buf, k->path);
}

static int end(struct record_keep *k)
{
	const struct keep_snapshot *s = &k->snapshot;
	char path[PATH_MAX];

	clear_status_line(k);
	k->writing = false;
	if (keep_snapshot__end(&k->snapshot)) {
		/* What was begun can be read; one without events is worth nothing. */
		if (!s->running || !__atomic_load_n(&k->uses.progress->rows, __ATOMIC_RELAXED))
			record_files__undo(&k->files);
		return keep_failed(k);
	}
	k->nr++;
	record_control__answer_all(&k->control, k->number, CONTROL_DONE, full_path(k, path));
	if (!k->uses.quiet)
		tell("[ kvmw record: %s: %llu events of %.1f s, %.3f MB %s, %llu lost ]", k->why,
		     (unsigned long long)s->events, (s->end.time_ns - s->begin.time_ns) / 1e9,
		     s->bytes / 1e6, k->path, (unsigned long long)s->lost);
	say_if_last(k);
	if (k->opt->exec)
		record_files__run(&k->files, k->opt->exec, k->path);
	return 0;
}

static bool cools_down(const struct record_keep *k, u64 now)
{
	return k->last_ns && now < k->last_ns + k->opt->cooldown_ns;
}

/* Since when a vCPU has had no entry, or no exit; 0: it has both, or sleeps as guests do. */
static u64 stuck_since(const struct kvmw_vcpu_state *s)
{
	const struct kvmw_exit *e = &s->exit.e;

	if (s->exit_open)
		return reason_is(e->isa, e->reason, "hlt") ? 0 : e->time_ns;
	return s->user_open ? s->user.e.time_ns : s->entry_ns;
}

/* The same of a state, if it is too long; else 0. */
static u64 too_long_since(const struct record_keep *k, const struct keep_trigger *stuck, u32 i,
			  u64 now)
{
	const struct kvmw_vcpu_state *s = &session__states(k->uses.session)[i];
	u64 since = s->tid && s->role == KVMW_ROLE_VCPU && !session__gone_ns(k->uses.session, s) ?
		    stuck_since(s) : 0;

	return since && since + stuck->limit < now && stuck_since(s) == since ? since : 0;
}

/* A snapshot because of one that is stuck is for all that are. */
static void note_stuck(struct record_keep *k, const struct keep_hit *hit, u64 now)
{
	const struct keep_trigger *stuck = keep_triggers__of(&k->opt->triggers, TRIGGER_STUCK);

	if (!stuck || strncmp(hit->why, stuck->text, strlen(stuck->text)))
		return;
	for (u32 i = 0; i < session__nr_states(k->uses.session); i++)
		k->stuck_ns[i] = too_long_since(k, stuck, i, now);
}

/* by_hand: whoever asks gets one, whatever --cooldown says. */
static int trigger(struct record_keep *k, const struct keep_hit *hit, bool by_hand)
{
	u64 now = monotonic_ns();

	if (by_hand && !may_make(k)) {
		clear_status_line(k);
		notice("%s: ignored: %u snapshots are all that --max-snapshots allows", hit->why,
		       k->opt->max_snapshots);
	}
	if (!may_make(k) || (!by_hand && cools_down(k, now))) {
		k->nr_ignored++;
		return 0;
	}
	if (k->waiting || k->writing) {
		k->again |= by_hand;
		k->nr_ignored += !by_hand;
		return 0;
	}
	note_stuck(k, hit, now);
	snprintf(k->why, sizeof(k->why), "%s", hit->why);
	k->number++;
	k->last_ns = now;
	k->trigger_ns = hit->time_ns ?: now;
	k->vcpu = hit->vcpu;
	snprintf(k->vm, sizeof(k->vm), "%s", hit->vm);
	if (!k->opt->after_ns)
		return begin(k);
	k->waiting = true;
	return record_fds__arm(k->fd[KEEP_FD_AFTER], k->opt->after_ns, 0);
}

static int asked(struct record_keep *k, const char *how)
{
	struct keep_hit hit = { .vcpu = ~0U };

	snprintf(hit.why, sizeof(hit.why), "%s", how);
	return trigger(k, &hit, true);
}

static bool records(const struct record_keep *k, u32 pid)
{
	const struct kvmw_vcpu_state *states = session__states(k->uses.session);
	const struct session_opts *o = k->uses.session_opts;

	for (u32 i = 0; i < o->nr_pids; i++)
		if ((u32)o->pids[i] == pid)
			return true;
	for (u32 i = 0; i < session__nr_states(k->uses.session); i++)
		if (states[i].tid && states[i].tgid == pid)
			return true;
	return false;
}

/* kvmw snapshot */
static int serve_client(struct record_keep *k)
{
	struct control_request request;
	int client = record_control__accept(&k->control, &request);

	if (client < 0)
		return 0;
	if (request.vm && !records(k, request.vm)) {
		record_control__answer(client, CONTROL_NOT_MINE, "");
		return 0;
	}
	if (!may_make(k)) {
		record_control__answer(client, CONTROL_NO_MORE, "");
		return 0;
	}
	/* One that is already being made is not what it asks for. */
	if (request.wait && record_control__wait(&k->control, client, k->number + 1)) {
		record_control__answer(client, CONTROL_BUSY, "");
		return 0;
	}
	if (!request.wait)
		record_control__answer(client, CONTROL_ASKED, "");
	return asked(k, "kvmw snapshot");
}

/* ---- triggers that do not look at rows ----------------------------------- */

static void watch_vcpu(struct record_keep *k, const struct keep_trigger *stuck, u32 i, u64 now)
{
	const struct kvmw_vcpu_state *s = &session__states(k->uses.session)[i];
	u64 since = too_long_since(k, stuck, i, now);

	if (!since || since == k->stuck_ns[i])
		return;
	keep_triggers__hit(&k->opt->triggers, now, s->exit.e.vcpu, NULL,
			   "%s: vCPU %u of pid %u, %s for %.3f s", stuck->text, s->vcpu_id, s->tgid,
			   s->exit_open ? "since its last exit" : s->user_open ? "in the VMM" :
			   "in the guest", (now - since) / 1e9);
}

static void watch(struct record_keep *k)
{
	const struct keep_triggers *t = &k->opt->triggers;
	const struct keep_trigger *stuck = keep_triggers__of(t, TRIGGER_STUCK);
	u64 now = monotonic_ns();
	struct drain_counts c;

	/* What is stuck is still so when triggers count again. */
	if (stuck && !k->waiting && !k->writing && !cools_down(k, now))
		for (u32 i = 0; i < session__nr_states(k->uses.session); i++)
			watch_vcpu(k, stuck, i, now);
	drain__counts(k->uses.drain, &c);
	if (c.lost > k->lost && keep_triggers__of(t, TRIGGER_LOST))
		keep_triggers__hit(&k->opt->triggers, now, ~0U, NULL, "lost: %llu records",
				   (unsigned long long)(c.lost - k->lost));
	k->lost = c.lost;
}

static int take_hit(struct record_keep *k)
{
	const struct keep_hit hit = keep_triggers__take(&k->opt->triggers);

	return *hit.why ? trigger(k, &hit, false) : 0;
}

int record_keep__handle(struct record_keep *k, const struct pollfd *fds)
{
	int err = 0;

	if (fds[KEEP_FD_WRITTEN].revents && record_fds__take(k->fd[KEEP_FD_WRITTEN]) && k->writing)
		err = end(k);
	if (!err && fds[KEEP_FD_MOMENT].revents && record_fds__take(k->fd[KEEP_FD_MOMENT]))
		err = send_tables(k, KVMW_thread_START);
	if (!err && fds[KEEP_FD_AFTER].revents && record_fds__take(k->fd[KEEP_FD_AFTER]) &&
	    k->waiting)
		err = begin(k);
	if (!err && fds[KEEP_FD_SIGNAL].revents && record_fds__take(k->fd[KEEP_FD_SIGNAL]))
		err = asked(k, "SIGUSR2");
	if (!err && fds[KEEP_FD_CONTROL].revents)
		err = serve_client(k);
	if (fds[KEEP_FD_WATCH].revents && record_fds__take(k->fd[KEEP_FD_WATCH]))
		watch(k);
	if (!err && fds[KEEP_FD_HIT].revents && record_fds__take(k->fd[KEEP_FD_HIT]))
		err = take_hit(k);
	if (!err && k->again && !k->waiting && !k->writing) {
		k->again = false;
		err = asked(k, "asked for while another one was made");
	}
	return err;
}

bool record_keep__vms_gone(const struct record_keep *k)
{
	const struct kvmw_vcpu_state *states;
	bool any = false;

	if (!k->opt->time_ns)
		return false;
	states = session__states(k->uses.session);
	for (u32 i = 0; i < session__nr_states(k->uses.session); i++) {
		if (!states[i].tid || states[i].role != KVMW_ROLE_VCPU)
			continue;
		any = true;
		if (states[i].left)
			return false;
		if (!session__gone_ns(k->uses.session, &states[i]) &&
		    (!kill(states[i].tgid, 0) || errno != ESRCH))
			return false;
	}
	return any;
}

static void wait_for_file(struct record_keep *k)
{
	struct pollfd fd = { k->fd[KEEP_FD_WRITTEN], POLLIN, 0 };

	while (k->writing && poll(&fd, 1, -1) < 0 && errno == EINTR)
		;
	if (k->writing && record_fds__take(k->fd[KEEP_FD_WRITTEN]))
		end(k);
}

/* The snapshot that waits for --after or is being written, if there is one. 0, or -1. */
static int complete_snapshot(struct record_keep *k)
{
	if (k->waiting && begin(k))
		return -1;
	wait_for_file(k);
	return 0;
}

/* The recording ends because its last VM did: whatever --cooldown says, there is no later one. */
static void take_end_of_vm(struct record_keep *k)
{
	struct keep_hit hit = { .why = "gone", .vcpu = ~0U };
	char who[KEEP_WHY_MAX] = "";

	see_name(k, vm_of(k));
	if (*k->name)
		snprintf(who, sizeof(who), "%.128s (pid %d)", k->name, k->named);
	if (*who)
		snprintf(hit.why, sizeof(hit.why), "gone: %.150s", who);
	/* That its vCPUs are gone may have been seen already. */
	if (k->number && !strncmp(k->why, "gone", strlen("gone")) && strstr(k->why, who))
		return;
	trigger(k, &hit, true);
}

void record_keep__finish(struct record_keep *k, bool gone)
{
	/* What was asked for before the end did is made. */
	bool again = k->again || (k->opt->time_ns && record_fds__take(k->fd[KEEP_FD_SIGNAL]));

	k->again = false;
	if (k->opt->time_ns && record_fds__take(k->fd[KEEP_FD_HIT]))
		take_hit(k);
	if (complete_snapshot(k))
		return;
	if (k->opt->time_ns && gone && keep_triggers__of(&k->opt->triggers, TRIGGER_GONE))
		take_end_of_vm(k);
	if (!complete_snapshot(k) && again && !asked(k, "SIGUSR2"))
		complete_snapshot(k);
}

void record_keep__close(struct record_keep *k)
{
	if (!k->opt || !k->opt->time_ns)
		return;
	record_files__end(&k->files);
	record_control__close(&k->control);
	k->fd[KEEP_FD_CONTROL] = -1;
	keep_window__free(&k->window);
	keep_triggers__free(&k->opt->triggers);
	for (u32 i = 0; i < NR_KEEP_FDS; i++)
		if (k->fd[i] >= 0)
			close(k->fd[i]);
}
