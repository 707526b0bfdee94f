# SPDX-License-Identifier: GPL-2.0
# Linux in QEMU, without problems and with one problem at a time; tests outside check the first page
# of the reports.
. /src/tests/lab/scripts/lib.sh
mkfifo /tmp/told
truncate -s 1M /tmp/scsi.img
exec 3<>/tmp/told
export LAB_GUEST='while :; do echo round; sleep 0.3; done & p=$!;
while read -r c; do kill $p; eval $c & p=$!; echo answer; done 2>/dev/null'
# Output to the virtio console is dropped at once: only its notifications cost anything.
linux_guest guest.txt sh -c 'exec lab-guest -smp 1,maxcpus=2 -device pvscsi,id=scsi \
	-drive file=/tmp/scsi.img,format=raw,if=none,id=scsi0 -device scsi-hd,drive=scsi0,bus=scsi.0 -qmp unix:/tmp/qmp,server,nowait \
	-chardev null,id=nowhere -device virtio-serial-pci,ioeventfd=off -device virtconsole,chardev=nowhere <&3'

# told COMMANDS: makes the guest do only this from now on
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

# seen NAME [COMMAND...]: records for two seconds, or while COMMAND runs
seen()
{
	scenario=$1
	shift
	[ $# -gt 0 ] || set -- sleep 2
	stand_still "$vm"
	# shellcheck disable=SC2086 # a command and its words
	step "$scenario" kvmw record -q -o "$scenario.kvmw" -p "$vm" -- $go_on "$vm" "$@"
}

clock=/sys/devices/system/clocksource/clocksource0/current_clocksource
work='while :; do md5sum /bin/busybox; done >/dev/null'
told 'sleep 1000'
seen idle
# Exits from three functions of the kernel and one of a module, and the names of these.
exits="dd if=/dev/cpu/0/msr bs=8 skip=2 count=60; dd if=/dev/zero of=/dev/cpu/0/msr bs=8 seek=74 count=50 conv=notrunc; \
dd if=/dev/cpu/0/cpuid bs=16 count=80; dd if=/dev/sda bs=4k count=40 iflag=direct"
told "grep -i ' [tw] ' /proc/kallsyms | gzip >/x; { wc -c </x; cat /x; } | dd of=/dev/vda bs=1M; sync; echo ke''pt"
until_so grep -q ^kept guest.txt
python3 -c 'f = open("/lab/guest/disk.img", "rb"); n = int(f.readline()); open("kallsyms.gz", "wb").write(f.read(n))'
gzip -dc kallsyms.gz >/tmp/kallsyms
step symbols kvmw record -q -o symbols.kvmw -p "$vm" --guest-kallsyms /tmp/kallsyms -- timeout 120 sh -c 'echo "$0" >/tmp/told
	until grep -q ^made guest.txt; do sleep 0.1; done' "{ $exits; } >/dev/null; echo ma''de"
cp /lab/guest/vmlinuz .
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
# migrate.py waits for QEMU, which is stopped until the recording begins.
python3 /src/tests/lab/scripts/migrate.py /tmp/qmp 4 >migrate.out 2>&1 &
migration=$!
seen migration
wait $migration
told "$work"
python3 /src/tests/lab/scripts/qmp.py /tmp/qmp device_add '{"driver": "host-x86_64-cpu", "id": "late",
	"socket-id": 0, "core-id": 1, "thread-id": 0}' >qmp.out 2>&1
seen never-started
kill -KILL "$vm"
