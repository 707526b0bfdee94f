// SPDX-License-Identifier: GPL-2.0
/* What a run of the built-in guest did: a table for people, JSON for programs. */
#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>

#include "../util/error.h"
#include "arch.h"
#include "guest.h"

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

void guest_print_table(FILE *fp, const struct guest_config *cfg, const struct guest_result *res)
{
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

static void bench_print__put(struct json_object *obj, const char *key, uint64_t value)
{
	json_object_object_add(obj, key, json_object_new_uint64(value));
}

static struct json_object *sub(struct json_object *obj, const char *key)
{
	struct json_object *child = json_object_new_object();

	json_object_object_add(obj, key, child);
	return child;
}

static void put_counts(struct json_object *obj, const uint64_t count[NR_COUNTS])
{
	bench_print__put(obj, "rounds", count[CNT_ROUNDS]);
	for (int op = 0; op < NR_OPS; op++)
		bench_print__put(obj, guest_op_name[op], op_total(count, op));
	bench_print__put(obj, "rdmsr", count[CNT_RDMSR]);
	bench_print__put(obj, "wrmsr", count[CNT_WRMSR]);
	bench_print__put(obj, "ipi_taken", count[CNT_IPI_TAKEN]);
	bench_print__put(obj, "timer_fired", count[CNT_TIMER_FIRED]);
	bench_print__put(obj, "halted", count[CNT_HALT]);
}

static void put_user_exits(struct json_object *obj, const struct user_exits *user)
{
	bench_print__put(obj, "io", user->pio + user->ready + user->refill + user->final);
	bench_print__put(obj, "mmio", user->mmio + user->setup_mmio);
	bench_print__put(obj, "hlt", user->hlt);
}

static void put_also(struct json_object *root, const struct guest_result *res)
{
	struct json_object *also = sub(root, "also"), *setup = sub(also, "setup");

	bench_print__put(setup, "page_faults", res->setup_faults);
	bench_print__put(setup, "mmio", res->user.setup_mmio);
	bench_print__put(setup, "pio", res->user.ready);
	bench_print__put(sub(also, "refill"), "pio", res->user.refill);
	bench_print__put(sub(also, "final"), "pio", res->user.final);
}

static void put_name(struct json_object *obj, const char *key, const char *name)
{
	struct json_object *list;

	if (!json_object_object_get_ex(obj, key, &list)) {
		list = json_object_new_array();
		json_object_object_add(obj, key, list);
	}
	json_object_array_add(list, json_object_new_string(name));
}

static void put_reasons(struct json_object *root, const struct guest_result *res)
{
	struct arch_reason reasons[ARCH_MAX_REASONS];
	struct json_object *exits = sub(root, "exits"), *not_told = sub(root, "not_told"), *isa;
	size_t n = arch_reasons(res, reasons);

	for (size_t i = 0; i < n; i++) {
		if (!json_object_object_get_ex(exits, reasons[i].isa, &isa))
			isa = sub(exits, reasons[i].isa);
		if (reasons[i].count == ARCH_UNKNOWN)
			put_name(not_told, reasons[i].isa, reasons[i].reason);
		else if (reasons[i].count)
			bench_print__put(isa, reasons[i].reason, reasons[i].count);
	}
}

static void put_vcpus(struct json_object *root, const struct guest_result *res)
{
	struct json_object *list = json_object_new_array();

	json_object_object_add(root, "vcpu", list);
	for (unsigned int i = 0; i < res->vcpus; i++) {
		const struct vcpu_result *v = &res->vcpu[i];
		struct json_object *obj = json_object_new_object();

		json_object_array_add(list, obj);
		bench_print__put(obj, "id", i);
		bench_print__put(obj, "tid", v->tid);
		put_counts(obj, v->count);
		put_user_exits(sub(obj, "user_exits"), &v->user);
		bench_print__put(obj, "vmm_delay_ns", v->vmm_ns);
	}
}

static void put_dirty(struct json_object *root, const struct guest_result *res)
{
	struct json_object *dirty = sub(root, "dirty"), *ranges = json_object_new_array();

	bench_print__put(dirty, "pages", res->dirty_pages);
	json_object_object_add(dirty, "gfn_ranges", ranges);
	for (size_t i = 0; i < res->nr_dirty; i++) {
		struct json_object *range = json_object_new_array();

		json_object_array_add(range, json_object_new_uint64(res->dirty[i].first));
		json_object_array_add(range, json_object_new_uint64(res->dirty[i].last));
		json_object_array_add(ranges, range);
	}
}

int guest_print_json(FILE *fp, const struct guest_config *cfg, const struct guest_result *res)
{
	struct json_object *root = json_object_new_object(), *per;
	const char *text;
	int ret = 0;

	bench_print__put(root, "vcpus", res->vcpus);
	bench_print__put(root, "rounds", cfg->rounds);
	json_object_object_add(root, "interrupted", json_object_new_boolean(res->interrupted));
	bench_print__put(root, "elapsed_ns", res->elapsed_ns);
	bench_print__put(root, "vmm_delay_us", cfg->vmm_delay_us);
	bench_print__put(root, "vmm_delay_ns", res->vmm_ns);
	bench_print__put(root, "timer_delay_us", cfg->timer_delay_us);
	per = sub(root, "per_round");
	for (int op = 0; op < NR_OPS; op++)
		bench_print__put(per, guest_op_name[op], cfg->per_round[op]);
	put_counts(sub(root, "total"), res->count);
	put_also(root, res);
	put_user_exits(sub(root, "user_exits"), &res->user);
	put_reasons(root, res);
	put_vcpus(root, res);
	if (cfg->dirty_log)
		put_dirty(root, res);

	text = json_object_to_json_string_ext(root, JSON_C_TO_STRING_PLAIN);
	if (!text || fprintf(fp, "%s\n", text) < 0)
		ret = error("cannot write the JSON");
	json_object_put(root);
	return ret;
}
