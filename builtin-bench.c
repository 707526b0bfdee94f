// SPDX-License-Identifier: GPL-2.0
/* kvmw bench: a guest whose VM exits are known beforehand, and what its recordings cost. */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bench/guest.h"
#include "bench/rows.h"
#include "builtin-options.h"
#include "builtin-record-output.h"
#include "builtin.h"
#include "util/error.h"
#include "util/parse.h"
#include "util/render/screen.h"

/* What a plain `kvmw bench guest` does: some of everything, 13,000 exits. */
static const uint64_t default_per_round[NR_OPS] = {
	[OP_CPUID] = 4,
	[OP_PIO] = 3,
	[OP_MMIO] = 2,
	[OP_MSR] = 2,
	[OP_HLT] = 1,
	[OP_TOUCH] = 1,
};
#define DEFAULT_ROUNDS	1000
#define DEFAULT_TIMER_US	200

/* Keys of options without a short name; counts are OPT_COUNT + OP_*. */
enum {
	OPT_COUNT = 0x100,
	OPT_VCPUS = OPT_COUNT + NR_OPS,
	OPT_ROUNDS,
	OPT_DIRTY_LOG,
	OPT_VMM_DELAY,
	OPT_TIMER_DELAY,
	OPT_TRIPLE_FAULT,
	OPT_JSON,
	OPT_ROWS,
	OPT_SEED,
	OPT_TIMES,
	OPT_RESOLUTION,
};

#define BENCH_MAX_ROWS	1000000000000ULL
#define BENCH_MAX_TIMES	1000

static const struct argp_option guest_options[] = {
	{ NULL, 0, NULL, 0, "What each vCPU does in each round:", 1 },
	{ "cpuid", OPT_COUNT + OP_CPUID, "N", 0, "N CPUID instructions", 1 },
	{ "pio", OPT_COUNT + OP_PIO, "N", 0, "N writes to a port without a device", 1 },
	{ "mmio", OPT_COUNT + OP_MMIO, "N", 0, "N writes to an address without memory", 1 },
	{ "msr", OPT_COUNT + OP_MSR, "N", 0, "N accesses to an MSR, alternating reads and writes", 1 },
	{ "hlt", OPT_COUNT + OP_HLT, "N", 0, "N HLT instructions", 1 },
	{ "touch", OPT_COUNT + OP_TOUCH, "PAGES", 0, "Write to PAGES untouched 4 KiB pages", 1 },
	{ "vmcall", OPT_COUNT + OP_VMCALL, "N", 0, "N hypercalls that do nothing", 1 },
	{ "ipi", OPT_COUNT + OP_IPI, "N", 0, "N interrupts that the vCPU sends itself", 1 },
	{ "timer", OPT_COUNT + OP_TIMER, "N", 0, "N times: halt until the APIC timer fires", 1 },
	{ NULL, 0, NULL, 0, "How:", 2 },
	{ "rounds", OPT_ROUNDS, "N", 0, "Rounds of each vCPU; 0: run until a signal", 2 },
	{ "vcpus", OPT_VCPUS, "N", 0, "Number of vCPUs, each in its own thread (default 1)", 2 },
	{ "dirty-log", OPT_DIRTY_LOG, NULL, 0, "Have KVM log the dirty pages of --touch", 2 },
	{ "vmm-delay", OPT_VMM_DELAY, "USEC", 0, "Busy-wait after each return to the VMM", 2 },
	{ "timer-delay", OPT_TIMER_DELAY, "USEC", 0, "Delay of each --timer (default 200)", 2 },
	{ "triple-fault", OPT_TRIPLE_FAULT, NULL, 0, "End with a triple fault, as an error", 2 },
	{ NULL, 0, NULL, 0, "Output:", 3 },
	{ "json", OPT_JSON, NULL, 0, "Print one JSON object instead of the table", 3 },
	{ 0 },
};

struct guest_args {
	struct guest_config cfg;
	bool counts;		/* any of --cpuid ... --timer was given */
	bool rounds;
	bool json;
};

static int cmd_bench__number(const char *option, const char *arg, uint64_t min, uint64_t max,
			     uint64_t *value)
{
	if (!parse_u64(arg, value) && *value >= min && *value <= max)
		return 0;
	return usage_error("--%s '%s': must be a whole number from %" PRIu64 " to %" PRIu64, option,
			   arg, min, max);
}

