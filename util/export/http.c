// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <dlfcn.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/error.h"
#include "util/export/http.h"
#include "util/memory.h"
#include "util/parse.h"

#define LIBRARY		"libmicrohttpd.so.12"
#define CONNECTIONS	32
#define PATIENCE_S	10

#define FUNCTIONS(F)							\
	F(start_daemon) F(stop_daemon) F(get_daemon_info) F(run)	\
	F(create_response_from_buffer) F(add_response_header) F(queue_response) \
	F(destroy_response) F(lookup_connection_value)

struct http {
	void *library;
	struct MHD_Daemon *daemon;
	struct sockaddr_storage address;
	http_text *text;
	void *arg;
#define MEMBER(name) typeof(MHD_##name) *name;
	FUNCTIONS(MEMBER)
};

static int load_library(struct http *http)
{
	http->library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (!http->library)
		return error("--openmetrics: %s; install the package libmicrohttpd12, or give a file name with "
			     "a slash", dlerror());
#define LOOK_UP(name) \
	http->name = (typeof(http->name))dlsym(http->library, "MHD_" #name); \
	if (!http->name)						\
		return error("--openmetrics: %s", dlerror());
	FUNCTIONS(LOOK_UP)
	return 0;
}

static int port_of(const char *text, u16 *port)
{
	u32 number;

	if (parse_u32(text, &number) || number > UINT16_MAX)
		return -1;
	*port = htons(number);
	return 0;
}

int http__address(const char *text, struct sockaddr_storage *address)
{
	struct sockaddr_in *v4 = (void *)address;
	struct sockaddr_in6 *v6 = (void *)address;
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN + 2];
	size_t len = colon ? colon - text : 0;

	memset(address, 0, sizeof(*address));
	if (len >= sizeof(host))
		return -1;
	memcpy(host, text, len);
	host[len] = '\0';
	if (len > 1 && host[0] == '[' && host[len - 1] == ']') {
		host[len - 1] = '\0';
		v6->sin6_family = AF_INET6;
		return inet_pton(AF_INET6, host + 1, &v6->sin6_addr) == 1 &&
		       !port_of(colon + 1, &v6->sin6_port) ? 0 : -1;
	}
	v4->sin_family = AF_INET;
	v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (len && inet_pton(AF_INET, host, &v4->sin_addr) != 1)
		return -1;
	return port_of(colon ? colon + 1 : text, &v4->sin_port);
}

static enum MHD_Result http__reply(struct http *http, struct MHD_Connection *connection, u32 status,
			     char *text, size_t size, const char *type)
{
	struct MHD_Response *response =
		http->create_response_from_buffer(size, text, MHD_RESPMEM_MUST_FREE);
	enum MHD_Result ret;

	if (!response) {
		free(text);
		return MHD_NO;
	}
	http->add_response_header(response, "Content-Type", type);
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		http->add_response_header(response, "Allow", "GET, HEAD");
	ret = http->queue_response(connection, status, response);
	http->destroy_response(response);
	return ret;
}

static enum MHD_Result http__refuse(struct http *http, struct MHD_Connection *connection,
				    u32 status, const char *words)
{
	char *text = mem__strdup(words);

	return text ?
	       http__reply(http, connection, status, text, strlen(text),
			   "text/plain; charset=utf-8") : MHD_NO;
}

/* Called first when the headers are there, and again when all is. */
static enum MHD_Result http__answer(void *arg, struct MHD_Connection *connection, const char *url,
			      const char *method, const char *version, const char *upload,
			      size_t *upload_size, void **state)
{
	struct http *http = arg;
	const char *type = "", *accept;
	size_t size = 0;
	char *text;

	if (strcmp(method, MHD_HTTP_METHOD_GET) && strcmp(method, MHD_HTTP_METHOD_HEAD))
		return http__refuse(http, connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET\n");
	if (strcmp(url, "/metrics"))
		return http__refuse(http, connection, MHD_HTTP_NOT_FOUND,
				    "the metrics are at /metrics\n");
	if (!*state) {
		*state = http;
		return MHD_YES;
	}
	accept = http->lookup_connection_value(connection, MHD_HEADER_KIND, "Accept");
	text = http->text(http->arg, accept, &type, &size);
	return text ? http__reply(http, connection, MHD_HTTP_OK, text, size, type) :
	       http__refuse(http, connection, MHD_HTTP_INTERNAL_SERVER_ERROR,
			    "the counters could not be read\n");
}

static void say_nothing(void *arg, const char *fmt, va_list ap)
{
}

struct http *http__new(const struct sockaddr_storage *address, http_text *text, void *arg)
{
	u32 flags = MHD_USE_EPOLL | MHD_USE_ERROR_LOG |
		    (address->ss_family == AF_INET6 ? MHD_USE_IPv6 : 0);
	struct http *http = mem__calloc(1, sizeof(*http));

	if (!http)
		return NULL;
	http->text = text;
	http->arg = arg;
	http->address = *address;
	if (load_library(http))
		goto fail;
	errno = 0;
	http->daemon = http->start_daemon(flags, 0, NULL, NULL, http__answer, http,
					  MHD_OPTION_EXTERNAL_LOGGER, say_nothing, NULL,
					  MHD_OPTION_SOCK_ADDR, address,
					  MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS,
					  MHD_OPTION_CONNECTION_TIMEOUT, PATIENCE_S,
					  MHD_OPTION_END);
	if (http->daemon)
		return http;
	error("--openmetrics: cannot listen: %s",
	      errno ? strerror(errno) : "libmicrohttpd refused");
fail:
	http__free(http);
	return NULL;
}

void http__free(struct http *http)
{
	if (!http)
		return;
	if (http->daemon)
		http->stop_daemon(http->daemon);
	if (http->library)
		dlclose(http->library);
	free(http);
}

int http__fd(const struct http *http)
{
	return http->get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

void http__run(struct http *http)
{
	http->run(http->daemon);
}

const char *http__name(const struct http *http, char *buf, size_t size)
{
	u32 port = http->get_daemon_info(http->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
	bool v6 = http->address.ss_family == AF_INET6;
	const struct sockaddr_in *a4 = (const void *)&http->address;
	const struct sockaddr_in6 *a6 = (const void *)&http->address;
	char host[INET6_ADDRSTRLEN] = "?";

	inet_ntop(http->address.ss_family, v6 ? (const void *)&a6->sin6_addr : &a4->sin_addr, host,
		  sizeof(host));
	snprintf(buf, size, v6 ? "http://[%s]:%u/metrics" : "http://%s:%u/metrics", host, port);
	return buf;
}
