# SPDX-License-Identifier: GPL-2.0
# A real guest, Linux on two vCPUs in QEMU, with perf kvm stat watching it too.
. /src/tests/lab/scripts/lib.sh
export LAB_GUEST='while :; do dd if=/dev/zero of=/dev/vda bs=64k count=4 oflag=direct;
md5sum /bin/busybox; sleep 0.02; echo round; done'
linux_guest /tmp/guest.txt lab-guest
step linux-list kvmw list --json
perf kvm stat record -k CLOCK_MONOTONIC -o linux.data -p "$vm" sleep 600 >linux.perf 2>&1 &
perf=$!
until_so test -s linux.data
sleep 2
step linux kvmw record -o linux.kvmw -p "$vm" -- sleep 3
step linux-name kvmw record -q -o name.kvmw --vm lab-guest -- sleep 0.5
step linux-no-name kvmw record -q -o name.kvmw --vm lab-gest -- sleep 0.5
sleep 0.5
kill -INT $perf
wait $perf
kill "$vm"
