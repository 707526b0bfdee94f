/* SPDX-License-Identifier: GPL-2.0 */
/* Images of Linux as they are booted, Documentation/arch/x86/boot.rst. */
#ifndef KVMW_BOOT_IMAGE_H
#define KVMW_BOOT_IMAGE_H

#include "util/types.h"

#define BOOT_IMAGE_MAX	(256u << 20)	/* bytes of a kernel */

bool boot_image__is(int fd);

/*
 * The kernel of an image that lz4 compressed, *size bytes, for the caller to free; NULL: it is no
 * such image, or damaged.
 */
char *boot_image__unpack_lz4(int fd, size_t *size);

#endif
