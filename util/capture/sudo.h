/* SPDX-License-Identifier: GPL-2.0 */
/* The user for whom sudo(8) runs this. */
#ifndef KVMW_SUDO_H
#define KVMW_SUDO_H

#include <stdbool.h>
#include <sys/types.h>

struct sudo_user {
	uid_t uid;
	gid_t gid;
};

/* false: there is none, or this is not root, or the variables of sudo are no such numbers. */
bool sudo__user(struct sudo_user *user);

struct sudo_self {		/* for what comes back */
	gid_t *groups;
	int nr;
};

/*
 * The process, its first thread being the only one, acts as the user, but for what is open already;
 * his other groups are not considered. false: it cannot, and is as it was. Else back again, which
 * does not fail.
 */
bool sudo__act_as(const struct sudo_user *user, struct sudo_self *self);
void sudo__act_as_self(struct sudo_self *self);

/* Makes this process the user's, with his groups, HOME, USER and LOGNAME. 0, or an errno. */
int sudo__become(const struct sudo_user *user);

#endif
