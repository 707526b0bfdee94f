// SPDX-License-Identifier: GPL-2.0
/* META and IDENT frames: what is right is taken, what is wrong does no harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "tests/unit/rec.h"

static void test_last_value_of_each_key_wins(void **state)
{
	struct recording *rec = recording__new("x");

	assert_non_null(rec);
	assert_int_equal(recording__meta(rec,
		"{\"host\":{\"name\":\"a\",\"cpus\":4},\"start_ns\":50,\"notes\":[\"one\",\"two\"],"
		"\"kvm\":{\"module\":\"kvm_amd\",\"params\":{\"kvm_amd\":{\"npt\":\"Y\"}}},"
		"\"clocks\":[{\"monotonic_ns\":100,\"realtime_ns\":1000}]}"), 0);
	assert_int_equal(recording__meta(rec,
					 "{\"host\":{\"name\":\"b\"},\"stop\":{\"time_ns\":950,"
					 "\"why\":\"done\"},\"notes\":[\"three\"]}"), 0);
	assert_string_equal(rec->meta.host, "b");
	assert_int_equal(rec->meta.cpus, 4);
	assert_int_equal(rec->meta.notes.nr, 1);
	assert_string_equal(rec->meta.notes.text[0], "three");
	assert_string_equal(rec->meta.params.text[0], "kvm_amd.npt=Y");
	assert_int_equal(recording__duration(rec), 900);
	/* A moment before the pair of clocks was taken. */
	assert_int_equal(recording__realtime(rec, 50), 950);
	recording__free(rec);
}

static void test_identities(void **state)
{
	struct recording *rec = recording__new("x");
	const char *first = "{\"vms\":[{\"id\":5,\"pid\":55,\"name\":\"five\"}],\"vcpus\":[]}";

	assert_int_equal(recording__ident(rec, first), 0);
	/* Re-sent in full, and in any order. */
	assert_int_equal(recording__ident(rec,
		"{\"vms\":[{\"id\":9,\"pid\":99},{\"id\":5,\"pid\":55,\"vmm\":\"q\"}],"
		"\"vcpus\":[{\"id\":3,\"vm\":9,\"vcpu\":null,\"tid\":7},"
		"{\"id\":1,\"vm\":5,\"vcpu\":2,\"tid\":8,\"comm\":\"CPU 2/KVM\"}]}"), 0);
	assert_int_equal(rec->nr_vms, 2);
	assert_string_equal(recording__vm(rec, 5)->name, "");
	assert_int_equal(recording__vm(rec, 9)->pid, 99);
	assert_null(recording__vm(rec, 6));
	assert_int_equal(recording__vcpu(rec, 3)->vcpu, -1);
	assert_int_equal(recording__vcpu(rec, 1)->vcpu, 2);
	assert_string_equal(recording__vcpu(rec, 1)->comm, "CPU 2/KVM");
	recording__free(rec);
}

/* A frame adds to what is known; of an entry that comes again the last one holds. */
static void test_identities_accumulate(void **state)
{
	struct recording *rec = recording__new("x");

	assert_int_equal(recording__ident(rec,
		"{\"vms\":[{\"id\":4294967293,\"pid\":55}],"
		"\"vcpus\":[{\"id\":4294967293,\"vm\":4294967293,\"vcpu\":0,\"tid\":7},"
		"{\"id\":1025,\"vm\":4294967293,\"vcpu\":1,\"tid\":8}]}"), 0);
	assert_int_equal(recording__ident(rec,
		"{\"vcpus\":[{\"id\":4294967293,\"vm\":4294967293,\"vcpu\":0,\"tid\":70,"
		"\"gone_ns\":12345678901234567890},{\"id\":1,\"vm\":0,\"tid\":5},"
		"{\"id\":1,\"vm\":0,\"tid\":6}]}"), 0);
	assert_int_equal(rec->nr_vms, 1);
	assert_int_equal(rec->nr_vcpus, 3);
	assert_int_equal(recording__vcpu(rec, 1)->tid, 6);
	assert_int_equal(recording__vcpu(rec, 1025)->tid, 8);
	assert_int_equal(recording__vcpu(rec, 1025)->gone_ns, 0);
	assert_int_equal(recording__vcpu(rec, 4294967293)->tid, 70);
	assert_int_equal(recording__vcpu(rec, 4294967293)->gone_ns, 12345678901234567890ULL);
	assert_int_equal(recording__vm(rec, 4294967293)->pid, 55);
	/* It is back. */
	assert_int_equal(recording__ident(rec,
		"{\"vms\":[],\"vcpus\":[{\"id\":4294967293,\"vm\":4294967293,\"vcpu\":0,\"tid\":70}]}"), 0);
	assert_int_equal(recording__vcpu(rec, 4294967293)->gone_ns, 0);
	assert_int_equal(rec->nr_vms, 1);
	assert_false(rec->ids_left_out);
	recording__free(rec);
}

