// SPDX-License-Identifier: GPL-2.0
/* kvmw record: wiring, the loop that waits for the end, exit status. */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "builtin-options.h"
#include "builtin-record.h"
#include "builtin.h"
#include "util/arch/arch.h"
#include "util/capture/drain.h"
#include "util/capture/meta.h"
#include "util/capture/preflight.h"
#include "util/capture/session.h"
#include "util/capture/vm.h"
#include "util/capture/workload.h"
#include "util/error.h"
#include "util/memory.h"

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
	int signals, second, deadline;	/* file descriptors; -1: none */
	int pidfds[MAX_PIDS];
	u32 nr_alive;
	u64 last_events;		/* of the status line */
	bool to_stdout;
	bool kept_old;			/* an old recording was renamed */
	bool planned_end;		/* by --duration: exit status 0, whatever the command's */
};

/* ---- what to record ------------------------------------------------------ */

static int check_pid(pid_t *pid)
{
	struct vm vm;
	int err = vm__read(*pid, &vm);

	if (err == ESRCH)
		return error("%d: no such process; kvmw list shows the running VMs", *pid);
	if (err)
		return error("%d (%s): cannot read its file descriptors: %s; run as root, "
			     "or with CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH", *pid, vm.vmm, strerror(err));
	if (!vm.nr_vms)
		return error("%d (%s) is not a virtual machine: it holds no KVM file descriptors; "
			     "kvmw list shows those that do", *pid, vm.vmm);
	*pid = vm.pid;
	return 0;
}

static int choose_events(struct record *r, const char **silent)
{
	u32 set = r->opt.choice.events ? r->opt.choice.events : events_option__defaults();
	const char *idle, *acts_on;

	if (!r->opt.choice.events)
		r->opt.choice.named = set;
	*silent = set & BIT(KVMW_EVENT_EXIT) ? arch__silent_exit() : NULL;
	if (*silent && r->opt.choice.events && r->opt.choice.named & BIT(KVMW_EVENT_EXIT))
		return error("event exit cannot be recorded: %s; -e userspace records returns to the "
			     "VMM instead", *silent);
	/* If KVM does not trace exits, record returns to the VMM instead. */
	if (*silent && !r->opt.choice.events)
		set |= BIT(KVMW_EVENT_USERSPACE);
	idle = *silent ? record_filter__idle(&r->opt.filter.f, set & ~BIT(KVMW_EVENT_EXIT), &acts_on) : NULL;
	if (idle)
		return error("%s only filters %s, and %s", idle, acts_on, *silent);
	if (*silent && !r->opt.quiet)
		warning("%s; %s", *silent, set & BIT(KVMW_EVENT_USERSPACE) ?
			"recording event userspace (returns to the VMM) too" :
			"-e userspace records returns to the VMM");
	for_each_captured_event(event) {
		char why[256];

		if (!(set & BIT(event->id)) || !provider__missing(event->id, why, sizeof(why)))
			continue;
		if (r->opt.choice.named & BIT(event->id))
			return error("event %s cannot be recorded: %s", event->name, why);
		warning("skipping event %s: %s", event->name, why);
		set &= ~BIT(event->id);
	}
	r->opt.choice.events = set;
	r->session_opts.choice = &r->opt.choice;
	return 0;
}

/* ---- where to ------------------------------------------------------------ */

static int keep_old(struct record *r)
{
	char old[4096];
	struct stat st;

	if (stat(r->opt.output, &st) || !S_ISREG(st.st_mode) || !st.st_size)
		return 0;
	snprintf(old, sizeof(old), "%s.old", r->opt.output);
	if (rename(r->opt.output, old))
		return error("%s: cannot keep the old recording as %s: %s", r->opt.output, old,
			     strerror(errno));
	r->kept_old = true;
	return 0;
}

/* Nothing was recorded: removes the empty file and restores the old recording. */
static void give_back_old(struct record *r)
{
	char old[4096];
	struct stat st;

	if (!r->kept_old && !r->to_stdout && !stat(r->opt.output, &st) && S_ISREG(st.st_mode))
		unlink(r->opt.output);
	snprintf(old, sizeof(old), "%s.old", r->opt.output);
	if (r->kept_old && rename(old, r->opt.output))
		warning("the old recording is now %s: %s", old, strerror(errno));
}

static int open_output(struct record *r)
{
	const char *path = r->opt.output;
	struct stat st;
	int fd;

	if (!strcmp(path, "-")) {
		if (isatty(STDOUT_FILENO))
			return error("will not write a recording to a terminal: use -o FILE or a pipe");
		r->to_stdout = true;
		path = "standard output";
		fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	} else {
		if (keep_old(r))
			return -1;
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		/* The file may have existed, empty; a device keeps its mode. */
		if (fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode) && fchmod(fd, 0600))
			warning("%s: cannot make it private: %s", path, strerror(errno));
	}
	if (fd < 0)
		return error("cannot write %s: %s; choose another file with -o", path, strerror(errno));
	r->writer = data_writer__new(fd, path);
	return r->writer ? 0 : -1;
}

