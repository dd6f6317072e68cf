"""Lines 3 and 7: a painting through HTTP beside the library, and the server's start."""

from __future__ import annotations

import os
import random
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psutil

from bruno import Accepted, Bruno
from build_archive import build_archive
from painter.engine.painter import Painter
from painter.options.reading import read_options
from painter.options.request import Request
from pairs import ROOT, Scene
from serve import start_server
from server_process import usable_cores
from settings import LOOPBACK, Settings, StartError, check_ports

# So many ports come together; nothing is served on the last, which says that they are taken.
_PORTS: Final = 20
_taken: Final[list[socket.socket]] = []
# How each way of painting is asked for; 0 turns previews off.
_PREVIEW_EVERY: Final = {"http": 0.0, "http with previews": 1.0}


def pack(weights: Path, folder: Path) -> Path:
    """An archive of the handler as it is now."""
    archive = folder / "bruno.mar"
    build_archive(archive, weights=weights)
    return archive


def measure_serving(
    painter: Painter, archive: Path, scene: Scene, steps: int, rounds: int
) -> dict[str, Any]:
    """Seconds of one job through the library, through HTTP, and with previews, in turns."""
    device = painter.vgg.device.type
    server = start_server(Settings(find_port(), device=device), archive)
    client = Bruno(server.url, token=server.token)
    times: dict[str, list[float]] = {"library": [], **{name: [] for name in _PREVIEW_EVERY}}
    try:
        for _ in range(rounds + 1):  # the first warms up, and lets both learn the style
            times["library"].append(_library_seconds(painter, scene, steps))
            for name, every in _PREVIEW_EVERY.items():
                times[name].append(_http_seconds(client, scene, steps, every))
        cache = client.describe()["style_cache"]
    finally:
        server.stop()
    return {
        "seconds": {name: values[1:] for name, values in times.items()},
        "style_cache": cache,
    }


def measure_start(archive: Path, scene: Scene, rounds: int) -> dict[str, Any]:
    """Seconds from what `make serve` runs to the first accepted request; bytes when idle."""
    ready, seconds, idle = [], [], []
    for _ in range(rounds):
        began = time.perf_counter()
        with _launched(archive) as (process, client):
            ready.append(time.perf_counter() - began)
            with client.stream(scene.content, scene.style, size=64, steps=4) as events:
                next(event for event in events if isinstance(event, Accepted))
                seconds.append(time.perf_counter() - began)
                events.painting()
            idle.append(_worker(process).memory_info().rss)
    return {"ready": ready, "seconds": seconds, "idle": idle}


def _library_seconds(painter: Painter, scene: Scene, steps: int) -> float:
    began = time.perf_counter()
    options = read_options({"size": scene.size, "steps": steps})
    request = Request(options, scene.content.read_bytes(), (scene.style.read_bytes(),))
    job = painter.begin(request)
    job.run()
    job.result()
    return time.perf_counter() - began


def _http_seconds(client: Bruno, scene: Scene, steps: int, preview_every: float) -> float:
    began = time.perf_counter()
    client.paint(
        scene.content.read_bytes(),
        scene.style.read_bytes(),
        size=scene.size,
        steps=steps,
        preview_every=preview_every,
    )
    return time.perf_counter() - began


@contextmanager
def _launched(archive: Path) -> Iterator[tuple[psutil.Process, Bruno]]:
    """The launcher as a person starts it, and a client once it says that it can paint."""
    port = find_port()
    environment = {**os.environ, "PORT": str(port), "BIND": "", "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, str(ROOT / "config" / "serve.py"), "--archive", str(archive)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None  # noqa: S101
        marker = "BRUNO_KEY_FILE="
        line = next((line for line in process.stdout if marker in line), None)
        if line is None:
            raise StartError("The server of the benchmark ended before it could paint.")
        exported = dict(word.split("=", 1) for word in shlex.split(line) if "=" in word)
        key_file = exported["BRUNO_KEY_FILE"]
        client = Bruno(f"http://127.0.0.1:{port}", key_file=key_file)
        yield psutil.Process(process.pid), client
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate()


def _worker(launcher: psutil.Process) -> psutil.Process:
    """The process of TorchServe that paints."""
    (worker,) = (
        child
        for child in launcher.children(recursive=True)
        if any("model_service_worker" in part for part in child.cmdline())
    )
    return worker


def find_port(servers: int = 1) -> int:
    """A port that is free, as are those after it that so many servers need; or StartError.

    No other process that asks gets one of these while this one lasts.
    """
    for first in random.sample(range(20000, 32000 - servers * _PORTS, _PORTS), 50):
        held = []
        try:
            for port in range(first, first + servers * _PORTS, _PORTS):
                held.append(socket.create_server((LOOPBACK, port + _PORTS - 1)))
                check_ports(Settings(port))
        except (OSError, StartError):
            for each in held:
                each.close()
            continue
        _taken.extend(held)
        return first
    raise StartError("No run of free ports was found.")


def threads() -> int:
    """The threads that the server's worker gets, for the library to have as many."""
    return int(os.environ.get("OMP_NUM_THREADS", "0")) or usable_cores()
