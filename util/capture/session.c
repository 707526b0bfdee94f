// SPDX-License-Identifier: GPL-2.0
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/arch/arch.h"
#include "util/capture/attach.h"
#include "util/capture/compat.h"
#include "util/capture/filter_options.h"
#include "util/capture/kernel.h"
#include "util/capture/kernel_types.h"
#include "util/capture/maps.h"
#include "util/capture/methods.h"
#include "util/capture/offsets.h"
#include "util/capture/session.h"
#include "util/capture/states.h"
#include "util/capture/tracefs.h"
#include "util/error.h"
#include "util/memory.h"

#include "bpf_skel/kvmw.skel.h"

struct session {
	struct kvmw_bpf *skel;
	struct kernel_types *types;
	struct links links;
	const struct attach_method *methods[NR_PROBES];
	int refused[NR_PROBES];		/* errno of the method that was refused last; 0: none */
	bool preemptible;		/* the kernel is */
	bool lists, lists_accepted;	/* vm_slots and, with BTF of KVM, vcpu_files are loaded */
	struct kvmw_vcpu_state *states;
	struct kvmw_latencies *latencies;
	struct kvmw_taken_sum *taken;
	int rings[KVMW_MAX_RINGS];
	u32 nr_rings;
	u64 ring_bytes;
	struct kvmw_config config;
	u64 missed_before[NR_PROBES];	/* the start */
	struct probe raw[KVMW_MAX_RAW];
	char raw_programs[KVMW_MAX_RAW][16], raw_what[KVMW_MAX_RAW][130];
};

static int __attribute__((format(printf, 2, 0)))
print_all(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	return level == LIBBPF_DEBUG ? 0 : vfprintf(stderr, fmt, ap);
}

#define STATES_SIZE(s)	(sizeof(struct kvmw_vcpu_state) * (s)->config.max_vcpus)
#define LATENCIES_SIZE(s) (sizeof(struct kvmw_latencies) * (s)->config.max_vcpus)
#define TAKEN_SIZE	(sizeof(struct kvmw_taken_sum) * (KVMW_MAX_TAKEN + 1))

static int fill_taken(struct session *s)
{
	s->taken = maps__values(s->skel->maps.taken_sums, TAKEN_SIZE);
	return s->taken ? maps__fill_queue(s->skel->maps.free_taken, KVMW_MAX_TAKEN) : -1;
}

static int fill_maps(struct session *s, const struct session_opts *opts)
{
	static const struct kvmw_process unseen;

	if (maps__fill_queue(s->skel->maps.free_states, s->config.max_vcpus) ||
	    maps__choose(s->skel->maps.targets, opts->pids, opts->nr_pids, &unseen) ||
	    maps__choose(s->skel->maps.targets, opts->excluded, opts->nr_excluded, &unseen) ||
	    maps__choose(s->skel->maps.vms, opts->pids, opts->nr_pids, &unseen) ||
	    maps__choose_groups(s->skel->maps.groups, opts->groups))
		return -1;
	s->states = maps__values(s->skel->maps.states, STATES_SIZE(s));
	if (!s->nr_rings)
		s->latencies = maps__values(s->skel->maps.latencies, LATENCIES_SIZE(s));
	if (!s->states || (!s->nr_rings && !s->latencies) ||
	    (s->methods[PROBE_MMU_INVALIDATE] && fill_taken(s)))
		return -1;
	return maps__rings(s->skel->maps.rings, s->nr_rings, s->ring_bytes, s->rings);
}

static void fill_config(struct session *s, const struct session_opts *opts)
{
	struct kvmw_config *c = &s->config;

	c->target = opts->target;
	c->max_vcpus = opts->max_vcpus ?: KVMW_DEFAULT_VCPUS;
	c->by_process = opts->nr_pids || opts->nr_excluded;
	c->by_group = opts->groups && opts->groups->nr;
	c->parent = getpid();
	c->events = opts->choice->events;
	c->stacks = opts->choice->stacks;
	c->vcpu_filter = !!opts->vcpus;
	if (opts->vcpus)
		memcpy(c->vcpus, opts->vcpus, sizeof(c->vcpus));
	c->filter = opts->filter;
	c->selects = record_filter__any(&opts->filter) || opts->cpu_limit > 0;
	arch__read_mmu(c);
	s->preemptible = kernel__preemptible();
	c->nr_rings = s->nr_rings;
	c->thins = opts->cpu_limit > 0;
	c->names_again = opts->names_again;
	c->wakeup_bytes = s->ring_bytes / 4;
}

