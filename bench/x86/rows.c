// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <string.h>

#include "bench/rows.h"

/* Of SVM: AMD64 Architecture Programmer's Manual, volume 2, appendix C. */
enum { INTR = 0x60, CPUID = 0x72, HLT = 0x78, IOIO = 0x7b, MSR = 0x7c, NPF = 0x400 };

static u64 rnd(u64 *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static u64 duration(u64 *seed, double floor, double spread)
{
	double sum = -6;

	for (int i = 0; i < 12; i++)
		sum += (double)(rnd(seed) >> 11) / (1ULL << 53);
	return floor + spread * exp(0.8 * sum);
}

void bench_rows__init(struct bench_rows *b, u64 seed, u64 start_ns)
{
	/* Its state must not be 0. */
	*b = (struct bench_rows) { .seed = (seed * 0x9e3779b97f4a7c15ULL) ^ 88172645463325252ULL };
	b->seed += !b->seed;
	for (u32 i = 0; i < BENCH_ROWS_VCPUS; i++)
		b->now[i] = start_ns + 100ULL * i;
}

static void bench_add_row(struct bench_rows *b, struct kvmw_exit *e)
{
	e->isa = KVMW_ISA_SVM;
	b->now[e->vcpu] += e->guest_ns;
	e->time_ns = b->now[e->vcpu];
	b->now[e->vcpu] += e->total_ns;
	b->nr++;
}

void bench_rows__turns(struct bench_rows *b, struct kvmw_exit *rows, u32 nr)
{
	for (u32 i = 0; i < nr; i++) {
		struct kvmw_exit *e = &rows[i];
		bool io = b->nr & 1;

		*e = (struct kvmw_exit) {
			.guest_ns = duration(&b->seed, 900, 700),
			.total_ns = duration(&b->seed, io ? 21000 : 9000, io ? 2500 : 1500),
			.reason = io ? IOIO : CPUID, .rip = io ? 0x100062 : 0x100058,
			.info1 = io ? 0x800210 : 0, .info2 = io ? 0x100064 : 0,
		};
		if (io)
			e->user_ns = e->total_ns / 4 + duration(&b->seed, 500, 300);
		if (rnd(&b->seed) % 200 == 0) {
			e->reason = INTR;
			e->info1 = e->info2 = e->user_ns = 0;
		}
		bench_add_row(b, e);
	}
}

void bench_rows__linux(struct bench_rows *b, struct kvmw_exit *rows, u32 nr)
{
	static const u32 reasons[] = { IOIO, IOIO, IOIO, IOIO, NPF, NPF, HLT, INTR, MSR, CPUID };

	for (u32 i = 0; i < nr; i++) {
		struct kvmw_exit *e = &rows[i];
		u32 vcpu = (rnd(&b->seed) % 8 ? b->nr / 64 : rnd(&b->seed)) % BENCH_ROWS_VCPUS, r;

		if (rnd(&b->seed) % 3 == 0)	/* else the same piece of code again */
			b->site = rnd(&b->seed) % 97;
		r = reasons[b->site % ARRAY_SIZE(reasons)];
		*e = (struct kvmw_exit) {
			.guest_ns = duration(&b->seed, 300, 3000),
			.total_ns = duration(&b->seed, 800 + 100 * r, 900),
			.reason = r,
			.vcpu = vcpu,
			.rip = 0xffffffff81000000ULL + 0x1357ULL * b->site,
		};
		if (r == IOIO) {
			e->user_ns = e->total_ns / 2;
			e->info1 = 0x3f80210 | (b->site % 5) << 16;
			e->info2 = e->rip + 1;
		} else if (r == NPF) {
			e->info1 = 0x100000006;
			e->info2 = 0xfe000000 + (rnd(&b->seed) % 4096 << 12);
		}
		bench_add_row(b, e);
	}
}
