// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory. Slot 0 holds what the guest needs to run; slot 1 + N is vCPU
 * N's window of pages to touch. All of it is mapped in 4 KiB pages, so that
 * the number of nested page faults is known.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "../util/error.h"
#include "../util/memory.h"
#include "vm.h"

/* Pages of one window: a multiple of a round's, so refills come between rounds. */
static uint64_t window_pages(const struct guest_config *cfg)
{
	uint64_t touch = cfg->per_round[OP_TOUCH], total;

	if (!touch)
		return 0;
	if (cfg->rounds && !__builtin_mul_overflow(touch, cfg->rounds, &total) &&
	    total <= TOUCH_WINDOW)
		return total;
	if (touch >= TOUCH_WINDOW)
		return touch;
	return TOUCH_WINDOW - TOUCH_WINDOW % touch;
}

/* Bytes available on the host without swapping; UINT64_MAX: unknown. */
static uint64_t mem_available(void)
{
	uint64_t kib, bytes = UINT64_MAX;
	char line[128];
	FILE *fp;

	fp = fopen("/proc/meminfo", "re");
	if (!fp)
		return bytes;
	while (fgets(line, sizeof(line), fp)) {
		if (sscanf(line, "MemAvailable: %" SCNu64 " kB", &kib) == 1) {
			bytes = kib << 10;
			break;
		}
	}
	fclose(fp);
	return bytes;
}

static void *map_guest(size_t size)
{
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		return NULL;
	/* Fails only on kernels without huge pages. */
	madvise(mem, size, MADV_NOHUGEPAGE);
	return mem;
}

static int set_slot(struct guest_vm *vm, uint32_t slot, uint32_t flags, uint64_t gpa, void *mem,
		    size_t size)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)mem,
	};

	if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region))
		return error("KVM_SET_USER_MEMORY_REGION for %zu bytes at gpa 0x%" PRIx64 ": %s",
			     size, gpa, strerror(errno));
	return 0;
}

static int check_room(struct guest_vm *vm)
{
	uint64_t need = vm->touch_pages * GUEST_PAGE * vm->cfg->vcpus + vm->sys_pages * GUEST_PAGE;
	uint64_t have = mem_available();
	int slots;

	if (need > have)
		return error("the guest needs %" PRIu64 " MiB and the host has %" PRIu64
			     " MiB available; lower --touch or --vcpus",
			     (need + (1 << 20) - 1) >> 20, have >> 20);
	if (!vm->touch_pages)
		return 0;
	slots = ioctl(vm->kvm, KVM_CHECK_EXTENSION, KVM_CAP_NR_MEMSLOTS);
	if (slots > 0 && vm->cfg->vcpus + 1 > (unsigned int)slots)
		return error("--touch takes a memslot per vCPU and this host's KVM has %d; "
			     "lower --vcpus", slots);
	return 0;
}

int memory_create(struct guest_vm *vm)
{
	const struct guest_config *cfg = vm->cfg;
	size_t window;

	vm->touch_pages = window_pages(cfg);
	window = vm->touch_pages * GUEST_PAGE;
	/*
	 * No two vCPUs share a GiB, and thus a nested page table that is made
	 * at the first touch: if two vCPUs made the same one at the same
	 * time, one of them would take a second fault.
	 */
	vm->touch_span = (window + GIB - 1) / GIB * GIB;
	vm->sys_pages = arch_sys_pages(vm) + cfg->vcpus;
	vm->sys_size = vm->sys_pages * GUEST_STRIDE;

	if (arch_check(vm, arch_touch_base() + vm->touch_span * cfg->vcpus) || check_room(vm))
		return -1;

	vm->sys = map_guest(vm->sys_size);
	if (!vm->sys)
		return error("%zu bytes of guest memory: %s; lower --vcpus", vm->sys_size,
			     strerror(errno));
	if (set_slot(vm, 0, 0, SYS_GPA, vm->sys, vm->sys_size))
		return -1;

	for (unsigned int i = 0; window && i < cfg->vcpus; i++) {
		struct guest_vcpu *vcpu = &vm->vcpu[i];

		vcpu->touch_gpa = arch_touch_base() + vm->touch_span * i;
		vcpu->touch = map_guest(window);
		if (!vcpu->touch)
			return error("%zu bytes of guest memory for vCPU %u: %s; "
				     "lower --touch or --vcpus", window, i, strerror(errno));
		if (set_slot(vm, 1 + i, cfg->dirty_log ? KVM_MEM_LOG_DIRTY_PAGES : 0,
			     vcpu->touch_gpa, vcpu->touch, window))
			return -1;
	}
	return 0;
}

void memory_destroy(struct guest_vm *vm)
{
	for (unsigned int i = 0; i < vm->cfg->vcpus; i++) {
		if (vm->vcpu[i].touch)
			munmap(vm->vcpu[i].touch, vm->touch_pages * GUEST_PAGE);
	}
	if (vm->sys)
		munmap(vm->sys, vm->sys_size);
}

