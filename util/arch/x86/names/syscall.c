// SPDX-License-Identifier: GPL-2.0
/* System calls that take their caller's memory, or let it sleep: entry/syscalls/syscall_64.tbl. */
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

static const struct name sleeps[] = {
	NAME(0, "read"),
	NAME(1, "write"),
	NAME(7, "poll"),
	NAME(16, "ioctl"),
	NAME(17, "pread64"),
	NAME(18, "pwrite64"),
	NAME(19, "readv"),
	NAME(20, "writev"),
	NAME(23, "select"),
	NAME(35, "nanosleep"),
	NAME(45, "recvfrom"),
	NAME(47, "recvmsg"),
	NAME(74, "fsync"),
	NAME(75, "fdatasync"),
	NAME(202, "futex"),
	NAME(208, "io_getevents"),
	NAME(230, "clock_nanosleep"),
	NAME(232, "epoll_wait"),
	NAME(270, "pselect6"),
	NAME(271, "ppoll"),
	NAME(281, "epoll_pwait"),
	NAME(295, "preadv"),
	NAME(296, "pwritev"),
	NAME(327, "preadv2"),
	NAME(328, "pwritev2"),
	NAME(426, "io_uring_enter"),
};

const struct name_table sleep_syscall_table = NAME_TABLE("system call that sleeps", sleeps);

const struct name_table syscall_table = NAME_TABLE("system call", calls);

const char *memory_syscall_name(u64 nr)
{
	return name_table__find(&syscall_table, nr, false);
}

const char *sleep_syscall_name(u64 nr)
{
	return name_table__find(&sleep_syscall_table, nr, false);
}
