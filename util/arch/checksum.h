/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KVMW_CHECKSUM_H
#define KVMW_CHECKSUM_H

#include <stddef.h>

#include "util/types.h"

/* What zlib's crc32() says of len bytes, by the CPU's own instructions where it has these. */
u32 checksum__crc32(const u8 *p, size_t len);

#endif
