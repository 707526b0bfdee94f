// SPDX-License-Identifier: GPL-2.0
/*
 * loadgen [--keep|--switch] ROWS [FILE]: made records for the recorder's own threads, as fast as
 * these take them.
 *
 * All that is behind the ring buffers is real: drain, totals, identities, sink, and the writer or
 * the window of --keep. What is before them is made instead (loadgen_session.h), and so is
 * CLOCK_MONOTONIC, which goes on with the records: a day of 100,000 a second passes in an hour or
 * less. VMs of four vCPUs come and go, a few records are lost, some cycles never end.
 *
 * With --keep, one exit near the end is long, and makes the last snapshot as a trigger does; FILE
 * is that one.
 *
 * The recording goes through a pipe to a process that counts it, of --switch in files, each of
 * which has to be right by itself; of --keep, snapshots are read when all is over. Whatever differs
 * from what was made, of any vCPU and reason, is said, and so is memory that grows, a descriptor
 * that stays open, a state that is not freed. Exit status 1 then.
 */
#include <dirent.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/loadgen_session.h"
#include "util/capture/drain.h"
#include "util/keep/series.h"
#include "util/keep/window.h"

#define KEEP_NS		(30 * NSEC_PER_SEC)
/* bytes; what is kept is 30 s of rows, and a little more */
#define KEEP_ROW 20
#define KEEP_MORE	(4 << 20)
/* From the second tenth to the last ones. */
#define FAULT		"total>50us"
#define MAY_GROW	0.05
#define MAY_GROW_MIB	1
#define NAME_BYTES	400	/* of a thread, which a series has to know in each file */

/* ---- a recording ------------------------------------------------------------ */

struct snapshot_made {
	char path[32];
	bool known;		/* what was made in its time */
	struct made from, to;
};

struct run {
	struct session *session;
	bool keeps, switches;
	int to;			/* the process that reads */
	struct data_writer *writer;
	struct keep_window window;
	struct keep_triggers triggers;
	int hit;		/* the trigger has fired */
	const char *last;	/* the last snapshot stays as this file; NULL: it does not */
	struct series series;
	char path[32];		/* of its file */
	struct sink *sink;
	struct drain *drain;
	struct snapshot_made snapshots[NR_SNAPSHOTS];
	u64 snapshot_rows;
};

/* What the last snapshot is made for: the long exit, and nothing else.  0 or -1. */
static int wait_for_fault(struct run *r, char **meta)
{
	struct keep_hit hit;
	u64 told;

	if (read(r->hit, &told, sizeof(told)) != sizeof(told))
		return -1;
	hit = keep_triggers__take(&r->triggers);
	if (told != 1 || strcmp(hit.why, FAULT))
		return fprintf(stderr, "loadgen: triggered %llu times, by '%s'\n",
			       (unsigned long long)told, hit.why), -1;
	free(*meta);
	return asprintf(meta, "{\"kvmw\":\"0\",\"trigger\":{\"what\":\"%s\",\"time_ns\":%llu}}",
			hit.why, (unsigned long long)hit.time_ns) < 0 ? -1 : 0;
}

/* As builtin-record-keep.c has them made.  0 or -1. */
static int make_snapshot(struct run *r, struct snapshot_made *made)
{
	struct keep_snapshot s = { .told = eventfd(0, EFD_CLOEXEC),
				   .meta = strdup("{\"kvmw\":\"0\"}") };
	bool last = made == &r->snapshots[NR_SNAPSHOTS - 1];
	u64 told;
	int fd, err;

	if ((last && wait_for_fault(r, &s.meta)) || sink__mark(r->sink, MARK_HOLD, NULL))
		return -1;
	drain__cut(r->drain);
	fd = mkostemp(made->path, O_CLOEXEC);
	s.writer = fd < 0 ? NULL : data_writer__new(fd, made->path, EVENTS);
	if (!s.writer || sink__mark(r->sink, MARK_SNAPSHOT, &s))
		return -1;
	if (read(s.told, &told, sizeof(told)) != sizeof(told))
		return -1;
	made->known = made_until(r->session, s.begin.time_ns, &made->from) &&
		      made_until(r->session, s.end.time_ns, &made->to);
	err = keep_snapshot__end(&s);
	close(s.told);
	return err;
}

