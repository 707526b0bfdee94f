# SPDX-License-Identifier: GPL-2.0
# A guest whose exits are known, with perf counting the same tracepoint in the same run.
. /src/tests/lab/scripts/lib.sh
if [ -e /sys/module/kvm_intel ]; then
	cp /sys/module/kvm_intel/parameters/ept .
	# For test_lab.py: long output arrives whole from Bochs too.
	seq 1000
	what="--cpuid 300 --pio 200 --msr 60 --hlt 10 --mmio 40 --touch 30"
else
	what="--cpuid 5000 --pio 3000 --msr 700 --hlt 50 --mmio 200 --touch 100 --vcpus 2"
fi
step known perf stat -x, -o known.perf -e kvm:kvm_exit -e kvm:kvm_entry \
	kvmw record -o known.kvmw -- kvmw bench guest --json $what
