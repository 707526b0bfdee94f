// SPDX-License-Identifier: GPL-2.0
/*
 * Control registers and exceptions: Intel SDM vol. 3A, 2.5 and 6.15; AMD APM vol. 2, 3.1, 8.2.
 *
 * Interrupt vectors of Linux: arch/x86/include/asm/irq_vectors.h.  Only those are listed that are
 * the same in all kernels from 5.10 to 7.2; 0x20 (until 6.5), 0xeb (since 6.9) and 0xf5 (7.x) are
 * not, nor are those of devices, 0x21 to 0xea, which every boot allocates anew.
 */
#include "util/arch/names.h"
#include "util/arch/x86/names/table.h"

static const struct name control_registers[] = {
	NAME(0, "CR0"), NAME(2, "CR2"), NAME(3, "CR3"), NAME(4, "CR4"), NAME(8, "CR8"),
};

const struct name_table cr_table = NAME_TABLE("control registers", control_registers);

static const struct name exceptions[] = {
	NAME(0, "#DE"),
	NAME(1, "#DB"),
	NAME(2, "NMI"),
	NAME(3, "#BP"),
	NAME(4, "#OF"),
	NAME(5, "#BR"),
	NAME(6, "#UD"),
	NAME(7, "#NM"),
	NAME(8, "#DF"),
	NAME(10, "#TS"),
	NAME(11, "#NP"),
	NAME(12, "#SS"),
	NAME(13, "#GP"),
	NAME(14, "#PF"),
	NAME(16, "#MF"),
	NAME(17, "#AC"),
	NAME(18, "#MC"),
	NAME(19, "#XM"),
	NAME(20, "#VE"),
	NAME(21, "#CP"),
	NAME(28, "#HV"),
	NAME(29, "#VC"),
	NAME(30, "#SX"),
};

const struct name_table exception_table = NAME_TABLE("exceptions", exceptions);

/* Short: report -e irq has 80 columns for them and much else. */
#define LINUX_VECTORS(VECTOR)						\
	VECTOR(0x80, "int80"),						\
	VECTOR(0xec, "local timer"),					\
	VECTOR(0xed, "HV timer"),					\
	VECTOR(0xee, "HV TSC"),					\
	VECTOR(0xef, "IRQ shutdown"),					\
	VECTOR(0xf0, "posted L2"),					\
	VECTOR(0xf1, "posted wake"),					\
	VECTOR(0xf2, "posted IRQ"),					\
	VECTOR(0xf3, "hypervisor"),					\
	VECTOR(0xf4, "deferred MC"),					\
	VECTOR(0xf6, "irq_work"),					\
	VECTOR(0xf7, "platform IPI"),					\
	VECTOR(0xf8, "reboot"),						\
	VECTOR(0xf9, "MC threshold"),					\
	VECTOR(0xfa, "thermal"),					\
	VECTOR(0xfb, "call single"),					\
	VECTOR(0xfc, "call func"),					\
	VECTOR(0xfd, "reschedule"),					\
	VECTOR(0xfe, "APIC error"),					\
	VECTOR(0xff, "spurious")

#define ALONE(at, name)		NAME(at, name)
#define OF_GUEST(at, name)	NAME(at, "Linux: " name)
#define OF_HOST(at, name)	NAME(at, "host: " name)

static const struct name linux_vectors[] = { LINUX_VECTORS(ALONE) };
static const struct name guest_vectors[] = { LINUX_VECTORS(OF_GUEST) };
static const struct name host_vectors[] = { LINUX_VECTORS(OF_HOST) };

const struct name_table linux_vector_table = NAME_TABLE("vectors of Linux", linux_vectors);
const struct name_table guest_vector_table = NAME_TABLE("vectors of guests", guest_vectors);
const struct name_table host_vector_table = NAME_TABLE("vectors of the host", host_vectors);

const char *cr_name(u64 number)
{
	return name_table__find(&cr_table, number, false);
}

const char *exception_name(u64 vector)
{
	return name_table__find(&exception_table, vector, false);
}

const char *linux_vector_name(u64 vector)
{
	return name_table__find(&linux_vector_table, vector, false);
}

const char *guest_vector_name(u64 vector)
{
	return name_table__find(&guest_vector_table, vector, false);
}

const char *host_vector_name(u64 vector)
{
	return name_table__find(&host_vector_table, vector, false);
}
