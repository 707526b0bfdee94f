// SPDX-License-Identifier: GPL-2.0
/* Where the guest's kernel was, for the options that name its symbols. */
#include "builtin-common.h"
#include "util/analysis/kaslr.h"
#include "util/error.h"
#include "util/recording/recording.h"
#include "util/symbols/guest_code.h"

static int judge(struct guest_symbol_files *files, const char *recording, const struct kaslr *k)
{
	if (k->of && !k->certain)
		return error("%s: cannot tell where the guest's kernel was: at offset %#llx, %u of %u instructions are "
			     "those of %s, at the next best %u; if it is that kernel, give --guest-kaslr=OFFSET: _text "
			     "in the guest's /proc/kallsyms less _text in its files", recording,
			     (unsigned long long)k->slide, k->fits, k->of, files->image, k->next);
	files->has_slide = k->of;
	files->slide = k->slide;
	if (k->of)
		notice("the guest's kernel was at offset %#llx: %u of %u instructions are those of %s, at the "
		       "next best %u", (unsigned long long)k->slide, k->fits, k->of, files->image, k->next);
	return 0;
}

static int find_kaslr_of(struct common_args *args, const struct guest_code *code, const char *command)
{
	struct data_reader *reader;
	struct recording *rec;
	struct kaslr k;
	int ret;

	reader = common_args__open(args, command);
	if (!reader)
		return -1;
	if (!data_reader__seekable(reader)) {
		data_reader__close(reader);
		return error("%s cannot be read twice, to find where the guest's kernel was; save it to a file, or "
			     "give --guest-kaslr", common_args__input(args));
	}
	rec = recording__new(common_args__input(args));
	if (!rec) {
		data_reader__close(reader);
		return -1;
	}
	recording__draw_from(rec, &args->budget);
	ret = kaslr__find(&k, reader, rec, code) ?: judge(&args->symbol_files, rec->path, &k);
	recording__free(rec);
	return ret;
}

int common_args__find_kaslr(struct common_args *args, const char *command)
{
	struct guest_symbol_files *files = &args->symbol_files;
	struct guest_code *code;
	int ret = 0;

	if (!files->image || files->has_slide)
		return 0;
	code = guest_code__read(files->image);
	if (!code)
		return -1;
	if (guest_code__of_kernel(code))
		ret = find_kaslr_of(args, code, command);
	guest_code__free(code);
	return ret;
}
