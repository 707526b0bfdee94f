# SPDX-License-Identifier: GPL-2.0
# A Linux guest (L1) that runs the built-in guest (L2), beside perf's counts.
. /src/tests/lab/scripts/lib.sh
more=/tmp/nested
for file in /usr/bin/kvmw $(ldd /usr/bin/kvmw | grep -o '/[^ ]*'); do
	mkdir -p "$more${file%/*}"
	cp -L "$file" "$more$file"
done
(cd $more && find . | busybox cpio -o -H newc) >/tmp/nested.cpio 2>/dev/null
cat /lab/guest/initrd /tmp/nested.cpio >/tmp/nested.initrd
export LAB_GUEST='for m in /kvm/*; do insmod $m; done;
/usr/bin/kvmw bench guest --json --cpuid 200 --pio 50 --msr 20'
points=$(grep -o 'kvm:kvm_nested_\(vm.*\|int.*\)' /sys/kernel/tracing/available_events | sed 's/^/-e /')
# shellcheck disable=SC2086 # options
timed_step nested perf stat -x, -o nested.perf $points \
	kvmw record -e exit,fault,nested -o nested.kvmw -- lab-guest -m 256M -smp 1 -initrd /tmp/nested.initrd
