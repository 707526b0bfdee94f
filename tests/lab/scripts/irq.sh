# SPDX-License-Identifier: GPL-2.0
# A known number of interrupts and hypercalls, beside perf; timers on a host that hides its
# addresses.
. /src/tests/lab/scripts/lib.sh
if [ -e /sys/module/kvm_intel ]; then
	what="--ipi 60 --timer 20 --vmcall 40"
else
	what="--ipi 300 --timer 60 --vmcall 200 --vcpus 2"
fi
# shellcheck disable=SC2086 # options
timed_step irqs perf stat -x, -o irqs.perf -e kvm:kvm_apic_ipi -e kvm:kvm_apic_accept_irq \
	-e kvm:kvm_inj_virq -e kvm:kvm_eoi -e kvm:kvm_hypercall \
	kvmw record -e irq,hypercall -o irqs.kvmw -- kvmw bench guest --json $what
restricted=$(cat /proc/sys/kernel/kptr_restrict)
echo 1 >/proc/sys/kernel/kptr_restrict
step hidden capsh --drop=cap_syslog -- -c 'kvmw list --json'
timed_step hidden-record capsh --drop=cap_syslog -- -c \
	'kvmw record -e timer -o hidden.kvmw -- kvmw bench guest --timer 5'
echo "$restricted" >/proc/sys/kernel/kptr_restrict
