# SPDX-License-Identifier: GPL-2.0
"""Intel: Bochs with VMX and EPT.  One CPU, an ISO to boot from, IDE disks, serial ports.

Debian's Bochs is the debugger build: it wants a terminal and to be told to continue.
"""
import glob
import os
import shutil

from kernels import LabError, tool

DISK = "/dev/sda"
MODULES = "ata_piix,sd_mod,kvm-intel"
OUT, STATUS, FILES, TTY = "/dev/ttyS1", "/dev/ttyS2", "/dev/sdb", None
CONSOLE = "ttyS0"
# The TSC counts instructions. CPUID reports 4 GHz, at which a sleep would take minutes. At 200 MHz
# a sleep takes few instructions, and a tick still has 800,000. KVM uses the CPU's preemption
# timer only if the TSC is below 430 MHz: it has to last for 10 s.
APPEND = ["tsc=reliable", "no_timer_check", "tsc_early_khz=200000"]
MEM, SMP, MAX_SMP, MAX_NODES, TIMEOUT = 512, 1, 1, 1, 900
FILES_MB = 64           # how much COMMAND may leave in /out
# Instructions per emulated second.  A higher value means fewer timer interrupts per instruction.
IPS = 50000000

BOOT = """\
default lab
prompt 0
label lab
 kernel /kernel
 initrd /initrd
 append {append}
"""
CONFIG = """\
display_library: term
romimage: file={bios}
vgaromimage: file={vgabios}
cpu: model=corei7_skylake_x, count=1, ips={ips}, reset_on_triple_fault=0
memory: guest={mem}, host={mem}
clock: sync=none, time0=utc
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata1: enabled=1, ioaddr1=0x170, ioaddr2=0x370, irq=15
ata0-master: type=disk, mode=volatile, path="{root}", journal="{temp}/redolog"
ata0-slave: type=disk, mode=flat, path="{files}"
ata1-master: type=cdrom, path="{temp}/boot.iso", status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev="{console}"
com2: enabled=1, mode=file, dev="{out}"
com3: enabled=1, mode=file, dev="{status}"
log: "{temp}/bochs.log"
panic: action=fatal
error: action=ignore
info: action=ignore
debug: action=ignore
mouse: enabled=0
"""


def find(*patterns):
    for pattern in patterns:
        for path in sorted(glob.glob(pattern)):
            return path
    raise LabError(f"{os.path.basename(patterns[0])} is missing; 'make deps' installs "
                   "what the lab needs")


def make_iso(machine, append):
    where = os.path.join(machine.temp, "iso")
    os.mkdir(where)
    shutil.copy(find("/usr/lib/ISOLINUX/isolinux.bin", "/usr/share/syslinux/isolinux.bin"), where)
    shutil.copy(find("/usr/lib/syslinux/modules/bios/ldlinux.c32",
                     "/usr/share/syslinux/ldlinux.c32"), where)
    shutil.copy(machine.kernel.vmlinuz, f"{where}/kernel")
    shutil.move(machine.initrd, f"{where}/initrd")
    with open(f"{where}/isolinux.cfg", "w") as out:
        out.write(BOOT.format(append=append))
    tool("xorriso", "-as", "mkisofs", "-quiet", "-o", f"{machine.temp}/boot.iso",
         "-b", "isolinux.bin", "-c", "boot.cat", "-no-emul-boot", "-boot-load-size", "4",
         "-boot-info-table", where)


def command(machine, root, append):
    """Bochs' command line; COMMAND's output goes to the file machine.out."""
    make_iso(machine, append)
    with open(machine.files, "wb") as files:
        files.truncate(FILES_MB << 20)
    config = CONFIG.format(
        bios=find("/usr/share/bochs/BIOS-bochs-latest"),
        vgabios=find("/usr/share/vgabios/vgabios.bin", "/usr/share/bochs/VGABIOS-lgpl-latest"),
        ips=IPS, mem=machine.mem, root=root, temp=machine.temp, files=machine.files,
        console=machine.console, out=machine.out, status=machine.status)
    for name, text in (("bochsrc", config), ("go", "c\n")):
        with open(f"{machine.temp}/{name}", "w") as out:
            out.write(text)
    return ["bochs", "-q", "-unlock", "-f", f"{machine.temp}/bochsrc", "-rc", f"{machine.temp}/go"]


def started(machine):
    """Does nothing: Bochs needs no attention."""
