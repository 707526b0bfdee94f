// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/capture/host_state.h"
#include "util/capture/proc.h"
#include "util/capture/session.h"
#include "util/capture/vm.h"

#define CPU_SYSFS "/sys/devices/system/cpu/"
#define MM_SYSFS "/sys/kernel/mm/"

struct reading_host {
	struct host_state *host;
	struct interned *names;
	u16 moment;
	int err;
};

/* text: "" for none. */
static void add_fact(struct reading_host *r, u32 kind, u64 value, const char *text)
{
	struct kvmw_host row = { .time_ns = monotonic_ns(), .moment = r->moment, .kind = kind,
				 .value = value };

	if ((value == KVMW_NONE && !*text) || r->host->nr == HOST_STATE_MAX)
		return;
	r->err |= interned__text(r->names, text, &row.text);
	r->host->row[r->host->nr++] = row;
}

/* Files that hold one number, one line, or a choice: "always [madvise] never". */
static const struct host_file {
	u16 kind;
	const char *path;
	enum { FILE_NUMBER, FILE_LINE, FILE_CHOICE } holds;
	bool changes;
} host_files[] = {
	{ KVMW_host_KSM, MM_SYSFS "ksm/run", FILE_NUMBER, false },
	{ KVMW_host_KSM_SHARING, MM_SYSFS "ksm/pages_sharing", FILE_NUMBER, true },
	{ KVMW_host_THP, MM_SYSFS "transparent_hugepage/enabled", FILE_CHOICE, false },
	{ KVMW_host_THP_SHMEM, MM_SYSFS "transparent_hugepage/shmem_enabled", FILE_CHOICE, false },
	{ KVMW_host_HUGEPAGES, "/proc/sys/vm/nr_hugepages", FILE_NUMBER, true },
	{ KVMW_host_NUMA_NODES, "/sys/devices/system/node/online", FILE_LINE, false },
	{ KVMW_host_NUMA_BALANCING, "/proc/sys/kernel/numa_balancing", FILE_NUMBER, false },
	{ KVMW_host_CPUS, CPU_SYSFS "online", FILE_LINE, true },
	{ KVMW_host_ISOLATED, CPU_SYSFS "isolated", FILE_LINE, false },
	{ KVMW_host_NOHZ_FULL, CPU_SYSFS "nohz_full", FILE_LINE, false },
	{ KVMW_host_SMT, CPU_SYSFS "smt/active", FILE_NUMBER, false },
	{ KVMW_host_CLOCKSOURCE, "/sys/devices/system/clocksource/clocksource0/current_clocksource",
	  FILE_LINE, true },
	{ KVMW_host_LOAD, "/proc/loadavg", FILE_LINE, true },
};

static void read_host_file(struct reading_host *r, const struct host_file *file)
{
	char text[4096], *end;
	u64 value;

	proc__line(text, sizeof(text), "%s", file->path);
	if (file->holds == FILE_NUMBER) {
		value = strtoull(text, &end, 10);
		add_fact(r, file->kind, *text && !*end ? value : KVMW_NONE, "");
		return;
	}
	if (file->holds == FILE_CHOICE) {
		char *chosen = strchr(text, '[');

		if (!chosen)
			return;
		chosen[strcspn(chosen, "]")] = '\0';
		add_fact(r, file->kind, KVMW_NONE, chosen + 1);
		return;
	}
	/* What has no CPUs says "(null)" on some kernels. */
	add_fact(r, file->kind, KVMW_NONE, strstr(text, "(null)") ? "" : text);
}

/* "cpu  user nice system idle iowait irq softirq steal ...", in ticks */
static void read_cpu_times(struct reading_host *r)
{
	unsigned long long t[8], tick = NSEC_PER_SEC / sysconf(_SC_CLK_TCK);
	char line[512];

	proc__line(line, sizeof(line), "/proc/stat");
	if (sscanf(line, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &t[0], &t[1], &t[2], &t[3],
		   &t[4], &t[5], &t[6], &t[7]) != 8)
		return;
	add_fact(r, KVMW_host_STEAL, t[7] * tick, "");
	add_fact(r, KVMW_host_IDLE, (t[3] + t[4]) * tick, "");
}

