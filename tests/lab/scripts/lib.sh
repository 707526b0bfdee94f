# SPDX-License-Identifier: GPL-2.0
# For the scripts that run inside the lab. What they leave in /out is looked at outside.
cd /out || exit

# step NAME COMMAND...: leaves its output, errors and exit status in NAME.out, .err, .status
step()
{
	name=$1
	shift
	"$@" >"$name.out" 2>"$name.err" </dev/null
	echo $? >"$name.status"
}

# until_so COMMAND...: waits until it succeeds, a minute at most
until_so()
{
	tries=0
	until "$@" >/dev/null 2>&1; do
		tries=$((tries + 1))
		[ $tries -gt 300 ] && echo "never: $*" && return 1
		sleep 0.2
	done
}

# recording FILE: its programs are attached
recording()
{
	kvmw info --json -i "$1" 2>/dev/null | grep -q '"start_ns":[ ]*[1-9]'
}

# runs PID: it is a VM
runs()
{
	ls -l "/proc/$1/fd" 2>/dev/null | grep -q kvm-vcpu
}

# endless NAME OPTION...: a VM in the background until it is sent SIGTERM; sets $vm
endless()
{
	name=$1
	shift
	kvmw bench guest --json --rounds 0 "$@" >"$name.json" 2>"$name.err" &
	vm=$!
	until_so runs $vm
}
