/* SPDX-License-Identifier: GPL-2.0 */
/* The subcommands. Each parses its own options and returns the exit status. */
#ifndef KVMW_BUILTIN_H
#define KVMW_BUILTIN_H

#include <argp.h>

int cmd_record(int argc, const char **argv);
int cmd_report(int argc, const char **argv);
int cmd_stat(int argc, const char **argv);
int cmd_top(int argc, const char **argv);
int cmd_script(int argc, const char **argv);
int cmd_diff(int argc, const char **argv);
int cmd_list(int argc, const char **argv);
int cmd_info(int argc, const char **argv);
int cmd_scrub(int argc, const char **argv);
int cmd_cut(int argc, const char **argv);
int cmd_merge(int argc, const char **argv);
int cmd_snapshot(int argc, const char **argv);
int cmd_bench(int argc, const char **argv);

/* The options of each that has any. */
extern const struct argp record_argp, report_argp, script_argp, diff_argp, list_argp, info_argp,
	scrub_argp, snapshot_argp, stat_argp, top_argp, cut_argp, merge_argp;

/* What comes before the options. */
struct subcommand {
	const char *name, *title;
	int (*run)(int argc, const char **argv);
	const struct argp *argp;
	const char *help;
};

/* Of bench; the list ends with one without a name. */
extern const struct subcommand bench_subcommands[];

/* NULL: there is none of that name. */
const struct subcommand *subcommand__find(const struct subcommand *list, const char *name);

struct command {
	const char *name;
	int (*run)(int argc, const char **argv);
	const char *help;
	const struct argp *argp;
	const struct subcommand *subcommands;	/* come before the options; NULL: there are none */
};

/* The list ends with one without a name. */
extern const struct command commands[];

/*
 * `kvmw --complete WORD...`, for the shells (completion/): prints what the last word, which
 * may be empty, can be completed to.
 */
int cmd_complete(int argc, const char **argv);

#endif
