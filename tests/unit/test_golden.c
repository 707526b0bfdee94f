// SPDX-License-Identifier: GPL-2.0
/*
 * Every golden and every hostile file through the commands that read, with all kinds of options.
 * What may fail is the program itself: with SAN=1 it speaks of the first byte that is not its own,
 * and of arithmetic that C does not define. Without, only the small files, and any other test would
 * see more.
 */
#include <fcntl.h>
#include <glob.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/reading_commands.h"
#include "util/event_desc.h"
#include "util/symbols/demangler.h"

static struct demangler *start_demangler(void);
static void end_demangler(struct demangler *d);

#define demangler__start	start_demangler
#define demangler__end		end_demangler
/* NOLINTNEXTLINE(bugprone-suspicious-include): commands are to call what is below instead */
#include "util/symbols/demangler.c"
#undef demangler__start
#undef demangler__end

#define MAX_ARGS	16
#define MAX_LINE	128

#ifdef __SANITIZE_ADDRESS__
#define MAX_SIZE	(1L << 30)
#else
#define MAX_SIZE	(8L << 10)
#endif

const struct command commands[] = {
	READING_COMMANDS,
	{ "top", cmd_top, "", &top_argp, NULL },
	{ NULL, NULL, NULL, NULL, NULL }
};

/* What any file is read with; those that are hostile with nothing else, since they take long. */
static const char *const plain[] = {
	"info", "script --max-events=10", "report --outliers=5 --time=0,0.001",
	"top --batch --delay=500ms --per=detail -i",
};

static const char *const full[] = {
	"report", "report -v --hist --color=always", "report --json", "report --csv -s vm,vcpu", "report --top=3 --width=60",
	"report --where=total>1us&&reason!=hlt -s port,msr,vector,cpu,access --json", "report --fields=p999,rate,stddev",
	"report --interval=10ms", "report --interval=1ms --csv -e fault", "report --time=10%,90% -s halted,nested",
	"report --vcpu=0-3 --vm=1-99999 --reason=io,npf,hlt --percent-limit=5", "report --outliers=20",
	"report --outliers=5 --json -e sched", "report --outliers=5 -e irq", "report --memory=1M -s rip,detail",
	"report -e dirty --link=1G,10G --downtime=1ms", "script", "script --json", "script --csv", "script -F +comm,-cpu --clock=wall",
	"script -e raw --json", "script --where=cpu==0||tid!=1 --clock=mono", "script --min-duration=1us --time=0,1",
	"info -v", "info --json", "diff", "diff --json -s reason,vcpu", "diff -e irq --csv", "diff --fail-if=p99(total)>+20%",
	"scrub", "scrub --keep=names,raw,stacks --no-addresses",
	"merge -o /dev/null", "cut -o /dev/null --time=10%,60%", "cut -o /dev/null --vcpu=0 --vm=1-99999 -e exit,irq",
};

static const char *const sorts[] = { "-s reason,user,detail --hist",
				     "-s vcpu,tid,cpu --order=p99 --json", "-s time --csv" };

/* In place of the C library's: no wall around a process that reads one file after another. */
int prctl(int option, ...)
{
	return -1;
}

/*
 * One demangler for all commands.  After a fork, memory is write-protected: what ASan keeps of
 * memory that was freed took a page fault for each page, 8 MB of them for each command.
 */
static struct demangler *demangler;

struct demangler *demangler__start(void)
{
	demangler = demangler ?: start_demangler();
	return demangler;
}

void demangler__end(struct demangler *d)
{
}

static int end_group(void **state)
{
	end_demangler(demangler);
	return 0;
}

static int run_command(char *line, const char *path)
{
	const struct command *c = commands;
	const char *argv[MAX_ARGS] = { NULL };
	int argc = 0;

	for (char *save = NULL, *word = strtok_r(line, " ", &save); word;
	     word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	while (c->name && strcmp(c->name, argv[0]))
		c++;
	assert_non_null(c->name);
	argv[argc++] = path;
	if (c->run == cmd_diff || c->run == cmd_scrub || c->run == cmd_merge)
		argv[argc++] = c->run == cmd_scrub ? "/dev/null" : path;
	return c->run(argc, argv);
}

static int said, err;		/* what is said on standard error, and where it leads else */

/* NOLINTBEGIN(bugprone-reserved-identifier): the sanitizers' names */
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

const char *__asan_default_options(void)
{
	return "abort_on_error=1";
}

const char *__ubsan_default_options(void)
{
	return "abort_on_error=1";
}
/* NOLINTEND(bugprone-reserved-identifier) */

/* A sanitizer ends the program, and has said why where nobody looks. */
static void say_last_words(int signal)
{
	char words[4096];
	ssize_t n;

	lseek(said, 0, SEEK_SET);
	while ((n = read(said, words, sizeof(words))) > 0 && write(err, words, n) == n) {}
	_exit(1);
}

/* Of children, too. */
static void check(const char *options, const char *path)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC), out = dup(STDOUT_FILENO), status;
	char line[MAX_LINE], errors[64 << 10];
	ssize_t size;

	said = memfd_create("errors", MFD_CLOEXEC);
	err = dup(STDERR_FILENO);
	assert_true(said >= 0 && null >= 0 && out >= 0 && err >= 0);
	snprintf(line, sizeof(line), "%s", options);
	dprintf(said, "kvmw %s %s\n", options, path);
	dup2(null, STDOUT_FILENO);
	dup2(said, STDERR_FILENO);
	status = run_command(line, path);
	fflush(stdout);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	close(out);
	close(err);
	close(null);
	size = pread(said, errors, sizeof(errors) - 1, 0);
	close(said);
	assert_true(size >= 0);
	errors[size] = '\0';
	if (status == 2 || strstr(errors, "Sanitizer") || strstr(errors, "runtime error"))
		fail_msg("%d: %s", status, errors);
}

static void check_events(const char *path)
{
	static const char *const how[] = { "-v", "--json", "--csv --top=4",
					   "--hist -s detail,vcpu --where=vcpu<64" };
	char line[MAX_LINE];

	for_each_named_event(event) {
		for (size_t i = 0; i < ARRAY_SIZE(how); i++) {
			snprintf(line, sizeof(line), "report -e %s %s", event->name, how[i]);
			check(line, path);
		}
		for (size_t i = 0; i < ARRAY_SIZE(sorts); i++) {
			snprintf(line, sizeof(line), "report -e %s %s", event->name, sorts[i]);
			check(line, path);
		}
		snprintf(line, sizeof(line), "script -e %s --max-events=2000", event->name);
		check(line, path);
	}
}

static u32 check_files(const char *pattern, bool hostile)
{
	glob_t found;
	u32 nr = 0;

	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *path = found.gl_pathv[i];
		struct stat st;

		assert_false(stat(path, &st));
		if (st.st_size > MAX_SIZE)
			continue;
		nr++;
		for (size_t k = 0; k < ARRAY_SIZE(plain); k++)
			check(plain[k], path);
		for (size_t k = 0; !hostile && k < ARRAY_SIZE(full); k++)
			check(full[k], path);
		if (!hostile)
			check_events(path);
	}
	globfree(&found);
	return nr;
}

static void test_golden(void **state)
{
	assert_true(check_files("tests/data/*.kvmw", false));
}

static void test_hostile(void **state)
{
	assert_true(check_files("tests/data/hostile/*.kvmw", true));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_golden),
					    cmocka_unit_test(test_hostile) };

	signal(SIGABRT, say_last_words);
	return cmocka_run_group_tests(tests, NULL, end_group);
}
