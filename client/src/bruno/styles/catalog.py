"""What the library holds: the table of all styles."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from bruno.errors import InvalidInputError


@dataclass(frozen=True)
class Style:
    """One entry of the library.

    `address` is where the picture is fetched from, None for what the client brings along;
    `sha256` its checksum where one is known. `year` is that of the painting, of its end, or of
    the tradition where it is not certain.
    """

    name: str
    title: str
    painter: str
    year: int
    museum: str | None
    license: str
    address: str | None = None
    sha256: str | None = None

    @property
    def built_in(self) -> bool:
        """Whether the client brings it along."""
        return self.address is None


_OURS: Final = {
    "glass": "Rings of stained glass",
    "ink": "Mountains in mist behind bamboo",
    "mosaic": "A peacock in glass and gold",
    "pointillism": "A harbor at sunset",
    "poster": "A regatta",
    "swirls": "Swirling oil paint",
    "woodcut": "Mountains above a bay",
}
_YEAR: Final = 2026


def names() -> tuple[str, ...]:
    """The names of the styles that the client brings along.

    >>> from bruno import styles
    >>> "woodcut" in styles.names()
    True
    """
    return tuple(_OURS)


@cache
def library() -> tuple[Style, ...]:
    """All styles: first those that the client brings along, then the paintings, by name.

    >>> from bruno import styles
    >>> [style.title for style in styles.library() if style.painter == "Edvard Munch"]
    ['The Scream']
    """
    ours = [
        Style(name, title, "The Bruno authors", _YEAR, None, "MIT") for name, title in _OURS.items()
    ]
    manifest: dict[str, Any] = json.loads(files(__package__).joinpath("paintings.json").read_text())
    return (*ours, *(_painting(entry) for entry in manifest["paintings"]))


def _painting(entry: dict[str, Any]) -> Style:
    license = f"{entry['license']} (the painter died in {entry['died']})"
    kept = ("name", "title", "painter", "year", "museum", "address", "sha256")
    return Style(license=license, **{name: entry[name] for name in kept})


def find(name: str) -> Style:
    """The style of a name; raises InvalidInputError where the library has none.

    >>> from bruno import styles
    >>> styles.find("great-wave").painter
    'Katsushika Hokusai'
    """
    for style in library():
        if style.name == name:
            return style
    raise InvalidInputError(
        f"the library has no style {name!r}: it has {', '.join(names())} and those that "
        "`bruno styles` lists"
    )
