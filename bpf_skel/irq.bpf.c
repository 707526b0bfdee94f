// SPDX-License-Identifier: GPL-2.0
/*
 * Provider "irq": interrupts.
 *
 * Each step is paired with the one before it:
 *
 * - An assertion (a line set, an MSI, an IPI) and its acceptance by a local APIC happen in one
 *   call chain, so the assertion is remembered by context: the thread or, in an interrupt, the
 *   CPU.  The assertion of an MSI or IPI only matches an acceptance of its vector.  An
 *   acceptance without an assertion, such as of the APIC's timer, has source 0.
 *
 * - Acceptance, injection and EOI are matched by VM, vCPU and vector.  "apicid" in the
 *   tracepoints of the local APIC is the vcpu_id on all kernels since 5.10
 *   (__apic_accept_irq(), kvm_eoi).
 *
 * Devices deliver from anywhere: from an interrupt of the host during any thread, from a kernel
 * thread, from another process.  The tracepoints do not have the VM, but the functions that all
 * of these pass through do: irq_state().
 *
 * Concurrent updates are safe: each field is one word, and a reader uses source and irq only
 * if it finds a time, which is written after them.
 */
#include "context.bpf.h"
#include "point.bpf.h"

#define IRQ(row, name)	((row)->value[VALUE(irq, name)])
#define ANY_VECTOR	KVMW_NONE
#define NO_SOURCE	0

struct assertion {
	u64 time_ns;
	u64 source, irq;
	u64 vector;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 2048);
	__type(key, u64);
	__type(value, struct assertion);
} asserted SEC(".maps");

struct vector_key {
	u64 kvm;
	u32 vcpu_id, vector;
};

/* A time of 0 means none. */
struct vector_state {
	u64 accept_ns, accept_source, accept_irq;
	u64 inject_ns, inject_source, inject_irq;
	u64 ended;		/* an EOI already matched inject_ns */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct vector_key);
	__type(value, struct vector_state);
} vectors SEC(".maps");

/* A key that no context which may interrupt this one has. */
static __always_inline u64 context(void)
{
	u64 cpu = bpf_get_smp_processor_id();
	u32 count;

	if (!arch_preempt_count(&count))
		count = 0;
	if (count & IN_HARD_IRQ)
		return 2ULL << 32 | cpu;
	if (count & IN_SOFTIRQ)
		return 1ULL << 32 | cpu;
	return (u32)bpf_get_current_pid_tgid();
}

static __always_inline void assert_irq(const struct kvmw_ring_row *row, u64 irq, u64 vector)
{
	struct assertion a = {
		.time_ns = row->e.time_ns, .source = row->e.kind, .irq = irq, .vector = vector,
	};
	u64 key = context();

	bpf_map_update_elem(&asserted, &key, &a, BPF_ANY);
}

static __always_inline void assertion_ends(void)
{
	u64 key = context();

	bpf_map_delete_elem(&asserted, &key);
}

/* The VM for which a context calls KVM. */
struct delivery {
	u64 kvm;
	u64 owner;		/* a thread of its process, struct task_struct */
	u32 tgid, pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 2048);
	__type(key, u64);
	__type(value, struct delivery);
} delivering SEC(".maps");

static __always_inline void delivery_begins(const struct kvm *kvm)
{
	struct delivery d = {};
	struct task_struct *owner;
	struct mm_struct *mm = NULL;
	u64 key = context();

	if (!active || !bpf_core_field_exists(mm->owner))
		return;
	mm = bpf_core_field_exists(kvm->mm) ? BPF_CORE_READ(kvm, mm) : arch_kvm_mm(kvm);
	owner = BPF_CORE_READ(mm, owner);
	/* Not if struct kvm differs from the one that arch_kvm_mm() knows. */
	if (!owner || BPF_CORE_READ(owner, mm) != mm)
		return;
	d.kvm = (u64)kvm;
	d.owner = (u64)owner;
	d.tgid = BPF_CORE_READ(owner, tgid);
	bpf_map_update_elem(&delivering, &key, &d, BPF_ANY);
}

static __always_inline int delivery_ends(void)
{
	u64 key = context();

	bpf_map_delete_elem(&delivering, &key);
	/* What it asserted has been accepted, or never will be. */
	bpf_map_delete_elem(&asserted, &key);
	return 0;
}

/* Lines and, if a thread may sleep, MSIs. */
SEC("kprobe/kvm_set_irq")
int BPF_KPROBE(irq_line, const struct kvm *kvm)
{
	delivery_begins(kvm);
	return 0;
}

SEC("kretprobe/kvm_set_irq")
int irq_line_done(void *ctx)
{
	return delivery_ends();
}

