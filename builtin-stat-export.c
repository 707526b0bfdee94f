// SPDX-License-Identifier: GPL-2.0
/* kvmw stat --openmetrics: the counters for Prometheus, by HTTP or in a file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builtin-stat.h"
#include "util/analysis/metrics.h"
#include "util/error.h"
#include "util/export/http.h"
#include "util/export/metrics_file.h"
#include "util/export/openmetrics.h"
#include "util/memory.h"

struct stat_export {
	struct live *live;
	u64 start_ns;
	u32 event;
	bool vcpus;
	const char *path;		/* NULL: by HTTP */
	bool failed;			/* the last try to write it */
	struct sockaddr_storage address;
	struct http *http;
};

/* A name in a folder, or one that the collector reads; all else is an address. */
static bool is_file(const char *where)
{
	size_t len = strlen(where);

	return strchr(where, '/') || (len > 5 && !strcmp(where + len - 5, ".prom"));
}

int stat_export__check(const char *where)
{
	struct sockaddr_storage address;

	if (is_file(where) || !http__address(where, &address))
		return 0;
	return usage_error("--openmetrics '%s': must be a port or ADDR:PORT, such as 127.0.0.1:9929, or a file, such "
			   "as /var/lib/prometheus/node-exporter/kvmw.prom", where);
}

bool stat_export__is_file(const struct stat_export *e)
{
	return e->path;
}

struct stat_export *stat_export__new(struct live *live, const char *where, u32 event, bool vcpus)
{
	struct stat_export *e = mem__calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->live = live;
	e->event = event;
	e->vcpus = vcpus;
	if (is_file(where))
		e->path = where;
	else
		http__address(where, &e->address);
	return e;
}

static struct metrics_gaps gaps_of(const struct session *session)
{
	struct metrics_gaps gaps = { .missed = 0 };
	struct session_unseen u;

	session__unseen(session, &u);
	gaps.no_room = u.no_state + u.over_share;
	for (u32 h = 0; h < NR_PROBES; h++)
		gaps.missed += session__missed(session, h);
	return gaps;
}

static int write_text(FILE *out, const struct stat_export *e, enum metrics_format format)
{
	const struct metrics_gaps gaps = gaps_of(e->live->session);
	struct report_options opt[2];
	struct live_report r;
	struct metrics m;
	int err;

	metrics__options(&opt[0], e->event, e->vcpus, true);
	metrics__options(&opt[1], e->event, e->vcpus, false);
	err = live__report(e->live, e->start_ns, COUNTS_GROWN, opt, 2, &r);
	if (!err) {
		err = metrics__make(&m, &r.rep[0], &r.rep[1], &gaps) ||
		      openmetrics__write(out, &m, format, METRICS_MAX_SERIES);
		metrics__free(&m);
	}
	live__end_report(&r);
	return err ? -1 : 0;
}

/* NULL after error(). */
static char *make_text(struct stat_export *e, enum metrics_format format, size_t *size)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, size);
	int err;

	if (!out) {
		out_of_memory();
		return NULL;
	}
	err = write_text(out, e, format);
	if (fclose(out) && !err)
		err = out_of_memory();
	if (!err)
		return text;
	free(text);
	return NULL;
}

static char *http_answer(void *arg, const char *accept, const char **type, size_t *size)
{
	enum metrics_format format = openmetrics__accepted(accept);
	struct stat_export *e = arg;

	*type = openmetrics__type(format);
	return live__count(e->live, monotonic_ns()) ? NULL : make_text(e, format, size);
}

static int write_file(struct stat_export *e, int *err)
{
	size_t size;
	char *text = make_text(e, METRICS_TEXT, &size);

	if (!text)
		return -1;
	*err = metrics_file__write(e->path, text, size);
	free(text);
	return 0;
}

int stat_export__write(struct stat_export *e)
{
	int err;

	if (write_file(e, &err))
		return -1;
	return err ? error("--openmetrics: cannot write %s: %s", e->path, strerror(err)) : 0;
}

int stat_export__write_again(struct stat_export *e)
{
	int err;

	if (write_file(e, &err))
		return -1;
	if (err && !e->failed)
		warning("--openmetrics: cannot write %s: %s; each interval tries again", e->path,
			strerror(err));
	else if (!err && e->failed)
		notice("%s is written again", e->path);
	e->failed = err;
	return 0;
}

int stat_export__start(struct stat_export *e, u64 start_ns)
{
	char address[64];

	e->start_ns = start_ns;
	if (e->path)
		return live__count(e->live, monotonic_ns()) ? -1 : stat_export__write(e);
	e->http = http__new(&e->address, http_answer, e);
	if (!e->http)
		return -1;
	notice("metrics are at %s", http__name(e->http, address, sizeof(address)));
	return 0;
}

int stat_export__fd(const struct stat_export *e)
{
	return e->http ? http__fd(e->http) : -1;
}

void stat_export__run(struct stat_export *e)
{
	if (e->http)
		http__run(e->http);
}

void stat_export__free(struct stat_export *e)
{
	if (!e)
		return;
	http__free(e->http);
	free(e);
}
