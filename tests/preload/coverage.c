// SPDX-License-Identifier: GPL-2.0
/*
 * Linked into what "make coverage" builds (--wrap=_exit): a child that ends with _exit() writes
 * down what it has run, as one that returns does.
 */

/* NOLINTBEGIN(bugprone-reserved-identifier): gcov's name, and the linker's */
void __gcov_dump(void);
void __attribute__((noreturn)) __real__exit(int status);
void __attribute__((noreturn)) __wrap__exit(int status);

void __wrap__exit(int status)
{
	__gcov_dump();
	__real__exit(status);
}
/* NOLINTEND(bugprone-reserved-identifier) */
