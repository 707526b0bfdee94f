/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints that become rows of a family: one list for the programs that read them, the
 * recorder that attaches the programs and finds the fields, and `kvmw list`.
 *
 * POINT(event, KIND, category, tracepoint, fields)
 *
 * event, KIND   of util/events.h
 * fields        "ours=theirs ours=theirs": the kernel's names as in the format file of the
 *               tracepoint (include/trace/events/kvm.h, arch/x86/kvm/trace.h,
 *               arch/x86/kvm/mmu/mmutrace.h).  "theirs|older": the first that this kernel
 *               has; a field without any is unknown.
 *
 * Where a kind has two tracepoints, the second is an older kernel's name for the first.
 */
#ifndef KVMW_POINTS_H
#define KVMW_POINTS_H

#define KVMW_POINTS(POINT)						\
	POINT(fault, PAGE_FAULT, kvm, kvm_page_fault,			\
	      "gpa=fault_address error_code=error_code rip=guest_rip")	\
	POINT(fault, FAST, kvmmmu, fast_page_fault,			\
	      "gpa=cr2_or_gpa|gva error_code=error_code result=ret")	\
	POINT(fault, MMIO, kvmmmu, handle_mmio_page_fault,		\
	      "gpa=addr pfn=gfn")					\
	POINT(fault, SET_SPTE, kvmmmu, kvm_mmu_set_spte, "level=level pfn=spte gpa=gfn") \
	POINT(fault, ASYNC_GET, kvm, kvm_try_async_get_page, "gpa=gfn")	\
	POINT(fault, ASYNC_NOT_PRESENT, kvm, kvm_async_pf_not_present, "result=token gpa=gva") \
	POINT(fault, ASYNC_READY, kvm, kvm_async_pf_ready, "result=token gpa=gva") \
	POINT(fault, ASYNC_DONE, kvm, kvm_async_pf_completed, "hva=address gpa=gva") \
	POINT(dirty, RING_PUSH, kvm, kvm_dirty_ring_push,		\
	      "slot=slot offset=offset index=dirty_index used=reset_index") \
	POINT(dirty, RING_RESET, kvm, kvm_dirty_ring_reset, "index=dirty_index used=reset_index") \
	POINT(dirty, RING_EXIT, kvm, kvm_dirty_ring_exit, "")		\
	POINT(dirty, PML_FULL, kvm, kvm_pml_full, "")			\
	POINT(irq, SET_IRQ, kvm, kvm_set_irq, "irq=gsi level=level")	\
	POINT(irq, PIC_SET, kvm, kvm_pic_set_irq,			\
	      "irq=pin address=chip trigger=elcr coalesced=coalesced")	\
	POINT(irq, IOAPIC_SET, kvm, kvm_ioapic_set_irq, "data=e irq=pin coalesced=coalesced") \
	POINT(irq, MSI_SET, kvm, kvm_msi_set_irq, "address=address data=data") \
	POINT(irq, IPI, kvm, kvm_apic_ipi, "data=icr_low dest=dest_id")	\
	POINT(irq, ACCEPT, kvm, kvm_apic_accept_irq,			\
	      "dest=apicid mode=dm trigger=tm vector=vec")		\
	POINT(irq, APICV_ACCEPT, kvm, kvm_apicv_accept_irq,		\
	      "dest=apicid mode=dm trigger=tm vector=vec")		\
	POINT(irq, INJECT, kvm, kvm_inj_virq, "vector=vector|irq")	\
	POINT(irq, EXCEPTION, kvm, kvm_inj_exception, "vector=exception error_code=error_code") \
	POINT(irq, EOI, kvm, kvm_eoi, "dest=apicid vector=vector")	\
	POINT(irq, PV_EOI, kvm, kvm_pv_eoi, "dest=apicid vector=vector") \
	POINT(irq, ACK, kvm, kvm_ack_irq, "address=irqchip irq=pin")	\
	POINT(irq, APIC, kvm, kvm_apic, "level=rw address=reg data=val") \
	POINT(irq, IOAPIC_EOI, kvm, kvm_ioapic_delayed_eoi_inj, "data=e") \
	POINT(irq, AVIC_IPI, kvm, kvm_avic_incomplete_ipi, "data=icrl dest=icrh mode=id") \
	POINT(irq, AVIC_ACCESS, kvm, kvm_avic_unaccelerated_access,	\
	      "address=offset level=rw vector=vec")			\
	POINT(irq, PI_UPDATE, kvm, kvm_pi_irte_update,			\
	      "irq=gsi vector=gvec dest=vcpu_id level=set data=host_irq") \
	POINT(irq, APICV_CHANGE, kvm, kvm_apicv_inhibit_changed, "mode=reason level=set data=inhibits") \
	POINT(halt, WINDOW, kvm, kvm_halt_poll_ns, "grow=grow window_ns=new old_window_ns=old") \
	POINT(hypercall, KVM, kvm, kvm_hypercall, "nr=nr a0=a0 a1=a1 a2=a2 a3=a3") \
	POINT(hypercall, HYPERV, kvm, kvm_hv_hypercall,			\
	      "nr=code a0=fast a1=rep_cnt a2=rep_idx a3=ingpa a4=outgpa") \
	POINT(hypercall, HYPERV_DONE, kvm, kvm_hv_hypercall_done, "result=result") \
	POINT(hypercall, XEN, kvm, kvm_xen_hypercall,			\
	      "nr=nr a0=a0 a1=a1 a2=a2 a3=a3 a4=a4 a5=a5")		\
	POINT(timer, HV_STATE, kvm, kvm_hv_timer_state, "in_use=hv_timer_in_use") \
	POINT(timer, WAIT_EXPIRE, kvm, kvm_wait_lapic_expire, "delta=delta") \
	POINT(timer, PVCLOCK, kvm, kvm_pvclock_update, "old=tsc_timestamp new=system_time") \
	POINT(timer, MASTERCLOCK, kvm, kvm_update_master_clock, "in_use=use_master_clock") \
	POINT(timer, TRACK_TSC, kvm, kvm_track_tsc,			\
	      "in_use=use_master_clock old=nr_vcpus_matched_tsc new=online_vcpus") \
	POINT(timer, TSC_OFFSET, kvm, kvm_write_tsc_offset,		\
	      "old=previous_tsc_offset new=next_tsc_offset")		\
	POINT(mmu, UNMAP, kvm, kvm_unmap_hva_range, "start=start end=end") \
	POINT(mmu, AGE, kvm, kvm_age_hva, "start=start end=end")	\
	POINT(mmu, AGE, kvm, kvm_age_page, "start=hva gfn=gfn level=level result=referenced") \
	POINT(mmu, TEST_AGE, kvm, kvm_test_age_hva, "start=hva")	\
	POINT(mmu, SET_SPTE, kvm, kvm_set_spte_hva, "start=hva")	\
	POINT(mmu, GET_PAGE, kvmmmu, kvm_mmu_get_page, "gfn=gfn count=root_count result=created") \
	POINT(mmu, SYNC_PAGE, kvmmmu, kvm_mmu_sync_page, "gfn=gfn count=root_count") \
	POINT(mmu, UNSYNC_PAGE, kvmmmu, kvm_mmu_unsync_page, "gfn=gfn count=root_count") \
	POINT(mmu, ZAP_PAGE, kvmmmu, kvm_mmu_prepare_zap_page, "gfn=gfn count=root_count") \
	POINT(mmu, ZAP_ALL, kvmmmu, kvm_mmu_zap_all_fast, "count=mmu_used_pages") \
	POINT(mmu, SPLIT, kvmmmu, kvm_mmu_split_huge_page,		\
	      "gfn=gfn old=spte level=level result=errno")		\
	POINT(mmu, SPTE_CHANGED, kvmmmu, kvm_tdp_mmu_spte_changed,	\
	      "gfn=gfn level=level old=old_spte new=new_spte")		\
	POINT(nested, ENTER, kvm, kvm_nested_vmenter, "rip=rip control=vmcb isa=isa") \
	POINT(nested, ENTER, kvm, kvm_nested_vmrun, "rip=rip control=vmcb") \
	POINT(nested, EXIT, kvm, kvm_nested_vmexit,			\
	      "rip=guest_rip reason=exit_reason info1=info1 info2=info2 "	\
	      "intr_info=intr_info error_code=error_code isa=isa")	\
	POINT(nested, INJECT, kvm, kvm_nested_vmexit_inject,		\
	      "reason=exit_code info1=exit_info1 info2=exit_info2 "	\
	      "intr_info=exit_int_info error_code=exit_int_info_err isa=isa") \
	POINT(nested, INTERCEPTS, kvm, kvm_nested_intercepts,		\
	      "info1=intercept1 info2=intercept2 error_code=exceptions")	\
	POINT(nested, INTR, kvm, kvm_nested_intr_vmexit, "rip=rip")	\
	POINT(nested, INVLPGA, kvm, kvm_invlpga, "rip=rip control=address") \
	POINT(nested, SKINIT, kvm, kvm_skinit, "rip=rip control=slb")	\
	POINT(nested, FAILED, kvm, kvm_nested_vmenter_failed, "error_code=err")

#define KVMW_POINT_ID(event, KIND, category, tracepoint, fields) KVMW_POINT_##tracepoint,
enum kvmw_point_id { KVMW_POINTS(KVMW_POINT_ID) KVMW_NR_POINTS };

#endif
