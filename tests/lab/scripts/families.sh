# SPDX-License-Identifier: GPL-2.0
# All families at once, for a Linux guest's whole life, beside perf's counts of the same
# tracepoints: timer, disk, serial and IPI work, and a migration with dirty logging.
. /src/tests/lab/scripts/lib.sh
kvmw list --json >list.json

# Linux in QEMU and all programs are too much for the emulator of Intel CPUs: use the built-in
# guest and some events there.
events=all
tracepoints='\(kvm\|kvmmmu\):[a-z_0-9]*'
guest='kvmw bench guest --vmcall 3 >/dev/null; exec lab-guest -qmp unix:/tmp/qmp,server,nowait'
if grep -q vmx /proc/cpuinfo; then
	events=exit,fault,halt,irq
	tracepoints='kvm:kvm_\(exit\|page_fault\|vcpu_wakeup\|.*irq\|.*eoi\|apic.*\|.*poll.*\|.*apf.*\|avic.*\|inj.*\|pi_.*\|ioapic.*\|.*async.*\)\|kvmmmu:.*\(fault\|set_spte\)'
	guest='kvmw bench guest --cpuid 50 --pio 50 --mmio 20 --ipi 20 --timer 3 --timer-delay 10000 --touch 32'
fi
export LAB_GUEST='while :; do dd if=/dev/zero of=/dev/vda bs=64k count=4 oflag=direct;
echo round; md5sum /bin/busybox | md5sum | md5sum; sleep 0.05; done'
# migrated: migrates the busy guest and ends it; leaves /tmp/stood-still if it has hung
migrated()
{
	goes_on families-guest.txt || : >/tmp/stood-still
	python3 /src/tests/lab/scripts/migrate.py /tmp/qmp >migrate.out 2>&1
}
counted=$(cd /sys/kernel/tracing/events && ls -d kvm/*/ kvmmmu/*/ | sed 's,/$,,; s,/,:,' |
	grep -x "$tracepoints" | sed 's/^/-e /')
for try in 1 2 3; do
	: >families-guest.txt
	rm -f /tmp/stood-still /tmp/qmp
	grep -q vmx /proc/cpuinfo || migrated &
	# shellcheck disable=SC2086 # options
	step families perf stat -a -x, -o families.perf $counted \
		kvmw record -a -e $events -o families.kvmw -- \
		sh -c "$guest >families-guest.txt 2>&1"
	wait
	[ -e /tmp/stood-still ] || break
done
# Events that nobody requested are not attached.
[ $events = all ] || exit 0
step progs kvmw record -e irq -o irq.kvmw -- sh -c 'bpftool prog show --json >progs.json'
