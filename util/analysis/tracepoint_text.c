// SPDX-License-Identifier: GPL-2.0
/*
 * libtraceevent behind a wall. It does not stand every format, and a recording may hold any:
 * it only ever runs in a child of one process, which can neither open files nor start anything,
 * gets one record at a time, and answers with its text. If it dies, or thinks for too long, the
 * tracepoint has no text from then on.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <event-parse.h>
#include <trace-seq.h>

#include "util/analysis/tracepoint.h"
#include "util/analysis/tracepoint_text.h"
#include "util/memory.h"
#include "util/sandbox.h"

#define MAX_PRINT	(16u << 10)	/* bytes of "print fmt:" */
#define MAX_OPERATORS	1000u		/* in it: the parser calls itself for each */
#define MAX_WIDTH	3u		/* digits of a width: "%16s" */
#define MAX_DEPTH	1200u		/* of what was parsed */
/* A record, and what 16 bits of offset and length can reach from anywhere in it. */
#define REACH		(4u << 16)
#define MAX_TEXT	(32u << 10)	/* bytes; a longer one is none */
#define MAX_CHILDREN	4		/* one after another */
#define CHILD_BYTES	(48u << 20)	/* of memory, more than it begins with */
/* CPU time that texts may take: so much at the beginning, and more for each record. */
#define CPU_FIRST_NS	2000000000ULL
#define CPU_RECORD_NS	20000ULL

struct request {
	u32 number, size;
	u8 record[TRACEPOINT_BYTES];
};

struct decoder {
	struct tep_handle *tep;
	struct tep_event *event;	/* NULL: it cannot be parsed */
	struct trace_seq text;
};

struct tracepoint_printer {
	struct printed {
		char *name, *format;	/* NULL: has no text */
		struct decoder *decoder;	/* in the child */
	} tp[REC_MAX_TRACEPOINTS];
	int statm;		/* /proc/self/statm */
	pid_t child;		/* 0: none */
	int fd;			/* to it */
	u32 nr_children;
	u64 printed;
	u8 *record;		/* in the child: REACH bytes */
	char text[MAX_TEXT + 1];
};

/* ---- may the text be parsed? -------------------------------------------- */

/* "%lx" and "%-16s" are, "%2000000000d" and "%*d" are not. */
static bool sound_width(const char *p, const char *end)
{
	u32 digits = 0;

	for (; p < end && (isdigit((unsigned char)*p) || strchr("-+ #.", *p)); p++)
		digits += isdigit((unsigned char)*p) != 0;
	return digits <= MAX_WIDTH && (p == end || *p != '*');
}

static bool sound_print(const char *p, const char *end)
{
	bool string = false;
	u32 operators = 0;

	if ((size_t)(end - p) > MAX_PRINT)
		return false;
	for (; p < end; p++) {
		if (*p == '"' && p[-1] != '\\')
			string = !string;
		else if (string && *p == '%' && !sound_width(p + 1, end))
			return false;
		else if (!string && strchr("(+-*/%<>=!&|^?:~", *p))
			operators++;
	}
	return operators <= MAX_OPERATORS;
}

static bool sound_format(const char *text)
{
	const char *print = strstr(text, "\nprint fmt:");

	for (const char *p = text; *p; p++)
		if (*p != '\n' && *p != '\t' && (*p < ' ' || *p > '~'))
			return false;
	return print && print - text <= (ptrdiff_t)MAX_PRINT &&
	       sound_print(print + 1, print + strlen(print));
}

/* ---- is the parsed result safe to follow? ------------------------------- */

static bool sound_arg(const struct tep_print_arg *arg, u32 depth);

/* No division by zero, and no array: its index may be anything. */
/* NOLINTNEXTLINE(misc-no-recursion): no deeper than MAX_DEPTH */
static bool sound_op(const struct tep_print_arg *arg, u32 depth)
{
	const struct tep_print_arg *right = arg->op.right;

	switch (arg->op.op[0]) {
	case '[':
		return false;
	case '/':
	case '%':
		if (!right || right->type != TEP_PRINT_ATOM ||
		    strtoll(right->atom.atom, NULL, 0) <= 0)
			return false;
		break;
	case '?':
		if (!right || right->type != TEP_PRINT_OP)
			return false;
		break;
	}
	return sound_arg(arg->op.left, depth) && sound_arg(right, depth);
}

