"""What several folders of tests share: the real weights, and the real TorchServe."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from build_archive import build_archive
from fetch_weights import TARGET, provide
from serve import RunningServer, start_server
from serving import find_port
from settings import Settings

# What takes long: paintings of many steps, benchmarks, a browser, servers that start and stop.
SLOW = (
    "benchmarks",
    "client_examples",
    "contract/test_fuzz.py",
    "docs",
    "engine/test_numerics.py",
    "handler/test_server_sharing.py",
    "packaging",
    "serve/test_launcher.py",
    "studio/test_page.py",
    "studio/test_real_studio.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what `make test` leaves to `make test-slow`."""
    here = Path(__file__).parent
    for item in items:
        if item.path.relative_to(here).as_posix().startswith(SLOW):
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def free_port() -> int:
    """See `find_port`."""
    return find_port()


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
def server(archive: Path) -> Iterator[RunningServer]:
    """The real TorchServe, started once: `url`, `token` and `key_file` tell how to call it."""
    running = start_server(Settings(find_port()), archive)
    yield running
    running.stop()
    assert running.process.members() == []
    assert not running.process.folder.exists()
