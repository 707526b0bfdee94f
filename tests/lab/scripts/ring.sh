# SPDX-License-Identifier: GPL-2.0
# A QEMU that takes dirty rings in place of bitmaps, migrating.
. /src/tests/lab/scripts/lib.sh
sed 's/-accel kvm/&,dirty-ring-size=1024/' "$(command -v lab-guest)" >/tmp/ring-guest
export LAB_GUEST='echo round; while :; do md5sum /bin/busybox; dd if=/dev/zero of=/dev/vda bs=64k count=4 oflag=direct; done'
linux_guest ring-guest.txt bash /tmp/ring-guest -qmp unix:/tmp/ring-qmp,server,nowait
stand_still "$vm"
# shellcheck disable=SC2086 # a command and its words
step ring perf stat -a -x, -o ring.perf -e kvm:kvm_dirty_ring_push -e kvm:kvm_dirty_ring_reset \
	-e kvm:kvm_dirty_ring_exit -e kvm:kvm_pml_full \
	kvmw record -m 64M -e dirty,memslot -o ring.kvmw -p "$vm" -- \
	$go_on "$vm" /usr/bin/python3 /src/tests/lab/scripts/migrate.py /tmp/ring-qmp
wait