static struct bpf_program *program(const struct session *s, const struct attach_method *method)
{
	return bpf_object__find_program_by_name(s->skel->obj, method->program);
}

static struct bpf_program *slots_program(const struct session *s)
{
	return kernel__version() < SINCE_SLOT_TREES ? s->skel->progs.vm_slots_array :
	       s->skel->progs.vm_slots;
}

/* An errno, silent. */
static int open_object(struct session *s)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = kernel_types__path(s->types));

	s->skel = kvmw_bpf__open_opts(&opts);
	return s->skel ? 0 : errno ?: EINVAL;
}

static void unload(struct session *s)
{
	links__destroy(&s->links);
	kvmw_bpf__destroy(s->skel);
	s->skel = NULL;
}

/* Without the kernel's types no method would do, so this comes before any is tried. */
static int find_kernel_types(struct session *s)
{
	int err = open_object(s);

	if (err)
		return error("cannot open the BPF programs: %s", attach__reason(err));
	err = kernel_types__find(s->types, s->skel->obj, &s->config);
	/* It was opened for a file that is no more. */
	if (!kernel_types__path(s->types))
		unload(s);
	return err;
}

/* Loads with the chosen methods only; an errno, silent. */
static int load(struct session *s)
{
	struct bpf_program *prog = NULL;
	struct kvmw_config *c = &s->config;
	int err = s->skel ? 0 : open_object(s);

	if (err)
		return err;
	c->words_type = kernel_types__id(s->types, "pt_regs");
	bpf_object__for_each_program(prog, s->skel->obj)
		bpf_program__set_autoload(prog, false);
	for (u32 h = 0; h < NR_PROBES; h++)
		if (s->methods[h])
			bpf_program__set_autoload(program(s, s->methods[h]), true);
	bpf_program__set_autoload(slots_program(s), s->lists);
	bpf_program__set_autoload(s->skel->progs.vcpu_files, s->lists && kernel__kvm_has_btf());
	states__size_maps(s->skel, c->max_vcpus);
	states__choose_maps(s->skel, c->events, s->methods[PROBE_MMU_INVALIDATE], !s->nr_rings);
	c->fault.spans = !!s->methods[PROBE_FAULT_END];
	c->nested = !!s->methods[PROBE_NESTED_EXIT];
	c->hypercall_return = !!s->methods[PROBE_HYPERCALL_RETURN];
	c->steadies = c->parts && !c->by_group && s->methods[PROBE_USERSPACE_EXIT];
	memcpy((void *)&s->skel->rodata->config, c, sizeof(*c));
	return -kvmw_bpf__load(s->skel);
}

/* What kept the chosen methods from being loaded and attached. */
struct failure {
	int err;	/* errno; 0: nothing */
	int probe;	/* whose program it was; -1: not known */
};

static struct failure attach(struct session *s)
{
	int err;

	for (u32 h = 0; h < NR_PROBES; h++) {
		if (!s->methods[h])
			continue;
		err = links__attach(&s->links, h, program(s, s->methods[h]), s->methods[h]);
		if (err)
			return (struct failure) { err, h };
	}
	return (struct failure) {};
}

static const struct probe *probe(const struct session *s, u32 h)
{
	return h < PROBE_RAW ? &probes[h] : &s->raw[h - PROBE_RAW];
}

const char *session__what(const struct session *s, u32 h)
{
	return probe(s, h)->what;
}

/* Each raw tracepoint has a probe of its own. */
static void make_raw(struct session *s, const struct event_choice *choice)
{
	for (u32 i = 0; i < choice->nr_raw; i++) {
		const struct raw_choice *raw = &choice->raw[i];

		snprintf(s->raw_programs[i], sizeof(s->raw_programs[i]), "raw%u", i);
		snprintf(s->raw_what[i], sizeof(s->raw_what[i]), "%s:%s", raw->category, raw->name);
		s->raw[i] = (struct probe) {
			.what = s->raw_what[i],
			.methods = { { s->raw_programs[i], ATTACH_TP, raw->category, raw->name,
				       NULL } },
		};
	}
}

