# SPDX-License-Identifier: GPL-2.0
# A guest whose exits are known, with perf counting the same tracepoint in the same run.
. /src/tests/lab/scripts/lib.sh
if [ -e /sys/module/kvm_intel ]; then
	cp /sys/module/kvm_intel/parameters/ept .
	# For test_lab.py: long output arrives complete, from Bochs too.
	seq 1000
	what="--cpuid 300 --pio 200 --msr 60 --hlt 10 --mmio 40 --touch 30"
else
	# For test_lab.py: the programs in a lab.
	{
		uname -r
		test -c /dev/kvm
		echo $?
		ls /sys/kernel/tracing/events/kvm/kvm_exit/format /sys/kernel/btf/vmlinux
		grep -c -e debugfs -e tracefs -e bpf /proc/mounts
		perf stat -x, -e kvm:kvm_exit true 2>&1 | cut -d, -f1,3
		bpftool prog >/dev/null
		echo $?
	} >host 2>/dev/null
	what="--cpuid 5000 --pio 3000 --msr 700 --hlt 50 --mmio 200 --touch 100 --vcpus 2"
fi
# shellcheck disable=SC2086 # options
step known perf stat -x, -o known.perf -e kvm:kvm_exit -e kvm:kvm_entry \
	kvmw record -o known.kvmw -- kvmw bench guest --json $what
