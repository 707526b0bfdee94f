// SPDX-License-Identifier: GPL-2.0
/* What is found in the BTF of a kernel and a module, and the BTF made of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>
#include <cmocka.h>

#include "util/capture/btf_parts.h"
#include "util/memory.h"

struct made {
	struct btf *kernel, *module;
	int task, tasks_trace, run, vcpu, state, unnamed;
};

static int int_id(const struct btf *btf)
{
	return btf__find_by_name_kind(btf, "int", BTF_KIND_INT);
}

/* struct list { struct list *next; }; struct task { struct list tasks; const int pid[4]; }; */
static void make_kernel(struct made *m)
{
	struct btf *btf = m->kernel = btf__new_empty();
	int number = btf__add_int(btf, "int", 4, BTF_INT_SIGNED), list, array;

	btf__add_struct(btf, "unrelated", 4);
	btf__add_field(btf, "x", number, 0, 0);
	list = btf__add_struct(btf, "list", 8);
	btf__add_field(btf, "next", list + 1, 0, 0);
	btf__add_ptr(btf, list);
	array = btf__add_array(btf, number, btf__add_const(btf, number), 4);
	m->task = btf__add_struct(btf, "task", 24);
	btf__add_field(btf, "tasks", list, 0, 0);
	btf__add_field(btf, "pid", array, 64, 0);
	btf__add_fwd(btf, "vcpu", BTF_FWD_STRUCT);
	m->state = btf__add_enum(btf, "state", 4);
	btf__add_enum_value(btf, "RUNS", 7);
	m->tasks_trace = btf__add_typedef(btf, "btf_trace_task", list + 1);
}

/* A struct with members of the kinds that they may have, and types of all other kinds before it. */
static void make_all_kinds(struct btf *btf)
{
	int number = int_id(btf), tag, real, either, types[7];

	tag = btf__add_type_tag(btf, "user", number);
	real = btf__add_float(btf, "double", 8);
	either = btf__add_union(btf, NULL, 8);
	btf__add_field(btf, "real", real, 0, 0);
	btf__add_field(btf, "number", number, 0, 0);
	btf__add_decl_tag(btf, "tag", either, -1);
	btf__add_var(btf, "all", BTF_VAR_STATIC, number);
	btf__add_datasec(btf, ".data", 4);
	btf__add_datasec_var_info(btf, btf__type_cnt(btf) - 2, 0, 4);
	types[0] = btf__add_const(btf, btf__add_volatile(btf, number));
	types[1] = btf__add_restrict(btf, btf__add_ptr(btf, tag));
	types[2] = btf__add_typedef(btf, "either", either);
	types[3] = btf__add_enum64(btf, "large", 8, false);
	btf__add_enum64_value(btf, "LARGE", 1ULL << 40);
	types[4] = real;
	types[5] = btf__add_array(btf, number, types[1], 3);
	types[6] = btf__add_ptr(btf, btf__add_fwd(btf, "unknown", BTF_FWD_UNION));
	btf__add_struct(btf, "all_kinds", 80);
	for (u32 i = 0; i < ARRAY_SIZE(types); i++)
		btf__add_field(btf, "member", types[i], i * 64, 0);
}

/* struct vcpu { struct task task; int id : 3; }; another struct task; a function run(). */
static void make_module(struct made *m)
{
	struct btf *btf = m->module = btf__new_empty_split(m->kernel);
	int proto = btf__add_func_proto(btf, 0);

	btf__add_func_param(btf, "task", m->task);
	m->run = btf__add_func(btf, "run", BTF_FUNC_GLOBAL, proto);
	m->vcpu = btf__add_struct(btf, "vcpu", 28);
	btf__add_field(btf, "task", m->task, 0, 0);
	btf__add_field(btf, "id", int_id(btf), 192, 3);
	btf__add_struct(btf, "task", 4);
	btf__add_field(btf, "other", int_id(btf), 0, 0);
	btf__add_enum(btf, NULL, 4);
	btf__add_enum_value(btf, "OTHER", 0);
	m->unnamed = btf__add_enum(btf, NULL, 4);
	btf__add_enum_value(btf, "FIRST", 0);
	btf__add_enum_value(btf, "SECOND", 1);
	btf__add_enum_value(btf, "RUNS", 2);
	make_all_kinds(btf);
}

