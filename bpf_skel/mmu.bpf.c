// SPDX-License-Identifier: GPL-2.0
/* Provider "mmu": the host changing guest memory, and the shadow MMU. */
#include "point.bpf.h"

POINT_PROGRAM(KVMW_EVENT_MMU, mmu, UNMAP, kvm, kvm_unmap_hva_range)
POINT_PROGRAM(KVMW_EVENT_MMU, mmu, AGE, kvm, kvm_age_hva)
POINT_PROGRAM(KVMW_EVENT_MMU, mmu, AGE, kvm, kvm_age_page)
POINT_PROGRAM(KVMW_EVENT_MMU, mmu, TEST_AGE, kvm, kvm_test_age_hva)
POINT_PROGRAM(KVMW_EVENT_MMU, mmu, SET_SPTE, kvm, kvm_set_spte_hva)
POINT_PROGRAM(KVMW_EVENT_MMU, mmu, GET_PAGE, kvmmmu, kvm_mmu_get_page)
POINT_PROGRAM(KVMW_EVENT_MMU, mmu, SYNC_PAGE, kvmmmu, kvm_mmu_sync_page)
POINT_PROGRAM(KVMW_EVENT_MMU, mmu, UNSYNC_PAGE, kvmmmu, kvm_mmu_unsync_page)
POINT_PROGRAM(KVMW_EVENT_MMU, mmu, ZAP_PAGE, kvmmmu, kvm_mmu_prepare_zap_page)
POINT_PROGRAM(KVMW_EVENT_MMU, mmu, ZAP_ALL, kvmmmu, kvm_mmu_zap_all_fast)
POINT_PROGRAM(KVMW_EVENT_MMU, mmu, SPLIT, kvmmmu, kvm_mmu_split_huge_page)
POINT_PROGRAM(KVMW_EVENT_MMU, mmu, SPTE_CHANGED, kvmmmu, kvm_tdp_mmu_spte_changed)

/* A vCPU has no valid root for its next entry and gets one. */
static __always_inline void mmu_load(void)
{
	struct kvmw_vcpu_state *s = active ? state_of_current() : NULL;
	struct kvmw_ring_row row;

	if (!s)
		return;
	row_begin(&row, s, KVMW_EVENT_MMU, KVMW_mmu_LOAD, NR_VALUES(mmu));
	point_send(s, &row, mmu, LOAD);
}

SEC("kprobe/kvm_mmu_load")
int mmu_load_kprobe(void *ctx)
{
	mmu_load();
	return 0;
}

SEC("fentry/kvm_mmu_load")
int mmu_load_fentry(void *ctx)
{
	mmu_load();
	return 0;
}

char LICENSE[] SEC("license") __weak = "GPL";
