// SPDX-License-Identifier: GPL-2.0
/* What a run of the built-in guest did: a table for people, JSON for programs. */
#include <inttypes.h>
#include <string.h>

#include "arch.h"
#include "guest.h"
#include "util/render/json.h"

static uint64_t op_total(const uint64_t count[NR_COUNTS], int op)
{
	switch (op) {
	case OP_CPUID:
		return count[CNT_CPUID];
	case OP_PIO:
		return count[CNT_PIO];
	case OP_MMIO:
		return count[CNT_MMIO];
	case OP_MSR:
		return count[CNT_RDMSR] + count[CNT_WRMSR];
	case OP_HLT:
		return count[CNT_HLT];
	case OP_TOUCH:
		return count[CNT_TOUCH];
	case OP_VMCALL:
		return count[CNT_VMCALL];
	case OP_IPI:
		return count[CNT_IPI];
	case OP_TIMER:
		return count[CNT_TIMER];
	default:
		return 0;
	}
}

/* op: the one with the same exit reasons; -1: not of exits. */
static void also_line(FILE *fp, const char *name, uint64_t count, int op, const char *what)
{
	const char *reasons = arch_op_reasons(op);

	if (count)
		fprintf(fp, "  %-8s %10s %12" PRIu64 "  %s%s%s\n", name, "", count, reasons,
			*reasons ? ": " : "", what);
}

static void print_unknown(FILE *fp, const struct guest_result *res)
{
	struct arch_reason reasons[ARCH_MAX_REASONS];
	size_t n = arch_reasons(res, reasons);
	const char *isa = "";

	for (size_t i = 0; i < n; i++) {
		if (reasons[i].count != ARCH_UNKNOWN)
			continue;
		if (strcmp(isa, reasons[i].isa))
			fprintf(fp, "\n  maybe some, %s:", reasons[i].isa);
		isa = reasons[i].isa;
		fprintf(fp, " %s", reasons[i].reason);
	}
	if (*isa)
		fputc('\n', fp);
}

void guest_print_table(const struct screen *s, const struct guest_config *cfg,
		       const struct guest_result *res)
{
	FILE *fp = s->out;

	fprintf(fp, "# %u vCPU%s, %" PRIu64 " rounds in all, %.3f s%s\n\n", res->vcpus,
		res->vcpus == 1 ? "" : "s", res->count[CNT_ROUNDS], res->elapsed_ns / 1e9,
		res->interrupted ? ", interrupted" : "");
	fprintf(fp, "  %-8s %10s %12s  VM exit reason (%s)\n", "what", "per round", "total",
		arch_isas);
	for (int op = 0; op < NR_OPS; op++) {
		if (cfg->per_round[op])
			fprintf(fp, "  %-8s %10" PRIu64 " %12" PRIu64 "  %s\n", guest_op_name[op],
				cfg->per_round[op], op_total(res->count, op), arch_op_reasons(op));
	}

	fprintf(fp, "\n  also\n");
	also_line(fp, "setup", res->setup_faults, OP_TOUCH, "the guest's own, vCPU 0");
	also_line(fp, "", res->user.setup_mmio, OP_TOUCH, "first MMIO of each vCPU");
	also_line(fp, "", res->user.ready, OP_PIO, "each vCPU is ready");
	also_line(fp, "refill", res->user.refill, OP_PIO, "fresh pages to touch");
	also_line(fp, "final", res->user.final, OP_PIO, "each vCPU's end");
	also_line(fp, "taken", res->count[CNT_IPI_TAKEN] + res->count[CNT_TIMER_FIRED],
		  -1, "interrupts, each with one write to EOI");
	also_line(fp, "halted", res->count[CNT_HALT], OP_HLT, "waits for the timer, in KVM");
	print_unknown(fp, res);
	if (cfg->vmm_delay_us)
		fprintf(fp, "\n  VMM delay %.6f s, %" PRIu64 " us after each return to the VMM\n",
			res->vmm_ns / 1e9, cfg->vmm_delay_us);
	if (cfg->dirty_log)
		fprintf(fp, "\n  dirty log: %" PRIu64 " pages in %zu range%s of gfns\n",
			res->dirty_pages, res->nr_dirty, res->nr_dirty == 1 ? "" : "s");
}

