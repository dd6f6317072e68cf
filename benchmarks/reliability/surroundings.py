"""What a server stands on, and how it is made to fail: its disk, its memory, the clock."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from reliability.proxy import Proxy
from reliability.served import Served

DISK_BYTES = 600 * 2**20
LASTS_SECONDS = 5.0
JUMPS = (86400, -86400, 0)
CLOCK = Path(__file__).with_name("clock.c")


class CannotBeMade(Exception):
    """A fault needs what is not here, which its words tell."""


@contextmanager
def a_small_disk() -> Iterator[Mapping[str, str]]:
    """A disk of its own for all files of a server."""
    folder = Path(tempfile.mkdtemp(prefix="small-disk-", dir="/tmp"))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    try:
        if sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("mount"):
            raise CannotBeMade("only root can mount a small disk, on Linux")
        if subprocess.run(mount, check=False).returncode:  # noqa: S603
            raise CannotBeMade("no small disk can be mounted here")
        try:
            yield {"TMPDIR": str(folder)}
        finally:
            subprocess.run(["umount", str(folder)], check=True)  # noqa: S603, S607
    finally:
        folder.rmdir()


def fill_disk(served: Served, _: Proxy) -> None:
    """Not a byte is left on the server's disk for five seconds."""
    ballast = Path(served.key_file).with_name("ballast")
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(2**16))
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
    time.sleep(LASTS_SECONDS)
    ballast.unlink()


@contextmanager
def a_false_clock() -> Iterator[Mapping[str, str]]:
    """A clock of the day that can be set for the server alone."""
    with tempfile.TemporaryDirectory() as folder:
        told, library = Path(folder, "seconds-off"), Path(folder, "clock.so")
        compile = ["cc", "-shared", "-fPIC", "-O2", "-o", str(library), str(CLOCK)]
        if sys.platform != "linux" or not shutil.which("cc"):
            raise CannotBeMade("a clock that can be set needs a C compiler, and Linux")
        subprocess.run(compile, check=True)  # noqa: S603
        told.write_bytes(struct.pack("q", 0))
        yield {"LD_PRELOAD": str(library), "FALSE_CLOCK": str(told)}


def set_clock(served: Served, _: Proxy) -> None:
    """The clock jumps a day ahead, then two back, then to where it was."""
    with Path(served.worker.environ()["FALSE_CLOCK"]).open("r+b", buffering=0) as told:
        for jump in JUMPS:
            told.seek(0)
            told.write(struct.pack("q", jump))
            time.sleep(LASTS_SECONDS)


def take_memory(served: Served, _: Proxy) -> None:
    """The process that paints gets no more memory than it has, for five seconds."""
    worker = served.worker
    before = resource.prlimit(worker.pid, resource.RLIMIT_DATA)
    resource.prlimit(worker.pid, resource.RLIMIT_DATA, (_data_bytes(worker), before[1]))
    time.sleep(LASTS_SECONDS)
    if worker.is_running():
        resource.prlimit(worker.pid, resource.RLIMIT_DATA, before)


def _data_bytes(process: psutil.Process) -> int:
    """What a process has, as the limit counts it."""
    statm = Path(f"/proc/{process.pid}/statm").read_text()
    return int(statm.split()[5]) * resource.getpagesize()
