# SPDX-License-Identifier: GPL-2.0
# VMs with one problem each, recorded as a user would; tests outside check the first page of the
# reports. The recorder has a CPU of its own.
. /src/tests/lab/scripts/lib.sh
cgroups=/sys/fs/cgroup

# started NAME OPTION...: starts the built-in guest on the first CPU, and stops it
started()
{
	endless "$@"
	one_cpu "$vm"
	stand_still "$vm"
}

# one_cpu PID...: binds all of their threads to one CPU
one_cpu()
{
	for pid; do
		taskset -ap 1 "$pid"
	done >/dev/null
}

# seen NAME [COMMAND...]: records $vm for a second or while COMMAND runs, then ends it
seen()
{
	scenario=$1
	shift
	[ $# -gt 0 ] || set -- sleep 1
	# shellcheck disable=SC2086 # a command and its words
	step "$scenario" taskset -c 1 kvmw record -q -o "$scenario.kvmw" -p "$vm" -- $go_on "$vm" "$@"
	kill -KILL "$vm"
	wait "$vm" 2>/dev/null
}

# by_vmm SCRIPT
by_vmm()
{
	vmm "$1" >vmm.out 2>&1 &
	vm=$!
	until_so runs $vm
	one_cpu $vm
	stand_still $vm
}

started guest --pio 5 --cpuid 5 --vmm-delay 2000
seen slow-device

for hog in 1 2; do
	sh -c 'while :; do :; done' &
	eval "hog$hog=$!"
done
one_cpu "$hog1" "$hog2"
started guest --cpuid 20 --pio 1
taskset -c 1 perf record -q -C 0 -k CLOCK_MONOTONIC -o hogs.data -e sched:sched_switch sleep 600 >hogs.perf 2>&1 &
perf=$!
until_so test -s hogs.data
seen hogs sleep 2
kill -INT $perf
wait $perf
kill -KILL "$hog1" "$hog2"

started guest --cpuid 20 --pio 1 --vcpus 3
seen siblings sleep 2

mkdir $cgroups/quota && echo +cpu >$cgroups/cgroup.subtree_control
started guest --cpuid 20 --pio 1
echo "$vm" >$cgroups/quota/cgroup.procs
echo 30000 100000 >$cgroups/quota/cpu.max
seen quota

started guest --hlt 20 --cpuid 1
seen never-halts

started guest --ipi 50
seen ipi-storm

polling=/sys/module/kvm/parameters/halt_poll_ns
was=$(cat $polling)
echo 4000000 >$polling
started guest --timer 1 --timer-delay 1500
seen polling
echo "$was" >$polling

by_vmm '0 vm 0; 0 vcpu 0 0 0; 1 run 0 3 2; 1 forever 0'
seen spinning sleep 2

by_vmm '0 vm 0; 0 vcpu 0 0 0; 1 run 0 10000000 3 &; 0 usr1; 0 absent 0; 0 sleep 100000'
seen blocked sh -c 'sleep 0.5; pkill -USR1 -x vmm; sleep 2'

by_vmm '0 vm 0; 0 vcpu 0 0 0; 1 walk 0 &; 0 discard 0 1000000 1000'
# The vCPU does not wait for the first thread, which takes the memory.
taskset -p 2 "$vm" >/dev/null
seen re-touch

ksm=/sys/kernel/mm/ksm
echo 1 >$ksm/sleep_millisecs
[ ! -e $ksm/smart_scan ] || echo 0 >$ksm/smart_scan
echo 1 >$ksm/run
by_vmm '0 vm 0; 0 vcpu 0 0 0; 0 mergeable 0; 1 walk 0'
taskset -cp 1 "$(pgrep -x ksmd)" >/dev/null
seen ksm sleep 2
echo 0 >$ksm/run

case $(uname -r) in
6.1.*) ;;
*) exit 0 ;;
esac

by_vmm '0 vm 0 1; 0 vcpu 0 0 0; 1 run 0 10000000 1 50'
seen timer-storm

# One page after the other, none of them twice within this second.
started guest --touch 60000
seen first-touch

huge=/sys/kernel/mm/transparent_hugepage/enabled
was=$(grep -o '\[.*]' $huge | tr -d '[]')
echo never >$huge
started guest --touch 60000
# shellcheck disable=SC2016 # for sh
seen small-pages timeout 60 sh -c 'sleep 1; until [ "$(ps -o rss= -p "$1")" -gt 40000 ]; do sleep 0.2; done' sh "$vm"
echo "$was" >$huge

by_vmm '0 vm 0; 0 vcpu 0 0 0; 1 walk 0'
taskset -c 1 python3 /src/tests/lab/scripts/punch.py $vm &
punch=$!
seen punched
kill $punch
