// SPDX-License-Identifier: GPL-2.0
/*
 * fault_vmm: a VMM whose guest has page faults with known results.
 *
 * The guest accesses one page after the other, following a table that the VMM has put into its
 * memory, and then does OUT.  It prints a line of JSON: for each scene the guest physical address
 * of its first page, the number of pages, and where they are in the VMM.
 *
 *	fixed		first touches, by writing
 *	mmio		writes to one address without memory, as many as "times" says
 *	read_only	a page of a read-only slot: a read, then "times" writes
 *	logged		the pages of "fixed" again, whose slot logs dirty pages by then
 *	discarded	the same pages once more, some discarded by a thread "balloon":
 *			"ranges" has the first and the number of pages of each
 *	both		two vCPUs read a page that the VMM provides when both wait (userfaultfd)
 *	fetched		a page that KVM fetches in the background while the vCPU is halted
 *	bad		a page that the VMM has unmapped: KVM_RUN fails
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/kvm.h>
#include <linux/userfaultfd.h>

#define PAGE	4096UL
#define CODE	0x1000		/* guest physical addresses */
#define TABLE	0x2000		/* of vCPU 0; of vCPU 1 half a page behind it */
#define OTHER_TABLE (TABLE + PAGE / 2)
#define FIRST	0x40000UL
#define NR_PAGES 16
#define RO	0x60000UL
#define BOTH	0x70000UL
#define FETCHED	0x78000UL
#define BAD	0x80000UL
#define MMIO	0xe0000UL
#define TIMES	20
#define END	0xffff		/* of a table */

enum { READ, WRITE };

/* First page and number of pages. */
static const int discarded[][2] = { { 0, 2 }, { 5, 1 }, { 8, 8 } };
#define NR_DISCARDED (sizeof(discarded) / sizeof(discarded[0]))

/* 16-bit real mode, at CODE; bp: the table, entries of a segment and an access. */
static const unsigned char code[] = {
	0x89, 0xee,			/* 1: mov si, bp */
	0x8b, 0x04,			/* 2: mov ax, [si] */
	0x3d, 0xff, 0xff,		/*    cmp ax, END */
	0x74, 0x19,			/*    je 5f */
	0x8e, 0xc0,			/*    mov es, ax */
	0x8a, 0x44, 0x02,		/*    mov al, [si + 2] */
	0x84, 0xc0,			/*    test al, al */
	0x75, 0x07,			/*    jnz 3f */
	0x26, 0x8a, 0x1e, 0x00, 0x00,	/*    mov bl, es:[0] */
	0xeb, 0x04,			/*    jmp 4f */
	0x26, 0xa2, 0x00, 0x00,		/* 3: mov es:[0], al */
	0x83, 0xc6, 0x04,		/* 4: add si, 4 */
	0xeb, 0xe0,			/*    jmp 2b */
	0xba, 0x10, 0x00,		/* 5: mov dx, 0x10 */
	0xee,				/*    out dx, al */
	0xeb, 0xd8,			/*    jmp 1b */
};

struct guest {
	int vm, vcpu[2], uffd;
	struct kvm_run *run[2];
	unsigned char *mem;	/* at 0 */
	unsigned int slots;
};

struct access {
	unsigned short segment, access;
};

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "fault_vmm: %s: %s\n", what, strerror(errno));
	_exit(1);
}

static unsigned char *map(unsigned long pages)
{
	void *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(p != MAP_FAILED, "mmap");
	return p;
}

