// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "util/capture/sudo.h"
#include "util/memory.h"
#include "util/parse.h"

bool sudo__user(struct sudo_user *user)
{
	const char *uid = getenv("SUDO_UID"), *gid = getenv("SUDO_GID");
	u32 u, g;

	if (getuid() || geteuid() || !uid || !gid || parse_u32(uid, &u) || parse_u32(gid, &g))
		return false;
	/* -1 would leave the owner as it is. */
	if (!u || u == UINT32_MAX || g == UINT32_MAX)
		return false;
	user->uid = u;
	user->gid = g;
	return true;
}

static bool keep_groups(struct sudo_self *self)
{
	self->nr = getgroups(0, NULL);
	self->groups = self->nr < 0 ? NULL : mem__calloc(self->nr + 1, sizeof(*self->groups));
	if (self->groups && getgroups(self->nr, self->groups) == self->nr)
		return true;
	free(self->groups);
	return false;
}

bool sudo__act_as(const struct sudo_user *user, struct sudo_self *self)
{
	if (!keep_groups(self))
		return false;
	if (setgroups(1, &user->gid)) {
		free(self->groups);
		return false;
	}
	if (!setegid(user->gid) && !seteuid(user->uid))
		return true;
	sudo__act_as_self(self);
	return false;
}

void sudo__act_as_self(struct sudo_self *self)
{
	if (seteuid(0) || setegid(0) || setgroups(self->nr, self->groups))
		abort();
	free(self->groups);
}

int sudo__become(const struct sudo_user *user)
{
	const struct passwd *known = getpwuid(user->uid);

	if (known && (setenv("HOME", known->pw_dir, 1) || setenv("USER", known->pw_name, 1) ||
		      setenv("LOGNAME", known->pw_name, 1)))
		return errno;
	if (known ? initgroups(known->pw_name, user->gid) : setgroups(1, &user->gid))
		return errno;
	if (setresgid(user->gid, user->gid, user->gid) ||
	    setresuid(user->uid, user->uid, user->uid))
		return errno;
	return 0;
}
