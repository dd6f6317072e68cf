from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from PIL import Image

import serve
from build_archive import build_archive
from serve import ROOT, RunningServer, curl_line, start_server
from settings import Settings, StartError

FAILING_HANDLER = """
class Handler:
    def initialize(self, context):
        raise ValueError("these weights are of no use")

    def handle(self, data, context):
        return data
"""


def describe(server: RunningServer) -> dict[str, object]:
    request = urllib.request.Request(  # noqa: S310
        f"{server.url}/predictions/bruno",
        b'{"describe": true}',
        {"Authorization": f"Bearer {server.token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        told: dict[str, object] = json.load(answer)
    return told


@contextmanager
def launcher(archive: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """serve.py as `make serve` runs it."""
    command = [sys.executable, serve.__file__, "--archive", str(archive)]
    environment = {**os.environ, "PORT": str(port)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(30)


def read_until(process: subprocess.Popen[str], words: str) -> str:
    assert process.stdout
    seen = ""
    for line in process.stdout:
        seen += line
        if words in line:
            return seen
    pytest.fail(f"{words!r} was never printed, but:\n{seen}")


def descendants(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [one for one in processes if one.is_running() and one.status() != "zombie"]


def test_a_server_is_ready_to_paint_and_asks_for_its_token(torchserve: RunningServer) -> None:
    assert describe(torchserve)["health"] == "ready"
    assert json.loads(torchserve.key_file.read_text())["inference"]["key"] == torchserve.token
    with pytest.raises(urllib.error.HTTPError, match="400"):
        urllib.request.urlopen(f"{torchserve.url}/ping", timeout=60)  # noqa: S310


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_the_printed_curl_line_paints(torchserve: RunningServer, tmp_path: Path) -> None:
    painting = tmp_path / "painting.png"
    small = "-F size=64 -F steps=2 -o " + shlex.quote(str(painting))
    line = curl_line(torchserve, ROOT).replace("-o painting.png", small)
    run = subprocess.run(["sh", "-c", line], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    with Image.open(painting) as picture:
        assert max(picture.size) == 64


def test_two_servers_live_side_by_side(
    torchserve: RunningServer, archive: Path, free_port: int
) -> None:
    other = start_server(Settings(free_port), archive)
    try:
        assert other.token != torchserve.token
        assert describe(other)["health"] == describe(torchserve)["health"] == "ready"
    finally:
        other.stop()
    assert other.process.members() == []
    assert not other.process.folder.exists()
    assert describe(torchserve)["health"] == "ready"


@pytest.mark.parametrize("signals", [[signal.SIGINT, signal.SIGINT], [signal.SIGTERM]])
def test_stopping_leaves_nothing_behind(
    signals: list[signal.Signals], archive: Path, free_port: int
) -> None:
    with launcher(archive, free_port) as process:
        printed = read_until(process, "Logs: ")
        folder = Path(re.findall(r"BRUNO_KEY_FILE=(\S+)/key_file\.json", printed)[0])
        assert folder.is_dir()
        (line,) = re.findall(r"^  (export .*)$", printed, re.MULTILINE)
        told = [f"{line}; echo $BRUNO_URL; test -f $BRUNO_KEY_FILE; command -v bruno"]
        shell = subprocess.run(["bash", "-c", *told], capture_output=True, text=True, check=True)
        programs = Path(sys.executable).parent
        assert shell.stdout.split() == [f"http://127.0.0.1:{free_port}", f"{programs}/bruno"]
        children = descendants(process)
        assert len(children) >= 2
        process.send_signal(signals[0])
        read_until(process, "stopping")
        for further in signals[1:]:
            process.send_signal(further)
        assert process.wait(30) == 0
    assert alive(children) == []
    assert not folder.exists()


def test_stopping_during_the_start_leaves_nothing_behind(archive: Path, free_port: int) -> None:
    with launcher(archive, free_port) as process:
        read_until(process, "Model server started")
        children = descendants(process)
        assert children
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert alive(children) == []


def test_a_worker_that_dies_tells_why(weights: Path, tmp_path: Path, free_port: int) -> None:
    handler = tmp_path / "handler"
    handler.mkdir()
    (handler / "bruno_handler.py").write_text(FAILING_HANDLER)
    build_archive(tmp_path / "bruno.mar", handler, weights)
    with pytest.raises(StartError, match="worker died: ValueError: these weights are of no use"):
        start_server(Settings(free_port), tmp_path / "bruno.mar")


def test_no_archive_names_the_target_that_makes_it(tmp_path: Path, free_port: int) -> None:
    with pytest.raises(StartError, match="no archive at .*: run `make archive`"):
        start_server(Settings(free_port), tmp_path / "bruno.mar")
