/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For loadgen.c alone: a session whose vCPUs, rings and clock are made, in place of session.c, of
 * the functions of libbpf that read a ring, and of CLOCK_MONOTONIC.
 */
#ifndef KVMW_TESTS_LOADGEN_SESSION_H
#define KVMW_TESTS_LOADGEN_SESSION_H

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tests/loadgen_check.h"
#include "util/capture/session.h"

#define START_NS	(1000 * NSEC_PER_SEC)
#define ROUND_NS	(NSEC_PER_SEC / 10)	/* that a look into the rings finds */
#define MAX_RATE	100000			/* rows a second; fewer if it were over too soon */
#define MIN_SECONDS	1000
#define NR_RINGS	2
#define NR_VMS		12			/* at a time */
#define VM_VCPUS	4
#define VM_NS		(20 * NSEC_PER_SEC)	/* how long it lives */
#define FIRST_PID	0x40000000		/* more than the kernel gives */
#define LATE_NS		(3 * NSEC_PER_SEC)	/* after which a state that ended is free */
#define NR_SNAPSHOTS	20
#define FAULT_NS	100000			/* of one exit, the only long one, */
#define FAULT_ROUNDS	20			/* so many rounds before the end */
/* rounds: longer than the window, and a snapshot takes */
#define LOG 4096
#define EVENTS		(BIT(KVMW_EVENT_EXIT) | BIT(KVMW_EVENT_USERSPACE) | BIT(KVMW_EVENT_IRQ))

struct ring_buffer {
	ring_buffer_sample_fn take;
	void *arg;
	u32 number;
	int ready;			/* an eventfd, always readable */
};

struct made_vm {
	u32 state[VM_VCPUS];
	u64 ends_ns;
};

struct session {
	u64 now_ns;			/* read by all threads */
	u64 seed, rows, target;
	u32 per_ring;			/* rows of a round */
	bool over;			/* the last round ended */
	bool faults;			/* an exit is to be long */
	u64 fault_ns;			/* its time; 0: not yet */
	u32 nr_rings;			/* made so far */
	struct kvmw_vcpu_state states[NR_STATES];
	u64 print[NR_STATES];
	u32 free[NR_STATES];		/* ids: a queue */
	u32 next_free, nr_free;
	struct made_vm vms[NR_VMS];
	u32 nr_vms;			/* so far */
	u64 changes;
	struct kvmw_filter filter;
	FILE *journal;			/* a struct made of each vCPU that is gone */
	struct made all;
	/* What was made until the end of each round. */
	pthread_mutex_t lock;
	struct logged {
		u64 time_ns;
		struct made all;
	} log[LOG];
	u64 nr_logged;
	int statm;
	u64 rss[10];			/* the least in each tenth, pages */
	u32 used;			/* peak */
	u64 late;			/* states that were not freed in time, seen so often */
	sem_t snapshot;			/* it is time for one */
	u32 nr_asked;
};

/* libbpf and the C library say what they are called with: nothing that leads to a session. */
static struct session session;

static u64 now_ns(void)
{
	return __atomic_load_n(&session.now_ns, __ATOMIC_ACQUIRE);
}

/* Instead of the C library's, for all but its own calls. */
int clock_gettime(clockid_t clock, struct timespec *ts)
{
	u64 now = now_ns();

	if (clock != CLOCK_MONOTONIC)
		return syscall(SYS_clock_gettime, clock, ts);
	*ts = (struct timespec) { now / NSEC_PER_SEC, now % NSEC_PER_SEC };
	return 0;
}

static u64 rnd(struct session *s)
{
	s->seed ^= s->seed << 13;
	s->seed ^= s->seed >> 7;
	s->seed ^= s->seed << 17;
	return s->seed;
}

/* ---- vCPUs that come and go ------------------------------------------------ */

static struct made made_of(const struct session *s, u32 i)
{
	const struct kvmw_kind_total *irq = &s->states[i].kinds[KVMW_SUM_irq_SET_IRQ];
	struct made m = { .id = s->states[i].exit.e.vcpu, .print = s->print[i] };

	for (u32 k = 0; k < FIRST_IRQ; k++) {
		const struct kvmw_sum *sum = &s->states[i].sums[k];

		m.sums[k] = (struct sums) { sum->count, sum->done, sum->lost, sum->span_ns };
	}
	m.sums[FIRST_IRQ] = (struct sums) { irq->count, irq->done, irq->lost, irq->span_ns };
	return m;
}

static void write_journal(struct session *s, u32 i)
{
	struct made m = made_of(s, i);

	fwrite(&m, sizeof(m), 1, s->journal);
}

