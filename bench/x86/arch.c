// SPDX-License-Identifier: GPL-2.0
/* kvmw bench guest on x86: long mode, page tables, ports, exit reasons. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>

#include "../../util/error.h"
#include "../../util/memory.h"
#include "../vm.h"
#include "apic.h"
#include "ports.h"

/* guest.S */
extern const uint8_t guest_code[], guest_code_end[];

/* Guest pages from SYS_GPA on, GUEST_STRIDE apart. */
enum {
	PAGE_CODE,
	PAGE_PML4,
	PAGE_PDPT,
	PAGE_PD0,		/* first GiB: everything but touch windows */
	PAGE_PD_TOUCH,		/* one for each GiB of windows */
};

#define PTE_P		(1ULL << 0)
#define PTE_RW		(1ULL << 1)
#define PTE_A		(1ULL << 5)
#define PTE_D		(1ULL << 6)
#define PTE_PS		(1ULL << 7)
/* Accessed and dirty are set beforehand, so page walks never write to them. */
#define PTE_TABLE	(PTE_P | PTE_RW | PTE_A)
#define PTE_LARGE	(PTE_TABLE | PTE_D | PTE_PS)

#define CR0_PE		(1ULL << 0)
#define CR0_MP		(1ULL << 1)
#define CR0_ET		(1ULL << 4)
#define CR0_NE		(1ULL << 5)
#define CR0_WP		(1ULL << 16)
#define CR0_PG		(1ULL << 31)
#define CR4_PAE		(1ULL << 5)
#define EFER_LME	(1ULL << 8)
#define EFER_LMA	(1ULL << 10)

#define MMIO_GPA	0x20000000ULL		/* above slot 0, in the same GiB */
#define TOUCH_GPA	(4 * GIB)		/* above what KVM keeps for itself */
#define PML4E_SPAN	(512 * GIB)
#define MAX_CPUID	256

static uint64_t page_gpa(unsigned int page)
{
	return SYS_GPA + (uint64_t)page * GUEST_STRIDE;
}

static uint64_t *page_table(struct guest_vm *vm, unsigned int page)
{
	return (void *)(vm->sys + (size_t)page * GUEST_STRIDE);
}

static unsigned int touch_gibs(const struct guest_vm *vm)
{
	return vm->touch_span / GIB * vm->cfg->vcpus;
}

unsigned int arch_sys_pages(const struct guest_vm *vm)
{
	return PAGE_PD_TOUCH + touch_gibs(vm);
}

uint64_t arch_touch_base(void)
{
	return TOUCH_GPA;
}

uint64_t arch_mmio_gpa(unsigned int vcpu)
{
	return MMIO_GPA + vcpu * GUEST_PAGE;
}

static unsigned int phys_bits(const struct kvm_cpuid2 *cpuid)
{
	for (unsigned int i = 0; i < cpuid->nent; i++) {
		if (cpuid->entries[i].function == 0x80000008)
			return cpuid->entries[i].eax & 0xff;
	}
	return 36;	/* what a CPU without that leaf has */
}

int arch_vm_init(struct guest_vm *vm)
{
	struct kvm_cpuid2 *cpuid;

	cpuid = calloc(1, sizeof(*cpuid) + MAX_CPUID * sizeof(cpuid->entries[0]));
	if (!cpuid)
		return out_of_memory();
	vm->arch = cpuid;
	cpuid->nent = MAX_CPUID;
	if (ioctl(vm->kvm, KVM_GET_SUPPORTED_CPUID, cpuid))
		return error("KVM_GET_SUPPORTED_CPUID: %s", strerror(errno));
	/* Intel CPUs without "unrestricted guest" need this. */
	if (ioctl(vm->kvm, KVM_CHECK_EXTENSION, KVM_CAP_SET_TSS_ADDR) > 0 &&
	    ioctl(vm->fd, KVM_SET_TSS_ADDR, 0xfffbd000UL))
		return error("KVM_SET_TSS_ADDR: %s", strerror(errno));
	return guest_has_irqchip(vm->cfg) ? apic_vm_init(vm) : 0;
}

