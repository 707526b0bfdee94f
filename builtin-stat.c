// SPDX-License-Identifier: GPL-2.0
/* kvmw stat: wiring, the loop that waits for intervals and the end, exit status. */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "builtin-options.h"
#include "builtin-record-notes.h"
#include "builtin-stat.h"
#include "builtin.h"
#include "util/capture/meta.h"
#include "util/capture/preflight.h"
#include "util/capture/privileges.h"
#include "util/capture/snapshot.h"
#include "util/capture/states.h"
#include "util/capture/workload.h"
#include "util/analysis/kind_counts.h"
#include "util/array.h"
#include "util/error.h"
#include "util/memory.h"
#include "util/render/render.h"
#include "util/render/stat.h"

#define EXPECTED_MEMORY	(16u << 20)	/* bytes: libtraceevent crashes without */

enum { FD_SIGNALS, FD_CHILDREN, FD_EXPORT, FD_INPUT, FD_LOOK, FD_INTERVAL, FD_DEADLINE, FIXED_FDS };

/* between two versions of a file of --openmetrics */
#define FILE_NS (15 * NSEC_PER_SEC)

/* One run. */
struct stat_run {
	struct stat_options opt;
	struct session_opts session_opts;
	struct session *session;
	struct meta *meta;
	struct live live;
	struct snapshot snapshot;
	struct workload workload;
	struct stat_export *export;	/* of --openmetrics; or NULL */
	struct report_options report;
	struct screen screen;
	int fds[FIXED_FDS + MAX_PIDS];	/* -1: none; after the fixed ones: pidfds */
	u32 nr_alive;
	u64 start_ns, interval_ns;	/* interval_ns: when the last one ended */
	char *skipped[KVMW_MAX_EVENTS];	/* by event id: why it cannot be counted here; or NULL */
	int bpf_stats;			/* they are on; -1: off */
	bool planned_end;		/* by --duration: exit status 0, whatever the command's */
	bool unseen;			/* events that no counter has */
	bool named;			/* the columns of CSV have been named */
	struct textgrid_parts parts;	/* of the text of intervals */
	/* reasons, in the order in which intervals had them first; owned */
	char **seen;
	u32 nr_seen, seen_room;
};

/* ---- what is printed ------------------------------------------------------ */

static void choose_report(struct stat_run *r)
{
	static const enum report_key keys[] = {
		[PER_REASON] = KEY_REASON, [PER_VCPU] = KEY_VCPU, [PER_VM] = KEY_VM,
	};

	r->report = (struct report_options) {
		.sort = { keys[r->opt.per] }, .nr_sort = 1,
		.order = r->opt.per == PER_REASON ? COLUMN_COUNT : ORDER_KEY,
		.event = r->opt.record.choice.events & BIT(KVMW_EVENT_EXIT) ? KVMW_EVENT_EXIT :
			 KVMW_EVENT_USERSPACE,
	};
}

/*
 * What stands out, as far as counters tell: not what exits are about. There is no recording of
 * which a report could show more.
 */
static int find_findings(const struct stat_run *r, const struct report *rep, struct findings *found)
{
	static const struct findings_input none;
	const struct report no_details = { .nr_rows = 0 };

	if (r->opt.interval_ns || rep->event != KVMW_EVENT_EXIT)
		return 0;
	if (findings__make(rep, &no_details, &none, found))
		return -1;
	*found->none = '\0';
	for (u32 i = 0; i < found->nr; i++)
		if (strncmp(found->found[i].next, "kvmw record", strlen("kvmw record")))
			*found->found[i].next = *found->found[i].command = '\0';
	return 0;
}

