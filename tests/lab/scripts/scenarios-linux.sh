# SPDX-License-Identifier: GPL-2.0
# Linux in QEMU, with nothing wrong and with one thing wrong at a time; what the first page of the
# recordings says is looked at outside.
. /src/tests/lab/scripts/lib.sh
mkfifo /tmp/told
exec 3<>/tmp/told
export LAB_GUEST='while :; do echo round; sleep 0.3; done & p=$!;
while read -r c; do kill $p; eval $c & p=$!; echo answer; done 2>/dev/null'
# What is written to the virtio console goes nowhere, at once: only its notifications cost anything.
linux_guest guest.txt sh -c 'exec lab-guest -smp 1,maxcpus=2 -qmp unix:/tmp/qmp,server,nowait \
	-chardev null,id=nowhere -device virtio-serial-pci,ioeventfd=off -device virtconsole,chardev=nowhere <&3'

# told COMMANDS: the guest does only this from now on
told()
{
	answers=$(grep -c answer guest.txt)
	echo "$1" >&3
	until_so more_answers
}

more_answers()
{
	[ "$(grep -c answer guest.txt)" -gt "$answers" ]
}

# seen NAME [COMMAND...]: for two seconds, or while COMMAND runs
seen()
{
	scenario=$1
	shift
	[ $# -gt 0 ] || set -- sleep 2
	stand_still $vm
	step "$scenario" kvmw record -q -o "$scenario.kvmw" -p $vm -- $go_on $vm "$@"
}

clock=/sys/devices/system/clocksource/clocksource0/current_clocksource
work='while :; do md5sum /bin/busybox; done >/dev/null'
told 'sleep 1000'
seen idle
told "$work"
seen busy sleep 5
told 'while :; do echo one more line; done'
seen serial
told 'while :; do dd if=/dev/zero of=/dev/hvc0 bs=1k count=100; done'
seen no-ioeventfd
told "echo hpet >$clock; while :; do usleep 300; done"
seen hpet
told "echo acpi_pm >$clock; while :; do usleep 300; done"
seen pm-timer
told "echo tsc >$clock; while :; do dd if=/dev/zero of=/tmp/x bs=64k count=200; done"
# It waits for QEMU, which stands still until it is recorded.
python3 /src/tests/lab/scripts/migrate.py /tmp/qmp 4 >migrate.out 2>&1 &
migration=$!
seen migration
wait $migration
told "$work"
python3 /src/tests/lab/scripts/qmp.py /tmp/qmp device_add '{"driver": "host-x86_64-cpu", "id": "late",
	"socket-id": 0, "core-id": 1, "thread-id": 0}' >qmp.out 2>&1
seen never-started
kill -KILL $vm
