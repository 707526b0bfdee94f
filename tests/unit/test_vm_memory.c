// SPDX-License-Identifier: GPL-2.0
/* The memory of a process, from made files like those of /proc and of control groups. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/array.h"
#include "util/capture/vm_memory.h"

#define MISSING	"/proc/self/there-is-none"

static const char *made_file(const char *text)
{
	static char path[] = "/tmp/kvmw-vm-memory-XXXXXX";
	FILE *f;
	int fd;

	strcpy(path + sizeof(path) - 7, "XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	f = fdopen(fd, "w");
	fputs(text, f);
	fclose(f);
	return path;
}

static void check_nodes(bool (*read)(const char *path, struct node_bytes *nodes), const char *text,
			bool ok, u64 first, u64 second, u64 last)
{
	const char *path = made_file(text);
	struct node_bytes nodes;

	assert_int_equal(read(path, &nodes), ok);
	unlink(path);
	if (!ok) {
		assert_int_equal(errno, ENODATA);
		return;
	}
	assert_int_equal(nodes.bytes[0], first);
	assert_int_equal(nodes.bytes[1], second);
	assert_int_equal(nodes.bytes[VM_MEMORY_NODES - 1], last);
}

static void test_numa_stat(void **state)
{
	char many[40 * VM_MEMORY_NODES] = "shmem N0=1\nanon";
	struct node_bytes nodes;

	check_nodes(numa_stat__read, "anon N0=4096 N1=8192\nfile N0=7 N1=7\nshmem N0=0 N1=4096\nanon_thp N0=9 N1=9\n",
		    true, 4096, 12288, 0);
	check_nodes(numa_stat__read,
		    "file N0=7\nanon_thp N0=9\nanon N0=1 N1023=5\nxshmem N0=3\nshmem N0=2\n", true,
		    3, 0, 5);
	/* One kind is missing, says nothing, or is cut off. */
	check_nodes(numa_stat__read, "anon N0=4096\nfile N0=1\n", false, 0, 0, 0);
	check_nodes(numa_stat__read, "anon N0=4096\nshmem\n", false, 0, 0, 0);
	check_nodes(numa_stat__read, "anon N0=4096\nshmem N0=12", false, 0, 0, 0);
	check_nodes(numa_stat__read, "", false, 0, 0, 0);
	for (int i = 0; strlen(many) < sizeof(many) - 64; i++)
		sprintf(many + strlen(many), " N%d=123456789012", i);
	check_nodes(numa_stat__read, strcat(many, "\n"), false, 0, 0, 0);
	assert_false(numa_stat__read(MISSING, &nodes));
	assert_int_equal(errno, ENOENT);
}

static void test_numa_maps(void **state)
{
	struct node_bytes nodes;

	check_nodes(numa_maps__read,
		    "5500 default file=/usr/bin/N0=9 mapped=2 N0=2 kernelpagesize_kB=4\n"
		    "7f00 bind:0-1 anon=600 dirty=600 active=0 N0=100 N1=500 kernelpagesize_kB=4\n"
		    "7f10 default file=/dev/hugepages/x\\040N1=77 huge dirty=3 N1=3 kernelpagesize_kB=2048\n"
		    "7f20 default stack anon=1 dirty=1 N1023=1 kernelpagesize_kB=4\n"
		    "7f30 default\n", true, 102 * 4096, 500 * 4096 + 3 * 2097152ULL, 4096);
	/* Of no node that Linux has, or no numbers. */
	check_nodes(numa_maps__read,
		    "7f00 default N1024=5 N1=x N=3 N1=4y Nx=1 N0=1 kernelpagesize_kB=4\n", true, 4096, 0, 0);
	check_nodes(numa_maps__read, "7f00 default anon=1 N0=1\n7f30 default\n", false, 0, 0, 0);
	check_nodes(numa_maps__read, "", false, 0, 0, 0);
	assert_false(numa_maps__read(MISSING, &nodes));
	assert_int_equal(errno, ENOENT);
}