static u32 begin_vcpu(struct session *s, u32 number, u32 first)
{
	u32 id = s->free[s->next_free++ % NR_STATES], i = KVMW_STATE(id);
	struct kvmw_vcpu_state *v = &s->states[i];

	if (!s->nr_free--) {
		fprintf(stderr, "loadgen: no state is free\n");
		exit(1);
	}
	*v = (struct kvmw_vcpu_state) {
		.tgid = FIRST_PID + 8 * s->nr_vms, .vcpu_id = number, .vcpu = 4096ULL * id,
		.kvm = s->nr_vms + 1,
		.start_ns = now_ns(), .vm = number ? first : id, .comm = "CPU 0/KVM",
		.leader = "made",
		.exit = { .event = KVMW_EVENT_EXIT, .e = { .vcpu = id, .isa = KVMW_ISA_SVM } },
		.user = { .event = KVMW_EVENT_USERSPACE, .e.vcpu = id },
	};
	for (u32 k = 0; k < FIRST_IRQ; k++)
		v->sums[k].key = KVMW_SUM_KEY(keys[k].event, keys[k].isa, keys[k].reason);
	v->tid = v->tgid + 1 + number;
	s->print[i] = 0;
	return id;
}

static void begin_vm(struct session *s, struct made_vm *vm, u64 ends_ns)
{
	u32 first = 0;

	for (u32 i = 0; i < VM_VCPUS; i++) {
		u32 id = begin_vcpu(s, i, first);

		first = i ? first : id;
		vm->state[i] = KVMW_STATE(id);
	}
	vm->ends_ns = ends_ns;
	s->nr_vms++;
	s->changes++;
}

/* The first one of each second VM dies while its exit is handled. */
static void end_vm(struct session *s, const struct made_vm *vm, u64 now)
{
	struct kvmw_vcpu_state *first = &s->states[vm->state[0]];

	if (s->nr_vms & 1) {
		first->exit.e.time_ns = now - 1000;
		first->exit.e.reason = keys[0].reason;
		first->exit.e.guest_ns = 500;
		first->sums[0].count++;
		first->sums[0].gap_ns += 500;
		first->exit_open = 1;
	}
	for (u32 i = 0; i < VM_VCPUS; i++)
		s->states[vm->state[i]].gone_ns = s->states[vm->state[i]].ended_ns = now;
	s->changes++;
}

static void change_vms(struct session *s, u64 now)
{
	for (u32 i = 0; i < NR_VMS; i++) {
		struct made_vm *vm = &s->vms[i];

		if (vm->ends_ns > now)
			continue;
		if (vm->ends_ns)
			end_vm(s, vm, now);
		begin_vm(s, vm, vm->ends_ns ? now + VM_NS : now + (i + 1) * VM_NS / NR_VMS);
	}
}

/* ---- records ---------------------------------------------------------------- */

static void count(struct sums *to, u64 span_ns, bool lost)
{
	to->count++;
	to->done++;
	to->lost += lost;
	to->span_ns += span_ns;
}

/* A cycle that began and ended.  lost: its record did not fit into the ring. */
static void count_cycle(struct kvmw_vcpu_state *v, u32 k, u64 gap_ns, u64 span_ns, bool lost)
{
	struct kvmw_sum *sum = &v->sums[k];

	sum->count++;
	sum->done++;
	sum->lost += lost;
	sum->gap_ns += gap_ns;
	sum->span_ns += span_ns;
	if (k >= FIRST_USER)
		sum->user_ns += span_ns;
}

static int send_exit(struct ring_buffer *rb, struct kvmw_vcpu_state *v, u32 k, u64 time_ns,
		     u64 span_ns, bool lost)
{
	const u64 gap_ns = 300 + span_ns % 4000;
	struct kvmw_ring_exit r = v->exit;

	count_cycle(v, k, gap_ns, span_ns, lost);
	if (lost)
		return 0;
	r.e.time_ns = time_ns;
	r.e.guest_ns = gap_ns;
	r.e.total_ns = span_ns;
	r.e.reason = keys[k].reason;
	r.e.rip = 0xffffffff81000000ULL + 0x1357 * (span_ns % 97);
	r.e.info1 = k == FIRST_USER - 1 ? 0x100000006 : span_ns % 5;
	return rb->take(rb->arg, &r, sizeof(r));
}

static int send_user(struct ring_buffer *rb, struct kvmw_vcpu_state *v, u32 k, u64 time_ns,
		     u64 span_ns, bool lost)
{
	struct kvmw_ring_userspace r = v->user;

	count_cycle(v, k, 700, span_ns, lost);
	if (lost)
		return 0;
	r.e.time_ns = time_ns;
	r.e.run_ns = 700;
	r.e.user_ns = span_ns;
	r.e.reason = keys[k].reason;
	return rb->take(rb->arg, &r, sizeof(r));
}

