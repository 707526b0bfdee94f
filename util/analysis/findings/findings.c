// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/analysis/findings/rules.h"
#include "util/array.h"

/* The text ends in the middle of a character, maybe: without that. */
static void cut_character(char *text)
{
	size_t len = strlen(text);

	while (len && ((unsigned char)text[len - 1] & 0xc0) == 0x80)
		len--;
	if (len && (unsigned char)text[len - 1] >= 0xc0)
		len--;
	text[len] = '\0';
}

void finding__say(struct finding *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(f->text, sizeof(f->text), fmt, ap) >= (int)sizeof(f->text))
		cut_character(f->text);
	va_end(ap);
}

void finding__add(struct finding *f, const char *fmt, ...)
{
	size_t len = strlen(f->text);
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(f->text + len, sizeof(f->text) - len, fmt, ap) >=
	    (int)(sizeof(f->text) - len))
		cut_character(f->text);
	va_end(ap);
}

void finding__rests_on(struct finding *f, const char *name, double value)
{
	if (f->nr_evidence < EVIDENCE_MAX)
		f->evidence[f->nr_evidence++] = (struct evidence) { name, value };
}

static bool has_rows(const struct facts *f, u32 event)
{
	return f->rep->rec->event_rows[event];
}

void finding__see_family(const struct facts *f, struct finding *finding, u32 event,
			 const char *name)
{
	if (has_rows(f, event))
		snprintf(finding->next, sizeof(finding->next), "kvmw report -e %s", name);
	else
		snprintf(finding->next, sizeof(finding->next), "kvmw record -e exit,%s ...", name);
}

/* Among equals, in the order of the rules: stable. */
static void insert(struct findings *out, const struct finding *finding)
{
	u32 at = out->nr;

	while (at && out->found[at - 1].share < finding->share)
		at--;
	if (at == FINDINGS_MAX)
		return;
	if (out->nr < FINDINGS_MAX)
		out->nr++;
	memmove(&out->found[at + 1], &out->found[at], (out->nr - 1 - at) * sizeof(*finding));
	out->found[at] = *finding;
}

static bool is_replaced(const struct findings *out, const struct finding *finding)
{
	for (u32 i = 0; i < out->nr; i++)
		if (out->found[i].instead_of && !strcmp(out->found[i].instead_of, finding->rule))
			return true;
	return false;
}

#define NOT_LITTLE	5	/* percent of the time */

/* "were halted 97.0% of the time, and in the guest 1.2%": the greater part first. */
static void say_what_ran(const struct facts *f, char *buf, size_t size)
{
	const struct report_whole *w = &f->rep->whole;
	u64 polled = captured(w->poll_ns), halted = w->halt_ns > polled ? w->halt_ns - polled : 0;
	double of_halts = facts__share(f, halted), of_guest = facts__share(f, w->guest_ns);

	if (f->rep->total.halt_ns == KVMW_NONE)
		snprintf(buf, size, "ran guest code %.1f%% of the time", of_guest);
	else if (of_halts > of_guest)
		snprintf(buf, size, "were halted %.1f%% of the time, and ran guest code %.1f%%",
			 of_halts, of_guest);
	else
		snprintf(buf, size, "ran guest code %.1f%% of the time, and were halted %.1f%%",
			 of_guest, of_halts);
}

static void say_none(const struct facts *f, struct findings *out)
{
	const struct report_whole *w = &f->rep->whole;
	double busy = facts__share(f, w->kvm_ns) + facts__share(f, w->vmm_ns);
	double unknown = facts__share(f, sat_add(w->open_ns, w->unseen_ns)),
	       gone = facts__share(f, w->gone_ns);
	char ran[96], rest[128] = "";
	int len = 0;

	say_what_ran(f, ran, sizeof(ran));
	if (unknown >= NOT_LITTLE)
		len = snprintf(rest, sizeof(rest), " What they did for %.1f%% was not seen.",
			       unknown);
	if (gone >= NOT_LITTLE)
		snprintf(rest + len, sizeof(rest) - len, " For %.1f%%, vCPUs were gone.", gone);
	if (f->rep->total.halt_ns == KVMW_NONE)
		snprintf(out->none, sizeof(out->none),
			 "Nothing stands out: the vCPUs %s. KVM and VMM took %.1f%%, with halts and waits, which this "
			 "recording does not separate.%s", ran, busy, rest);
	else
		snprintf(out->none, sizeof(out->none),
			 "Nothing stands out: the vCPUs %s. KVM and VMM took %.1f%%, polling %.1f%%, waiting for a CPU "
			 "%.1f%%, other sleep %.1f%%; no rule of kvmw-findings(7) finds one cause for much of it.%s", ran,
			 busy, facts__share(f, w->poll_ns), facts__share(f, w->wait_ns),
			 facts__share(f, w->block_ns), rest);
}

/* How long vCPUs waited for a CPU, as far as findings say; KVMW_NONE: they say all. */
static u64 told_waits(const struct findings *out)
{
	double told = 0;

	for (u32 i = 0; i < out->nr; i++) {
		const struct finding *f = &out->found[i];

		if (!strcmp(f->rule, "waiting") || !strcmp(f->rule, "siblings"))
			return KVMW_NONE;
		for (u32 k = 0; k < f->nr_evidence; k++)
			if (!strcmp(f->rule, "migration") &&
			    !strcmp(f->evidence[k].name, "waited_ns"))
				told += f->evidence[k].value;
	}
	return told < 1e19 ? told : KVMW_NONE;
}

void findings_input__free(struct findings_input *in)
{
	if (in->places)
		exit_places__scan.free(in->places);
	if (in->families)
		family_sums__scan.free(in->families);
	*in = (struct findings_input) { .places = NULL };
}

/*
 * Without what says no more than another one.  What is dropped for another replaces nothing
 * itself; where something explains more of the time, what most exits are about is no cause.
 */
static void complete(const struct report *rep, struct findings *out)
{
	u32 kept = 0;

	for (u32 i = 0; i < out->nr; i++) {
		if (is_replaced(out, &out->found[i]) || (kept && out->found[i].only_first))
			continue;
		out->found[kept] = out->found[i];
		finding__make_command(rep->rec, &out->found[kept++]);
	}
	out->nr = kept;
}

int findings__make(const struct report *rep, const struct report *fine,
		   const struct findings_input *in, struct findings *out)
{
	struct facts facts;
	int ret = facts__make(rep, fine, in, &facts);

	memset(out, 0, sizeof(*out));
	for (u32 i = 0; !ret && i < nr_finding_rules; i++) {
		struct finding finding = { .rule = finding_rules[i].name };

		if (finding_rules[i].holds(&facts, &finding))
			insert(out, &finding);
	}
	if (!ret && !out->nr && rep->whole.wall_ns)
		say_none(&facts, out);
	if (!ret)
		rules__say_wait(&facts, told_waits(out), out->wait, sizeof(out->wait));
	facts__free(&facts);
	complete(rep, out);
	return ret;
}