static int print_interval(struct stat_run *r, struct report *rep, const struct kind_counts *kinds)
{
	struct findings found = { .nr = 0 };
	const struct screen *s = &r->screen;
	u64 end_ns = r->opt.interval_ns ? r->live.time_ns - r->start_ns : KVMW_NONE;
	bool named = r->named;

	r->named = true;
	rep->kinds = kinds;
	if (find_findings(r, rep, &found))
		return -1;
	switch (r->opt.format) {
	case OUTPUT_JSON:
		return render__report_json(s, rep, r->opt.interval_ns ? NULL : &found, NULL);
	case OUTPUT_CSV:
		return render__stat_csv(s, rep, end_ns, !named);
	default:
		break;
	}
	if (!r->opt.interval_ns) {
		render__stat_heading(s, rep);
		render__whole(s, rep);
		if (found.nr || *found.wait)
			render__findings(s, &found);
	}
	return render__stat_table(s, rep, end_ns, &r->parts);
}

/* Where a row of this label stands; -1: out of memory. */
static int place_of(struct stat_run *r, const char *label)
{
	for (u32 i = 0; i < r->nr_seen; i++)
		if (!strcmp(r->seen[i], label))
			return i;
	if (array__reserve(r->seen, r->nr_seen, r->seen_room, NULL))
		return -1;
	r->seen[r->nr_seen] = mem__strdup(label);
	return r->seen[r->nr_seen] ? (int)r->nr_seen++ : -1;
}

/* Whoever looks at intervals one below the other finds a reason in its place. */
static int order_rows(struct stat_run *r, struct report *rep)
{
	/* Those before have been placed: each next one goes up to where it belongs. */
	for (u32 i = 0; i < rep->nr_rows; i++) {
		struct report_row row = rep->row[i];
		int place = place_of(r, row.label[0]);
		u32 at = i;

		if (place < 0)
			return -1;
		for (; at && place_of(r, rep->row[at - 1].label[0]) > place; at--)
			rep->row[at] = rep->row[at - 1];
		rep->row[at] = row;
	}
	return 0;
}

/* What was counted since the last time. */
/* 0; 1: nobody reads any more; -1 */
static int print_counts(struct stat_run *r)
{
	struct live_report report;
	struct kind_counts kinds = { .nr = 0 };
	int err =
		live__report(&r->live, r->interval_ns,
			     r->opt.interval_ns ? COUNTS_INTERVAL : COUNTS_ALL, &r->report, 1,
			     &report) ||
		(r->opt.record.besides && kind_counts__make(&report.part, KINDS_OF_ALL, &kinds)) ||
		(r->opt.interval_ns && r->opt.per == PER_REASON && order_rows(r, &report.rep[0])) ||
		print_interval(r, &report.rep[0], r->opt.record.besides ? &kinds : NULL);

	kind_counts__free(&kinds);
	live__end_report(&report);
	/* screen__close() says why. */
	if (!err && (fflush(r->screen.out) || ferror(r->screen.out)))
		err = errno == EPIPE ? 1 : -1;
	else if (err)
		err = -1;
	counts__next(&r->live.counts);
	r->interval_ns = r->live.time_ns;
	return err;
}

/* ---- while it runs -------------------------------------------------------- */

static int open_signals(const int *signals)
{
	sigset_t set;

	sigemptyset(&set);
	for (; *signals; signals++) {
		struct sigaction old;

		/* A blocked signal is delivered even if nohup(1) had it ignored. */
		if (*signals != SIGHUP ||
		    (!sigaction(SIGHUP, NULL, &old) && old.sa_handler != SIG_IGN))
			sigaddset(&set, *signals);
	}
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int stat_open_events(struct stat_run *r)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP, 0 }, children[] = { SIGCHLD, 0 };
	const struct record_options *o = &r->opt.record;

	/* The write fails, which ends it; a client of --openmetrics may leave at any time. */
	signal(SIGPIPE, SIG_IGN);
	r->fds[FD_SIGNALS] = open_signals(ends);
	r->fds[FD_CHILDREN] = open_signals(children);
	for (u32 i = FD_LOOK; i < FIXED_FDS; i++)
		r->fds[i] = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	for (u32 i = 0; i < FIXED_FDS; i++)
		if (r->fds[i] < 0 && i != FD_EXPORT && i != FD_INPUT)
			return error("cannot set up signals and timers: %s", strerror(errno));
	for (u32 i = 0; i < o->nr_pids; i++) {
		r->fds[FIXED_FDS + i] = syscall(__NR_pidfd_open, o->pids[i], 0);
		if (r->fds[FIXED_FDS + i] < 0)
			return error("%d: %s; kvmw list shows the running VMs", o->pids[i],
				     strerror(errno));
		r->nr_alive++;
	}
	return 0;
}

