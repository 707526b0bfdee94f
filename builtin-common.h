/* SPDX-License-Identifier: GPL-2.0 */
/* Options that several commands have, as argp children: each stands once. */
#ifndef KVMW_BUILTIN_COMMON_H
#define KVMW_BUILTIN_COMMON_H

#include <argp.h>

#include "util/data/data.h"
#include "util/recording/filter.h"
#include "util/symbols/regions.h"

enum output_format { OUTPUT_TEXT, OUTPUT_JSON, OUTPUT_CSV, NR_OUTPUT_FORMATS };

#define DEFAULT_INPUT	"kvmw.data"

struct common_args {
	const char *input;		/* NULL: DEFAULT_INPUT */
	struct number_list vcpus, pids;	/* empty: all */
	struct reason_list reasons;	/* empty: all */
	struct time_window window;
	enum output_format format;
	bool no_pager;
	const char *regions_file;	/* or NULL */
	struct regions *regions;	/* what is in it, once read; or NULL */
};

/*
 * Children of a command's argp; their input is a struct common_args, which the command hands
 * over at ARGP_KEY_INIT. Groups: input 1, selection 3, output 4.
 */
extern const struct argp common_input_argp;	/* --input, or FILE alone */
extern const struct argp common_select_argp;	/* --vcpu, --vm, --reason, --time */
extern const struct argp common_output_argp;	/* --json, --no-pager */
extern const struct argp common_csv_argp;	/* --csv */
extern const struct argp common_regions_argp;	/* --regions */

/* Fills in args->regions. 0, or -1: the file is not right (error() said why). */
int common_args__read_regions(struct common_args *args);

/* The name of the recording. */
const char *common_args__input(const struct common_args *args);
/* Opens it; NULL: error() said why and what to do. command: for messages. */
struct data_reader *common_args__open(const struct common_args *args, const char *command);

void common_args__free(struct common_args *args);

#endif
