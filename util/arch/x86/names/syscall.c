// SPDX-License-Identifier: GPL-2.0
/* System calls that take memory from their caller: arch/x86/entry/syscalls/syscall_64.tbl. */
#include "util/arch/names.h"
#include "util/arch/x86/names/table.h"

static const struct name calls[] = {
	NAME(9, "mmap"),
	NAME(10, "mprotect"),
	NAME(11, "munmap"),
	NAME(12, "brk"),
	NAME(25, "mremap"),
	NAME(28, "madvise"),
	NAME(30, "shmat"),
	NAME(60, "exit"),
	NAME(67, "shmdt"),
	NAME(76, "truncate"),
	NAME(77, "ftruncate"),
	NAME(216, "remap_file_pages"),
	NAME(231, "exit_group"),
	NAME(237, "mbind"),
	NAME(256, "migrate_pages"),
	NAME(279, "move_pages"),
	NAME(285, "fallocate"),
	NAME(329, "pkey_mprotect"),
	NAME(440, "process_madvise"),
};

const struct name_table syscall_table = NAME_TABLE("system call", calls);

const char *memory_syscall_name(u64 nr)
{
	return name_table__find(&syscall_table, nr, false);
}
