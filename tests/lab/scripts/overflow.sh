# SPDX-License-Identifier: GPL-2.0
# More exits than the smallest ring can hold. perf stat counts them, perf record has each one.
. /src/tests/lab/scripts/lib.sh
# One page for each ring.
size=4096
[ "$(nproc)" -ge 8 ] && size=8192
step overflow perf stat -x, -o overflow.perf -e kvm:kvm_exit \
	perf record -q -o overflow.data -k CLOCK_MONOTONIC -m 32M -c 1 \
	-e kvm:kvm_exit -e kvm:kvm_entry -- \
	kvmw record -m $size -o overflow.kvmw -- \
	kvmw bench guest --json --cpuid 1 --pio 1 --rounds 1000 --vcpus 2
