// SPDX-License-Identifier: GPL-2.0
/* kvmw record: wiring, the loop that waits for the end, exit status. */
#include <argp.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "builtin-options.h"
#include "builtin-record-limit.h"
#include "builtin-record-notes.h"
#include "builtin-record-output.h"
#include "builtin-record-stop.h"
#include "builtin-record-symbols.h"
#include "builtin-record.h"
#include "builtin.h"
#include "util/arch/arch.h"
#include "util/capture/drain.h"
#include "util/capture/meta.h"
#include "util/capture/preflight.h"
#include "util/capture/privileges.h"
#include "util/capture/session.h"
#include "util/capture/snapshot.h"
#include "util/capture/states.h"
#include "util/capture/sudo.h"
#include "util/capture/workload.h"
#include "util/error.h"
#include "util/memory.h"
#include "util/service.h"

#define EXPECTED_MEMORY	(16u << 20)	/* bytes: libtraceevent crashes without */

/* One run. */
struct record {
	struct record_options opt;
	struct session_opts session_opts;
	struct session *session;
	struct meta *meta;
	struct data_writer *writer;
	struct sink *sink;
	struct drain *drain;
	struct workload workload;
	struct snapshot snapshot;
	struct guest_symbols *symbols;	/* NULL: functions of the guest are not recorded */
	struct guest_names *names;
	struct record_stop stop;
	struct record_keep keep;
	struct record_switch switching;
	struct record_limit limit;
	struct privacy privacy;		/* of --no-addresses */
	int children, second, deadline;	/* file descriptors; -1: none */
	char *skipped[KVMW_MAX_EVENTS];	/* by event id: why it cannot be recorded here; or NULL */
	int pidfds[MAX_PIDS];
	u32 nr_alive;
	u64 start_ns, last_events;	/* of the status line */
	struct record_output output;
	bool unseen;			/* events that not even the totals count */
	bool planned_end;		/* by --duration: exit status 0, whatever the command's */
	bool vms_gone;			/* the recording ends because they are */
};

/* ---- while it runs ------------------------------------------------------- */

static int open_events(struct record *r)
{
	sigset_t set;

	if (record_stop__open(&r->stop,
			      r->opt.keep.time_ns ? r->keep.path : record_output__name(&r->output)))
		return -1;
	if (r->writer)
		data_writer__watch(r->writer, &r->stop.progress);
	else if (r->opt.switching.on)
		series__watch(&r->switching.series, &r->stop.progress);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	r->children = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	r->second = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (r->children < 0 || r->second < 0)
		return error("cannot set up signals and timers: %s", strerror(errno));
	for (u32 i = 0; i < r->opt.nr_pids; i++) {
		r->pidfds[i] = syscall(__NR_pidfd_open, r->opt.pids[i], 0);
		if (r->pidfds[i] < 0)
			return error("%d: %s; kvmw list shows the running VMs", r->opt.pids[i],
				     strerror(errno));
		r->nr_alive++;
	}
	return 0;
}

/* When the recording begins. */
static int arm_timers(struct record *r)
{
	struct itimerspec each = { .it_interval.tv_sec = 1, .it_value.tv_sec = 1 };
	struct itimerspec once = {
		.it_value = { r->opt.duration_ns / NSEC_PER_SEC,
			      r->opt.duration_ns % NSEC_PER_SEC },
	};
	bool failed = timerfd_settime(r->second, 0, &each, NULL);

	if (!failed && r->opt.duration_ns) {
		r->deadline = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
		failed = r->deadline < 0 || timerfd_settime(r->deadline, 0, &once, NULL);
	}
	return failed ? error("cannot set a timer: %s", strerror(errno)) : 0;
}

/* "0:07", "1:02:03" */
static const char *put_elapsed(u64 ns, char *buf, size_t size)
{
	u64 seconds = ns / NSEC_PER_SEC;
	size_t len = 0;

	if (seconds >= 3600)
		len = snprintf(buf, size, "%llu:", (unsigned long long)seconds / 3600);
	snprintf(buf + len, size - len, len ? "%02llu:%02llu" : "%llu:%02llu",
		 (unsigned long long)seconds / 60 % 60, (unsigned long long)seconds % 60);
	return buf;
}

static bool has_status_line(const struct record *r)
{
	return !r->opt.quiet && isatty(STDERR_FILENO);
}

