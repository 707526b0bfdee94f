#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Record a running guest and report it, on this machine if its KVM reports VM exits,
# otherwise in the lab.  usage: demo.sh KVMW
set -eu
kvmw=$(realpath "$1")
here=$(cd "$(dirname "$0")/.." && pwd)
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

# A guest that runs for a few seconds; kvmw attaches to it while it runs.
scene='
set -e
"$0" bench guest --cpuid 40 --pio 20 --mmio 10 --msr 10 --hlt 4 --touch 2 --vcpus 2 --rounds 0 >/dev/null 2>&1 &
guest=$!
trap "kill $guest 2>/dev/null || true" EXIT
sleep 1
echo "\$ kvmw list"
"$0" list
echo
echo "\$ kvmw record -p $guest -- sleep 3"
"$0" record -o "$1/kvmw.data" -p $guest -- sleep 3
kill $guest
wait $guest || true
'

if [ -w /dev/kvm ] && "$kvmw" list --json | /usr/bin/python3 -c '
import json, sys
sys.exit(any(e["name"] == "exit" and e["missing"] for e in json.load(sys.stdin)["events"]))'
then
	echo "This machine's KVM reports VM exits: recording the built-in guest here."
	sh -c "$scene" "$kvmw" "$out"
else
	echo "This machine has no KVM that reports VM exits: running the same in the lab, an emulated"
	echo "AMD host with a stock Debian kernel (tests/lab/README)."
	"$here/tests/lab/lab" run --kvmw "$kvmw" --out "$out" -- sh -c "$scene" kvmw /out
fi

cp "$out/kvmw.data" "$here/kvmw-demo.data"
cd "$here"
echo
echo "\$ kvmw report -i kvmw-demo.data"
"$kvmw" report --no-pager -i kvmw-demo.data
cat <<END

The recording is kept as kvmw-demo.data. To record a VM of your own, on its host:

    sudo ./kvmw record -p PID -- sleep 10       # sudo ./kvmw list shows the PIDs
    sudo ./kvmw report                          # kvmw.data is root's
END
