// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdlib.h>

#include "util/analysis/diff/noise.h"

#define STEPS	128	/* of an integral, even */
#define TREND	2.33	/* standard deviations: one in 100 without a trend has one by chance */

struct batches {
	double mean, variance;	/* of a batch */
	/* squares of steps by squares of deviations: 2 where there is no order */
	double trend;
	u32 nr;
};

static double batch_at(const struct noise_series *s, u32 batch, u32 i)
{
	double sum = 0;

	for (u32 k = 0; k < batch; k++)
		sum += s->value[i * batch + k];
	return sum / batch;
}

static struct batches make_batches(const struct noise_series *s, u32 batch)
{
	struct batches b = { .nr = s->nr / batch };
	double squares = 0, steps = 0;

	for (u32 i = 0; i < b.nr; i++)
		b.mean += batch_at(s, batch, i) / b.nr;
	for (u32 i = 0; i < b.nr; i++) {
		double x = batch_at(s, batch, i) - b.mean;
		double step = i ? batch_at(s, batch, i) - batch_at(s, batch, i - 1) : 0;

		squares += x * x;
		steps += step * step;
	}
	b.variance = b.nr > 1 ? squares / (b.nr - 1) : 0;
	b.trend = squares > 0 ? steps / squares : 2;
	return b;
}

/*
 * With t = sqrt(freedom) * tan(a) the density is that of cos(a)^(freedom - 1), from a to a right
 * angle, which Simpson's rule sums up.
 */
double noise__student(double t, double freedom)
{
	double from = atan(fabs(t) / sqrt(freedom)), width = (M_PI_2 - from) / STEPS, sum = 0;
	double scale = lgamma((freedom + 1) / 2) - lgamma(freedom / 2);

	for (u32 i = 0; i <= STEPS; i++) {
		double weight = !i || i == STEPS ? 1 : i % 2 ? 4 : 2;

		sum += weight * pow(fabs(cos(from + i * width)), freedom - 1);
	}
	sum *= width / 3 * 2 * exp(scale) / sqrt(M_PI);
	return sum > 1 ? 1 : sum;
}

/*
 * How many independent batches these are worth: neighbours that are alike by
 * r make (1 - r) / (1 + r) of them, and the ratio of von Neumann is 2 (1 - r).
 */
static double worth(const struct batches *b)
{
	double like = 1 - b->trend / 2;

	like = like < 0 ? 0 : like;
	return fmax(2, b->nr * (1 - like) / (1 + like));
}

static double welch(const struct batches *a, const struct batches *b, double na, double nb)
{
	double va = a->variance / na, vb = b->variance / nb, freedom;

	if (va + vb <= 0)
		return a->mean == b->mean;
	freedom = (va + vb) * (va + vb) / (va * va / (na - 1) + vb * vb / (nb - 1));
	return noise__student((a->mean - b->mean) / sqrt(va + vb), freedom);
}

/* The ratio of von Neumann: how far below 2 it may be by chance. */
static bool has_trend(const struct batches *b)
{
	double n = b->nr;

	return b->trend < 2 - TREND * sqrt(4 * (n - 2) / (n * n - 1));
}

double noise__test(const struct noise_series *old, const struct noise_series *new, u32 batch,
		   bool *drifts)
{
	struct batches a = make_batches(old, batch), b = make_batches(new, batch);
	double plain = 0, worst = 0;
	bool trend;

	*drifts = false;
	if (a.nr < NOISE_MIN || b.nr < NOISE_MIN)
		return NAN;
	trend = has_trend(&a) || has_trend(&b);
	for (u32 size = 1; size <= batch; size *= 2) {
		a = make_batches(old, size);
		b = make_batches(new, size);
		if (trend)
			plain = fmax(plain, welch(&a, &b, a.nr, b.nr));
		worst = fmax(worst, welch(&a, &b, worth(&a), worth(&b)));
	}
	*drifts = trend && plain <= NOISE_ALPHA && worst > NOISE_ALPHA;
	return worst;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

double noise__holm(double *p, u32 nr, double alpha)
{
	double limit = -1;

	qsort(p, nr, sizeof(*p), compare_doubles);
	for (u32 i = 0; i < nr && p[i] * (nr - i) <= alpha; i++)
		limit = p[i];
	return limit;
}
