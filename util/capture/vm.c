// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "util/array.h"
#include "util/capture/proc.h"
#include "util/capture/vm.h"
#include "util/error.h"
#include "util/text.h"

#define VCPU_LINK "anon_inode:kvm-vcpu:"

/* A zombie has no files, and cannot be looked into: it has ended. */
static pid_t tgid_of(pid_t pid)
{
	char status[1024], *line;
	int tgid;

	if (proc__read(status, sizeof(status), "/proc/%d/status", pid) <= 0)
		return -1;
	line = strstr(status, "\nState:\t");
	if (line && strchr("ZX", line[strlen("\nState:\t")]))
		return -1;
	line = strstr(status, "\nTgid:");
	return line && sscanf(line, "\nTgid: %d", &tgid) == 1 ? tgid : -1;
}

/* QEMU: -name NAME, -name guest=NAME,…; a libvirt name has the second form. */
static void qemu_name(const char *value, char *name, size_t size)
{
	const char *guest = strstr(value, "guest=");

	if (guest)
		value = guest + strlen("guest=");
	/* -name debug-threads=on has none. */
	if (!guest && strcspn(value, "=") < strcspn(value, ","))
		return;
	snprintf(name, size, "%.*s", (int)strcspn(value, ","), value);
}

/*
 * cloud-hypervisor has no name but that of its socket: --api-socket [path=]DIR/NAME.sock, as
 * libvirt DIR/NAME-socket, as Kata Containers DIR/ID/clh-api.sock.
 */
static void socket_name(const char *value, char *name, size_t size)
{
	static const char *const ends[] = { ".sock", ".socket", "-socket", "-api", ".api" };
	char path[256], *base;

	if (!strncmp(value, "path=", 5))
		value += 5;
	snprintf(path, sizeof(path), "%.*s", (int)strcspn(value, ","), value);
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		size_t len = strlen(path), n = strlen(ends[i]);

		if (len > n && !strcmp(path + len - n, ends[i]))
			path[len - n] = '\0';
	}
	base = strrchr(path, '/');
	if (base && (!strcmp(base, "/clh") || !strcmp(base, "/api"))) {
		*base = '\0';
		base = strrchr(path, '/');
	}
	snprintf(name, size, "%s", base ? base + 1 : path);
}

/* At most size - 1 bytes, but what a terminal must not get. */
static void keep_name(char *to, size_t size, const char *name)
{
	char *clean = text__clean(name, size - 1);
	size_t len = clean ? strlen(clean) : 0;

	/* Not in the middle of a character. */
	if (len >= size)
		for (len = size - 1; len && ((u8)clean[len] & 0xc0) == 0x80; len--)
			;
	snprintf(to, size, "%.*s", (int)len, clean ?: "");
	free(clean);
}

/*
 * The options that name a VM: --id of Firecracker, --name of crosvm, and as QEMU and kvmtool
 * write it; -uuid of QEMU.
 */
static void name_from_args(const char *args, size_t len, struct vm *vm)
{
	static const char *const options[] = { "-name", "--name", "--id" };
	char name[sizeof(vm->name)];

	for (const char *p = args, *end = args + len; p < end; p += strlen(p) + 1) {
		for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
			size_t n = strlen(options[i]);
			const char *next = p + strlen(p) + 1;

			if (strncmp(p, options[i], n))
				continue;
			*name = '\0';
			if (p[n] == '=' && i)
				snprintf(name, sizeof(name), "%s", p + n + 1);
			else if (!p[n] && next < end)
				qemu_name(next, name, sizeof(name));
			/* An earlier name, of a socket, is not as good. */
			if (*name)
				keep_name(vm->name, sizeof(vm->name), name);
		}
		if (!strcmp(p, "--api-socket") && p + strlen(p) + 1 < end && !*vm->name) {
			socket_name(p + strlen(p) + 1, name, sizeof(name));
			keep_name(vm->name, sizeof(vm->name), name);
		}
		if (!strcmp(p, "-uuid") && p + strlen(p) + 1 < end)
			keep_name(vm->uuid, sizeof(vm->uuid), p + strlen(p) + 1);
	}
}

