# SPDX-License-Identifier: GPL-2.0
# VMs that come and go, many at once, vCPUs that change threads, and one that has not run yet, beside perf,
# which counts the same exits in the same run.
. /src/tests/lab/scripts/lib.sh
many="python3 /src/tests/many_vms.py"
# counted NAME EVENT COMMAND...: perf counts it of COMMAND and all below
counted()
{
	counted=$1 event=$2
	shift 2
	step "$counted" perf stat -x, -o "$counted.perf" -e "$event" "$@"
}

# shellcheck disable=SC2086 # several words
counted many-short kvm:kvm_exit kvmw stat --json -a -- $many short 300
counted many-once kvm:kvm_exit kvmw stat --json --per vm -a -- sh -c 'i=0
	while [ $i -lt 40 ]; do kvmw bench guest --cpuid 20 >&2 & i=$((i + 1)); done
	wait'
# shellcheck disable=SC2086 # several words
counted many-turns kvm:kvm_exit kvmw stat --json --per vcpu -- $many take_turns 100 4
counted many-created kvm:kvm_set_irq kvmw record -q -a -e irq -o many-created.kvmw -- \
	timeout 5 qemu-system-x86_64 -accel kvm -m 32 -display none -S -monitor none -serial none
