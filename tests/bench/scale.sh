# SPDX-License-Identifier: GPL-2.0
# Runs inside the lab with --icount, where 1 ns is one instruction: what recorders add to a cycle
# when each CPU has a guest. All CPUs are one thread of the emulator, which shows loops over CPUs,
# vCPUs or rings, but not contention between CPUs.
# $1: rounds of CPUID and port write of all guests together
cpus=$(nproc)
rounds=$(($1 / cpus))
dir=/tmp/scale
mkdir -p $dir
cd $dir || exit

cat >guests.sh <<END
begin=\$(date +%s%N)
for cpu in \$(seq 0 $((cpus - 1))); do
	taskset -c \$cpu kvmw bench guest --cpuid 1 --pio 1 --rounds $rounds >/dev/null &
done
wait
echo elapsed \$((\$(date +%s%N) - begin))
END

# cost NAME COMMAND...: instructions of all CPUs
cost()
{
	name=$1
	shift
	"$@" >out 2>err || echo "failed $name: $(tail -n 1 err)"
	took=$(sed -n 's/^elapsed //p' out)
	[ "$name" = untraced ] && base=$took
	exits=$((2 * rounds * cpus))
	echo "$cpus CPUs, $name: $((took / exits)) a cycle, $(((took - base) / exits)) added"
}

cost untraced sh guests.sh
cost kvmw kvmw record -a -o kvmw.data -- sh guests.sh
tail -n 1 err
cost perf perf record -q -a -z -m 1M -o perf.data -e kvm:kvm_exit -e kvm:kvm_entry -- sh guests.sh
cost trace-cmd trace-cmd record -q -e kvm_exit -e kvm_entry -o trace.dat sh guests.sh
