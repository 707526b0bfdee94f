// SPDX-License-Identifier: GPL-2.0
/* The command table and the global options, nothing else. */
#include <argp.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "builtin.h"
#include "util/error.h"
#include "util/nearest.h"

const struct command commands[] = {
	{ "record", cmd_record, "record the VM exits of running VMs into a file", &record_argp, NULL },
	{ "report", cmd_report, "read a recording and show where the time went", &report_argp, NULL },
	{ "stat", cmd_stat, "count VM exits and where the time goes, without a recording", &stat_argp, NULL },
	{ "top", cmd_top, "watch VMs, their vCPUs and exit reasons, live or from a recording", &top_argp, NULL },
	{ "script", cmd_script, "print the events of a recording one by one", &script_argp, NULL },
	{ "diff", cmd_diff, "compare recordings: what changed, by more than noise", &diff_argp, NULL },
	{ "list", cmd_list, "list this host's VMs and the events it can record", &list_argp, NULL },
	{ "info", cmd_info, "show what a recording contains", &info_argp, NULL },
	{ "scrub", cmd_scrub, "remove names and addresses from a recording, so that it can be shared", &scrub_argp, NULL },
	{ "cut", cmd_cut, "take a part out of a recording, by time, VM, vCPU or event", &cut_argp, NULL },
	{ "merge", cmd_merge, "make one recording out of parts of it, or of several files", &merge_argp, NULL },
	{ "snapshot", cmd_snapshot, "ask a running record --keep for a file", &snapshot_argp, NULL },
	{ "bench", cmd_bench, "run the built-in guest, whose exits are known; measure", NULL, bench_subcommands },
	{ NULL, NULL, NULL, NULL, NULL }
};

static void kvmw__usage(FILE *out)
{
	fputs("usage: kvmw [--version] [-h | --help] COMMAND [ARGS]\n\n"
	      "The flight recorder for virtual machines on Linux.\n\n", out);
	for (const struct command *c = commands; c->name; c++)
		fprintf(out, "  %-8s %s\n", c->name, c->help);
	fputs("\nSee 'kvmw help COMMAND' and kvmw(1).\n", out);
}

/* argp takes the name in its messages from argv[0]. */
static int kvmw__run(const struct command *command, int argc, const char **argv)
{
	char title[32];

	snprintf(title, sizeof(title), "kvmw %s", command->name);
	argv[0] = title;
	return command->run(argc, argv);
}

static const struct command *kvmw__find(const char *name)
{
	for (const struct command *c = commands; c->name; c++)
		if (!strcmp(name, c->name))
			return c;
	return NULL;
}

const struct subcommand *subcommand__find(const struct subcommand *list, const char *name)
{
	for (; list && list->name; list++)
		if (!strcmp(name, list->name))
			return list;
	return NULL;
}

static int no_command(const char *name)
{
	struct nearest n;

	nearest__begin(&n, name, strlen(name));
	for (const struct command *c = commands; c->name; c++)
		nearest__offer(&n, c->name);
	nearest__offer(&n, "help");
	error("'%s' is not a kvmw command%s; kvmw -h lists them", name, nearest__hint(&n));
	return KVMW_USAGE;
}

/* kvmw help [COMMAND [WORKLOAD]] */
static int kvmw__help(int argc, const char **argv)
{
	const struct command *command = argc ? kvmw__find(argv[0]) : NULL;
	const char *args[] = { NULL, "--help", NULL, NULL };
	bool sub = command && argc > 1 && subcommand__find(command->subcommands, argv[1]);

	if (argc &&
	    (!strcmp(argv[0], "help") || !strcmp(argv[0], "-h") || !strcmp(argv[0], "--help")))
		argc = 0;
	if (argc && !command)
		return no_command(argv[0]);
	if (argc > 1 + sub) {
		error("help: one command at a time: '%s' is one too many", argv[1 + sub]);
		return KVMW_USAGE;
	}
	if (!argc) {
		kvmw__usage(stdout);
		return KVMW_OK;
	}
	if (sub) {
		args[1] = argv[1];
		args[2] = "--help";
	}
	return kvmw__run(command, 2 + sub, args);
}

/*
 * What is opened later must not become standard output or error, if the caller has closed it: to
 * write to it still fails.
 */
static void reserve_standard_files(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

int main(int argc, const char **argv)
{
	const char *name = argc > 1 ? argv[1] : NULL;
	const struct command *command;

	reserve_standard_files();
	argp_err_exit_status = KVMW_USAGE;
	if (!name) {
		kvmw__usage(stderr);
		return KVMW_USAGE;
	}
	if (!strcmp(name, "--version") || !strcmp(name, "-v") || !strcmp(name, "version")) {
		puts("kvmw version " KVMW_VERSION);
		return KVMW_OK;
	}
	if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help"))
		return kvmw__help(argc - 2, argv + 2);
	if (!strcmp(name, "--complete"))
		return cmd_complete(argc - 2, argv + 2);
	command = kvmw__find(name);
	return command ? kvmw__run(command, argc - 1, argv + 1) : no_command(name);
}