/* MSIs of an irqfd: by whoever signals the eventfd, an interrupt of the host included. */
SEC("kprobe/kvm_arch_set_irq_inatomic")
int BPF_KPROBE(irq_msi, const void *route, const struct kvm *kvm)
{
	delivery_begins(kvm);
	return 0;
}

SEC("kretprobe/kvm_arch_set_irq_inatomic")
int irq_msi_done(void *ctx)
{
	return delivery_ends();
}

/*
 * Whose event this is: that of the VM for which this context calls KVM, unless the thread is the
 * VM's own.  An interrupt whose VM is unknown (a posted timer) belongs to no VM; it may have come
 * while a vCPU of any VM was running.
 */
static __always_inline struct kvmw_vcpu_state *irq_state(void)
{
	u32 tgid = bpf_get_current_pid_tgid() >> 32;
	u64 key = context();
	struct delivery *d = bpf_map_lookup_elem(&delivering, &key);

	if (d && (key >> 32 || d->tgid != tgid)) {
		struct task_struct *owner = (void *)d->owner;

		if (config.vcpu_filter ||
		    (!all_wanted() && !is_vm(d->tgid, owner)))
			return NULL;
		return state_of_process(d->tgid, d->kvm, owner);
	}
	if (!(key >> 32))
		return state_of_vm(d ? d->kvm : 0);
	if (config.vcpu_filter || !all_wanted())
		return NULL;
	return state_of_other(0, 0, (void *)bpf_get_current_task());
}

