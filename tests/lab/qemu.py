# SPDX-License-Identifier: GPL-2.0
"""AMD: QEMU's TCG with SVM and nested paging.  Everything goes over virtio."""
import socket
import threading
import time

DISK = "/dev/vda"
MODULES = "virtio_pci,virtio_blk,virtio_console,kvm-amd"
OUT, STATUS, FILES, TTY = "/dev/vport0p1", "/dev/vport0p2", "/dev/vport0p3", "/dev/hvc0"
CONSOLE = "ttyS0"
# A busy machine runs the emulator late; Linux would blame the TSC and take the slow HPET, or
# panic because its timer seems not to work.
APPEND = ["tsc=reliable", "no_timer_check"]
# All CPUs in one thread: before 8.1 QEMU translates code without holding its pages, so a
# second thread can keep a stale breakpoint when Linux patches itself (each time a tracepoint
# is enabled): "Oops: int3" in two of ten runs with eight CPUs, none of thirteen in one thread.
MEM, SMP, MAX_SMP, MAX_NODES, TIMEOUT = 1024, 1, 64, 8, 300

# Before 10.2 QEMU's VMRUN and its timers change interrupt flags in one word without a lock
# (cs->interrupt_request, target/i386/tcg/sysemu/svm_helper.c), so an interrupt of the host can get
# lost. If it is the one-shot timer's, the host hangs within its guest. Any other interrupt makes
# the APIC look again, such as that of a key press.
PRESS_SECONDS = 0.1
PRESS = b'{"execute":"send-key","arguments":{"keys":[{"type":"qcode","data":"shift"}],"hold-time":1}}'


def numa(machine):
    """NUMA nodes, with equal shares of the memory."""
    argv, size = [], machine.mem // machine.nodes
    for node in range(machine.nodes if machine.nodes > 1 else 0):
        argv += ["-object", f"memory-backend-ram,id=node{node},size={size}M",
                 "-numa", f"node,nodeid={node},memdev=node{node}"]
    return argv


def command(machine, root, append):
    """QEMU's command line; its standard output is COMMAND's output (or the terminal)."""
    temp = machine.temp
    argv = ["qemu-system-x86_64", "-name", "kvmw-lab", "-nodefaults", "-no-user-config",
            "-M", "q35", "-accel", "tcg,thread=single", "-cpu", "EPYC,+svm,+npt,-smap",
            "-smp", str(machine.smp), "-m", str(machine.mem), *numa(machine), "-nic", "none",
            "-display", "none", "-vga", "none", "-no-reboot",
            "-qmp", f"unix:{temp}/qmp,server=on,wait=off",
            "-serial", f"file:{machine.console}",
            "-kernel", machine.kernel.vmlinuz, "-initrd", machine.initrd, "-append", append,
            "-drive", f"file={root},format=raw,if=virtio,snapshot=on,cache=unsafe",
            "-chardev", f"file,id=status,path={machine.status}",
            "-chardev", f"file,id=files,path={machine.files}",
            "-chardev", "stdio,id=out,signal=off", "-device", "virtio-serial-pci"]
    if machine.shell:
        argv += ["-chardev", f"file,id=none,path={temp}/none",
                 "-device", "virtconsole,chardev=out,nr=0",
                 "-device", "virtserialport,chardev=none,nr=1"]
    else:
        argv += ["-device", "virtserialport,chardev=out,nr=1"]
    if machine.icount:
        argv += ["-icount", "shift=0,sleep=off"]
    return argv + ["-device", "virtserialport,chardev=status,nr=2",
                   "-device", "virtserialport,chardev=files,nr=3"]


def started(machine):
    """Keep the machine going until it ends, by pressing keys (see PRESS)."""
    threading.Thread(target=press, args=(f"{machine.temp}/qmp",), daemon=True).start()


def press(path):
    with socket.socket(socket.AF_UNIX) as qmp:
        while qmp.connect_ex(path):
            time.sleep(PRESS_SECONDS)
        try:
            qmp.sendall(b'{"execute":"qmp_capabilities"}')
            while qmp.recv(65536):      # its answers do not matter
                time.sleep(PRESS_SECONDS)
                qmp.sendall(PRESS)
        except OSError:
            pass                        # it has ended