static int arm_timer(int fd, u64 ns, bool again)
{
	struct itimerspec when = { .it_value = { ns / NSEC_PER_SEC, ns % NSEC_PER_SEC } };

	if (again)
		when.it_interval = when.it_value;
	return timerfd_settime(fd, 0, &when, NULL) ?
	       error("cannot set a timer: %s", strerror(errno)) : 0;
}

static bool has_rung(int fd)
{
	u64 ticks;

	return read(fd, &ticks, sizeof(ticks)) == sizeof(ticks);
}

static bool stat_command_ended(struct stat_run *r)
{
	struct signalfd_siginfo info;
	bool ended = false;

	while (read(r->fds[FD_CHILDREN], &info, sizeof(info)) == sizeof(info))
		ended = workload__reap(&r->workload);
	return ended;
}

/* A command decides how long to count, even if the VMs are gone. */
static bool vms_are_gone(struct stat_run *r, struct pollfd *fds)
{
	for (u32 i = 0; i < r->opt.record.nr_pids; i++) {
		if (!fds[FIXED_FDS + i].revents)
			continue;
		fds[FIXED_FDS + i] = (struct pollfd) { .fd = -1 };
		r->nr_alive--;
		if (!r->nr_alive && !r->opt.record.command &&
		    !record_options__has_groups(&r->opt.record))
			return true;
	}
	return false;
}

/* 0; 1: enough; -1 */
static int view_interval(struct stat_run *r)
{
	const struct stat_viewer *v = r->opt.viewer;
	int ret;

	if (v->waits(v->arg))
		return 0;
	ret = v->interval(v->arg, &r->live, r->report.event, r->start_ns, r->interval_ns);
	counts__next(&r->live.counts);
	r->interval_ns = r->live.time_ns;
	return ret;
}

static int take_interval(struct stat_run *r)
{
	if (live__count(&r->live, monotonic_ns()))
		return -1;
	if (r->opt.viewer)
		return view_interval(r);
	if (!r->export)
		return print_counts(r);
	return stat_export__is_file(r->export) ? stat_export__write_again(r->export) : 0;
}

#define LOOK_NS		(NSEC_PER_SEC / 10)

/* Each second; more often while states run short, because only here are those that ended freed. */
static int free_ended_states(struct stat_run *r)
{
	u64 now = monotonic_ns();

	if (now < r->live.time_ns + NSEC_PER_SEC && !session__crowded(r->session))
		return 0;
	if (live__count(&r->live, now))
		return -1;
	return live__free_ended(&r->live);
}

/* What the clock and the viewer ask for.  0; 1: enough; -1 */
static int stat_go_on(struct stat_run *r)
{
	const struct stat_viewer *v = r->opt.viewer;
	int ret = has_rung(r->fds[FD_INTERVAL]) ? take_interval(r) : 0;

	if (!ret && has_rung(r->fds[FD_LOOK]))
		ret = free_ended_states(r);
	if (r->export)
		stat_export__run(r->export);
	return ret ?: v ? v->input(v->arg) : 0;
}

/* The screen is gone, or a log ends, and nothing is wrong. */
static void say_gone(const struct record_options *o)
{
	if (o->nr_pids == 1)
		notice("the VM %d has ended", o->pids[0]);
	else
		notice("the %u VMs have ended", o->nr_pids);
}

