# SPDX-License-Identifier: GPL-2.0
# Where the time of a vCPU goes, with the scheduler and perf as witnesses.
. /src/tests/lab/scripts/lib.sh

# busy: the exits are known, so are the returns to the VMM
step time-busy perf record -q -o time-busy.data -e kvm:kvm_userspace_exit \
	kvmw record -o time-busy.kvmw -- kvmw bench guest --json --cpuid 20 --pio 20 --mmio 2 --rounds 50

# VMM-bound
step time-vmm kvmw record -o time-vmm.kvmw -- kvmw bench guest --json --pio 400 --vmm-delay 1000

# preempted: two vCPUs on one CPU
taskset -c 0 sh -c 'exec kvmw bench guest --json --rounds 0 --vcpus 2 --cpuid 3 --pio 3' >/tmp/pre.json &
vm=$!
until_so runs $vm
stand_still $vm
# shellcheck disable=SC2086 # a command and its words
step time-preempted kvmw record -o time-preempted.kvmw -p $vm -- \
	$go_on $vm python3 /src/tests/lab/scripts/schedstat.py $vm 3
kill -KILL $vm
wait
