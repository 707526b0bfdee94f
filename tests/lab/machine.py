# SPDX-License-Identifier: GPL-2.0
"""One run of the lab: pack, boot, pass COMMAND's output on, bring back its status and /out."""
import os
import pty
import re
import select
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import time

import bochs
import image
import qemu
import systemd
from kernels import LabError, get, say, tool, tool_env

EMULATORS = {"amd": qemu, "intel": bochs}
FAILED, TIMED_OUT = 125, 124
GUEST_SUITE = "bookworm"
QUIET = "quiet loglevel=4"
# The last user of a tracepoint waits for two grace periods when it detaches: 50 ms for each
# tracepoint of a recording, and of perf. The kernel tests its cryptography at each boot. There is
# no attacker here: retpolines and pages cleared twice would take a seventh of the emulator's time.
HURRY = "rcupdate.rcu_expedited=1 cryptomgr.notests mitigations=off init_on_alloc=0"


class Machine:
    """What the emulators need to know about one run.  All paths are in the run's own directory."""

    def __init__(self, options, temp):
        self.emulator = EMULATORS[options.cpu]
        self.options = options
        self.temp = temp
        self.shell = options.command is None
        if self.shell and not self.emulator.TTY:
            raise LabError(f"a shell needs --cpu amd: the emulator for {options.cpu} has no terminal "
                           "to lend; use lab run")
        self.kernel = get(options.kernel)
        self.mem = options.mem or self.emulator.MEM
        self.smp = options.smp or self.emulator.SMP
        self.icount = options.icount
        self.timeout = options.timeout or (None if self.shell else self.emulator.TIMEOUT)
        if self.smp > self.emulator.MAX_SMP:
            raise LabError(f"--cpu {options.cpu} has at most {self.emulator.MAX_SMP} CPU")
        self.nodes = options.nodes
        if not 1 <= self.nodes <= self.emulator.MAX_NODES:
            raise LabError(f"--cpu {options.cpu} has 1 to {self.emulator.MAX_NODES} NUMA nodes")
        for name in ("console", "status", "files", "initrd", "errors", "out"):
            setattr(self, name, os.path.join(temp, name))

    def append(self):
        emulator = self.emulator
        words = [f"console={emulator.CONSOLE}", QUIET, HURRY, "panic=-1", "nokaslr", *emulator.APPEND,
                 f"lab_root={emulator.DISK}", f"lab_modules={emulator.MODULES}",
                 f"lab_out={emulator.OUT}",
                 f"lab_status={emulator.STATUS}", f"lab_files={emulator.FILES}"]
        if self.shell:
            size = shutil.get_terminal_size()
            words += [f"lab_tty={emulator.TTY}", f"lab_size={size.lines}:{size.columns}",
                      f"lab_term={os.environ.get('TERM', 'linux')}"]
        if self.options.systemd:
            words.append(f"lab_init={systemd.INIT}")
        return " ".join(words + self.options.append)

    def pack(self):
        """The kernel's initramfs with this run's own files behind it."""
        with open(self.initrd, "wb") as out:
            with open(image.kernel_initrd(self.kernel), "rb") as base:
                shutil.copyfileobj(base, out)
            texts, links = (systemd.TEXTS, systemd.LINKS) if self.options.systemd else ({}, {})
            image.write_extra(out, script(self.options.command), additions(self.options), texts, links)

    def run(self):
        self.pack()
        root = image.root_image(get(GUEST_SUITE))
        argv = self.emulator.command(self, root, self.append())
        if self.options.verbose:
            say(" ".join(argv))
        # The emulator must not outlive a lab that was killed.
        argv = ["setpriv", "--pdeathsig", "KILL", "--", *argv]
        start = start_on_terminal if self.emulator is bochs else start_on_pipe
        try:
            with open(self.errors, "wb") as errors:
                child, source, screen = start(self, argv, errors)
            self.emulator.started(self)
        except FileNotFoundError as error:
            raise LabError(f"{error.filename} is not installed; 'make deps' installs it")
        saved = termios.tcgetattr(0) if self.shell and os.isatty(0) else None
        try:
            in_time = wait(child, source, screen, self.timeout)
        finally:
            child.kill()
            child.wait()
            if saved:
                termios.tcsetattr(0, termios.TCSADRAIN, saved)
        return self.result(in_time, child.returncode)

    def result(self, in_time, emulator_status):
        """The lab's exit status, from what the machine left behind."""
        said = read(self.status)
        ended = re.search(r"^exit (\d+)$", said, re.M)
        if self.options.verbose:
            self.show_console()
        if ended and "no files" in said and self.options.out:
            self.show_console()
            say("what COMMAND left in /out could not be brought back (too much?)")
            return FAILED
        if ended:
            self.bring_back()
            return int(ended[1])
        if in_time and "started" in said:
            self.show_console()
            say("the machine went down while COMMAND was running; its console is above")
            return FAILED
        if not in_time and "started" in said:
            say(f"COMMAND was still running after {self.timeout} s; --timeout allows more")
            return TIMED_OUT
        self.show_console()
        if not in_time:
            say(f"not booted after {self.timeout} s; the console is above, --timeout allows more")
            return TIMED_OUT
        say(f"the machine did not boot (its emulator ended with {emulator_status}); "
            "what it said is above")
        return FAILED

    def bring_back(self):
        if not self.options.out:
            return
        os.makedirs(self.options.out, exist_ok=True)
        tool("tar", "-x", "--no-same-owner", "-f", self.files, "-C", self.options.out)

    def show_console(self):
        for path in (self.errors, self.console):
            sys.stderr.write(read(path).replace("\r", ""))
        sys.stderr.flush()


