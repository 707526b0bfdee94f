// SPDX-License-Identifier: GPL-2.0
/*
 * vmm SCRIPT: a VMM that does what a script says, for what real VMMs do seldom: a thread that
 * runs several vCPUs, a vCPU that changes its thread, several VMs, errors, deaths.
 *
 * SCRIPT is one argument; commands end with ';' or a line's end:
 *
 *	THREAD COMMAND [ARGUMENT]...
 *
 * Thread 0 to 15 carries it out; the next command waits for it unless COMMAND ends with '&'.
 *
 *	vm V [1]		create VM V; 1: with KVM's interrupt chips and an irqfd, an MSI
 *	vcpu C V ID		create vCPU C, whose number in VM V is ID
 *	run C N [CPUID [ARM [IRQ]]]
 *				call KVM_RUN N times: the guest executes CPUID so often, arms the
 *				APIC's timer so often (IA32_TSC_DEADLINE), halts until it has
 *				taken so many interrupts, then OUT
 *	forever C		call KVM_RUN once: the guest does not leave by itself
 *	walk C			the same: the guest writes to all pages what is there, over and over
 *	imm C N			call KVM_RUN N times with immediate_exit set: EINTR
 *	signal V N		write N times to the irqfd, each time the guest has taken the last
 *	other V N		the same by another process
 *	aio V N			the same by the kernel, in an interrupt: reads of a disk complete
 *	smi C			call KVM_RUN once: the guest is in system-management mode, which
 *				has its own memory at SMRAM, and there does OUT
 *	post V			write to the irqfd once
 *	pit V			create the PIT, which AVIC does not go with
 *	close V			close VM V and its vCPUs
 *	vms N VCPUS TIMES	N times: create VM 0 with vCPUs 0 to VCPUS - 1, run each TIMES
 *				times, close it
 *	absent V		take the VM's memory away: whoever touches it waits for ever
 *	discard V N US		N times, every US microseconds: MADV_DONTNEED; contents remain
 *	mergeable V		make the VM's memory private, and KSM's to merge
 *	usr1			wait for SIGUSR1
 *	sleep MS		sleep in the VMM
 *	spin MS			use the CPU in the VMM
 *	join			wait for the command that thread THREAD carries out
 *	exit			the thread ends; a later command starts another one
 *	die			SIGKILL for the whole process
 *
 * It prints a line of JSON: for each vCPU its VM, number and threads, how often KVM_RUN
 * returned with KVM_EXIT_IO and with EINTR, and how often its guest did CPUID and armed the timer
 * and how many interrupts it took.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/aio_abi.h>
#include <linux/kvm.h>
#include <linux/userfaultfd.h>

#include "vmm_code.h"

#define NAMED	__attribute__((noinline))	/* test_stack.py looks for it in stacks */

#define NR_THREADS	16
#define NR_VMS		4096
#define NR_VCPUS	4096
#define MAX_TIDS	16
#define PAGE		4096
#define SMRAM		0x30000		/* at reset: Intel SDM volume 3, "SMRAM" */
#define SMRAM_SIZE	0x10000
#define SMI_ENTRY	0x8000
#define VECTOR		0x30
#define MEMORY		(16 * PAGE)
#define DISK		"/dev/vda"
#define MAX_CPUID	256
#define CPUID_1_ECX_TSC_DEADLINE	(1U << 24)
#define APIC_SPIV	0xf0
#define SPIV_ENABLED	0x1ff
#define APIC_BASE_X2APIC	(1U << 10)
#define APIC_LVTT	0x320
#define LVTT_TSC_DEADLINE	(2U << 17)
#define LVTT_MASKED	(1U << 16)

struct test_vm {
	int fd;
	bool chips;
	int irqfd;		/* an eventfd */
	unsigned char *mem;
};

struct test_vcpu {
	int fd;
	unsigned int vm, number;
	struct kvm_run *run;
	unsigned long io, eintr, cpuid, arm, irq;
	pid_t tid[MAX_TIDS];
	unsigned int nr_tids;
};