/* Why it ends; NULL after error(). */
static const char *stat_wait_for_end(struct stat_run *r)
{
	struct pollfd fds[FIXED_FDS + MAX_PIDS];
	u32 nr = FIXED_FDS + r->opt.record.nr_pids;
	struct signalfd_siginfo info;

	for (u32 i = 0; i < nr; i++)
		fds[i] = (struct pollfd) { r->fds[i], POLLIN, 0 };
	for (;;) {
		int ret;

		if (poll(fds, nr, -1) < 0 && errno != EINTR)
			return "poll failed";
		if (read(r->fds[FD_SIGNALS], &info, sizeof(info)) == sizeof(info))
			return info.ssi_signo == SIGINT ? "interrupted" : "terminated";
		if (stat_command_ended(r))
			return "command ended";
		r->planned_end = has_rung(r->fds[FD_DEADLINE]);
		if (r->planned_end)
			return "duration over";
		ret = stat_go_on(r);
		if (ret < 0)
			return NULL;
		r->planned_end = ret;
		if (ret)
			return "enough seen";
		if (vms_are_gone(r, fds)) {
			if (r->opt.viewer)
				say_gone(&r->opt.record);
			return "VM is gone";
		}
	}
}

static void say_cost(struct stat_run *r)
{
	u64 events = 0, ns = session__bpf_ns(r->session), elapsed = r->live.time_ns - r->start_ns;

	if (r->bpf_stats < 0)
		return;
	for (u32 i = 0; i < r->live.rec->totals.table.nr; i++)
		events += agg_table__at(&r->live.rec->totals, i)->total.count;
	tell("BPF: %.0f ns per event, %.2f%% of a CPU", events ? (double)ns / events : 0,
	     elapsed ? 100.0 * ns / elapsed : 0);
}

static int write_tables(struct stat_run *r)
{
	return snapshot__send(&r->snapshot, r->live.sink) ||
	       sink__json(r->live.sink, DATA_META, meta__json(r->meta)) ? -1 : 0;
}

/* The last account. */
static int stat_finish(struct stat_run *r, u64 stop_ns, const char *why)
{
	int err;

	meta__stop(r->meta, stop_ns, why);
	r->unseen = record_notes__add(r->meta, r->session, true);
	err = live__count(&r->live, stop_ns) || write_tables(r) ||
	      (r->opt.viewer ? 0 : !r->export ? print_counts(r) < 0 :
	       stat_export__is_file(r->export) ? stat_export__write(r->export) : 0);
	if (!err && r->opt.record.verbose)
		say_cost(r);
	if (!r->live.rec->nr_vcpus && !r->export && !r->opt.viewer && !r->opt.record.quiet)
		warning("nothing counted: %s", record_options__why_nothing(&r->opt.record,
			r->session_opts.target == KVMW_TARGET_CHILDREN));
	return err ? -1 : 0;
}

