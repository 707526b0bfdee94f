# SPDX-License-Identifier: GPL-2.0
# VMs in great numbers, at once and one after another, with perf counting the exits of them all.
. /src/tests/lab/scripts/lib.sh
: "${lab_vms:?is how many come and go, on the command line of the kernel}"
step many-at-once perf stat -x, -o many-at-once.perf -e kvm:kvm_exit \
	kvmw record -q -a -o many-at-once.kvmw -- python3 /src/tests/many_vms.py at_once 300 2 3 1
step many-short perf stat -x, -o many-short.perf -e kvm:kvm_exit \
	kvmw record -q -a --max-vcpus 256 -o many-short.kvmw -- python3 /src/tests/many_vms.py short "$lab_vms" 1