struct worker {
	struct vmm *vmm;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool started, busy;
	char command[256];
};

struct vmm {
	int kvm;
	struct test_vm vms[NR_VMS];
	struct test_vcpu vcpus[NR_VCPUS];
	struct worker workers[NR_THREADS];
};

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "vmm: %s: %s\n", what, strerror(errno));
	_exit(1);
}

static struct test_vm *vm_at(struct vmm *vmm, unsigned int i)
{
	must(i < NR_VMS, "number of a VM");
	return &vmm->vms[i];
}

static struct test_vcpu *vcpu_at(struct vmm *vmm, unsigned int i)
{
	must(i < NR_VCPUS, "number of a vCPU");
	return &vmm->vcpus[i];
}

static size_t run_size(const struct vmm *vmm)
{
	return ioctl(vmm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
}

static NAMED void make_irqfd(struct test_vm *vm)
{
	struct kvm_irq_routing *route = calloc(1, sizeof(*route) + sizeof(*route->entries));
	struct kvm_irqfd irqfd = {};

	must(route, "calloc");
	route->nr = 1;
	route->entries[0] = (struct kvm_irq_routing_entry) {
		.type = KVM_IRQ_ROUTING_MSI,
		.u.msi = { .address_lo = 0xfee00000, .data = VECTOR },
	};
	must(!ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0), "KVM_CREATE_IRQCHIP");
	must(!ioctl(vm->fd, KVM_SET_GSI_ROUTING, route), "KVM_SET_GSI_ROUTING");
	free(route);
	vm->irqfd = irqfd.fd = eventfd(0, EFD_CLOEXEC);
	must(vm->irqfd >= 0 && !ioctl(vm->fd, KVM_IRQFD, &irqfd), "KVM_IRQFD");
}

