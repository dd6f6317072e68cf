"""Fixtures of the client's tests."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bruno import Bruno, BrunoError
from bruno.protocol.retries import pause_before

from .both import Connect, connecting
from .scripted_server import Scripted, picture


@dataclass
class Folder:
    """A folder with a photo and a painting, where the test runs."""

    path: Path
    photo: Path = field(init=False)
    style: Path = field(init=False)

    def __post_init__(self) -> None:
        self.photo = self.path / "photo.jpg"
        self.style = self.path / "starry-night.jpg"
        self.photo.write_bytes(picture("teal", "JPEG"))
        self.style.write_bytes(picture("orange", "JPEG"))


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scripted]:
    with Scripted() as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        monkeypatch.setenv("BRUNO_URL", server.url)
        monkeypatch.delenv("BRUNO_TOKEN", raising=False)
        monkeypatch.delenv("BRUNO_KEY_FILE", raising=False)
        monkeypatch.setattr("bruno.protocol.retries.FIRST_PAUSE", 0.01)
        yield server
        server.shutdown()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses before retries in seconds, noted instead of slept."""
    noted: list[float] = []

    def note(retry: int, problem: BrunoError) -> float:
        noted.append(pause_before(retry, problem))
        return 0.0

    monkeypatch.setattr("bruno.protocol.retries.pause_before", note)
    return noted


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.chdir(tmp_path)
    return Folder(tmp_path)


@pytest.fixture(params=["sync", "async"])
def connect(request: pytest.FixtureRequest) -> Iterator[Connect]:
    """Makes clients of either kind."""
    yield from connecting(request.param)


@pytest.fixture
def bruno(connect: Connect, scripted: Scripted) -> Bruno:
    return connect(timeout=(2, 0.5))
