// SPDX-License-Identifier: GPL-2.0
/*
 * Hypercalls of Hyper-V's guests that KVM or the VMM may see: Hyper-V's Top Level Functional
 * Specification, appendix A, without "HvCall"; the kernel's include/hyperv/hvgdk_mini.h,
 * arch/x86/kvm/hyperv.c.
 */
#include "util/arch/names.h"
#include "util/arch/x86/names/table.h"

static const struct name calls[] = {
	NAME(0x0001, "SwitchVirtualAddressSpace"),
	NAME(0x0002, "FlushVirtualAddressSpace"),
	NAME(0x0003, "FlushVirtualAddressList"),
	NAME(0x0004, "GetLogicalProcessorRunTime"),
	NAME(0x0008, "NotifyLongSpinWait"),
	NAME(0x000b, "SendSyntheticClusterIpi"),
	NAME(0x000c, "ModifyVtlProtectionMask"),
	NAME(0x000d, "EnablePartitionVtl"),
	NAME(0x000e, "DisablePartitionVtl"),
	NAME(0x000f, "EnableVpVtl"),
	NAME(0x0010, "DisableVpVtl"),
	NAME(0x0011, "VtlCall"),
	NAME(0x0012, "VtlReturn"),
	NAME(0x0013, "FlushVirtualAddressSpaceEx"),
	NAME(0x0014, "FlushVirtualAddressListEx"),
	NAME(0x0015, "SendSyntheticClusterIpiEx"),
	NAME(0x0040, "CreatePartition"),
	NAME(0x0041, "InitializePartition"),
	NAME(0x0042, "FinalizePartition"),
	NAME(0x0043, "DeletePartition"),
	NAME(0x0044, "GetPartitionProperty"),
	NAME(0x0045, "SetPartitionProperty"),
	NAME(0x0046, "GetPartitionId"),
	NAME(0x0048, "DepositMemory"),
	NAME(0x0049, "WithdrawMemory"),
	NAME(0x004b, "MapGpaPages"),
	NAME(0x004c, "UnmapGpaPages"),
	NAME(0x004d, "InstallIntercept"),
	NAME(0x004e, "CreateVp"),
	NAME(0x004f, "DeleteVp"),
	NAME(0x0050, "GetVpRegisters"),
	NAME(0x0051, "SetVpRegisters"),
	NAME(0x0052, "TranslateVirtualAddress"),
	NAME(0x0056, "ClearVirtualInterrupt"),
	NAME(0x0058, "DeletePort"),
	NAME(0x005b, "DisconnectPort"),
	NAME(0x005c, "PostMessage"),
	NAME(0x005d, "SignalEvent"),
	NAME(0x0069, "PostDebugData"),
	NAME(0x006a, "RetrieveDebugData"),
	NAME(0x006b, "ResetDebugSession"),
	NAME(0x0076, "AddLogicalProcessor"),
	NAME(0x007b, "GetSystemProperty"),
	NAME(0x007c, "MapDeviceInterrupt"),
	NAME(0x007d, "UnmapDeviceInterrupt"),
	NAME(0x007e, "RetargetDeviceInterrupt"),
	NAME(0x0094, "AssertVirtualInterrupt"),
	NAME(0x0095, "CreatePort"),
	NAME(0x0096, "ConnectPort"),
	NAME(0x0099, "StartVirtualProcessor"),
	NAME(0x009a, "GetVpIndexFromApicId"),
	NAME(0x00af, "FlushGuestAddressSpace"),
	NAME(0x00b0, "FlushGuestAddressList"),
};

const struct name_table hv_hypercall_table = NAME_TABLE("Hyper-V hypercalls", calls);

const char *hv_hypercall_name(u64 code)
{
	return name_table__find(&hv_hypercall_table, code, false);
}
