// SPDX-License-Identifier: GPL-2.0
/* Options that say where the guest's symbols are; perf kvm's names for two of them are synonyms. */
#include <errno.h>

#include "builtin-common.h"
#include "util/error.h"
#include "util/parse.h"
#include "util/analysis/where.h"
#include "util/symbols/guest_symbols.h"

#define PAGE_OFFSET_MASK 0xfffULL

enum { OPT_KALLSYMS = 0x240, OPT_MAP, OPT_IMAGE, OPT_MODULES, OPT_KASLR };

static const struct argp_option symbols_options[] = {
	{ NULL, 0, NULL, 0, "Symbols of the guest:", 5 },
	{ "guest-kallsyms", OPT_KALLSYMS, "FILE", 0, "A copy of the guest's /proc/kallsyms", 5 },
	{ "guestkallsyms", OPT_KALLSYMS, NULL, OPTION_ALIAS | OPTION_HIDDEN, NULL, 5 },
	{ "guest-map", OPT_MAP, "FILE", 0, "System.map of its kernel, or a perf-PID.map", 5 },
	{ "guest-vmlinux", OPT_IMAGE, "FILE", 0, "vmlinux of its kernel, or vmlinuz beside --guest-map; or "
	  "the ELF file of another guest", 5 },
	{ "guestvmlinux", OPT_IMAGE, NULL, OPTION_ALIAS | OPTION_HIDDEN, NULL, 5 },
	{ "guest-modules", OPT_MODULES, "FILE", 0, "A copy of its /proc/modules: where modules end", 5 },
	{ "guestmodules", OPT_MODULES, NULL, OPTION_ALIAS | OPTION_HIDDEN, NULL, 5 },
	{ "guest-kaslr", OPT_KASLR, "OFFSET", 0, "Add OFFSET to the addresses of --guest-map and "
	  "--guest-vmlinux; readers find it by comparing --guest-vmlinux with the exits", 5 },
	{ 0 },
};

static error_t parse_slide(struct guest_symbol_files *files, const char *arg)
{
	const char *p = arg;

	files->has_slide = true;
	if (!parse_number(&p, 0, UINT64_MAX, &files->slide) && !*p &&
	    !(files->slide & PAGE_OFFSET_MASK))
		return 0;
	return usage_error("--guest-kaslr '%s': must be a multiple of 4096, such as 0x1c000000",
			   arg);
}

static error_t symbols__parse(int key, char *arg, struct argp_state *state)
{
	struct guest_symbol_files *files = state->input;

	switch (key) {
	case OPT_KALLSYMS:
		files->kallsyms = arg;
		return 0;
	case OPT_MAP:
		files->map = arg;
		return 0;
	case OPT_IMAGE:
		files->image = arg;
		return 0;
	case OPT_MODULES:
		files->modules = arg;
		return 0;
	case OPT_KASLR:
		return parse_slide(files, arg);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp common_symbols_argp = { .options = symbols_options, .parser = symbols__parse };

bool guest_symbol_files__any(const struct guest_symbol_files *files)
{
	return files->kallsyms || files->map || files->image || files->modules;
}

int guest_symbol_files__check(const struct guest_symbol_files *files)
{
	return !files->slide || files->map || files->image ? 0 :
	       error("--guest-kaslr: needs --guest-map or --guest-vmlinux; addresses of --guest-kallsyms "
		     "include the offset already");
}

error_t common_args__bind_where(struct common_args *args, u32 events)
{
	return args->where && where__bind(args->where, events) ? EINVAL : 0;
}

int common_args__read_symbols(struct common_args *args)
{
	const struct guest_symbol_files *files = &args->symbol_files;

	if (guest_symbol_files__check(files))
		return -1;
	if (!guest_symbol_files__any(files))
		return 0;
	args->symbols = guest_symbols__read(files);
	if (args->where)
		where__use_symbols(args->where, args->symbols);
	return args->symbols ? 0 : -1;
}

int common_args__check_symbols(const struct common_args *args, const struct recording *rec)
{
	return args->symbols || rec->has_symbols || !args->where ? 0 :
	       where__without_symbols(args->where);
}