int arch_check(struct guest_vm *vm, uint64_t gpa_end)
{
	unsigned int bits = phys_bits(vm->arch);
	uint64_t limit = bits < 39 ? 1ULL << bits : PML4E_SPAN;

	/* Other KVMs may emulate the instruction and repeat it forever. */
	if (vm->cfg->per_round[OP_VMCALL] && access("/sys/module/kvm_amd", F_OK) &&
	    access("/sys/module/kvm_intel", F_OK))
		return error("--vmcall: this host's KVM uses neither SVM nor VMX and may not exit for "
			     "hypercalls; omit it");
	if (vm->touch_span && gpa_end > limit)
		return error("--touch needs %" PRIu64 " GiB of guest addresses per vCPU, and the host "
			     "has %" PRIu64 "; lower --touch or --vcpus",
			     vm->touch_span >> 30, (limit - TOUCH_GPA) >> 30);
	return 0;
}

void arch_load(struct guest_vm *vm)
{
	uint64_t *pdpt = page_table(vm, PAGE_PDPT);

	memcpy(page_table(vm, PAGE_CODE), guest_code, guest_code_end - guest_code);
	if (guest_has_irqchip(vm->cfg))
		apic_load(vm, vm->sys, page_gpa(PAGE_CODE));
	page_table(vm, PAGE_PML4)[0] = page_gpa(PAGE_PDPT) | PTE_TABLE;
	/* Guest virtual = guest physical, in 2 MiB pages. */
	for (unsigned int i = 0; i <= touch_gibs(vm); i++) {
		uint64_t gib = i ? TOUCH_GPA / GIB + i - 1 : 0;
		uint64_t *pd = page_table(vm, PAGE_PD0 + i);

		pdpt[gib] = page_gpa(PAGE_PD0 + i) | PTE_TABLE;
		for (unsigned int n = 0; n < 512; n++)
			pd[n] = (gib * GIB + ((uint64_t)n << 21)) | PTE_LARGE;
	}
}

static void long_mode(struct kvm_sregs *sregs)
{
	struct kvm_segment code = {
		.limit = 0xffffffff, .selector = SEL_CODE, .type = 11, .present = 1, .s = 1,
		.l = 1, .g = 1,
	};
	struct kvm_segment data = {
		.limit = 0xffffffff, .selector = SEL_DATA, .type = 3, .present = 1, .s = 1,
		.db = 1, .g = 1,
	};
	/* VMX refuses an entry in IA-32e mode without a busy 64-bit TSS. */
	struct kvm_segment tss = {
		.limit = 0x67, .selector = 0x18, .type = 11, .present = 1,
	};

	sregs->cs = code;
	sregs->ds = data;
	sregs->es = data;
	sregs->fs = data;
	sregs->gs = data;
	sregs->ss = data;
	sregs->tr = tss;
	/* Without descriptor tables (apic.c adds some), any exception is a triple fault. */
	memset(&sregs->gdt, 0, sizeof(sregs->gdt));
	memset(&sregs->idt, 0, sizeof(sregs->idt));
	sregs->cr0 = CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE;
	sregs->cr3 = page_gpa(PAGE_PML4);
	sregs->cr4 = CR4_PAE;
	sregs->efer = EFER_LMA | EFER_LME;
}

/* Whether the CPU has VMMCALL, SVM's hypercall instruction; others have VMX's VMCALL. */
static bool has_vmmcall(const struct kvm_cpuid2 *cpuid)
{
	static const char *const vendors[] = { "AuthenticAMD", "HygonGenuine" };

	for (unsigned int i = 0; i < cpuid->nent; i++) {
		const struct kvm_cpuid_entry2 *entry = &cpuid->entries[i];
		uint32_t name[] = { entry->ebx, entry->edx, entry->ecx };

		if (entry->function == 0)
			return !memcmp(name, vendors[0], sizeof(name)) ||
			       !memcmp(name, vendors[1], sizeof(name));
	}
	return false;
}

void arch_fill_block(struct guest_vcpu *vcpu)
{
	vcpu->block->arch = has_vmmcall(vcpu->vm->arch);
}

