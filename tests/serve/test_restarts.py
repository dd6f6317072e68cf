"""A server that ends is started again, and nobody loses a painting; orphans end by themselves."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

import serve
from bruno import Accepted, Bruno
from bruno.events import Event
from serving import find_port
from supervisor import RESTARTS_MOST, WITHIN_SECONDS, Restarts

TINY = {"size": 64, "steps": 3}


@pytest.fixture(params=["torchserve", "asgi"])
def served(
    request: pytest.FixtureRequest, archive: Path, tmp_path: Path
) -> Iterator[subprocess.Popen[str]]:
    """serve.py as `make serve` runs it; what it prints goes to `printed` in the test's folder."""
    command = [sys.executable, serve.__file__, "--archive", str(archive)]
    environment = {**os.environ, "PORT": str(find_port()), "SERVER": request.param}
    with (tmp_path / "printed").open("w") as printed:
        process = subprocess.Popen(
            command, env=environment, stdout=printed, stderr=subprocess.STDOUT, text=True
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def printed_with(folder: Path, words: str, served: subprocess.Popen[str]) -> str:
    """All that was printed, once these words are among it."""
    while words not in (text := (folder / "printed").read_text()):
        assert served.poll() is None, text
        time.sleep(0.1)
    return text


def test_what_stands_still_or_is_killed_is_started_again_under_its_clients(
    served: subprocess.Popen[str], tmp_path: Path, pictures: dict[str, bytes]
) -> None:
    """TorchServe's worker stands still, and Java is killed; the other server stands still."""
    printed = printed_with(tmp_path, "Logs: ", served)
    url, keys = re.findall(r"BRUNO_URL=(\S+) BRUNO_KEY_FILE=(\S+)", printed)[0]
    bruno = Bruno(url, key_file=keys)
    (first,) = psutil.Process(served.pid).children()
    workers = [each for each in first.children() if "model_service" in each.cmdline()[1]]
    faults = [workers[0].suspend, first.kill] if workers else [first.suspend]
    with ThreadPoolExecutor(2) as pool:
        streams = [
            bruno.stream(pictures["content"], pictures["style"], size=64, steps=5000, seed=seed)
            for seed in range(2)
        ]
        for fault in [lambda: None, *faults]:
            fault()
            accepted = [pool.submit(next, filter(is_accepted, stream)) for stream in streams]
            for event in accepted:
                event.result(300)
        bruno.close()
    assert "had no processor time" in printed_with(tmp_path, "it is ready to paint again", served)
    others = psutil.Process(served.pid).children(recursive=True)
    assert {first, *workers}.isdisjoint(others)
    served.kill()
    assert psutil.wait_procs(others, timeout=100)[1] == []


def is_accepted(event: Event) -> bool:
    return isinstance(event, Accepted)


def test_three_restarts_in_ten_minutes_are_enough() -> None:
    now = 0.0
    restarts = Restarts(lambda: now)
    assert [restarts.try_one() for _ in range(RESTARTS_MOST)] == [1, 2, 3]
    now = WITHIN_SECONDS - 1
    assert restarts.try_one() is None
    now = WITHIN_SECONDS
    assert restarts.try_one() == 1
