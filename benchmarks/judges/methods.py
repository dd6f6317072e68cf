"""What is judged: a preset with options, or the pictures that somebody else painted."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from PIL import Image

from painter.engine.painter import Painter
from painter.options.presets import PRESETS
from painter.options.reading import read_options
from painter.options.request import Request

_SUFFIXES: Final = (".png", ".jpg", ".jpeg", ".webp")


@dataclass(frozen=True)
class Scene:
    """A photo and a style at one size, as PNG files in memory, and what they are called."""

    name: str
    size: int
    photo: bytes
    style: bytes


class Method(Protocol):
    """Who makes a painting of a scene."""

    @property
    def name(self) -> str:
        """What the table calls it."""

    def paint(self, scene: Scene) -> bytes | None:
        """The painting as a PNG of the photo's size; None where there is none."""


@dataclass(frozen=True)
class Preset:
    """A preset of ours, with options beside it."""

    name: str
    painter: Painter = field(repr=False)
    options: Mapping[str, Any]

    def paint(self, scene: Scene) -> bytes:
        """By the library, without a server."""
        options = read_options({**self.options, "size": scene.size, "format": "png"})
        job = self.painter.begin(Request(options, scene.photo, (scene.style,)))
        job.run()
        if job.error is not None:
            raise job.error
        return job.result().data


@dataclass(frozen=True)
class Untouched:
    """The photo as it is: what every other method is to be nearer to the style than."""

    name: str = "photo"

    def paint(self, scene: Scene) -> bytes:
        """Nothing is painted."""
        return scene.photo


@dataclass(frozen=True)
class Peer:
    """Pictures in a folder, called CONTENT-STYLE or CONTENT-STYLE-SIZE as the scenes are."""

    name: str
    folder: Path

    def paint(self, scene: Scene) -> bytes | None:
        """The picture of a scene's name, brought to the photo's size where it has another."""
        stems = (f"{scene.name}-{scene.size}", scene.name)
        paths = (self.folder / (stem + suffix) for stem in stems for suffix in _SUFFIXES)
        found = next((path for path in paths if path.exists()), None)
        if found is None:
            return None
        with Image.open(io.BytesIO(scene.photo)) as photo:
            shape = photo.size
        data = io.BytesIO()
        with Image.open(found) as opened:
            opened.convert("RGB").resize(shape, Image.Resampling.LANCZOS).save(data, "png")
        return data.getvalue()


def read_method(text: str, painter: Painter) -> Preset:
    """`PRESET` or `PRESET:option=value,…`, a value being JSON or a word; raises PaintError.

    Where a value has commas of its own, `;` stands between the options.
    """
    preset, _, rest = text.partition(":")
    options: dict[str, Any] = {"preset": preset}
    for pair in filter(None, rest.split(";" if ";" in rest else ",")):
        name, _, value = pair.partition("=")
        options[name.strip()] = _value(value)
    read_options(options)
    return Preset(text, painter, options)


def known(presets: tuple[str, ...]) -> list[str]:
    """Those presets that there are."""
    return [name for name in presets if name in PRESETS]


def peers_in(folder: Path) -> list[Peer]:
    """One peer for each folder within a folder, in order of name."""
    return [Peer(path.name, path) for path in sorted(folder.iterdir()) if path.is_dir()]


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
