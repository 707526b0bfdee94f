# SPDX-License-Identifier: GPL-2.0
# The part of tests/bench/run that runs inside the lab: prints lines "KEY WORD..." only.
# $1: rounds of CPUID and port write; $2: how often each recorder is run
rounds=$1
times=$2
dir=/tmp/bench
mkdir -p $dir
cd $dir || exit
guest="kvmw bench guest --json --cpuid 1 --pio 1 --rounds $rounds"

# elapsed: the guest's own measurement, from its start to its end, in ns
elapsed()
{
	sed -n 's/.*"elapsed_ns":\([0-9]*\).*/\1/p' guest.json
}

# recorder NAME FILES COMMAND...: runs it; prints the bytes it left in FILES and the time it added
recorder()
{
	name=$1
	files=$2
	shift 2
	# shellcheck disable=SC2086 # several files
	rm -f $files
	begin=$(date +%s%N)
	"$@" >guest.json 2>"$name.err" || echo "failed $name: $(tail -n 1 "$name.err")"
	end=$(date +%s%N)
	bytes=0
	# shellcheck disable=SC2086 # several files
	[ "$files" = none ] || bytes=$(cat $files | wc -c)
	echo "run $name $(elapsed) $((end - begin)) $bytes"
}

cat /proc/version
# shellcheck disable=SC2086 # a command and its words
perf stat -x, -o stat -e kvm:kvm_exit $guest >guest.json
echo "exits $(cut -d, -f1 stat | tail -n 1)"
i=0
while [ $i -lt "$times" ]; do
	i=$((i + 1))
	# shellcheck disable=SC2086 # a command and its words
	recorder untraced none $guest
	# shellcheck disable=SC2086 # a command and its words
	recorder kvmw kvmw.data kvmw record -o kvmw.data -- $guest
	# shellcheck disable=SC2086 # a command and its words
	recorder perf perf.data perf record -q -m 8M -o perf.data -e kvm:kvm_exit -e kvm:kvm_entry -- $guest
	# shellcheck disable=SC2086 # a command and its words
	recorder perf-z perfz.data perf record -q -z -m 8M -o perfz.data -e kvm:kvm_exit -e kvm:kvm_entry -- $guest
	# shellcheck disable=SC2086 # a command and its words
	recorder perf-kvm kvm.data perf kvm stat record -o kvm.data -- $guest
	# shellcheck disable=SC2086 # a command and its words
	recorder trace-cmd trace.dat trace-cmd record -q -e kvm_exit -e kvm_entry -o trace.dat $guest
done
grep -h '^\[ kvmw' kvmw.err | sed 's/^/said /'
cp kvmw.data kvm.data perf.data trace.dat /out