static int stat_count(struct stat_run *r)
{
	const struct record_options *o = &r->opt.record;
	const char *why = "command not run";
	u64 stop_ns;
	int err;

	err = live__init(&r->live, r->workload.pid) ||
	      snapshot__read(&r->snapshot, KVMW_thread_START, &r->session_opts, r->session);
	if (err)
		return -1;
	if (o->verbose)
		r->bpf_stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	r->live.forgets = r->export || r->opt.interval_ns;
	r->start_ns = r->interval_ns = session__start(r->session);
	meta__start(r->meta, r->start_ns);
	err = write_tables(r) || (r->export && stat_export__start(r->export, r->start_ns)) ||
	      (o->command && workload__start(&r->workload, o->command[0]));
	/* The folder of the file may be of another user, as of node_exporter. */
	if (r->export && stat_export__is_file(r->export))
		privileges__drop_but(CAP_DAC_OVERRIDE);
	else
		privileges__drop();
	if (!err && r->export)
		r->fds[FD_EXPORT] = stat_export__fd(r->export);
	if (!err && r->opt.viewer) {
		r->fds[FD_INPUT] = r->opt.viewer->fd;
		err = r->opt.viewer->begin(r->opt.viewer->arg);
	}
	err = err || arm_timer(r->fds[FD_LOOK], LOOK_NS, true) ||
	      arm_timer(r->fds[FD_INTERVAL], r->opt.interval_ns ?: r->export ? FILE_NS : 0, true) ||
	      arm_timer(r->fds[FD_DEADLINE], o->duration_ns, false);
	if (!err)
		why = stat_wait_for_end(r);
	/* While the guests still run. */
	err = err || !why ||
	      snapshot__read(&r->snapshot, KVMW_thread_END, &r->session_opts, r->session);
	stop_ns = session__stop(r->session);
	return err || stat_finish(r, stop_ns, why) ? -1 : 0;
}

static int stat_prepare(struct stat_run *r)
{
	static const struct record_filter none;
	struct record_options *o = &r->opt.record;

	if (mem__expect(EXPECTED_MEMORY) ||
	    record_options__find_targets(o) ||
	    record_options__choose_events(o, "counting", r->skipped))
		return -1;
	r->session_opts = (struct session_opts) {
		.choice = &o->choice,
		.verbose = o->verbose,
	};
	record_options__choose(o, &r->session_opts);
	r->session = r->live.session = session__open(&r->session_opts);
	if (!r->session)
		return -1;
	r->meta = meta__new(o->argc, o->argv, r->session, &r->session_opts, &none, r->skipped);
	if (!r->meta || stat_open_events(r))
		return -1;
	if (!r->opt.viewer)
		screen__open(&r->screen, 0, false);
	choose_report(r);
	if (r->opt.openmetrics) {
		r->export = stat_export__new(&r->live, r->opt.openmetrics, r->report.event,
					     r->opt.per == PER_VCPU);
		if (!r->export)
			return -1;
	}
	/* Its output would be in the middle of what a program reads. */
	return o->command ?
	       workload__prepare(&r->workload, o->command, r->opt.format != OUTPUT_TEXT, NULL) : 0;
}

static void stat_free(struct stat_run *r)
{
	stat_export__free(r->export);
	live__free(&r->live);
	session__close(r->session);
	meta__free(r->meta);
	snapshot__free(&r->snapshot);
	group_find__free(&r->opt.record.in_groups);
	for (u32 i = 0; i < KVMW_MAX_EVENTS; i++)
		free(r->skipped[i]);
	for (u32 i = 0; i < r->nr_seen; i++)
		free(r->seen[i]);
	free(r->seen);
	free(r);
}

int stat__run(const struct stat_options *opt)
{
	struct stat_run *r = mem__calloc(1, sizeof(*r));
	int err, status;

	if (!r)
		return KVMW_FAILED;
	r->opt = *opt;
	r->workload.go = r->workload.failed = r->bpf_stats = -1;
	memset(r->fds, -1, sizeof(r->fds));
	err = host__can_record(states__memory(opt->record.max_vcpus, true)) || stat_prepare(r) ||
	      stat_count(r);
	workload__end(&r->workload);
	if (screen__close(&r->screen))
		err = -1;
	status = err ? KVMW_FAILED : r->planned_end ? KVMW_OK : workload__exit_status(&r->workload);
	if (status == KVMW_OK && r->unseen)
		status = KVMW_FAILED;
	stat_free(r);
	return status;
}

int cmd_stat(int argc, const char **argv)
{
	struct stat_options opt = { .record = { .argc = argc, .argv = argv } };

	return options__parse(&stat_argp, argc, argv, ARGP_IN_ORDER, &opt) ? KVMW_USAGE :
	       stat__run(&opt);
}
