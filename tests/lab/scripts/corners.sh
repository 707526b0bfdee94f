# SPDX-License-Identifier: GPL-2.0
# VMMs with unusual behaviour (tests/vmm.c explains their scripts).
. /src/tests/lab/scripts/lib.sh

# KVM_RUN fails: struct kvm_run keeps the exit reason of an earlier return.
step failed-run perf record -q -o failed-run.data -e kvm:kvm_userspace_exit -- \
	kvmw record -e exit,userspace -o failed-run.kvmw -- \
	vmm '0 vm 0; 0 vcpu 0 0 0; 0 run 0 10 3; 0 imm 0 30'

# A Hyper-V guest, whose hypercall numbers are in another register than KVM's.
step hyperv kvmw record -e exit,hypercall -o hyperv.kvmw -- hyperv_guest 20

# One thread runs two vCPUs; only one of them is selected.
step one-of-two kvmw record -e exit,userspace --vcpu 0 -o one-of-two.kvmw -- \
	vmm '0 vm 0; 0 vcpu 0 0 0; 0 vcpu 1 0 1; 0 run 0 5 3; 0 run 1 25 2; 0 imm 1 4; 0 run 0 5 3; 0 imm 0 2'

# A vCPU moves to another thread and back; its first thread sleeps meanwhile.
step moves kvmw record -e exit,userspace -o moves.kvmw -- \
	vmm '0 vm 0; 0 vcpu 0 0 0; 1 run 0 1 2; 1 sleep 300 &; 2 run 0 20 2; 2 sleep 200; 1 join; 1 run 0 1 2'

# One thread runs two VMs.
step two-vms kvmw record -e exit,userspace,ioctl,memslot -o two-vms.kvmw -- \
	vmm '0 vm 0; 0 vcpu 0 0 0; 0 vm 1; 0 vcpu 1 1 0; 0 run 0 5 2; 0 run 1 20 2; 0 run 0 5 2; 0 run 1 5 2'

# VMs at the same address, one after another, with more vCPUs than there are states at a time.
step many-vms kvmw record -e exit,userspace -o many-vms.kvmw -- vmm "0 vms 30 40 2"

# Two VMs whose processes have the same pid, one after the other: the kernel gives the next pid
# after the one written to ns_last_pid, unless another process comes first.
cat >same-pid.sh <<'END'
vmm '0 vm 0; 0 vcpu 0 0 0; 0 run 0 10 2' | tee same-pid.first
pid=$(sed 's/.*"pid": \([0-9]*\).*/\1/' same-pid.first)
for try in 1 2 3 4 5 6 7 8 9 10; do
	echo $((pid - 1)) >/proc/sys/kernel/ns_last_pid
	vmm '0 vm 0; 0 vcpu 0 0 0; 0 run 0 25 2' >same-pid.second
	grep -q "\"pid\": $pid," same-pid.second && break
done
cat same-pid.second
echo $try >same-pid.tries
END
step same-pid kvmw record -e exit,userspace -o same-pid.kvmw -- sh same-pid.sh

# The VMM is killed in the middle of the recording, its vCPU in the guest.
step dead-vmm kvmw record -e exit,userspace -o dead-vmm.kvmw -- sh -c '
	vmm "0 vm 0; 0 vcpu 0 0 0; 1 vcpu 1 0 1; 1 run 1 3 2; 0 run 0 3 2; 1 forever 1 &; 0 sleep 300; 0 die"
	sleep 1'

# Interrupts that the VM's own thread, another process and an interrupt of the host deliver.
step deliver kvmw record -e irq -o deliver.kvmw -- vmm '0 vm 0 1; 0 vcpu 0 0 0;
	1 run 0 1 0 0 20 &; 0 signal 0 20; 1 join;
	1 run 0 1 0 0 20 &; 0 other 0 20; 1 join;
	1 run 0 1 0 0 20 &; 0 aio 0 20; 1 join'

# A VM that ran before the recording began, its vCPUs in the guest, halted or in the VMM.
endless attached --cpuid 3 --pio 1 --timer 1 --timer-delay 20000 --vcpus 3 --vmm-delay 1000
step attached-record kvmw record -e exit,userspace,irq,halt -p "$vm" -o attached.kvmw -- \
	sh -c "sleep 1; kill -STOP $vm"
kill -KILL "$vm"
wait "$vm"

# vCPUs without an exit: 1 sleeps in KVM_RUN, 2 never ran; then the whole VM is idle.  Its group has
# no quota, but the parent has one.
group=/sys/fs/cgroup/corners
echo +cpu +cpuset +memory >/sys/fs/cgroup/cgroup.subtree_control
mkdir -p $group
echo +cpu +cpuset +memory >$group/cgroup.subtree_control
mkdir -p $group/vm
echo 60000 100000 >$group/cpu.max
vmm '0 vm 0 1; 0 vcpu 0 0 0; 0 vcpu 1 0 1; 0 vcpu 2 0 2; 1 run 1 1 0 0 1 &; 0 sleep 100; 0 forever 0' \
	>/dev/null 2>&1 &
vm=$!
until_so sh -c "grep -q . /proc/$vm/task/*/wchan && grep -l 0xae80 /proc/$vm/task/*/syscall"
stand_still $vm
echo $vm >$group/vm/cgroup.procs
cat $group/cpu.stat >idle-vcpus.before
# shellcheck disable=SC2086 # a command and its words
step idle-vcpus kvmw record -o idle-vcpus.kvmw -p $vm -- $go_on $vm sleep 0.5
stand_still $vm
cat $group/cpu.stat >idle-vcpus.after
cat /sys/devices/system/clocksource/clocksource0/current_clocksource >idle-vcpus.clocksource
cat /sys/devices/system/cpu/vulnerabilities/spectre_v1 >idle-vcpus.spectre_v1
step stopped kvmw record -o stopped.kvmw -p $vm -- sleep 0.2
kill -KILL $vm
wait $vm

# Both vCPUs have run, and now their threads sleep in the VMM.
vmm '0 vm 0; 0 vcpu 0 0 0; 0 vcpu 1 0 1; 0 run 0 2 1; 1 run 1 2 1; 1 sleep 60000 &; 0 sleep 60000' >/dev/null 2>&1 &
vm=$!
until_so sh -c "test \$(ls /proc/$vm/task | wc -l) -ge 2"
sleep 0.5
step paused kvmw record -o paused.kvmw -p $vm -- sleep 0.2
kill -KILL $vm
wait $vm

# A vCPU in system-management mode: its state is saved to a page of its own address space.
step smm kvmw record -e exit,dirty -o smm.kvmw -- vmm '0 vm 0; 0 vcpu 0 0 0; 0 run 0 2 1; 0 smi 0'

# A vCPU is unplugged, its thread ends, and it is plugged again: QEMU keeps its file for a new
# thread (kvm_parked_vcpus, accel/kvm/kvm-all.c).
step replug kvmw record -e exit,userspace -o replug.kvmw -- vmm '0 vm 0; 0 vcpu 0 0 0; 0 vcpu 1 0 1;
	1 run 1 10 2; 1 exit; 0 run 0 5 2; 1 run 1 15 2'