static void status_line(struct record *r)
{
	char elapsed[32], until[32], vcpus[32] = "", line[256];
	struct winsize size = { .ws_col = 0 };
	u64 limit = r->opt.duration_ns;
	struct drain_counts c;

	drain__counts(r->drain, &c);
	/* They are counted after the first second. */
	if (c.vcpus)
		snprintf(vcpus, sizeof(vcpus), ", %u vCPU%s", c.vcpus, c.vcpus == 1 ? "" : "s");
	snprintf(line, sizeof(line),
		 "%s%s%s: %llu events, %llu/s, %.1f MB, %llu lost%s; Ctrl-C stops ",
		 put_elapsed(monotonic_ns() - r->start_ns + NSEC_PER_SEC / 2, elapsed,
			     sizeof(elapsed)),
		 limit ? " of " : "", limit ? put_elapsed(limit, until, sizeof(until)) : "",
		 (unsigned long long)c.events, (unsigned long long)(c.events - r->last_events),
		 sink__bytes(r->sink) / 1e6, (unsigned long long)c.lost, vcpus);
	/* One that wraps could not be cleared. */
	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) || !size.ws_col)
		size.ws_col = sizeof(line);
	fprintf(stderr, CLEAR_STATUS_LINE "%.*s", size.ws_col - 1, line);
	r->last_events = c.events;
}

/* As soon as it happens; how many there are is said at the end. */
static void warn_unseen(struct record *r)
{
	struct session_unseen u;

	if (r->unseen)
		return;
	session__unseen(r->session, &u);
	if (u.no_state)
		warning("there are more than %u vCPUs and VMMs: the others are not recorded; --max-vcpus makes "
			"room for more", session__nr_states(r->session));
	else if (u.over_share)
		warning("process %u has more vCPUs than its share of the %u places: the others are not "
			"recorded; --max-vcpus makes room for more", u.pid, session__nr_states(r->session));
	r->unseen = u.no_state || u.over_share;
}

static bool command_ended(struct record *r)
{
	struct signalfd_siginfo info;
	bool ended = false;

	while (read(r->children, &info, sizeof(info)) == sizeof(info))
		ended = workload__reap(&r->workload);
	return ended;
}

#define OWN_FDS 4
#define LIMIT_MS 100	/* how often the size of the file is looked at */
#define KEEP_FDS (OWN_FDS + NR_KEEP_FDS)
#define FIXED_FDS (KEEP_FDS + NR_SWITCH_FDS)

static bool looks_at_size(const struct record *r)
{
	return r->opt.limit_bytes || r->opt.switching.bytes;
}

/* Returns why the recording ends. */
static const char *wait_for_end(struct record *r)
{
	bool status = has_status_line(r);
	struct pollfd fds[FIXED_FDS + MAX_PIDS] = {
		{ r->stop.told, POLLIN, 0 }, { r->children, POLLIN, 0 }, { r->second, POLLIN, 0 },
		{ r->deadline, POLLIN, 0 },
	}, *pids = fds + FIXED_FDS;

	record_keep__fds(&r->keep, fds + OWN_FDS);
	record_switch__fds(&r->switching, fds + KEEP_FDS);
	for (u32 i = 0; i < r->opt.nr_pids; i++)
		pids[i] = (struct pollfd) { r->pidfds[i], POLLIN, 0 };
	for (;;) {
		u64 ticks;

		if (poll(fds, FIXED_FDS + r->opt.nr_pids, looks_at_size(r) ? LIMIT_MS : -1) < 0 &&
		    errno != EINTR)
			return "poll failed";
		if (record_keep__handle(&r->keep, fds + OWN_FDS))
			return "keeping failed";
		if (record_switch__handle(&r->switching, fds + KEEP_FDS))
			return "writing failed";
		if (record_stop__why(&r->stop))
			return record_stop__why(&r->stop);
		if (command_ended(r)) {
			r->vms_gone = !r->opt.all && record_keep__vms_gone(&r->keep);
			return "command ended";
		}
		if (sink__failed(r->sink))
			return "writing failed";
		if (fds[3].revents) {
			r->planned_end = true;
			return "duration over";
		}
		if (r->opt.limit_bytes && sink__bytes(r->sink) >= r->opt.limit_bytes) {
			r->planned_end = true;
			return "file has the size of --limit";
		}
		if (read(r->second, &ticks, sizeof(ticks)) == sizeof(ticks)) {
			/* What is said here gets a line of its own. */
			if (status)
				fputs(CLEAR_STATUS_LINE, stderr);
			warn_unseen(r);
			record_limit__look(&r->limit, r->session, r->drain, r->meta);
			if (status)
				status_line(r);
		}
		for (u32 i = 0; i < r->opt.nr_pids; i++) {
			if (!pids[i].revents)
				continue;
			pids[i].fd = -1;
			pids[i].revents = 0;
			/* A command decides how long to record, even if the VMs are gone. */
			if (--r->nr_alive || r->opt.command || record_options__has_groups(&r->opt))
				continue;
			r->vms_gone = true;
			return "VM is gone";
		}
	}
}

