// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "util/analysis/detail_name.h"
#include "util/arch/names.h"
#include "util/events.h"

/* QEMU calls a whole chip by one name; that of the register, if there is one, says more. */
static const char *at_region(const struct regions *regions, enum region_space space, u64 address,
			     const char *name)
{
	const struct region *region = regions ? regions__find(regions, space, address) : NULL;

	if (!region || (name && region->of_qemu && names__know_registers(region->name)))
		return name;
	return region->name;
}

static const char *at_gpa(const struct regions *regions, u64 gpa, const char *name)
{
	return at_region(regions, REGION_MEMORY, gpa, name);
}

const char *detail_name__exit(const struct regions *regions, u32 kind, u64 detail)
{
	if (detail == KVMW_NONE)
		return NULL;
	switch (kind) {
	case KVMW_DETAIL_PIO_IN:
	case KVMW_DETAIL_PIO_OUT:
		return at_region(regions, REGION_PORTS, detail,
				 port_name(detail, kind == KVMW_DETAIL_PIO_OUT));
	case KVMW_DETAIL_MMIO_READ:
	case KVMW_DETAIL_MMIO_WRITE:
	case KVMW_DETAIL_FAST_MMIO:
		return at_gpa(regions, detail, mmio_name(detail));
	case KVMW_DETAIL_FAULT_READ:
	case KVMW_DETAIL_FAULT_WRITE:
	case KVMW_DETAIL_FAULT_EXEC:
		return at_gpa(regions, detail, mmio_page_name(detail));
	case KVMW_DETAIL_MSR_READ:
	case KVMW_DETAIL_MSR_WRITE:
		return msr_name(detail);
	case KVMW_DETAIL_CR_READ:
	case KVMW_DETAIL_CR_WRITE:
		return cr_name(detail);
	case KVMW_DETAIL_CPUID:
		return cpuid_name(detail);
	case KVMW_DETAIL_HYPERCALL:
		return hypercall_name(detail);
	case KVMW_DETAIL_HV_HYPERCALL:
		return hv_hypercall_name(detail);
	case KVMW_DETAIL_INTERRUPT:
		return host_vector_name(detail);
	case KVMW_DETAIL_EXCEPTION:
		return exception_name(detail);
	default:
		return NULL;
	}
}

u64 detail_name__group(u64 kind, u64 detail, u64 written, u64 nested)
{
	return kind == KVMW_DETAIL_MSR_WRITE && written != KVMW_NONE ?
	       written_group(detail, written, nested == 1) : 0;
}

struct vcpus_of {
	const struct recording *rec;
	u32 vm;
};

static bool has_vcpu(const void *arg, u32 number)
{
	const struct vcpus_of *of = arg;

	for (u32 i = 0; i < of->rec->nr_vcpus; i++) {
		const struct rec_vcpu *v = &of->rec->vcpu[i];

		if (v->vcpu == number && rec_vcpu__is_vcpu(v) &&
		    (of->vm == REC_NO_VM || v->vm == of->vm))
			return true;
	}
	return false;
}

const char *detail_name__written(const struct recording *rec, u32 vm, u64 group, char *buf)
{
	const struct vcpus_of of = { rec, vm };

	return written_name(group, has_vcpu, &of, buf, ICR_NAME_MAX);
}

static const char *fault_name(const struct regions *regions, u32 kind, u64 gpa)
{
	switch (kind) {
	case KVMW_fault_PAGE_FAULT:
	case KVMW_fault_FAST:
	case KVMW_fault_MMIO:
	case KVMW_fault_SET_SPTE:
	case KVMW_fault_ASYNC_GET:
		return at_gpa(regions, gpa, mmio_page_name(gpa));
	default:
		/* Of the other asynchronous page faults it is a guest virtual address. */
		return NULL;
	}
}

const char *detail_name__range(const struct regions *regions, u64 from, u64 to)
{
	const char *first = at_gpa(regions, from, mmio_page_name(from));
	const char *last = at_gpa(regions, to, mmio_page_name(to));

	return first && last && !strcmp(first, last) ? first : NULL;
}

static const char *hypercall_of_kind(u32 kind, u64 nr)
{
	switch (kind) {
	case KVMW_hypercall_KVM:
		return hypercall_name(nr);
	case KVMW_hypercall_HYPERV:
	case KVMW_hypercall_HYPERV_DONE:
		return hv_hypercall_name(nr);
	default:
		return NULL;
	}
}

const char *detail_name__family(const struct regions *regions, u32 event, u32 kind, u64 detail)
{
	if (detail == KVMW_NONE)
		return NULL;
	switch (event) {
	case KVMW_EVENT_FAULT:
		return fault_name(regions, kind, detail);
	case KVMW_EVENT_DIRTY:
	case KVMW_EVENT_MMU:
		return detail > UINT64_MAX >> 12 ? NULL : at_gpa(regions, detail << 12, NULL);
	case KVMW_EVENT_HYPERCALL:
		return hypercall_of_kind(kind, detail);
	case KVMW_EVENT_IRQ:
		return kind == KVMW_irq_EXCEPTION ? exception_name(detail) :
		       guest_vector_name(detail);
	default:
		return NULL;
	}
}