/* NOLINTNEXTLINE(misc-no-recursion): no deeper than MAX_DEPTH */
static bool sound_arg(const struct tep_print_arg *arg, u32 depth)
{
	if (!arg)
		return true;
	if (depth == MAX_DEPTH)
		return false;
	switch (arg->type) {
	case TEP_PRINT_NULL:
	case TEP_PRINT_ATOM:
	case TEP_PRINT_FIELD:
	case TEP_PRINT_STRING:
		return true;
	case TEP_PRINT_FLAGS:
		return sound_arg(arg->flags.field, depth + 1);
	case TEP_PRINT_SYMBOL:
		return sound_arg(arg->symbol.field, depth + 1);
	case TEP_PRINT_TYPE:
		return sound_arg(arg->typecast.item, depth + 1);
	case TEP_PRINT_OP:
		return sound_op(arg, depth + 1);
	default:	/* functions, and lengths that come from the record */
		return false;
	}
}

/* Of a field without a size libtraceevent takes what follows, however much that is. */
static bool tracepoint_text__within(const struct tep_format_field *list)
{
	for (; list; list = list->next)
		if (list->offset < 0 || list->size <= 0 || list->size > (int)TRACEPOINT_BYTES ||
		    list->offset > (int)TRACEPOINT_BYTES - list->size)
			return false;
	return true;
}

static bool safe_to_print(const struct tep_event *event)
{
	if (event->flags & TEP_EVENT_FL_FAILED)
		return false;
	for (const struct tep_print_arg *arg = event->print_fmt.args; arg; arg = arg->next)
		if (!sound_arg(arg, 0))
			return false;
	return true;
}

/* ---- one tracepoint --------------------------------------------------- */

/* "kvm" of "kvm:kvm_pio" */
static void system_of(const char *name, char *to, size_t size)
{
	snprintf(to, size, "%.*s", (int)strcspn(name, ":"), name);
}

/* room: REACH bytes; it overwrites the first. */
static const char *print(struct decoder *d, u8 *room, const u8 *record, u32 size)
{
	struct tep_format_field *type = tep_find_common_field(d->event, "common_type");
	struct tep_record rec = { .size = size, .data = room };

	if (!type || type->size != 2)
		return NULL;
	memset(room, 0, TRACEPOINT_BYTES);
	memcpy(room, record, size);
	/* The recorder cannot read the head, by which libtraceevent knows the event. */
	room[type->offset] = d->event->id;
	room[type->offset + 1] = d->event->id >> 8;
	trace_seq_reset(&d->text);
	tep_print_event(d->tep, &d->text, &rec, "%s", TEP_PRINT_INFO);
	trace_seq_terminate(&d->text);
	return d->text.state == TRACE_SEQ__GOOD ? d->text.buffer : NULL;
}

static bool parse(struct decoder *d, const struct printed *from)
{
	struct tep_event *event;
	char system[64];

	tep_set_long_size(d->tep, sizeof(u64));
	tep_set_file_bigendian(d->tep, TEP_LITTLE_ENDIAN);
	system_of(from->name, system, sizeof(system));
	if (tep_parse_event(d->tep, from->format, strlen(from->format), system))
		return false;
	event = tep_get_first_event(d->tep);
	if (!event || event->id < 0 || event->id > UINT16_MAX || !safe_to_print(event) ||
	    !tracepoint_text__within(event->format.common_fields) ||
	    !tracepoint_text__within(event->format.fields))
		return false;
	d->event = event;
	return true;
}

/* A handle of its own for each: their ids may be the same. */
static struct decoder *new_decoder(const struct printed *from)
{
	struct decoder *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	trace_seq_init(&d->text);
	d->tep = tep_alloc();
	if (d->tep)
		parse(d, from);
	return d;
}

/* ---- the child ---------------------------------------------------------- */

static void limit(int resource, u64 value)
{
	const struct rlimit r = { value, value };

	setrlimit(resource, &r);
}

/* Bytes of address space that the parent uses, and so its copy; 0: unknown. */
static u64 address_space(int statm)
{
	char text[64] = "";

	return pread(statm, text, sizeof(text) - 1, 0) > 0 ?
	       strtoull(text, NULL, 10) * sysconf(_SC_PAGESIZE) : 0;
}

/* One text may take as long as all together at the beginning. */
static void wind_clock(void)
{
	const struct itimerval t = { .it_value.tv_sec = CPU_FIRST_NS / NSEC_PER_SEC };

	setitimer(ITIMER_VIRTUAL, &t, NULL);
}

static bool has_time(u64 printed)
{
	struct timespec used;

	return !clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) &&
	       used.tv_sec * NSEC_PER_SEC + used.tv_nsec < CPU_FIRST_NS + printed * CPU_RECORD_NS;
}

