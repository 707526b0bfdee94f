// SPDX-License-Identifier: GPL-2.0
/* kvmw info: options, wiring, exit status. */
#include <argp.h>
#include <errno.h>

#include "builtin-common.h"
#include "builtin-options.h"
#include "builtin.h"
#include "util/error.h"
#include "util/render/render.h"
#include "util/sandbox.h"

static const struct argp_option options[] = {
	{ "verbose", 'v', NULL, 0, "Also show the parameters of KVM, how the VMs are set up, their memory and threads, and the columns of the frames", 4 },
	{ 0 },
};

struct args {
	struct common_args common;
	bool verbose;
};

static error_t cmd_info__parse(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = state->child_inputs[1] = &args->common;
		return 0;
	case 'v':
		args->verbose = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int info(struct args *args, struct recording *rec, struct data_reader *reader)
{
	struct recording_info inv;
	struct screen s;
	int ret;

	screen__open(&s, 0, !args->common.no_pager && args->common.format == OUTPUT_TEXT);
	sandbox__enter(SANDBOX_READ);
	ret = recording_info__read(reader, rec, &inv);
	if (!ret) {
		if (args->common.format == OUTPUT_JSON)
			ret = render__info_json(&s, rec, &inv);
		else
			ret = render__info(&s, rec, &inv, args->verbose);
		if (screen__close(&s) || recording__complain(rec) ||
		    common_args__check_budget(&args->common))
			ret = -1;
	}
	screen__close(&s);
	recording_info__free(&inv);
	return ret;
}

static const struct argp_child children[] = {
	{ &common_input_argp, 0, NULL, 0 },
	{ &common_output_argp, 0, NULL, 0 },
	{ 0 },
};

const struct argp info_argp = {
	.children = children,
	.options = options,
	.parser = cmd_info__parse,
	.doc = "Show what a recording contains: where it comes from, its VMs and vCPUs, its "
	       "frames and their sizes, and what is missing.",
};

int cmd_info(int argc, const char **argv)
{
	struct args args = { .verbose = false };
	struct data_reader *reader;
	struct recording *rec;
	int ret = KVMW_FAILED;

	if (options__parse(&info_argp, argc, argv, 0, &args))
		return KVMW_USAGE;
	reader = common_args__open(&args.common, "info");
	if (!reader)
		return KVMW_FAILED;
	rec = common_args__recording(&args.common, reader);
	if (rec)
		ret = info(&args, rec, reader) ? KVMW_FAILED : KVMW_OK;
	recording__free(rec);
	return ret;
}
