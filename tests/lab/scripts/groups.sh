# SPDX-License-Identifier: GPL-2.0
# VMs selected or excluded by control group and container, with perf counting those that come and go
# (these kernels have no CONFIG_CGROUP_PERF for perf's own -G); and what remains possible in a PID
# namespace.
. /src/tests/lab/scripts/lib.sh
cgroups=/sys/fs/cgroup
id=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
docker=in.slice/docker-$id.scope
mkdir -p $cgroups/$docker/vcpu0 $cgroups/in.slice/libpod-conmon-$id.scope $cgroups/out.slice

# sh in-group GROUP COMMAND...
cat >in-group <<'EOF'
echo $$ >/sys/fs/cgroup/$1/cgroup.procs
shift
exec "$@"
EOF
# Some guests come and go; one is moved in and out again.
cat >run-groups <<EOF
guest="kvmw bench guest --json"
for i in 1 2 3; do
	sh in-group $docker perf stat -x, -o groups.\$i-1.perf -e kvm:kvm_exit \$guest --cpuid 300 --pio 100 >>groups.told
	sh in-group in.slice perf stat -x, -o groups.\$i-2.perf -e kvm:kvm_exit \$guest --cpuid 200 >>groups.told
	sh in-group out.slice \$guest --cpuid 100 >>groups.others
done
echo \$1 >$cgroups/in.slice/cgroup.procs
sleep 1
echo \$1 >$cgroups/out.slice/cgroup.procs
sleep 1
EOF
sh in-group out.slice kvmw bench guest --json --rounds 0 --cpuid 50 --vmm-delay 1000 >mover.json 2>mover.err &
mover=$!
until_so runs $mover
echo $mover >groups.mover
step groups kvmw stat --json --per vm -G in.slice -- sh run-groups $mover
cat >run-two <<EOF
sh in-group in.slice kvmw bench guest --json --cpuid 50 >&2
sh in-group $docker/vcpu0 kvmw bench guest --json --cpuid 70 >&2
EOF
step groups-container kvmw stat --json --per vm --container "${id%abcdef}" -- sh run-two
step groups-record kvmw record -q -o groups.kvmw -G "in.*" -p $mover -- \
	sh in-group in.slice kvmw bench guest --json --cpuid 90
step groups-exclude kvmw stat --json --per vm -a --exclude $mover -- kvmw bench guest --json --cpuid 80
step groups-unknown kvmw stat -G in.slcie -- true
step groups-docker kvmw stat --container fedcba -- true
step pid-pid unshare -pf --mount-proc kvmw stat -p 1 -- true
step pid-all unshare -pf --mount-proc kvmw stat --json --per vm -a -- sleep 1
step pid-group unshare -pf --mount-proc kvmw record -q -o pid-group.kvmw -G out.slice -- sleep 1
kill $mover
wait
