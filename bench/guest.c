// SPDX-License-Identifier: GPL-2.0
/*
 * kvmw bench guest: one run, from the VM's creation to the comparison of the
 * guest's counts with the VMM's.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "../util/error.h"
#include "../util/memory.h"
#include "vm.h"

#define ASSERT_AT(macro, member)                                                        \
	_Static_assert(offsetof(struct guest_block, member) == (macro), #macro)

ASSERT_AT(BLK_ROUNDS, rounds);
ASSERT_AT(BLK_STOP, stop);
ASSERT_AT(BLK_CRASH, crash);
ASSERT_AT(BLK_WARM_GPA, warm_gpa);
ASSERT_AT(BLK_WARM_PAGES, warm_pages);
ASSERT_AT(BLK_MMIO_GPA, mmio_gpa);
ASSERT_AT(BLK_TOUCH_GPA, touch_gpa);
ASSERT_AT(BLK_TOUCH_END, touch_end);
ASSERT_AT(BLK_ARCH, arch);
ASSERT_AT(BLK_TIMER, timer);
ASSERT_AT(BLK_PER_ROUND, per_round);
ASSERT_AT(BLK_COUNT, count);
_Static_assert(sizeof(struct guest_block) <= GUEST_PAGE / 2, "a block and a stack are one page");

const char *const guest_op_name[NR_OPS] = {
	[OP_CPUID] = "cpuid",
	[OP_PIO] = "pio",
	[OP_MMIO] = "mmio",
	[OP_MSR] = "msr",
	[OP_HLT] = "hlt",
	[OP_TOUCH] = "touch",
	[OP_VMCALL] = "vmcall",
	[OP_IPI] = "ipi",
	[OP_TIMER] = "timer",
};

static void set_phase(struct guest_vm *vm, enum vm_phase phase)
{
	pthread_mutex_lock(&vm->lock);
	vm->phase = phase;
	pthread_cond_broadcast(&vm->changed);
	pthread_mutex_unlock(&vm->lock);
}

/*
 * Starts one vCPU after the other, each to the point before its first round,
 * so the first one always sets up what they share.
 */
static int start_vcpus(struct guest_vm *vm)
{
	for (unsigned int i = 0; i < vm->cfg->vcpus; i++) {
		struct guest_vcpu *vcpu = &vm->vcpu[i];
		int err;

		err = pthread_create(&vcpu->thread, NULL, vcpu_thread, vcpu);
		if (err)
			return vm_fail(vm, "cannot start a thread for vCPU %u: %s; lower --vcpus",
				       i, strerror(err));
		vcpu->started = true;
		while (sem_wait(&vm->ready) && errno == EINTR)
			;
		if (vcpu->failed)
			return -1;
	}
	return 0;
}

/* The signals that end a run; one that is ignored (nohup) stays ignored. */
static void end_signals(sigset_t *set)
{
	struct sigaction hup;

	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	if (!sigaction(SIGHUP, NULL, &hup) && hup.sa_handler != SIG_IGN)
		sigaddset(set, SIGHUP);
}

#define GRACE_MS 500
#define STALL_NS 10000000000ULL

/* What the guests have done, to see whether they go on. */
static uint64_t all_counts(const struct guest_vm *vm)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < vm->cfg->vcpus; i++)
		for (int c = 0; c < NR_COUNTS; c++)
			sum += __atomic_load_n(&vm->vcpu[i].block->count[c], __ATOMIC_RELAXED);
	return sum;
}

struct progress {
	uint64_t counts, since_ns;
};

static bool stands_still(const struct guest_vm *vm, struct progress *p)
{
	uint64_t counts = all_counts(vm), now = now_ns();

	if (!p->since_ns || counts != p->counts)
		*p = (struct progress) { counts, now };
	return now - p->since_ns >= STALL_NS;
}

static void nothing(int sig)
{
	(void)sig;
}

/* Has KVM_RUN return in every vCPU thread; they end because the VM has failed. */
static void kick_vcpus(struct guest_vm *vm)
{
	struct sigaction act = { .sa_handler = nothing };

	sigaction(SIGUSR1, &act, NULL);
	for (unsigned int i = 0; i < vm->cfg->vcpus; i++) {
		vm->vcpu[i].run->immediate_exit = 1;
		pthread_kill(vm->vcpu[i].thread, SIGUSR1);
	}
}

