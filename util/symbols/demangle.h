/* SPDX-License-Identifier: GPL-2.0 */
/* The names of C++ and Rust functions in their language. */
#ifndef KVMW_DEMANGLE_H
#define KVMW_DEMANGLE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Of a frame of a stack, such as "_ZN3vmm4readEv+0x10 [file]", into buf: "vmm::read+0x10 [file]".
 * The name may be anything, and is safe to print afterwards. false: it is not such a name, or too
 * long for buf, which then holds nothing of use.
 */
bool demangle__frame(const char *frame, char *buf, size_t size);

#endif
