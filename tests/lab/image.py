# SPDX-License-Identifier: GPL-2.0
"""The lab's disks: a root file system made of this machine's own tools, and initramfs images.

The root image is the same for every kernel.  It is built once and again only when
one of the files it was made of changes.  What changes from run to run (kvmw, tests,
COMMAND) is in a small cpio behind the kernel's own initramfs.
"""
import contextlib
import glob
import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile

from kernels import LabError, cache_dir, drop_old, locked, say, tool, tool_env

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = "/usr/bin/python3"

# Busybox provides every common command that is not named here.
COMMANDS = """
bash dash cat chgrp chmod chown chroot comm cp cut date dd df dirname du echo env expr false
head id join ln ls md5sum mkdir mkfifo mknod mktemp mv nice nohup nproc od paste printf pwd
readlink realpath rm rmdir seq sha256sum sleep sort split stat stdbuf stty sync tac tail tee test
timeout touch tr true truncate tty uname uniq wc whoami yes [
grep sed gawk mawk find xargs diff cmp file tar gzip xz zstd less
mount umount dmesg setsid setpriv taskset flock unshare nsenter prlimit script column hexdump
chrt ionice lscpu lsblk blockdev losetup findmnt mountpoint kill
ps pgrep pkill pidof pidwait top free vmstat uptime watch w slabtop pmap sysctl ip ss
capsh getcap setcap getpcaps kmod strace ldd
trace-cmd qemu-system-x86_64 python3 mke2fs readelf nm
""".split()
# The path where a distribution's wrapper would look for this kernel's build.
VERSIONED = {"perf": "/usr/lib/linux-tools-*/perf", "bpftool": "/usr/lib/linux-tools-*/bpftool"}
NEEDED = ("bash", "python3", "qemu-system-x86_64", "perf", "bpftool", "trace-cmd", "capsh",
          "setpriv", "busybox")
FIRMWARE = ("bios-256k.bin", "bios.bin", "bios-microvm.bin", "kvmvapic.bin", "linuxboot_dma.bin",
            "linuxboot.bin", "multiboot_dma.bin", "pvh.bin", "efi-virtio.rom", "qboot.rom",
            "vgabios-stdvga.bin")
DATA = ("/usr/lib/locale/C.utf8", "/usr/share/terminfo/x", "/usr/share/terminfo/l",
        "/lib/terminfo", "/etc/protocols", "/etc/services", "/usr/share/misc/magic.mgc",
        "/usr/lib/file/magic.mgc", "/etc/ld.so.conf", "/etc/ld.so.conf.d")
PLUGINS = "/usr/lib/*/traceevent/plugins"
NOT_PYTHON = re.compile(r"(test|tests|idlelib|lib2to3|tkinter|turtledemo|ensurepip|distutils|"
                        r".*-packages|config-.*)$")
ETC = {
    "passwd": "root:x:0:0:root:/root:/bin/bash\nuser:x:1000:1000:user:/tmp:/bin/bash\n"
              "nobody:x:65534:65534:nobody:/:/bin/false\n",
    "group": "root:x:0:\nkvm:x:105:\nuser:x:1000:\nnogroup:x:65534:\n",
    "hostname": "kvmw-lab\n",
    "hosts": "127.0.0.1 localhost kvmw-lab\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    "profile": "PS1='lab:\\w# '\ncd /src 2>/dev/null\n",
    "os-release": 'PRETTY_NAME="kvmw lab"\nID=kvmw-lab\n',
}
FREE_MB = 512           # room for files that are written to the root disk inside


def find_command(name):
    for path in sorted(glob.glob(VERSIONED.get(name, "")), reverse=True):
        return path
    return shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")


