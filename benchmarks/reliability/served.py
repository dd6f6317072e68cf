"""A server as `make serve` runs it, in a process of its own, that can be hurt."""

from __future__ import annotations

import json
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from bruno import Bruno, BrunoError

ROOT = Path(__file__).resolve().parents[2]
ARCHIVE = ROOT / "model_store" / "bruno.mar"
READY_SECONDS = 300.0


@dataclass(frozen=True)
class Served:
    """A running server: its address, its key file, and the process that keeps it going."""

    kind: str
    url: str
    key_file: str
    keeper: psutil.Process

    @property
    def front(self) -> psutil.Process:
        """TorchServe's Java, or the ASGI server."""
        (front,) = self.keeper.children()
        return front

    @property
    def worker(self) -> psutil.Process:
        """The process that paints."""
        if self.kind == "asgi":
            return self.front
        return next(each for each in self.front.children() if "python" in each.name())

    @property
    def reader(self) -> psutil.Process:
        """A process that reads pictures."""
        readers = (each for each in self.worker.children() if _reads(each))
        return next(readers)

    @property
    def key(self) -> str:
        """The token that it asks for."""
        return str(json.loads(Path(self.key_file).read_text())["inference"]["key"])

    def client(self, url: str | None = None) -> Bruno:
        """A client, of this address where another is not given."""
        return Bruno(url or self.url, key_file=self.key_file)

    def is_ready(self) -> bool:
        """Whether it says that it could begin to paint, or does."""
        try:
            return self.client().health() in ("ready", "busy", "full")
        except BrunoError:
            return False

    def seconds_to_ready(self) -> float:
        """Waits until it is ready; raises TimeoutError after five minutes."""
        begun = time.monotonic()
        while not self.is_ready():
            if time.monotonic() - begun > READY_SECONDS:
                raise TimeoutError(f"{self.kind} is not ready again")
            time.sleep(0.2)
        return time.monotonic() - begun

    def processes(self) -> list[psutil.Process]:
        """All of it, but those that read pictures, which come and go."""
        return [each for each in self.keeper.children(recursive=True) if not _reads(each)]

    def memory(self) -> int:
        """Resident bytes of all its processes."""
        return sum(each.memory_info().rss for each in self.keeper.children(recursive=True))

    def handles(self) -> int:
        """Open files and sockets of all its processes."""
        return sum(each.num_fds() for each in self.keeper.children(recursive=True))


def _reads(process: psutil.Process) -> bool:
    return "bruno_service.reader" in process.cmdline()


@contextmanager
def serving(
    kind: str, archive: Path = ARCHIVE, more: Mapping[str, str] | None = None
) -> Iterator[Served]:
    """A server, `torchserve` or `asgi`, that is ready to paint, and ends with the statement.

    `more` is added to its environment.
    """
    own = {"PORT": str(free_port()), "SERVER": kind, "DRAIN": "0"}
    environment = {**os.environ, **own, **(more or {})}
    command = [sys.executable, str(ROOT / "config" / "serve.py"), "--archive", str(archive)]
    with tempfile.NamedTemporaryFile("w") as printed:
        process = subprocess.Popen(  # noqa: S603
            command, env=environment, stdout=printed, stderr=subprocess.STDOUT
        )
        try:
            url, key_file = announced(
                process, Path(printed.name), r"BRUNO_URL=(\S+) BRUNO_KEY_FILE=(\S+)"
            )
            yield Served(kind, url, key_file, psutil.Process(process.pid))
        finally:
            process.terminate()
            process.wait(120)


def free_port() -> int:
    """A port at which, and at the ten above which, nothing listens."""
    for port in random.SystemRandom().sample(range(20000, 32000), 200):
        if all(map(_is_free, range(port, port + 11))):
            return port
    raise RuntimeError("no port is free")


def _is_free(port: int) -> bool:
    with socket.socket() as one:
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def announced(process: subprocess.Popen[bytes], printed: Path, words: str) -> tuple[str, str]:
    """The two words that a program has printed as a pattern says, once it has."""
    while process.poll() is None:
        found = re.search(words, printed.read_text())
        if found:
            return found[1], found[2]
        time.sleep(0.1)
    raise RuntimeError(printed.read_text())
