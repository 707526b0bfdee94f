/* SPDX-License-Identifier: GPL-2.0 */
/* The commands that read recordings, for programs that call them without kvmw.c or a recorder. */
#ifndef KVMW_READING_COMMANDS_H
#define KVMW_READING_COMMANDS_H

#include "builtin.h"

#define READING_COMMANDS							\
	{ "report", cmd_report, "", &report_argp, NULL },			\
	{ "script", cmd_script, "", &script_argp, NULL },			\
	{ "info", cmd_info, "", &info_argp, NULL },				\
	{ "diff", cmd_diff, "", &diff_argp, NULL },				\
	{ "scrub", cmd_scrub, "", &scrub_argp, NULL },				\
	{ "cut", cmd_cut, "", &cut_argp, NULL },				\
	{ "merge", cmd_merge, "", &merge_argp, NULL }

#endif