/* "menu" of "intel_idle": driver and governor. */
static void read_pair(struct reading_host *r, u32 kind, const char *folder, const char *driver,
		      const char *governor)
{
	char first[64], second[64], text[140];

	proc__line(first, sizeof(first), CPU_SYSFS "%s/%s", folder, driver);
	proc__line(second, sizeof(second), CPU_SYSFS "%s/%s", folder, governor);
	snprintf(text, sizeof(text), "%s%s%s", first, *first && *second ? ", " : "", second);
	add_fact(r, kind, KVMW_NONE, text);
}

static void read_whether_guest(struct reading_host *r)
{
	char info[16384], flags[8192], vendor[128];
	const char *found;

	proc__read(info, sizeof(info), "/proc/cpuinfo");
	found = strstr(info, "\nflags");
	/* Other architectures do not tell. */
	if (!found)
		return;
	snprintf(flags, sizeof(flags), "%.*s ", (int)strcspn(found + 1, "\n"), found + 1);
	proc__line(vendor, sizeof(vendor), "/sys/class/dmi/id/sys_vendor");
	add_fact(r, KVMW_host_GUEST, !!strstr(flags, " hypervisor "), vendor);
}

static void count_vms(struct reading_host *r)
{
	struct vm *vms = NULL;
	char text[80] = "";
	u32 hidden;
	int nr = vm__scan(&vms, &hidden);

	free(vms);
	if (nr < 0)
		return;
	if (hidden)
		snprintf(text, sizeof(text), "%u process%s could not be inspected", hidden,
			 hidden == 1 ? "" : "es");
	add_fact(r, KVMW_host_VMS, nr, text);
}

static void read_free_hugepages(struct reading_host *r)
{
	char info[8192], value[64];

	proc__read(info, sizeof(info), "/proc/meminfo");
	if (proc__value(info, "HugePages_Free", value, sizeof(value)))
		add_fact(r, KVMW_host_HUGEPAGES_FREE, strtoull(value, NULL, 10), "");
}

static void read_vulnerabilities(struct reading_host *r)
{
	DIR *dir = opendir(CPU_SYSFS "vulnerabilities");
	struct dirent *entry;
	char line[512], text[600];

	while (dir && (entry = readdir(dir))) {
		if (*entry->d_name == '.')
			continue;
		proc__line(line, sizeof(line), CPU_SYSFS "vulnerabilities/%s", entry->d_name);
		snprintf(text, sizeof(text), "%.64s: %s", entry->d_name, line);
		/* What does not affect this CPU is no news. */
		if (*line && strcmp(line, "Not affected"))
			add_fact(r, KVMW_host_VULNERABILITY, KVMW_NONE, text);
	}
	if (dir)
		closedir(dir);
}

int host_state__read(struct host_state *host, u32 moment, struct interned *names)
{
	struct reading_host r = { host, names, moment, 0 };

	host->nr = 0;
	read_cpu_times(&r);
	for (size_t i = 0; i < ARRAY_SIZE(host_files); i++)
		if (moment == 1 || host_files[i].changes)
			read_host_file(&r, &host_files[i]);
	read_free_hugepages(&r);
	if (moment == 1) {
		read_pair(&r, KVMW_host_CPUIDLE, "cpuidle", "current_driver",
			  "current_governor_ro");
		read_pair(&r, KVMW_host_CPUFREQ, "cpu0/cpufreq", "scaling_driver",
			  "scaling_governor");
		read_whether_guest(&r);
		count_vms(&r);
		read_vulnerabilities(&r);
	}
	return r.err ? -1 : 0;
}
