// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "builtin-record-control.h"
#include "util/error.h"

#define PATIENCE_MS	200	/* with one who connects and then says nothing */

unsigned int control__address(struct sockaddr_un *to, pid_t pid)
{
	memset(to, 0, sizeof(*to));
	to->sun_family = AF_UNIX;
	/* It begins with a 0: no file. */
	snprintf(to->sun_path + 1, sizeof(to->sun_path) - 1, CONTROL_NAME, pid);
	return offsetof(struct sockaddr_un, sun_path) + 1 + strlen(to->sun_path + 1);
}

bool control__is_trusted(int socket, pid_t pid)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	return !getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &who, &len) &&
	       (!who.uid || who.uid == geteuid()) && (!pid || who.pid == pid);
}

void record_control__open(struct record_control *c)
{
	struct sockaddr_un address;
	unsigned int len = control__address(&address, getpid());

	memset(c->client, -1, sizeof(c->client));
	c->listening = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->listening >= 0 && !bind(c->listening, (struct sockaddr *)&address, len) &&
	    !listen(c->listening, CONTROL_CLIENTS))
		return;
	warning("kvmw snapshot cannot reach this recorder: %s; kill -USR2 %d does", strerror(errno),
		getpid());
	if (c->listening >= 0)
		close(c->listening);
	c->listening = -1;
}

void record_control__close(struct record_control *c)
{
	record_control__answer_all(c, ~0U, CONTROL_FAILED, "");
	if (c->listening >= 0)
		close(c->listening);
	c->listening = -1;
}

int record_control__accept(struct record_control *c, struct control_request *request)
{
	const struct timeval patience = { .tv_usec = PATIENCE_MS * 1000L };
	int client = accept4(c->listening, NULL, NULL, SOCK_CLOEXEC);

	if (client < 0)
		return -1;
	if (control__is_trusted(client, 0) &&
	    !setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) &&
	    recv(client, request, sizeof(*request), 0) == sizeof(*request))
		return client;
	close(client);
	return -1;
}

void record_control__answer(int client, enum control_result result, const char *path)
{
	struct control_answer answer = { .result = result };

	snprintf(answer.path, sizeof(answer.path), "%s", path);
	send(client, &answer, sizeof(answer), MSG_NOSIGNAL | MSG_DONTWAIT);
	close(client);
}

int record_control__wait(struct record_control *c, int client, u32 number)
{
	for (u32 i = 0; i < CONTROL_CLIENTS; i++) {
		if (c->client[i] >= 0)
			continue;
		c->client[i] = client;
		c->number[i] = number;
		return 0;
	}
	return -1;
}

void record_control__answer_all(struct record_control *c, u32 number, enum control_result result,
				const char *path)
{
	for (u32 i = 0; i < CONTROL_CLIENTS; i++) {
		if (c->client[i] < 0 || c->number[i] > number)
			continue;
		record_control__answer(c->client[i], result, path);
		c->client[i] = -1;
	}
}
