// SPDX-License-Identifier: GPL-2.0
/* kvmw top: options, wiring, exit status. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "builtin-options.h"
#include "builtin-top.h"
#include "builtin.h"
#include "util/analysis/top_play.h"
#include "util/error.h"
#include "util/nearest.h"
#include "util/parse.h"
#include "util/sandbox.h"

#define DELAY_MIN	(10 * 1000000ULL)	/* ns */
#define DELAY_MAX	(86400 * NSEC_PER_SEC)

enum { OPT_PER = 0x100, OPT_SORT };

static const struct argp_option options[] = {
	{ "input", 'i', "FILE", 0, "Play FILE, a recording; - is stdin", 0 },
	{ "delay", 'd', "TIME", 0, "Length of an interval, e.g. 2, 500ms (default 1)", 0 },
	{ "batch", 'b', NULL, 0, "Print lines instead, for a log", 0 },
	{ "iterations", 'n', "N", 0, "End after N intervals", 0 },
	{ "sort", OPT_SORT, "COLUMN", 0,
	  "exits, guest, kvm, vmm, poll, halt, wait, throttled, block, mean, p99 or name", 0 },
	{ "per", OPT_PER, "vm|vcpu|reason|detail", 0, "With --batch: rows down to these (default vm)", 0 },
	{ 0 }
};

static const char *const levels[NR_TOP_LEVELS] = {
	[TOP_VMS] = "vm", [TOP_VCPUS] = "vcpu", [TOP_REASONS] = "reason", [TOP_DETAILS] = "detail",
};

static error_t parse_level(struct top_options *o, const char *arg)
{
	struct nearest n;

	nearest__begin(&n, arg, strlen(arg));
	o->has_per = true;
	for (u32 i = 0; i < NR_TOP_LEVELS; i++) {
		nearest__offer(&n, levels[i]);
		if (strcmp(arg, levels[i]))
			continue;
		o->per = i;
		return 0;
	}
	return usage_error("--per '%s': must be vm, vcpu, reason or detail%s", arg,
			   nearest__hint(&n));
}

static error_t cmd_top__parse_sort(struct top_options *o, const char *arg)
{
	struct nearest n;

	nearest__begin(&n, arg, strlen(arg));
	for (u32 i = 0; i < NR_TOP_COLUMNS; i++) {
		nearest__offer(&n, top_column__name(i));
		if (strcmp(arg, top_column__name(i)))
			continue;
		o->sort = i;
		return 0;
	}
	return usage_error("--sort '%s': no such column%s; there are exits, guest, kvm, vmm, poll, halt, wait, throttled, "
			   "block, mean, p99 and name", arg, nearest__hint(&n));
}

static error_t parse_delay(struct top_options *o, const char *arg)
{
	if (!parse_time(arg, &o->delay_ns) && o->delay_ns >= DELAY_MIN && o->delay_ns <= DELAY_MAX)
		return 0;
	return usage_error("--delay '%s': must be a time from 10ms to 24h, such as 2 or 500ms",
			   arg);
}

static error_t parse_iterations(struct top_options *o, const char *arg)
{
	if (!parse_u64(arg, &o->iterations) && o->iterations)
		return 0;
	return usage_error("--iterations '%s': must be a positive number", arg);
}

static error_t top_check(struct top_options *o)
{
	struct record_options *r = &o->stat.record;

	if (o->common.input && record_options__any_target(r))
		return usage_error("-i plays a recording: -p, --vm, -V and the like select running VMs");
	if (o->common.budget.max && !o->common.input)
		return usage_error("--memory is for -i: what is running is counted");
	if (o->common.input && !strcmp(o->common.input, "-") && !o->batch)
		return usage_error("-i -: keys come from standard input; --batch needs none");
	if (o->has_per && !o->batch)
		return usage_error("--per is for --batch; on the screen Enter shows what a row is made of");
	if (o->per == TOP_DETAILS && !o->common.input)
		return usage_error("--per detail: details are not counted, but recorded: -i FILE shows them");
	if (!o->batch && !terminal__is_there())
		return usage_error("this is not a terminal; --batch prints lines instead");
	r->all = r->all || !record_options__chooses(r);
	o->stat.interval_ns = o->delay_ns = o->delay_ns ?: NSEC_PER_SEC;
	return record_options__check_observed(r, "watch");
}

