# SPDX-License-Identifier: GPL-2.0
# Every family at once of a Linux guest's whole life, beside perf's counts of the same
# tracepoints: timer, disk, serial and IPI work, and a migration with its dirty logging.
. /src/tests/inside/lib.sh
kvmw list --json >list.json

# Linux in QEMU is too much for the emulator of Intel CPUs: there it is the built-in guest.
if grep -q vmx /proc/cpuinfo; then
	guest='kvmw bench guest --vcpus 1 --cpuid 50 --pio 50 --mmio 20 --msr 20 --ipi 50 --timer 20
		--touch 64 --dirty-log'
else
	guest='exec lab-guest -qmp unix:/tmp/qmp,server,nowait'
fi
export LAB_GUEST='while :; do dd if=/dev/zero of=/dev/vda bs=64k count=4 oflag=direct;
echo round; md5sum /bin/busybox | md5sum | md5sum; sleep 0.05; done'
grep -q vmx /proc/cpuinfo || (
	until_so grep -q round families-guest.txt
	python3 /src/tests/inside/migrate.py /tmp/qmp >migrate.out 2>&1
) &
tracepoints=$(perf list tracepoint 2>/dev/null | grep -o '\(kvm\|kvmmmu\):[a-z_0-9]*' | sort -u |
	sed 's/^/-e /')
step families perf stat -a -x, -o families.perf $tracepoints \
	kvmw record -a -e all -o families.kvmw -- \
	sh -c "$guest >families-guest.txt 2>&1"
wait
# What is not asked for is not attached.
step progs kvmw record -e irq -o irq.kvmw -- sh -c 'bpftool prog show --json >progs.json'
