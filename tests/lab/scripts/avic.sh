# SPDX-License-Identifier: GPL-2.0
# AVIC, until the VM has a PIT (tests/vmm.c): the emulator has none and delivers nothing, so what
# was left to AVIC is injected then.
. /src/tests/lab/scripts/lib.sh
step avic kvmw record -e irq -o avic.kvmw -- \
	vmm '0 vm 0 1; 0 vcpu 0 0 0; 0 post 0; 0 pit 0; 0 run 0 1 0 0 1'

# A PIT that makes up for lost ticks has to see the ends of its interrupts.
set_up full 2 -M q35,kernel-irqchip=on -cpu host -smp 2
set_up split 1 -M q35,kernel-irqchip=split -cpu host
