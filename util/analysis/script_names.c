// SPDX-License-Identifier: GPL-2.0
/* kvmw script: what the numbers in a row mean. */
#include <string.h>

#include "util/analysis/detail_name.h"
#include "util/analysis/script_internal.h"
#include "util/arch/names.h"
#include "util/event_desc.h"

#define SEND_IPI	10	/* KVM_HC_SEND_IPI, whose a3 is an ICR */
#define ICR_OFFSET	0x300

void script_names__find_fields(struct event_view *v)
{
	const struct event_desc *desc = event_desc__captured(v->event->id);
	const char *detail = desc ? desc->detail : NULL;
	bool exit = desc && v->event->id == KVMW_EVENT_EXIT;

	v->named = (struct event_named) {
		.number = detail ? data_event__field(v->event, detail) : -1,
		.kind = exit ? data_event__field(v->event, desc->detail_kind) : v->kind,
		.nested = data_event__field(v->event, "nested"),
		.written = exit ? data_event__field(v->event, "written") : -1,
		.address = data_event__field(v->event, "address"),
		.icr = data_event__field(v->event, v->event->id == KVMW_EVENT_IRQ ? "data" : "a3"),
	};
	for (u32 i = 0; i < v->nr_fields; i++) {
		int field = v->field[i].field;

		v->field[i].named = field == v->named.number || field == v->named.address ||
				    field == v->named.icr;
	}
}

static bool of_apic(const struct script_row *row)
{
	return row->view->event->id == KVMW_EVENT_IRQ && row->view->named.address >= 0 &&
	       (row->kind == KVMW_irq_APIC || row->kind == KVMW_irq_AVIC_ACCESS);
}

static bool is_icr(const struct script_row *row)
{
	const struct event_named *named = &row->view->named;

	if (row->view->event->id == KVMW_EVENT_HYPERCALL)
		return row->kind == KVMW_hypercall_KVM && named->number >= 0 &&
		       script_row__get(row, named->number) == SEND_IPI;
	if (row->view->event->id != KVMW_EVENT_IRQ)
		return false;
	return row->kind == KVMW_irq_IPI || row->kind == KVMW_irq_AVIC_IPI ||
	       (row->kind == KVMW_irq_APIC && of_apic(row) &&
		script_row__get(row, named->address) == ICR_OFFSET);
}

/* The regions are those of a VM; a nested guest has its own. */
static const char *number_name(const struct script_model *m, const struct script_row *row,
			       u64 value, char *buf)
{
	const struct event_named *named = &row->view->named;
	bool nested = named->nested >= 0 && script_row__get(row, named->nested) == 1;
	u64 written = named->written < 0 ? KVMW_NONE : script_row__get(row, named->written), group;
	const struct regions *regions = nested ? NULL : m->regions;
	u64 kind = named->kind < 0 ? KVMW_NONE : script_row__get(row, named->kind);

	if (kind > UINT16_MAX)
		return NULL;
	if (row->view->event->id == KVMW_EVENT_EXIT) {
		group = detail_name__group(kind, value, written, nested);
		return group ?
		       detail_name__written(m->rec, row->who->vm ? row->who->vm->id : REC_NO_VM,
					    group, buf) : detail_name__exit(regions, kind, value);
	}
	return detail_name__family(regions, row->view->event->id, kind, value);
}

int script_row__named_field(const struct script_row *row)
{
	return of_apic(row) ? row->view->named.address : row->view->named.number;
}

const char *script_row__number_name(const struct script_model *m, const struct script_row *row,
				    u32 field, char *buf)
{
	const struct event_named *named = &row->view->named;
	u64 value = script_row__get(row, field);

	if (value == KVMW_NONE)
		return NULL;
	if ((int)field == named->number)
		return number_name(m, row, value, buf);
	if ((int)field == named->address)
		return of_apic(row) ? apic_register_name(value) : NULL;
	if ((int)field == named->icr && is_icr(row))
		return icr_name(value, buf, ICR_NAME_MAX);
	return NULL;
}

const char *script_row__name(const struct script_model *m, const struct script_row *row, char *buf)
{
	int field = script_row__named_field(row);

	return field < 0 ? NULL : script_row__number_name(m, row, field, buf);
}
