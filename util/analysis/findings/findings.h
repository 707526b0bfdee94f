/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What stands out in a report of VM exits: sentences of fact, each with its figures.  A finding is
 * what a rule (rules.c) says about a recording; kvmw-findings(7) explains each rule.
 */
#ifndef KVMW_FINDINGS_H
#define KVMW_FINDINGS_H

#include "util/analysis/cpu_holders.h"
#include "util/analysis/findings/exit_places.h"
#include "util/analysis/findings/family_sums.h"
#include "util/analysis/process_memory.h"
#include "util/analysis/report/report.h"
#include "util/analysis/slot_lists.h"
#include "util/arch/access.h"

#define FINDINGS_MAX	5	/* shown */
#define EVIDENCE_MAX	8

struct evidence {
	const char *name;	/* as in JSON */
	double value;
};

struct finding {
	const char *rule;
	double share;		/* of the time of all vCPUs, in percent, that it explains */
	char text[640];
	char next[128];		/* the command that shows more, in short, or "" */
	char command[640];	/* the same, as it can be typed: of this file, or of these VMs */
	bool only_first;	/* omitted if another one explains more */
	struct evidence evidence[EVIDENCE_MAX];
	u32 nr_evidence;
	const char *instead_of;	/* the rule that says less about the same; or NULL */
};

struct findings {
	struct finding found[FINDINGS_MAX];	/* what explains most first */
	u32 nr;
	char none[512];		/* nothing stands out, and why that can be said; or "" */
	char wait[320];		/* who had the CPU while vCPUs waited, where no finding says that of all; or "" */
};

/* What findings need besides the report's sums: results of the scans so named; NULL: not read. */
struct findings_input {
	struct exit_places *places;
	struct family_sums *families;
};

/* They are NULL then. */
void findings_input__free(struct findings_input *in);

/* fine: as for report__make_details().  0, or -1 out of memory. */
int findings__make(const struct report *rep, const struct report *fine,
		   const struct findings_input *in, struct findings *out);

#define NR_HOLDER_KINDS	(KVMW_holder_COMMAND + 1)

/* What rules look at. Shares are in percent of the time of all vCPUs. */
struct facts {
	const struct report *rep;
	const struct exit_places *places;
	const struct family_sums *families;
	double seconds;		/* of the recording, or of its window; 0: unknown */
	u32 vcpus;		/* that exited */
	double busy_ns;		/* in the guest, KVM or VMM, or waiting for a CPU */
	struct report_row access[NR_ACCESS_CLASSES];
	struct report_row halt, no_halt, shutdown;	/* no_halt: those of halt that did not */
	struct report_row smm;
	struct process_memories memory;
	struct slot_lists slots;
	/* of fine: those of one vector and target, the most; or NULL */
	const struct report_row *ipi;
	const char *clock;	/* the one read most, or NULL */
	u64 clock_reads;
	/* Who had the CPUs that vCPUs waited for, by KVMW_holder_*; all 0: unknown. */
	u64 had_ns[NR_HOLDER_KINDS];
	u64 had_by_others_ns;	/* sum without the recorder and what was idle because of a quota */
	const struct cpu_holder *had_most[NR_HOLDER_KINDS];
	struct vcpu_places exits;	/* of all vCPUs; its places mean nothing */
	struct vcpu_families family;	/* likewise */
	u64 logged;		/* as there, of the VM that has most */
	u64 faults, protect;	/* of all vCPUs, as in struct vcpu_places */
	const struct report_row *top;	/* the detail that cost most, or NULL */
	/* the one that took most of the VMM's time, or NULL */
	const struct report_row *top_vmm;
	/* the one that the threads slept for longest, or NULL */
	const struct report_row *top_block;
};

int facts__make(const struct report *rep, const struct report *fine,
		const struct findings_input *in, struct facts *facts);
void facts__free(struct facts *facts);

static inline double facts__share(const struct facts *f, u64 ns)
{
	u64 wall = f->rep->whole.wall_ns;

	return ns == KVMW_NONE || !wall ? 0 : 100.0 * ns / wall;
}

/* Most of the faults on memory are writes to pages that were write-protected. */
static inline bool facts__protection(const struct facts *f)
{
	return f->faults && f->protect * 2 >= f->faults;
}

static inline double facts__rate(const struct facts *f, u64 count)
{
	return f->seconds > 0 ? count / f->seconds : 0;
}

/*
 * A rule fills in text, next, share and evidence, and returns whether it holds.  when: the
 * condition; against: what speaks against drawing a conclusion from it; both for the manual page.
 */
struct finding_rule {
	const char *name;
	const char *when, *against;
	bool (*holds)(const struct facts *f, struct finding *finding);
};

extern const struct finding_rule finding_rules[];
extern const u32 nr_finding_rules;

#endif
