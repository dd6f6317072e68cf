"""Something to click at the first start: sample photos, and a picture of every preset."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

from PIL import Image

from bruno import styles as library
from bruno.studio.tries import small

THUMB_SIDE: Final = 144
_FOLDER: Final = Path(str(files("bruno.studio"))) / "samples"


@dataclass(frozen=True)
class Sample:
    """A picture that comes with the studio: what it shows, and whose it is."""

    name: str
    title: str
    credit: str
    path: Path

    def thumb(self) -> bytes:
        """It as a small JPEG."""
        with Image.open(self.path) as image:
            return small(image, THUMB_SIDE)


def _photo(name: str, title: str, credit: str) -> Sample:
    return Sample(name, title, credit, _FOLDER / f"{name}.jpg")


PHOTOS: Final = (
    _photo("tower", "A tower above a lake", "danielbuechele (CC BY 2.0)"),
    _photo("astronaut", "An astronaut", "NASA"),
    _photo("cat", "A cat", "Stefan van der Walt"),
    _photo("coffee", "A cup of coffee", "Rachel Michetti"),
)


EXAMPLE_STYLE: Final = "swirls"


def find(name: str) -> Path:
    """The file of a sample photo; raises KeyError for a name that there is none of."""
    return {photo.name: photo.path for photo in PHOTOS}[name]


def preset_picture(preset: str) -> bytes | None:
    """A small JPEG of what a preset gives; None for one that has none."""
    path = _FOLDER / f"preset-{preset}.jpg"
    return path.read_bytes() if path.exists() else None


def styles() -> list[Sample]:
    """The styles that come with the client."""
    ours = (style for style in library.library() if style.built_in)
    return [
        Sample(style.name, style.title, style.painter, library.path(style.name)) for style in ours
    ]


def museum() -> list[tuple[str, str]]:
    """Paintings that the client can fetch: how a list shows them, and their names."""
    fetched = (style for style in library.library() if not style.built_in)
    return [(f"{style.title} · {style.painter}, {style.year}", style.name) for style in fetched]