def libraries(programs):
    """The shared libraries of PROGRAMS, as the dynamic loader finds them here."""
    if not programs:
        return set()
    done = subprocess.run(["ldd", *programs], capture_output=True, text=True, env=tool_env())
    missing = re.findall(r"^\s*(\S+) => not found", done.stdout, re.M)
    if missing:
        raise LabError(f"the library {missing[0]}, which a program of the lab needs, is not here")
    return set(re.findall(r"(?:=> |^\s*)(/\S+) \(0x", done.stdout, re.M))


def is_elf(path):
    with contextlib.suppress(OSError), open(path, "rb") as binary:
        return binary.read(4) == b"\x7fELF"
    return False


def walk(top, skip=None):
    """The files under TOP (or TOP itself), without the directories named in SKIP."""
    if not os.path.isdir(top):
        return [top] if os.path.lexists(top) else []
    found = []
    for where, dirs, files in os.walk(top):
        dirs[:] = [d for d in dirs if not (skip and skip.match(d))]
        found += [os.path.join(where, name) for name in files]
    return found


def python_files():
    """The standard library, pytest and what pytest imports."""
    ask = ("import sys, pytest, _pytest.config, zstandard\n"
           "_pytest.config.main(['--version'])\n"
           "print('\\n'.join(m.__file__ for m in list(sys.modules.values())"
           " if getattr(m, '__file__', None)))")
    modules = tool(PYTHON, "-c", ask, cwd="/").splitlines()
    stdlib = tool(PYTHON, "-c", "import sysconfig; print(sysconfig.get_path('stdlib'))").strip()
    found = walk(stdlib, NOT_PYTHON)
    for path in modules:
        if not path.startswith(stdlib) and "-packages/" in path:
            head, _, rest = path.partition("-packages/")
            found += walk(f"{head}-packages/{rest.split('/')[0]}")
    return found


def firmware():
    dirs = tool("qemu-system-x86_64", "-L", "help").split()
    for name in FIRMWARE:
        for where in map(os.path.realpath, dirs):
            if os.path.exists(f"{where}/{name}"):
                yield f"{where}/{name}", f"/usr/share/qemu/{name}"
                break


def root_files():
    """What the root image is made of: {path inside: path here}."""
    files = {}
    for name in COMMANDS + list(VERSIONED):
        path = find_command(name)
        if path:
            files[f"/usr/bin/{name}"] = os.path.realpath(path)
        elif name in NEEDED:
            raise LabError(f"{name} is not installed; 'make deps' installs what the lab needs")
    busybox = find_command("busybox")
    if not busybox or libraries([busybox]):
        raise LabError("a statically linked busybox is missing; install busybox-static")
    files["/lab/busybox"] = busybox
    others = python_files() + sum(map(walk, DATA), [])
    others += sum(map(walk, glob.glob(PLUGINS)), [])
    for path in others:
        if os.path.exists(path):
            files[path] = os.path.realpath(path)
    for path, inside in firmware():
        files[inside] = path
    elves = sorted({path for path in files.values() if is_elf(path)})
    for lib in libraries(elves):
        files[lib] = os.path.realpath(lib)
    return files


def stamp(paths):
    """Size and time of every file in PATHS: unchanged means the image is still good."""
    result = {}
    for path in paths:
        info = os.stat(path)
        result[path] = [info.st_size, info.st_mtime_ns]
    return result


def merged(path):
    """PATH in a file system where /bin, /sbin and /lib* are links into /usr."""
    path = re.sub(r"^/usr/sbin/", "/usr/bin/", path)
    return re.sub(r"^/(bin|sbin|lib|lib64)/",
                  lambda m: "/usr/bin/" if m[1] in ("bin", "sbin") else f"/usr/{m[1]}/", path)


