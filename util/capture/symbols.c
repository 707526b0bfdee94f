// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/arch/arch.h"
#include "util/array.h"
#include "util/capture/preflight.h"
#include "util/symbols/elf_symbols.h"
#include "util/capture/symbols.h"
#include "util/search.h"

struct kernel_symbol {
	u64 address;
	char *name;		/* "sym", "sym [module]" */
};

struct file {
	struct file *next;
	u64 device, inode;
	char *name;		/* without its directories */
	int fd;			/* -1: none */
	bool read;		/* symbols are */
	struct elf_symbols symbols;
};

/* Executable memory of a process. */
struct mapping {
	u64 start, end, offset;
	struct file *file;
};

struct process {
	struct process *next;
	pid_t pid;
	struct mapping *mapping;
	u32 nr, room;
};

struct symbols {
	struct kernel_symbol *kernel;
	u32 nr_kernel, kernel_room;
	struct file *files;
	struct process *processes;
};

void symbols__free(struct symbols *s)
{
	if (!s)
		return;
	for (u32 i = 0; i < s->nr_kernel; i++)
		free(s->kernel[i].name);
	free(s->kernel);
	for (struct file *file = s->files, *next; file; file = next) {
		next = file->next;
		elf_symbols__free(&file->symbols);
		if (file->fd >= 0)
			close(file->fd);
		free(file->name);
		free(file);
	}
	for (struct process *p = s->processes, *next; p; p = next) {
		next = p->next;
		free(p->mapping);
		free(p);
	}
	free(s);
}

/* ---- the kernel ---------------------------------------------------------- */

static int symbols__by_address(const void *a, const void *b)
{
	const struct kernel_symbol *x = a, *y = b;

	return x->address < y->address ? -1 : x->address > y->address;
}

static int add_kernel(struct symbols *s, u64 address, const char *name, const char *module)
{
	struct kernel_symbol symbol = { .address = address };
	char text[256];

	if (array__reserve(s->kernel, s->nr_kernel, s->kernel_room, NULL))
		return -1;
	snprintf(text, sizeof(text), "%s%s%s", name, *module ? " " : "", module);
	symbol.name = mem__strdup(text);
	if (!symbol.name)
		return -1;
	s->kernel[s->nr_kernel++] = symbol;
	return 0;
}

/* Lines of /proc/kallsyms: address, type, name, and a module's name in brackets. */
static int read_kernel(struct symbols *s)
{
	FILE *in = fopen("/proc/kallsyms", "re");
	char line[512], name[160], module[64], type;
	unsigned long long address;
	int err = 0;

	while (!err && in && fgets(line, sizeof(line), in)) {
		*module = 0;
		if (sscanf(line, "%llx %c %159s %63s", &address, &type, name, module) < 3)
			continue;
		/* All 0: hidden, kernel.kptr_restrict. */
		if (!address || !strchr("tTwW", type))
			continue;
		err = add_kernel(s, address, name, module);
	}
	if (in)
		fclose(in);
	if (s->nr_kernel)
		qsort(s->kernel, s->nr_kernel, sizeof(*s->kernel), symbols__by_address);
	return err;
}

struct symbols *symbols__new(void)
{
	struct symbols *s = mem__calloc(1, sizeof(struct symbols));

	/* Now, because it takes long enough for a process to come and go. */
	if (!s || !read_kernel(s))
		return s;
	symbols__free(s);
	return NULL;
}

/* Never equal: the search ends behind the symbol that the address is in. */
static int symbols__is_behind(const void *address, const void *symbol)
{
	return *(const u64 *)address < ((const struct kernel_symbol *)symbol)->address ? -1 : 1;
}

void symbols__kernel(struct symbols *s, u64 address, char *buf, size_t size)
{
	size_t behind = lower_bound(&address, s->kernel, s->nr_kernel, sizeof(*s->kernel),
				    symbols__is_behind);
	const char *name, *module;

	if (!behind) {
		snprintf(buf, size, "0x%llx", (unsigned long long)address);
		return;
	}
	name = s->kernel[behind - 1].name;
	module = strchr(name, ' ');
	snprintf(buf, size, "%.*s+0x%llx%s", module ? (int)(module - name) : (int)strlen(name),
		 name, (unsigned long long)(address - s->kernel[behind - 1].address),
		 module ? module : "");
}

/* ---- processes ----------------------------------------------------------- */

