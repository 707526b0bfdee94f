// SPDX-License-Identifier: GPL-2.0
#include "util/analysis/model_dirty.h"
#include "util/analysis/model_fault.h"
#include "util/analysis/model_halt.h"
#include "util/analysis/model_irq.h"
#include "util/analysis/model_mmu.h"
#include "util/analysis/model_sched.h"

static const struct report_model *const models[] = {
	&halt_report_model,
	&sched_report_model,
	&dirty_report_model,
	&irq_report_model,
	&fault_report_model,
	&mmu_report_model,
};

const struct report_model *report_model__find(u32 event)
{
	for (size_t i = 0; i < ARRAY_SIZE(models); i++)
		if (models[i]->event == event)
			return models[i];
	return NULL;
}
