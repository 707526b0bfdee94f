// SPDX-License-Identifier: GPL-2.0
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/capture/proc.h"
#include "util/capture/proc_thread.h"
#include "util/capture/vm.h"
#include "util/cpus.h"
#include "util/memory.h"
#include "util/parse.h"

/* include/linux/sched.h: PF_IO_WORKER, PF_USER_WORKER (6.4), PF_KTHREAD */
#define KERNEL_WORKER	(0x10 | 0x4000 | 0x200000)
#define STAT_FIELDS	52	/* numbered as in proc_pid_stat(5), from 1 */

/* Those of a stat file, from the third on; the second may hold anything. */
struct stat_fields {
	char text[1024];
	const char *field[STAT_FIELDS + 1];	/* "" where the kernel has none */
};

static int read_stat(u32 pid, u32 tid, struct stat_fields *f)
{
	char *at, *save = NULL;
	u32 nr = 3;

	for (u32 i = 0; i <= STAT_FIELDS; i++)
		f->field[i] = "";
	if (proc__read(f->text, sizeof(f->text), "/proc/%u/task/%u/stat", pid, tid) <= 0)
		return 1;
	at = strrchr(f->text, ')');
	if (!at)
		return 1;
	for (at = strtok_r(at + 1, " \n", &save); at && nr <= STAT_FIELDS;
	     at = strtok_r(NULL, " \n", &save))
		f->field[nr++] = at;
	return *f->field[3] && !strchr("ZX", *f->field[3]) ? 0 : 1;
}

/* all ones: there is none */
static u64 number_of(const struct stat_fields *f, u32 i)
{
	return *f->field[i] ? strtoull(f->field[i], NULL, 10) : KVMW_NONE;
}

static u64 ticks_of(const struct stat_fields *f, u32 i)
{
	u64 ticks = number_of(f, i);

	return ticks == KVMW_NONE ? KVMW_NONE : ticks * (NSEC_PER_SEC / sysconf(_SC_CLK_TCK));
}

static void take_stat(const struct stat_fields *f, struct kvmw_thread *row)
{
	row->state = (unsigned char)*f->field[3];
	row->guest_ns = ticks_of(f, 43);
	row->user_ns = ticks_of(f, 14);
	/* The kernel's has the guest's in it, and each is rounded by itself. */
	if (row->user_ns != KVMW_NONE && row->guest_ns != KVMW_NONE)
		row->user_ns = row->user_ns > row->guest_ns ? row->user_ns - row->guest_ns : 0;
	row->system_ns = ticks_of(f, 15);
	row->started_ns = ticks_of(f, 22);
	row->nice = strtol(f->field[19], NULL, 10);
	row->cpu = number_of(f, 39);
	row->rt_priority = number_of(f, 40);
	row->policy = number_of(f, 41);
}

static void take_comm(u32 pid, u32 tid, struct kvmw_thread *row)
{
	char comm[32];

	proc__line(comm, sizeof(comm), "/proc/%u/task/%u/comm", pid, tid);
	memset(comm + strlen(comm), 0, sizeof(comm) - strlen(comm));
	memcpy(&row->comm0, comm, sizeof(row->comm0));
	memcpy(&row->comm1, comm + sizeof(row->comm0), sizeof(row->comm1));
}

static void take_schedstat(u32 pid, u32 tid, struct kvmw_thread *row)
{
	unsigned long long run, delay;
	char text[128];

	row->run_ns = row->delay_ns = KVMW_NONE;
	proc__line(text, sizeof(text), "/proc/%u/task/%u/schedstat", pid, tid);
	if (sscanf(text, "%llu %llu", &run, &delay) != 2)
		return;
	row->run_ns = run;
	row->delay_ns = delay;
}

/* "0-3,8"; cut where it does not fit. */
static void cpu_list(const struct cpus *cpus, char *buf, size_t room)
{
	size_t size = sizeof(cpus->set), len = 0;

	*buf = '\0';
	for (u32 from = 0, to; from < CPUS_MAX && len < room; from = to + 1) {
		to = from;
		if (!CPU_ISSET_S(from, size, cpus->set))
			continue;
		while (to + 1 < CPUS_MAX && CPU_ISSET_S(to + 1, size, cpus->set))
			to++;
		len += snprintf(buf + len, room - len, to > from ? "%s%u-%u" : "%s%u",
				len ? "," : "", from, to);
	}
}

