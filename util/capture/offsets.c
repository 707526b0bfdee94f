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
				    "kvmw records x86 from kernel 5.10 on", tracepoint,
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
#define WANT(type, name, field, offset) { #field, &c->exit.name, sizeof(type) },
		KVM_EXIT_FIELDS(WANT)
	};
	const struct want entry[] = { { "vcpu_id", &c->entry.vcpu_id, 4 } };
	u32 end;

	if (set & BIT(PROVIDER_EXIT) &&
	    (read_fields("kvm_exit", exit, ARRAY_SIZE(exit), &c->exit.size) ||
	     read_fields("kvm_entry", entry, ARRAY_SIZE(entry), &end)))
		return -1;
	if (set & BIT(PROVIDER_USERSPACE)) {
		u32 reason, error_at;
		const struct want userspace[] = { { "reason", &reason, 4 }, { "errno", &error_at, 4 } };

		if (read_fields("kvm_userspace_exit", userspace, ARRAY_SIZE(userspace), &end))
			return -1;
		if (reason != 8 || error_at != 12)
			return error("tracepoint kvm:kvm_userspace_exit of this kernel has another layout");
	}
#define LIES_THERE(type, name, field, offset) && c->exit.name == offset
	c->exit.fixed = true KVM_EXIT_FIELDS(LIES_THERE);
	return 0;
}
