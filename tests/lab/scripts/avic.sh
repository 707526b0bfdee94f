# SPDX-License-Identifier: GPL-2.0
# AVIC, until the VM has a PIT (tests/vmm.c). The emulator has no AVIC and delivers nothing, so
# interrupts left to AVIC are injected then.
. /src/tests/lab/scripts/lib.sh
step avic kvmw record -e irq -o avic.kvmw -- \
	vmm '0 vm 0 1; 0 vcpu 0 0 0; 0 post 0; 0 pit 0; 0 run 0 1 0 0 1'

# A PIT that makes up for lost ticks has to see the ends of its interrupts.
set_up full 2 -M q35,kernel-irqchip=on -cpu host -smp 2
set_up split 1 -M q35,kernel-irqchip=split -cpu host

# Where the memory of a VM is, on a host with two NUMA nodes. The VM is in a control group of its
# own, in one with another process, or in none.
nodes()
{
	mkdir -p "/sys/fs/cgroup/$2"
	sh -c "echo \$\$ >/sys/fs/cgroup/$2/cgroup.procs && exec qemu-system-x86_64 -accel kvm -m 32 \
		-object memory-backend-ram,id=m,size=32M,host-nodes=1,policy=bind,prealloc=on \
		-machine q35,memory-backend=m -nodefaults -display none -S" >"nodes-$1.txt" 2>&1 &
	vm=$!
	until_so runs $vm
	until_so grep -q bind:1.*N1=8192 /proc/$vm/numa_maps
	# It is still setting itself up.
	stand_still $vm
	# Repeat until it has the same memory before and after.
	for try in $(seq 100); do
		cat /proc/$vm/numa_maps >before.maps
		step "nodes-$1" kvmw record -o "nodes-$1.kvmw" -p $vm -- true
		cat /proc/$vm/numa_maps >"nodes-$1.maps"
		cmp -s before.maps "nodes-$1.maps" && break
		echo "nodes-$1: other memory, try $try"
	done
	kill -KILL $vm
	wait $vm
}
echo +memory >/sys/fs/cgroup/cgroup.subtree_control
nodes own own
mkdir /sys/fs/cgroup/shared
sh -c 'echo $$ >/sys/fs/cgroup/shared/cgroup.procs && exec sleep 1000' &
other=$!
nodes shared shared
kill $other
nodes none .
