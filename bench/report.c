// SPDX-License-Identifier: GPL-2.0
/* How fast a recording is read: this program again, as a user would run it. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/rows.h"
#include "util/data/data.h"
#include "util/error.h"
#include "util/render/screen.h"

#define MAX_ARGS	6

struct reading {
	const char *args[MAX_ARGS];	/* "FILE" comes last */
};

static const struct reading readings[] = {
	{ { "report", "--sort", "reason" } },
	{ { "report", "--sort", "reason,vcpu" } },
	{ { "report" } },
	{ { "script" } },
};

/* -1: it cannot be read. */
static s64 bench_rows_of(const char *path)
{
	struct data_reader *r = data_reader__open(path);
	struct data_frame *f;
	s64 rows = 0;
	int ret;

	if (!r)
		return -1;
	while ((ret = data_reader__next(r, &f)) == 1) {
		rows += f->type == DATA_EVENTS ? f->rows : 0;
		data_frame__put(f);
	}
	data_reader__close(r);
	return ret ? -1 : rows;
}

static void become(const struct reading *what, const char *path)
{
	const char *argv[MAX_ARGS + 4] = { "kvmw" };
	int n = 1, null = open("/dev/null", O_RDWR);

	for (; what->args[n - 1]; n++)
		argv[n] = what->args[n - 1];
	argv[n++] = "-i";
	argv[n] = path;
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
		_exit(KVMW_FAILED);
	execv("/proc/self/exe", (char **)argv);
	_exit(KVMW_FAILED);
}

/* Its CPU time in seconds, or -1 after error(); *kib: its greatest resident size. */
static double run(const struct reading *what, const char *path, long *kib)
{
	struct rusage usage;
	pid_t child = fork();
	int status;

	if (child < 0)
		return error("bench report: cannot start a process: %s", strerror(errno));
	if (!child)
		become(what, path);
	if (wait4(child, &status, 0, &usage) < 0 || status)
		return error("bench report: kvmw %s -i %s failed", what->args[0], path);
	*kib = usage.ru_maxrss;
	return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec +
	       (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

int bench_report(struct screen *s, const char *path, u32 times)
{
	s64 rows = bench_rows_of(path);

	if (rows <= 0)
		return rows ? -1 : error("%s: no events, so nothing to measure", path);
	fprintf(s->out, "%lld events; the least CPU time of %u runs\n\n%-34s %9s %12s %8s\n",
		(long long)rows, times, "", "s", "M events/s", "MiB");
	for (u32 i = 0; i < ARRAY_SIZE(readings); i++) {
		double least = 0;
		char what[64] = "";
		long kib = 0;

		for (u32 k = 0; k < times; k++) {
			double seconds = run(&readings[i], path, &kib);

			if (seconds < 0)
				return -1;
			least = !k || seconds < least ? seconds : least;
		}
		for (u32 k = 0; readings[i].args[k]; k++)
			snprintf(what + strlen(what), sizeof(what) - strlen(what), " %s",
				 readings[i].args[k]);
		fprintf(s->out, "kvmw%-30s %9.3f %12.2f %8.1f\n", what, least,
			least ? rows / least / 1e6 : 0, kib / 1024.0);
	}
	return 0;
}