static void put_counts(struct json_object *obj, const uint64_t count[NR_COUNTS])
{
	json__u64(obj, "rounds", count[CNT_ROUNDS]);
	for (int op = 0; op < NR_OPS; op++)
		json__u64(obj, guest_op_name[op], op_total(count, op));
	json__u64(obj, "rdmsr", count[CNT_RDMSR]);
	json__u64(obj, "wrmsr", count[CNT_WRMSR]);
	json__u64(obj, "ipi_taken", count[CNT_IPI_TAKEN]);
	json__u64(obj, "timer_fired", count[CNT_TIMER_FIRED]);
	json__u64(obj, "halted", count[CNT_HALT]);
}

static void put_user_exits(struct json_object *obj, const struct user_exits *user)
{
	json__u64(obj, "io", user->pio + user->ready + user->refill + user->final);
	json__u64(obj, "mmio", user->mmio + user->setup_mmio);
	json__u64(obj, "hlt", user->hlt);
}

static void put_also(struct json_object *root, const struct guest_result *res)
{
	struct json_object *also = json__object(root, "also"), *setup = json__object(also, "setup");

	json__u64(setup, "page_faults", res->setup_faults);
	json__u64(setup, "mmio", res->user.setup_mmio);
	json__u64(setup, "pio", res->user.ready);
	json__u64(json__object(also, "refill"), "pio", res->user.refill);
	json__u64(json__object(also, "final"), "pio", res->user.final);
}

static void put_name(struct json_object *obj, const char *key, const char *name)
{
	struct json_object *list;

	if (!json_object_object_get_ex(obj, key, &list))
		list = json__array(obj, key);
	json_object_array_add(list, json_object_new_string(name));
}

static void put_reasons(struct json_object *root, const struct guest_result *res)
{
	struct arch_reason reasons[ARCH_MAX_REASONS];
	struct json_object *exits = json__object(root, "exits"),
			   *not_told = json__object(root, "not_told"), *isa;
	size_t n = arch_reasons(res, reasons);

	for (size_t i = 0; i < n; i++) {
		if (!json_object_object_get_ex(exits, reasons[i].isa, &isa))
			isa = json__object(exits, reasons[i].isa);
		if (reasons[i].count == ARCH_UNKNOWN)
			put_name(not_told, reasons[i].isa, reasons[i].reason);
		else if (reasons[i].count)
			json__u64(isa, reasons[i].reason, reasons[i].count);
	}
}

static void put_vcpus(struct json_object *root, const struct guest_result *res)
{
	struct json_object *list = json__array(root, "vcpu");

	for (unsigned int i = 0; i < res->vcpus; i++) {
		const struct vcpu_result *v = &res->vcpu[i];
		struct json_object *obj = json_object_new_object();

		json_object_array_add(list, obj);
		json__u64(obj, "id", i);
		json__u64(obj, "tid", v->tid);
		put_counts(obj, v->count);
		put_user_exits(json__object(obj, "user_exits"), &v->user);
		json__u64(obj, "vmm_delay_ns", v->vmm_ns);
	}
}

static void put_dirty(struct json_object *root, const struct guest_result *res)
{
	struct json_object *dirty = json__object(root, "dirty"), *ranges;

	json__u64(dirty, "pages", res->dirty_pages);
	ranges = json__array(dirty, "gfn_ranges");
	for (size_t i = 0; i < res->nr_dirty; i++) {
		struct json_object *range = json_object_new_array();

		json_object_array_add(range, json_object_new_uint64(res->dirty[i].first));
		json_object_array_add(range, json_object_new_uint64(res->dirty[i].last));
		json_object_array_add(ranges, range);
	}
}

int guest_print_json(const struct screen *s, const struct guest_config *cfg,
		     const struct guest_result *res)
{
	struct json_object *root = json_object_new_object(), *per;

	json__schema(root);
	json__u64(root, "vcpus", res->vcpus);
	json__u64(root, "rounds", cfg->rounds);
	json__bool(root, "interrupted", res->interrupted);
	json__u64(root, "elapsed_ns", res->elapsed_ns);
	json__u64(root, "vmm_delay_us", cfg->vmm_delay_us);
	json__u64(root, "vmm_delay_ns", res->vmm_ns);
	json__u64(root, "timer_delay_us", cfg->timer_delay_us);
	per = json__object(root, "per_round");
	for (int op = 0; op < NR_OPS; op++)
		json__u64(per, guest_op_name[op], cfg->per_round[op]);
	put_counts(json__object(root, "total"), res->count);
	put_also(root, res);
	put_user_exits(json__object(root, "user_exits"), &res->user);
	put_reasons(root, res);
	put_vcpus(root, res);
	if (cfg->dirty_log)
		put_dirty(root, res);
	return json__print_line(s, root);
}