static error_t cmd_bench__parse_end(struct guest_args *args)
{
	struct guest_config *cfg = &args->cfg;
	bool any = false;

	if (!args->counts)
		memcpy(cfg->per_round, default_per_round, sizeof(cfg->per_round));
	if (!args->rounds)
		cfg->rounds = args->counts ? 1 : DEFAULT_ROUNDS;
	for (int op = 0; op < NR_OPS; op++)
		any |= cfg->per_round[op];
	if (!any)
		return usage_error("bench guest: nothing to do: every count is 0");
	if (cfg->per_round[OP_HLT] && guest_has_irqchip(cfg))
		return usage_error("bench guest: --hlt cannot be combined with --ipi or --timer: "
				   "their VM has an interrupt controller in KVM, where HLT does not "
				   "return to the VMM; use --timer, which halts");
	if (cfg->dirty_log && !cfg->per_round[OP_TOUCH])
		return usage_error("bench guest: --dirty-log requires --touch, whose pages it logs");
	return 0;
}

static error_t parse_guest(int key, char *arg, struct argp_state *state)
{
	struct guest_args *args = state->input;
	struct guest_config *cfg = &args->cfg;
	uint64_t value;
	error_t err;

	switch (key) {
	case OPT_COUNT ... OPT_COUNT + NR_OPS - 1:
		args->counts = true;
		return cmd_bench__number(guest_op_name[key - OPT_COUNT], arg, 0, BENCH_MAX_COUNT,
					 &cfg->per_round[key - OPT_COUNT]);
	case OPT_ROUNDS:
		args->rounds = true;
		return cmd_bench__number("rounds", arg, 0, BENCH_MAX_ROUNDS, &cfg->rounds);
	case OPT_VCPUS:
		err = cmd_bench__number("vcpus", arg, 1, BENCH_MAX_VCPUS, &value);
		cfg->vcpus = value;
		return err;
	case OPT_VMM_DELAY:
		return cmd_bench__number("vmm-delay", arg, 0, BENCH_MAX_DELAY_US,
					 &cfg->vmm_delay_us);
	case OPT_TIMER_DELAY:
		return cmd_bench__number("timer-delay", arg, 1, BENCH_MAX_DELAY_US,
					 &cfg->timer_delay_us);
	case OPT_DIRTY_LOG:
		cfg->dirty_log = true;
		return 0;
	case OPT_TRIPLE_FAULT:
		cfg->crash = true;
		return 0;
	case OPT_JSON:
		args->json = true;
		return 0;
	case ARGP_KEY_ARG:
		return usage_error("bench guest takes no argument: '%s'; kvmw bench guest -h lists its "
				   "options", arg);
	case ARGP_KEY_END:
		return cmd_bench__parse_end(args);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp guest_argp = {
	.options = guest_options,
	.parser = parse_guest,
	.doc = "Run the built-in guest, whose VM exits are known, and print what it did."
	       "\vWithout any count, the guest does some of everything in 1000 rounds; with a "
	       "count, only that, in one round.",
};

static int bench_guest(int argc, const char **argv)
{
	struct guest_args args = { .cfg = { .vcpus = 1, .timer_delay_us = DEFAULT_TIMER_US } };
	struct screen s;
	struct guest_result res;
	int ret;

	if (options__parse(&guest_argp, argc, argv, ARGP_IN_ORDER, &args))
		return KVMW_USAGE;

	ret = guest_run(&args.cfg, &res);
	if (ret < 0)
		goto out;
	screen__open(&s, 0, false);
	if (args.json)
		ret = guest_print_json(&s, &args.cfg, &res);
	else
		guest_print_table(&s, &args.cfg, &res);
	if (screen__close(&s))
		ret = -1;
	else if (res.interrupted)
		ret = error("bench guest: interrupted before its %" PRIu64 " rounds were done",
			    args.cfg.rounds);
out:
	guest_result_free(&res);
	return ret < 0 ? KVMW_FAILED : KVMW_OK;
}

static const struct argp_option record_options[] = {
	{ "rows", OPT_ROWS, "N", 0, "N exits (default 1000000)", 0 },
	{ "seed", OPT_SEED, "S", 0, "Seed: the same number makes the same exits (default 1)", 0 },
	{ "resolution", OPT_RESOLUTION, "STEP", 0, "Keep durations to 1/16 of their value, or to a time such as 100ns", 0 },
	{ "output", 'o', "FILE", 0, "Write to FILE (default kvmw.data); an old one becomes FILE.old", 0 },
	{ 0 },
};

struct made_args {
	uint64_t rows, seed;
	const char *output;
	struct resolution resolution;
};

static error_t parse_record(int key, char *arg, struct argp_state *state)
{
	struct made_args *args = state->input;

	switch (key) {
	case OPT_ROWS:
		return cmd_bench__number("rows", arg, 1, BENCH_MAX_ROWS, &args->rows);
	case OPT_SEED:
		return cmd_bench__number("seed", arg, 0, UINT64_MAX, &args->seed);
	case OPT_RESOLUTION:
		return resolution__option(&args->resolution, arg) ? EINVAL : 0;
	case 'o':
		args->output = arg;
		return 0;
	case ARGP_KEY_ARG:
		return usage_error("bench record takes no argument: '%s'; -o names the file", arg);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp bench_record_argp = {
	.options = record_options,
	.parser = parse_record,
	.doc = "Write a recording of made-up exits of a guest with four vCPUs, to measure with.",
};

static int run_bench_record(int argc, const char **argv)
{
	struct made_args args = { .rows = 1000000, .seed = 1, .output = "kvmw.data" };
	struct record_output out = { 0 };
	struct data_writer *w = NULL;
	int ret = -1;

	if (options__parse(&bench_record_argp, argc, argv, 0, &args))
		return KVMW_USAGE;
	if (!record_output__check(&out, args.output))
		w = record_output__open(&out, 1U << KVMW_EVENT_EXIT);
	if (w) {
		ret = bench_record(w, args.rows, args.seed, &args.resolution);
		if (data_writer__close(w))
			ret = -1;
	}
	record_output__free(&out);
	return ret ? KVMW_FAILED : KVMW_OK;
}

static const struct argp_option report_options[] = {
	{ "times", OPT_TIMES, "N", 0, "Run each command N times (default 3)", 0 },
	{ 0 },
};

struct reading_args {
	const char *path;
	uint64_t times;
};

static error_t parse_report(int key, char *arg, struct argp_state *state)
{
	struct reading_args *args = state->input;

	switch (key) {
	case OPT_TIMES:
		return cmd_bench__number("times", arg, 1, BENCH_MAX_TIMES, &args->times);
	case ARGP_KEY_ARG:
		if (args->path)
			return usage_error("bench report reads one recording: '%s' is one too many",
					   arg);
		args->path = arg;
		return 0;
	case ARGP_KEY_END:
		return args->path ? 0 : usage_error("bench report needs the recording to read: "
						    "kvmw bench report FILE");
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp bench_report_argp = {
	.options = report_options,
	.parser = parse_report,
	.args_doc = "FILE",
	.doc = "Read a recording with kvmw report and kvmw script, and print how fast they were.",
};

static int run_bench_report(int argc, const char **argv)
{
	struct reading_args args = { .times = 3 };
	struct screen s;
	int ret;

	if (options__parse(&bench_report_argp, argc, argv, 0, &args))
		return KVMW_USAGE;
	screen__open(&s, 0, false);
	ret = bench_report(&s, args.path, args.times);
	if (screen__close(&s))
		ret = -1;
	return ret ? KVMW_FAILED : KVMW_OK;
}

/* argp takes the name it prints from argv[0]. */
const struct subcommand bench_subcommands[] = {
	{ "guest", "kvmw bench guest", bench_guest, &guest_argp, "the built-in guest, whose VM exits are known" },
	{ "record", "kvmw bench record", run_bench_record, &bench_record_argp, "a recording of made-up exits" },
	{ "report", "kvmw bench report", run_bench_report, &bench_report_argp, "how fast a recording is read" },
	{ 0 },
};

static int cmd_bench__usage(FILE *fp)
{
	fprintf(fp, "Usage: kvmw bench guest|record|report [OPTION...]\n\n");
	for (const struct subcommand *w = bench_subcommands; w->name; w++)
		fprintf(fp, "  %-8s %s; %s --help\n", w->name, w->help, w->title);
	return KVMW_USAGE;
}

int cmd_bench(int argc, const char **argv)
{
	const struct subcommand *found;

	if (argc < 2)
		return cmd_bench__usage(stderr);
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "-?") ||
	    !strcmp(argv[1], "help")) {
		cmd_bench__usage(stdout);
		return KVMW_OK;
	}
	found = subcommand__find(bench_subcommands, argv[1]);
	if (found) {
		argv[1] = found->title;
		return found->run(argc - 1, argv + 1);
	}
	error("bench has no workload '%s', only guest, record and report; kvmw bench -h says what they are",
	      argv[1]);
	return KVMW_USAGE;
}
