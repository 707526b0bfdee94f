// SPDX-License-Identifier: GPL-2.0
/* The command table and the global options, nothing else. */
#include <argp.h>
#include <stdio.h>
#include <string.h>

#include "builtin.h"
#include "util/error.h"
#include "util/types.h"

static const struct command {
	const char *name;
	int (*run)(int argc, const char **argv);
	const char *help;
} commands[] = {
	{ "record", cmd_record, "record the VM exits of running VMs into a file" },
	{ "report", cmd_report, "read a recording and show where the time went" },
	{ "script", cmd_script, "print the events of a recording one by one" },
	{ "list", cmd_list, "show this host's VMs and the events it can record" },
	{ "info", cmd_info, "show what a recording consists of" },
	{ "bench", cmd_bench, "run the built-in guest, whose exits are known" },
};

static void kvmw__usage(FILE *out)
{
	fputs("usage: kvmw [--version] [--help] COMMAND [ARGS]\n\n"
	      "The flight recorder for virtual machines on Linux.\n\n", out);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].help);
	fputs("\nSee 'kvmw COMMAND --help' and kvmw(1).\n", out);
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
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(name, commands[i].name))
			return &commands[i];
	return NULL;
}

int main(int argc, const char **argv)
{
	const char *name = argc > 1 ? argv[1] : NULL;
	const struct command *command;

	argp_err_exit_status = KVMW_USAGE;
	if (!name) {
		kvmw__usage(stderr);
		return KVMW_USAGE;
	}
	if (!strcmp(name, "--version") || !strcmp(name, "-v") || !strcmp(name, "version")) {
		puts("kvmw version " KVMW_VERSION);
		return KVMW_OK;
	}
	if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help")) {
		const char *args[] = { NULL, "--help", NULL };

		command = argc > 2 ? kvmw__find(argv[2]) : NULL;
		if (command)
			return kvmw__run(command, 2, args);
		if (argc > 2) {
			error("'%s' is not a kvmw command; kvmw --help lists them", argv[2]);
			return KVMW_USAGE;
		}
		kvmw__usage(stdout);
		return KVMW_OK;
	}
	command = kvmw__find(name);
	if (command)
		return kvmw__run(command, argc - 1, argv + 1);
	error("'%s' is not a kvmw command; kvmw --help lists them", name);
	return KVMW_USAGE;
}