/* A file that a process has mapped, even if deleted or in another mount namespace. */
static int open_mapped(pid_t pid, const char *range, const char *path)
{
	char name[4200];
	int fd;

	snprintf(name, sizeof(name), "/proc/%d/map_files/%s", pid, range);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	snprintf(name, sizeof(name), "/proc/%d/root%s", pid, path);
	return open(name, O_RDONLY | O_CLOEXEC);
}

static struct file *get_file(struct symbols *s, pid_t pid, const char *range, const char *path,
			     u64 device, u64 inode)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	struct file *file;

	for (file = s->files; file; file = file->next)
		if (file->device == device && file->inode == inode && !strcmp(file->name, name))
			return file;
	file = mem__calloc(1, sizeof(*file));
	if (!file)
		return NULL;
	file->device = device;
	file->inode = inode;
	file->name = mem__strdup(name);
	if (!file->name) {
		free(file);
		return NULL;
	}
	file->fd = *path == '/' ? open_mapped(pid, range, path) : -1;
	file->next = s->files;
	s->files = file;
	return file;
}

static void add_mapping(struct symbols *s, struct process *p, const char *line)
{
	unsigned long long start, end, offset, inode;
	char range[64], path[4096] = "";
	unsigned int major, minor;
	char x;

	if (sscanf(line, "%63s %*c%*c%c%*c %llx %x:%x %llu %4095[^\n]", range, &x, &offset, &major,
		   &minor, &inode, path) < 6 || x != 'x' ||
	    sscanf(range, "%llx-%llx", &start, &end) != 2)
		return;
	if (array__reserve(p->mapping, p->nr, p->room, NULL))
		return;
	p->mapping[p->nr++] = (struct mapping) {
		start, end, offset,
		get_file(s, p->pid, range, *path ? path : "[anon]", (u64)major << 32 | minor,
			 inode),
	};
}

static void read_process(struct symbols *s, struct process *p)
{
	char name[64], *line = NULL;
	size_t size = 0;
	FILE *in;

	snprintf(name, sizeof(name), "/proc/%d/maps", p->pid);
	in = host__knows_pids() ? fopen(name, "re") : NULL;
	/* It is gone: what is known about it still applies to its stacks. */
	if (!in)
		return;
	p->nr = 0;
	while (getline(&line, &size, in) > 0)
		add_mapping(s, p, line);
	free(line);
	fclose(in);
}

static const struct mapping *find_mapping(const struct process *p, u64 address)
{
	for (u32 i = 0; i < p->nr; i++)
		if (address >= p->mapping[i].start && address < p->mapping[i].end)
			return &p->mapping[i];
	return NULL;
}

static const struct mapping *get_mapping(struct symbols *s, pid_t pid, u64 address)
{
	const struct mapping *m;
	struct process *p;

	for (p = s->processes; p && p->pid != pid; p = p->next)
		;
	if (!p) {
		p = mem__calloc(1, sizeof(*p));
		if (!p)
			return NULL;
		p->pid = pid;
		p->next = s->processes;
		s->processes = p;
	}
	m = find_mapping(p, address);
	if (m)
		return m;
	read_process(s, p);
	return find_mapping(p, address);
}

void symbols__user(struct symbols *s, pid_t pid, u64 address, char *buf, size_t size,
		   struct elf_place *lost)
{
	const struct mapping *m = get_mapping(s, pid, address);
	u64 offset, into;
	const char *name;

	lost->id_len = 0;
	if (!m || !m->file) {
		snprintf(buf, size, "0x%llx", (unsigned long long)address);
		return;
	}
	offset = address - m->start + m->offset;
	/* Only now, because few of the mapped files of a VMM appear in its stacks. */
	if (!m->file->read && m->file->fd >= 0)
		elf_symbols__read(&m->file->symbols, m->file->fd, ELF_SYMBOLS_DEBUG_DIR);
	m->file->read = true;
	name = elf_symbols__find(&m->file->symbols, offset, &into);
	if (name)
		snprintf(buf, size, "%s+0x%llx [%s]", name, (unsigned long long)into,
			 m->file->name);
	else
		snprintf(buf, size, "%s+0x%llx", m->file->name, (unsigned long long)offset);
	if (!name)
		elf_symbols__place(&m->file->symbols, offset, lost);
}

bool symbols__after_call(struct symbols *s, pid_t pid, u64 address)
{
	const struct mapping *m = get_mapping(s, pid, address);
	u8 code[ARCH_MAX_CALL];

	if (!m || !m->file || m->file->fd < 0 || address - m->start < sizeof(code))
		return false;
	return pread(m->file->fd, code, sizeof(code),
		     address - m->start + m->offset - sizeof(code)) == sizeof(code) &&
	       arch__ends_with_call(code, sizeof(code));
}
