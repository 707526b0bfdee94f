/* SPDX-License-Identifier: GPL-2.0 */
/* The subcommands. Each parses its own options and returns the exit status. */
#ifndef KVMW_BUILTIN_H
#define KVMW_BUILTIN_H

int cmd_record(int argc, const char **argv);
int cmd_report(int argc, const char **argv);
int cmd_script(int argc, const char **argv);
int cmd_list(int argc, const char **argv);
int cmd_info(int argc, const char **argv);
int cmd_bench(int argc, const char **argv);

#endif
