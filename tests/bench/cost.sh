# SPDX-License-Identifier: GPL-2.0
# Runs inside the lab with --icount, where 1 ns is one instruction: what recorders add to a cycle.
# $1: rounds of CPUID and port write; five times as many if the recorder's own work counts too
rounds=$1
dir=/tmp/cost
mkdir -p $dir
cd $dir || exit
guest="kvmw bench guest --json --cpuid 1 --pio 1 --rounds $rounds"

# cost NAME COMMAND...: instructions from the guest's start to its end, as it measured itself
cost()
{
	name=$1
	shift
	"$@" >guest.json 2>err || echo "failed $name: $(tail -n 1 err)"
	took=$(sed -n 's/.*"elapsed_ns":\([0-9]*\).*/\1/p' guest.json)
	[ "$name" = untraced ] && base=$took
	echo "$name $((took / rounds / 2)) a cycle, $(((took - base) / rounds / 2)) added"
}

# kvmw measures its programs at the start, which costs time: run a guest before the one that counts.
# stop: without the recorder's own work
cat >warm.sh <<END
kvmw bench guest --cpuid 1 --pio 1 --rounds 1000 >/dev/null
sleep 0.5
[ "\$1" = stop ] && kill -STOP \$PPID
$guest
[ "\$1" = stop ] && kill -CONT \$PPID
exit 0
END

all()
{
	# shellcheck disable=SC2086 # several words
	cost untraced $guest
	# shellcheck disable=SC2086 # several words
	cost kvmw kvmw record -o kvmw.data -- $guest
	# shellcheck disable=SC2086 # several words
	cost stat sh -c "kvmw stat -- $guest >out; grep elapsed_ns out"
	# shellcheck disable=SC2086 # several words
	cost perf perf record -q -m 8M -o perf.data -e kvm:kvm_exit -e kvm:kvm_entry -- $guest
	# shellcheck disable=SC2086 # several words
	cost perf-z perf record -q -z -m 8M -o perf.data -e kvm:kvm_exit -e kvm:kvm_entry -- $guest
	# shellcheck disable=SC2086 # several words
	cost trace-cmd trace-cmd record -q -e kvm_exit -e kvm_entry -o trace.dat $guest
}

cat /proc/version
all
cost kvmw-warm kvmw record -o kvmw.data -- sh warm.sh
cost kvmw-stopped kvmw record -o kvmw.data -- sh warm.sh stop
kvmw report -i kvmw.data --sort reason
short=$guest
rounds=$((5 * rounds))
guest="kvmw bench guest --json --cpuid 1 --pio 1 --rounds $rounds"
echo "five times as long:"
all
guest=$short

# By program: the instructions of one call, including those of the measurement.
sysctl -q kernel.bpf_stats_enabled=1
kvmw record -o kvmw.data -- sh -c "$guest >guest.json; bpftool prog show" >progs 2>err
sed -n 's/.* name \([a-z_0-9]*\) .* run_time_ns \([0-9]*\) run_cnt \([0-9]*\).*/\1 \2 \3/p' progs |
while read -r name ns count; do
	echo "program $name: $count calls, $((ns / count)) each"
done
