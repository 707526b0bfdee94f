// SPDX-License-Identifier: GPL-2.0
#include "util/arch/ioctl.h"

#define TYPE_NR(cmd)	((cmd) & 0xffff)

static const struct ioctl {
	u32 cmd;
	const char *name;
} ioctls[] = {
#define IOCTL(name, number) { number, #name },
	KVMW_IOCTLS(IOCTL)
	KVMW_IOCTLS_LATER(IOCTL)
};

const char *ioctl_name(u32 cmd)
{
	const char *name = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(ioctls); i++) {
		if (ioctls[i].cmd == cmd)
			return ioctls[i].name;
		if (!name && TYPE_NR(ioctls[i].cmd) == TYPE_NR(cmd))
			name = ioctls[i].name;
	}
	return name;
}
