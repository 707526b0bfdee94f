# SPDX-License-Identifier: GPL-2.0
# The recorder is killed in the middle of a recording.
. /src/tests/lab/scripts/lib.sh
endless killed-vm --cpuid 3 --pio 1
kvmw record -o killed.kvmw -p "$vm" 2>killed.err &
recorder=$!
until_so recording killed.kvmw
sleep 5
python3 -c 'import time; print(time.monotonic_ns())' >killed.when
kill -9 $recorder
wait $recorder
sleep 1
bpftool prog show | grep -c -e kvm_exit -e kvm_entry >killed.progs
kill "$vm"
wait
# A complete recording with some frames, which tests outside cut and damage.
step killed-not kvmw record -o killed-not.kvmw -- sh -c 'for i in 1 2 3 4 5 6; do
	kvmw bench guest --json --cpuid 500 --pio 500 --vcpus 2; sleep 0.5; done'
