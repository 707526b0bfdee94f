# SPDX-License-Identifier: GPL-2.0
# Guests whose exits are known. The witness is the trace buffer, large enough for all of them, as
# Debian's cloud kernel 5.10 has no histogram triggers, and the Intel lab has no perf.
. /src/tests/lab/scripts/lib.sh
exec >bench.txt

# counted OPTION...: the guest's result, the events lost by the trace buffer, its reasons and events
counted()
{
	for try in 1 2 3; do
		echo >trace
		timeout -k 5 300 kvmw bench guest --json "$@" >/tmp/result 2>/tmp/errors
		[ $? = 124 ] || interrupted_twice /tmp/errors || break
	done
	echo "run $*"
	cat /tmp/result /tmp/errors
	cat per_cpu/cpu*/stats
	awk '/kvm_exit: / && match($0, /reason [A-Za-z_0-9]*/) { n[substr($0, RSTART, RLENGTH)]++; next }
		match($0, / kvm_[a-z_]*: /) { n["event " substr($0, RSTART + 1, RLENGTH - 3)]++ }
		END { for (what in n) print n[what], what }' trace
}

cd /sys/kernel/tracing || exit
size=$(cat buffer_size_kb)
echo 16384 >buffer_size_kb || exit
set -- kvm_exit kvm_hypercall kvm_apic_ipi kvm_apic_accept_irq kvm_inj_virq kvm_eoi kvm_vcpu_wakeup
for event; do
	echo 1 >"events/kvm/$event/enable" || exit
done
counted --ipi 3 --timer 2 --vmcall 2 --cpuid 4 --pio 2 --mmio 2 --msr 3 --touch 3 --vcpus 2 --rounds 10
if grep -q svm /proc/cpuinfo; then
	counted --rounds 100
	counted --rounds 50 --vcpus 2
	counted --touch 600 --rounds 2 --vcpus 2 --dirty-log
	counted --ipi 10 --rounds 10
	counted --vmcall 7 --rounds 10
	counted --timer 5 --rounds 3 --timer-delay 10000
	counted --timer 50 --rounds 2 --timer-delay 1 --vcpus 2
	# One window is three rounds here: the fourth gives memory back, on both vCPUs.
	counted --touch 5000 --rounds 4 --vcpus 2
	counted --touch 5000 --rounds 4 --dirty-log
	counted --cpuid 1 --pio 1 --rounds 3000
	counted --ipi 20 --rounds 100
	counted --timer 20 --rounds 20 --timer-delay 500
fi
for event; do
	echo 0 >"events/kvm/$event/enable"
done
echo >trace
echo "$size" >buffer_size_kb
echo "done"