int arch_vcpu_init(struct guest_vcpu *vcpu)
{
	struct guest_vm *vm = vcpu->vm;
	uint64_t block_gpa = SYS_GPA + (uint64_t)((uint8_t *)vcpu->block - vm->sys);
	struct kvm_regs regs = {
		.rip = page_gpa(PAGE_CODE),
		.rflags = 2,	/* the bit that is always set; interrupts off */
		.rsp = block_gpa + GUEST_PAGE,
		.r15 = block_gpa,
	};
	struct kvm_sregs sregs;

	if (ioctl(vcpu->fd, KVM_SET_CPUID2, vm->arch))
		return error("KVM_SET_CPUID2 of vCPU %u: %s", vcpu->id, strerror(errno));
	if (ioctl(vcpu->fd, KVM_GET_SREGS, &sregs))
		return error("KVM_GET_SREGS of vCPU %u: %s", vcpu->id, strerror(errno));
	long_mode(&sregs);
	if (guest_has_irqchip(vm->cfg))
		apic_sregs(&sregs, page_gpa(PAGE_CODE));
	if (ioctl(vcpu->fd, KVM_SET_SREGS, &sregs))
		return error("KVM_SET_SREGS of vCPU %u: %s", vcpu->id, strerror(errno));
	if (ioctl(vcpu->fd, KVM_SET_REGS, &regs))
		return error("KVM_SET_REGS of vCPU %u: %s", vcpu->id, strerror(errno));
	return guest_has_irqchip(vm->cfg) ? apic_vcpu_init(vcpu) : 0;
}

static enum arch_exit port_write(const struct kvm_run *run)
{
	uint8_t value;

	if (run->io.direction != KVM_EXIT_IO_OUT || run->io.size != 1 || run->io.count != 1)
		return ARCH_UNEXPECTED;
	if (run->io.port == PORT_COUNTED)
		return ARCH_PIO;
	if (run->io.port != PORT_CONTROL)
		return ARCH_UNEXPECTED;

	memcpy(&value, (const uint8_t *)run + run->io.data_offset, 1);
	switch (value) {
	case CTL_READY:
		return ARCH_READY;
	case CTL_REFILL:
		return ARCH_REFILL;
	case CTL_FINAL:
		return ARCH_FINAL;
	default:
		return ARCH_UNEXPECTED;
	}
}

enum arch_exit arch_exit(const struct guest_vcpu *vcpu)
{
	const struct kvm_run *run = vcpu->run;

	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		return port_write(run);
	case KVM_EXIT_MMIO:
		if (run->mmio.is_write && run->mmio.len == 4 &&
		    run->mmio.phys_addr == arch_mmio_gpa(vcpu->id))
			return ARCH_MMIO;
		return ARCH_UNEXPECTED;
	case KVM_EXIT_HLT:
		return ARCH_HLT;
	default:
		return ARCH_UNEXPECTED;
	}
}

void arch_dump(const struct guest_vcpu *vcpu, char *buf, size_t size)
{
	struct kvm_sregs s;
	struct kvm_regs r;

	if (ioctl(vcpu->fd, KVM_GET_REGS, &r) || ioctl(vcpu->fd, KVM_GET_SREGS, &s)) {
		snprintf(buf, size, "registers not available: %s", strerror(errno));
		return;
	}
	snprintf(buf, size,
		 "rip=0x%llx rflags=0x%llx rax=0x%llx rbx=0x%llx rcx=0x%llx rdx=0x%llx "
		 "rsi=0x%llx rdi=0x%llx r13=0x%llx r14=0x%llx r15=0x%llx "
		 "cr0=0x%llx cr2=0x%llx cr3=0x%llx cr4=0x%llx efer=0x%llx%s",
		 r.rip, r.rflags, r.rax, r.rbx, r.rcx, r.rdx, r.rsi, r.rdi, r.r13, r.r14, r.r15,
		 s.cr0, s.cr2, s.cr3, s.cr4, s.efer,
		 /* svm.c's shutdown_interception(): the VMCB is undefined by then. */
		 s.cr0 & CR0_PE ? "" : " (after the reset that KVM does on SVM)");
}

/*
 * Names as in the kernel's arch/x86/include/uapi/asm/{vmx,svm}.h. The first
 * write to an address without memory is an EPT violation; later ones are
 * misconfigurations, which KVM set up to handle them faster
 * (handle_ept_misconfig()). SVM has one exit code for both.
 */
