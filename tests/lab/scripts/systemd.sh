# SPDX-License-Identifier: GPL-2.0
# kvmw-recorder.service, as it is installed, under systemd.
. /src/tests/lab/scripts/lib.sh
export SYSTEMD_PAGER=cat
is_running()
{
	[ "$(systemctl is-system-running)" = running ]
}

until_so is_running
cut -d ' ' -f 1 /proc/uptime >booted
sed 's|@bindir@|/usr/bin|' /src/kvmw-recorder.service.in >/usr/lib/systemd/system/kvmw-recorder.service
mkdir -p /etc/default
echo 'KVMW_RECORDER_OPTIONS="--keep 60s,32M --max-snapshots 2"' >/etc/default/kvmw-recorder
systemctl daemon-reload
step unit-enabled systemctl enable --now kvmw-recorder
step unit-active systemctl is-active kvmw-recorder
step unit-status systemctl status kvmw-recorder
step unit-guest kvmw bench guest --json --rounds 20 --cpuid 50 --pio 10
step unit-snapshot kvmw snapshot --wait
stat -c '%a %n' /var/lib/kvmw /var/lib/kvmw/* >unit.files
step unit-stopped systemctl stop kvmw-recorder
systemctl show -p ActiveState,Result,ExecMainStatus,NRestarts kvmw-recorder >unit.show
journalctl --no-pager -o json -u kvmw-recorder >unit.journal
cp /var/lib/kvmw/*.data unit.data
systemctl is-system-running >unit.system