static int send_irq(struct ring_buffer *rb, struct kvmw_vcpu_state *v, u64 time_ns, u64 span_ns,
		    bool lost)
{
	struct kvmw_kind_total *sum = &v->kinds[KVMW_SUM_irq_SET_IRQ];
	struct kvmw_ring_row r = {
		.event = KVMW_EVENT_IRQ,
		.e = { .time_ns = time_ns, .span_ns = span_ns, .vcpu = v->exit.e.vcpu,
		       .tid = v->tid, .kind = KVMW_irq_SET_IRQ },
		.value = { span_ns % 24, 0x30 + span_ns % 24 },
	};

	sum->count++;
	sum->done++;
	sum->lost += lost;
	sum->span_ns += span_ns;
	return lost ? 0 : rb->take(rb->arg, &r, offsetof(struct kvmw_ring_row, value[4]));
}

/* Threads come and go as well. */
static int send_name(struct ring_buffer *rb, const struct session *s, u64 time_ns)
{
	struct kvmw_ring_task r = { .event = KVMW_RING_TASK, .tid = s->rows, .time_ns = time_ns };

	memcpy(r.name.comm, "worker", sizeof("worker"));
	return rb->take(rb->arg, &r, sizeof(r));
}

/* A vCPU always uses the same ring. */
static u32 pick_state(const struct session *s, u32 ring)
{
	for (u32 i = s->rows;; i++) {
		u32 at = s->vms[i / VM_VCPUS % NR_VMS].state[i % VM_VCPUS];

		if ((at & (NR_RINGS - 1)) == ring)
			return at;
	}
}

/* Every eleventh is an interrupt, every seventh of the others a return to the VMM. */
static int send_row(struct session *s, struct ring_buffer *rb, u64 time_ns)
{
	u32 at = pick_state(s, rb->number), k;
	bool lost = s->rows % 1000 < 3;
	struct kvmw_vcpu_state *v = &s->states[at];
	u64 span_ns = 500 + rnd(s) % 8192;
	bool fault = s->faults && !s->fault_ns &&
		     s->rows + FAULT_ROUNDS * NR_RINGS * s->per_ring >= s->target;

	k = s->seed % 11 == 0 ? FIRST_IRQ : s->seed % 7 == 0 ? FIRST_USER + (s->seed >> 32) % 2 :
	    (s->seed >> 32) % FIRST_USER;
	if (fault) {
		k = 0;
		lost = false;
		span_ns = FAULT_NS;
		s->fault_ns = time_ns;
	}
	s->rows++;
	count(&s->all.sums[k], span_ns, lost);
	if (lost) {
		v->lost[keys[k].event].count++;
		v->lost[keys[k].event].last_ns = time_ns;
	} else {
		u64 print = loadgen__print(time_ns, span_ns, v->exit.e.vcpu);

		s->print[at] += print;
		s->all.print += print;
	}
	if (k == FIRST_IRQ)
		return send_irq(rb, v, time_ns, span_ns, lost);
	return k >= FIRST_USER ? send_user(rb, v, k, time_ns, span_ns, lost) :
	       send_exit(rb, v, k, time_ns, span_ns, lost);
}

/* ---- looks ------------------------------------------------------------------ */

static u64 rss_pages(const struct session *s)
{
	char buf[64] = "";
	ssize_t len = pread(s->statm, buf, sizeof(buf) - 1, 0);
	const char *second = len > 0 ? strchr(buf, ' ') : NULL;

	return second ? strtoull(second, NULL, 10) : 0;
}

static void look(struct session *s, u64 now)
{
	u64 tenth = s->rows * 10 / s->target, pages = rss_pages(s);

	if (tenth < 10 && (!s->rss[tenth] || pages < s->rss[tenth]))
		s->rss[tenth] = pages;
	if (NR_STATES - s->nr_free > s->used)
		s->used = NR_STATES - s->nr_free;
	for (u32 i = 0; i < NR_STATES; i++)
		s->late += s->states[i].ended_ns && s->states[i].ended_ns + LATE_NS < now;
}

static void end_round(struct session *s)
{
	u64 now = now_ns();

	pthread_mutex_lock(&s->lock);
	s->log[s->nr_logged++ % LOG] = (struct logged) { now, s->all };
	pthread_mutex_unlock(&s->lock);
	look(s, now);
	while (s->nr_asked < s->rows * NR_SNAPSHOTS / s->target) {
		s->nr_asked++;
		sem_post(&s->snapshot);
	}
}

/* What was made until then; false: it is too long ago, or no round ended then. */
static bool made_until(struct session *s, u64 time_ns, struct made *made)
{
	bool found = false;

	pthread_mutex_lock(&s->lock);
	for (u64 i = 0; i < LOG && !found; i++) {
		found = s->log[i].time_ns == time_ns;
		if (found)
			*made = s->log[i].all;
	}
	pthread_mutex_unlock(&s->lock);
	return found;
}