static void set_slot(const struct guest *g, unsigned int slot, unsigned int flags,
		     unsigned long gpa, unsigned char *mem, unsigned long pages)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot, .flags = flags, .guest_phys_addr = gpa,
		.memory_size = pages * PAGE, .userspace_addr = (unsigned long)mem,
	};

	must(!ioctl(g->vm, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
}

/* More guest memory; returns where it is. */
static unsigned char *add_memory(struct guest *g, unsigned int flags, unsigned long gpa,
				 unsigned long pages)
{
	unsigned char *mem = map(pages);

	set_slot(g, g->slots++, flags, gpa, mem, pages);
	return mem;
}

static void make_vcpu(int kvm, struct guest *g, int i, bool interrupts)
{
	struct kvm_regs regs = {
		.rip = CODE, .rflags = interrupts ? 0x202 : 2, .rbp = i ? OTHER_TABLE : TABLE,
	};
	struct kvm_sregs sregs;

	g->vcpu[i] = ioctl(g->vm, KVM_CREATE_VCPU, i);
	must(g->vcpu[i] >= 0, "KVM_CREATE_VCPU");
	g->run[i] = mmap(NULL, ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), PROT_READ | PROT_WRITE,
			 MAP_SHARED, g->vcpu[i], 0);
	must(g->run[i] != MAP_FAILED, "mmap of struct kvm_run");
	must(!ioctl(g->vcpu[i], KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
	sregs.cs.base = sregs.cs.selector = 0;
	must(!ioctl(g->vcpu[i], KVM_SET_SREGS, &sregs), "KVM_SET_SREGS");
	must(!ioctl(g->vcpu[i], KVM_SET_REGS, &regs), "KVM_SET_REGS");
}

/* chips: KVM's, and interrupts on: without these KVM fetches no page in the background. */
static void make_guest(int kvm, struct guest *g, bool chips, int vcpus)
{
	memset(g, 0, sizeof(*g));
	g->vm = ioctl(kvm, KVM_CREATE_VM, 0);
	must(g->vm >= 0, "KVM_CREATE_VM");
	if (chips)
		must(!ioctl(g->vm, KVM_CREATE_IRQCHIP, 0), "KVM_CREATE_IRQCHIP");
	g->mem = add_memory(g, 0, 0, 4);
	memcpy(g->mem + CODE, code, sizeof(code));
	for (int i = 0; i < vcpus; i++)
		make_vcpu(kvm, g, i, chips);
}

/* Has vCPU i access pages, each so many times; returns how many of these were MMIO, or -errno. */
static int touch(struct guest *g, int i, unsigned long gpa, int pages, int times, int access)
{
	struct access *table = (void *)(g->mem + (i ? OTHER_TABLE : TABLE));
	int mmio = 0;

	for (int page = 0; page < pages; page++)
		for (int n = 0; n < times; n++)
			*table++ = (struct access) { (gpa + page * PAGE) >> 4, access };
	table->segment = END;
	for (;;) {
		if (ioctl(g->vcpu[i], KVM_RUN, 0)) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (g->run[i]->exit_reason == KVM_EXIT_IO)
			return mmio;
		must(g->run[i]->exit_reason == KVM_EXIT_MMIO,
		     "neither KVM_EXIT_IO nor KVM_EXIT_MMIO");
		mmio++;
	}
}

static void scene(const char *name, unsigned long gpa, int pages, const unsigned char *mem,
		  int times)
{
	printf("%s\"%s\": {\"gpa\": %lu, \"pages\": %d, \"hva\": %lu, \"times\": %d}",
	       strcmp(name, "fixed") ? ", " : "{", name, gpa, pages, (unsigned long)mem, times);
}

static void *discard(void *arg)
{
	unsigned char *mem = arg;

	must(!prctl(PR_SET_NAME, "balloon"), "PR_SET_NAME");
	for (unsigned int i = 0; i < NR_DISCARDED; i++)
		must(!madvise(mem + discarded[i][0] * PAGE, discarded[i][1] * PAGE, MADV_DONTNEED),
		     "madvise");
	return NULL;
}

static void discard_scene(struct guest *g, unsigned char *mem)
{
	pthread_t thread;

	must(!pthread_create(&thread, NULL, discard, mem), "pthread_create");
	pthread_join(thread, NULL);
	must(!touch(g, 0, FIRST, NR_PAGES, 1, WRITE), "pages touched again");
	scene("discarded", FIRST, NR_PAGES, mem, 1);
	printf(", \"ranges\": [");
	for (unsigned int i = 0; i < NR_DISCARDED; i++)
		printf("%s[%d, %d]", i ? ", " : "", discarded[i][0], discarded[i][1]);
	putchar(']');
}

static void plain_scenes(struct guest *g)
{
	unsigned char *mem = add_memory(g, 0, FIRST, NR_PAGES);

	must(!touch(g, 0, FIRST, NR_PAGES, 1, WRITE), "first touches");
	scene("fixed", FIRST, NR_PAGES, mem, 1);
	set_slot(g, g->slots - 1, KVM_MEM_LOG_DIRTY_PAGES, FIRST, mem, NR_PAGES);
	must(!touch(g, 0, FIRST, NR_PAGES, 1, WRITE), "logged pages");
	scene("logged", FIRST, NR_PAGES, mem, 1);
	discard_scene(g, mem);
	must(touch(g, 0, MMIO, 1, TIMES, WRITE) == TIMES, "MMIO");
	scene("mmio", MMIO, 1, NULL, TIMES);
	mem = add_memory(g, KVM_MEM_READONLY, RO, 1);
	must(!touch(g, 0, RO, 1, 1, READ), "a read of read-only memory");
	must(touch(g, 0, RO, 1, TIMES, WRITE) == TIMES, "writes to read-only memory");
	scene("read_only", RO, 1, mem, TIMES);
	mem = add_memory(g, 0, BAD, 1);
	munmap(mem, PAGE);
	must(touch(g, 0, BAD, 1, 1, WRITE) == -EFAULT, "a page that is not mapped");
	scene("bad", BAD, 1, mem, 1);
}

/* ---- pages that the VMM provides on demand ------------------------------- */

static void on_demand(struct guest *g, unsigned char *mem)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = {
		.range = { (unsigned long)mem, PAGE }, .mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	g->uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	must(g->uffd >= 0 && !ioctl(g->uffd, UFFDIO_API, &api), "userfaultfd");
	must(!ioctl(g->uffd, UFFDIO_REGISTER, &range), "UFFDIO_REGISTER");
}

/* Once so many threads wait for it. */
static void provide(struct guest *g, unsigned char *mem, int waiting)
{
	static unsigned char content[PAGE] __attribute__((aligned(PAGE)));
	struct uffdio_copy copy = {
		.dst = (unsigned long)mem, .src = (unsigned long)content, .len = PAGE,
	};
	struct uffd_msg msg;

	while (waiting--)
		must(read(g->uffd, &msg, sizeof(msg)) == sizeof(msg) &&
		     msg.event == UFFD_EVENT_PAGEFAULT, "no fault of userfaultfd");
	must(!ioctl(g->uffd, UFFDIO_COPY, &copy), "UFFDIO_COPY");
	close(g->uffd);
}

struct toucher {
	struct guest *g;
	int vcpu;
	unsigned long gpa;
	pthread_barrier_t *all;
};

static void *touch_one(void *arg)
{
	struct toucher *t = arg;

	/* Before 5.12 a thread that begins or ends has every fault in the process tried again. */
	pthread_barrier_wait(t->all);
	must(!touch(t->g, t->vcpu, t->gpa, 1, 1, READ), "a page on demand");
	pthread_barrier_wait(t->all);
	return NULL;
}

static void demand_scene(int kvm, const char *name, unsigned long gpa, bool chips, int vcpus)
{
	struct toucher toucher[2];
	pthread_barrier_t all;
	pthread_t thread[2];
	struct guest g;
	unsigned char *mem;

	make_guest(kvm, &g, chips, vcpus);
	/*
	 * Of pages that it may write, the second vCPU's mapping would lack the dirty bit of the
	 * first one's; pages that it may not are never fetched in the background.
	 */
	mem = add_memory(&g, vcpus > 1 ? KVM_MEM_READONLY : 0, gpa, 1);
	on_demand(&g, mem);
	pthread_barrier_init(&all, NULL, vcpus + 1);
	for (int i = 0; i < vcpus; i++) {
		toucher[i] = (struct toucher) { &g, i, gpa, &all };
		must(!pthread_create(&thread[i], NULL, touch_one, &toucher[i]), "pthread_create");
	}
	pthread_barrier_wait(&all);
	provide(&g, mem, vcpus);
	pthread_barrier_wait(&all);
	for (int i = 0; i < vcpus; i++)
		pthread_join(thread[i], NULL);
	scene(name, gpa, 1, mem, 1);
}

int main(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	struct guest g;

	must(kvm >= 0, "/dev/kvm");
	make_guest(kvm, &g, false, 1);
	plain_scenes(&g);
	demand_scene(kvm, "both", BOTH, false, 2);
	demand_scene(kvm, "fetched", FETCHED, true, 1);
	printf("}\n");
	return 0;
}
