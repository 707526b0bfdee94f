/* SPDX-License-Identifier: GPL-2.0 */
/* Options that several commands have, as argp children: each stands once. */
#ifndef KVMW_BUILTIN_COMMON_H
#define KVMW_BUILTIN_COMMON_H

#include <argp.h>

#include "util/data/data.h"
#include "util/memory.h"
#include "util/recording/recording.h"
#include "util/symbols/guest_symbols.h"
#include "util/symbols/regions.h"

enum output_format { OUTPUT_TEXT, OUTPUT_JSON, OUTPUT_CSV, NR_OUTPUT_FORMATS };

#define DEFAULT_INPUT	"kvmw.data"

struct where;

struct common_args {
	const char *input;		/* NULL: DEFAULT_INPUT */
	bool several;			/* a command takes more of them: */
	const char **more;		/* after the first one */
	u32 nr_more, more_room;
	struct number_list vcpus, pids;	/* empty: all */
	struct reason_list reasons;	/* empty: all */
	struct time_window window;
	/* the last one of each; NULL: none */
	struct { const char *vcpus, *pids, *window; } typed;
	struct where *where;		/* or NULL */
	enum output_format format;
	bool no_pager, no_demangle;
	const char *debug_dir;		/* or NULL */
	bool debuginfod;
	struct namer *namer;		/* of either, once started; or NULL */
	struct demangler *demangler;	/* once started; NULL: names stay as they are */
	struct budget budget;		/* of --memory */
	struct budget begin;		/* the same, before a recording was read */
	/* the recording was, and what is to be said of its format */
	bool opened;
	const char *regions_file;	/* or NULL */
	struct regions *regions;	/* what is in it, once read; or NULL */
	struct guest_symbol_files symbol_files;
	struct guest_symbols *symbols;	/* what is in them, once read; or NULL */
};

/*
 * Children of a command's argp; their input is a struct common_args, which the command hands
 * over at ARGP_KEY_INIT. Groups: input 1, selection 3, output 4.
 */
extern const struct argp common_input_argp;	/* --input, or FILE alone; --memory */
extern const struct argp common_inputs_argp;	/* likewise, of a command that sets several */
extern const struct argp common_parts_argp;	/* --input, likewise, where all have to be named */
extern const struct argp common_memory_argp;	/* --memory */
extern const struct argp common_part_argp;	/* --vcpu, --vm, --pid, --time, --around */
extern const struct argp common_output_argp;	/* --json, --no-pager */
/* --guest-kallsyms and the like; group 5. Its input is a struct guest_symbol_files. */
extern const struct argp common_symbols_argp;
/* Of those who show rows: what selects them, how they are printed, what names addresses. */
extern const struct argp common_reading_argp;
/* --debug-dir, --debuginfod, --no-demangle; group 4. Of those who show stacks. */
extern const struct argp common_stacks_argp;

/*
 * Binds --where to events, a bitmap of ids, if it was given.  0, or EINVAL: it is not about them
 * (error() said so).
 */
error_t common_args__bind_where(struct common_args *args, u32 events);

/* Fills in args->regions. 0, or -1: the file is not right (error() said why). */
int common_args__read_regions(struct common_args *args);

/*
 * Of a command that shows stacks: starts args->demangler, and args->namer if somebody is to be
 * asked. 0, or -1 (error() said why).
 */
int common_args__start_namers(struct common_args *args);

bool guest_symbol_files__any(const struct guest_symbol_files *files);
/* 0, or -1: they do not fit together (error() said why). */
int guest_symbol_files__check(const struct guest_symbol_files *files);
/*
 * Reads the recording to find where the kernel of --guest-vmlinux was, if that is not known. 0, or
 * -1: it is not certain (error() said so).
 */
int common_args__find_kaslr(struct common_args *args, const char *command);
/* Fills in args->symbols, NULL where no option names a file. 0, or -1 (error() said why). */
int common_args__read_symbols(struct common_args *args);
/* Once the recording was read: 0, or -1: --where asks for functions, none are known (error()). */
int common_args__check_symbols(const struct common_args *args, const struct recording *rec);

/* The name of the recording. */
const char *common_args__input(const struct common_args *args);
/* The same for messages: "standard input" for -. */
const char *common_args__name(const struct common_args *args);

/*
 * How a child that reads the recording ended: its exit status, or -1 (error() said why), also if it
 * could not be started, child being negative.
 */
int common_args__wait(const struct common_args *args, pid_t child);

/*
 * Opens it, and sets the budget for what it is read into; NULL: error() said why and what to do.
 * command: for messages.
 */
struct data_reader *common_args__open(struct common_args *args, const char *command);
/* To read it more than once. NULL and !*is_file: only a file allows that (the caller says so). */
struct data_reader *common_args__open_file(struct common_args *args, const char *command,
					   bool *is_file);

/*
 * What it says is read into, with the window and the budget that were asked for. NULL: out of
 * memory, said so, and the reader is closed.
 */
struct recording *common_args__recording(struct common_args *args, struct data_reader *reader);

/* Says so if something did not fit into the budget: -1; else 0. */
int common_args__check_budget(const struct common_args *args);

void common_args__free(struct common_args *args);

#endif
