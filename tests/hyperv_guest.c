// SPDX-License-Identifier: GPL-2.0
/*
 * hyperv_guest N: a 64-bit guest that says it is a Hyper-V guest, makes N hypercalls
 * HVCALL_POST_MESSAGE with other numbers in RAX, then ends with an OUT.
 *
 * How such a guest calls: Hypervisor Top Level Functional Specification, 3.7; RCX has the call
 * code, and what RAX holds before the call does not matter.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/kvm.h>

#define MEMORY		0x400000
#define CODE		0x1000
#define PML4		0x2000
#define PDPT		0x3000
#define PD		0x4000
#define PRESENT_WRITE	3
#define LARGE		0x80
#define MAX_LEAVES	128

static const uint8_t code[] = {
	0xb9, 0x00, 0x00, 0x00, 0x40,			/*    mov ecx, HV_X64_MSR_GUEST_OS_ID */
	0xb8, 0x01, 0x00, 0x00, 0x00,			/*    mov eax, 1 */
	0x31, 0xd2,					/*    xor edx, edx */
	0x0f, 0x30,					/*    wrmsr */
	0xbb, 0x00, 0x00, 0x00, 0x00,			/*    mov ebx, N */
	0x48, 0xc7, 0xc0, 0x11, 0x11, 0x00, 0x00,	/* 1: mov rax, 0x1111 */
	0x48, 0xc7, 0xc1, 0x5c, 0x00, 0x00, 0x00,	/*    mov rcx, 0x5c */
	0x31, 0xd2,					/*    xor edx, edx */
	0x45, 0x31, 0xc0,				/*    xor r8d, r8d */
	0x0f, 0x01, 0xd9,				/*    vmmcall; KVM makes it fit the CPU */
	0xff, 0xcb,					/*    dec ebx */
	0x75, 0xe6,					/*    jnz 1b */
	0x66, 0xba, 0x10, 0x00,				/*    mov dx, 0x10 */
	0xee,						/*    out dx, al */
};
#define CODE_N		15

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "hyperv_guest: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* The first 4 MB, 1:1. */
static void map_memory(uint8_t *mem)
{
	((uint64_t *)(mem + PML4))[0] = PDPT | PRESENT_WRITE;
	((uint64_t *)(mem + PDPT))[0] = PD | PRESENT_WRITE;
	for (uint64_t i = 0; i < 2; i++)
		((uint64_t *)(mem + PD))[i] = i << 21 | LARGE | PRESENT_WRITE;
}

/* The leaves that KVM supports, and those that make it a Hyper-V guest. */
static void set_cpuid(int kvm, int vcpu)
{
	static const struct kvm_cpuid_entry2 leaves[] = {
		{ .function = 0x40000000, .eax = 0x40000005, .ebx = 0x7263694d, .ecx = 0x666f736f,
		  .edx = 0x76482074 },				/* "Microsoft Hv" */
		{ .function = 0x40000001, .eax = 0x31237648 },	/* "Hv#1" */
		{ .function = 0x40000003, .eax = ~0U, .ebx = ~0U },
	};
	struct kvm_cpuid2 *cpuid =
		calloc(1, sizeof(*cpuid) + (MAX_LEAVES + 3) * sizeof(*cpuid->entries));
	uint32_t nr = 0;

	must(cpuid, "calloc");
	cpuid->nent = MAX_LEAVES;
	must(!ioctl(kvm, KVM_GET_SUPPORTED_CPUID, cpuid), "KVM_GET_SUPPORTED_CPUID");
	for (uint32_t i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function >> 8 != 0x400000)
			cpuid->entries[nr++] = cpuid->entries[i];
	memcpy(cpuid->entries + nr, leaves, sizeof(leaves));
	cpuid->nent = nr + 3;
	must(!ioctl(vcpu, KVM_SET_CPUID2, cpuid), "KVM_SET_CPUID2");
	free(cpuid);
}

static void set_registers(int vcpu)
{
	struct kvm_segment data = { .limit = ~0U, .selector = 16, .type = 3, .present = 1, .s = 1,
				    .db = 1, .g = 1 };
	struct kvm_regs regs = { .rip = CODE, .rflags = 2, .rsp = CODE };
	struct kvm_sregs sregs;

	must(!ioctl(vcpu, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
	sregs.cr3 = PML4;
	sregs.cr4 = 0x20;		/* PAE */
	sregs.cr0 = 0x80000033;		/* PG, NE, ET, MP, PE */
	sregs.efer = 0x500;		/* LMA, LME */
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
	sregs.cs = data;
	sregs.cs.type = 11;
	sregs.cs.selector = 8;
	sregs.cs.db = 0;
	sregs.cs.l = 1;
	must(!ioctl(vcpu, KVM_SET_SREGS, &sregs), "KVM_SET_SREGS");
	must(!ioctl(vcpu, KVM_SET_REGS, &regs), "KVM_SET_REGS");
}

int main(int argc, char **argv)
{
	struct kvm_userspace_memory_region region = { .memory_size = MEMORY };
	uint32_t n = argc > 1 ? atoi(argv[1]) : 20;
	struct kvm_run *run;
	int kvm, vm, vcpu;
	uint8_t *mem;

	kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	must(kvm >= 0, "/dev/kvm");
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	must(vm >= 0 && !ioctl(vm, KVM_CREATE_IRQCHIP, 0), "KVM_CREATE_IRQCHIP");
	mem = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(mem != MAP_FAILED, "mmap");
	map_memory(mem);
	memcpy(mem + CODE, code, sizeof(code));
	memcpy(mem + CODE + CODE_N, &n, sizeof(n));
	region.userspace_addr = (uintptr_t)mem;
	must(!ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
	vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	must(vcpu >= 0, "KVM_CREATE_VCPU");
	run = mmap(NULL, ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), PROT_READ | PROT_WRITE, MAP_SHARED,
		   vcpu, 0);
	must(run != MAP_FAILED, "mmap of struct kvm_run");
	set_cpuid(kvm, vcpu);
	set_registers(vcpu);
	must(!ioctl(vcpu, KVM_RUN, 0) && run->exit_reason == KVM_EXIT_IO, "KVM_RUN");
	/* cppcheck-suppress memleak ; the process ends with it */
	return 0;
}
