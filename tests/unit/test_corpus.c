// SPDX-License-Identifier: GPL-2.0
/*
 * The inputs that fuzzing has found worth keeping, each through the command that it selects. What
 * may fail is the program itself: with SAN=1 it ends at the first byte that is not its own.
 */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* NOLINTNEXTLINE(bugprone-suspicious-include): its entry point, without a library for it */
#include "tests/fuzz/fuzz_reader.c"

#define CORPUS	"tests/fuzz/corpus"

static u8 *read_input(const char *name, size_t *size)
{
	char path[512];
	u8 *data = malloc(MAX_BYTES);
	FILE *file;

	snprintf(path, sizeof(path), CORPUS "/%s", name);
	file = fopen(path, "re");
	assert_true(data && file);
	*size = fread(data, 1, MAX_BYTES, file);
	fclose(file);
	return data;
}

/* Returns the previous standard output and error, for give_back(). */
static void take_away(int kept[2])
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	for (int i = 0; i < 2; i++) {
		kept[i] = dup(STDOUT_FILENO + i);
		dup2(null, STDOUT_FILENO + i);
	}
	close(null);
}

static void give_back(int kept[2])
{
	fflush(stdout);
	for (int i = 0; i < 2; i++) {
		dup2(kept[i], STDOUT_FILENO + i);
		close(kept[i]);
	}
}

static void test_corpus(void **state)
{
	DIR *dir = opendir(CORPUS);
	struct dirent *entry;
	u32 nr = 0;

	assert_non_null(dir);
	LLVMFuzzerInitialize(NULL, NULL);
	while ((entry = readdir(dir))) {
		size_t size;
		int kept[2];
		u8 *data;

		if (*entry->d_name == '.')
			continue;
		data = read_input(entry->d_name, &size);
		take_away(kept);
		LLVMFuzzerTestOneInput(data, size);
		give_back(kept);
		free(data);
		nr++;
	}
	closedir(dir);
	assert_true(nr);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_corpus) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