/* ---- instead of libbpf ------------------------------------------------------ */

struct ring_buffer *ring_buffer__new(int map_fd, ring_buffer_sample_fn sample_cb, void *ctx,
				     const struct ring_buffer_opts *opts)
{
	struct ring_buffer *rb = mem__calloc(1, sizeof(*rb));

	(void)map_fd;
	(void)opts;
	if (!rb)
		return NULL;
	*rb = (struct ring_buffer) { sample_cb, ctx, session.nr_rings++, eventfd(1, EFD_CLOEXEC) };
	return rb;
}

void ring_buffer__free(struct ring_buffer *rb)
{
	if (rb)
		close(rb->ready);
	free(rb);
}

int ring_buffer__epoll_fd(const struct ring_buffer *rb)
{
	return rb->ready;
}

/* What came in the round since the last look: it begins with the first ring, ends with the last. */
int ring_buffer__consume(struct ring_buffer *rb)
{
	struct session *s = &session;
	u64 from = now_ns();
	int err = 0;

	if (!rb->number)
		s->over = s->rows >= s->target;
	if (s->over)
		return 0;
	if (!rb->number)
		change_vms(s, from);
	for (u32 i = 0; i < s->per_ring && err >= 0; i++) {
		u64 time_ns = from + i * ROUND_NS / s->per_ring;

		if (s->rows % 1024 == 1023)
			err = send_name(rb, s, time_ns);
		if (err >= 0)
			err = send_row(s, rb, time_ns);
	}
	if (err >= 0 && rb->number == NR_RINGS - 1) {
		__atomic_store_n(&s->now_ns, from + ROUND_NS, __ATOMIC_RELEASE);
		end_round(s);
	}
	return err < 0 ? err : (int)s->per_ring;
}

/* Refused, as the kernel may. */
int bpf_enable_stats(enum bpf_stats_type type)
{
	(void)type;
	errno = EPERM;
	return -1;
}

/* ---- instead of session.c: what is behind the rings asks for ---------------- */

u32 session__nr_states(const struct session *s)
{
	(void)s;
	return NR_STATES;
}

const struct kvmw_vcpu_state *session__states(const struct session *s)
{
	return s->states;
}

const struct kvmw_taken_sum *session__taken(const struct session *s)
{
	(void)s;
	return NULL;
}

bool session__next_call(const struct session *s, u32 *tid, struct kvmw_call *call)
{
	(void)s;
	(void)tid;
	(void)call;
	return false;
}

u64 session__changes(const struct session *s)
{
	return s->changes;
}

u64 session__gone_ns(const struct session *s, const struct kvmw_vcpu_state *state)
{
	(void)s;
	return state->gone_ns;
}

void session__free_state(struct session *s, u32 i)
{
	u32 id = s->states[i].exit.e.vcpu + KVMW_MAX_VCPUS;

	write_journal(s, i);
	memset(&s->states[i], 0, sizeof(s->states[i]));
	s->free[(s->next_free + s->nr_free++) % NR_STATES] = id;
}

bool session__crowded(const struct session *s)
{
	return s->nr_free < NR_STATES / 2;
}

const struct kvmw_filter *session__filter(const struct session *s)
{
	return &s->filter;
}

u32 session__nr_rings(const struct session *s)
{
	(void)s;
	return NR_RINGS;
}

int session__ring_fd(const struct session *s, u32 ring)
{
	(void)s;
	(void)ring;
	return -1;
}

int session__stack(const struct session *s, u32 id, u64 *addresses)
{
	(void)s;
	(void)id;
	(void)addresses;
	return -1;
}

u64 session__bpf_ns(const struct session *s)
{
	(void)s;
	return 0;
}

bool session__thins(const struct session *s)
{
	(void)s;
	return false;
}

const struct attach_method *session__method(const struct session *s, u32 probe)
{
	(void)s;
	(void)probe;
	return NULL;
}

static void session__make(struct session *s, u64 rows)
{
	u64 rate = rows / MIN_SECONDS < MAX_RATE ? rows / MIN_SECONDS : MAX_RATE;

	s->now_ns = START_NS;
	s->seed = 88172645463325252ULL;
	s->target = rows;
	s->per_ring = rate * ROUND_NS / NSEC_PER_SEC / NR_RINGS + 1;
	s->nr_free = NR_STATES;
	for (u32 i = 0; i < NR_STATES; i++)
		s->free[i] = i;
	s->journal = tmpfile();
	s->statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	pthread_mutex_init(&s->lock, NULL);
	/* Its memory is there from the start. */
	for (u32 i = 0; i < LOG; i++)
		s->log[i].time_ns = KVMW_NONE;
	s->log[s->nr_logged++].time_ns = START_NS;
	sem_init(&s->snapshot, 0, 0);
}

#endif
