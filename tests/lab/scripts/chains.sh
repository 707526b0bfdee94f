# SPDX-License-Identifier: GPL-2.0
# VMs that something keeps waiting at a known moment; tests outside check what kvmw report
# --outliers says about it. The recorder has a CPU of its own.
. /src/tests/lab/scripts/lib.sh

endless chain-guest --cpuid 20 --pio 1
taskset -ap 1 "$vm" >/dev/null
stand_still "$vm"
# shellcheck disable=SC2086 # a command and its words
step chain-hog taskset -c 1 kvmw record -q -e exit,userspace,sched -o chain-hog.kvmw -p "$vm" -- $go_on "$vm" \
	sh -c 'python3 /src/tests/lab/scripts/hog.py 0 8 10 >chain-hog.json'
kill -KILL "$vm"
wait "$vm" 2>/dev/null

# Thread 1 runs the vCPU. It spins in the VMM once, and once waits for thread 0, which works longer.
vmm '0 vm 0; 0 vcpu 0 0 0; 0 usr1; 1 run 0 300 3; 1 spin 400; 1 run 0 300 3; 0 sleep 300; 1 run 0 300 3' \
	>chain-vmm.json 2>&1 &
vm=$!
until_so runs $vm
taskset -ap 1 $vm >/dev/null
echo $vm >chain-vmm.pid
step chain-vmm taskset -c 1 kvmw record -q -e exit,userspace,sched -o chain-vmm.kvmw -p $vm -- \
	sh -c "kill -USR1 $vm; tail --pid=$vm -f /dev/null"
wait $vm
