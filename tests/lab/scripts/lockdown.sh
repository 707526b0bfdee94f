# SPDX-License-Identifier: GPL-2.0
# What works under kernel lockdown. /sys/kernel/security has the level from the command line.
. /src/tests/lab/scripts/lib.sh
guest="kvmw bench guest --json --cpuid 200 --pio 100"
# shellcheck disable=SC2086 # several words
step lockdown-unmounted kvmw stat --json -- $guest
mount -t securityfs securityfs /sys/kernel/security
cat /sys/kernel/security/lockdown >lockdown.level
# shellcheck disable=SC2086 # several words
step lockdown-stat kvmw stat --json -- $guest
# shellcheck disable=SC2086 # several words
step lockdown-record kvmw record -o lockdown.kvmw -e exit,fault,irq,sched,mmu -- $guest
# shellcheck disable=SC2086 # several words
step lockdown-unseen kvmw record -v -o lockdown-unseen.kvmw -e dirty -- $guest