void vm__describe(pid_t pid, struct vm *vm)
{
	char path[64], exe[PATH_MAX], args[16384];
	ssize_t len;

	vm->pid = pid;
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	len = readlink(path, exe, sizeof(exe) - 1);
	if (len > 0) {
		char *deleted, *base;

		exe[len] = '\0';
		deleted = strstr(exe, " (deleted)");
		if (deleted)
			*deleted = '\0';
		base = strrchr(exe, '/');
		keep_name(vm->vmm, sizeof(vm->vmm), base ? base + 1 : exe);
	} else if (proc__read(exe, sizeof(exe), "/proc/%d/comm", pid) > 0) {
		exe[strcspn(exe, "\n")] = '\0';
		keep_name(vm->vmm, sizeof(vm->vmm), exe);
	}
	len = proc__read(args, sizeof(args), "/proc/%d/cmdline", pid);
	if (len > 0)
		name_from_args(args, len, vm);
}

/* Field 22 of /proc/PID/stat (proc(5)), to a tick; while suspended only one of the clocks goes. */
bool vm__started_at(pid_t pid, u64 start_ns)
{
	struct timespec boot, mono;
	unsigned long long ticks;
	char stat[1024], *comm;
	s64 offset, started;

	if (proc__read(stat, sizeof(stat), "/proc/%d/stat", pid) <= 0)
		return false;
	comm = strrchr(stat, ')');
	if (!comm || sscanf(comm, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d "
			    "%*d %*d %*d %*d %llu", &ticks) != 1)
		return false;
	clock_gettime(CLOCK_BOOTTIME, &boot);
	clock_gettime(CLOCK_MONOTONIC, &mono);
	offset = (boot.tv_sec - mono.tv_sec) * (s64)NSEC_PER_SEC + boot.tv_nsec - mono.tv_nsec;
	started = ticks * (NSEC_PER_SEC / sysconf(_SC_CLK_TCK)) - offset;
	return llabs(started - (s64)start_ns) < (s64)NSEC_PER_SEC / 50;
}

u32 vm__vcpu_of_link(const char *link)
{
	return strncmp(link, VCPU_LINK, strlen(VCPU_LINK)) ? ~0U :
	       (u32)atoi(link + strlen(VCPU_LINK));
}

int vm__each_fd(pid_t pid, vm_fd_fn *found, void *arg)
{
	char path[64], link[64];
	struct dirent *entry;
	int refused = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? ESRCH : errno;
	while ((entry = readdir(dir))) {
		ssize_t len = readlinkat(dirfd(dir), entry->d_name, link, sizeof(link) - 1);

		if (len <= 0) {
			/* fd/ is owner-readable but its links need ptrace access. */
			if (len < 0 && (errno == EACCES || errno == EPERM))
				refused = errno;
			continue;
		}
		link[len] = '\0';
		if (!strcmp(link, "anon_inode:kvm-vm"))
			found(arg, atoi(entry->d_name), -1);
		else if (vm__vcpu_of_link(link) != ~0U)
			found(arg, atoi(entry->d_name), vm__vcpu_of_link(link));
	}
	closedir(dir);
	return refused;
}

static void count_fd(void *arg, int fd, int vcpu)
{
	struct vm *vm = arg;

	vm->nr_vms += vcpu < 0;
	vm->nr_vcpus += vcpu >= 0;
}

int vm__read(pid_t pid, struct vm *vm)
{
	int err;

	memset(vm, 0, sizeof(*vm));
	pid = tgid_of(pid);
	if (pid < 0)
		return ESRCH;
	vm__describe(pid, vm);
	err = vm__each_fd(pid, count_fd, vm);
	return vm->nr_vms ? 0 : err;
}

static int by_pid(const void *a, const void *b)
{
	const struct vm *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

int vm__scan(struct vm **vms, u32 *hidden)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	u32 nr = 0, room = 0;
	int err = 0;

	*vms = NULL;
	*hidden = 0;
	if (!proc)
		return error("cannot read /proc: %s", strerror(errno));
	while (!err && (entry = readdir(proc))) {
		struct vm vm;
		int why;

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		why = vm__read(atoi(entry->d_name), &vm);
		if (why == EACCES || why == EPERM)
			++*hidden;
		if (why || !vm.nr_vms)
			continue;
		err = array__reserve(*vms, nr, room, NULL);
		if (!err)
			(*vms)[nr++] = vm;
	}
	closedir(proc);
	if (err)
		return -1;
	if (nr)
		qsort(*vms, nr, sizeof(**vms), by_pid);
	return nr;
}