static int take(struct btf_parts *p, const struct btf *btf, u32 cut, int fd)
{
	const void *raw;
	u32 size;
	u8 *copy;

	raw = btf__raw_data(btf, &size);
	assert_non_null(raw);
	copy = calloc(1, size + BTF_PAD);
	memcpy(copy, raw, size - cut);
	return btf_parts__take(p, copy, size - cut, fd);
}

static void want(struct btf_parts *p)
{
	assert_int_equal(btf_parts__want(p, "task___old", BTF_KIND_STRUCT), 0);
	assert_int_equal(btf_parts__want(p, "vcpu", BTF_KIND_STRUCT), 0);
	assert_int_equal(btf_parts__want(p, "state", BTF_KIND_ENUM64), 0);
	assert_int_equal(btf_parts__want(p, "run", BTF_KIND_FUNC), 0);
	assert_int_equal(btf_parts__want(p, "btf_trace_task", BTF_KIND_TYPEDEF), 0);
	assert_int_equal(btf_parts__want(p, "missing", BTF_KIND_STRUCT), 0);
	assert_int_equal(btf_parts__want(p, "all_kinds", BTF_KIND_STRUCT), 0);
	assert_int_equal(btf_parts__want(p, "SECOND", BTF_KIND_MEMBER), 0);
	assert_int_equal(btf_parts__want(p, "RUNS", BTF_KIND_MEMBER), 0);
	assert_int_equal(btf_parts__want(p, "vcpu", BTF_KIND_MEMBER), 0);
}

static void check_number(const struct btf_parts *p, const char *name, u32 kind, u32 part, int id)
{
	const struct btf_found *found = btf_parts__found(p, name, kind);

	assert_non_null(found);
	assert_int_equal(found->part, part);
	assert_int_equal(found->id, id);
}

static const struct btf_type *only_one(const struct btf *btf, const char *name, u32 kind)
{
	const struct btf_type *found = NULL;

	for (u32 id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);

		if (btf_kind(t) != kind || strcmp(btf__name_by_offset(btf, t->name_off), name))
			continue;
		assert_null(found);
		found = t;
	}
	return found;
}

static void check_all_kinds(const struct btf *btf, const struct btf *module)
{
	const struct btf_type *s = only_one(btf, "all_kinds", BTF_KIND_STRUCT);
	const struct btf_type *from = only_one(module, "all_kinds", BTF_KIND_STRUCT);

	assert_non_null(s);
	assert_int_equal(btf_vlen(s), btf_vlen(from));
	for (u32 i = 0; i < btf_vlen(s); i++) {
		u32 id = btf_members(s)[i].type, id_before = btf_members(from)[i].type;
		const struct btf_type *t = btf__type_by_id(btf, id),
				      *before = btf__type_by_id(module, id_before);

		assert_int_equal(btf__resolve_size(btf, id), btf__resolve_size(module, id_before));
		assert_int_equal(t->info, before->info);
		assert_string_equal(btf__name_by_offset(btf, t->name_off),
				    btf__name_by_offset(module, before->name_off));
		assert_int_equal(btf_member_bit_offset(s, i), i * 64);
	}
}

static void check_copy(const struct btf *btf)
{
	const struct btf_type *task = only_one(btf, "task", BTF_KIND_STRUCT);
	const struct btf_type *vcpu = only_one(btf, "vcpu", BTF_KIND_STRUCT);
	const struct btf_type *list = only_one(btf, "list", BTF_KIND_STRUCT), *next;

	assert_non_null(task);
	assert_non_null(vcpu);
	assert_non_null(list);
	assert_int_equal(task->size, 24);
	assert_ptr_equal(btf__type_by_id(btf, btf_members(task)[0].type), list);
	assert_string_equal(btf__name_by_offset(btf, btf_members(task)[1].name_off), "pid");
	assert_int_equal(btf_member_bit_offset(task, 1), 64);
	assert_int_equal(btf__resolve_size(btf, btf_members(task)[1].type), 16);
	assert_ptr_equal(btf__type_by_id(btf, btf_members(vcpu)[0].type), task);
	assert_int_equal(btf_member_bitfield_size(vcpu, 1), 3);
	/* Not what pointers point to. */
	next = btf__type_by_id(btf, btf_members(list)[0].type);
	assert_true(btf_is_ptr(next));
	assert_int_equal(next->type, 0);
	assert_string_equal(btf__name_by_offset(btf, btf_enum(only_one(btf, "state", BTF_KIND_ENUM))[0].name_off), "RUNS");
	assert_null(only_one(btf, "unrelated", BTF_KIND_STRUCT));
	assert_null(only_one(btf, "run", BTF_KIND_FUNC));
}

