// SPDX-License-Identifier: GPL-2.0
#include "util/analysis/vcpu_life.h"

struct vcpu_life vcpu_life__of(const struct recording *rec, u32 id)
{
	const struct rec_vcpu *vcpu = recording__vcpu(rec, id);
	struct vcpu_life life = {
		.from_ns = rec->meta.start_ns ?: rec->first_ns,
		.to_ns = recording__end(rec),
	};
	u64 gone = vcpu ? vcpu->gone_ns : 0;

	life.until_ns = life.to_ns;
	if (gone && gone < life.to_ns)
		life.until_ns = gone > life.from_ns ? gone : life.from_ns;
	return life;
}

struct vcpu_time vcpu_life__account(const struct vcpu_life *life, const struct agg *sum,
				    u64 cycles_ns)
{
	bool open = sum->open_at && sum->open_at == sum->last_at;
	u64 unfinished = sum->rows - sum->span.count, lived = 0, known;
	struct vcpu_time time = { .gaps = unfinished - (open && unfinished) };

	if (open)
		time.open_ns = vcpu_life__since(life, sum->open.since);
	known = sat_add(cycles_ns, time.open_ns);
	if (life->from_ns && life->until_ns > life->from_ns)
		lived = life->until_ns - life->from_ns;
	if (lived > known)
		time.unseen_ns = lived - known;
	time.gone_ns = life->to_ns - life->until_ns;
	time.wall_ns = sat_add(sat_add(known, time.unseen_ns), time.gone_ns);
	return time;
}