/* Under vm->lock. Returns 0 or an errno. */
static int give_back(struct guest_vm *vm)
{
	int err = 0;

	for (unsigned int i = 0; i < vm->cfg->vcpus; i++) {
		struct guest_vcpu *vcpu = &vm->vcpu[i];

		if (!vcpu->waits)
			continue;
		vcpu->waits = false;
		/* KVM is notified (MMU notifier) and unmaps the pages too. */
		if (madvise(vcpu->touch, vm->touch_pages * GUEST_PAGE, MADV_DONTNEED))
			err = errno;
	}
	vm->waiting = 0;
	vm->refills++;
	pthread_cond_broadcast(&vm->changed);
	return err;
}

static int fail_give_back(struct guest_vm *vm, int err)
{
	if (!err)
		return 0;
	return vm_fail(vm, "giving back touched guest memory: %s", strerror(err));
}

int memory_refill(struct guest_vcpu *vcpu)
{
	struct guest_vm *vm = vcpu->vm;
	uint64_t refills;
	int err = 0;

	pthread_mutex_lock(&vm->lock);
	refills = vm->refills;
	vcpu->waits = true;
	if (++vm->waiting == vm->running)
		err = give_back(vm);
	while (vm->refills == refills)
		pthread_cond_wait(&vm->changed, &vm->lock);
	pthread_mutex_unlock(&vm->lock);
	return fail_give_back(vm, err);
}

int memory_leave(struct guest_vm *vm)
{
	int err = 0;

	pthread_mutex_lock(&vm->lock);
	vm->running--;
	if (vm->waiting && vm->waiting == vm->running)
		err = give_back(vm);
	pthread_mutex_unlock(&vm->lock);
	return fail_give_back(vm, err);
}

static uint64_t touched_now(const struct guest_vcpu *vcpu)
{
	uint64_t total = vcpu->block->count[CNT_TOUCH];

	return total ? (total - 1) % vcpu->vm->touch_pages + 1 : 0;
}

int memory_check(struct guest_vm *vm)
{
	for (unsigned int i = 0; vm->touch_pages && i < vm->cfg->vcpus; i++) {
		const struct guest_vcpu *vcpu = &vm->vcpu[i];
		uint64_t touched = touched_now(vcpu);

		for (uint64_t n = 0; n < vm->touch_pages; n++) {
			uint64_t gpa = vcpu->touch_gpa + n * GUEST_PAGE;
			uint64_t want = n < touched ? gpa : 0, got;

			memcpy(&got, (uint8_t *)vcpu->touch + n * GUEST_PAGE, sizeof(got));
			if (got != want)
				return error("vCPU %u: the page at gpa 0x%" PRIx64 " holds 0x%"
					     PRIx64 ", not 0x%" PRIx64 ": the guest did not do "
					     "what it counted", i, gpa, got, want);
		}
	}
	return 0;
}

static int add_dirty(struct guest_result *res, uint64_t gfn)
{
	struct gfn_range *range;

	res->dirty_pages++;
	if (res->nr_dirty && res->dirty[res->nr_dirty - 1].last + 1 == gfn) {
		res->dirty[res->nr_dirty - 1].last = gfn;
		return 0;
	}
	/* Grows by doubling: it is full whenever the number is a power of two. */
	if (!(res->nr_dirty & (res->nr_dirty - 1))) {
		size_t room = res->nr_dirty ? 2 * res->nr_dirty : 1;

		range = reallocarray(res->dirty, room, sizeof(*range));
		if (!range)
			return out_of_memory();
		res->dirty = range;
	}
	range = &res->dirty[res->nr_dirty++];
	range->first = gfn;
	range->last = gfn;
	return 0;
}

static int dirty_slot(struct guest_vcpu *vcpu, uint64_t *bitmap, struct guest_result *res)
{
	struct guest_vm *vm = vcpu->vm;
	struct kvm_dirty_log log = { .slot = 1 + vcpu->id, .dirty_bitmap = bitmap };
	uint64_t before = res->dirty_pages, done = vcpu->block->count[CNT_TOUCH], want;

	if (ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log))
		return error("KVM_GET_DIRTY_LOG of vCPU %u's memslot: %s", vcpu->id,
			     strerror(errno));
	for (uint64_t n = 0; n < vm->touch_pages; n++) {
		if (!(bitmap[n / 64] & 1ULL << n % 64))
			continue;
		if (add_dirty(res, vcpu->touch_gpa / GUEST_PAGE + n))
			return -1;
	}
	want = done < vm->touch_pages ? done : vm->touch_pages;
	if (res->dirty_pages - before != want)
		return error("vCPU %u touched %" PRIu64 " different pages and KVM logged %" PRIu64
			     " as dirty", vcpu->id, want, res->dirty_pages - before);
	return 0;
}

int memory_dirty_log(struct guest_vm *vm, struct guest_result *res)
{
	uint64_t *bitmap;
	int ret = 0;

	if (!vm->touch_pages)
		return 0;
	bitmap = calloc((vm->touch_pages + 63) / 64, sizeof(*bitmap));
	if (!bitmap)
		return out_of_memory();
	for (unsigned int i = 0; !ret && i < vm->cfg->vcpus; i++)
		ret = dirty_slot(&vm->vcpu[i], bitmap, res);
	free(bitmap);
	return ret;
}
