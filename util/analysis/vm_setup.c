// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "util/analysis/vm_setup.h"
#include "util/array.h"
#include "util/hash_table.h"
#include "util/text.h"

#define APICV_NOT_MAX	300

struct joined_vm {
	struct { u32 pid, place; } key;
	const struct kvmw_vm_config *row[2];	/* start, end */
	u32 nr[2], added;			/* vCPUs */
	const struct kvmw_vcpu_config **vcpu;
};

static bool is_moment(u32 kind)
{
	return kind == KVMW_vm_config_START || kind == KVMW_vm_config_END;
}

static bool is_end(u32 kind)
{
	return kind == KVMW_vm_config_END;
}

static int join_vms(struct hash_table *joined, const struct recording *rec)
{
	for (u32 i = 0; i < rec->vm_configs.nr; i++) {
		const struct kvmw_vm_config *row = rec_table__vm_config(&rec->vm_configs, i);
		const struct joined_vm key = { .key = { row->pid, row->place } };
		struct joined_vm *j;

		if (!is_moment(row->kind))
			continue;	/* from a newer version */
		j = hash_table__get(joined, &key.key);
		if (!j)
			return -1;
		j->row[is_end(row->kind)] = row;
	}
	return 0;
}

static struct joined_vm *vm_of_row(const struct hash_table *joined,
				   const struct kvmw_vcpu_config *row)
{
	const struct joined_vm key = { .key = { row->pid, row->place } };

	return is_moment(row->kind) ? hash_table__find(joined, &key.key) : NULL;
}

static int join_vcpus(struct hash_table *joined, const struct recording *rec)
{
	for (u32 i = 0; i < rec->vcpu_configs.nr; i++) {
		const struct kvmw_vcpu_config *row = rec_table__vcpu_config(&rec->vcpu_configs, i);
		struct joined_vm *j = vm_of_row(joined, row);

		if (j)
			j->nr[is_end(row->kind)]++;
	}
	for (u32 i = 0; i < joined->nr; i++) {
		struct joined_vm *j = hash_table__at(joined, i);

		j->vcpu = calloc(j->nr[!!j->row[1]] ?: 1, sizeof(*j->vcpu));
		if (!j->vcpu)
			return out_of_memory();
	}
	for (u32 i = 0; i < rec->vcpu_configs.nr; i++) {
		const struct kvmw_vcpu_config *row = rec_table__vcpu_config(&rec->vcpu_configs, i);
		struct joined_vm *j = vm_of_row(joined, row);

		if (j && is_end(row->kind) == !!j->row[1])
			j->vcpu[j->added++] = row;
	}
	return 0;
}

static int vm_setup__compare_vcpus(const void *a, const void *b)
{
	const struct kvmw_vcpu_config *x = *(const struct kvmw_vcpu_config **)a;
	const struct kvmw_vcpu_config *y = *(const struct kvmw_vcpu_config **)b;

	return x->number < y->number ? -1 : x->number > y->number;
}

static void find_spread(struct vm_setup *s)
{
	const struct kvmw_vcpu_config *first = NULL;
	u64 least = 0, most = 0;
	u32 nr = 0;

	for (u32 i = 0; i < s->nr_vcpus; i++) {
		const struct kvmw_vcpu_config *v = s->vcpu[i];
		u64 offset = v->tsc_offset, from;

		if (offset == KVMW_NONE || (first && v->tsc_ratio != first->tsc_ratio))
			continue;
		if (!first)
			first = v;
		/* Counters of 64 bits go around: as distances from the first one. */
		from = offset - (u64)first->tsc_offset;
		if ((s64)from > (s64)most)
			most = from;
		if ((s64)from < (s64)least)
			least = from;
		nr++;
	}
	s->tsc_spread = nr > 1 ? most - least : KVMW_NONE;
	s->tsc_khz = first ? first->tsc_khz : KVMW_NONE;
}

static void copy_signature(struct vm_setup *s)
{
	const u64 words[] = { s->row->signature0, s->row->signature1 };
	char raw[16] = "";

	if (s->row->signature0 == KVMW_NONE)
		return;
	for (u32 i = 0; i < 12; i++)
		raw[i] = words[i / 8] >> 8 * (i % 8);
	for (u32 i = 0; i < 12 && raw[i] >= ' ' && raw[i] <= '~'; i++)
		s->signature[i] = raw[i];
}

static void fill_setup(struct vm_setup *s, struct joined_vm *j, const struct recording *rec)
{
	const struct kvmw_vm_config *start = j->row[0], *end = j->row[1];

	*s = (struct vm_setup) { .row = end ?: start, .vcpu = j->vcpu, .nr_vcpus = j->added };
	j->vcpu = NULL;
	s->apicv_not = recording__text(rec, s->row->apicv_not) ?: "";
	/* No kernel has as many reasons; and it has to fit into a sentence. */
	if (strlen(s->apicv_not) > APICV_NOT_MAX)
		s->apicv_not = "";
	s->apicv_changed = start && end && start->apicv != end->apicv;
	for (u32 i = 0; i < s->nr_vcpus && !s->vm; i++) {
		const struct rec_vcpu *v = recording__vcpu(rec, s->vcpu[i]->vcpu);

		s->vm = v ? recording__vm(rec, v->vm) : NULL;
	}
	qsort(s->vcpu, s->nr_vcpus, sizeof(*s->vcpu), vm_setup__compare_vcpus);
	find_spread(s);
	copy_signature(s);
}

static int vm_setup__compare(const void *a, const void *b)
{
	const struct kvmw_vm_config *x = ((const struct vm_setup *)a)->row,
				    *y = ((const struct vm_setup *)b)->row;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return x->place < y->place ? -1 : x->place > y->place;
}

int vm_setups__make(struct vm_setups *setups, const struct recording *rec)
{
	struct hash_table joined = HASH_TABLE(struct joined_vm, NULL);
	int err;

	memset(setups, 0, sizeof(*setups));
	err = join_vms(&joined, rec) || join_vcpus(&joined, rec) ? -1 : 0;
	if (!err) {
		setups->setup = calloc(joined.nr ?: 1, sizeof(*setups->setup));
		err = setups->setup ? 0 : out_of_memory();
	}
	for (u32 i = 0; i < joined.nr && !err; i++)
		fill_setup(&setups->setup[setups->nr++], hash_table__at(&joined, i), rec);
	if (setups->nr)
		qsort(setups->setup, setups->nr, sizeof(*setups->setup), vm_setup__compare);
	for (u32 i = 0; i < joined.nr; i++)
		free(((struct joined_vm *)hash_table__at(&joined, i))->vcpu);
	hash_table__free(&joined);
	return err;
}

void vm_setups__free(struct vm_setups *setups)
{
	for (u32 i = 0; i < setups->nr; i++)
		free(setups->setup[i].vcpu);
	free(setups->setup);
	memset(setups, 0, sizeof(*setups));
}

const struct vm_setup *vm_setups__of(const struct vm_setups *setups, const struct rec_vm *vm)
{
	for (u32 i = 0; vm && i < setups->nr; i++)
		if (setups->setup[i].vm == vm)
			return &setups->setup[i];
	return NULL;
}