/* Its rows are those that were made in its time, and no other. */
static int check_snapshot(struct run *r, const struct snapshot_made *made)
{
	struct tallies t = { 0 };
	int err = tallies__read(&t, made->path) || tallies__check(&t);
	struct made sum = { 0 };

	if (!r->last || made != &r->snapshots[NR_SNAPSHOTS - 1])
		unlink(made->path);
	else
		err |= rename(made->path, r->last);
	for (u32 i = 0; i < t.nr; i++) {
		sum.print += t.of[i].made.print;
		for (u32 k = 0; k < NR_KEYS; k++) {
			sum.sums[k].done += t.of[i].made.sums[k].done;
			sum.sums[k].lost += t.of[i].made.sums[k].lost;
			sum.sums[k].span_ns += t.of[i].made.sums[k].span_ns;
		}
	}
	for (u32 k = 0; k < NR_KEYS; k++) {
		const struct sums *a = &made->from.sums[k], *b = &made->to.sums[k],
				  *s = &sum.sums[k];

		if (s->done != b->done - a->done || s->lost != b->lost - a->lost ||
		    s->span_ns != b->span_ns - a->span_ns)
			err = fprintf(stderr, "loadgen: %s: event %u reason %#x: done %llu lost %llu, made %llu and %llu\n",
				      made->path, keys[k].event, keys[k].reason,
				      (unsigned long long)s->done,
				      (unsigned long long)s->lost,
				      (unsigned long long)(b->done - a->done),
				      (unsigned long long)(b->lost - a->lost));
	}
	if (!made->known || sum.print != made->to.print - made->from.print)
		err = fprintf(stderr, "loadgen: %s: its rows are not those of its time\n",
			      made->path);
	r->snapshot_rows += t.rows;
	free(t.of);
	return err ? -1 : 0;
}

/* Adds up what is in a file and right by itself, and removes it. */
static int add_file(struct tallies *all, const char *path)
{
	struct tallies t = { 0 };
	int err = tallies__read(&t, path) || tallies__check(&t);

	unlink(path);
	for (u32 i = 0; i < t.nr && !err; i++) {
		u32 id = i / NR_STATES * KVMW_MAX_VCPUS + i % NR_STATES;
		struct tally *to = tallies__of(all, id);

		err = !to;
		for (u32 k = 0; k < NR_KEYS && to; k++) {
			to->made.sums[k].count += t.of[i].made.sums[k].count;
			to->made.sums[k].done += t.of[i].made.sums[k].done;
			to->made.sums[k].lost += t.of[i].made.sums[k].lost;
			to->made.sums[k].span_ns += t.of[i].made.sums[k].span_ns;
		}
		if (to)
			to->made.print += t.of[i].made.print;
	}
	all->rows += t.rows;
	all->bytes += t.bytes;
	free(t.of);
	return err ? fprintf(stderr, "loadgen: %s is not right by itself\n", path) : 0;
}

/* Their names come by standard input. */
static int read_files(struct tallies *all)
{
	char path[64];
	u32 nr = 0;
	int err = 0;

	while (fgets(path, sizeof(path), stdin)) {
		path[strcspn(path, "\n")] = '\0';
		err |= add_file(all, path);
		nr++;
	}
	printf("%u files\n", nr);
	return err | (nr != NR_SNAPSHOTS + 1);
}

