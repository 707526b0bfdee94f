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
 *	vm V			create VM V
 *	vcpu C V ID		create vCPU C, whose number in VM V is ID
 *	run C N [CPUID]		call KVM_RUN N times: the guest executes CPUID so often, then OUT
 *	forever C		call KVM_RUN once: the guest does not leave by itself
 *	imm C N			call KVM_RUN N times with immediate_exit set: EINTR
 *	close V			close VM V and its vCPUs
 *	vms N VCPUS TIMES	N times: create VM 0 with vCPUs 0 to VCPUS - 1, run each TIMES
 *				times, close it
 *	sleep MS		sleep in the VMM
 *	spin MS			use the CPU in the VMM
 *	join			wait for the command that thread THREAD carries out
 *	exit			the thread ends; a later command starts another one
 *	die			SIGKILL for the whole process
 *
 * It prints a line of JSON: for each vCPU its VM, number and threads, how often KVM_RUN
 * returned with KVM_EXIT_IO and with EINTR, and the CPUID and OUT of its guest.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <linux/kvm.h>

#define NR_THREADS	16
#define NR_VMS		4096
#define NR_VCPUS	4096
#define MAX_TIDS	16
#define PAGE		4096
#define CODE		0x1000		/* guest physical addresses */
#define PARAM		0x2000		/* how many CPUID, 16 bits */

/* 16-bit real mode, at CODE. */
static const unsigned char code[] = {
	0x8b, 0x36, PARAM & 0xff, PARAM >> 8,	/*    mov si, [PARAM] */
	0x85, 0xf6,				/* 1: test si, si */
	0x74, 0x0b,				/*    jz 2f */
	0x66, 0x31, 0xc0,			/*    xor eax, eax */
	0x66, 0x31, 0xc9,			/*    xor ecx, ecx */
	0x0f, 0xa2,				/*    cpuid */
	0x4e,					/*    dec si */
	0xeb, 0xf1,				/*    jmp 1b */
	0xba, 0x10, 0x00,			/* 2: mov dx, 0x10 */
	0xee,					/*    out dx, al */
	0xeb, 0xe7,				/*    jmp 0 */
};

struct test_vm {
	int fd;
	unsigned char *mem;
};

struct test_vcpu {
	int fd;
	unsigned int vm, number;
	struct kvm_run *run;
	unsigned long io, eintr, cpuid;
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

static void make_vm(struct vmm *vmm, struct test_vm *vm)
{
	struct kvm_userspace_memory_region region = { .memory_size = 4 * PAGE };

	vm->fd = ioctl(vmm->kvm, KVM_CREATE_VM, 0);
	must(vm->fd >= 0, "KVM_CREATE_VM");
	vm->mem = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(vm->mem != MAP_FAILED, "mmap");
	memcpy(vm->mem + CODE, code, sizeof(code));
	region.userspace_addr = (unsigned long)vm->mem;
	must(!ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
}

static void make_vcpu(struct vmm *vmm, struct test_vcpu *v, unsigned int vm, unsigned int number)
{
	struct kvm_regs regs = { .rip = CODE, .rflags = 2 };
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
}

static void ran_by(struct test_vcpu *v, pid_t tid)
{
	for (unsigned int i = 0; i < v->nr_tids; i++)
		if (v->tid[i] == tid)
			return;
	if (v->nr_tids < MAX_TIDS)
		v->tid[v->nr_tids++] = tid;
}

static void run_vcpu(struct vmm *vmm, struct test_vcpu *v, unsigned int times, unsigned int cpuid)
{
	unsigned char *param = vmm->vms[v->vm].mem + PARAM;

	param[0] = cpuid;
	param[1] = cpuid >> 8;
	ran_by(v, gettid());
	while (times--) {
		while (ioctl(v->fd, KVM_RUN, 0)) {
			must(errno == EINTR, "KVM_RUN");
			v->eintr++;
		}
		must(v->run->exit_reason == KVM_EXIT_IO, "not KVM_EXIT_IO");
		v->io++;
		v->cpuid += cpuid;
	}
}

static void run_forever(struct vmm *vmm, struct test_vcpu *v)
{
	static const unsigned char loop[] = { 0xeb, 0xfe };	/* jmp to itself */

	memcpy(vmm->vms[v->vm].mem + CODE, loop, sizeof(loop));
	ran_by(v, gettid());
	while (ioctl(v->fd, KVM_RUN, 0))
		must(errno == EINTR, "KVM_RUN");
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
	munmap(vm_at(vmm, vm)->mem, 4 * PAGE);
}

static void make_many(struct vmm *vmm, unsigned int nr, unsigned int vcpus, unsigned int times)
{
	while (nr--) {
		make_vm(vmm, vm_at(vmm, 0));
		for (unsigned int i = 0; i < vcpus; i++)
			make_vcpu(vmm, vcpu_at(vmm, i), 0, i);
		for (unsigned int i = 0; i < vcpus; i++)
			run_vcpu(vmm, vcpu_at(vmm, i), times, 0);
		close_vm(vmm, 0);
	}
}

static void spin(unsigned int ms)
{
	struct timespec begin, now;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while ((now.tv_sec - begin.tv_sec) * 1000 + (now.tv_nsec - begin.tv_nsec) / 1000000 < ms);
}

static void carry_out(struct vmm *vmm, const char *command)
{
	unsigned int n[3] = { 0 };
	char name[16];

	must(sscanf(command, "%15s %u %u %u", name, &n[0], &n[1], &n[2]) >= 1, command);
	if (!strcmp(name, "vm"))
		make_vm(vmm, vm_at(vmm, n[0]));
	else if (!strcmp(name, "vcpu"))
		make_vcpu(vmm, vcpu_at(vmm, n[0]), n[1], n[2]);
	else if (!strcmp(name, "run"))
		run_vcpu(vmm, vcpu_at(vmm, n[0]), n[1], n[2]);
	else if (!strcmp(name, "forever"))
		run_forever(vmm, vcpu_at(vmm, n[0]));
	else if (!strcmp(name, "imm"))
		interrupt_vcpu(vcpu_at(vmm, n[0]), n[1]);
	else if (!strcmp(name, "close"))
		close_vm(vmm, n[0]);
	else if (!strcmp(name, "vms"))
		make_many(vmm, n[0], n[1], n[2]);
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
		printf("%s{\"vm\": %u, \"vcpu\": %u, \"io\": %lu, \"eintr\": %lu, \"cpuid\": %lu, \"tids\": [",
		       comma, v->vm, v->number, v->io, v->eintr, v->cpuid);
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