static NAMED void make_vm(struct vmm *vmm, struct test_vm *vm, bool chips)
{
	struct kvm_userspace_memory_region region = { .memory_size = MEMORY };

	vm->fd = ioctl(vmm->kvm, KVM_CREATE_VM, 0);
	must(vm->fd >= 0, "KVM_CREATE_VM");
	vm->chips = chips;
	if (chips)
		make_irqfd(vm);
	vm->mem = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(vm->mem != MAP_FAILED, "mmap");
	memcpy(vm->mem + CODE, code, sizeof(code));
	memcpy(vm->mem + HANDLER, handler, sizeof(handler));
	memcpy(vm->mem + 4 * VECTOR, (unsigned short [2]) { HANDLER, 0 }, 4);
	region.userspace_addr = (unsigned long)vm->mem;
	must(!ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
}

/* An x2APIC whose timer is armed by a write to IA32_TSC_DEADLINE and interrupts nobody. */
static void set_apic(const struct vmm *vmm, int fd, struct kvm_sregs *sregs)
{
	struct kvm_cpuid2 *cpuid = calloc(1, sizeof(*cpuid) + MAX_CPUID * sizeof(*cpuid->entries));
	struct kvm_mp_state state = { .mp_state = KVM_MP_STATE_RUNNABLE };
	unsigned int lvtt = LVTT_TSC_DEADLINE | LVTT_MASKED, spiv = SPIV_ENABLED;
	struct kvm_lapic_state lapic;

	must(cpuid, "calloc");
	cpuid->nent = MAX_CPUID;
	must(!ioctl(vmm->kvm, KVM_GET_SUPPORTED_CPUID, cpuid), "KVM_GET_SUPPORTED_CPUID");
	for (unsigned int i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function == 1)
			cpuid->entries[i].ecx |= CPUID_1_ECX_TSC_DEADLINE;
	must(!ioctl(fd, KVM_SET_CPUID2, cpuid), "KVM_SET_CPUID2");
	free(cpuid);
	sregs->apic_base |= APIC_BASE_X2APIC;
	must(!ioctl(fd, KVM_SET_SREGS, sregs), "KVM_SET_SREGS");
	must(!ioctl(fd, KVM_GET_LAPIC, &lapic), "KVM_GET_LAPIC");
	memcpy(lapic.regs + APIC_LVTT, &lvtt, sizeof(lvtt));
	memcpy(lapic.regs + APIC_SPIV, &spiv, sizeof(spiv));
	must(!ioctl(fd, KVM_SET_LAPIC, &lapic), "KVM_SET_LAPIC");
	must(!ioctl(fd, KVM_SET_MP_STATE, &state), "KVM_SET_MP_STATE");
}

static void make_vcpu(struct vmm *vmm, struct test_vcpu *v, unsigned int vm, unsigned int number)
{
	struct kvm_regs regs = { .rip = CODE, .rflags = 2, .rsp = STACK };
	struct kvm_sregs sregs;

	memset(v, 0, sizeof(*v));
	v->vm = vm;
	v->number = number;
	v->fd = ioctl(vm_at(vmm, vm)->fd, KVM_CREATE_VCPU, number);
	must(v->fd >= 0, "KVM_CREATE_VCPU");
	v->run = mmap(NULL, run_size(vmm), PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, 0);
	must(v->run != MAP_FAILED, "mmap of struct kvm_run");
	must(!ioctl(v->fd, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
	sregs.cs.base = sregs.cs.selector = 0;
	must(!ioctl(v->fd, KVM_SET_SREGS, &sregs), "KVM_SET_SREGS");
	must(!ioctl(v->fd, KVM_SET_REGS, &regs), "KVM_SET_REGS");
	if (vm_at(vmm, vm)->chips)
		set_apic(vmm, v->fd, &sregs);
}

static void ran_by(struct test_vcpu *v, pid_t tid)
{
	for (unsigned int i = 0; i < v->nr_tids; i++)
		if (v->tid[i] == tid)
			return;
	if (v->nr_tids < MAX_TIDS)
		v->tid[v->nr_tids++] = tid;
}

/* n: how many CPUID, WRMSR and interrupts. */
static void run_vcpu(struct vmm *vmm, struct test_vcpu *v, unsigned int runs, const unsigned int *n)
{
	unsigned short param[] = { n[0], n[1], n[2], 0 };

	ran_by(v, gettid());
	while (runs--) {
		memcpy(vmm->vms[v->vm].mem + PARAM, param, sizeof(param));
		while (ioctl(v->fd, KVM_RUN, 0)) {
			must(errno == EINTR, "KVM_RUN");
			v->eintr++;
		}
		must(v->run->exit_reason == KVM_EXIT_IO, "not KVM_EXIT_IO");
		v->io++;
		v->cpuid += n[0];
		v->arm += n[1];
		v->irq += n[2];
	}
}

static void run_forever(struct vmm *vmm, struct test_vcpu *v, const unsigned char *text, size_t len)
{
	memcpy(vmm->vms[v->vm].mem + CODE, text, len);
	ran_by(v, gettid());
	while (ioctl(v->fd, KVM_RUN, 0))
		must(errno == EINTR, "KVM_RUN");
}

static void read_disk(struct test_vm *vm)
{
	static char block[PAGE] __attribute__((aligned(PAGE)));
	struct iocb cb = {
		.aio_lio_opcode = IOCB_CMD_PREAD, .aio_buf = (unsigned long)block,
		.aio_nbytes = PAGE, .aio_flags = IOCB_FLAG_RESFD, .aio_resfd = vm->irqfd,
	}, *cbs = &cb;
	struct io_event end;
	aio_context_t io = 0;

	cb.aio_fildes = open(DISK, O_RDONLY | O_DIRECT | O_CLOEXEC);
	must((int)cb.aio_fildes >= 0, DISK);
	must(!syscall(SYS_io_setup, 1, &io) && syscall(SYS_io_submit, io, 1, &cbs) == 1, "io_submit");
	must(syscall(SYS_io_getevents, io, 1, 1, &end, NULL) == 1 && end.res == PAGE, "io_getevents");
	syscall(SYS_io_destroy, io);
	close(cb.aio_fildes);
}

static void interrupt_guest(struct test_vm *vm, unsigned int times, bool by_disk)
{
	volatile unsigned short *taken = (void *)(vm->mem + TAKEN);

	for (unsigned int i = 1; i <= times; i++) {
		if (by_disk)
			read_disk(vm);
		else
			must(!eventfd_write(vm->irqfd, 1), "eventfd_write");
		while (*taken != i)
			usleep(1000);
	}
}

/* Other memory at SMRAM than in the first address space; both are logged. */
static void run_smi(struct vmm *vmm, struct test_vcpu *v)
{
	int fd = vm_at(vmm, v->vm)->fd;

	for (unsigned int space = 0; space < 2; space++) {
		struct kvm_userspace_memory_region region = {
			.slot = space << 16 | 7, .flags = KVM_MEM_LOG_DIRTY_PAGES,
			.guest_phys_addr = SMRAM, .memory_size = SMRAM_SIZE,
		};
		unsigned char *mem = mmap(NULL, SMRAM_SIZE, PROT_READ | PROT_WRITE,
					  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

		must(mem != MAP_FAILED, "mmap");
		memcpy(mem + SMI_ENTRY, smi_code, sizeof(smi_code));
		region.userspace_addr = (unsigned long)mem;
		must(!ioctl(fd, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
	}
	must(!ioctl(v->fd, KVM_SMI, 0), "KVM_SMI");
	ran_by(v, gettid());
	must(!ioctl(v->fd, KVM_RUN, 0) && v->run->exit_reason == KVM_EXIT_IO, "KVM_RUN");
	v->io++;
}

static void make_pit(const struct test_vm *vm)
{
	struct kvm_pit_config config = {};

	must(!ioctl(vm->fd, KVM_CREATE_PIT2, &config), "KVM_CREATE_PIT2");
}

static void by_other(struct test_vm *vm, unsigned int times)
{
	pid_t pid = fork();
	int status;

	must(pid >= 0, "fork");
	if (!pid) {
		interrupt_guest(vm, times, false);
		_exit(0);
	}
	must(waitpid(pid, &status, 0) == pid && !status, "waitpid");
}

static void interrupt_vcpu(struct test_vcpu *v, unsigned int times)
{
	ran_by(v, gettid());
	v->run->immediate_exit = 1;
	while (times--) {
		must(ioctl(v->fd, KVM_RUN, 0) < 0 && errno == EINTR, "not EINTR");
		v->eintr++;
	}
	v->run->immediate_exit = 0;
}

static void close_vm(struct vmm *vmm, unsigned int vm)
{
	for (unsigned int i = 0; i < NR_VCPUS; i++) {
		struct test_vcpu *v = &vmm->vcpus[i];

		if (!v->run || v->vm != vm || v->fd < 0)
			continue;
		munmap(v->run, run_size(vmm));
		close(v->fd);
		v->fd = -1;
	}
	close(vm_at(vmm, vm)->fd);
	munmap(vm_at(vmm, vm)->mem, MEMORY);
}

static void make_many(struct vmm *vmm, unsigned int nr, unsigned int vcpus, unsigned int times)
{
	static const unsigned int nothing[3];

	while (nr--) {
		make_vm(vmm, vm_at(vmm, 0), false);
		for (unsigned int i = 0; i < vcpus; i++)
			make_vcpu(vmm, vcpu_at(vmm, i), 0, i);
		for (unsigned int i = 0; i < vcpus; i++)
			run_vcpu(vmm, vcpu_at(vmm, i), times, nothing);
		close_vm(vmm, 0);
	}
}

/* Nobody answers the userfaultfd. */
static void make_absent(const struct test_vm *vm)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = {
		.range = { (unsigned long)vm->mem, MEMORY }, .mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	must(fd >= 0 && !ioctl(fd, UFFDIO_API, &api), "userfaultfd");
	must(!ioctl(fd, UFFDIO_REGISTER, &range), "UFFDIO_REGISTER");
	must(!madvise(vm->mem, MEMORY, MADV_REMOVE), "MADV_REMOVE");
}

static void discard(const struct test_vm *vm, unsigned int times, unsigned int us)
{
	for (unsigned int i = 0; i < times; i++) {
		must(!madvise(vm->mem, MEMORY, MADV_DONTNEED), "MADV_DONTNEED");
		usleep(us);
	}
}

static void make_mergeable(const struct test_vm *vm)
{
	unsigned char contents[MEMORY];

	memcpy(contents, vm->mem, MEMORY);
	/* cppcheck-suppress leakReturnValNotUsed ; it is vm->mem */
	must(mmap(vm->mem, MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		  -1, 0) == vm->mem, "mmap");
	memcpy(vm->mem, contents, MEMORY);
	must(!madvise(vm->mem, MEMORY, MADV_MERGEABLE), "MADV_MERGEABLE");
}

static void wait_for_usr1(void)
{
	sigset_t set;
	int signal;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	must(!sigwait(&set, &signal), "sigwait");
}

static NAMED void spin(unsigned int ms)
{
	struct timespec begin, now;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	do {
		for (volatile int i = 0; i < 100000; i++);	/* in the vDSO callers are lost */
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while ((now.tv_sec - begin.tv_sec) * 1000 + (now.tv_nsec - begin.tv_nsec) / 1000000 < ms);
}

static void carry_out(struct vmm *vmm, const char *command)
{
	unsigned int n[5] = { 0 };
	char name[16];

	must(sscanf(command, "%15s %u %u %u %u %u", name, &n[0], &n[1], &n[2], &n[3], &n[4]) >= 1,
	     command);
	if (!strcmp(name, "vm"))
		make_vm(vmm, vm_at(vmm, n[0]), n[1]);
	else if (!strcmp(name, "vcpu"))
		make_vcpu(vmm, vcpu_at(vmm, n[0]), n[1], n[2]);
	else if (!strcmp(name, "run"))
		run_vcpu(vmm, vcpu_at(vmm, n[0]), n[1], n + 2);
	else if (!strcmp(name, "forever"))
		run_forever(vmm, vcpu_at(vmm, n[0]), loop_code, sizeof(loop_code));
	else if (!strcmp(name, "walk"))
		run_forever(vmm, vcpu_at(vmm, n[0]), walk_code, sizeof(walk_code));
	else if (!strcmp(name, "imm"))
		interrupt_vcpu(vcpu_at(vmm, n[0]), n[1]);
	else if (!strcmp(name, "signal") || !strcmp(name, "aio"))
		interrupt_guest(vm_at(vmm, n[0]), n[1], *name == 'a');
	else if (!strcmp(name, "smi"))
		run_smi(vmm, vcpu_at(vmm, n[0]));
	else if (!strcmp(name, "post"))
		must(!eventfd_write(vm_at(vmm, n[0])->irqfd, 1), "eventfd_write");
	else if (!strcmp(name, "pit"))
		make_pit(vm_at(vmm, n[0]));
	else if (!strcmp(name, "other"))
		by_other(vm_at(vmm, n[0]), n[1]);
	else if (!strcmp(name, "close"))
		close_vm(vmm, n[0]);
	else if (!strcmp(name, "vms"))
		make_many(vmm, n[0], n[1], n[2]);
	else if (!strcmp(name, "absent"))
		make_absent(vm_at(vmm, n[0]));
	else if (!strcmp(name, "discard"))
		discard(vm_at(vmm, n[0]), n[1], n[2]);
	else if (!strcmp(name, "mergeable"))
		make_mergeable(vm_at(vmm, n[0]));
	else if (!strcmp(name, "usr1"))
		wait_for_usr1();
	else if (!strcmp(name, "sleep"))
		usleep(n[0] * 1000);
	else if (!strcmp(name, "spin"))
		spin(n[0]);
	else if (!strcmp(name, "die"))
		kill(getpid(), SIGKILL);
	else
		must(!strcmp(name, "exit") || !strcmp(name, "join"), command);
}

static void *work(void *arg)
{
	struct worker *w = arg;
	bool end = false;

	pthread_mutex_lock(&w->lock);
	while (!end) {
		while (!w->busy)
			pthread_cond_wait(&w->changed, &w->lock);
		pthread_mutex_unlock(&w->lock);
		carry_out(w->vmm, w->command);
		end = !strcmp(w->command, "exit");
		pthread_mutex_lock(&w->lock);
		w->busy = false;
		pthread_cond_broadcast(&w->changed);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static void finished(struct worker *w)
{
	pthread_mutex_lock(&w->lock);
	while (w->busy)
		pthread_cond_wait(&w->changed, &w->lock);
	pthread_mutex_unlock(&w->lock);
}

static void hand_over(struct vmm *vmm, const char *line)
{
	unsigned int thread;
	struct worker *w;
	bool wait = true;
	char *amp;
	int at;

	must(sscanf(line, "%u %n", &thread, &at) == 1 && thread < NR_THREADS, line);
	w = &vmm->workers[thread];
	if (w->started)
		finished(w);
	pthread_mutex_lock(&w->lock);
	snprintf(w->command, sizeof(w->command), "%s", line + at);
	amp = strchr(w->command, '&');
	if (amp) {
		*amp = ' ';
		wait = false;
	}
	if (!thread) {
		pthread_mutex_unlock(&w->lock);
		carry_out(vmm, w->command);
		return;
	}
	if (!w->started)
		must(!pthread_create(&w->thread, NULL, work, w), "pthread_create");
	w->started = w->busy = true;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
	if (wait)
		finished(w);
	if (!strcmp(line + at, "exit")) {
		pthread_join(w->thread, NULL);
		w->started = false;
	}
}

static void print_results(const struct vmm *vmm)
{
	const char *comma = "";

	printf("{\"pid\": %d, \"vcpus\": [", getpid());
	for (unsigned int i = 0; i < NR_VCPUS; i++) {
		const struct test_vcpu *v = &vmm->vcpus[i];

		if (!v->run)
			continue;
		printf("%s{\"vm\": %u, \"vcpu\": %u, \"io\": %lu, \"eintr\": %lu, \"cpuid\": %lu, "
		       "\"arm\": %lu, \"irq\": %lu, \"tids\": [",
		       comma, v->vm, v->number, v->io, v->eintr, v->cpuid, v->arm, v->irq);
		for (unsigned int k = 0; k < v->nr_tids; k++)
			printf("%s%d", k ? ", " : "", v->tid[k]);
		printf("]}");
		comma = ", ";
	}
	printf("]}\n");
}

int main(int argc, char **argv)
{
	struct vmm *vmm = calloc(1, sizeof(*vmm));
	char *line, *save;
	sigset_t usr1;

	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	must(vmm, "calloc");
	must(argc == 2, "usage: vmm SCRIPT");
	vmm->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	must(vmm->kvm >= 0, "/dev/kvm");
	for (unsigned int i = 0; i < NR_THREADS; i++) {
		vmm->workers[i].vmm = vmm;
		pthread_mutex_init(&vmm->workers[i].lock, NULL);
		pthread_cond_init(&vmm->workers[i].changed, NULL);
	}
	for (line = strtok_r(argv[1], ";\n", &save); line; line = strtok_r(NULL, ";\n", &save)) {
		line += strspn(line, " \t");
		if (*line)
			hand_over(vmm, line);
	}
	for (unsigned int i = 1; i < NR_THREADS; i++)
		if (vmm->workers[i].started)
			finished(&vmm->workers[i]);
	print_results(vmm);
	return 0;
}
