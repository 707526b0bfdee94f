# SPDX-License-Identifier: GPL-2.0
"""Debian's cloud kernels: found, fetched and verified by apt, unpacked into the cache.

The archive's address is the one that this machine's apt uses; the other suites have
private apt directories inside the cache, so the machine's package state is never
touched.  Signatures are checked against Debian's archive keyring.
"""
import contextlib
import fcntl
import hashlib
import json
import lzma
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

SUITES = ("bullseye", "bookworm", "trixie", "sid")
KEYRINGS = ("/usr/share/keyrings/debian-archive-keyring.gpg",
            "/usr/share/keyrings/debian-archive-keyring.pgp")
META = "linux-image-cloud-amd64"
# Since 7.x linux-image-* is a shell around the other three.
PARTS = re.compile(r"^linux-(base|binary|image|modules)-[0-9]")
# Module names as modprobe takes them; what they depend on comes along.
MODULES = ("kvm-amd", "kvm-intel", "virtio_pci", "virtio_blk", "virtio_console",
           "virtio_net", "virtio_balloon", "virtio_mmio", "ata_piix", "sd_mod",
           "tun", "vhost_net", "loop", "overlay", "msr", "cpuid", "vmw_pvscsi")
# A kernel unpacked by another recipe is fetched anew.
RECIPE = hashlib.sha256(repr((MODULES, 1)).encode()).hexdigest()[:16]
KEEP_DAYS = 14          # how long the cache keeps what no lab uses any more


class LabError(Exception):
    """One line for the user: what failed, where, why, and what to do next."""


def say(text):
    print(f"lab: {text}", file=sys.stderr, flush=True)


def cache_dir(*parts):
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    path = os.path.join(base, "kvmw-lab", *parts)
    os.makedirs(path, exist_ok=True)
    return path


def drop_old(where, *keep):
    """Remove entries of WHERE that were not touched for KEEP_DAYS, except KEEP."""
    for name in os.listdir(where):
        path = os.path.join(where, name)
        with contextlib.suppress(OSError):
            if path in keep or os.path.islink(path) or \
               os.stat(path).st_mtime > time.time() - KEEP_DAYS * 86400:
                continue
            if os.path.isdir(path):
                shutil.rmtree(path)
            else:
                os.unlink(path)


