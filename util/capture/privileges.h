/* SPDX-License-Identifier: GPL-2.0 */
/* The privileges of the recorder once its programs are attached. */
#ifndef KVMW_PRIVILEGES_H
#define KVMW_PRIVILEGES_H

/*
 * Gives up all capabilities of this thread that a running recording does not need, and that any
 * program it may run gets more.  Each thread calls it for itself.  What fails changes nothing.
 */
void privileges__drop(void);
/* The same, except for one that is used: CAP_DAC_OVERRIDE or the like. */
void privileges__drop_but(int capability);

/* "cap_bpf,cap_perfmon": those that the drop leaves of what this thread has; buf is filled. */
const char *privileges__kept(char *buf, unsigned int size);

#endif
