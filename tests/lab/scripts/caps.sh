# SPDX-License-Identifier: GPL-2.0
# Recording without root: what is refused, and that following the advice is enough.
. /src/tests/lab/scripts/lib.sh
# as CAPS COMMAND...: as user 1000 with these capabilities ("+bpf,+perfmon", "-all")
as()
{
	caps=$1
	shift
	setpriv --reuid 1000 --regid 1000 --clear-groups --inh-caps "$caps" --ambient-caps "$caps" "$@"
}
chmod 666 /dev/kvm
mkdir -m 777 /tmp/user
small="kvmw bench guest --json --cpuid 200 --pio 100"
two=+bpf,+perfmon
four=$two,+dac_read_search,+sys_ptrace
case $(uname -r) in
5.10.*)
	two=$two,+sys_resource
	four=$four,+sys_resource
	;;
esac

step caps-none as -all kvmw record -o /tmp/user/none -- true
step caps-bpf as +bpf kvmw record -o /tmp/user/bpf -- true
cat /proc/sys/kernel/perf_event_paranoid >caps-paranoid
step caps-perf as $two kvmw record -o /tmp/user/perf -- true
echo 2 >/proc/sys/kernel/perf_event_paranoid
step caps-tracefs as $two kvmw record -o /tmp/user/tracefs -- true
# shellcheck disable=SC2086 # a command and its words
step caps-four as $four kvmw record -o /tmp/user/four.kvmw -- $small
mount -o remount,mode=750,gid=1000 /sys/kernel/tracing
# shellcheck disable=SC2086 # a command and its words
step caps-two as $two kvmw record -v -o /tmp/user/two.kvmw -- $small
cp /tmp/user/two.kvmw caps-two.kvmw
cp /tmp/user/four.kvmw caps-four.kvmw

endless caps-vm --cpuid 1 --pio 1
stand_still "$vm"
step caps-other as $two kvmw record -o /tmp/user/other -p "$vm" -- sleep 1
# The user may not send SIGCONT, and asks root.
mkfifo -m 666 /tmp/user/ask
{
	read -r asked </tmp/user/ask
	kill -CONT "$vm"
	sleep 1
	kill -STOP "$vm"
	echo "$asked" >/tmp/user/ask
} &
step caps-ptrace as $four kvmw record -o /tmp/user/ptrace.kvmw -p "$vm" -- \
	sh -c 'echo go on >/tmp/user/ask; read -r done </tmp/user/ask'
cp /tmp/user/ptrace.kvmw caps-ptrace.kvmw
step caps-list as -all kvmw list --json
step caps-list-four as $four kvmw list --json
kill -KILL "$vm"
wait "$vm"

# Root without CAP_SYS_RESOURCE cannot raise the limit on locked memory.
step memlock prlimit --memlock=65536:65536 capsh --drop=cap_sys_resource -- -c \
	"exec kvmw record -o memlock.kvmw -- $small"
step memlock-unlimited prlimit --memlock=unlimited capsh --drop=cap_sys_resource -- -c \
	"exec kvmw record -o memlock-unlimited.kvmw -- $small"
