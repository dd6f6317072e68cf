"""Start a server with Bruno's archive, say when it can paint, and clear up after it.

`make serve` runs it in the foreground; tests call `start_server`.
"""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from readiness import Stopped, wait_until_ready
from server_process import ServerProcess
from settings import DEVICES, SERVERS, Settings, StartError, check_ports, read_settings
from supervisor import keep_going

ROOT = Path(__file__).resolve().parent.parent
ARCHIVE = ROOT / "model_store" / "bruno.mar"
READY_SECONDS = 300.0
# A further signal so soon after the first is the same: make passes on what its group got too.
SAME_SECONDS = 1.0


@dataclass(frozen=True)
class RunningServer:
    """A server that is ready to paint."""

    settings: Settings
    token: str
    process: ServerProcess

    @property
    def url(self) -> str:
        """The address of the inference port."""
        return self.settings.url

    @property
    def key_file(self) -> Path:
        """The file with the tokens, which `BRUNO_KEY_FILE` tells the SDK."""
        return self.process.key_file

    def stop(self, hurry: Event | None = None) -> None:
        """Let paintings end within the time for that, then end all its processes.

        Its folder is removed; `hurry` ends the courtesy.
        """
        self.process.drain(hurry or Event())
        self.process.stop(hurry)


def start_server(
    settings: Settings,
    archive: Path = ARCHIVE,
    ready_seconds: float = READY_SECONDS,
    stopping: Event | None = None,
    hurry: Event | None = None,
) -> RunningServer:
    """Start a server and return once it is ready to paint.

    Raises StartError where it cannot start, and leaves nothing behind then; Stopped when
    `stopping` is set meanwhile.
    """
    check_ports(settings)
    check_device(settings)
    if not archive.is_file():
        raise StartError(f"There is no archive at {archive}: run `make archive`.")
    process = ServerProcess(settings, archive)
    try:
        token = wait_until_ready(process, settings, ready_seconds, stopping or Event())
    except BaseException:
        process.stop(hurry)
        raise
    return RunningServer(settings, token, process)


def check_device(settings: Settings) -> None:
    """Raise StartError where CUDA is asked for and not there."""
    if settings.device == DEVICES[0]:
        return
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    if not all(name.isdecimal() for name in visible.split(",") if visible):
        raise StartError(
            "CUDA_VISIBLE_DEVICES must name devices by number, as TorchServe reads nothing else, "
            f"not {visible!r}."
        )
    import torch

    if not torch.cuda.is_available():
        raise StartError(
            "DEVICE=cuda, but torch finds no CUDA device here: use DEVICE=cpu, or look at the "
            "driver with nvidia-smi."
        )


def curl_line(server: RunningServer, folder: Path) -> str:
    """A line that paints the example when pasted into a shell standing in `folder`."""
    examples = ROOT / "examples"
    content, style = next(examples.glob("photo.*")), next(examples.glob("style.*"))
    return " ".join(
        [
            "curl --fail-with-body",
            shlex.join(["-H", f"Authorization: Bearer {server.token}"]),
            f"-F content=@{shlex.quote(_nearest(content, folder))}",
            f"-F style=@{shlex.quote(_nearest(style, folder))}",
            f"{server.url}/predictions/bruno -o painting.png",
        ]
    )


def _nearest(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder) if path.is_relative_to(folder) else path)


def export_line(server: RunningServer, programs: Path) -> str:
    """A line that tells a shell where the server is, and `bruno` where it is among `programs`."""
    told = f"export BRUNO_URL={server.url} BRUNO_KEY_FILE={shlex.quote(str(server.key_file))}"
    return (
        f"{told} PATH={shlex.quote(str(programs))}:$PATH" if (programs / "bruno").exists() else told
    )


def announce(server: RunningServer) -> None:
    """Print what a person needs to paint."""
    print(f"\nBruno is ready to paint at {server.url}. Paste this:\n")
    print(f"  {curl_line(server, Path.cwd())}\n")
    print("For `bruno`, the SDK and the studio paste this into the shell where you use them:\n")
    print(f"  {export_line(server, Path(sys.executable).parent)}\n")
    print(f"Logs: {server.process.logs}. Ctrl-C stops everything.\n", flush=True)


def listen_for_stop() -> tuple[Event, Event]:
    """Events for the first and for every further Ctrl-C or termination."""
    stopping, hurry = Event(), Event()
    first: list[float] = []

    def note(*_: object) -> None:
        first.append(time.monotonic())
        if first[-1] - first[0] >= SAME_SECONDS:
            hurry.set()
        stopping.set()

    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, note)
    return stopping, hurry


def serve(archive: Path) -> int:
    """Serve until stopped; 1 where the server cannot be kept going."""
    settings = read_settings()
    stopping, hurry = listen_for_stop()
    name = SERVERS[settings.server]
    print(f"starting {name} at port {settings.port} on {settings.device}", flush=True)
    try:
        server = start_server(settings, archive, stopping=stopping, hurry=hurry)
    except Stopped:
        return 0
    try:
        announce(server)
        code = keep_going(server.process, settings, server.token, stopping)
        if stopping.is_set():
            print("stopping", flush=True)
    finally:
        server.stop(hurry)
    return code


def main() -> int:
    """Run from the command line; 2 with one sentence where the server cannot start."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--archive", type=Path, default=ARCHIVE, help="the bruno.mar to serve")
    try:
        return serve(parser.parse_args().archive)
    except StartError as error:
        print(f"make serve: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
