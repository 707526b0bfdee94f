# SPDX-License-Identifier: GPL-2.0
# Host stacks of slow cycles and returns, of faults and ioctls, and of the VMM's threads.
. /src/tests/lab/scripts/lib.sh
step stack kvmw record -e exit,userspace --stack exit,userspace -o stack.kvmw -- \
	kvmw bench guest --json --pio 60 --hlt 20 --cpuid 20 --vmm-delay 3000
step stack-long kvmw record --stack exit --min-duration 1ms -o stack-long.kvmw -- \
	kvmw bench guest --json --pio 60 --cpuid 300 --vmm-delay 3000
step stack-fault kvmw record -v --stack fault -o stack-fault.kvmw -- fault_vmm
# Thread 1, which ran a vCPU before it spins; thread 2, which never runs one; and a guest that does
# not exit. The VMM lives until its stacks have names, even if the recorder gets a CPU only once
# nothing spins.
step stack-vmm kvmw record -v --stack ioctl,vmm -o stack-vmm.kvmw -- vmm \
	"0 vm 0 1; 0 vcpu 0 0 0; 0 vcpu 1 0 1; 1 run 0 5 3; 1 spin 1000; 2 spin 1000; 1 run 0 5 3; 1 sleep 2000"
step stack-guest kvmw record --stack vmm -o stack-guest.kvmw -- \
	timeout 3 vmm "0 vm 0; 1 vcpu 0 0 0; 1 forever 0"
