/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An HTTP server that answers GET /metrics and nothing else.  It runs in the caller's thread.
 *
 * libmicrohttpd is loaded when it is needed: it comes with a library for TLS, which all other
 * commands would have to load, too.
 */
#ifndef KVMW_HTTP_H
#define KVMW_HTTP_H

#include <sys/socket.h>

#include "util/types.h"

/* The text, to be freed, and in *type what it is, for who accepts that (or NULL). NULL: failed. */
typedef char *http_text(void *arg, const char *accept, const char **type, size_t *size);

struct http;

/* "ADDR:PORT", "[ADDR]:PORT", ":PORT" or "PORT"; without ADDR the loopback.  0 or -1, silent. */
int http__address(const char *text, struct sockaddr_storage *address);

/* Listens.  NULL: error() said why. */
struct http *http__new(const struct sockaddr_storage *address, http_text *text, void *arg);
void http__free(struct http *http);
/* Readable when there is something to do. */
int http__fd(const struct http *http);
/* Does what there is to do; to be called at least once a second. */
void http__run(struct http *http);
/* "http://127.0.0.1:9929/metrics", as much as buf holds.  Returns buf. */
const char *http__name(const struct http *http, char *buf, size_t size);

#endif
