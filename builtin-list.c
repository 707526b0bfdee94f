// SPDX-License-Identifier: GPL-2.0
/* kvmw list: options, wiring, exit status; and what this host has. */
#include <argp.h>
#include <stdlib.h>

#include "builtin-options.h"
#include "builtin.h"
#include "util/arch/arch.h"
#include "util/capture/preflight.h"
#include "util/capture/provider.h"
#include "util/capture/tracefs.h"
#include "util/capture/vm.h"
#include "util/error.h"
#include "util/memory.h"
#include "util/render/list.h"

enum { OPT_NO_PAGER = 0x100 };

struct args {
	bool json, no_pager;
};

static const struct argp_option options[] = {
	{ "json", 'j', NULL, 0, "Print one JSON object", 0 },
	{ "no-pager", OPT_NO_PAGER, NULL, 0, "Do not use a pager", 0 },
	{ 0 }
};

static error_t cmd_list__parse(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	switch (key) {
	case 'j':
		args->json = true;
		return 0;
	case OPT_NO_PAGER:
		args->no_pager = true;
		return 0;
	case ARGP_KEY_ARG:
		return usage_error("list takes no argument: '%s'; kvmw list -h lists its options",
				   arg);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp list_argp = {
	.options = options,
	.parser = cmd_list__parse,
	.doc = "List the virtual machines running on this host, and the events that kvmw record can "
	       "record.",
};

static int list_vms(struct listing *list, const struct vm *vms, u32 nr)
{
	list->vm = mem__calloc(nr ?: 1, sizeof(*list->vm));
	if (!list->vm)
		return -1;
	for (; list->nr_vms < nr; list->nr_vms++) {
		const struct vm *vm = &vms[list->nr_vms];

		list->vm[list->nr_vms] = (struct listing_vm) {
			.pid = vm->pid, .nr_vcpus = vm->nr_vcpus, .vmm = vm->vmm, .name = vm->name,
			.uuid = vm->uuid,
		};
	}
	return 0;
}

static int list_points(struct listing *list)
{
	list->point = mem__calloc(KVMW_NR_POINTS, sizeof(*list->point));
	if (!list->point)
		return -1;
	for (; list->nr_points < KVMW_NR_POINTS; list->nr_points++) {
		const struct probe *probe = &probes[PROBE_POINTS + list->nr_points];
		const struct attach_method *method = &probe->methods[0];

		list->point[list->nr_points] = (struct listing_point) {
			.event = points[list->nr_points].event,
			.kind = points[list->nr_points].kind,
			.name = probe->what,
			.here = !tracefs__tracepoint(method->category, method->name),
		};
	}
	return 0;
}

static void list_events(struct listing *list)
{
	for_each_named_event(event) {
		struct listing_event *here = &list->event[event->id];

		here->missing = provider__missing(event->id, here->missing_text,
						  sizeof(here->missing_text));
		if (!here->missing && provider__needs(BIT(event->id), PROBE_EXIT))
			here->missing = arch__silent_exit();
		here->lacks =
			provider__lacks(event->id, here->lacks_text, sizeof(here->lacks_text));
	}
}

static int print_list(const struct args *args, const struct listing *list)
{
	struct screen s;
	int ret = 0;

	screen__open(&s, 0, !args->no_pager && !args->json);
	if (args->json)
		ret = render__list_json(&s, list);
	else
		render__list(&s, list);
	return screen__close(&s) ? -1 : ret;
}

int cmd_list(int argc, const char **argv)
{
	struct listing list = { 0 };
	struct args args = { 0 };
	int nr, ret = KVMW_FAILED;
	struct vm *vms = NULL;

	if (options__parse(&list_argp, argc, argv, 0, &args))
		return KVMW_USAGE;
	nr = vm__scan(&vms, &list.hidden);
	if (nr < 0)
		goto out;
	list.privileged = host__may_inspect();
	if (list_vms(&list, vms, nr) || list_points(&list))
		goto out;
	list_events(&list);
	ret = print_list(&args, &list) ? KVMW_FAILED : KVMW_OK;
out:
	free(list.point);
	free(list.vm);
	free(vms);
	return ret;
}