static void answer(struct tracepoint_printer *p, int fd, const struct request *ask)
{
	struct printed *tp = &p->tp[ask->number % REC_MAX_TRACEPOINTS];
	const char *text = NULL;

	if (!tp->decoder && tp->format)
		tp->decoder = new_decoder(tp);
	if (tp->decoder && tp->decoder->event && has_time(p->printed++))
		text = print(tp->decoder, p->record, ask->record, ask->size);
	/* A first byte says whether there is one. */
	p->text[0] = text && strlen(text) < MAX_TEXT;
	if (p->text[0])
		strcpy(p->text + 1, text);
	if (send(fd, p->text, 1 + (p->text[0] ? strlen(text) : 0), MSG_NOSIGNAL) < 0)
		_exit(1);
}

static void __attribute__((noreturn)) run_child(struct tracepoint_printer *p, int fd)
{
	u64 bytes = address_space(p->statm);
	struct request ask;

	signal(SIGVTALRM, SIG_DFL);
	if (dup2(fd, STDIN_FILENO) < 0)
		_exit(1);
	sandbox__close_files(STDIN_FILENO + 1);
	limit(RLIMIT_CORE, 0);
	p->record = calloc(1, REACH);
	if (!p->record)
		_exit(1);
	if (sandbox__enter(SANDBOX_COMPUTE) && bytes)
		limit(RLIMIT_AS, bytes + CHILD_BYTES);
	/* What it cannot parse is shown in hex: nothing for standard error. */
	tep_set_loglevel(TEP_LOG_NONE);
	do
		wind_clock();
	while (recv(STDIN_FILENO, &ask, sizeof(ask), 0) == sizeof(ask) &&
	       ask.size <= TRACEPOINT_BYTES && (answer(p, STDIN_FILENO, &ask), true));
	_exit(0);
}

/* ---- its parent --------------------------------------------------------- */

static bool start_child(struct tracepoint_printer *p)
{
	int fds[2];

	if (p->nr_children == MAX_CHILDREN ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds))
		return false;
	p->nr_children++;
	p->child = fork();
	if (!p->child)
		run_child(p, fds[1]);
	close(fds[1]);
	p->fd = fds[0];
	if (p->child > 0)
		return true;
	close(p->fd);
	p->child = 0;
	return false;
}

static void end_child(struct tracepoint_printer *p)
{
	if (!p->child)
		return;
	close(p->fd);
	while (waitpid(p->child, NULL, 0) < 0 && errno == EINTR)
		;
	p->child = 0;
}

static void forget_text(struct printed *tp)
{
	free(tp->format);
	tp->format = NULL;
}

const char *tracepoint_printer__text(struct tracepoint_printer *p, u32 number, const u8 *record,
				     u32 size)
{
	struct request ask = { .number = number, .size = size };
	ssize_t got = -1;

	if (!p->tp[number].format || (!p->child && !start_child(p)))
		return NULL;
	memcpy(ask.record, record, size);
	if (send(p->fd, &ask, sizeof(ask), MSG_NOSIGNAL) == sizeof(ask))
		while ((got = recv(p->fd, p->text, MAX_TEXT, 0)) < 0 && errno == EINTR)
			;
	if (got <= 0) {
		end_child(p);
		forget_text(&p->tp[number]);
		return NULL;
	}
	p->text[got] = '\0';
	/* Strings of the record, and of the format, may be anything. */
	for (char *c = p->text + 1; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	return p->text[0] ? p->text + 1 : NULL;
}

struct tracepoint_printer *tracepoint_printer__new(void)
{
	struct tracepoint_printer *p = mem__calloc(1, sizeof(*p));

	if (p)
		p->statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	return p;
}

int tracepoint_printer__take(struct tracepoint_printer *p, u32 number,
			     const struct rec_tracepoint *from)
{
	struct printed *tp = &p->tp[number];

	if (!sound_format(from->format))
		return 0;
	tp->name = mem__strdup(from->name);
	tp->format = tp->name ? mem__strdup(from->format) : NULL;
	return tp->format ? 0 : -1;
}

void tracepoint_printer__free(struct tracepoint_printer *p)
{
	if (!p)
		return;
	end_child(p);
	if (p->statm >= 0)
		close(p->statm);
	for (u32 i = 0; i < REC_MAX_TRACEPOINTS; i++) {
		free(p->tp[i].name);
		free(p->tp[i].format);
	}
	free(p);
}