const char arch_isas[] = "VMX / SVM";

const char *arch_op_reasons(int op)
{
	switch (op) {
	case OP_CPUID:
		return "CPUID / cpuid";
	case OP_PIO:
		return "IO_INSTRUCTION / io";
	case OP_MMIO:
		return "EPT_MISCONFIG / npf";
	case OP_MSR:
		return "MSR_READ, MSR_WRITE / msr";
	case OP_HLT:
		return "HLT / hlt";
	case OP_TOUCH:
		return "EPT_VIOLATION / npf";
	case OP_VMCALL:
		return "VMCALL / hypercall";
	case OP_IPI:
		return "2 MSR_WRITE / 2 msr";
	case OP_TIMER:
		return "2 MSR_WRITE, HLT / 2 msr, hlt";
	default:
		return "";
	}
}

/* Exits that the host may add to the known ones: kvmw-bench(1). */
static const struct arch_reason timer_extras[] = {
	{ "vmx", "INTERRUPT_WINDOW", ARCH_UNKNOWN },
	{ "vmx", "PREEMPTION_TIMER", ARCH_UNKNOWN },
	{ "svm", "vintr", ARCH_UNKNOWN },
};

static const struct arch_reason apic_extras[] = {
	{ "vmx", "APIC_WRITE", ARCH_UNKNOWN },
	{ "vmx", "EOI_INDUCED", ARCH_UNKNOWN },
	{ "svm", "avic_incomplete_ipi", ARCH_UNKNOWN },
	{ "svm", "avic_unaccelerated_access", ARCH_UNKNOWN },
};

size_t arch_reasons(const struct guest_result *res, struct arch_reason out[ARCH_MAX_REASONS])
{
	const uint64_t *n = res->count;
	const struct user_exits *user = &res->user;
	uint64_t pio = n[CNT_PIO] + user->ready + user->refill + user->final;
	uint64_t faults = n[CNT_TOUCH] + res->setup_faults + user->setup_mmio;
	/* ICR and EOI; initial count and EOI. */
	uint64_t apic = n[CNT_IPI] + n[CNT_IPI_TAKEN] + n[CNT_TIMER] + n[CNT_TIMER_FIRED];
	bool hidden = res->irqchip && res->apic_hidden;
	uint64_t wrmsr = hidden ? ARCH_UNKNOWN : n[CNT_WRMSR] + apic;
	uint64_t msr = hidden ? ARCH_UNKNOWN : n[CNT_RDMSR] + n[CNT_WRMSR] + apic;
	const struct arch_reason all[] = {
		{ "vmx", "CPUID", n[CNT_CPUID] },
		{ "vmx", "IO_INSTRUCTION", pio },
		{ "vmx", "EPT_MISCONFIG", n[CNT_MMIO] },
		{ "vmx", "EPT_VIOLATION", faults },
		{ "vmx", "MSR_READ", n[CNT_RDMSR] },
		{ "vmx", "MSR_WRITE", wrmsr },
		{ "vmx", "HLT", n[CNT_HLT] + n[CNT_HALT] },
		{ "vmx", "VMCALL", n[CNT_VMCALL] },
		{ "svm", "cpuid", n[CNT_CPUID] },
		{ "svm", "io", pio },
		{ "svm", "npf", n[CNT_MMIO] + faults },
		{ "svm", "msr", msr },
		{ "svm", "hlt", n[CNT_HLT] + n[CNT_HALT] },
		{ "svm", "hypercall", n[CNT_VMCALL] },
	};
	size_t nr = sizeof(all) / sizeof(all[0]);

	_Static_assert((sizeof(all) + sizeof(timer_extras) + sizeof(apic_extras)) /
		       sizeof(all[0]) <= ARCH_MAX_REASONS, "reasons fit");
	memcpy(out, all, sizeof(all));
	if (n[CNT_TIMER] || hidden) {
		memcpy(out + nr, timer_extras, sizeof(timer_extras));
		nr += sizeof(timer_extras) / sizeof(timer_extras[0]);
	}
	if (hidden) {
		memcpy(out + nr, apic_extras, sizeof(apic_extras));
		nr += sizeof(apic_extras) / sizeof(apic_extras[0]);
	}
	return nr;
}
