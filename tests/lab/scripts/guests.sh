# SPDX-License-Identifier: GPL-2.0
# Twenty different small guests, with every event, beside perf's counts of the same tracepoints.
. /src/tests/lab/scripts/lib.sh
kvmw list --json >list.json
cat >guests <<'END'
kvmw bench guest --cpuid 200
kvmw bench guest --pio 100
kvmw bench guest --mmio 50
kvmw bench guest --msr 60
kvmw bench guest --vmcall 20
kvmw bench guest --hlt 20
kvmw bench guest --ipi 20
kvmw bench guest --timer 5 --timer-delay 3000
kvmw bench guest --touch 64
kvmw bench guest --touch 64 --dirty-log
kvmw bench guest --vcpus 4 --cpuid 20 --pio 20
kvmw bench guest --pio 20 --vmm-delay 300
kvmw bench guest --cpuid 5 --triple-fault
kvmw bench guest --cpuid 1 --pio 1 --mmio 1 --msr 1 --rounds 20
hyperv_guest 10
vmm '0 vm 0; 0 vcpu 0 0 0; 0 run 0 10 3; 0 imm 0 30'
vmm '0 vm 0; 0 vcpu 0 0 0; 0 vcpu 1 0 1; 0 run 0 5 2; 0 run 1 25 2; 0 run 0 5 2'
vmm '0 vm 0; 0 vcpu 0 0 0; 1 run 0 5 2; 2 run 0 5 2; 1 run 0 5 2'
vmm '0 vm 0; 0 vcpu 0 0 0; 0 vm 1; 0 vcpu 1 1 0; 0 run 0 5 2; 0 run 1 5 2; 0 close 0; 0 run 1 5 2'
vmm '0 vm 0; 0 vcpu 0 0 0; 0 run 0 5 2; 0 die'
END
counted=$(cd /sys/kernel/tracing/events && ls -d kvm/*/ kvmmmu/*/ | sed 's,/$,,; s,/,:,; s/^/-e /')
# shellcheck disable=SC2086 # options
step guests perf stat -a -x, -o guests.perf $counted \
	kvmw record -a -e all -o guests.kvmw -- sh guests
