/* SPDX-License-Identifier: GPL-2.0 */
/* A file for the textfile collector of node_exporter. */
#ifndef KVMW_METRICS_FILE_H
#define KVMW_METRICS_FILE_H

#include <stddef.h>

/* Replaces the file as a whole, whatever its readers do.  0, or an error number. */
int metrics_file__write(const char *path, const char *text, size_t size);

#endif