def stage_root(root, files, guest):
    for sub in ("usr/bin", "usr/lib", "usr/lib64", "dev", "proc", "sys", "run", "tmp", "out",
                "root", "etc", "var/tmp", "lab/guest", "src", "usr/lib/modules"):
        os.makedirs(f"{root}/{sub}")
    for link, target in (("bin", "usr/bin"), ("sbin", "usr/bin"), ("lib", "usr/lib"),
                         ("lib64", "usr/lib64"), ("usr/sbin", "bin"), ("var/run", "/run")):
        os.symlink(target, f"{root}/{link}")
    for inside, path in files.items():
        dest = root + merged(inside)
        os.makedirs(os.path.dirname(dest), exist_ok=True)
        shutil.copy2(path, dest)
    for name, text in ETC.items():
        with open(f"{root}/etc/{name}", "w") as out:
            out.write(text)
    for name in ("modprobe", "insmod", "rmmod", "lsmod", "modinfo", "depmod"):
        os.symlink("kmod", f"{root}/usr/bin/{name}")
    for link, target in (("sh", "dash"), ("awk", "mawk")):
        os.symlink(target, f"{root}/usr/bin/{link}")
    for applet in tool("busybox", "--list").split():
        if not os.path.lexists(f"{root}/usr/bin/{applet}"):
            os.symlink("/lab/busybox", f"{root}/usr/bin/{applet}")
    os.symlink("/proc/self/mounts", f"{root}/etc/mtab")
    os.symlink("/src/kvmw", f"{root}/usr/bin/kvmw")
    shutil.copy(guest.vmlinuz, f"{root}/lab/guest/vmlinuz")
    with open(f"{root}/lab/guest/initrd", "wb") as out:
        guest_initrd(out, guest)
    with open(f"{root}/lab/guest/disk.img", "wb") as out:
        out.truncate(64 << 20)
    tool("ldconfig", "-r", root)


def build_root(dest, files, guest):
    say("building the root image")
    with tempfile.TemporaryDirectory(prefix=".root-", dir=os.path.dirname(dest)) as temp:
        root = f"{temp}/root"
        stage_root(root, files, guest)
        used = int(tool("du", "-sm", root).split()[0])
        tool("mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-m", "0", "-L", "lab",
             "-E", "root_owner=0:0,lazy_itable_init=1", "-d", root, f"{temp}/image", f"{used * 11 // 10 + FREE_MB}M")
        os.replace(f"{temp}/image", dest)


def root_image(guest):
    """The path of an up-to-date root image, with the kernel GUEST for the guest inside."""
    with open(__file__, "rb") as me, open(f"{HERE}/guest-init", "rb") as init:
        recipe = hashlib.sha256(me.read() + init.read() + guest.version.encode()).hexdigest()[:16]
    image, about = (os.path.join(cache_dir("images"), f"root-{recipe}.{end}")
                    for end in ("ext4", "json"))
    with locked("images"):
        with contextlib.suppress(OSError, ValueError), open(about) as known:
            old = json.load(known)
            if os.path.exists(image) and stamp(old) == old:
                os.utime(image)
                return image
        files = root_files()
        before = stamp(files.values())
        build_root(image, files, guest)
        with open(about + ".new", "w") as out:
            json.dump(before, out)
        os.replace(about + ".new", about)
        drop_old(os.path.dirname(image))
    return image


class Cpio:
    """Writes a newc archive, the form the kernel unpacks as initramfs."""

    def __init__(self, out):
        self.out = out
        self.inode = 0
        self.dirs = {""}

    def entry(self, name, mode, data=b"", rdev=(0, 0)):
        self.inode += 1
        name = name.strip("/").encode() + b"\0"
        fields = (self.inode, mode, 0, 0, 1, 0, len(data), 0, 0, *rdev, len(name), 0)
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + name
        self.out.write(head + b"\0" * (-len(head) % 4))
        self.out.write(data)
        self.out.write(b"\0" * (-len(data) % 4))

    def parents(self, name):
        name = name.strip("/")
        for at in [i for i, c in enumerate(name) if c == "/"]:
            if name[:at] not in self.dirs:
                self.dirs.add(name[:at])
                self.entry(name[:at], 0o40755)

    def data(self, name, data, mode=0o644):
        self.parents(name)
        self.entry(name, 0o100000 | mode, data)

    def file(self, name, path):
        with open(path, "rb") as source:
            self.data(name, source.read(), os.stat(path).st_mode & 0o777)

    def link(self, name, target):
        self.parents(name)
        self.entry(name, 0o120777, target.encode())

    def tree(self, name, path):
        for source in walk(path):
            self.file(os.path.join(name, os.path.relpath(source, path)), source)

    def end(self):
        self.entry("TRAILER!!!", 0)
        self.out.write(b"\0" * (-self.out.tell() % 512))