/* Those that are online: Cpus_allowed of /proc has all that there could be. */
static int take_affinity(u32 tid, struct interned *names, struct kvmw_thread *row)
{
	struct cpus cpus;
	char list[4096];
	u32 nr = cpus__of(tid, &cpus);

	row->cpus = row->affinity = ~0U;
	if (!nr)
		return 0;
	row->cpus = nr;
	cpu_list(&cpus, list, sizeof(list));
	return interned__text(names, list, &row->affinity);
}

/* "[<0>] kvm_vcpu_block+0x4f/0x140 [kvm]" becomes "kvm_vcpu_block+0x4f [kvm]"; it gets shorter. */
static void clean_stack(char *text)
{
	char *to = text;

	for (char *line = text, *next; *line; line = next) {
		size_t len = strcspn(line, "\n"), offset, size;
		char *name = memchr(line, ']', len);

		next = line + len + (line[len] == '\n');
		if (*line != '[' || !name)
			continue;
		name += 1 + strspn(name + 1, " ");
		len -= name - line;
		offset = strcspn(name, "/\n");
		offset = offset < len ? offset : len;
		memmove(to, name, offset);
		to += offset;
		name += offset;
		len -= offset;
		size = strcspn(name, " \n");
		size = size < len ? size : len;
		memmove(to, name + size, len - size);
		to += len - size;
		*to++ = '\n';
	}
	*to = '\0';
}

/* Without the privilege to read stacks, the function alone in which the thread sleeps. */
static int take_stack(u32 pid, u32 tid, struct interned *names, struct kvmw_thread *row)
{
	char text[4096];

	row->stack = INTERNED_NONE;
	if (row->state == 'R')
		return 0;
	if (proc__read(text, sizeof(text), "/proc/%u/task/%u/stack", pid, tid) > 0)
		clean_stack(text);
	if (!*text) {
		proc__line(text, sizeof(text), "/proc/%u/task/%u/wchan", pid, tid);
		if (!strcmp(text, "0"))
			*text = '\0';
	}
	return interned__stack(names, text, &row->stack);
}

/* The number of the vCPU that a file is; all ones: it is none. */
static u32 vcpu_of_file(u32 pid, unsigned long long fd)
{
	char path[64], link[64];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%u/fd/%llu", pid, fd);
	len = readlink(path, link, sizeof(link) - 1);
	if (len <= 0)
		return ~0U;
	link[len] = '\0';
	return vm__vcpu_of_link(link);
}

/*
 * Of a thread that is not asleep the file says "running". worker: it never leaves the kernel, and
 * the file has the registers of the thread that started it.
 */
static void take_syscall(u32 pid, u32 tid, bool worker, struct kvmw_thread *row)
{
	unsigned long long fd, cmd;
	char text[256];
	int got;
	long nr;

	row->syscall = KVMW_NONE;
	row->in_run = (u16)~0;
	row->number = ~0U;
	if (worker)
		return;
	proc__line(text, sizeof(text), "/proc/%u/task/%u/syscall", pid, tid);
	got = sscanf(text, "%ld %llx %llx", &nr, &fd, &cmd);
	if (got < 1)
		return;
	if (nr >= 0)
		row->syscall = nr;
	row->in_run = got == 3 && nr == __NR_ioctl && (u32)cmd == KVM_RUN;
	if (row->in_run)
		row->number = vcpu_of_file(pid, fd);
	/* Stopped by a signal, for which it had to leave KVM_RUN. */
	if (strchr("Tt", row->state))
		row->in_run = 0;
}

int proc_thread__read(u32 pid, u32 tid, struct interned *names, struct kvmw_thread *row)
{
	struct stat_fields stat;

	*row = (struct kvmw_thread) { .pid = pid, .tid = tid };
	if (read_stat(pid, tid, &stat))
		return 1;
	take_stat(&stat, row);
	take_comm(pid, tid, row);
	take_schedstat(pid, tid, row);
	take_syscall(pid, tid, number_of(&stat, 9) & KERNEL_WORKER, row);
	return take_affinity(tid, names, row) || take_stack(pid, tid, names, row) ? -1 : 0;
}
