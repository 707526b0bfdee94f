# SPDX-License-Identifier: GPL-2.0
# Trouble on the host while kvmw records: a CPU goes offline and comes back, clocks are set, memory
# is short.
. /src/tests/lab/scripts/lib.sh
online=/sys/devices/system/cpu/cpu1/online

# The guest's CPU goes offline.
step offline kvmw record -a -e exit,userspace -o offline.kvmw -- sh -c "
	taskset 2 kvmw bench guest --json --pio 200 --cpuid 200 --rounds 5 >offline.json & guest=\$!
	sleep 0.3; echo 0 >$online; sleep 0.3; echo 1 >$online; wait \$guest"

# The wall clock jumps by a day, back and forth.
step clock kvmw record -e exit,userspace -o clock.kvmw -- sh -c "
	kvmw bench guest --json --pio 100 --rounds 20 & guest=\$!
	date -s '-1 day'; sleep 0.2; date -s '+2 days'; date -s '-1 day'; wait \$guest"

# Only the recorder is in a group with little memory, not its guest.
group=/sys/fs/cgroup/small
echo +memory >/sys/fs/cgroup/cgroup.subtree_control
mkdir $group
for max in 64M 256M; do
	echo $max >$group/memory.max
	endless memory-vm --cpuid 1 --pio 1
	step memory-$max sh -c "echo \$\$ >$group/cgroup.procs; exec kvmw record -e exit -p $vm -d 1 -o memory-$max.kvmw"
	kill "$vm"
	wait "$vm"
done