/* The other process: reads standard input to its end, and then what was made. */
static int check_recording(FILE *journal, bool switches)
{
	struct tallies t = { 0 };
	int err = switches ? read_files(&t) : tallies__read(&t, "-") || tallies__check(&t);
	u64 vcpus = 0, known = 0, bad = 0;
	struct made m;

	rewind(journal);
	while (fread(&m, sizeof(m), 1, journal) == 1) {
		struct tally *of = tallies__of(&t, m.id);

		vcpus += m.print != 0;	/* some are gone before they do anything */
		bad += !of || of->made.print != m.print ||
		       memcmp(of->made.sums, m.sums, sizeof(m.sums));
	}
	for (u32 i = 0; i < t.nr; i++)
		known += t.of[i].made.print != 0;
	if (err || bad || vcpus != known)
		err = fprintf(stderr, "loadgen: the recording has %llu vCPUs of %llu that were made, %llu of them are not as they "
			      "were\n", (unsigned long long)known, (unsigned long long)vcpus, (unsigned long long)bad);
	printf("%llu rows of %llu vCPUs as they were made, %.2f bytes a row\n",
	       (unsigned long long)t.rows, (unsigned long long)vcpus,
	       t.bytes / (t.rows + !t.rows * 1.0));
	free(t.of);
	return err ? 1 : 0;
}

/* The process that reads, and a file descriptor to write to; -1: there is none. */
static pid_t start_reader(FILE *journal, bool switches, int *to)
{
	int fd[2];
	pid_t pid;

	if (pipe2(fd, O_CLOEXEC))
		return -1;
	pid = fork();
	if (!pid) {
		close(fd[1]);
		dup2(fd[0], STDIN_FILENO);
		exit(check_recording(journal, switches));
	}
	close(fd[0]);
	*to = fd[1];
	return pid;
}

static int make_file(void *arg)
{
	struct run *r = arg;

	strcpy(r->path, "loadgen-XXXXXX");
	return mkostemp(r->path, O_CLOEXEC);
}

static int file_done(void *arg, const struct series_file *f)
{
	struct run *r = arg;

	return dprintf(r->to, "%s\n", r->path) < 0 || (f->number != NR_SNAPSHOTS + 1) != !f->last ?
	       -1 : 0;
}

static int open_output(struct run *r, const struct series_files *files)
{
	if (r->keeps) {
		u64 bytes = r->session->per_ring * 10ULL * NR_RINGS * 30 * KEEP_ROW + KEEP_MORE;

		if (keep_window__init(&r->window, bytes, KEEP_NS))
			return -1;
		keep_window__start(&r->window, START_NS);
		r->hit = eventfd(0, EFD_CLOEXEC);
		r->window.triggers = &r->triggers;
		r->session->faults = true;
		return keep_triggers__add(&r->triggers, FAULT) ||
		       keep_triggers__bind(&r->triggers, EVENTS, r->hit) ? -1 : 0;
	}
	if (r->switches) {
		if (series__open(&r->series, files))
			return -1;
		series__start(&r->series, START_NS);
		return 0;
	}
	r->writer = data_writer__new(r->to, "the pipe", EVENTS);
	return r->writer ? 0 : -1;
}

static int close_output(struct run *r, int err)
{
	if (r->switches)
		err |= sink__last(r->sink);
	err |= sink__finish(r->sink);
	if (r->keeps) {
		keep_window__free(&r->window);
		keep_triggers__free(&r->triggers);
		close(r->hit);
	} else if (r->switches)
		series__close(&r->series);
	else
		err |= data_writer__finish(r->writer) | data_writer__close(r->writer);
	if (r->switches)
		close(r->to);
	return err;
}

static int record(struct run *r)
{
	const struct series_files files = { make_file, file_done, r, "a file", EVENTS };
	int err = 0;

	if (open_output(r, &files))
		return -1;
	r->sink =
		sink__new(r->writer, r->keeps ? &r->window : NULL, r->switches ? &r->series : NULL);
	r->drain = r->sink ? drain__new(r->session, r->sink, 0, r->keeps || r->switches) : NULL;
	if (!r->drain || sink__json(r->sink, DATA_META, strdup("{\"kvmw\":\"0\"}")))
		return -1;
	for (u32 i = 0; i < NR_SNAPSHOTS && !sink__failed(r->sink); i++) {
		strcpy(r->snapshots[i].path, "loadgen-XXXXXX");
		sem_wait(&r->session->snapshot);
		err |= r->keeps ? make_snapshot(r, &r->snapshots[i]) : 0;
		if (r->switches)
			drain__next_file(r->drain, strdup("{\"kvmw\":\"0\"}"));
	}
	err |= drain__finish(r->drain, now_ns());
	for (u32 i = 0; i < NR_STATES; i++)
		if (r->session->states[i].tid)
			write_journal(r->session, i);
	fflush(r->session->journal);
	drain__free(r->drain);
	return close_output(r, err);
}

