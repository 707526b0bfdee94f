# SPDX-License-Identifier: GPL-2.0
# What kvmw record refuses. Unloads KVM at the end: the last script of a boot.
. /src/tests/lab/scripts/lib.sh
sleep 600 &
other=$!
step no-pid kvmw record -o /tmp/x -p 4000000 -- true
step no-vm kvmw record -o /tmp/x -p $other -- true
kill $other
step no-event kvmw record -o /tmp/x -e exits -- true
step no-dir kvmw record -o /nowhere/at/all -- true
step no-file kvmw record -o /proc/version -- true
step no-command kvmw record -o /tmp/x -- no-such-command
step no-btf unshare -m sh -c 'mount -t tmpfs none /sys/kernel/btf && kvmw record -o /tmp/x -- true'
step nothing kvmw record
step both kvmw record -p 1 -a

mkdir /tmp/small
mount -t tmpfs -o size=64k none /tmp/small
step full kvmw record -o /tmp/small/full.kvmw -- kvmw bench guest --cpuid 20 --pio 20 --rounds 2000
cp /tmp/small/full.kvmw .
dd if=/dev/zero of=/tmp/small/rest bs=4k 2>/dev/null
step full-already kvmw record -o /tmp/small/more -- true

step no-tracefs unshare -m sh -c 'umount -a -t tracefs; umount -l /sys/kernel/debug; mount -t tmpfs none /sys/kernel
	kvmw record -o /tmp/x -- true'
rmmod kvm_amd kvm
step no-kvm kvmw record -o /tmp/x -- true
step no-kvm-list kvmw list --json