bool session__applies(const struct session *s, u32 h)
{
	return (!probe(s, h)->before || kernel__version() < probe(s, h)->before) &&
	       (!probe(s, h)->stacks || probe(s, h)->stacks & s->config.stacks) &&
	       (s->nr_rings || !provider__describes(h)) &&
	       (h != PROBE_THREAD_MOVES || s->config.by_group);
}

/* Selects the next method of a probe; false: none is left, and the probe is needed. */
static bool next_method(struct session *s, u32 h)
{
	/* Programs of stacks come after these, and are of the classic kinds. */
	bool stack = provider__uses(s->config.events, PROBE_STACK_RUN) &&
		     ((h == PROBE_RUN && session__applies(s, PROBE_STACK_RUN)) ||
		      (h == PROBE_USERSPACE_EXIT && session__applies(s, PROBE_STACK_RETURN)));

	if (!session__applies(s, h))
		return true;
	if (probe(s, h)->missing && probe(s, h)->missing(&s->config))
		return !provider__needs(s->config.events, h);
	s->methods[h] = methods__after(probe(s, h), s->methods[h], s->preemptible || stack);
	return s->methods[h] || !provider__needs(s->config.events, h);
}

/* Selects the probes that replace what the best method of another one would have provided. */
static void stand_in(struct session *s)
{
	for (u32 h = 0; h < PROBE_POINTS; h++) {
		u32 other = probes[h].stands_in;

		if (other && provider__uses(s->config.events, h) &&
		    s->methods[other] != probes[other].methods)
			next_method(s, h);
	}
}

/* Whether the programs that list vCPUs and slots are what the kernel refuses: then without them. */
static bool gives_up_lists(struct session *s)
{
	const struct attach_method *methods[NR_PROBES];

	if (!s->lists || s->lists_accepted)
		return false;
	memcpy(methods, s->methods, sizeof(methods));
	memset(s->methods, 0, sizeof(s->methods));
	s->lists = s->lists_accepted = !load(s);
	unload(s);
	memcpy(s->methods, methods, sizeof(methods));
	return !s->lists;
}

/* Finds the program that the kernel refuses by loading each alone.  err: of loading all. */
static struct failure find_refused(struct session *s, int err)
{
	const struct attach_method *methods[NR_PROBES];
	struct failure failure = { err, -1 };

	s->lists = false;
	memcpy(methods, s->methods, sizeof(methods));
	for (u32 h = 0; h < NR_PROBES && failure.probe < 0; h++) {
		if (!methods[h])
			continue;
		memset(s->methods, 0, sizeof(s->methods));
		s->methods[h] = methods[h];
		err = load(s);
		if (err)
			failure = (struct failure) { err, h };
		unload(s);
	}
	memcpy(s->methods, methods, sizeof(methods));
	s->lists = s->lists_accepted;
	return failure;
}

/* Loads and attaches with the chosen methods; after a failure nothing is loaded. */
/* NOLINTNEXTLINE(misc-no-recursion): once, without lists */
static struct failure try_methods(struct session *s)
{
	struct failure failure = { .probe = -1 };

	failure.err = load(s);
	if (failure.err) {
		unload(s);
		return gives_up_lists(s) ? try_methods(s) : find_refused(s, failure.err);
	}
	failure = attach(s);
	if (failure.err)
		unload(s);
	return failure;
}

/*
 * Skips the events that need this probe.  -1: one of them was named explicitly, or no event is
 * left.
 */
static int go_without(struct session *s, struct event_choice *choice, u32 h, int err)
{
	for_each_captured_event(event) {
		u32 bit = BIT(event->id);

		if (!(choice->events & bit) || !provider__needs(bit, h))
			continue;
		if (choice->named & bit || h >= PROBE_POINTS)
			return -1;
		warning("skipping event %s: cannot see %s on this kernel: %s", event->name,
			probe(s, h)->what, attach__reason(err));
		choice->events &= ~bit;
	}
	s->config.events = choice->events;
	for (u32 other = 0; other < NR_PROBES; other++)
		if (!provider__uses(s->config.events, other))
			s->methods[other] = NULL;
	return s->config.events ? 0 : -1;
}

