# SPDX-License-Identifier: GPL-2.0
# Programs of tests/vmm.c beside two tracers, for tests/oracle.py.  /plans has one file for each
# recording: a line with the options of kvmw record, then a program a line.
#
# Probes of a tracepoint run in the order in which they were added.  One tracer begins before
# kvmw attaches, the other one after it: kvmw sees each event between the two.
. /src/tests/lab/scripts/lib.sh

tracers=/sys/kernel/tracing/instances
events='kvm:kvm_exit kvm:kvm_entry kvm:kvm_userspace_exit kvm:kvm_vcpu_wakeup kvm:kvm_fpu
sched:sched_switch sched:sched_wakeup task:task_newtask syscalls:sys_enter_ioctl
syscalls:sys_exit_ioctl'

# filter FILE CONDITION
filter()
{
	echo "$2" >"events/$1/filter"
}

# tracer NAME: prepares a tracer, which traces nothing yet
tracer()
{
	mkdir "$tracers/$1"
	cd "$tracers/$1" || exit
	echo mono >trace_clock
	echo 0 >options/overwrite
	echo 16384 >buffer_size_kb
	filter sched/sched_switch 'prev_comm == "vmm" || next_comm == "vmm"'
	filter sched/sched_wakeup 'comm == "vmm"'
	filter syscalls/sys_enter_ioctl 'cmd == 0xae01 || cmd == 0xae41 || cmd == 0xae80'
	cd /out || exit
}

# trace NAME: starts it
trace()
{
	echo "$events" >"$tracers/$1/set_event"
}

# untrace NAME: stops it
untrace()
{
	echo >"$tracers/$1/set_event"
}

# save NAME FILE: saves its trace, the pages of one CPU after the other
save()
{
	for cpu in "$tracers/$1/per_cpu/"*; do
		dd if="$cpu/trace_pipe_raw" iflag=nonblock bs=4096 of="$2.$1.${cpu##*/}" 2>/dev/null
	done
}

# programs PLAN: runs all of its programs, one after the other; prints how each one ended
programs()
{
	tail -n +2 "/plans/$1" | while read -r program; do
		vmm "$program" </dev/null
		echo "{\"status\": $?}"
	done
}

if [ "$1" = programs ]; then
	trace last
	programs "$2"
	untrace last
	exit
fi

for event in $events; do
	cat "/sys/kernel/tracing/events/$(echo "$event" | tr : /)/format"
done >oracle.formats
cat /sys/kernel/tracing/events/header_page >oracle.page
tracer first
tracer last
trace first
for plan in /plans/*; do
	plan=${plan##*/}
	read -r options <"/plans/$plan"
	# shellcheck disable=SC2086
	step "oracle-$plan" kvmw record $options -o "oracle-$plan.kvmw" -- \
		sh /src/tests/lab/scripts/oracle.sh programs "$plan"
	save first "oracle-$plan"
	save last "oracle-$plan"
done
untrace first
rmdir "$tracers/first" "$tracers/last"
