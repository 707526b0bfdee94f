// SPDX-License-Identifier: GPL-2.0
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util/capture/btf_parts.h"
#include "util/capture/kernel.h"
#include "util/capture/kernel_types.h"
#include "util/error.h"
#include "util/memory.h"

/* Sections of programs that the kernel attaches by the number of what they are called after. */
static const struct {
	const char *section;
	enum bpf_attach_type type;
	const char *prefix;
	u32 kind;
} sections[] = {
	{ "fentry/", BPF_TRACE_FENTRY, "", BTF_KIND_FUNC },
	{ "fexit/", BPF_TRACE_FEXIT, "", BTF_KIND_FUNC },
	{ "tp_btf/", BPF_TRACE_RAW_TP, "btf_trace_", BTF_KIND_TYPEDEF },
	{ "iter/", BPF_TRACE_ITER, "bpf_iter_", BTF_KIND_FUNC },
};

struct kernel_types {
	struct btf_parts parts;
	bool known;			/* they have all that is wanted */
	int fd;				/* of the copy; -1: there is none */
	char path[32];
	int handlers[ARRAY_SIZE(sections)];
};

/* What a program attaches to, and its kind; 0: it is not of sections[]. */
static u32 attach_name(const struct bpf_program *prog, char *name, size_t size)
{
	const char *section = bpf_program__section_name(prog);

	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		size_t len = strlen(sections[i].section);

		if (strncmp(section, sections[i].section, len))
			continue;
		snprintf(name, size, "%s%s", sections[i].prefix, section + len);
		return sections[i].kind;
	}
	return 0;
}

/* Called by libbpf before it loads a program of sections[]. */
static int prepare_program(struct bpf_program *prog, struct bpf_prog_load_opts *opts, long cookie)
{
	const struct kernel_types *types = (const void *)cookie;
	const struct btf_found *found;
	char name[BTF_NAME];

	found = btf_parts__found(&types->parts, name, attach_name(prog, name, sizeof(name)));
	/* As of libbpf. */
	if (!found)
		return -ESRCH;
	opts->attach_btf_id = found->id;
	opts->attach_btf_obj_fd = types->parts.part[found->part].fd;
	return 0;
}

static int attach_program(const struct bpf_program *prog, long cookie, struct bpf_link **link)
{
	(void)cookie;
	*link = bpf_program__attach_trace(prog);
	return *link ? 0 : -errno;
}

struct kernel_types *kernel_types__new(void)
{
	struct kernel_types *types = mem__calloc(1, sizeof(*types));
	LIBBPF_OPTS(libbpf_prog_handler_opts, opts,
		.cookie = (long)types,
		.prog_prepare_load_fn = prepare_program,
		.prog_attach_fn = attach_program,
	);

	if (!types)
		return NULL;
	types->parts = BTF_PARTS;
	types->fd = memfd_create("kvmw-types", MFD_CLOEXEC);
	snprintf(types->path, sizeof(types->path), "/proc/self/fd/%d", types->fd);
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		types->handlers[i] = libbpf_register_prog_handler(sections[i].section,
								  BPF_PROG_TYPE_TRACING,
								  sections[i].type, &opts);
	return types;
}

/* From here on libbpf looks for types. */
static void leave_to_libbpf(struct kernel_types *types)
{
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		if (types->handlers[i] > 0)
			libbpf_unregister_prog_handler(types->handlers[i]);
	memset(types->handlers, 0, sizeof(types->handlers));
	if (types->fd >= 0)
		close(types->fd);
	types->fd = -1;
}

void kernel_types__free(struct kernel_types *types)
{
	if (!types)
		return;
	leave_to_libbpf(types);
	btf_parts__free(&types->parts);
	free(types);
}

const char *kernel_types__path(const struct kernel_types *types)
{
	return types->fd >= 0 ? types->path : NULL;
}

/* All types with a name that the object has: some are its own, which no kernel has. */
static int want_all(struct kernel_types *types, const struct bpf_object *obj)
{
	const u32 kinds = BIT(BTF_KIND_STRUCT) | BIT(BTF_KIND_UNION) | BIT(BTF_KIND_ENUM) |
			  BIT(BTF_KIND_ENUM64) | BIT(BTF_KIND_TYPEDEF) | BIT(BTF_KIND_INT) |
			  BIT(BTF_KIND_FWD);
	const struct btf *btf = bpf_object__btf(obj);
	struct bpf_program *prog = NULL;
	char name[BTF_NAME];

	for (u32 id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);

		if (kinds & BIT(btf_kind(t)) && t->name_off &&
		    btf_parts__want(&types->parts, btf__name_by_offset(btf, t->name_off),
				    btf_kind(t)))
			return -1;
	}
	bpf_object__for_each_program(prog, obj) {
		u32 kind = attach_name(prog, name, sizeof(name));

		if (kind && btf_parts__want(&types->parts, name, kind))
			return -1;
	}
	return 0;
}

/* A limit on the size of files is one of these, too, and comes with a signal. */
static void write_copy(struct kernel_types *types, const u8 *raw, u32 size)
{
	void (*on_limit)(int) = signal(SIGXFSZ, SIG_IGN);

	if (write(types->fd, raw, size) != (ssize_t)size) {
		close(types->fd);
		types->fd = -1;
	}
	signal(SIGXFSZ, on_limit);
}

int kernel_types__find(struct kernel_types *types, const struct bpf_object *obj,
		       struct kvmw_config *config)
{
	u8 *raw = NULL;
	u32 size;
	int ret;

	ret = want_all(types, obj) || kernel__want(&types->parts) ? -1 :
	      btf_parts__find(&types->parts);
	if (ret < 0)
		return -1;
	if (ret == BTF_NEWER) {
		leave_to_libbpf(types);
		btf_parts__drop_types(&types->parts);
		kernel__read(config->events, NULL, config);
		return 0;
	}
	types->known = true;
	kernel__read(config->events, &types->parts, config);
	size = btf_parts__copy(&types->parts, &raw);
	if (size && types->fd >= 0)
		write_copy(types, raw, size);
	free(raw);
	btf_parts__drop_types(&types->parts);
	return size ? 0 : -1;
}

static u32 id_of_libbpf(const char *name)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int id = btf ? btf__find_by_name_kind(btf, name, BTF_KIND_STRUCT) : 0;

	btf__free(btf);
	return id > 0 ? id : 0;
}

u32 kernel_types__id(const struct kernel_types *types, const char *name)
{
	const struct btf_found *found;

	if (!types->known)
		return id_of_libbpf(name);
	found = btf_parts__found(&types->parts, name, BTF_KIND_STRUCT);
	return found && !found->part ? found->id : 0;
}
