# SPDX-License-Identifier: GPL-2.0
# Fast paths that run the guest again at once, without a kvm_entry (tests/vmm.c): Intel, before
# 5.12, and only if KVM uses the CPU's preemption timer.  The trace buffer is the witness.
. /src/tests/lab/scripts/lib.sh
cat /sys/module/kvm_intel/parameters/preemption_timer >preemption_timer
cd /sys/kernel/tracing || exit
echo 4096 >buffer_size_kb
for event in kvm_exit kvm_entry; do
	echo 1 >events/kvm/$event/enable || exit
done
cd /out || exit
step reentry kvmw record -o reentry.kvmw -- vmm '0 vm 0 1; 0 vcpu 0 0 0; 0 run 0 30 2 20'
grep -o 'kvm_[a-z]*: .*' /sys/kernel/tracing/trace >reentry.trace
