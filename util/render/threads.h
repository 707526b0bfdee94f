/* SPDX-License-Identifier: GPL-2.0 */
/* The threads of VMs at the start and the end, and the vCPUs that had no event. */
#ifndef KVMW_RENDER_THREADS_H
#define KVMW_RENDER_THREADS_H

#include "util/render/json.h"
#include "util/analysis/report/report.h"
#include "util/analysis/vm_threads.h"
#include "util/render/screen.h"

/* A list of all threads: a table, and as member "threads".  0, or -1 out of memory. */
int render__threads(const struct screen *s, const struct recording *rec,
		    const struct vm_threads *threads);
void render__threads_json(struct json_writer *w, struct json_object *root,
			  const struct recording *rec, const struct vm_threads *threads);

/* What each vCPU did that had no event; as member "vcpus_without_events". */
void render__idle_vcpus(const struct screen *s, const struct report *rep);
void render__idle_vcpus_json(struct json_writer *w, struct json_object *root,
			     const struct report *rep);

#endif
