# SPDX-License-Identifier: GPL-2.0
# Counters of a guest whose exits are known, beside perf stat, in total and by intervals.
. /src/tests/lab/scripts/lib.sh
what="--cpuid 2000 --pio 1000 --msr 300 --hlt 20 --mmio 100 --touch 50"
if [ ! -e /sys/module/kvm_intel ]; then
	what="$what --vcpus 2"
fi
# shellcheck disable=SC2086 # several words
timed_step stat perf stat -x, -o stat.perf -e kvm:kvm_exit -e kvm:kvm_userspace_exit \
	kvmw stat --json -- kvmw bench guest --json $what
# shellcheck disable=SC2086 # several words
timed_step stat-intervals kvmw stat --csv -I 50ms -- kvmw bench guest --json $what --rounds 3
# shellcheck disable=SC2086 # several words
timed_step stat-vcpus kvmw stat --json -I 100ms --per vcpu -- kvmw bench guest --json $what