static void test_status(void **state)
{
	struct kvmw_vm_memory row;
	const char *path = made_file("Name:\tqemu\nVmPeak:\t   99 kB\nVmRSS:\t  1234 kB\nRssAnon:\t    1000 kB\n"
				     "RssFile:\t 4 kB\nRssShmem:\t       0 kB\nHugetlbPages:\t   2048 kB\n");

	assert_true(vm_memory__status(path, &row));
	unlink(path);
	assert_int_equal(row.bytes, 1234 * 1024);
	assert_int_equal(row.anon_bytes, 1000 * 1024);
	assert_int_equal(row.shmem_bytes, 0);
	assert_int_equal(row.hugetlb_bytes, 2048 * 1024);
	/* A thread of the kernel; other units. */
	path = made_file("Name:\tkthreadd\nRssAnon:\t1 MB\nRssShmem: kB\n");
	assert_true(vm_memory__status(path, &row));
	unlink(path);
	assert_int_equal(row.bytes, KVMW_NONE);
	assert_int_equal(row.anon_bytes, KVMW_NONE);
	assert_int_equal(row.shmem_bytes, KVMW_NONE);
	assert_int_equal(row.hugetlb_bytes, KVMW_NONE);
	assert_false(vm_memory__status(MISSING, &row));
}

static void test_rollup(void **state)
{
	struct kvmw_vm_memory row;
	const char *path = made_file("5500-7fff ---p 00000000 00:00 0    [rollup]\nRss:     5000 kB\n"
				     "AnonHugePages:      4096 kB\nShmemPmdMapped:        0 kB\n");

	assert_true(vm_memory__rollup(path, &row));
	unlink(path);
	assert_int_equal(row.anon_huge_bytes, 4096 * 1024);
	assert_int_equal(row.shmem_huge_bytes, 0);
	path = made_file("");
	assert_false(vm_memory__rollup(path, &row));
	unlink(path);
	assert_int_equal(errno, ENODATA);
	assert_int_equal(row.anon_huge_bytes, KVMW_NONE);
	assert_int_equal(row.shmem_huge_bytes, KVMW_NONE);
	assert_false(vm_memory__rollup(MISSING, &row));
	assert_int_equal(errno, ENOENT);
}

static void test_only_node(void **state)
{
	static const struct { const char *text; int node; } cases[] = {
		{ "0\n", 0 }, { "3\n", 3 }, { "0-1\n", -1 }, { "0,4\n", -1 }, { "\n", -1 }, { "x\n", -1 },
		{ "1024\n", -1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *path = made_file(cases[i].text);

		assert_int_equal(only_node(path), cases[i].node);
		unlink(path);
	}
	assert_int_equal(only_node(MISSING), -1);
}

/* Of this process, and of one that is gone. */
static void test_a_process(void **state)
{
	struct vm_memories memories = { .nr = 0 };
	struct interned names = { .texts = { .nr = 0 } };

	vm_memory__begin(&memories);
	assert_int_equal(vm_memory__read(&memories, KVMW_vm_memory_END, getpid(), &names), 0);
	assert_true(memories.nr >= 1);
	assert_int_equal(memories.row[0].pid, getpid());
	assert_int_equal(memories.row[0].node, ~0U);
	assert_true(memories.row[0].bytes != KVMW_NONE && memories.row[0].bytes >= 4096);
	assert_true(memories.walked >= memories.row[0].bytes);
	/* Known, or not, and then there is a reason. */
	assert_int_equal(memories.row[0].anon_huge_bytes == KVMW_NONE,
			 memories.row[0].huge_unknown != INTERNED_NONE);
	assert_int_equal(memories.nr == 1, memories.row[0].nodes_unknown != INTERNED_NONE);

	/* As much has been gone through as may be. */
	vm_memory__begin(&memories);
	memories.walked = VM_MEMORY_WALK - 4096;
	assert_int_equal(vm_memory__read(&memories, KVMW_vm_memory_END, getpid(), &names), 0);
	assert_int_equal(memories.walked, VM_MEMORY_WALK - 4096);
	assert_int_equal(memories.row[0].anon_huge_bytes, KVMW_NONE);
	assert_non_null(strstr(names.texts.text[memories.row[0].huge_unknown], "exceed 4 GiB"));

	vm_memory__begin(&memories);
	assert_int_equal(vm_memory__read(&memories, KVMW_vm_memory_END, 0, &names), 0);
	assert_int_equal(memories.nr, 0);
	vm_memory__free(&memories);
	interned__free(&names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numa_stat), cmocka_unit_test(test_numa_maps),
		cmocka_unit_test(test_status), cmocka_unit_test(test_rollup),
		cmocka_unit_test(test_only_node), cmocka_unit_test(test_a_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
