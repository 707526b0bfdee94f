// SPDX-License-Identifier: GPL-2.0
/* Where the guest's kernel was, for the options that name its symbols. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "builtin-common.h"
#include "util/analysis/kaslr.h"
#include "util/error.h"
#include "util/recording/recording.h"
#include "util/sandbox.h"
#include "util/symbols/guest_code.h"

static int judge(struct guest_symbol_files *files, const char *recording, const struct kaslr *k)
{
	if (k->of && !k->certain)
		return error("%s: cannot tell where the guest's kernel was: at offset %#llx, %u of %u instructions are "
			     "those of %s, at the next best %u; if it is that kernel, give --guest-kaslr=OFFSET: _text "
			     "in the guest's /proc/kallsyms minus _text in its files", recording,
			     (unsigned long long)k->slide, k->fits, k->of, files->image, k->next);
	files->has_slide = k->of;
	files->slide = k->slide;
	if (k->of)
		notice("the guest's kernel was at offset %#llx: %u of %u instructions are those of %s, at the "
		       "next best %u", (unsigned long long)k->slide, k->fits, k->of, files->image, k->next);
	return 0;
}

/* In a child behind the wall: symbol files are opened after it. */
static int find_apart(const struct common_args *args, struct kaslr *k, struct data_reader *r,
		      struct recording *rec, const struct guest_code *code)
{
	int fds[2], status;
	pid_t child;

	if (pipe2(fds, O_CLOEXEC)) {
		data_reader__close(r);
		return error("cannot create a pipe: %s", strerror(errno));
	}
	child = fork();
	if (!child) {
		sandbox__enter(SANDBOX_READ);
		_exit(kaslr__find(k, r, rec, code) || write(fds[1], k, sizeof(*k)) != sizeof(*k) ?
		      1 : 0);
	}
	status = common_args__wait(args, child);
	if (!status && read(fds[0], k, sizeof(*k)) != sizeof(*k))
		status = -1;
	close(fds[0]);
	close(fds[1]);
	data_reader__close(r);
	return status ? -1 : 0;
}

static int find_kaslr_of(struct common_args *args, const struct guest_code *code,
			 const char *command)
{
	struct data_reader *reader;
	struct recording *rec;
	struct kaslr k;
	bool is_file;
	int ret;

	reader = common_args__open_file(args, command, &is_file);
	if (!is_file)
		error("%s cannot be read twice, to find where the guest's kernel was; save it to a file, or give "
		      "--guest-kaslr", common_args__name(args));
	if (!reader)
		return -1;
	rec = recording__new(common_args__input(args));
	if (!rec) {
		data_reader__close(reader);
		return -1;
	}
	recording__draw_from(rec, &args->budget);
	ret = find_apart(args, &k, reader, rec, code) ?: judge(&args->symbol_files, rec->path, &k);
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
