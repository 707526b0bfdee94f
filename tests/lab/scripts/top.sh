# SPDX-License-Identifier: GPL-2.0
# kvmw top beside perf stat: all exits of a guest, from the first to the last.
. /src/tests/lab/scripts/lib.sh
what="--cpuid 2000 --pio 1000 --msr 300 --hlt 20 --mmio 100 --touch 50 --vcpus 2"
COLUMNS=140 kvmw top --batch --delay 500ms --per reason >top.out 2>top.err &
top=$!
until_so grep -q '^kvmw top' top.out
# shellcheck disable=SC2086 # several words
timed_step top-guest perf stat -x, -o top.perf -e kvm:kvm_exit kvmw bench guest --json $what
seen=$(grep -c '^kvmw top' top.out)
until_so sh -c "[ \$(grep -c '^kvmw top' top.out) -gt $((seen + 1)) ]"
kill -INT $top
wait $top
echo $? >top.status
