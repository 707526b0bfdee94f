// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>

#include <traceevent/event-parse.h>

#include "util/capture/offsets.h"
#include "util/capture/provider.h"
#include "util/capture/tracefs.h"
#include "util/error.h"

struct want {
	const char *name;
	u32 *offset;
	u32 size;		/* in the program, bytes */
};

/* *end: the last byte of the fields wanted, plus one. */
static int read_fields(const char *tracepoint, const struct want *wants, u32 nr, u32 *end)
{
	struct tep_handle *tep = NULL;
	struct tep_event *event = tracefs__format("kvm", tracepoint, &tep);
	int err = 0;

	*end = 0;
	if (!event)
		return error("cannot read the format of tracepoint kvm:%s: %s", tracepoint,
			     strerror(errno));
	for (u32 i = 0; i < nr && !err; i++) {
		struct tep_format_field *field = tep_find_field(event, wants[i].name);

		if (!field || field->size != (int)wants[i].size || field->offset < 0) {
			errno = EPROTO;
			err = error("tracepoint kvm:%s of this kernel has no %u byte field '%s'; "
				    "kvmw needs kernel 5.10 or newer", tracepoint,
				    wants[i].size, wants[i].name);
			break;
		}
		*wants[i].offset = field->offset;
		if ((u32)(field->offset + field->size) > *end)
			*end = field->offset + field->size;
	}
	tep_free(tep);
	return err;
}

int offsets__read(u32 set, struct kvmw_config *c)
{
	const struct want exit[] = {
		{ "exit_reason", &c->exit.reason, 4 },
		{ "guest_rip", &c->exit.rip, 8 },
		{ "isa", &c->exit.isa, 4 },
		{ "info1", &c->exit.info1, 8 },
		{ "info2", &c->exit.info2, 8 },
		{ "intr_info", &c->exit.intr_info, 4 },
		{ "error_code", &c->exit.error_code, 4 },
		{ "vcpu_id", &c->exit.vcpu_id, 4 },
	};
	const struct want entry[] = { { "vcpu_id", &c->entry.vcpu_id, 4 } };
	u32 end;

	if (set & BIT(PROVIDER_EXIT) &&
	    (read_fields("kvm_exit", exit, ARRAY_SIZE(exit), &c->exit.size) ||
	     read_fields("kvm_entry", entry, ARRAY_SIZE(entry), &end)))
		return -1;
	c->exit.fixed = c->exit.reason == 8 && c->exit.rip == 16 && c->exit.isa == 24 &&
			c->exit.info1 == 32 && c->exit.info2 == 40 && c->exit.intr_info == 48 &&
			c->exit.error_code == 52 && c->exit.vcpu_id == 56;
	return 0;
}