static void test_found_and_copied(void **state)
{
	struct btf_parts p = BTF_PARTS;
	struct made m;
	struct btf *btf;
	u8 *raw = NULL;
	u32 size;

	(void)state;
	make_kernel(&m);
	make_module(&m);
	want(&p);
	assert_int_equal(take(&p, m.kernel, 0, 0), 0);
	assert_int_equal(take(&p, m.module, 0, 0), 0);
	check_number(&p, "task", BTF_KIND_STRUCT, 0, m.task);
	check_number(&p, "vcpu", BTF_KIND_STRUCT, 1, m.vcpu);
	check_number(&p, "run", BTF_KIND_FUNC, 1, m.run);
	check_number(&p, "btf_trace_task", BTF_KIND_TYPEDEF, 0, m.tasks_trace);
	check_number(&p, "SECOND", BTF_KIND_MEMBER, 1, m.unnamed);
	check_number(&p, "RUNS", BTF_KIND_MEMBER, 0, m.state);
	assert_null(btf_parts__found(&p, "vcpu", BTF_KIND_MEMBER));
	assert_null(btf_parts__found(&p, "missing", BTF_KIND_STRUCT));
	assert_null(btf_parts__found(&p, "unrelated", BTF_KIND_STRUCT));
	size = btf_parts__copy(&p, &raw);
	assert_true(size > 0);
	btf = btf__new(raw, size);
	assert_non_null(btf);
	check_copy(btf);
	check_all_kinds(btf, m.module);
	btf__free(btf);
	free(raw);
	btf_parts__drop_types(&p);
	check_number(&p, "vcpu", BTF_KIND_STRUCT, 1, m.vcpu);
	btf_parts__free(&p);
	btf__free(m.module);
	btf__free(m.kernel);
}

/* As Linux 7.1 makes it. */
static void test_longer_header(void **state)
{
	struct btf_parts p = BTF_PARTS;
	const struct btf_header *h;
	struct made m;
	u32 size;
	u8 *copy;

	(void)state;
	make_kernel(&m);
	h = btf__raw_data(m.kernel, &size);
	copy = calloc(1, size + 8 + BTF_PAD);
	memcpy(copy, h, h->hdr_len);
	memcpy(copy + h->hdr_len + 8, (const u8 *)h + h->hdr_len, size - h->hdr_len);
	((struct btf_header *)copy)->hdr_len += 8;
	want(&p);
	assert_int_equal(btf_parts__take(&p, copy, size + 8, 0), 0);
	check_number(&p, "task", BTF_KIND_STRUCT, 0, m.task);
	btf_parts__free(&p);
	btf__free(m.kernel);
}

static void test_damaged(void **state)
{
	struct made m;

	(void)state;
	make_kernel(&m);
	for (u32 cut = 1; cut < 60; cut++) {
		struct btf_parts p = BTF_PARTS;

		want(&p);
		assert_int_equal(take(&p, m.kernel, cut, 0), BTF_DAMAGED);
		btf_parts__free(&p);
	}
	btf__free(m.kernel);
}

/* Its size is not known, and so nothing that follows it. */
static void test_newer_kind(void **state)
{
	struct btf_parts p = BTF_PARTS;
	const struct btf_header *h;
	struct btf_type *t;
	struct made m;
	u32 size;
	u8 *copy;

	(void)state;
	make_kernel(&m);
	h = btf__raw_data(m.kernel, &size);
	copy = calloc(1, size + BTF_PAD);
	memcpy(copy, h, size);
	t = (void *)(copy + h->hdr_len + h->type_off);
	t->info = (BTF_KIND_MEMBER - 1) << 24;
	want(&p);
	assert_int_equal(btf_parts__take(&p, copy, size, 0), BTF_NEWER);
	btf_parts__free(&p);
	btf__free(m.kernel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found_and_copied),
		cmocka_unit_test(test_longer_header),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_newer_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
