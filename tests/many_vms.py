# SPDX-License-Identifier: GPL-2.0
"""many_vms.py WHAT NUMBER...: more VMs than real VMMs could start in a test. Runs under a recorder.

Their guests have no memory: each KVM_RUN returns soon, one way or another. With CODE 1 they have
one page (AMD only): each KVM_RUN has an exit for CPUID, and one for OUT."""
import fcntl
import mmap
import os
import resource
import struct
import sys
import threading
import time

KVM_CREATE_VM, KVM_CREATE_VCPU, KVM_RUN = 0xae01, 0xae41, 0xae80
KVM_SET_USER_MEMORY_REGION = 0x4020ae46
RESET = 0xfffffff0
LOOP = b"\x0f\xa2\xe6\x80\xeb\xfa"      # cpuid; out %al, $0x80; jmp to the first
RECORDER = f"/proc/{os.getppid()}"


def run(vcpu):
    try:
        fcntl.ioctl(vcpu, KVM_RUN, 0)
    except OSError:
        pass        # which some KVMs return


class Code:
    """A page with LOOP where vCPUs start, shared by all VMs."""
    def __init__(self, wanted):
        if not wanted:
            self.address = None
            return
        fd = os.memfd_create("guest-code")
        os.ftruncate(fd, mmap.PAGESIZE)
        self.page = mmap.mmap(fd, mmap.PAGESIZE)
        self.page[RESET % mmap.PAGESIZE:RESET % mmap.PAGESIZE + len(LOOP)] = LOOP
        with open("/proc/self/maps") as maps:
            self.address, = (int(line.split("-")[0], 16) for line in maps if "guest-code" in line)

    def new_vm(self, kvm):
        vm = fcntl.ioctl(kvm, KVM_CREATE_VM, 0)
        if self.address:
            region = (0, 0, RESET - RESET % mmap.PAGESIZE, mmap.PAGESIZE, self.address)
            fcntl.ioctl(vm, KVM_SET_USER_MEMORY_REGION, struct.pack("<IIQQQ", *region))
        return vm


def at_once(kvm, vms, per, turns, code=0):
    """VMS with PER vCPUs each, which run TURNS times; prints the size of the recorder's BPF maps in
    bytes."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (vms * (per + 1) + 100,) * 2)
    vcpus, code = [], Code(code)
    for _ in range(vms):
        vm = code.new_vm(kvm)
        vcpus += [fcntl.ioctl(vm, KVM_CREATE_VCPU, number) for number in range(per)]
    for vcpu in vcpus * turns:
        run(vcpu)
    memory = 0
    for fd in os.listdir(f"{RECORDER}/fdinfo"):
        try:
            with open(f"{RECORDER}/fdinfo/{fd}") as file:
                text = file.read()
        except FileNotFoundError:
            continue        # a file in /proc that it has read
        if "map_type" in text:
            memory += int(text.split("memlock:")[1].split()[0])
    print(memory)


def take_turns(kvm, threads, vcpus):
    """THREADS run each of VCPUS once, one after another."""
    vm = fcntl.ioctl(kvm, KVM_CREATE_VM, 0)
    vcpus = [fcntl.ioctl(vm, KVM_CREATE_VCPU, number) for number in range(vcpus)]
    turns = [threading.Semaphore(not i) for i in range(threads)]

    def turn(i):
        for k in range(len(vcpus)):
            turns[i].acquire()
            run(vcpus[(i + k) % len(vcpus)])
            turns[(i + 1) % threads].release()

    running = [threading.Thread(target=turn, args=(i,)) for i in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()


def look():
    """The number of the recorder's descriptors, without files that it reads now and then; its
    memory in KB."""
    links = [f"{RECORDER}/fd/{fd}" for fd in os.listdir(f"{RECORDER}/fd")]
    links = [os.readlink(link) for link in links if os.path.islink(link)]
    with open(f"{RECORDER}/status") as status:
        memory = int(status.read().split("RssAnon:")[1].split()[0])
    print(sum("bpf-stats" not in link and not link.startswith("/proc/") for link in links), memory, flush=True)


def short(kvm, vms, code=0):
    """VMS one after another, each run twice; looks at the recorder after a third of them, and at
    the end."""
    code = Code(code)
    for i in range(vms):
        vm = code.new_vm(kvm)
        vcpu = fcntl.ioctl(vm, KVM_CREATE_VCPU, 0)
        run(vcpu)
        run(vcpu)
        os.close(vcpu)
        os.close(vm)
        time.sleep(0.002)       # faster than real ones, but not too fast for a busy recorder
        if i + 1 in (vms // 3, vms):
            look()


if __name__ == "__main__":
    globals()[sys.argv[1]](os.open("/dev/kvm", os.O_RDWR), *map(int, sys.argv[2:]))