def read(path):
    if not os.path.exists(path):
        return ""
    with open(path, errors="replace") as text:
        return text.read()


def start_on_pipe(machine, argv, errors):
    """QEMU: its standard output is COMMAND's output; or it has the user's terminal."""
    if machine.shell:
        return subprocess.Popen(argv, stderr=errors, cwd=machine.temp, env=tool_env()), None, None
    # At the end of its input QEMU's stdio would stop working: give it a pipe that nobody writes to.
    child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
                             cwd=machine.temp, env=tool_env())
    return child, child.stdout, None


def start_on_terminal(machine, argv, errors):
    """Bochs: it needs a terminal of its own; COMMAND's output arrives in a file that grows."""
    screen, terminal = pty.openpty()
    with open(machine.out, "wb"):
        pass
    child = subprocess.Popen(argv, stdin=terminal, stdout=terminal, stderr=errors,
                             cwd=machine.temp, env=dict(tool_env(), TERM="vt100"))
    os.close(terminal)
    return child, open(machine.out, "rb"), screen


def wait(child, source, screen, timeout):
    """Pass on the data of SOURCE until CHILD ends; False if that takes more than TIMEOUT seconds.

    SOURCE is a pipe; with a SCREEN to drain, it is a file that grows."""
    end = time.monotonic() + timeout if timeout else float("inf")
    while source:
        select.select([screen or source], [], [], min(0.2, max(0, end - time.monotonic())))
        if time.monotonic() > end:
            return False
        ended = child.poll() is not None
        if screen:
            ended = not drain(screen) or ended
        elif not select.select([source], [], [], 0)[0]:
            continue
        data = os.read(source.fileno(), 65536)
        if not data and (ended or not screen):
            break
        while data:
            data = data[os.write(1, data):]
    try:
        child.wait(max(0.1, end - time.monotonic()) if timeout else None)
    except subprocess.TimeoutExpired:
        return False
    return True


def drain(screen):
    """Throw away what Bochs paints; False once it has ended."""
    try:
        os.read(screen, 65536)
    except OSError:
        return False
    time.sleep(0.02)
    return True


def script(command):
    """COMMAND as a script: its words unchanged, or one word of shell text."""
    if not command:
        return "#!/bin/sh\n"
    if len(command) == 1 and re.search(r"[\s|&;<>()$`\\\"'*?\[\]#~=%{}!]", command[0]):
        return f"#!/bin/sh\nexec sh -c {shlex.quote(command[0])}\n"
    return f"#!/bin/sh\nexec {shlex.join(command)}\n"


def additions(options):
    """The files of this tree that go into the lab: {path inside: path here}."""
    tree = os.path.dirname(os.path.dirname(image.HERE))
    found = {"/src/tests": f"{tree}/tests"}
    if os.path.exists(options.kvmw):
        found["/src/kvmw"] = options.kvmw
    else:
        say(f"no kvmw at {options.kvmw} (built yet?): running without it")
    for pair in options.add:
        here, _, inside = pair.partition(":")
        if not os.path.exists(here):
            raise LabError(f"--add: there is no {here}")
        found[inside or "/src/" + os.path.basename(here)] = here
    return found | (systemd.files() if options.systemd else {})


def run(options):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with tempfile.TemporaryDirectory(prefix="kvmw-lab-") as temp:
        return Machine(options, temp).run()