static error_t cmd_top__parse(int key, char *arg, struct argp_state *state)
{
	struct top_options *o = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &o->stat.record;
		state->child_inputs[1] = &o->common;
		return 0;
	case 'i':
		o->common.input = arg;
		return 0;
	case 'd':
		return parse_delay(o, arg);
	case 'b':
		o->batch = true;
		return 0;
	case 'n':
		return parse_iterations(o, arg);
	case OPT_SORT:
		return cmd_top__parse_sort(o, arg);
	case OPT_PER:
		return parse_level(o, arg);
	case ARGP_KEY_ARG:
		return usage_error("top: '%s' is not an option; -i plays a recording", arg);
	case ARGP_KEY_END:
		return top_check(o);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {
	{ &record_targets_argp, 0, NULL, 0 },
	{ &common_memory_argp, 0, NULL, 0 },
	{ 0 }
};

const struct argp top_argp = {
	.children = children,
	.options = options,
	.parser = cmd_top__parse,
	.doc = "Watch VMs, by default all: how often they exit, and where the time of their vCPUs goes."
	       "\vKeys: Enter shows what a row is made of, Esc goes back; h is help, q quits.",
};

/* ---- what is running ----------------------------------------------------------- */

static int live_begin(void *arg)
{
	struct top_ui *ui = arg;

	return top_ui__open(ui, ui->opt);
}

static int live_interval(void *arg, struct live *live, u32 event, u64 start_ns, u64 from_ns)
{
	struct report_options opt[2];
	struct live_report r;
	struct top_ui *ui = arg;
	int ret;

	top__options(&opt[0], event, false);
	top__reason_options(&opt[1], event);
	ret = live__report(live, from_ns, COUNTS_INTERVAL, opt, 2, &r) ?:
	      top__take(&ui->top, &r.rep[0], &r.rep[1], live->time_ns - start_ns);
	live__end_report(&r);
	return ret ?: top_ui__interval(ui);
}

static bool live_waits(void *arg)
{
	return ((const struct top_ui *)arg)->paused;
}

static int live_input(void *arg)
{
	struct top_ui *ui = arg;

	return ui->opt->batch ? 0 : top_ui__keys(ui);
}

static int cmd_top__watch(struct top_options *o)
{
	struct top_ui ui = { .opt = o };
	const struct stat_viewer viewer = {
		.arg = &ui, .fd = o->batch ? -1 : STDIN_FILENO, .begin = live_begin,
		.interval = live_interval,
		.waits = live_waits, .input = live_input,
	};
	int status;

	/* Before programs are attached for nobody. */
	if (!o->batch && terminal__check_type())
		return KVMW_FAILED;
	o->stat.viewer = &viewer;
	status = stat__run(&o->stat);
	top_ui__free(&ui);
	if (screen__close(&ui.screen))
		status = KVMW_FAILED;
	return status;
}

/* ---- a recording ----------------------------------------------------------------- */

/* A SIGWINCH that comes just before poll() does not interrupt it: it is seen by the next look. */
#define LOOK_MS		1000

/* Until an interval's time is over, as it was when it was recorded.  0; 1: to quit; -1 */
static int play_wait(struct top_ui *ui)
{
	u64 until = monotonic_ns() + ui->opt->delay_ns;

	for (;;) {
		struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
		u64 now = monotonic_ns();
		bool forever = ui->paused || ui->over;
		int wait_ms = LOOK_MS, ret;

		if (!forever && now >= until)
			return 0;
		if (!forever && until - now < LOOK_MS * 1000000ULL)
			wait_ms = (int)((until - now) / 1000000) + 1;
		if (poll(&input, 1, wait_ms) < 0 && errno != EINTR)
			return error("standard input: %s", strerror(errno));
		ret = top_ui__keys(ui);
		if (ret)
			return ret;
	}
}

static int play_interval(void *arg, const struct report *rep, const struct report *by_reason,
			 u64 end_ns)
{
	struct top_ui *ui = arg;
	int ret = top__take(&ui->top, rep, by_reason, end_ns) ?: top_ui__interval(ui);

	return ret || ui->opt->batch ? ret : play_wait(ui);
}

static void play_skipped(void *arg, u64 nr, u64 end_ns)
{
	struct top_ui *ui = arg;
	char line[sizeof(ui->message)];

	snprintf(line, sizeof(line), "... %llu empty interval%s, until %.1f s",
		 (unsigned long long)nr, nr == 1 ? "" : "s", end_ns / 1e9);
	if (ui->opt->batch)
		fprintf(ui->screen.out, "%s\n\n", line);
	else
		strcpy(ui->message, line);
}

/* After the last interval, which stays. */
static int play_end(struct top_ui *ui, const struct recording *rec, bool ended)
{
	if (!ui->nr_shown)
		return error("%s: contains no exits", rec->path);
	if (ui->opt->batch || ended)
		return 0;
	ui->over = true;
	return top_ui__draw(ui) || play_wait(ui) < 0 ? -1 : 0;
}

static int play_recording(struct top_ui *ui, struct recording *rec, struct data_reader *reader)
{
	const struct top_play play = {
		.rec = rec, .interval_ns = ui->opt->delay_ns,
		.stream = !data_reader__seekable(reader), .arg = ui,
		.interval = play_interval, .skipped = play_skipped,
	};
	int ret = top_play__read(&play, reader);

	if (ret >= 0 && play_end(ui, rec, ret))
		ret = -1;
	terminal__close(&ui->terminal);
	if (screen__close(&ui->screen))
		ret = -1;
	if (recording__close_reader(rec, reader, ret < 0) || ret < 0)
		return -1;
	/* Who had enough has not seen the rest. */
	return ret ? 0 :
	       recording__complain(rec) || common_args__check_budget(&ui->opt->common) ? -1 : 0;
}

static int play_file(struct top_options *o)
{
	struct data_reader *reader = common_args__open(&o->common, "top");
	struct recording *rec = NULL;
	struct top_ui ui = { .opt = o };
	int ret = -1;

	if (!reader)
		return -1;
	/* Which needs more than there is in the sandbox. */
	signal(SIGTSTP, SIG_IGN);
	if (top_ui__open(&ui, o)) {
		data_reader__close(reader);
		return -1;
	}
	sandbox__enter(SANDBOX_READ_SCREEN);
	rec = common_args__recording(&o->common, reader);
	if (rec)
		ret = play_recording(&ui, rec, reader);
	top_ui__free(&ui);
	recording__free(rec);
	return ret;
}

int cmd_top(int argc, const char **argv)
{
	struct top_options o = { .stat.record = { .argc = argc, .argv = argv } };
	int status = KVMW_USAGE;

	if (!options__parse(&top_argp, argc, argv, 0, &o))
		status = !o.common.input ? cmd_top__watch(&o) :
			 play_file(&o) ? KVMW_FAILED : KVMW_OK;
	common_args__free(&o.common);
	return status;
}
