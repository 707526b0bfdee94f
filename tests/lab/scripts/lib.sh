# SPDX-License-Identifier: GPL-2.0
# For the scripts that run inside the lab. Tests outside look at what they leave in /out.
cd /out || exit

# step NAME COMMAND...: leaves its output, errors and exit status in NAME.out, .err, .status
step()
{
	name=$1
	shift
	"$@" >"$name.out" 2>"$name.err" </dev/null
	echo $? >"$name.status"
}

# interrupted_twice FILE: the guest that printed these errors took an interrupt that nobody sent,
# a bug of QEMU's SVM
interrupted_twice()
{
	grep -q 'the guest counted .* \(ipi taken\|timer interrupts\)' "$1"
}

# timed_step NAME COMMAND...: a step whose guest may hang (lab/qemu.py) or take an interrupt
# twice: it is repeated, after three minutes at the latest
timed_step()
{
	timed=$1
	shift
	for try in 1 2 3; do
		step "$timed" timeout -k 10 180 "$@"
		case $(cat "$timed.status") in
		124 | 137) ;;
		*) interrupted_twice "$timed.err" || return ;;
		esac
	done
}

# until_so COMMAND...: waits until it succeeds; five minutes at most, in case it never does
until_so()
{
	tries=0
	until "$@" >/dev/null 2>&1; do
		tries=$((tries + 1))
		[ $tries -gt 1500 ] && echo "never: $*" && return 1
		sleep 0.2
	done
}

# recording FILE: the recorder of FILE has attached its programs
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

# stand_still PID...: stops them until $go_on "PID..." COMMAND. In the emulator, attaching programs
# beside a busy guest takes long.
go_on="bash /src/tests/lab/scripts/go-on.sh"
stand_still()
{
	kill -STOP "$@"
}

# rounds FILE: the rounds that a Linux guest has done, from its output
rounds()
{
	grep -c round "$1"
}

# goes_on FILE: that guest makes another one within 100 s, five times as long as it takes to boot
goes_on()
{
	before=$(rounds "$1")
	end=$(($(cut -d. -f1 /proc/uptime) + 100))
	while [ "$(rounds "$1")" = "$before" ]; do
		[ "$(cut -d. -f1 /proc/uptime)" -gt $end ] && return 1
		sleep 0.2
	done
}

# linux_guest FILE COMMAND...: starts a Linux guest that prints rounds to FILE, again if it hangs in
# the emulator; sets $vm
linux_guest()
{
	console=$1
	shift
	for try in 1 2 3; do
		: >"$console"
		"$@" >"$console" 2>&1 &
		vm=$!
		goes_on "$console" && return
		kill -KILL $vm
		wait $vm
	done
}

# set_up NAME VCPUS QEMU-OPTION...: records the set-up of a VM whose vCPUs never ran: step
# setup-NAME
set_up()
{
	name=$1 vcpus=$2
	shift 2
	qemu-system-x86_64 -accel kvm -m 32 -nodefaults -display none -S "$@" >set-up.txt 2>&1 &
	vm=$!
	until_so sh -c "ls -d /sys/kernel/debug/kvm/$vm-*/vcpu$((vcpus - 1))"
	until_so runs $vm
	kvmw record -q -o "setup-$name.kvmw" -p $vm -- true
	step "setup-$name" kvmw info --json -i "setup-$name.kvmw"
	kill $vm
	wait $vm
}