static void test_more_than_can_be_kept(void **state)
{
	struct recording *rec = recording__new("x");
	size_t size = 64 * (REC_MAX_IDS + 10);
	char *json = malloc(size), *to = json + sprintf(json, "{\"vcpus\":[");

	/* From the last one down, and each id many slots from the next. */
	for (u32 i = REC_MAX_IDS + 5; i; i--)
		to += sprintf(to, "%s{\"id\":%u,\"vm\":0,\"tid\":%u}",
			      i > REC_MAX_IDS + 4 ? "" : ",", i << 10, i);
	strcpy(to, "]}");
	assert_int_equal(recording__ident(rec, json), 0);
	assert_int_equal(rec->nr_vcpus, REC_MAX_IDS);
	assert_true(rec->ids_left_out);
	assert_int_equal(recording__vcpu(rec, 6 << 10)->tid, 6);
	assert_null(recording__vcpu(rec, 5 << 10));
	/* Those that are known can still change. */
	assert_int_equal(recording__ident(rec, "{\"vcpus\":[{\"id\":6144,\"tid\":66}]}"), 0);
	assert_int_equal(recording__vcpu(rec, 6 << 10)->tid, 66);
	free(json);
	recording__free(rec);
}

static void check_name(const struct recording *rec, u32 id, const char *name)
{
	char buf[REC_VM_NAME];

	assert_string_equal(rec_vm__name(recording__vm(rec, id), buf), name);
}

static void test_names_of_vms(void **state)
{
	struct recording *rec = recording__new("x");

	assert_int_equal(recording__ident(rec, "{\"vms\":[{\"id\":9,\"pid\":4711},"
					  "{\"id\":3,\"pid\":8}]}"), 0);
	check_name(rec, 9, "4711");
	assert_false(rec->several_vms_of_pid);
	assert_int_equal(recording__ident(rec, "{\"vms\":[{\"id\":5,\"pid\":4711},"
					  "{\"id\":4294967293,\"pid\":4711}]}"), 0);
	assert_true(rec->several_vms_of_pid);
	check_name(rec, 5, "4711#1");
	check_name(rec, 9, "4711#2");
	check_name(rec, 4294967293, "4711#3");
	check_name(rec, 3, "8");
	recording__free(rec);
}

