/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Models in, text out: nothing here adds up, looks up or reads a file.
 * Functions that return int give 0, or -1 out of memory (error() said so);
 * write errors are reported when the screen is closed.
 */
#ifndef KVMW_RENDER_H
#define KVMW_RENDER_H

#include "util/analysis/findings/findings.h"
#include "util/analysis/info.h"
#include "util/analysis/report/report.h"
#include "util/render/screen.h"

/* kvmw report */
/* findings: or NULL; verbose: also what says how it was recorded. */
void render__heading(const struct screen *s, const struct report *rep,
		     const struct findings *findings, bool verbose);
/* Printed before sections made from rows alone: how many events they cover, if not all. */
void render__of_the_recorded(const struct screen *s, const struct report *rep);
/* Those of VM exits; of other events. 0, or -1 out of memory. */
int render__reasons(const struct screen *s, const struct report *rep);
int render__table(const struct screen *s, const struct report *rep);
/* How many rows are not shown. */
void render__hidden(const struct screen *s, const struct report *rep);
void render__findings(const struct screen *s, const struct findings *findings);
/* Where the time of all vCPUs went, as bars. */
void render__whole(const struct screen *s, const struct report *rep);
/* "io: 1,234 recorded" */
void render__row_title(const struct screen *s, const struct report *rep,
		       const struct report_row *row);
void render__histograms(const struct screen *s, const struct report *rep);
/* Of a report with heat. 0, or -1 (error() said why: nothing in it took any time). */
int render__heatmap(const struct screen *s, const struct report *rep);
int render__vcpus(const struct screen *s, const struct report *rep);
/* Whether a note of the recorder is about the event that is shown, or any. */
bool render__shows_note(const struct report *rep, const char *note);
/* Of returns to the VMM: what their time in it contains, and how to tell. */
const char *render__vmm_contains(const struct recording *rec);
/* What is rounded; "": nothing. Returns buf. */
const char *render__resolution(const struct resolution *r, char *buf, size_t size);
/* model: the finished model of the report's event, see analysis/models.h; or NULL. */
int render__view(const struct screen *s, const struct report *rep, const void *model);
/* findings: or NULL. */
int render__report_json(const struct screen *s, const struct report *rep,
			const struct findings *findings, const void *model);
/*
 * One of the rep->nr_files recordings that a report is of; findings, and model as for
 * render__view(): or NULL.
 */
struct report_file {
	const struct report *rep;
	const struct findings *findings;
	const void *model;
};

int render__files_json(const struct screen *s, const struct report *rep,
		       const struct report_file *file);
/* How much there is of all of them. */
void render__files_heading(const struct screen *s, const struct report *rep);
/*
 * A row's key and numbers, as --json and --csv have them; json_object_put() it. all: with the
 * members that JSON leaves out, as the columns of CSV are the same for all rows.
 */
struct json_object *render__report_row_json(const struct report *rep, const struct report_row *row,
					    bool all);
/* The members of its key alone. */
void render__report_key_json(struct json_object *obj, const struct report *rep,
			     const struct report_row *row, bool all);
int render__report_csv(const struct screen *s, const struct report *rep);

/* kvmw info */
int render__info(const struct screen *s, const struct recording *rec,
		 const struct recording_info *inv, bool verbose);
int render__info_json(const struct screen *s, const struct recording *rec,
		      const struct recording_info *inv);

/* "VM web of qemu-system-x86_64 (pid 4711), 2 vCPUs" for one or two of them, else how many. */
void render__name_vms(const struct recording *rec, char *buf, size_t size);

/* What is said of a recording and its VMs in both. */
void render__about(const struct screen *s, const struct recording *rec);
void render__vms(const struct screen *s, const struct recording *rec);
/* "2025-01-31 12:34:56 +0100" of CLOCK_REALTIME ns; buf holds 64 bytes. */
const char *render__date(u64 realtime_ns, char *buf);
/* The words with blanks between them, as much as buf holds. */
const char *render__command(const struct rec_texts *words, char *buf, size_t size);

#endif
