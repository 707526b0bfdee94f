// SPDX-License-Identifier: GPL-2.0
/* kvmw info: options, wiring, exit status. */
#include <argp.h>
#include <errno.h>

#include "builtin.h"
#include "util/error.h"
#include "util/render/render.h"

enum { OPT_JSON = 0x100, OPT_NO_PAGER };

static const struct argp_option options[] = {
	{ "input", 'i', "FILE", 0, "Read FILE (default kvmw.data); - is stdin", 0 },
	{ "verbose", 'v', NULL, 0, "Also show the sizes and encodings of the columns", 0 },
	{ "json", OPT_JSON, NULL, 0, "Print one JSON object, including the columns", 0 },
	{ "no-pager", OPT_NO_PAGER, NULL, 0, "Do not use a pager", 0 },
	{ 0 },
};

struct args {
	const char *input;
	bool verbose, json, no_pager;
};

static error_t cmd_info__parse(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	switch (key) {
	case 'i':
		args->input = arg;
		return 0;
	case 'v':
		args->verbose = true;
		return 0;
	case OPT_JSON:
		args->json = true;
		return 0;
	case OPT_NO_PAGER:
		args->no_pager = true;
		return 0;
	case ARGP_KEY_ARG:
		error("info: unexpected argument '%s'; use -i FILE for the recording", arg);
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int info(const struct args *args, struct recording *rec, struct data_reader *reader)
{
	struct recording_info inv;
	struct screen s;
	int ret = recording_info__read(reader, rec, &inv);

	if (!ret) {
		screen__open(&s, 0, !args->no_pager && !args->json);
		if (args->json)
			ret = render__info_json(&s, rec, &inv);
		else
			render__info(&s, rec, &inv, args->verbose);
		if (screen__close(&s) || recording__complain(rec))
			ret = -1;
	}
	recording_info__free(&inv);
	return ret;
}

const struct argp info_argp = {
	.options = options,
	.parser = cmd_info__parse,
	.doc = "Show what a recording contains: where it comes from, its VMs and vCPUs, its "
	       "frames and their sizes, and what is missing.",
};

int cmd_info(int argc, const char **argv)
{
	struct args args = { .input = "kvmw.data" };
	struct data_reader *reader;
	struct recording *rec;
	int ret = KVMW_FAILED;

	if (argp_parse(&info_argp, argc, (char **)argv, 0, NULL, &args))
		return KVMW_USAGE;
	reader = data_reader__open(args.input);
	if (!reader)
		return KVMW_FAILED;
	rec = recording__new(args.input);
	if (rec)
		ret = info(&args, rec, reader) ? KVMW_FAILED : KVMW_OK;
	recording__free(rec);
	return ret;
}
