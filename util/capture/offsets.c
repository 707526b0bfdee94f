// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>

#include <traceevent/event-parse.h>

#include "util/capture/offsets.h"
#include "util/capture/provider.h"
#include "util/capture/tracefs.h"
#include "util/error.h"
#include "util/nearest.h"
#include "util/event_desc.h"

struct want {
	const char *name;
	u32 *offset;
	u32 size;		/* in the program, bytes */
};

/* *end: the last byte of the fields wanted, plus one; may be NULL. */
static int read_fields(const char *tracepoint, const struct want *wants, u32 nr, u32 *end)
{
	struct tep_handle *tep = NULL;
	struct tep_event *event = tracefs__format("kvm", tracepoint, &tep);
	u32 last = 0;
	int err = 0;

	if (!event)
		return error("cannot read the format of tracepoint kvm:%s: %s", tracepoint,
			     strerror(errno));
	for (u32 i = 0; i < nr && !err; i++) {
		struct tep_format_field *field = tep_find_field(event, wants[i].name);

		if (!field || field->size != (int)wants[i].size || field->offset < 0) {
			errno = EPROTO;
			err = error("tracepoint kvm:%s of this kernel has no %u-byte field '%s'; "
				    "kvmw record needs kernel 5.10 or newer", tracepoint,
				    wants[i].size, wants[i].name);
			break;
		}
		*wants[i].offset = field->offset;
		if ((u32)(field->offset + field->size) > last)
			last = field->offset + field->size;
	}
	if (end)
		*end = last;
	tep_free(tep);
	return err;
}

/* The first of "theirs|older" that the tracepoint has. */
static struct tep_format_field *find_field(struct tep_event *event, const char *names, size_t len)
{
	while (len) {
		const char *bar = memchr(names, '|', len);
		size_t n = bar ? (size_t)(bar - names) : len;
		struct tep_format_field *field;
		char name[64];

		snprintf(name, sizeof(name), "%.*s", (int)n, names);
		field = tep_find_field(event, name);
		if (field || !bar)
			return field;
		names += n + 1;
		len -= n + 1;
	}
	return NULL;
}

/* Offsets of the fields of a tracepoint of points.h; those that it lacks stay 0. */
static void read_point(u32 id, struct kvmw_point *point)
{
	const struct attach_method *method = &probes[PROBE_POINTS + id].methods[0];
	const struct event_desc *desc = event_desc__by_id(points[id].event);
	struct tep_handle *tep = NULL;
	struct tep_event *event = tracefs__format(method->category, method->name, &tep);

	for (const char *p = points[id].fields; event && *p; p += strspn(p, " ")) {
		size_t ours = strcspn(p, "="), all = strcspn(p, " ");
		struct tep_format_field *field = find_field(event, p + ours + 1, all - ours - 1);
		int index = event_desc__field(desc, p, ours);
		u32 i = index < 0 ? KVMW_MAX_FIELDS :
			(desc->fields[index].offset - sizeof(struct kvmw_head)) / sizeof(u64);

		if (field && i < KVMW_MAX_FIELDS && field->size <= 8) {
			point->field[i].offset = field->offset;
			point->field[i].size = field->size;
			point->field[i].is_signed = !!(field->flags & TEP_FIELD_IS_SIGNED);
		}
		p += all;
	}
	tep_free(tep);
}

/* Layouts of tracepoints that are fixed in our programs. */
static const struct layout {
	const char *tracepoint, *field;
	u16 offset, size;
} layouts[] = {
	{ "kvm_vcpu_wakeup", "ns", 8, 8 },
	{ "kvm_vcpu_wakeup", "waited", 16, 1 },
	{ "kvm_vcpu_wakeup", "valid", 17, 1 },
	{ "kvm_userspace_exit", "reason", 8, 4 },
	{ "kvm_userspace_exit", "errno", 12, 4 },
	{ "kvm_mmio", "type", 8, 4 },
	{ "kvm_mmio", "len", 12, 4 },
	{ "kvm_mmio", "gpa", 16, 8 },
	ARCH_LAYOUTS
};

bool offsets__as_expected(const char *category, const char *tracepoint)
{
	struct tep_handle *tep = NULL;
	struct tep_event *event = NULL;
	bool same = true;

	for (u32 i = 0; i < ARRAY_SIZE(layouts) && same && !strcmp(category, "kvm"); i++) {
		const struct layout *l = &layouts[i];
		struct tep_format_field *field;

		if (strcmp(l->tracepoint, tracepoint))
			continue;
		event = event ? event : tracefs__format(category, tracepoint, &tep);
		field = event ? tep_find_field(event, l->field) : NULL;
		same = field && field->offset == l->offset && field->size == l->size;
	}
	tep_free(tep);
	return same;
}

static int no_tracepoint(const struct raw_choice *raw, int err)
{
	char name[sizeof(raw->category) + sizeof(raw->name) + 1];
	struct nearest n;

	snprintf(name, sizeof(name), "%s:%s", raw->category, raw->name);
	nearest__begin(&n, name, strlen(name));
	if (err == ENOENT)
		tracefs__offer(raw->category, &n);
	return error("tracepoint %s: %s%s; ls /sys/kernel/tracing/events/* lists all tracepoints", name,
		     err == ENOENT ? "this kernel does not have it" : strerror(err),
		     nearest__hint(&n));
}

static int read_raw(const struct raw_choice *raw, u16 *size, u16 *dynamic)
{
	struct tep_handle *tep = NULL;
	struct tep_event *event = tracefs__format(raw->category, raw->name, &tep);

	if (!event)
		return no_tracepoint(raw, errno);
	*size = *dynamic = 0;
	for (struct tep_format_field *f = event->format.fields; f; f = f->next) {
		if (f->offset + f->size > *size)
			*size = f->offset + f->size;
		if (f->flags & TEP_FIELD_IS_DYNAMIC)
			*dynamic = f->offset;
	}
	tep_free(tep);
	return 0;
}

static int read_all_raw(const struct event_choice *choice, struct kvmw_config *c)
{
	for (u32 i = 0; i < choice->nr_raw; i++)
		if (read_raw(&choice->raw[i], &c->raw[i].size, &c->raw[i].dynamic))
			return -1;
	return 0;
}

static int read_exit(struct kvmw_config *c)
{
	const struct want exit[] = {
#define WANT(type, name, field, offset) { #field, &c->exit.name, sizeof(type) },
		KVM_EXIT_FIELDS(WANT)
	};
	const struct want fault[] = { { "fault_address", &c->fault_address, 8 } };

	if (read_fields("kvm_exit", exit, ARRAY_SIZE(exit), &c->exit.size))
		return -1;
#define LIES_THERE(type, name, field, offset) && c->exit.name == offset
	c->exit.fixed = true KVM_EXIT_FIELDS(LIES_THERE);
	if (tracefs__tracepoint("kvm", "kvm_page_fault"))
		return 0;
	return read_fields("kvm_page_fault", fault, ARRAY_SIZE(fault), NULL);
}

int offsets__read(const struct event_choice *choice, struct kvmw_config *c)
{
	u32 set = choice->events;

	if (set & BIT(KVMW_EVENT_EXIT) && read_exit(c))
		return -1;
	for (u32 i = 0; i < KVMW_NR_POINTS; i++)
		if (set & BIT(points[i].event))
			read_point(i, &c->points[i]);
	if (read_all_raw(choice, c))
		return -1;
	if (set & BIT(KVMW_EVENT_USERSPACE) && !offsets__as_expected("kvm", "kvm_userspace_exit"))
		return error("tracepoint kvm:kvm_userspace_exit has an unknown layout on this kernel");
	return 0;
}