/* ---- while it runs ------------------------------------------------------- */

static int open_events(struct record *r)
{
	struct itimerspec each = { .it_interval.tv_sec = 1, .it_value.tv_sec = 1 };
	struct sigaction hup;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	/* A blocked signal is delivered even if nohup(1) had it ignored. */
	if (!sigaction(SIGHUP, NULL, &hup) && hup.sa_handler != SIG_IGN)
		sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	r->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	r->second = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (r->signals < 0 || r->second < 0 || timerfd_settime(r->second, 0, &each, NULL))
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

static int arm_deadline(struct record *r)
{
	struct itimerspec once = {
		.it_value = { r->opt.duration_ns / NSEC_PER_SEC, r->opt.duration_ns % NSEC_PER_SEC },
	};

	if (!r->opt.duration_ns)
		return 0;
	r->deadline = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	if (r->deadline < 0 || timerfd_settime(r->deadline, 0, &once, NULL))
		return error("cannot set a timer: %s", strerror(errno));
	return 0;
}

static void status_line(struct record *r)
{
	struct drain_counts c;

	drain__counts(r->drain, &c);
	fprintf(stderr, "\r\033[K%llu events, %llu/s, %.1f MB, %llu lost, %u vCPUs ",
		(unsigned long long)c.events, (unsigned long long)(c.events - r->last_events),
		sink__bytes(r->sink) / 1e6, (unsigned long long)c.lost, c.vcpus);
	r->last_events = c.events;
}

static const char *on_signal(struct record *r)
{
	struct signalfd_siginfo info;

	while (read(r->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo != SIGCHLD)
			return info.ssi_signo == SIGINT ? "interrupted" : "terminated";
		if (workload__reap(&r->workload))
			return "command ended";
	}
	return NULL;
}

/* Returns why the recording ends. */
static const char *wait_for_end(struct record *r)
{
	bool status = !r->opt.quiet && isatty(STDERR_FILENO);
	struct pollfd fds[3 + MAX_PIDS] = {
		{ r->signals, POLLIN, 0 }, { r->second, POLLIN, 0 }, { r->deadline, POLLIN, 0 },
	};

	for (u32 i = 0; i < r->opt.nr_pids; i++)
		fds[3 + i] = (struct pollfd) { r->pidfds[i], POLLIN, 0 };
	for (;;) {
		const char *why;
		u64 ticks;

		if (poll(fds, 3 + r->opt.nr_pids, -1) < 0 && errno != EINTR)
			return "poll failed";
		why = on_signal(r);
		if (why)
			return why;
		if (sink__failed(r->sink))
			return "writing failed";
		if (fds[2].revents) {
			r->planned_end = true;
			return "duration over";
		}
		if (read(r->second, &ticks, sizeof(ticks)) == sizeof(ticks) && status)
			status_line(r);
		for (u32 i = 0; i < r->opt.nr_pids; i++) {
			if (!fds[3 + i].revents)
				continue;
			fds[3 + i].fd = -1;
			fds[3 + i].revents = 0;
			/* A command decides how long to record, even if the VMs are gone. */
			if (!--r->nr_alive && !r->opt.command)
				return "VM is gone";
		}
	}
}

static void closing_line(struct record *r, u64 bytes)
{
	struct drain_counts c;
	char bpf[64] = "";

	drain__counts(r->drain, &c);
	if (c.bpf_events)
		snprintf(bpf, sizeof(bpf), ", BPF %.0f ns/event", (double)c.bpf_ns / c.bpf_events);
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
	fprintf(stderr, "[ kvmw record: %llu events (%llu unfinished) of %u vCPU%s, %.3f MB %s",
		(unsigned long long)c.events, (unsigned long long)c.unfinished, c.vcpus,
		c.vcpus == 1 ? "" : "s", bytes / 1e6, r->to_stdout ? "written" : r->opt.output);
	if (c.events)
		fprintf(stderr, " (%.1f bytes/event)", (double)bytes / c.events);
	fprintf(stderr, ", %llu lost%s ]\n", (unsigned long long)c.lost, bpf);
	if (c.lost)
		warning("the ring buffers overflowed: %llu records lost (the totals still count them); "
			"a larger -m loses fewer", (unsigned long long)c.lost);
	if (!c.vcpus)
		warning("no events recorded: %s", r->opt.vcpu_filter ?
			"does a VM have one of the --vcpu vCPUs, and did it run?" :
			r->opt.nr_pids || r->opt.all ?
			"did any vCPU run?" : "did the command start a VM?");
}

static void say_ways(struct record *r)
{
	for (u32 h = 0; h < NR_PROBES; h++) {
		const struct attach_method *method = session__method(r->session, h);

		if (method)
			fprintf(stderr, "%s: program %s\n", session__what(r->session, h), method->program);
	}
}

/* The kernel counts for the whole host, for any thread: ours may be none of these. */
static void note_missed(struct record *r, u64 missed, const char *what)
{
	char note[256];

	snprintf(note, sizeof(note), "missed up to %llu %s: the kernel skipped our BPF program so often "
		 "because it was already running on that CPU; whose events on this host these were "
		 "is unknown", (unsigned long long)missed, what);
	meta__note(r->meta, note);
	warning("%s", note);
}

/* Events that not even the totals count: said here and in every report. */
static void note_gaps(struct record *r)
{
	u64 no_state = session__no_state(r->session);
	char note[200];

	if (no_state) {
		snprintf(note, sizeof(note), "more than %d vCPUs and VMMs at a time: %llu events of the "
			 "others are not recorded", KVMW_MAX_VCPUS, (unsigned long long)no_state);
		meta__note(r->meta, note);
		warning("%s", note);
	}
	for (u32 h = 0; h < NR_PROBES; h++) {
		u64 missed = session__missed(r->session, h);

		if (missed)
			note_missed(r, missed, session__what(r->session, h));
	}
}

static int write_meta(struct record *r)
{
	return sink__json(r->sink, DATA_META, meta__json(r->meta));
}

/* From the attached programs to the finished file. */
static int record(struct record *r)
{
	u64 start_ns, stop_ns, bytes;
	const char *why = "command not run";
	bool started;
	int err;

	r->sink = sink__new(r->writer);
	if (!r->sink)
		return -1;
	/* First, because with --stack it takes a while; then the command starts without delay. */
	r->drain = drain__new(r->session, r->sink);
	if (!r->drain) {
		sink__finish(r->sink);
		return -1;
	}
	start_ns = session__start(r->session);
	meta__start(r->meta, start_ns);
	err = write_meta(r);
	if (!err && r->opt.command)
		err = workload__start(&r->workload, r->opt.command[0]);
	started = !err;
	if (!err)
		err = arm_deadline(r);
	if (!err)
		why = wait_for_end(r);

	stop_ns = session__stop(r->session);
	err |= drain__finish(r->drain, stop_ns);
	meta__stop(r->meta, stop_ns, why);
	note_gaps(r);
	err |= write_meta(r);
	err |= sink__finish(r->sink);
	err |= data_writer__finish(r->writer);
	bytes = data_writer__bytes(r->writer);
	err |= data_writer__close(r->writer);
	r->writer = NULL;
	if (!started)
		give_back_old(r);
	else if (!r->opt.quiet && !err)
		closing_line(r, bytes);
	return err;
}

static int prepare(struct record *r)
{
	const char *silent = NULL;

	if (!r->opt.all && host__check_pid_namespace())
		return -1;
	for (u32 i = 0; i < r->opt.nr_pids; i++)
		if (check_pid(&r->opt.pids[i]))
			return -1;
	if (choose_events(r, &silent))
		return -1;
	r->session_opts.target = r->opt.all ? KVMW_TARGET_ALL :
			 r->opt.nr_pids ? KVMW_TARGET_PIDS : KVMW_TARGET_CHILDREN;
	r->session_opts.pids = r->opt.pids;
	r->session_opts.nr_pids = r->opt.nr_pids;
	r->session_opts.vcpus = r->opt.vcpu_filter ? r->opt.vcpus : NULL;
	r->session_opts.ring_bytes = r->opt.ring_bytes;
	r->session_opts.filter = r->opt.filter.f;
	r->session_opts.verbose = r->opt.verbose;
	r->session = session__open(&r->session_opts);
	if (!r->session)
		return -1;
	if (r->opt.verbose)
		say_ways(r);
	r->meta = meta__new(r->opt.argc, r->opt.argv, r->session, &r->session_opts, &r->opt.filter, silent);
	if (!r->meta || open_output(r) || open_events(r))
		return -1;
	return r->opt.command ? workload__prepare(&r->workload, r->opt.command, r->to_stdout) : 0;
}

int cmd_record(int argc, const char **argv)
{
	struct record *r = mem__calloc(1, sizeof(*r));
	int err, status;

	if (!r)
		return KVMW_FAILED;
	r->opt.argc = argc;
	r->opt.argv = argv;
	r->opt.output = DEFAULT_OUTPUT;
	r->opt.ring_bytes = DEFAULT_RING;
	r->signals = r->second = r->deadline = r->workload.go = r->workload.failed = -1;
	memset(r->pidfds, -1, sizeof(r->pidfds));
	if (options__parse(&record_argp, argc, argv, ARGP_IN_ORDER, &r->opt))
		return KVMW_USAGE;

	err = host__can_record() || prepare(r) || record(r);

	workload__end(&r->workload);
	status = err ? KVMW_FAILED : r->planned_end ? KVMW_OK : workload__exit_status(&r->workload);
	if (r->writer)
		data_writer__close(r->writer);
	drain__free(r->drain);
	session__close(r->session);
	meta__free(r->meta);
	free(r->opt.filter.reasons);
	free(r);
	return status;
}
