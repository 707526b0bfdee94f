// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/capture/sudo.h"
#include "util/capture/workload.h"
#include "util/error.h"

#define END_PATIENCE_MS 3000

static void child(const char **argv, int go, int failed, bool to_stderr,
		  const struct sudo_user *user)
{
	sigset_t none;
	char c;
	int err;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	/* Do not outlive a recorder that fails before it starts the command. */
	if (read(go, &c, 1) != 1)
		_exit(127);
	if (to_stderr)
		dup2(STDERR_FILENO, STDOUT_FILENO);
	err = user ? sudo__become(user) : 0;
	if (!err) {
		execvp(argv[0], (char **)argv);
		err = errno;
	}
	if (write(failed, &err, sizeof(err)) < 0)
		_exit(126);
	_exit(127);
}

int workload__prepare(struct workload *w, const char **argv, bool to_stderr,
		      const struct sudo_user *user)
{
	int go[2], failed[2];

	*w = (struct workload) { .go = -1, .failed = -1 };
	/* Orphans of the command become our children: they count as its VMs. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (pipe2(go, O_CLOEXEC))
		return error("cannot create a pipe: %s", strerror(errno));
	if (pipe2(failed, O_CLOEXEC)) {
		close(go[0]);
		close(go[1]);
		return error("cannot create a pipe: %s", strerror(errno));
	}
	w->pid = fork();
	if (!w->pid) {
		close(go[1]);
		close(failed[0]);
		child(argv, go[0], failed[1], to_stderr, user);
	}
	close(go[0]);
	close(failed[1]);
	w->go = go[1];
	w->failed = failed[0];
	if (w->pid < 0) {
		w->pid = 0;
		return error("cannot fork: %s", strerror(errno));
	}
	return 0;
}

int workload__start(struct workload *w, const char *name)
{
	int err;
	ssize_t got;

	if (write(w->go, "", 1) != 1)
		return error("cannot start '%s': %s", name, strerror(errno));
	close(w->go);
	w->go = -1;
	do {
		got = read(w->failed, &err, sizeof(err));
	} while (got < 0 && errno == EINTR);
	if (got == sizeof(err))
		return error("cannot run '%s': %s", name, strerror(err));
	return 0;
}

bool workload__reap(struct workload *w)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != w->pid)
			continue;
		w->ended = true;
		w->status = status;
	}
	return w->ended;
}

void workload__terminate(const struct workload *w)
{
	if (w->pid > 0 && !w->ended)
		kill(w->pid, SIGTERM);
}

void workload__end(struct workload *w)
{
	if (w->go >= 0)
		close(w->go);
	if (w->failed >= 0)
		close(w->failed);
	w->go = w->failed = -1;
	if (!w->pid || w->ended)
		return;
	workload__terminate(w);
	for (int ms = 0; ms < END_PATIENCE_MS && !workload__reap(w); ms += 10)
		usleep(10000);
	if (!w->ended)
		warning("the command (pid %d) did not end on SIGTERM and was left running", w->pid);
}

int workload__exit_status(const struct workload *w)
{
	if (!w->pid || !w->ended)
		return 0;
	return WIFEXITED(w->status) ? WEXITSTATUS(w->status) : 128 + WTERMSIG(w->status);
}
