"""The example pictures and the scripts that paint two of them."""

import functools
import importlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

EXAMPLES = Path(__file__).parents[2] / "examples"
PAINTERS = {"make_style": "paint", "make_style_geometric": "make"}
PICTURES = ("photo.jpg", "style.png", "style_geometric.png")

Painter = Callable[[int, int], Image.Image]


@pytest.fixture(params=PAINTERS)
def painter(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Painter:
    monkeypatch.syspath_prepend(EXAMPLES)
    paint: Painter = getattr(importlib.import_module(request.param), PAINTERS[request.param])
    return paint


@functools.cache
def first(painter: Painter) -> Image.Image:
    """What the tests compare others with."""
    return painter(64, 5)


def colorfulness(picture: Image.Image) -> float:
    """Return Hasler and Süsstrunk's measure: 0 is gray, above 82 is highly colorful."""
    red, green, blue = np.moveaxis(np.asarray(picture.convert("RGB"), dtype=float), -1, 0)
    opponents = np.stack([red - green, (red + green) / 2 - blue])
    spread = float(np.hypot(*opponents.std(axis=(1, 2))))
    return spread + 0.3 * float(np.hypot(*opponents.mean(axis=(1, 2))))


def test_same_seed_gives_same_pixels(painter: Painter) -> None:
    picture = first(painter)
    assert picture.size == (64, 64)
    assert picture.tobytes() == painter(64, 5).tobytes()


def test_another_seed_gives_another_picture(painter: Painter) -> None:
    assert first(painter).tobytes() != painter(64, 6).tobytes()


def test_painted_picture_is_colorful(painter: Painter) -> None:
    assert colorfulness(first(painter)) > 82


def test_gray_picture_is_not_colorful() -> None:
    assert colorfulness(Image.linear_gradient("L")) == 0


@pytest.mark.parametrize("name", PICTURES)
def test_committed_picture_is_small(name: str) -> None:
    path = EXAMPLES / name
    with Image.open(path) as picture:
        picture.load()
        assert max(picture.size) <= 512
    assert path.stat().st_size <= 600_000


@pytest.mark.parametrize("name", PICTURES)
def test_readme_states_origin(name: str) -> None:
    assert f"`{name}`" in (EXAMPLES / "README.md").read_text(encoding="utf-8")
