# SPDX-License-Identifier: GPL-2.0
# VMs with one problem each, as in scenarios.sh. They are in one recording, one after the other:
# starting a recording takes long in the emulator of Intel CPUs.
. /src/tests/lab/scripts/lib.sh
cat >scenarios.guests <<'END'
kvmw bench guest --pio 5 --cpuid 5 --vmm-delay 2000 --rounds 20
kvmw bench guest --ipi 50 --rounds 20
vmm '0 vm 0 1; 0 vcpu 0 0 0; 1 run 0 20 1 50'
kvmw bench guest --touch 2000
kvmw bench guest --hlt 20 --cpuid 1 --rounds 20
END
step scenarios kvmw record -o scenarios.kvmw -- sh scenarios.guests
