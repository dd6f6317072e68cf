"""One server with its own folder and process group, and nothing left of either at the end."""

from __future__ import annotations

import math
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from threading import Event

import psutil

from asgi_process import asgi_command, asgi_environment, write_key_file
from java_runtime import find_java
from settings import LOOPBACK, OFFSETS, Settings
from tied import tied
from torchserve_process import torchserve_command, write_properties

CONFIG = Path(__file__).resolve().parent
GRACE_SECONDS = 10.0
# The worker's socket lies in the folder, and a socket's path has at most 103 characters on macOS.
LONGEST_FOLDER = 70


class ServerProcess:
    """A server's first process and all that it starts, in a session of their own."""

    def __init__(self, settings: Settings, archive: Path) -> None:
        """Raises StartError where it cannot be started."""
        self.settings = settings
        self.folder = make_folder()
        self.logs = self.folder / "logs"
        self.key_file = self.folder / "key_file.json"
        self.drain_file = self.folder / "drain"
        environment = make_environment(self.folder, settings)
        if settings.token or settings.server == "asgi":
            write_key_file(self.folder, settings.token or secrets.token_urlsafe(32))
        try:
            if settings.server == "asgi":
                command = asgi_command(self.folder, settings, archive)
                environment = asgi_environment(self.folder, environment)
            else:
                properties = write_properties(self.folder, settings, archive)
                command = torchserve_command(find_java(), properties)
            self._command, self._environment = command, environment
            self._process = self._launched()
        except BaseException:
            shutil.rmtree(self.folder)
            raise

    def _launched(self) -> subprocess.Popen[bytes]:
        with (self.logs / "process.log").open("wb") as log:
            return subprocess.Popen(  # noqa: S603
                tied(self._command),
                cwd=self.folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
            )

    def start_again(self) -> None:
        """Ends what is left of it, and starts it in the same folder, with logs of its own."""
        self.kill()
        for log in self.logs.glob("*.log"):
            log.replace(log.with_suffix(".log.before"))
        self._process = self._launched()

    def log(self, name: str) -> str:
        """What was written so far to a log: process, and TorchServe's server and worker."""
        try:
            return (self.logs / f"{name}.log").read_text(errors="replace")
        except FileNotFoundError:
            return ""

    @property
    def exit_code(self) -> int | None:
        """Its exit code, None while it runs."""
        return self._process.poll()

    @property
    def first(self) -> psutil.Process:
        """The process that was started, which has started all others."""
        return psutil.Process(self._process.pid)

    def members(self) -> list[psutil.Process]:
        """The processes that are alive in its group."""
        return [process for process in psutil.process_iter() if self._owns(process)]

    def _owns(self, process: psutil.Process) -> bool:
        try:
            alive = process.status() != psutil.STATUS_ZOMBIE
            return alive and os.getpgid(process.pid) == self._process.pid
        except (psutil.Error, ProcessLookupError, PermissionError):
            return False

    def drain(self, hurry: Event) -> None:
        """Has TorchServe's worker let paintings end within the time for that, and waits for it.

        The other server does so by itself when it is told to end.
        """
        seconds = self.settings.drain_seconds
        if self.settings.server != "torchserve" or not seconds:
            return
        written = self.drain_file.with_suffix(".new")
        written.write_text(str(time.monotonic() + seconds))
        written.replace(self.drain_file)
        end = time.monotonic() + seconds + GRACE_SECONDS
        is_done = self.drain_file.with_suffix(".done").exists
        while self.exit_code is None and not is_done() and time.monotonic() < end:
            if hurry.wait(0.05):
                break

    def kill(self) -> None:
        """Ends every process of the group at once."""
        while remaining := self.members():
            for process in remaining:
                _kill(process)
            psutil.wait_procs(remaining, timeout=1)
        self._process.wait()

    def stop(self, hurry: Event | None = None) -> None:
        """End every process of the group and remove the folder; `hurry` ends the courtesy."""
        if self.exit_code is None:
            self._process.terminate()
        deadline = time.monotonic() + GRACE_SECONDS + self.settings.drain_seconds
        while self.exit_code is None and time.monotonic() < deadline:
            if hurry and hurry.is_set():
                break
            time.sleep(0.05)
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return


def make_folder() -> Path:
    """A server's own folder, with a path short enough for the sockets in it."""
    usual = Path(tempfile.gettempdir())
    parent = usual if len(str(usual)) <= LONGEST_FOLDER else Path("/tmp")  # noqa: S108
    folder = Path(tempfile.mkdtemp(prefix="bruno-", dir=parent)).resolve()
    for name in ("logs", "tmp"):
        (folder / name).mkdir()
    return folder


def make_environment(folder: Path, settings: Settings) -> dict[str, str]:
    """The environment of a server and all its processes."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TS_")}
    environment = {
        **inherited,
        "TMPDIR": str(folder / "tmp"),
        "TEMP": str(folder / "tmp"),
        "LOG_LOCATION": str(folder / "logs"),
        "METRICS_LOCATION": str(folder / "logs"),
        "BRUNO_DEVICE": settings.device,
        "BRUNO_DRAIN_FILE": str(folder / "drain"),
        "BRUNO_GRAPHS": "on" if settings.graphs and settings.device == "cuda" else "off",
        "BRUNO_TOKEN": settings.token,
    }
    environment.setdefault("OMP_NUM_THREADS", str(usable_cores()))
    environment.setdefault("GOMP_SPINCOUNT", "10000")  # as painter/__init__ says
    # The heap of a second thread gives pages back whatever it is told, and the engine paints on
    # one: 200,000 page faults in 12 evaluations at 384 px, and none with a single heap.
    environment.setdefault("MALLOC_ARENA_MAX", "1")
    if settings.device == "cpu":
        environment["CUDA_VISIBLE_DEVICES"] = "-1"
    return environment


def usable_cores() -> int:
    """Physical cores this process may use: torch gains nothing from a core's second thread."""
    allowed = len(psutil.Process().cpu_affinity()) if sys.platform == "linux" else os.cpu_count()
    cores = min(psutil.cpu_count(logical=False) or 1, allowed or 1)
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
    except (OSError, ValueError):
        return cores
    return cores if quota == "max" else max(1, min(cores, math.ceil(int(quota) / int(period))))


def loopback_url(settings: Settings, name: str) -> str:
    """The address of one of the ports that never leave this machine."""
    return f"http://{LOOPBACK}:{settings.port + OFFSETS[name]}"
