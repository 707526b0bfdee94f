# SPDX-License-Identifier: GPL-2.0
# Threads, halts, timers and root loads of built-in guests beside perf: first two VMs that are
# stopped at both ends of the recording, so that both tracers see the same events; then one that
# is counted from its start to its end.
. /src/tests/lab/scripts/lib.sh

# stopped PID...: whether all of their threads are stopped
stopped()
{
	for pid; do
		cat "/proc/$pid/task/"*/status | grep ^State: | grep -qv '(stopped)' && return 1
	done
	return 0
}

# threads PID...: the id of each thread, its time on a CPU, and its time waiting for one
threads()
{
	for pid; do
		for task in "/proc/$pid/task/"*; do
			echo "${task##*/} $(cat "$task/schedstat")"
		done
	done
}

# moved PID...: runs them, moving the first one's threads from CPU to CPU; then stops them
moved()
{
	kill -CONT "$@"
	for mask in 1 2 3 1 2 3; do
		taskset -ap $mask "$1" >/dev/null
		sleep 0.3
	done
	kill -STOP "$@"
	until_so stopped "$@"
}

if [ "$1" = moved ]; then
	shift
	moved "$@"
	exit
fi
echo 'p:kvmwtest/mmu_load kvm_mmu_load' >>/sys/kernel/tracing/kprobe_events
apic_timer=0x$(grep -m 1 ' apic_timer_fn' /proc/kallsyms | cut -d ' ' -f 1)

endless sched-one --cpuid 20 --pio 20 --mmio 5
vms=$vm
endless sched-two --timer 1 --timer-delay 1500 --cpuid 5
taskset -ap 1 "$vm" >/dev/null
vms="$vms $vm"
# shellcheck disable=SC2086 # several pids
kill -STOP $vms
# shellcheck disable=SC2086 # several pids
until_so stopped $vms
sleep 0.2
# shellcheck disable=SC2086 # several pids
echo $vms >sched.pids
# shellcheck disable=SC2086 # several pids
threads $vms >sched.before
perf record -q -a -m 4M -k CLOCK_MONOTONIC -o sched.data -e sched:sched_switch \
	-e sched:sched_waking -e sched:sched_wakeup -e sched:sched_migrate_task \
	-e kvm:kvm_vcpu_wakeup -e kvm:kvm_halt_poll_ns \
	-e timer:hrtimer_start --filter "function == $apic_timer" \
	-e timer:hrtimer_expire_entry --filter "function == $apic_timer" \
	sleep 600 >sched.perf 2>&1 &
perf=$!
until_so test -s sched.data
# shellcheck disable=SC2086 # several pids
# shellcheck disable=SC2086 # several pids
step sched kvmw record -e sched,halt,timer -o sched.kvmw -p "$(echo $vms | tr ' ' ,)" -- \
	sh /src/tests/lab/scripts/sched.sh moved $vms
# shellcheck disable=SC2086 # several pids
threads $vms >sched.after
kill -INT $perf
wait $perf
# shellcheck disable=SC2086 # several pids
kill -KILL $vms

step halts perf stat -a -x, -o halts.perf -e kvm:kvm_vcpu_wakeup -e kvm:kvm_halt_poll_ns \
	-e kvmwtest:mmu_load -e timer:hrtimer_start --filter "function == $apic_timer" \
	-e timer:hrtimer_expire_entry --filter "function == $apic_timer" \
	kvmw record -e halt,timer,mmu -o halts.kvmw -- sh -c '
		taskset 1 kvmw bench guest --rounds 0 --timer 1 --timer-delay 1500 &
		sleep 3
		kill -KILL $!
		wait
		sleep 0.2'
echo '-:kvmwtest/mmu_load' >>/sys/kernel/tracing/kprobe_events
