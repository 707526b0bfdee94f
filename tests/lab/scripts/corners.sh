# SPDX-License-Identifier: GPL-2.0
# VMMs that do what others seldom do (tests/vmm.c says how to read their scripts).
. /src/tests/lab/scripts/lib.sh

# KVM_RUN fails: struct kvm_run keeps the exit reason of an earlier return.
step failed-run perf record -q -o failed-run.data -e kvm:kvm_userspace_exit -- \
	kvmw record -e exit,userspace -o failed-run.kvmw -- \
	vmm '0 vm 0; 0 vcpu 0 0 0; 0 run 0 10 3; 0 imm 0 30'

# A Hyper-V guest: the number of its hypercalls is not where KVM's is.
step hyperv kvmw record -e exit,hypercall -o hyperv.kvmw -- hyperv_guest 20