/*
 * Returns 1 if a signal requested the end, else 0; -1: error() said why.  After a signal, the
 * current rounds are completed, but not those of a guest that stands still.
 */
static int wait_end(struct guest_vm *vm, int sigfd, const sigset_t *old_mask)
{
	struct pollfd fds[] = {
		{ .fd = vm->done_fd, .events = POLLIN },
		{ .fd = sigfd, .events = POLLIN },
	};
	struct signalfd_siginfo info;
	uint64_t done = 0, more;
	struct progress progress = {};
	int signalled = 0, wait_ms = -1;

	while (done < vm->cfg->vcpus) {
		int ready = poll(fds, signalled ? 1 : 2, wait_ms);

		if (ready < 0) {
			if (errno == EINTR)
				continue;
			return vm_fail(vm, "waiting for the vCPUs: %s", strerror(errno));
		}
		if (!ready) {
			/* It does not end: from now on, signals kill as usual. */
			pthread_sigmask(SIG_SETMASK, old_mask, NULL);
			if (stands_still(vm, &progress)) {
				vm_fail(vm, "the guest has stood still for 10 s and cannot end its "
					"rounds; the host's KVM or its emulator has lost an interrupt");
				kick_vcpus(vm);
				return -1;
			}
		}
		if (fds[0].revents && read(vm->done_fd, &more, sizeof(more)) == sizeof(more))
			done += more;
		if (signalled || !fds[1].revents)
			continue;
		signalled = 1;
		for (unsigned int i = 0; i < vm->cfg->vcpus; i++)
			__atomic_store_n(&vm->vcpu[i].block->stop, 1, __ATOMIC_RELAXED);
		/* timeout(1) sends each signal twice, to the process and to its group. */
		if (read(sigfd, &info, sizeof(info)) == sizeof(info))
			wait_ms = GRACE_MS;
	}
	return signalled;
}

static int run_vcpus(struct guest_vm *vm, struct guest_result *res)
{
	sigset_t set, old;
	struct signalfd_siginfo info;
	int ret = -1, sigfd, signalled = 0;

	end_signals(&set);
	pthread_sigmask(SIG_BLOCK, &set, &old);
	sigfd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (sigfd < 0) {
		error("signalfd: %s", strerror(errno));
		goto out_mask;
	}

	if (start_vcpus(vm)) {
		set_phase(vm, VM_ABANDON);
	} else {
		uint64_t start = now_ns();

		vm->running = vm->cfg->vcpus;
		set_phase(vm, VM_GO);
		signalled = wait_end(vm, sigfd, &old);
		res->elapsed_ns = now_ns() - start;
		set_phase(vm, VM_END);
	}
	for (unsigned int i = 0; i < vm->cfg->vcpus; i++) {
		if (vm->vcpu[i].started)
			pthread_join(vm->vcpu[i].thread, NULL);
	}
	ret = vm->failed || signalled < 0 ? -1 : signalled;
	/* A second signal must not end us before the result is printed. */
	while (read(sigfd, &info, sizeof(info)) == sizeof(info))
		;
	close(sigfd);
out_mask:
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return ret;
}

static int bench_guest__compare(unsigned int vcpu, const char *what, uint64_t guest, uint64_t want,
				const char *who)
{
	if (guest == want)
		return 0;
	return error("vCPU %u: the guest counted %" PRIu64 " %s, %s %" PRIu64
		     "; this is a bug in kvmw or in the host's KVM", vcpu, guest, what, who, want);
}

