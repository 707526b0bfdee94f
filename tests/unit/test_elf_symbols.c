// SPDX-License-Identifier: GPL-2.0
/* Functions of a stripped file: of this program, stripped, and of what it has lost, by build id. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <elfutils/libdwelf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/symbols/elf_symbols.h"

#define DIR_MAX		64
#define ID_MAX		64

struct place {
	char dir[DIR_MAX], stripped[2 * DIR_MAX], id[2 * ID_MAX];
};

static void run(const char *command, const char *to)
{
	char line[512];

	snprintf(line, sizeof(line), "%s /proc/%d/exe %s", command, getpid(), to);
	assert_int_equal(system(line), 0);	/* NOLINT(cert-env33-c): of its own files */
}

static void read_id(char *text)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	const void *id;
	ssize_t len;
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	len = dwelf_elf_gnu_build_id(elf, &id);
	assert_in_range(len, 2, ID_MAX - 1);
	for (ssize_t i = 0; i < len; i++)
		sprintf(text + 2 * i, "%02x", ((const uint8_t *)id)[i]);
	elf_end(elf);
	close(fd);
}

static void path_of(const struct place *p, const char *id, char *path, size_t size)
{
	snprintf(path, size, "%s/.build-id", p->dir);
	mkdir(path, 0755);
	snprintf(path, size, "%s/.build-id/%.2s", p->dir, id);
	mkdir(path, 0755);
	snprintf(path, size, "%s/.build-id/%.2s/%s.debug", p->dir, id, id + 2);
}

static int setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	*state = p;
	strcpy(p->dir, "/tmp/kvmw-elf-XXXXXX");
	if (!mkdtemp(p->dir))
		return -1;
	snprintf(p->stripped, sizeof(p->stripped), "%s/stripped", p->dir);
	run("objcopy --strip-all", p->stripped);
	read_id(p->id);
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;
	char line[128];

	snprintf(line, sizeof(line), "rm -r %s", p->dir);
	free(p);
	return system(line);	/* NOLINT(cert-env33-c): likewise */
}

static void read_from(struct elf_symbols *s, const char *path, const char *dir)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	elf_symbols__read(s, fd, dir);
	close(fd);
}

/* What is found where this file's main() is. */
static const char *name_of_main(const struct place *p)
{
	struct elf_symbols all, s;
	const char *name = NULL;
	u64 offset = 0, into;

	read_from(&all, "/proc/self/exe", "/nowhere");
	for (u32 i = 0; i < all.nr; i++)
		for (u32 k = 0; !strcmp(all.symbol[i].name, "main") && k < all.nr_segments; k++)
			if (all.symbol[i].address - all.segment[k].address < all.segment[k].size)
				offset = all.symbol[i].address - all.segment[k].address +
					 all.segment[k].offset;
	assert_true(offset);
	read_from(&s, p->stripped, p->dir);
	name = elf_symbols__find(&s, offset + 1, &into);
	if (name) {
		assert_string_equal(name, "main");
		assert_int_equal(into, 1);
		name = "main";
	}
	elf_symbols__free(&all);
	elf_symbols__free(&s);
	return name;
}

static void test_no_debug_file(void **state)
{
	assert_null(name_of_main(*state));
}

static void test_debug_file(void **state)
{
	const struct place *p = *state;
	char path[256];

	path_of(p, p->id, path, sizeof(path));
	run("objcopy --only-keep-debug", path);
	assert_string_equal(name_of_main(p), "main");
}

/* Something else is where it should be. */
static void test_other_file(void **state)
{
	const struct place *p = *state;
	char path[256];
	FILE *f;

	path_of(p, p->id, path, sizeof(path));
	run("objcopy --only-keep-debug --remove-section=.note.gnu.build-id", path);
	assert_null(name_of_main(p));
	f = fopen(path, "w");
	assert_non_null(f);
	fputs("no ELF file", f);
	fclose(f);
	assert_null(name_of_main(p));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_no_debug_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_debug_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_file, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
