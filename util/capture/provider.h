/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every provider of events, declared once: its programs, where they attach, what
 * else does where that is not to be had.  Loading, attaching, -e, `kvmw list` and
 * "why is this event missing here" derive from this table.
 */
#ifndef KVMW_PROVIDER_H
#define KVMW_PROVIDER_H

#include "util/types.h"

#define HOOK_MAX_WAYS	3

enum way_type { WAY_NONE, WAY_TRACEPOINT, WAY_BTF, WAY_FENTRY, WAY_KPROBE };

/* One way to attach a program. */
struct way {
	const char *program;	/* in the BPF object */
	enum way_type type;
	const char *category, *name;	/* of a tracepoint; or name of a function */
	const char *module;	/* only where this one is loaded; NULL: anywhere */
};

/* One moment a provider must see, and the ways to see it, the best first. */
struct hook {
	const char *what;
	const char *without;	/* what it means not to have it; NULL: it must be had */
	struct way ways[HOOK_MAX_WAYS];
};

enum hook_id { HOOK_EXIT, HOOK_ENTRY, HOOK_USERSPACE_EXIT, HOOK_RUN, NR_HOOKS };
enum provider_id { PROVIDER_EXIT, PROVIDER_USERSPACE, NR_PROVIDERS };

struct provider {
	const char *name;	/* as in the events' provider, and of -e */
	bool on_by_default;
	u32 needs;		/* bitmap of hook_id */
	u32 uses;		/* optional ones */
};

extern const struct hook hooks[NR_HOOKS];
extern const struct provider providers[NR_PROVIDERS];

#define BIT(n) (1u << (n))

/*
 * A comma separated list of names to a bitmap of provider_id; 0: error() named the
 * unknown one and those there are, the nearest first.
 */
u32 provider__parse(const char *names);
u32 provider__defaults(void);

/*
 * Why a provider cannot work on this kernel, in one line, or NULL.  buf holds the
 * line.  Looks at tracefs only; loading may still fail.
 */
const char *provider__missing(const struct provider *provider, char *buf, size_t size);

#endif
