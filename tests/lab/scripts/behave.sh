# SPDX-License-Identifier: GPL-2.0
# kvmw record does what its manual page says.
. /src/tests/lab/scripts/lib.sh
some="--cpuid 300 --pio 200 --mmio 20 --hlt 10"

# A pipe: it carries the recording, without the command's own output.
step pipe sh -c "kvmw record -o - -- kvmw bench guest --json $some | tee pipe.kvmw | kvmw report -i - --json"
step pipe-info sh -c 'cat pipe.kvmw | kvmw info -i - --json'
step pipe-closed bash -c "kvmw record -o - -- kvmw bench guest --rounds 0 --cpuid 9 | head -c 100 >/dev/null
	exit \${PIPESTATUS[0]}"

# The output file.
mkdir /tmp/files && cd /tmp/files || exit
umask 0
kvmw record -q -- kvmw bench guest --cpuid 10
cp kvmw.data /out/files-first.kvmw
kvmw record -q -- kvmw bench guest --cpuid 20
cp kvmw.data.old /out/files-old.kvmw
cp kvmw.data /out/files-new.kvmw
stat -c %a kvmw.data >/out/files.mode
umask 022
mkdir user && chown 1234:2345 user
SUDO_UID=1234 SUDO_GID=2345 kvmw record -q -o user/kvmw.data -- true
stat -c '%u:%g %a' user/kvmw.data >/out/files.owner
cd /out || exit

# Exit status.
step status-0 kvmw record -q -o /tmp/x -- true
step status-7 kvmw record -q -o /tmp/x -- sh -c 'exit 7'
step status-kill kvmw record -q -o /tmp/x -- sh -c 'kill -9 $$'

# How a recording ends.
endless ends-vm --cpuid 1
step duration kvmw record -a -d 1.5 -o duration.kvmw
stand_still "$vm"
for signal in INT TERM HUP; do
	kvmw record -o signal-$signal.kvmw -p "$vm" 2>signal-$signal.err &
	recorder=$!
	until_so recording signal-$signal.kvmw
	$go_on "$vm" sleep 0.2
	stand_still "$vm"
	kill -$signal $recorder
	wait $recorder
	echo $? >signal-$signal.status
	: >signal-$signal.out
done
kvmw record -o signal-command.kvmw -a -- sleep 77 2>signal-command.err &
recorder=$!
until_so recording signal-command.kvmw
kill -INT $recorder
wait $recorder
echo $? >signal-command.status
: >signal-command.out
pgrep -c -f 'sleep 77' >signal-command.left

step gone kvmw record -o gone.kvmw -p "$vm" &
until_so recording gone.kvmw
$go_on "$vm" sleep 1.5
stand_still "$vm"
cp gone.kvmw live.kvmw
step live kvmw report -i gone.kvmw --json
kill "$vm"
kill -CONT "$vm"
wait
endless terminal-vm --cpuid 1
step status-line python3 -c 'import pty, os
os.environ["TERM"] = "xterm"
exit(os.waitstatus_to_exitcode(pty.spawn(["kvmw", "record", "-a", "-d", "2.5", "-o", "/tmp/x"])))'
kill "$vm"
wait

# Selecting VMs and vCPUs.
step later kvmw record -o later.kvmw -a -d 60 &
until_so recording later.kvmw
# shellcheck disable=SC2086 # options
step later-1 kvmw bench guest --json $some
# shellcheck disable=SC2086 # options
step later-2 kvmw bench guest --json $some --vcpus 2
sleep 1.2
pkill -INT -x kvmw
wait
# shellcheck disable=SC2086 # options
step vcpu kvmw record -o vcpu.kvmw --vcpu 1 -- kvmw bench guest --json --vcpus 3 $some
endless two-a --cpuid 1
a=$vm
endless two-b --pio 1
b=$vm
endless two-c --hlt 1
echo "[$a, $b, $vm]" >two-pids.json
stand_still "$a" "$b" "$vm"
# shellcheck disable=SC2086 # a command and its words
step two kvmw record -o two.kvmw -p "$a,$b" -- $go_on "$a $b $vm" sleep 2
step two-list kvmw list --json
kill "$a" "$b" "$vm"
wait
step child kvmw record -o child.kvmw -- sh -c "kvmw bench guest --json $some & wait"
step orphan kvmw record -o orphan.kvmw -- sh -c \
	"(setsid sh -c 'sleep 0.5; kvmw bench guest --json $some >orphan.json; : >orphan.done' &)
	until [ -e orphan.done ]; do sleep 0.1; done"

# What else is recorded.
# shellcheck disable=SC2086 # options
step userspace kvmw record -o userspace.kvmw -e userspace -- kvmw bench guest --json --vcpus 2 $some
# shellcheck disable=SC2086 # options
step both-events kvmw record -o both.kvmw -e userspace,exit -- kvmw bench guest --json --vcpus 2 $some
step delay kvmw record -o delay.kvmw -- kvmw bench guest --json --pio 400 --cpuid 400 --vmm-delay 500
bpftool prog show | grep -c -e kvm_exit -e kvm_entry >progs-left
