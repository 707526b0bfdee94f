// SPDX-License-Identifier: GPL-2.0
/*
 * Rows printed by several threads, into memory, and written in their order. One thread decodes
 * frames and puts rows in order; whenever it has to wait for the oldest job, it does one itself.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "util/analysis/script_internal.h"
#include "util/array.h"
#include "util/cpus.h"

#define JOB_ROWS	512u		/* some 100 KB of lines */
#define MAX_THREADS	7u
#define NR_JOBS		(2 * (MAX_THREADS + 1))

struct segment {
	struct slice *slice;	/* held */
	u32 from, to;
};

struct job {
	struct script *sc;	/* its own; what the rows are printed by only looks at the rest */
	struct script_output output;
	struct script_result result;
	struct segment *segment;
	u32 nr, room, rows;
	int ret;
	bool done;
};

/* Jobs follow each other in a ring: from tail on they are done or being done, from next on wait. */
struct script_jobs {
	struct script *sc;
	pthread_mutex_t lock;
	pthread_cond_t filled, done;
	struct job job[NR_JOBS];
	u32 tail, next, head;
	bool end;
	bool broken;		/* what follows would lack what precedes it */
	pthread_t thread[MAX_THREADS];
	u32 nr_threads, max_threads;
};

static struct job *job_at(struct script_jobs *jobs, u32 at)
{
	return &jobs->job[at % NR_JOBS];
}

static void do_job(struct job *job)
{
	for (u32 i = 0; !job->ret && i < job->nr; i++)
		job->ret = script__give(job->sc, job->segment[i].slice, job->segment[i].from,
					job->segment[i].to);
}

/* Called with the lock held. */
static void do_next(struct script_jobs *jobs)
{
	struct job *job = job_at(jobs, jobs->next++);

	pthread_mutex_unlock(&jobs->lock);
	do_job(job);
	pthread_mutex_lock(&jobs->lock);
	job->done = true;
	pthread_cond_signal(&jobs->done);
}

static void *do_jobs(void *arg)
{
	struct script_jobs *jobs = arg;

	pthread_mutex_lock(&jobs->lock);
	while (!jobs->end || jobs->next != jobs->head)
		if (jobs->next != jobs->head)
			do_next(jobs);
		else
			pthread_cond_wait(&jobs->filled, &jobs->lock);
	pthread_mutex_unlock(&jobs->lock);
	return NULL;
}

/* 0, or -1 out of memory. */
static int prepare_job(struct script_jobs *jobs, struct job *job)
{
	const struct script_output *output = jobs->sc->output;

	if (job->sc)
		return 0;
	job->output = *output;
	job->output.ctx = output->branch(output->ctx);
	job->sc = job->output.ctx ? mem__calloc(1, sizeof(*job->sc)) : NULL;
	if (!job->sc)
		return -1;
	*job->sc = *jobs->sc;
	job->sc->jobs = NULL;
	memset(job->sc->known_who, 0, sizeof(job->sc->known_who));
	job->sc->output = &job->output;
	job->sc->result = &job->result;
	return 0;
}

static void release(struct job *job)
{
	while (job->nr)
		slice__put(job->segment[--job->nr].slice);
	job->rows = 0;
}

/* Waits for the oldest job and writes what it has printed. 0; 1: enough; -1 */
static int finish_oldest(struct script_jobs *jobs)
{
	struct job *job = job_at(jobs, jobs->tail++);
	const struct script_output *output = jobs->sc->output;
	int ret;

	pthread_mutex_lock(&jobs->lock);
	while (!job->done)
		if (jobs->next != jobs->head)
			do_next(jobs);
		else
			pthread_cond_wait(&jobs->done, &jobs->lock);
	pthread_mutex_unlock(&jobs->lock);
	/* Of two reasons to stop, a failure is the one to tell. */
	ret = output->join(output->ctx, job->output.ctx);
	if (job->ret && ret >= 0)
		ret = job->ret;
	jobs->sc->result->printed += job->result.printed;
	job->result.printed = 0;
	jobs->broken |= ret != 0;
	job->ret = 0;
	job->done = false;
	release(job);
	return ret;
}

/* The job that is being filled can be done, and there is room for another one. */
static int submit(struct script_jobs *jobs)
{
	int ret = 0;

	if (prepare_job(jobs, job_at(jobs, jobs->head)))
		return -1;
	pthread_mutex_lock(&jobs->lock);
	jobs->head++;
	pthread_cond_signal(&jobs->filled);
	pthread_mutex_unlock(&jobs->lock);
	while (!ret && jobs->head - jobs->tail == NR_JOBS)
		ret = finish_oldest(jobs);
	return ret;
}

/* If no other thread can be started, there are as many as there are. */
static void start_another(struct script_jobs *jobs)
{
	if (jobs->nr_threads == jobs->max_threads)
		return;
	if (pthread_create(&jobs->thread[jobs->nr_threads], NULL, do_jobs, jobs))
		jobs->max_threads = jobs->nr_threads;
	else
		jobs->nr_threads++;
}

int script_jobs__add(struct script_jobs *jobs, struct slice *s, u32 from, u32 to)
{
	int ret = 0;

	while (!ret && from < to) {
		struct job *job = job_at(jobs, jobs->head);
		u32 nr = to - from < JOB_ROWS - job->rows ? to - from : JOB_ROWS - job->rows;

		if (array__reserve(job->segment, job->nr, job->room, NULL))
			return -1;
		job->segment[job->nr++] = (struct segment) { slice__hold(s), from, from + nr };
		job->rows += nr;
		from += nr;
		if (job->rows < JOB_ROWS)
			continue;
		ret = submit(jobs);
		start_another(jobs);
	}
	return ret;
}

int script_jobs__finish(struct script_jobs *jobs)
{
	const struct job *last = job_at(jobs, jobs->head);
	int ret = jobs->broken ? -1 : 0;

	while (!ret && jobs->tail != jobs->head)
		ret = finish_oldest(jobs);
	/* It was not submitted: there may be no memory left for that. */
	for (u32 i = 0; !ret && i < last->nr; i++)
		ret = script__give(jobs->sc, last->segment[i].slice, last->segment[i].from,
				   last->segment[i].to);
	return ret;
}

struct script_jobs *script_jobs__new(struct script *sc)
{
	u32 threads = cpus__workers(MAX_THREADS + 1) - 1;
	struct script_jobs *jobs = mem__calloc(1, sizeof(*jobs));

	if (!jobs)
		return NULL;
	jobs->sc = sc;
	jobs->max_threads = threads;
	pthread_mutex_init(&jobs->lock, NULL);
	pthread_cond_init(&jobs->filled, NULL);
	pthread_cond_init(&jobs->done, NULL);
	return jobs;
}

void script_jobs__free(struct script_jobs *jobs)
{
	if (!jobs)
		return;
	pthread_mutex_lock(&jobs->lock);
	jobs->end = true;
	/* What nobody wants any more is not begun. */
	jobs->next = jobs->head;
	pthread_cond_broadcast(&jobs->filled);
	pthread_mutex_unlock(&jobs->lock);
	for (u32 i = 0; i < jobs->nr_threads; i++)
		pthread_join(jobs->thread[i], NULL);
	for (u32 i = 0; i < NR_JOBS; i++) {
		struct job *job = &jobs->job[i];

		release(job);
		array__free(job->segment, job->room, NULL);
		free(job->sc);
		if (job->output.ctx)
			job->output.free_branch(job->output.ctx);
	}
	pthread_mutex_destroy(&jobs->lock);
	pthread_cond_destroy(&jobs->filled);
	pthread_cond_destroy(&jobs->done);
	free(jobs);
}