static void test_roles_tasks_stacks(void **state)
{
	struct recording *rec = recording__new("x");
	const struct rec_stack *stack;

	assert_int_equal(recording__ident(rec,
		"{\"vms\":[{\"id\":0,\"pid\":99}],\"vcpus\":[{\"id\":0,\"vm\":0,\"vcpu\":0,\"tid\":7},"
		"{\"id\":1,\"vm\":0,\"vcpu\":null,\"tid\":99,\"comm\":\"qemu\",\"role\":\"vmm\"},"
		"{\"id\":2,\"vm\":null,\"vcpu\":null,\"role\":\"kernel\"}],"
		"\"tasks\":[{\"tid\":30,\"comm\":\"vhost\"},{\"tid\":5,\"comm\":\"kworker\"}],"
		"\"stacks\":[{\"id\":8,\"frames\":[\"f+0x1 [kvm]\",\"g\"]}]}"), 0);
	assert_true(rec_vcpu__is_vcpu(recording__vcpu(rec, 0)));
	assert_false(rec_vcpu__is_vcpu(recording__vcpu(rec, 1)));
	assert_string_equal(recording__vcpu(rec, 1)->role, "vmm");
	/* Not the VM with id 0. */
	assert_int_equal(recording__vcpu(rec, 2)->vm, REC_NO_VM);
	/* Only what is new, or all of them again. */
	assert_int_equal(recording__ident(rec, "{\"tasks\":[{\"tid\":30,\"comm\":\"renamed\"},"
		"{\"tid\":1,\"comm\":\"init\"}],\"stacks\":[{\"id\":8,\"frames\":[]},"
		"{\"id\":2,\"frames\":[\"h\",7]},{\"id\":3}]}"), 0);
	assert_int_equal(rec->nr_vcpus, 3);
	assert_int_equal(rec->nr_tasks, 3);
	assert_string_equal(recording__task(rec, 30)->comm, "renamed");
	assert_string_equal(recording__task(rec, 5)->comm, "kworker");
	assert_string_equal(recording__task(rec, 1)->comm, "init");
	assert_null(recording__task(rec, 2));
	stack = recording__stack(rec, 8);
	assert_int_equal(stack->nr, 2);
	assert_string_equal(stack->frame[0], "f+0x1 [kvm]");
	assert_string_equal(recording__stack(rec, 2)->frame[1], "");
	assert_null(recording__stack(rec, 3));
	recording__free(rec);
}

static void test_stacks_are_bounded(void **state)
{
	struct recording *rec = recording__new("x");
	struct json_object *root = json_object_new_object(), *list = json_object_new_array();
	struct json_object *stack = json_object_new_object(), *frames = json_object_new_array();

	for (int i = 0; i < 1000; i++)
		json_object_array_add(frames, json_object_new_string("f"));
	json_object_object_add(stack, "id", json_object_new_int(1));
	json_object_object_add(stack, "frames", frames);
	json_object_array_add(list, stack);
	for (int i = 0; i < REC_MAX_IDS + 10; i++) {
		stack = json_object_new_object();
		json_object_object_add(stack, "id", json_object_new_int(i + 2));
		json_object_object_add(stack, "frames", json_object_new_array());
		json_object_array_add(list, stack);
	}
	json_object_object_add(root, "stacks", list);
	assert_int_equal(recording__ident(rec, json_object_to_json_string(root)), 0);
	assert_int_equal(recording__ident(rec, "{\"stacks\":[{\"id\":999999,\"frames\":[\"x\"]}]}"),
			 0);
	assert_int_equal(rec->nr_stacks, REC_MAX_IDS);
	assert_int_equal(recording__stack(rec, 1)->nr, REC_MAX_STACK);
	assert_null(recording__stack(rec, 999999));
	json_object_put(root);
	recording__free(rec);
}

static void test_tracepoints(void **state)
{
	struct recording *rec = recording__new("x");

	assert_int_equal(recording__meta(rec, "{\"tracepoints\":[{\"kind\":2,\"name\":\"b:\\u001bc\"},"
		"{\"kind\":1,\"name\":\"kvm:kvm_pio\",\"format\":\"name: kvm_pio\\n\"},7]}"), 0);
	assert_string_equal(recording__tracepoint(rec, 1)->name, "kvm:kvm_pio");
	assert_string_equal(recording__tracepoint(rec, 1)->format, "name: kvm_pio\n");
	assert_string_equal(recording__tracepoint(rec, 2)->name, "b:?c");
	assert_string_equal(recording__tracepoint(rec, 2)->format, "");
	assert_null(recording__tracepoint(rec, 3));
	/* A closing META frame does not repeat them. */
	assert_int_equal(recording__meta(rec, "{\"stop\":{\"time_ns\":1}}"), 0);
	assert_non_null(recording__tracepoint(rec, 1));
	recording__free(rec);
}