static void closing_line(struct record *r, u64 bytes)
{
	u64 elapsed_ns = monotonic_ns() - r->start_ns;
	struct drain_counts c;
	char bpf[64] = "", each[64] = "";

	drain__counts(r->drain, &c);
	if (c.bpf_events && elapsed_ns)
		snprintf(bpf, sizeof(bpf), ", BPF %.1f%% of a CPU",
			 100.0 * c.bpf_ns / c.bpf_events * c.counted / elapsed_ns);
	if (isatty(STDERR_FILENO))
		fputs(CLEAR_STATUS_LINE, stderr);
	if (c.events)
		snprintf(each, sizeof(each), " (%.1f bytes/event)", (double)bytes / c.events);
	if (r->opt.switching.on)
		tell("[ kvmw record: %llu event%s (%llu unfinished) of %u vCPU%s, %.3f MB in %u file%s %s.<timestamp>%s, %llu lost%s ]",
		     (unsigned long long)c.events, c.events == 1 ? "" : "s",
		     (unsigned long long)c.unfinished, c.vcpus,
		     c.vcpus == 1 ? "" : "s", bytes / 1e6, r->switching.nr,
		     r->switching.nr == 1 ? "" : "s", r->output.path,
		     each, (unsigned long long)c.lost, bpf);
	else if (r->keep.opt->time_ns)
		tell("[ kvmw record: %u snapshot%s; %llu event%s of %u vCPU%s passed by, %llu lost%s ]",
		     r->keep.nr, r->keep.nr == 1 ? "" : "s", (unsigned long long)c.events,
		     c.events == 1 ? "" : "s", c.vcpus, c.vcpus == 1 ? "" : "s",
		     (unsigned long long)c.lost, bpf);
	else
		tell("[ kvmw record: %llu event%s (%llu unfinished) of %u vCPU%s, %.3f MB %s%s, %llu lost%s ]",
	     (unsigned long long)c.events, c.events == 1 ? "" : "s",
	     (unsigned long long)c.unfinished, c.vcpus,
	     c.vcpus == 1 ? "" : "s", bytes / 1e6, r->output.to_stdout ? "written" : r->output.path,
	     each, (unsigned long long)c.lost, bpf);
	if (c.lost)
		warning("the ring buffers overflowed: %llu record%s lost (the totals still count them); "
			"a larger -m loses fewer", (unsigned long long)c.lost, c.lost == 1 ? "" : "s");
	if (!c.vcpus && !c.events)
		warning("no events recorded: %s", record_options__why_nothing(&r->opt,
			r->session_opts.target == KVMW_TARGET_CHILDREN));
}

static void say_ways(struct record *r)
{
	char kept[256];

	tell("capabilities while it records: %s", privileges__kept(kept, sizeof(kept)));
	for (u32 h = 0; h < NR_PROBES; h++) {
		const struct attach_method *method = session__method(r->session, h);

		if (method)
			tell("%s: program %s", session__what(r->session, h), method->program);
	}
}

/* Events that not even the totals count: said here and in every report. */
static void note_gaps(struct record *r)
{
	char note[200];

	if (r->snapshot.left_out) {
		snprintf(note, sizeof(note),
			 "the VMs have more than %d threads: the states of the others "
			 "at the start and the end are not recorded", SNAPSHOT_MAX_THREADS);
		meta__note(r->meta, note);
	}
	r->unseen = record_notes__add(r->meta, r->session, true);
}

static int write_meta(struct record *r)
{
	return sink__json(r->sink, DATA_META, meta__json(r->meta));
}

static void hide_addresses(struct record *r)
{
	static const enum kvmw_secret secrets[] = {
		KVMW_SECRET_GUEST, KVMW_SECRET_HOST, KVMW_SECRET_VALUES, KVMW_SECRET_STACKS,
		KVMW_SECRET_RAW,
	};

	for (size_t i = 0; i < ARRAY_SIZE(secrets); i++)
		r->privacy.way[secrets[i]] = PRIVACY_REMOVE;
	r->snapshot.names.no_stacks = true;
	sink__hide(r->sink, &r->privacy);
	meta__hide(r->meta, &r->privacy);
}

static int round_durations(struct record *r)
{
	meta__resolution(r->meta, &r->opt.resolution);
	return sink__round(r->sink, &r->opt.resolution);
}

static int name_guest(struct record *r)
{
	if (!r->symbols)
		return 0;
	r->names = guest_names__new(r->symbols);
	if (!r->names)
		return -1;
	sink__name_guest(r->sink, r->names);
	meta__symbols(r->meta, r->symbols);
	return 0;
}

