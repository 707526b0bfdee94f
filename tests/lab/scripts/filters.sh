# SPDX-License-Identifier: GPL-2.0
# The filters of kvmw record, on a guest with a known number of each exit.
. /src/tests/lab/scripts/lib.sh
guest="kvmw bench guest --json --cpuid 300 --pio 200 --mmio 20 --msr 10 --touch 64"

# filter NAME OPTION...
filter()
{
	name=filter-$1
	shift
	# shellcheck disable=SC2086 # a command and its words
	step "$name" kvmw record -o "$name.kvmw" "$@" -- $guest
}
filter reason --reason CPUID,0x7c
filter duration --min-duration 400us -e exit,userspace,fault
filter port --port 0x5150-0x5157
filter gpa --gpa 0x100000000-0x7fffffffffff -e exit,fault
filter msr --msr 0x17a
filter several --msr 0x17a --port 0x5150
filter sample --sample 7
filter both --reason cpuid --sample 10
filter no-addresses --no-addresses -e exit,fault,ioctl,mmu,memslot,dirty
filter resolution --resolution 1/16 -e exit,userspace,fault,ioctl