#define irq_begin(row, KIND, tracepoint, ctx)				\
	row_fill_for(active ? irq_state() : NULL, row, KVMW_EVENT_IRQ, KIND_OF(irq, KIND), \
		     KVMW_POINT_##tracepoint, NR_VALUES(irq), ctx)

/* A program that needs nothing else. */
#define IRQ_PROGRAM(KIND, tracepoint)					\
SEC("tp/kvm/" #tracepoint)						\
int tracepoint(void *ctx)						\
{									\
	struct kvmw_ring_row row;					\
	struct kvmw_vcpu_state *s = irq_begin(&row, KIND, tracepoint, ctx); \
									\
	if (s)								\
		point_send(s, &row, irq, KIND);				\
	return PASS_ON;							\
}

SEC("tp/kvm/kvm_set_irq")
int kvm_set_irq(void *ctx)
{
	struct kvmw_ring_row row;
	struct kvmw_vcpu_state *s = irq_begin(&row, SET_IRQ, kvm_set_irq, ctx);

	if (!s)
		return PASS_ON;
	if (IRQ(&row, level))
		assert_irq(&row, IRQ(&row, irq), ANY_VECTOR);
	else
		assertion_ends();
	point_send(s, &row, irq, SET_IRQ);
	return PASS_ON;
}

/* KVM traces this after the IOAPIC has delivered: what kvm_set_irq began is over. */
SEC("tp/kvm/kvm_ioapic_set_irq")
int kvm_ioapic_set_irq(void *ctx)
{
	struct kvmw_ring_row row;
	struct kvmw_vcpu_state *s = irq_begin(&row, IOAPIC_SET, kvm_ioapic_set_irq, ctx);
	u64 e;

	if (!s)
		return PASS_ON;
	/* The redirection entry: 82093AA I/O APIC, 3.2.4. */
	e = IRQ(&row, data);
	IRQ(&row, vector) = e & 0xff;
	IRQ(&row, mode) = e >> 8 & 7;
	IRQ(&row, trigger) = e >> 15 & 1;
	IRQ(&row, dest) = e >> 56;
	assertion_ends();
	point_send(s, &row, irq, IOAPIC_SET);
	return PASS_ON;
}

SEC("tp/kvm/kvm_msi_set_irq")
int kvm_msi_set_irq(void *ctx)
{
	struct kvmw_ring_row row;
	struct kvmw_vcpu_state *s = irq_begin(&row, MSI_SET, kvm_msi_set_irq, ctx);
	struct assertion *a;
	u64 data, key;

	if (!s)
		return PASS_ON;
	/* Intel's Software Developer's Manual, volume 3, "Message Signalled Interrupts". */
	data = IRQ(&row, data);
	IRQ(&row, vector) = data & 0xff;
	IRQ(&row, mode) = data >> 8 & 7;
	IRQ(&row, trigger) = data >> 15 & 1;
	IRQ(&row, dest) = IRQ(&row, address) >> 12 & 0xff;
	/* A line routed to an MSI: its number is known. */
	key = context();
	a = bpf_map_lookup_elem(&asserted, &key);
	if (a && a->source == KVMW_irq_SET_IRQ)
		IRQ(&row, irq) = a->irq;
	assert_irq(&row, IRQ(&row, irq), IRQ(&row, vector));
	point_send(s, &row, irq, MSI_SET);
	return PASS_ON;
}

SEC("tp/kvm/kvm_apic_ipi")
int kvm_apic_ipi(void *ctx)
{
	struct kvmw_ring_row row;
	struct kvmw_vcpu_state *s = point_begin(&row, KVMW_EVENT_IRQ, irq, IPI, kvm_apic_ipi, ctx);

	if (!s)
		return PASS_ON;
	/* data is the lower half of the interrupt command register. */
	IRQ(&row, vector) = IRQ(&row, data) & 0xff;
	IRQ(&row, mode) = IRQ(&row, data) >> 8 & 7;
	IRQ(&row, trigger) = IRQ(&row, data) >> 15 & 1;
	assert_irq(&row, KVMW_NONE, IRQ(&row, vector));
	point_send(s, &row, irq, IPI);
	return PASS_ON;
}

/* The VM one of whose APICs accepts an interrupt, an event of state s; 0: unknown. */
static __always_inline u64 accepting_vm(const struct kvmw_vcpu_state *s, u64 key)
{
	struct delivery *d = bpf_map_lookup_elem(&delivering, &key);

	if (d || key >> 32)
		return d ? d->kvm : 0;
	return s->role == KVMW_ROLE_VCPU ? s->kvm : only_vm(s->tgid);
}

/* NULL: the VM is unknown, or (without make) there is no such state. */
static __always_inline struct vector_state *vector_state(u64 kvm, u32 vcpu_id, u64 vector,
							 bool make)
{
	struct vector_key key = { .kvm = kvm, .vcpu_id = vcpu_id, .vector = vector };
	struct vector_state fresh = {}, *v;

	if (!key.kvm)
		return NULL;
	v = bpf_map_lookup_elem(&vectors, &key);
	if (v || !make)
		return v;
	bpf_map_update_elem(&vectors, &key, &fresh, BPF_NOEXIST);
	return bpf_map_lookup_elem(&vectors, &key);
}

/* KVM traces both as bits of the interrupt command register. */
static __always_inline void take_modes(struct kvmw_ring_row *row)
{
	IRQ(row, mode) = IRQ(row, mode) >> 8 & 7;
	IRQ(row, trigger) = !!IRQ(row, trigger);
}

static __always_inline void accept(const struct kvmw_vcpu_state *s, struct kvmw_ring_row *row)
{
	struct vector_state *v;
	struct assertion *a;
	u64 key = context();

	take_modes(row);
	IRQ(row, source) = NO_SOURCE;
	a = bpf_map_lookup_elem(&asserted, &key);
	if (a && (a->vector == ANY_VECTOR || a->vector == IRQ(row, vector))) {
		row->e.span_ns = row->e.time_ns - a->time_ns;
		IRQ(row, source) = a->source;
		IRQ(row, irq) = a->irq;
	}
	/*
	 * Only fixed and lowest priority are injected by vector; NMI, INIT and others are not.
	 * What the CPU may deliver itself without a trace may never be injected.
	 */
	if (IRQ(row, mode) > 1 || config.irq_untold)
		return;
	v = vector_state(accepting_vm(s, key), IRQ(row, dest), IRQ(row, vector), true);
	/* A pending interrupt of this vector absorbs this one. */
	if (!v || v->accept_ns)
		return;
	v->accept_source = IRQ(row, source);
	v->accept_irq = IRQ(row, irq);
	barrier();
	v->accept_ns = row->e.time_ns;
}

SEC("tp/kvm/kvm_apic_accept_irq")
int kvm_apic_accept_irq(void *ctx)
{
	struct kvmw_ring_row row;
	struct kvmw_vcpu_state *s = irq_begin(&row, ACCEPT, kvm_apic_accept_irq, ctx);

	if (!s)
		return PASS_ON;
	accept(s, &row);
	point_send(s, &row, irq, ACCEPT);
	return PASS_ON;
}

/*
 * With APICv or AVIC neither an injection nor an EOI follows.  Both may be inhibited later; an
 * injection then is not that of an interrupt accepted now.
 */
SEC("tp/kvm/kvm_apicv_accept_irq")
int kvm_apicv_accept_irq(void *ctx)
{
	struct kvmw_ring_row row;
	struct kvmw_vcpu_state *s = irq_begin(&row, APICV_ACCEPT, kvm_apicv_accept_irq, ctx);
	struct vector_state *v;

	if (!s)
		return PASS_ON;
	take_modes(&row);
	v = vector_state(accepting_vm(s, context()), IRQ(&row, dest), IRQ(&row, vector), false);
	if (v)
		v->accept_ns = v->inject_ns = 0;
	point_send(s, &row, irq, APICV_ACCEPT);
	return PASS_ON;
}

static __always_inline void inject(const struct kvmw_vcpu_state *s, struct kvmw_ring_row *row)
{
	struct vector_state *v;
	u64 accept_ns;

	if (s->role != KVMW_ROLE_VCPU)
		return;
	IRQ(row, dest) = s->vcpu_id;
	v = vector_state(s->kvm, s->vcpu_id, IRQ(row, vector), true);
	if (!v)
		return;
	accept_ns = v->accept_ns;
	if (accept_ns) {
		row->e.span_ns = row->e.time_ns - accept_ns;
		v->inject_source = v->accept_source;
		v->inject_irq = v->accept_irq;
		v->accept_ns = 0;
	} else if (!v->inject_ns || v->ended) {
		/* The acceptance was missed, or it is the PIC's. */
		v->inject_source = v->inject_irq = KVMW_NONE;
	}
	IRQ(row, source) = v->inject_source;
	IRQ(row, irq) = v->inject_irq;
	v->ended = 0;
	v->inject_ns = row->e.time_ns;
}

SEC("tp/kvm/kvm_inj_virq")
int kvm_inj_virq(void *ctx)
{
	struct kvmw_ring_row row;
	struct kvmw_vcpu_state *s =
		point_begin(&row, KVMW_EVENT_IRQ, irq, INJECT, kvm_inj_virq, ctx);

	if (!s)
		return PASS_ON;
	inject(s, &row);
	point_send(s, &row, irq, INJECT);
	return PASS_ON;
}

/* KVM traces a paravirtual EOI twice: first as kvm_eoi, then as kvm_pv_eoi. */
static __always_inline void eoi(const struct kvmw_vcpu_state *s, struct kvmw_ring_row *row, bool pv)
{
	struct vector_state *v = vector_state(s->kvm, IRQ(row, dest), IRQ(row, vector), false);

	if (!v || !v->inject_ns || v->ended != pv)
		return;
	row->e.span_ns = row->e.time_ns - v->inject_ns;
	IRQ(row, source) = v->inject_source;
	IRQ(row, irq) = v->inject_irq;
	v->ended = 1;
	if (pv)
		v->inject_ns = 0;
}

SEC("tp/kvm/kvm_eoi")
int kvm_eoi(void *ctx)
{
	struct kvmw_ring_row row;
	struct kvmw_vcpu_state *s = point_begin(&row, KVMW_EVENT_IRQ, irq, EOI, kvm_eoi, ctx);

	if (!s)
		return PASS_ON;
	eoi(s, &row, false);
	point_send(s, &row, irq, EOI);
	return PASS_ON;
}

SEC("tp/kvm/kvm_pv_eoi")
int kvm_pv_eoi(void *ctx)
{
	struct kvmw_ring_row row;
	struct kvmw_vcpu_state *s = point_begin(&row, KVMW_EVENT_IRQ, irq, PV_EOI, kvm_pv_eoi, ctx);

	if (!s)
		return PASS_ON;
	eoi(s, &row, true);
	point_send(s, &row, irq, PV_EOI);
	return PASS_ON;
}

/* Both KVM_CREATE_IRQCHIP and KVM_SET_GSI_ROUTING call this. */
SEC("kprobe/kvm_set_irq_routing")
int BPF_KPROBE(irq_set_up, void *kvm, const void *entries, unsigned int nr)
{
	struct kvmw_ring_row row;
	struct kvmw_vcpu_state *s;

	if (!active)
		return 0;
	s = state_of_vm((u64)kvm);
	if (!s)
		return 0;
	row_begin(&row, s, KVMW_EVENT_IRQ, KVMW_irq_SET_UP, NR_VALUES(irq));
	IRQ(&row, data) = nr;
	point_send(s, &row, irq, SET_UP);
	return 0;
}

IRQ_PROGRAM(PIC_SET, kvm_pic_set_irq)
IRQ_PROGRAM(ACK, kvm_ack_irq)
IRQ_PROGRAM(APICV_CHANGE, kvm_apicv_inhibit_changed)
POINT_PROGRAM(KVMW_EVENT_IRQ, irq, EXCEPTION, kvm, kvm_inj_exception)
POINT_PROGRAM(KVMW_EVENT_IRQ, irq, APIC, kvm, kvm_apic)
POINT_PROGRAM(KVMW_EVENT_IRQ, irq, IOAPIC_EOI, kvm, kvm_ioapic_delayed_eoi_inj)
POINT_PROGRAM(KVMW_EVENT_IRQ, irq, AVIC_IPI, kvm, kvm_avic_incomplete_ipi)
POINT_PROGRAM(KVMW_EVENT_IRQ, irq, AVIC_ACCESS, kvm, kvm_avic_unaccelerated_access)
POINT_PROGRAM(KVMW_EVENT_IRQ, irq, PI_UPDATE, kvm, kvm_pi_irte_update)

char LICENSE[] SEC("license") __weak = "GPL";
