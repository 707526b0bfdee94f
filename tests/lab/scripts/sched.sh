# SPDX-License-Identifier: GPL-2.0
# Threads, halts, timers and root loads of built-in guests beside perf: first of two VMs that
# stand still at both ends of the recording, so that both saw the very same; then of one
# that is counted from its start to its end.
#
# QEMU's SVM injects an interrupt twice now and then, most of all where a halting vCPU changes
# its CPU. The guest then waits for a timer that it did not set: so its CPU is given, its
# timers are few, it is looked at before it is recorded, and ended from outside.
. /src/tests/lab/scripts/lib.sh

# stopped PID...: all threads of them are
stopped()
{
	for pid; do
		cat "/proc/$pid/task/"*/status | grep ^State: | grep -qv '(stopped)' && return 1
	done
	return 0
}

# threads PID...: of each thread its id, time on a CPU, time waiting for one
threads()
{
	for pid; do
		for task in "/proc/$pid/task/"*; do
			echo "${task##*/} $(cat "$task/schedstat")"
		done
	done
}

# alive PID: something of it has run just now
alive()
{
	before=$(cat "/proc/$1/task/"*/schedstat)
	sleep 0.2
	[ "$before" != "$(cat "/proc/$1/task/"*/schedstat)" ]
}

# halting NAME: a VM in the background that halts and wakes; sets $vm
halting()
{
	while :; do
		endless "$1" --timer 1 --timer-delay 1500 --cpuid 5
		taskset -ap 1 $vm >/dev/null
		alive $vm && alive $vm && return
		kill -KILL $vm
	done
}

# moved PID...: they run, the first's threads moved from CPU to CPU; then they stand still
moved()
{
	kill -CONT "$@"
	for mask in 1 2 3 1 2 3; do
		taskset -ap $mask "$1" >/dev/null
		sleep 0.3
	done
	alive "$2"
	hangs=$?
	kill -STOP "$@"
	until_so stopped "$@"
	return $hangs
}

if [ "$1" = moved ]; then
	shift
	moved "$@"
	exit
fi
echo 'p:kvmwtest/mmu_load kvm_mmu_load' >>/sys/kernel/tracing/kprobe_events
apic_timer=0x$(grep -m 1 ' apic_timer_fn' /proc/kallsyms | cut -d ' ' -f 1)

# All of the first part; fails if the guest that halts does so for good by the end.
measure()
{
	endless sched-one --cpuid 20 --pio 20 --mmio 5
	vms=$vm
	halting sched-two
	vms="$vms $vm"
	kill -STOP $vms
	until_so stopped $vms
	sleep 0.2
	echo $vms >sched.pids
	threads $vms >sched.before
	rm -f /tmp/sched.data
	perf record -q -a -m 4M -k CLOCK_MONOTONIC -o /tmp/sched.data -e sched:sched_switch \
		-e sched:sched_waking -e sched:sched_wakeup -e sched:sched_migrate_task \
		-e kvm:kvm_vcpu_wakeup -e kvm:kvm_halt_poll_ns \
		-e timer:hrtimer_start --filter "function == $apic_timer" \
		-e timer:hrtimer_expire_entry --filter "function == $apic_timer" \
		sleep 600 >sched.perf 2>&1 &
	perf=$!
	until_so test -s /tmp/sched.data
	step sched kvmw record -e sched,halt,timer -o sched.kvmw -p "$(echo $vms | tr ' ' ,)" -- \
		sh /src/tests/lab/scripts/sched.sh moved $vms
	threads $vms >sched.after
	kill -INT $perf
	wait $perf
	kill -KILL $vms
	# Without --guest-code interrupts that came while a guest ran are left out.
	perf script --guest-code -i /tmp/sched.data -s /src/tests/lab/scripts/perf_dump.py \
		>sched.trace 2>>sched.perf
	[ "$(cat sched.status)" = 0 ]
}

for try in 1 2 3 4 5 6 7 8 9 10; do
	measure && break
done

# halts: a guest whose timer has fired often, which one that has hung does not do
halts()
{
	step halts perf stat -a -x, -o halts.perf -e kvm:kvm_vcpu_wakeup -e kvm:kvm_halt_poll_ns \
		-e kvmwtest:mmu_load -e timer:hrtimer_start --filter "function == $apic_timer" \
		-e timer:hrtimer_expire_entry --filter "function == $apic_timer" \
		kvmw record -e halt,timer,mmu -o halts.kvmw -- sh -c '
			taskset 1 kvmw bench guest --rounds 0 --timer 1 --timer-delay 1500 &
			sleep 3
			kill -KILL $!
			wait
			sleep 0.2'
	[ "$(sed -n 's/^\([0-9]*\),.*hrtimer_expire_entry.*/\1/p' halts.perf)" -gt 50 ]
}

for try in 1 2 3 4 5 6 7 8 9 10; do
	halts && break
done
echo '-:kvmwtest/mmu_load' >>/sys/kernel/tracing/kprobe_events