static int start_files(struct record *r)
{
	const struct record_uses uses = {
		.output = r->opt.output, .events = provider__recorded(r->opt.choice.events),
		.quiet = r->opt.quiet, .status_line = has_status_line(r), .session = r->session,
		.session_opts = &r->session_opts,
		.tables = &r->snapshot, .meta = r->meta, .progress = &r->stop.progress,
		.sink = r->sink,
		.drain = r->drain,
	};

	if (r->opt.switching.on)
		return record_switch__start(&r->switching, &uses, r->start_ns);
	return r->opt.keep.time_ns &&
	       (record_keep__start(&r->keep, &uses, r->start_ns) ||
		sink__mark(r->sink, MARK_MOMENT, NULL)) ? -1 : 0;
}

static struct sink *new_sink(struct record *r)
{
	return sink__new(r->writer, r->opt.keep.time_ns ? &r->keep.window : NULL,
			 r->opt.switching.on ? &r->switching.series : NULL);
}

/* What was not written in full has no end.  err: something went wrong. */
static int end_output(struct record *r, int err, u64 *bytes)
{
	if (r->opt.switching.on) {
		err = err || sink__last(r->sink);
		err |= sink__finish(r->sink);
		*bytes = series__bytes(&r->switching.series);
		return err;
	}
	err |= sink__finish(r->sink);
	if (r->writer) {
		err = err || data_writer__finish(r->writer);
		*bytes = data_writer__bytes(r->writer);
		err |= data_writer__close(r->writer);
	}
	r->writer = NULL;
	return err;
}

static void undo_output(struct record *r)
{
	record_output__undo(&r->output);
	record_switch__undo(&r->switching);
}

/* From the attached programs to the finished file. */
static int record(struct record *r)
{
	u64 stop_ns, bytes = 0;
	const char *why = "command not run";
	bool started;
	int err;

	/* Threads that are started from now on have it, too; COMMAND waits in its own process. */
	if (r->opt.nice && setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + r->opt.nice))
		warning("--nice %d: %s", r->opt.nice, strerror(errno));
	r->sink = new_sink(r);
	if (!r->sink)
		return -1;
	if (r->opt.no_addresses)
		hide_addresses(r);
	/* First, because with --stack it takes a while; then the command starts without delay. */
	r->drain = round_durations(r) || name_guest(r) ? NULL :
		   drain__new(r->session, r->sink, r->workload.pid,
			      r->opt.keep.time_ns || r->opt.switching.on);
	if (!r->drain) {
		sink__finish(r->sink);
		return -1;
	}
	err = record_stop__start(&r->stop, r->drain, &r->workload) ||
	      snapshot__read(&r->snapshot, KVMW_thread_START, &r->session_opts, r->session);
	r->start_ns = session__start(r->session);
	meta__start(r->meta, r->start_ns);
	r->limit.most = r->opt.cpu_limit;
	r->limit.quiet = r->opt.quiet;
	record_limit__start(&r->limit, r->start_ns);
	err = err || start_files(r) || write_meta(r) || snapshot__send(&r->snapshot, r->sink);
	if (!err && r->opt.command)
		err = workload__start(&r->workload, r->opt.command[0]);
	started = !err;
	/* Undoing what was not started may need more. */
	if (started)
		privileges__drop();
	if (!err)
		err = arm_timers(r);
	if (!err)
		record_keep__say(&r->keep);
	if (!err) {
		service__notify("READY=1");
		why = wait_for_end(r);
		service__notify("STOPPING=1");
	}
	if (started)
		record_keep__finish(&r->keep, r->vms_gone);
	/* While the guests still run. */
	err |= snapshot__read(&r->snapshot, KVMW_thread_END, &r->session_opts, r->session);

	stop_ns = session__stop(r->session);
	err |= drain__finish(r->drain, stop_ns);
	err |= snapshot__send(&r->snapshot, r->sink);
	meta__stop(r->meta, stop_ns, why);
	note_gaps(r);
	err |= write_meta(r);
	err = end_output(r, err, &bytes);
	if (!started)
		undo_output(r);
	else if (!r->opt.quiet && !err)
		closing_line(r, bytes);
	if (r->names && guest_names__left_out(r->names))
		warning("the guest exited from more than %u functions: the others have no names in the recording",
			GUEST_SYMBOLS_STORED);
	return err | (r->keep.nr_failed > 0);
}

