/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of rules share. */
#ifndef KVMW_FINDINGS_RULES_H
#define KVMW_FINDINGS_RULES_H

#include "util/analysis/findings/findings.h"

/* command.c: from finding->next. */
void finding__make_command(const struct recording *rec, struct finding *finding);

void finding__say(struct finding *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* After what it says already. */
void finding__add(struct finding *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* name: as in JSON. */
void finding__rests_on(struct finding *f, const char *name, double value);
/* next is the report of a family, or how to record it. */
void finding__see_family(const struct facts *f, struct finding *finding, u32 event,
			 const char *name);

/* rules_setup.c */
/* Of interrupts that the guest ends by an exit: whether the CPU could do so itself. */
void rules__say_apicv(const struct facts *f, struct finding *finding);
/* How long KVM polls at most, and how that changes: after what the text says. */
void rules__say_window(const struct facts *f, struct finding *finding);
/* Whether no VM of the report has an interrupt controller in KVM. */
bool rules__no_irqchip(const struct facts *f);
bool rule__tsc_offsets(const struct facts *f, struct finding *finding);

/* rules_vcpu.c */
bool rule__quota(const struct facts *f, struct finding *finding);
bool rule__siblings(const struct facts *f, struct finding *finding);
bool rule__waits(const struct facts *f, struct finding *finding);
/* Whether rule__migrates() holds. */
bool rules__migrating(const struct facts *f);
bool rule__migrates(const struct facts *f, struct finding *finding);
bool rule__spins(const struct facts *f, struct finding *finding);
bool rule__open_exit(const struct facts *f, struct finding *finding);
bool rule__never_exited(const struct facts *f, struct finding *finding);
/* Whether this function of the kernel is one in which a halted vCPU sleeps. */
bool rules__is_halted(const char *place);
#define RULES_WHERE	320	/* bytes */
/*
 * Where the thread of the vCPU that slept outside of halts longest was asleep when the recording
 * ended, or else when it began: "; at the end vCPU 0 was asleep in do_sys_poll, in system call 7".
 * "" where unknown, or awake or halted. Returns where, of RULES_WHERE bytes.
 */
const char *rules__sleeps_in(const struct facts *f, char *where);
/* Who had the CPUs that vCPUs waited for; "" if what findings omit of these waits is little. */
void rules__say_wait(const struct facts *f, u64 told_ns, char *buf, size_t size);

/* rules_guest.c */
bool rule__nested(const struct facts *f, struct finding *finding);
bool rule__smis(const struct facts *f, struct finding *finding);
bool rule__run_failed(const struct facts *f, struct finding *finding);
bool rule__no_progress(const struct facts *f, struct finding *finding);
bool rule__small_pages(const struct facts *f, struct finding *finding);

/* rules_family.c */
#define RULES_STACK	128	/* bytes */
/*
 * With event stack: "; by the recorded stacks, most in do_sys_poll", the function in which threads
 * slept longest during exits, halts apart; or "". Returns buf, of RULES_STACK bytes.
 */
const char *rules__most_stack(const struct facts *f, char *buf);
bool rule__late_injection(const struct facts *f, struct finding *finding);
bool rule__dirty_rate(const struct facts *f, struct finding *finding);
bool rule__window_thrashes(const struct facts *f, struct finding *finding);
bool rule__window_short(const struct facts *f, struct finding *finding);
bool rule__missed(const struct facts *f, struct finding *finding);

/* rules_memory.c */
/* How long threads slept, without what rule__taken() reports. */
u64 rules__other_sleep(const struct facts *f);
/* Which memory page faults were on, and whether in huge pages: after what the text says. */
void rules__say_memory(const struct facts *f, struct finding *finding);
/* Whether rule__taken() holds. */
bool rules__taken(const struct facts *f);
bool rule__taken(const struct facts *f, struct finding *finding);
bool rule__protection(const struct facts *f, struct finding *finding);
bool rule__faults(const struct facts *f, struct finding *finding);

#endif
