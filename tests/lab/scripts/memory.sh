# SPDX-License-Identifier: GPL-2.0
# Guest memory: page faults, dirty pages, memory slots and the ioctls behind them, of guests
# that count what they do, with perf counting the same tracepoints.
. /src/tests/lab/scripts/lib.sh
pages=700
grep -q GenuineIntel /proc/cpuinfo && pages=60
modprobe -a kvm_amd kvm_intel 2>/dev/null
kvmw list --json >memory-list.json
tracepoints=$(perf list tracepoint 2>/dev/null |
	grep -o -e 'kvm:kvm_[a-z_]*' -e 'kvmmmu:[a-z_]*' | grep -e fault -e _set_spte -e async -e dirty |
	sort -u | sed 's/^/-e /')
# KVM's ioctls are those with 0xae in bits 8 to 15.
# shellcheck disable=SC2086 # options
step memory perf stat -a -x, -o memory.perf $tracepoints -e syscalls:sys_enter_ioctl \
	--filter 'cmd & 0x8000 && cmd & 0x2000 && cmd & 0x800 && cmd & 0x400 && cmd & 0x200 && !(cmd & 0x5100)' \
	kvmw record -v -e dirty,memslot,ioctl,fault -o memory.kvmw -- \
	kvmw bench guest --json --dirty-log --touch $pages --mmio 20 --vcpus 2

# Page faults whose results are known (tests/fault_vmm.c).
step results kvmw record -v -e fault,mmu,memslot -o results.kvmw -- fault_vmm

# Without dirty logging.
step unlogged kvmw record -e dirty -o unlogged.kvmw -- kvmw bench guest --json --touch 100

# Slots made before the recording, and an ioctl still under way at its end.
endless old --dirty-log --touch 50 --pio 10
stand_still "$vm"
# shellcheck disable=SC2086 # a command and its words
step old-record kvmw record -e dirty,ioctl -o old.kvmw -p "$vm" -- $go_on "$vm" sleep 1
kill "$vm"
wait "$vm"

# One vCPU of two, by each of these events.
for event in fault dirty memslot ioctl; do
	step "one-$event" kvmw record -e $event --vcpu 1 -o one-$event.kvmw -- \
		kvmw bench guest --json --dirty-log --touch 30 --pio 10 --vcpus 2
done

# The set-up of VMs (test_vm_setup.py).
set_up full 2 -M q35,kernel-irqchip=on -cpu host -smp 2
set_up split 1 -M q35,kernel-irqchip=split -cpu host,-kvm-pv-eoi,-kvm-steal-time