static void choose_methods(struct session *s, const struct event_choice *choice)
{
	for (u32 h = 0; h < PROBE_RAW + choice->nr_raw; h++)
		if (provider__uses(choice->events, h) && !probe(s, h)->stands_in)
			next_method(s, h);
	stand_in(s);
}

/* The parts of a cycle need all three probes. */
static void choose_parts(struct session *s)
{
	const struct attach_method **m = s->methods;

	s->config.parts = m[PROBE_SWITCH] && m[PROBE_WAKEUP] && m[PROBE_HALTED];
	if (!s->config.parts)
		m[PROBE_SWITCH] = m[PROBE_WAKEUP] = m[PROBE_MIGRATE] = NULL;
}

/*
 * Only loading and attaching a program shows whether a kernel accepts it: the methods of a
 * probe are tried one after the other, the best first.
 */
static int load_and_attach(struct session *s, struct event_choice *choice)
{
	choose_methods(s, choice);
	s->lists = true;
	for (;;) {
		struct failure f;
		char who[32];

		choose_parts(s);
		f = try_methods(s);
		if (!f.err)
			return 0;
		if (f.probe < 0)
			return error("cannot load the BPF programs: %s", attach__reason(f.err));
		s->refused[f.probe] = f.err;
		if (!next_method(s, f.probe) && go_without(s, choice, f.probe, f.err))
			return error("%scannot see %s on this kernel: %s",
				     provider__who_needs(choice->named, f.probe, who, sizeof(who)),
				     session__what(s, f.probe), attach__reason(f.err));
		if (f.probe == PROBE_ENTRY)
			stand_in(s);
	}
}

struct session *session__open(const struct session_opts *opts)
{
	struct session *s = mem__calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	for (u32 i = 0; i < KVMW_MAX_RINGS; i++)
		s->rings[i] = -1;
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	libbpf_set_print(opts->verbose ? print_all : NULL);
	maps__plan_rings(opts->ring_bytes, &s->nr_rings, &s->ring_bytes);
	fill_config(s, opts);
	make_raw(s, opts->choice);
	s->types = kernel_types__new();
	if (!s->types || offsets__read(opts->choice, &s->config) || find_kernel_types(s) ||
	    load_and_attach(s, opts->choice) ||
	    methods__check_userspace(s->methods, s->config.events) || fill_maps(s, opts)) {
		session__close(s);
		return NULL;
	}
	methods__warn_of_stacks(s->methods, s->refused, s->config.events, s->config.stacks);
	return s;
}

void session__close(struct session *s)
{
	if (!s)
		return;
	maps__unmap(s->states, STATES_SIZE(s));
	maps__unmap(s->latencies, LATENCIES_SIZE(s));
	maps__unmap(s->taken, TAKEN_SIZE);
	unload(s);
	kernel_types__free(s->types);
	for (u32 i = 0; i < KVMW_MAX_RINGS; i++)
		if (s->rings[i] >= 0)
			close(s->rings[i]);
	free(s);
}

static struct bpf_prog_info prog_info(const struct session *s, u32 probe)
{
	struct bpf_prog_info info = {};
	u32 len = sizeof(info);

	if (s->methods[probe])
		bpf_obj_get_info_by_fd(bpf_program__fd(program(s, s->methods[probe])), &info, &len);
	return info;
}

u64 session__start(struct session *s)
{
	u64 now;

	/*
	 * What a program missed before the start is not missing from the recording: while the maps
	 * are filled, the kernel skips programs on this CPU.
	 */
	for (u32 h = 0; h < NR_PROBES; h++)
		s->missed_before[h] = prog_info(s, h).recursion_misses;
	now = monotonic_ns();
	__atomic_store_n(&s->skel->bss->active, 1, __ATOMIC_SEQ_CST);
	return now;
}

void session__thin(struct session *s, u32 one_in)
{
	u32 below = one_in == ~0U ? 0 : one_in > 1 ? ~0U / one_in : KVMW_THIN_NOT;

	__atomic_store_n(&s->skel->data->thin, below, __ATOMIC_RELAXED);
}

