// SPDX-License-Identifier: GPL-2.0
#include "builtin-common.h"
#include "builtin-record-symbols.h"
#include "util/capture/sudo.h"
#include "util/error.h"
#include "util/symbols/guest_code.h"

/* Only a finished recording shows where KASLR put a kernel. */
static int check_place(const struct guest_symbol_files *files)
{
	struct guest_code *code;
	bool unknown;

	if (!files->image || files->has_slide)
		return 0;
	code = guest_code__read(files->image);
	if (!code)
		return -1;
	unknown = guest_code__of_kernel(code);
	guest_code__free(code);
	return !unknown ? 0 :
	       error("--guest-vmlinux %s: kvmw record cannot find out where this kernel is in the guest: give "
		     "--guest-kaslr=OFFSET (0: KASLR is off) or --guest-kallsyms, or give it to kvmw report",
		     files->image);
}

int record_symbols__read(const struct guest_symbol_files *files, struct guest_symbols **symbols)
{
	struct sudo_user user;
	struct sudo_self self;
	bool act = sudo__user(&user);

	*symbols = NULL;
	if (guest_symbol_files__check(files))
		return -1;
	if (!guest_symbol_files__any(files))
		return 0;
	/* Otherwise messages about a file would reveal its content. */
	if (act && !sudo__act_as(&user, &self))
		return error("cannot read files as user %u, for whom sudo runs this", user.uid);
	if (!check_place(files))
		*symbols = guest_symbols__read(files);
	if (act)
		sudo__act_as_self(&self);
	return *symbols ? 0 : -1;
}
