"""What several folders of tests share: small pictures, the real weights, the real servers."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from build_archive import build_archive
from fetch_weights import TARGET, provide
from serve import RunningServer, start_server
from serving import find_port
from settings import Settings

PictureOf = Callable[..., bytes]

# What takes long: paintings of many steps, benchmarks, a browser, servers that start and stop.
SLOW = (
    "benchmarks",
    "client/test_style_makers.py",
    "client_examples",
    "contract/test_fuzz.py",
    "docs",
    "engine/network/test_numerics.py",
    "fleet/test_fleet.py",
    "packaging",
    "serve/test_overload.py",
    "serve/test_restarts.py",
    "serve/test_server_sharing.py",
    "serve/test_launcher.py",
    "serve/test_stop.py",
    "serve/test_torchserve.py",
    "studio/test_command.py",
    "studio/test_page",
    "studio/test_real_studio.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what `make test` leaves to `make test-slow` and to `make test-ray`."""
    here = Path(__file__).parent
    for item in items:
        if here / "ray_serve" in item.path.parents:
            item.add_marker(pytest.mark.ray)
        if item.path.relative_to(here).as_posix().startswith(SLOW):
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def free_port() -> int:
    """See `find_port`."""
    return find_port()


def _picture(width: int = 64, height: int = 64, seed: int = 0, file_format: str = "PNG") -> bytes:
    """Soft noise: not flat, so that every layer has something to compare."""
    noise = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).resize((width, height)).save(file, file_format)
    return file.getvalue()


@pytest.fixture(scope="session")
def picture() -> PictureOf:
    """Makes a small picture: `picture(width, height, seed, file_format)`."""
    return _picture


@pytest.fixture
def pictures(picture: PictureOf) -> dict[str, bytes]:
    """A photo and a painting, as the files of a form."""
    return {"content": picture(seed=1), "style": picture(seed=2)}


@pytest.fixture(scope="session")
def weights() -> Path:
    """The checkpoint with the real VGG-19, fetched where it is not there yet."""
    provide("", "")
    return TARGET


@pytest.fixture(scope="session")
def archive(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bruno.mar of the handler as it is now."""
    path = tmp_path_factory.mktemp("model_store") / "bruno.mar"
    build_archive(path, weights=weights)
    return path


@pytest.fixture(scope="session")
def torchserve(archive: Path) -> Iterator[RunningServer]:
    """The real TorchServe, started once: `url`, `token` and `key_file` tell how to call it."""
    yield from _running("torchserve", archive)


@pytest.fixture(scope="session")
def asgi(archive: Path) -> Iterator[RunningServer]:
    """The ASGI server, started once."""
    yield from _running("asgi", archive)


@pytest.fixture(scope="session", params=["torchserve", "asgi"])
def server(request: pytest.FixtureRequest) -> RunningServer:
    """Each of the two servers: whatever holds for one holds for the other."""
    running: RunningServer = request.getfixturevalue(request.param)
    return running


def _running(name: str, archive: Path) -> Iterator[RunningServer]:
    running = start_server(Settings(find_port(), server=name), archive)
    yield running
    running.stop()
    assert running.process.members() == []
    assert not running.process.folder.exists()