def small_initrd(out, init, modules):
    """An initramfs of busybox, the script INIT and kernel modules: (name inside, path here)."""
    cpio = Cpio(out)
    for name in ("dev", "proc", "sys", "root"):
        cpio.entry(name, 0o40755)
    cpio.entry("dev/console", 0o20600, rdev=(5, 1))
    cpio.file("bin/busybox", find_command("busybox"))
    for applet in sorted(set(tool("busybox", "--list").split()) - {"busybox"}):
        cpio.link(f"bin/{applet}", "busybox")
    for name, path in modules:
        cpio.file(name, path)
    cpio.file("init", init)
    cpio.end()


def guest_initrd(out, guest):
    """
    The initramfs of the guest that runs inside the lab. Everything stays in memory.

    It loads what is in /modules; /kvm has KVM's, for a guest that has a guest of its own.
    """
    modules = []
    for where, names in (("modules", ["virtio_pci", "virtio_mmio", "virtio_blk", "virtio_net", "virtio_console",
                                     "msr", "cpuid", "sd_mod", "vmw_pvscsi"]),
                         ("kvm", ["kvm_amd"])):
        needed = tool("modprobe", "-d", guest.modules, "-S", guest.release, "--show-depends", "-a",
                      *names)
        paths = list(dict.fromkeys(re.findall(r"^insmod (\S+)", needed, re.M)))
        modules += [(f"{where}/{at:02}-{os.path.basename(path)}", path)
                    for at, path in enumerate(paths)]
    small_initrd(out, f"{HERE}/guest-init", modules)


def kernel_initrd(kernel):
    """The path of KERNEL's own initramfs: it finds the root disk and hands over to it."""
    init = f"{HERE}/initramfs-init"
    with open(__file__, "rb") as me, open(init, "rb") as script:
        recipe = hashlib.sha256(me.read() + script.read()).hexdigest()[:16]
    path = os.path.join(cache_dir("images"), f"initrd-{kernel.suite}-{kernel.version}-{recipe}")
    with locked("images"):
        if not os.path.exists(path):
            with open(path + ".new", "wb") as out:
                modules = [(os.path.relpath(found, kernel.modules), found)
                           for found in walk(kernel.modules)]
                small_initrd(out, init, modules)
            os.replace(path + ".new", path)
        os.utime(path)
    return path


def write_extra(out, script, additions, texts, links):
    """Append the files of one run: its script, ADDITIONS, {inside: here}, {inside: text}, {link:
    target}."""
    cpio = Cpio(out)
    cpio.data("extra/lab/command", script.encode(), 0o755)
    for name in ("init", "lab-guest"):
        inside = "usr/bin/lab-guest" if name == "lab-guest" else "lab/init"
        cpio.file(f"extra/{inside}", f"{HERE}/{name}")
    for inside, text in texts.items():
        cpio.data("extra" + inside, text.encode())
    for inside, target in links.items():
        cpio.link("extra" + inside, target)
    elves = []
    for inside, path in additions.items():
        for found in walk(path):
            rest = os.path.relpath(found, path)
            if "__pycache__" in rest or not os.path.exists(found):
                continue
            name = inside if rest == "." else os.path.join(inside, rest)
            cpio.file("extra" + merged(name), found)
            if is_elf(found):
                elves.append(found)
    for lib in libraries(elves):
        cpio.file("extra" + merged(lib), os.path.realpath(lib))
    cpio.end()