/* For COMMAND; *user remains NULL if it is the caller. */
static int find_user(const struct record *r, struct sudo_user *found, const struct sudo_user **user)
{
	if (!r->opt.as_user || geteuid())
		return 0;
	if (!sudo__user(found))
		return error("--user: sudo did not start kvmw: no SUDO_UID and SUDO_GID of a user; "
			     "-- sudo -u USER COMMAND runs it as any user");
	*user = found;
	return 0;
}

static int open_output(struct record *r)
{
	u32 events = provider__recorded(r->opt.choice.events);

	if (r->opt.keep.time_ns)
		return 0;
	if (r->opt.switching.on)
		return record_switch__make(&r->switching, r->output.path, events);
	r->writer = record_output__open(&r->output, events);
	return r->writer ? 0 : -1;
}

static int prepare(struct record *r)
{
	const struct sudo_user *user = NULL;
	struct sudo_user found;

	if (mem__expect(EXPECTED_MEMORY))
		return -1;
	r->output.option = true;
	if (find_user(r, &found, &user) ||
	    record_keep__open(&r->keep, &r->opt.keep, r->opt.output) ||
	    record_switch__open(&r->switching, &r->opt.switching) ||
	    ((!r->opt.keep.time_ns || r->opt.output) &&
	     record_output__check(&r->output, r->opt.output ?: DEFAULT_OUTPUT)) ||
	    record_options__find_targets(&r->opt) ||
	    record_options__choose_events(&r->opt, "recording", r->skipped) ||
	    record_keep__bind(&r->keep, provider__recorded(r->opt.choice.events)))
		return -1;
	if (r->symbols && !guest_names__are_in(r->opt.choice.events))
		return error("--guest-kallsyms and the like name functions of exits, which this host does not show: without "
			     "them, returns to the VMM can be recorded");
	r->session_opts.choice = &r->opt.choice;
	record_options__choose(&r->opt, &r->session_opts);
	r->session_opts.ring_bytes = r->opt.ring_bytes;
	r->session_opts.filter = r->opt.filter.f;
	r->session_opts.verbose = r->opt.verbose;
	r->session_opts.cpu_limit = r->opt.cpu_limit;
	r->session_opts.names_again = r->opt.keep.time_ns;
	r->session = session__open(&r->session_opts);
	if (!r->session)
		return -1;
	if (r->opt.verbose)
		say_ways(r);
	r->meta = meta__new(r->opt.argc, r->opt.argv, r->session, &r->session_opts, &r->opt.filter,
			    r->skipped);
	if (!r->meta)
		return -1;
	if (open_output(r))
		return -1;
	if (!open_events(r) && (!r->opt.command ||
	    !workload__prepare(&r->workload, r->opt.command, r->output.to_stdout, user)))
		return 0;
	undo_output(r);
	return -1;
}

static u64 record_memory(const struct record *r)
{
	return states__memory(r->opt.max_vcpus, false) + r->opt.ring_bytes;
}

int cmd_record(int argc, const char **argv)
{
	struct record *r = mem__calloc(1, sizeof(*r));
	int err, status;

	if (!r)
		return KVMW_FAILED;
	r->opt.argc = argc;
	r->opt.argv = argv;
	r->opt.ring_bytes = DEFAULT_RING;
	r->opt.keep.cooldown_ns = KEEP_DEFAULT_COOLDOWN;
	r->stop.signals = r->stop.told = r->stop.ended = -1;
	r->children = r->second = r->deadline = r->workload.go = r->workload.failed = -1;
	memset(r->pidfds, -1, sizeof(r->pidfds));
	if (options__parse(&record_argp, argc, argv, ARGP_IN_ORDER, &r->opt))
		return KVMW_USAGE;

	err = record_symbols__read(&r->opt.symbols, &r->symbols) ||
	      host__can_record(record_memory(r)) || prepare(r) || record(r);

	workload__end(&r->workload);
	record_stop__end(&r->stop);
	record_keep__close(&r->keep);
	record_switch__close(&r->switching);
	status = err ? KVMW_FAILED : r->planned_end ? KVMW_OK : workload__exit_status(&r->workload);
	if (r->unseen && status == KVMW_OK)
		status = KVMW_FAILED;
	if (r->writer)
		data_writer__close(r->writer);
	record_output__free(&r->output);
	drain__free(r->drain);
	session__close(r->session);
	meta__free(r->meta);
	guest_names__free(r->names);
	guest_symbols__free(r->symbols);
	snapshot__free(&r->snapshot);
	for (u32 i = 0; i < KVMW_MAX_EVENTS; i++)
		free(r->skipped[i]);
	free(r->opt.filter.reasons);
	group_find__free(&r->opt.in_groups);
	free(r);
	return status;
}