bool session__thins(const struct session *s)
{
	return s->skel->data->thin != KVMW_THIN_NOT;
}

u64 session__stop(struct session *s)
{
	u64 now;

	__atomic_store_n(&s->skel->bss->active, 0, __ATOMIC_SEQ_CST);
	states__lose(s->skel);
	now = monotonic_ns();
	links__destroy(&s->links);
	/* Waits for an RCU grace period: programs that were running have ended. */
	if (syscall(__NR_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
		usleep(20000);
	return now;
}

const struct kvmw_vcpu_state *session__states(const struct session *s)
{
	return s->states;
}

u32 session__nr_states(const struct session *s)
{
	return s->config.max_vcpus;
}

const struct kvmw_latencies *session__latencies(const struct session *s)
{
	return s->latencies;
}

const struct kvmw_taken_sum *session__taken(const struct session *s)
{
	return s->taken;
}

const struct kvmw_filter *session__filter(const struct session *s)
{
	return &s->config.filter;
}

bool session__next_call(const struct session *s, u32 *tid, struct kvmw_call *call)
{
	int fd = bpf_map__fd(s->skel->maps.calls);

	/* Event memslot without ioctl fills the map, too. */
	return s->config.events & BIT(KVMW_EVENT_IOCTL) &&
	       !bpf_map_get_next_key(fd, *tid ? tid : NULL, tid) &&
	       !bpf_map_lookup_elem(fd, tid, call);
}

u64 session__changes(const struct session *s)
{
	return __atomic_load_n(&s->skel->bss->changes, __ATOMIC_RELAXED);
}

static bool sees_vcpus_end(const struct session *s)
{
	const struct attach_method *method = s->methods[PROBE_VCPU_END];

	return method && method->type != ATTACH_TP;
}

u64 session__gone_ns(const struct session *s, const struct kvmw_vcpu_state *state)
{
	struct kvmw_process process;

	if (state->gone_ns || sees_vcpus_end(s) ||
	    bpf_map_lookup_elem(bpf_map__fd(s->skel->maps.vms), &state->tgid, &process) ||
	    process.start_ns != state->start_ns)
		return state->gone_ns;
	return process.gone_ns;
}

void session__free_state(struct session *s, u32 i)
{
	states__free(s->skel, s->states, i, sees_vcpus_end(s));
}

void session__unseen(const struct session *s, struct session_unseen *u)
{
	*u = (struct session_unseen) {
		.no_state = s->skel->bss->no_state, .over_share = s->skel->bss->over_share,
		.pid = s->skel->bss->over_share_tgid,
	};
}

bool session__crowded(const struct session *s)
{
	return __atomic_load_n(&s->skel->bss->states_used, __ATOMIC_RELAXED) >
	       s->config.max_vcpus / 2;
}

u32 session__nr_rings(const struct session *s)
{
	return s->nr_rings;
}

u64 session__ring_bytes(const struct session *s)
{
	return s->ring_bytes;
}

int session__ring_fd(const struct session *s, u32 ring)
{
	return s->rings[ring];
}

int session__stack(const struct session *s, u32 id, u64 *addresses)
{
	u32 half = KVMW_MAX_STACKS / 2, key = id % half;
	struct bpf_map *map = id < half ? s->skel->maps.stacks : s->skel->maps.more_stacks;

	return bpf_map_lookup_elem(bpf_map__fd(map), &key, addresses) ? -1 : 0;
}

u64 session__bpf_ns(const struct session *s)
{
	u64 sum = 0;

	for (u32 h = 0; h < NR_PROBES; h++)
		sum += prog_info(s, h).run_time_ns;
	return sum;
}

u64 session__missed(const struct session *s, u32 probe)
{
	return prog_info(s, probe).recursion_misses - s->missed_before[probe];
}

const struct attach_method *session__method(const struct session *s, u32 probe)
{
	return s->methods[probe];
}

const struct bpf_program *session__vcpu_files(const struct session *s)
{
	return s->lists && kernel__kvm_has_btf() ? s->skel->progs.vcpu_files : NULL;
}

const struct bpf_program *session__vm_slots(const struct session *s)
{
	return s->lists ? slots_program(s) : NULL;
}