static void test_wrong_types(void **state)
{
	static const char *const json[] = {
		"", "null", "[]", "7", "\"x\"", "{", "{]}", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
		"\xff\xfe",
	};
	struct recording *rec = recording__new("x");

	for (size_t i = 0; i < ARRAY_SIZE(json); i++) {
		assert_int_equal(recording__meta(rec, json[i]), 1);
		assert_int_equal(recording__ident(rec, json[i]), 1);
	}
	assert_int_equal(recording__ident(rec, "{\"vms\":{},\"vcpus\":7}"), 1);
	assert_int_equal(recording__ident(rec, "{\"vms\":[1,null,\"x\",{\"id\":\"3\"},{\"id\":-4},"
					  "{\"id\":1e99},{\"id\":99999999999,\"pid\":[]}],"
					  "\"vcpus\":[[],{\"vcpu\":\"x\",\"comm\":3}]}"), 0);
	/* Without an id they are nothing. */
	assert_int_equal(rec->nr_vms, 0);
	assert_int_equal(rec->nr_vcpus, 0);
	assert_int_equal(recording__ident(rec,
					  "{\"vcpus\":[{\"id\":1,\"vm\":99999999999,\"vcpu\":-1,"
					  "\"tid\":1e9,\"gone_ns\":-4},{\"id\":2,\"vm\":\"x\","
					  "\"gone_ns\":\"7\"}]}"), 0);
	assert_int_equal(recording__vcpu(rec, 1)->vm, REC_NO_VM);
	assert_int_equal(recording__vcpu(rec, 1)->vcpu, -1);
	assert_int_equal(recording__vcpu(rec, 1)->gone_ns, 0);
	assert_int_equal(recording__vcpu(rec, 2)->vm, REC_NO_VM);
	assert_int_equal(recording__vcpu(rec, 2)->gone_ns, 0);
	assert_int_equal(recording__meta(rec,
		"{\"host\":[],\"kvm\":{\"params\":{\"a\":3,\"b\":{\"c\":null,\"d\":[1]}}},\"start_ns\":-5,"
		"\"stop\":{\"time_ns\":\"x\",\"why\":9},\"clocks\":[[]],\"command\":{\"a\":1},"
		"\"notes\":[1,null,[],\"kept\"],\"filters\":\"x\",\"rings\":1.5}"), 0);
	assert_int_equal(rec->meta.start_ns, 0);
	assert_int_equal(rec->meta.notes.nr, 1);
	assert_string_equal(rec->meta.notes.text[0], "kept");
	assert_false(rec->meta.has_clock);
	recording__free(rec);
}

static void test_hostile_texts(void **state)
{
	struct recording *rec = recording__new("x");
	char json[8192], notes[4096] = "";

	assert_int_equal(recording__meta(rec,
					 "{\"host\":{\"name\":\"\\u001b[2J\\u202ex\\u0000y\"}}"),
			 0);
	assert_string_equal(rec->meta.host, "?[2J?x");
	memset(notes, 'n', 1000);
	snprintf(json, sizeof(json), "{\"host\":{\"name\":\"%s\"}}", notes);
	assert_int_equal(recording__meta(rec, json), 0);
	assert_int_equal(strlen(rec->meta.host), 256);
	strcpy(notes, "\"a\"");
	for (int i = 0; i < 500; i++)
		strcat(notes, ",\"b\"");
	snprintf(json, sizeof(json), "{\"notes\":[%s]}", notes);
	assert_int_equal(recording__meta(rec, json), 0);
	assert_int_equal(rec->meta.notes.nr, REC_MAX_TEXTS);
	recording__free(rec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_last_value_of_each_key_wins),
		cmocka_unit_test(test_identities),
		cmocka_unit_test(test_identities_accumulate),
		cmocka_unit_test(test_more_than_can_be_kept),
		cmocka_unit_test(test_names_of_vms),
		cmocka_unit_test(test_roles_tasks_stacks),
		cmocka_unit_test(test_stacks_are_bounded),
		cmocka_unit_test(test_tracepoints),
		cmocka_unit_test(test_wrong_types),
		cmocka_unit_test(test_hostile_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
