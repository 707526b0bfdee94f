# SPDX-License-Identifier: GPL-2.0
# Where the time of an idle Linux goes: mostly halted in KVM, with disk and console in QEMU.
. /src/tests/lab/scripts/lib.sh
export LAB_GUEST='while :; do sleep 0.02; dd if=/dev/vda of=/dev/null bs=4k count=1 iflag=direct;
echo round; done'
linux_guest /tmp/guest.txt lab-guest
stand_still "$vm"
# shellcheck disable=SC2086 # a command and its words
step time-idle perf record -q -k CLOCK_MONOTONIC -o time-idle.data -e kvm:kvm_vcpu_wakeup -p "$vm" \
	kvmw record -o time-idle.kvmw -p "$vm" -- $go_on "$vm" python3 /src/tests/lab/scripts/schedstat.py "$vm" 3
kill -KILL "$vm"
