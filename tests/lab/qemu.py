# SPDX-License-Identifier: GPL-2.0
"""AMD: QEMU's TCG with SVM and nested paging.  Everything goes over virtio."""

DISK = "/dev/vda"
MODULES = "virtio_pci,virtio_blk,virtio_console,kvm-amd"
OUT, STATUS, FILES, TTY = "/dev/vport0p1", "/dev/vport0p2", "/dev/vport0p3", "/dev/hvc0"
CONSOLE = "ttyS0"
# A busy machine runs the emulator late; Linux would blame the TSC and take the slow HPET.
APPEND = ["tsc=reliable"]
# All CPUs in one thread: before 8.1 QEMU translates code without holding its pages, so a
# second thread can keep a stale breakpoint when Linux patches itself (each time a tracepoint
# is enabled): "Oops: int3" in two of ten runs with eight CPUs, none of thirteen in one thread.
MEM, SMP, MAX_SMP, TIMEOUT = 1024, 1, 64, 300


def command(machine, root, append):
    """QEMU's command line; its standard output is COMMAND's output (or the terminal)."""
    temp = machine.temp
    argv = ["qemu-system-x86_64", "-name", "kvmw-lab", "-nodefaults", "-no-user-config",
            "-M", "q35", "-accel", "tcg,thread=single", "-cpu", "EPYC,+svm,+npt",
            "-smp", str(machine.smp), "-m", str(machine.mem), "-nic", "none",
            "-display", "none", "-vga", "none", "-no-reboot",
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
    return argv + ["-device", "virtserialport,chardev=status,nr=2",
                   "-device", "virtserialport,chardev=files,nr=3"]