@contextlib.contextmanager
def locked(name):
    """Hold the cache lock NAME: two labs may run, and fetch, at the same time."""
    with open(os.path.join(cache_dir(), f"lock-{name}"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def tool_env():
    """The environment for tools: sbin on PATH, messages in English."""
    return dict(os.environ, LC_ALL="C",
                PATH=os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/bin:/bin")


def tool(*argv, **kwargs):
    """Run a tool and return its standard output; LabError when it fails."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, env=tool_env(), **kwargs)
    except FileNotFoundError:
        raise LabError(f"{argv[0]} is not installed; 'make deps' installs what the lab needs")
    if done.returncode:
        why = done.stderr.strip().splitlines() or ["no message"]
        raise LabError(f"{argv[0]} failed ({done.returncode}): {why[0]}")
    return done.stdout


def archives():
    """The (main, security) archive addresses, from this machine's own apt."""
    mirror = os.environ.get("LAB_MIRROR", "").rstrip("/")
    if mirror:
        return mirror, mirror + "-security"
    found = {}
    listing = tool("apt-get", "indextargets", "--format",
                   "$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(ORIGIN)")
    for line in listing.splitlines():
        uri, release, component, origin = line.split("|")
        uri = uri.rstrip("/")
        # An archive that was never updated has no origin: then use its last part.
        if component != "main" or (origin != "Debian" and not re.search(r"/debian(-security)?$", uri)):
            continue
        security = release.endswith("-security") or release.endswith("/updates")
        found.setdefault("security" if security else "main", uri)
    if "main" not in found:
        raise LabError("this machine's apt has no Debian archive to take kernels from; "
                       "set LAB_MIRROR to the address of one")
    return found["main"], found.get("security", found["main"] + "-security")


class Apt:
    """A private apt for one suite, with the machine's own proxy settings."""

    def __init__(self, suite):
        self.suite = suite
        self.dir = cache_dir("apt", suite)
        self.conf = os.path.join(self.dir, "apt.conf")

    def configure(self, with_security):
        keyring = next((k for k in KEYRINGS if os.path.exists(k)), None)
        if not keyring:
            raise LabError("Debian's archive keyring is missing; "
                           "install the package debian-archive-keyring")
        main, security = archives()
        for sub in ("lists/partial", "cache/archives/partial"):
            os.makedirs(os.path.join(self.dir, sub), exist_ok=True)
        sources = f"deb [signed-by={keyring}] {main} {self.suite} main\n"
        if with_security:
            sources += f"deb [signed-by={keyring}] {security} {self.suite}-security main\n"
        conf = {"Dir::State": self.dir, "Dir::State::status": f"{self.dir}/status",
                "Dir::State::lists": f"{self.dir}/lists", "Dir::Cache": f"{self.dir}/cache",
                "Dir::Etc::sourcelist": f"{self.dir}/sources.list",
                "Dir::Etc::sourceparts": "/dev/null", "Dir::Etc::preferencesparts": "/dev/null",
                "Acquire::Languages": "none", "APT::Architecture": "amd64",
                "APT::Architectures": "amd64", "APT::Sandbox::User": "root",
                # A suite out of support keeps its last, long expired, Release file.
                "Acquire::Check-Valid-Until": "false", "APT::Update::Error-Mode": "any"}
        lines = [f'{key} "{value}";\n' for key, value in conf.items()]
        lines += ["#clear APT::Update::Pre-Invoke;\n", "#clear APT::Update::Post-Invoke;\n",
                  "#clear APT::Update::Post-Invoke-Success;\n"]
        for name, text in (("sources.list", sources), ("status", ""), ("apt.conf", "".join(lines))):
            with open(os.path.join(self.dir, name), "w") as out:
                out.write(text)

    def update(self):
        # An old suite loses its security archive first; sid never had one.
        for with_security in (True, False) if self.suite != "sid" else (False,):
            self.configure(with_security)
            try:
                tool("apt-get", "-q", "-c", self.conf, "update")
                return
            except LabError as error:
                why = error
        raise LabError(f"Debian's archive did not give the index of {self.suite}: {why}; "
                       "is the network there? 'lab list' shows what is cached")

    def field(self, package, field):
        """FIELD of every known version of PACKAGE, newest version first."""
        shown = tool("apt-cache", "-c", self.conf, "show", package)
        return re.findall(rf"^{field}: (.*)$", shown, re.M)

    def closure(self, package, version):
        """The kernel packages PACKAGE needs, as NAME=VERSION."""
        todo, names = [package], []
        while todo:
            name = todo.pop()
            names.append(f"{name}={version}")
            for depends in self.field(f"{name}={version}", "Depends")[:1]:
                for dep in re.findall(r"([a-z0-9.+-]+)(?: \([^)]*\))?", depends):
                    if PARTS.match(dep) and f"{dep}={version}" not in names + todo:
                        todo.append(dep)
        return [name for name in names if PARTS.match(name)]

    def download(self, packages, where):
        tool("apt-get", "-q", "-c", self.conf, "download", *packages, cwd=where)


class Kernel:
    """One unpacked kernel in the cache: DIR/vmlinuz, DIR/modules/lib/modules/RELEASE."""

    def __init__(self, suite, directory):
        self.suite = suite
        self.dir = directory
        with open(os.path.join(directory, "kernel.json")) as about:
            known = json.load(about)
        self.release = known["release"]     # as uname -r says it
        self.version = known["version"]     # of the Debian package
        self.recipe = known["recipe"]

    @property
    def vmlinuz(self):
        return os.path.join(self.dir, "vmlinuz")

    @property
    def modules(self):
        return os.path.join(self.dir, "modules")


def cached(suite):
    """The kernel of SUITE in the cache, or None."""
    with contextlib.suppress(OSError, ValueError, KeyError):
        kernel = Kernel(suite, os.path.realpath(os.path.join(cache_dir("kernels"), suite)))
        if kernel.recipe == RECIPE:
            return kernel
    return None


def get(suite):
    return cached(suite) or fetch(suite)


def fetch(suite):
    """Bring SUITE's newest kernel into the cache; keep the cached one when it is the newest."""
    with locked(f"apt-{suite}"):
        apt = Apt(suite)
        apt.update()
        versions = apt.field(META, "Version")
        if not versions:
            raise LabError(f"the archive has no {META} for {suite}")
        errors = []
        for version in versions:
            have = cached(suite)
            if have and have.version == version:
                return have
            try:
                return unpack(apt, version)
            except LabError as error:      # the index may name a file the mirror lost
                errors.append(str(error))
        raise LabError(f"no kernel of {suite} could be fetched: {errors[0]}")


def unpack(apt, version):
    packages = apt.closure(META, version)
    say(f"fetching the {apt.suite} kernel {version}")
    base = cache_dir("kernels")
    temp = tempfile.mkdtemp(prefix=".new-", dir=base)
    try:
        apt.download(packages, temp)
        tree = os.path.join(temp, "tree")
        for name in sorted(os.listdir(temp)):
            if name.endswith(".deb"):
                tool("dpkg-deb", "-x", os.path.join(temp, name), tree)
                os.unlink(os.path.join(temp, name))
        release = arrange(tree, temp)
        shutil.rmtree(tree)
        with open(os.path.join(temp, "kernel.json"), "w") as about:
            json.dump({"version": version, "release": release, "recipe": RECIPE}, about)
        final = os.path.join(base, f"{apt.suite}_{version}".replace("/", "_"))
        shutil.rmtree(final, ignore_errors=True)
        os.rename(temp, final)
        drop_old(base, final)
        link = os.path.join(base, f".{apt.suite}-{os.getpid()}")
        os.symlink(os.path.basename(final), link)
        os.replace(link, os.path.join(base, apt.suite))
        return Kernel(apt.suite, final)
    finally:
        shutil.rmtree(temp, ignore_errors=True)


def arrange(tree, dest):
    """Put vmlinuz and the wanted modules, not compressed, under DEST; return the release."""
    root = next((os.path.join(tree, d) for d in ("usr/lib/modules", "lib/modules")
                 if os.path.isdir(os.path.join(tree, d))), None)
    if not root:
        raise LabError("the kernel's packages hold no modules")
    release = os.listdir(root)[0]
    for image in (f"{tree}/boot/vmlinuz-{release}", f"{root}/{release}/vmlinuz"):
        if os.path.exists(image):
            shutil.move(image, os.path.join(dest, "vmlinuz"))
            break
    else:
        raise LabError(f"the packages of kernel {release} hold no vmlinuz")
    # depmod reads BASE/lib/modules/RELEASE.
    if root != os.path.join(tree, "lib/modules"):
        os.makedirs(os.path.join(tree, "lib"), exist_ok=True)
        shutil.move(root, os.path.join(tree, "lib/modules"))
    tool("depmod", "-b", tree, release)
    kept = os.path.join(dest, "modules")
    for name in MODULES:
        listing = tool("modprobe", "-d", tree, "-S", release, "--show-depends", "-i", name)
        for source in re.findall(r"^insmod (\S+)", listing, re.M):
            keep_module(source, os.path.join(kept, os.path.relpath(source, tree)))
    for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
        source = os.path.join(tree, "lib/modules", release, name)
        if os.path.exists(source):
            shutil.copy(source, os.path.join(kept, "lib/modules", release, name))
    tool("depmod", "-b", kept, release)
    return release


def keep_module(source, dest):
    os.makedirs(os.path.dirname(dest), exist_ok=True)
    if source.endswith(".xz"):      # the lab's small modprobe cannot unpack
        with lzma.open(source) as packed, open(dest[:-3], "wb") as out:
            shutil.copyfileobj(packed, out)
    else:
        shutil.copy(source, dest)
