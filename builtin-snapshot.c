// SPDX-License-Identifier: GPL-2.0
/* kvmw snapshot: asks a running kvmw record --keep for a snapshot. */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "builtin-options.h"
#include "builtin-record-control.h"
#include "builtin-snapshot.h"
#include "builtin.h"
#include "util/capture/vm.h"
#include "util/error.h"
#include "util/parse.h"

#define MAX_RECORDERS	64

struct args {
	const char *of;		/* what was given; NULL: nothing */
	bool wait;
};

static const struct argp_option options[] = {
	{ "wait", 'w', NULL, 0, "Wait until it is written, and print its name", 0 },
	{ 0 }
};

static error_t cmd_snapshot__parse(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	switch (key) {
	case 'w':
		args->wait = true;
		return 0;
	case ARGP_KEY_ARG:
		if (args->of)
			return usage_error("snapshot: one PID or NAME at a time: '%s' is one too many", arg);
		args->of = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp snapshot_argp = {
	.options = options,
	.parser = cmd_snapshot__parse,
	.args_doc = "[PID|NAME]",
	.doc = "Ask kvmw record --keep for a snapshot of what it has in memory."
	       "\vPID is that of the recorder or of a VM, NAME that of a VM (kvmw list). Without either, exactly one "
	       "such recorder must be running.",
};

/*
 * A socket to a recorder that is what it says; -1 with errno. Anybody can listen under such a name,
 * and has to be looked at before he can keep anyone waiting.
 */
static int reach(pid_t pid)
{
	struct sockaddr_un address;
	unsigned int len = control__address(&address, pid);
	int err, fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	err = connect(fd, (struct sockaddr *)&address, len) ? errno :
	      control__is_trusted(fd, pid) ? 0 : EPERM;
	if (!err && !fcntl(fd, F_SETFL, 0))
		return fd;
	err = err ?: errno;
	close(fd);
	errno = err;
	return -1;
}

/* One with a full queue looks like a stranger, and does not count. */
static bool is_recorder(pid_t pid)
{
	int fd = reach(pid);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool has_recorder(const pid_t *pids, u32 nr, pid_t pid)
{
	for (u32 i = 0; i < nr; i++)
		if (pids[i] == pid)
			return true;
	return false;
}

/* The recorders of this network namespace, as their sockets are called. */
static u32 find_recorders(pid_t *pids)
{
	FILE *f = fopen("/proc/net/unix", "re");
	char line[512];
	u32 nr = 0;

	while (f && nr < MAX_RECORDERS && fgets(line, sizeof(line), f)) {
		const char *at = strrchr(line, '@');
		int pid;

		/* Those that listen: flag __SO_ACCEPTCON. */
		if (at && strstr(line, " 00010000 ") && sscanf(at, "@" CONTROL_NAME, &pid) == 1 &&
		    !has_recorder(pids, nr, pid) && is_recorder(pid))
			pids[nr++] = pid;
	}
	if (f)
		fclose(f);
	return nr;
}

/* Why it hung up on who was let in. */
static const char *why_silent(int fd)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	if (geteuid() && !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) &&
	    who.uid != geteuid())
		return "only root or the recorder's user may ask it";
	return "it ended, or is too busy";
}

/* *answer is what it says.  NULL, or why it says nothing. */
static const char *ask_one(pid_t pid, pid_t vm, bool wait, struct control_answer *answer)
{
	const struct control_request request = { .vm = vm, .wait = wait };
	const char *why = NULL;
	int fd = reach(pid);

	if (fd < 0)
		return errno == EAGAIN ? "too many ask it at once" : strerror(errno);
	if (send(fd, &request, sizeof(request), MSG_NOSIGNAL) != sizeof(request) ||
	    recv(fd, answer, sizeof(*answer), 0) != sizeof(*answer))
		why = why_silent(fd);
	answer->path[sizeof(answer->path) - 1] = '\0';
	close(fd);
	return why;
}

static int snapshot__tell(pid_t pid, const struct control_answer *answer)
{
	switch (answer->result) {
	case CONTROL_ASKED:
		return 0;
	case CONTROL_DONE:
		printf("%s\n", answer->path);
		return fflush(stdout) ?
		       error("cannot write standard output: %s", strerror(errno)) : 0;
	case CONTROL_NO_MORE:
		return error("kvmw record (pid %d) makes no more snapshots: it has made as many as --max-snapshots allows", pid);
	case CONTROL_BUSY:
		return error("kvmw record (pid %d): %d others already wait for a snapshot; without --wait it can be asked", pid,
			     CONTROL_CLIENTS);
	default:
		return error("kvmw record (pid %d) made no snapshot; it said why", pid);
	}
}

static int ask_recorder(pid_t pid, bool wait)
{
	struct control_answer answer;
	const char *why = ask_one(pid, 0, wait, &answer);

	return why ? error("kvmw record (pid %d) does not answer: %s", pid, why) :
	       snapshot__tell(pid, &answer);
}

static int ask_any(const struct args *args, const pid_t *pids, u32 nr)
{
	struct control_answer answer;
	char list[256] = "";
	pid_t vm = 0;
	u32 number;

	if (!args->of && nr > 1) {
		for (u32 i = 0; i < nr && strlen(list) + 16 < sizeof(list); i++)
			sprintf(list + strlen(list), "%s%d", i ? ", " : "", pids[i]);
		return error("several kvmw record --keep are running: pids %s; kvmw snapshot PID asks one", list);
	}
	if (!args->of)
		return ask_recorder(pids[0], args->wait);
	if (!parse_u32(args->of, &number)) {
		if (has_recorder(pids, nr, number))
			return ask_recorder(number, args->wait);
		vm = number;
	} else if (vm__find("VM", args->of, &vm, 1) < 0) {
		return -1;
	}
	for (u32 i = 0; i < nr; i++)
		if (!ask_one(pids[i], vm, args->wait, &answer) && answer.result != CONTROL_NOT_MINE)
			return snapshot__tell(pids[i], &answer);
	return error("no kvmw record --keep that you may ask is recording %s", args->of);
}

void snapshot__ask(char *said, size_t size)
{
	struct control_answer answer;
	pid_t pids[MAX_RECORDERS];
	u32 nr = find_recorders(pids);
	const char *why;

	if (nr != 1) {
		snprintf(said, size,
			 nr ? "Several kvmw record --keep are running: kvmw snapshot PID asks one" :
			 "No kvmw record --keep is running");
		return;
	}
	why = ask_one(pids[0], 0, false, &answer);
	if (why)
		snprintf(said, size, "kvmw record (pid %d) does not answer: %s", pids[0], why);
	else
		snprintf(said, size,
			 answer.result == CONTROL_ASKED ? "kvmw record (pid %d) writes a snapshot" :
			 "kvmw record (pid %d) made no snapshot; it said why", pids[0]);
}

int cmd_snapshot(int argc, const char **argv)
{
	struct args args = { .of = NULL };
	pid_t pids[MAX_RECORDERS];
	u32 nr;

	if (options__parse(&snapshot_argp, argc, argv, 0, &args))
		return KVMW_USAGE;
	nr = find_recorders(pids);
	if (!nr) {
		error("no kvmw record --keep is running");
		return KVMW_FAILED;
	}
	return ask_any(&args, pids, nr) ? KVMW_FAILED : KVMW_OK;
}