static u32 nr_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	u32 nr = 0;

	while (dir && readdir(dir))
		nr++;
	if (dir)
		closedir(dir);
	return nr;
}

static double seconds(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* Bytes: the names that a series knows. */
static double known_growth(const struct run *r)
{
	u64 names = r->session->rows / 1024;

	return r->switches ? NAME_BYTES * (names < IDENTITY_MAX ? names : IDENTITY_MAX) : 0;
}

/* Of the last tenths: batches that wait on a busy machine are no growth. */
static u64 resident_at_end(const struct session *s)
{
	u64 least = s->rss[9];

	for (u32 i = 7; i < 9; i++)
		least = s->rss[i] < least ? s->rss[i] : least;
	return least;
}

static int say(const struct session *s, const struct run *r, double wall, double cpu, u32 before,
	       u32 after)
{
	double mib = sysconf(_SC_PAGESIZE) / 1048576.0, made_s = (now_ns() - START_NS) / 1e9;
	double limit = s->rss[1] * mib * (1 + MAY_GROW) + MAY_GROW_MIB + known_growth(r) / 1048576;
	int err = 0;

	printf("%s: %llu rows of %.0f s in %.1f s, %.1f s of CPU time: %.2f million a second\n",
	       r->keeps ? "keep" : r->switches ? "switch" : "file", (unsigned long long)s->rows,
	       made_s, wall, cpu, s->rows / wall / 1e6);
	printf("at most %u states; %u descriptors, then %u; resident in each tenth, MiB at least:",
	       s->used, before, after);
	for (u32 i = 0; i < ARRAY_SIZE(s->rss); i++)
		printf(" %.1f", s->rss[i] * mib);
	printf("\n");
	if (resident_at_end(s) * mib > limit)
		err = fprintf(stderr, "loadgen: its memory grows: %.1f MiB would do\n", limit);
	if (before != after)
		err = fprintf(stderr, "loadgen: descriptors stay open\n");
	if (s->late)
		err = fprintf(stderr, "loadgen: states that ended are not freed\n");
	return err;
}

int main(int argc, char **argv)
{
	static struct run r = { .session = &session };
	u64 rows;
	double wall = seconds(CLOCK_REALTIME);
	u32 before, after;
	int err, status = 0;
	pid_t reader = 0;

	r.keeps = argc >= 3 && !strcmp(argv[1], "--keep");
	r.switches = argc == 3 && !strcmp(argv[1], "--switch");
	argv += r.keeps || r.switches;
	argc -= r.keeps || r.switches;
	rows = argc > 1 ? strtod(argv[1], NULL) : 0;
	r.last = argc == 3 && r.keeps ? argv[2] : NULL;
	if (argc != 2 + !!r.last || rows < 100000) {
		fprintf(stderr, "usage: loadgen [--keep|--switch] ROWS [FILE], at least 1e5; FILE is for --keep\n");
		return 2;
	}
	/* Batches go back to the kernel: what is resident when few of them wait is what is kept. */
	mallopt(M_MMAP_THRESHOLD, 1 << 18);
	session__make(&session, rows);
	before = nr_descriptors();
	if (!r.keeps)
		reader = start_reader(session.journal, r.switches, &r.to);
	err = reader < 0 || record(&r);
	after = nr_descriptors();
	err |= say(&session, &r, seconds(CLOCK_REALTIME) - wall, seconds(CLOCK_PROCESS_CPUTIME_ID),
		   before, after);
	if (reader > 0 && (waitpid(reader, &status, 0) < 0 || status))
		err = 1;
	for (u32 i = 0; i < NR_SNAPSHOTS && r.keeps; i++)
		err |= check_snapshot(&r, &r.snapshots[i]);
	if (r.keeps)
		printf("%llu rows in %d snapshots as they were made\n",
		       (unsigned long long)r.snapshot_rows, NR_SNAPSHOTS);
	return err ? 1 : 0;
}
