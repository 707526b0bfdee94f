/* SPDX-License-Identifier: GPL-2.0 */
/* The order in which the methods of a probe are tried on this kernel. */
#ifndef KVMW_METHODS_H
#define KVMW_METHODS_H

#include "util/capture/provider.h"

/*
 * The best method that ranks below the last one (NULL: the best of all); NULL: none is left.
 * preemptible: the kernel is, or for another reason methods come last that it can miss events with.
 */
const struct attach_method *methods__after(const struct probe *probe,
					   const struct attach_method *last, bool preemptible);

/*
 * What --stack (a bitmap of kinds) asks for and this kernel does not offer: the rest is recorded.
 * methods, refused (an errno, or 0): by probe.
 */
void methods__warn_of_stacks(const struct attach_method *const *methods, const int *refused,
			     u32 events, u32 stacks);

/* Event userspace needs the calls of KVM_RUN. 0, or -1: error() said so. */
int methods__check_userspace(const struct attach_method *const *methods, u32 events);

#endif
