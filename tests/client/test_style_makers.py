"""The styles that the client brings along are what the scripts of examples/ make."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

from bruno import styles

MAKER = Path(__file__).parents[2] / "examples" / "make_library.py"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[Path]]]:
    """All styles, made anew by two programs at a time, each of which computes on one core."""
    folder = tmp_path_factory.mktemp("styles")

    def make(name: str) -> Path:
        words = [sys.executable, str(MAKER), name, "--folder", str(folder)]
        subprocess.run(words, check=True, capture_output=True, timeout=600)
        return folder / f"{name}.webp"

    with ThreadPoolExecutor(2) as pool:
        yield {name: pool.submit(make, name) for name in styles.names()}


@pytest.mark.parametrize("name", styles.names())
def test_a_style_is_made_again(name: str, made: dict[str, Future[Path]]) -> None:
    with Image.open(styles.path(name)) as ours, Image.open(made[name].result()) as new:
        difference = ImageChops.difference(ours.convert("RGB"), new.convert("RGB"))
    assert max(ImageStat.Stat(difference).mean) < 1
