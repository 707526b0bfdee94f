# SPDX-License-Identifier: GPL-2.0
# record --keep: the last seconds of a guest with a known number of each exit.
. /src/tests/lab/scripts/lib.sh
guest="kvmw bench guest --json --rounds 300 --cpuid 4 --pio 3 --mmio 2 --msr 2"

# keep NAME OPTION...: a snapshot when the guest is gone
keep()
{
	name=keep-$1
	shift
	# shellcheck disable=SC2086 # several words
	step "$name" perf stat -a -x, -o "$name.perf" -e kvm:kvm_exit \
		kvmw record --keep 60s,16M -o "$name" --trigger gone "$@" -- $guest
}
keep all
keep lost -m 4K
keep sample --sample 10
keep both -m 4K --sample 3 -e exit,userspace,fault

# Many more exits, more than a frame can hold, in a series of files.
step keep-series perf stat -a -x, -o keep-series.perf -e kvm:kvm_exit kvmw record --switch-output=64K -e exit -o keep-series -- \
	kvmw bench guest --json --rounds 8000 --cpuid 4 --pio 3 --mmio 2 --msr 2

# No fault, and no trigger.
# shellcheck disable=SC2086 # several words
step keep-quiet kvmw record --keep 60s,16M -o keep-quiet --trigger 'reason==shutdown' --trigger 'total>1000s' \
	--trigger 'rate(cpuid)>1000000000' --trigger 'stuck>1h' -- $guest

# An unexpected triple fault, beside a guest that never ends.
endless keep-endless --cpuid 4 --pio 3
stand_still "$vm"
kvmw record -a --keep 10m,16M -o keep-fault --trigger 'reason==shutdown' --trigger 'total>1000s' --trigger 'stuck>1h' \
	>keep-fault.out 2>keep-fault.err &
recorder=$!
until_so grep -q keeps keep-fault.err
kill -CONT "$vm"
step keep-guest kvmw bench guest --rounds 20 --cpuid 4 --triple-fault
until_so grep -q ' MB ' keep-fault.err
step keep-command kvmw snapshot --wait
kill -INT $recorder
wait $recorder
echo $? >keep-fault.status
kill "$vm"
wait "$vm"
