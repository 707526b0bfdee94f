// SPDX-License-Identifier: GPL-2.0
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "builtin-copy.h"
#include "builtin.h"
#include "util/error.h"
#include "util/sandbox.h"

int copy__check(const char *in, const char *out)
{
	struct stat a, b;

	return !stat(in, &a) && !stat(out, &b) && S_ISREG(a.st_mode) && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino ?
	       error("IN and OUT are the same file (%s); choose another name for OUT", out) : 0;
}

int copy__read(struct recording *rec, struct data_reader *r, u64 *first, bool *all)
{
	struct data_frame *f;
	int more;

	*first = 0;
	while ((more = data_reader__next(r, &f)) > 0) {
		int ret;

		*first = *first ?: f->offset;
		ret = recording__take(rec, r, f);
		data_frame__put(f);
		if (ret)
			return -1;
	}
	*all = !more;
	return more == DATA_NO_MEMORY ? -1 : 0;
}

struct budget copy__budget(const struct common_args *args)
{
	return (struct budget) { .limit = (args->budget.max ?: BUDGET_DEFAULT) / 2 };
}

void copy__complain_of(const struct budget *budget)
{
	if (budget->refused)
		error("--memory=SIZE allows more than %zu MB", budget->limit * 2 >> 20);
}

/* Those that end a process, if they do; and that a child ended. */
static void block_signals(sigset_t *blocked, sigset_t *before)
{
	static const int ending[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction now;

	/* Ignored, it would not come. */
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(blocked);
	sigaddset(blocked, SIGCHLD);
	for (size_t i = 0; i < ARRAY_SIZE(ending); i++)
		if (!sigaction(ending[i], NULL, &now) && now.sa_handler != SIG_IGN)
			sigaddset(blocked, ending[i]);
	sigprocmask(SIG_BLOCK, blocked, before);
}

/* Waits until the child ended.  Told to end first, it leaves nothing behind. */
static void await_child(pid_t child, struct record_output *out, const sigset_t *blocked,
			const sigset_t *before)
{
	siginfo_t ended = { 0 };
	int sig = SIGCHLD;

	while (child > 0 && !ended.si_pid && sig == SIGCHLD) {
		sig = sigwaitinfo(blocked, NULL);
		if (waitid(P_PID, child, &ended, WEXITED | WNOHANG | WNOWAIT))
			break;
	}
	if (sig > 0 && sig != SIGCHLD) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		record_output__undo(out);
		signal(sig, SIG_DFL);
		raise(sig);
	}
	sigprocmask(SIG_SETMASK, before, NULL);
}

int copy__run(const struct common_args *args, struct record_output *out,
	      int (*copy)(void *arg, int fd, const char *name), void *arg)
{
	pid_t parent = getpid(), child;
	sigset_t blocked, before;
	int fd, status;

	block_signals(&blocked, &before);
	fd = record_output__open_file(out);
	if (fd < 0)
		return KVMW_FAILED;
	child = fork();
	if (!child) {
		/* It must not stay behind. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		sigprocmask(SIG_SETMASK, &before, NULL);
		if (getppid() != parent)
			exit(NO_COPY);
		sandbox__enter(SANDBOX_READ);
		exit(copy(arg, fd, record_output__name(out)));
	}
	close(fd);
	await_child(child, out, &blocked, &before);
	status = common_args__wait(args, child);
	if (status >= 0 && status < NO_COPY)
		return status;
	record_output__undo(out);
	return KVMW_FAILED;
}