static int check_vcpu(const struct guest_config *cfg, unsigned int id, const struct vcpu_result *v,
		      bool stopped)
{
	static const char asked[] = "its rounds require";
	static const char saw[] = "the VMM saw";
	const uint64_t *n = v->count;
	const uint64_t *per = cfg->per_round;
	uint64_t rounds = n[CNT_ROUNDS];

	if (cfg->rounds && !stopped &&
	    bench_guest__compare(id, "rounds", rounds, cfg->rounds, "expected were"))
		return -1;
	if (bench_guest__compare(id, "cpuid", n[CNT_CPUID], rounds * per[OP_CPUID], asked) ||
	    bench_guest__compare(id, "pio", n[CNT_PIO], rounds * per[OP_PIO], asked) ||
	    bench_guest__compare(id, "mmio", n[CNT_MMIO], rounds * per[OP_MMIO], asked) ||
	    bench_guest__compare(id, "msr reads", n[CNT_RDMSR],
				 rounds * (per[OP_MSR] - per[OP_MSR] / 2), asked) ||
	    bench_guest__compare(id, "msr writes", n[CNT_WRMSR], rounds * (per[OP_MSR] / 2),
				 asked) ||
	    bench_guest__compare(id, "hlt", n[CNT_HLT], rounds * per[OP_HLT], asked) ||
	    bench_guest__compare(id, "touch", n[CNT_TOUCH], rounds * per[OP_TOUCH], asked) ||
	    bench_guest__compare(id, "vmcall", n[CNT_VMCALL], rounds * per[OP_VMCALL], asked) ||
	    bench_guest__compare(id, "ipi", n[CNT_IPI], rounds * per[OP_IPI], asked) ||
	    bench_guest__compare(id, "timer", n[CNT_TIMER], rounds * per[OP_TIMER], asked))
		return -1;
	if (bench_guest__compare(id, "pio", n[CNT_PIO], v->user.pio, saw) ||
	    bench_guest__compare(id, "mmio", n[CNT_MMIO], v->user.mmio, saw) ||
	    bench_guest__compare(id, "hlt", n[CNT_HLT], v->user.hlt, saw) ||
	    bench_guest__compare(id, "refills", n[CNT_REFILLS], v->user.refill, saw) ||
	    bench_guest__compare(id, "ipi taken", n[CNT_IPI_TAKEN], n[CNT_IPI], "it sent") ||
	    bench_guest__compare(id, "timer interrupts", n[CNT_TIMER_FIRED], n[CNT_TIMER],
				 "it armed"))
		return -1;
	return 0;
}

static void add_up(struct guest_result *res, const struct vcpu_result *v)
{
	for (int i = 0; i < NR_COUNTS; i++)
		res->count[i] += v->count[i];
	res->user.pio += v->user.pio;
	res->user.mmio += v->user.mmio;
	res->user.hlt += v->user.hlt;
	res->user.refill += v->user.refill;
	res->user.ready += v->user.ready;
	res->user.final += v->user.final;
	res->user.setup_mmio += v->user.setup_mmio;
	res->vmm_ns += v->vmm_ns;
}

static int collect(struct guest_vm *vm, struct guest_result *res, bool stopped)
{
	const struct guest_config *cfg = vm->cfg;

	res->setup_faults = vm->sys_pages;
	res->irqchip = guest_has_irqchip(cfg);
	res->apic_hidden = vm->apic_hidden;
	for (unsigned int i = 0; i < cfg->vcpus; i++) {
		struct vcpu_result *v = &res->vcpu[i];

		memcpy(v->count, vm->vcpu[i].block->count, sizeof(v->count));
		if (check_vcpu(cfg, i, v, stopped))
			return -1;
		if (v->count[CNT_ROUNDS] < cfg->rounds)
			res->interrupted = true;
		add_up(res, v);
	}
	/* The dirty log first, so that the check, which reads pages, cannot affect it. */
	if (cfg->dirty_log && memory_dirty_log(vm, res))
		return -1;
	return memory_check(vm);
}

int guest_run(const struct guest_config *cfg, struct guest_result *res)
{
	struct guest_vm vm = { .cfg = cfg };
	int ret;

	memset(res, 0, sizeof(*res));
	res->vcpu = calloc(cfg->vcpus, sizeof(*res->vcpu));
	if (!res->vcpu)
		return out_of_memory();
	res->vcpus = cfg->vcpus;

	pthread_mutex_init(&vm.lock, NULL);
	pthread_cond_init(&vm.changed, NULL);
	sem_init(&vm.ready, 0, 0);

	ret = vm_create(&vm);
	if (ret)
		goto out;
	for (unsigned int i = 0; i < cfg->vcpus; i++)
		vm.vcpu[i].res = &res->vcpu[i];
	ret = run_vcpus(&vm, res);
	if (ret >= 0)
		ret = collect(&vm, res, ret);
out:
	vm_destroy(&vm);
	sem_destroy(&vm.ready);
	pthread_cond_destroy(&vm.changed);
	pthread_mutex_destroy(&vm.lock);
	return ret;
}

void guest_result_free(struct guest_result *res)
{
	free(res->vcpu);
	free(res->dirty);
	memset(res, 0, sizeof(*res));
}
