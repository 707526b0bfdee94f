# SPDX-License-Identifier: GPL-2.0
# The same guest recorded again and again, $1 times: see tests/aa_pairs.
. /src/tests/lab/scripts/lib.sh
i=0
while [ $i -lt "$1" ]; do
	i=$((i + 1))
	step pair$i kvmw record -q -o pair$i.kvmw -- kvmw bench guest --cpuid 5 --pio 5 --msr 3 --mmio 2 --rounds 1000
done
