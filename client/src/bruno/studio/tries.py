"""The tries of one visitor: paintings that were finished, and canvases that were stopped."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, Final

from PIL import Image, ImageOps

from bruno.painting import Painting
from bruno.sheet import shallow
from bruno.studio.lapse import Film
from bruno.studio.order import Order
from bruno.studio.words import PAINTERS

SHOWN_SIDE: Final = 1024
THUMB_SIDE: Final = 240
_SUFFIXES: Final = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}


@dataclass(frozen=True)
class Try:
    """One try: its painting, what was asked for, and how the canvas formed.

    `photo` is what it was made of as a small JPEG, where it can be shown; `shown` and `thumb` are
    such of the painting.
    """

    number: int
    order: Order
    painting: Painting
    film: Film = field(repr=False)
    photo: bytes | None = field(repr=False)
    shown: bytes = field(repr=False)
    thumb: bytes = field(repr=False)

    @property
    def title(self) -> str:
        """What it is called, after its files."""
        return title_of(self.order)

    @property
    def options(self) -> Mapping[str, Any]:
        """The options it was painted with."""
        options: Mapping[str, Any] = self.painting.record["options"]
        return options

    @property
    def stopped(self) -> bool:
        """Whether it is a canvas that was stopped on its way."""
        return bool(self.painting.record.get("incomplete"))

    @property
    def name(self) -> str:
        """Its number and title, as lists show it."""
        return f"{self.number} · {self.title}"

    @property
    def stem(self) -> str:
        """The name of its files."""
        return re.sub(r"[^\w-]+", "-", f"{self.title}-{self.number}").strip("-")

    @property
    def file_name(self) -> str:
        """A name to download it under, safe on every system."""
        return f"{self.stem}.{_SUFFIXES.get(self.painting.media_type, 'tiff')}"

    @property
    def size(self) -> int:
        """The bytes of all its pictures."""
        pictures = (self.painting.data, self.photo or b"", self.shown, self.thumb)
        return sum(map(len, pictures)) + self.film.size

    def told(self) -> str:
        """Size, main dials, steps and seconds in a line."""
        record = self.painting.record
        made = f"{self.painting.width} × {self.painting.height}"
        weights = ", ".join(
            f"{PAINTERS[name].label.lower()} {self.options.get(name, 1):g}"
            for name in ("alpha", "beta")
        )
        end = f"{record['steps']} steps in {record['seconds']:.1f} s, seed {record['seed']}"
        return f"{made}, {weights}, {end}{', stopped' if self.stopped else ''}"

    def brief(self) -> str:
        """Size and seconds."""
        made = f"{self.painting.width} × {self.painting.height}"
        seconds = f"{self.painting.record['seconds']:.0f} s"
        return f"{made}, {'stopped after ' if self.stopped else ''}{seconds}"


def make_try(number: int, order: Order, painting: Painting, photo: bytes | None, film: Film) -> Try:
    """A try with its pictures made small for the page."""
    image = painting.image
    return Try(number, order, painting, film, photo, small(image), small(image, THUMB_SIDE))


def shown_file(path: str) -> bytes | None:
    """A file as a small JPEG; None for a kind that the server can read and Pillow cannot."""
    try:
        with Image.open(path) as image:
            return small(image)
    except Exception:  # Pillow's decoders raise anything on what they cannot read
        return None


def title_of(order: Order) -> str:
    """What a try is called, after its files and what sets it apart."""
    first = PurePath(order.styles[0]).stem if order.styles else "painting"
    more = f" and {len(order.styles) - 1} more" if len(order.styles) > 1 else ""
    note = f", {order.note}" if order.note else ""
    return f"{PurePath(order.photo).stem} as {first}{more}{note}"


def small(image: Image.Image, side: int = SHOWN_SIDE) -> bytes:
    """A picture as a JPEG of at most `side` pixels; on white where it was transparent."""
    rgba = shallow(ImageOps.exif_transpose(image)).convert("RGBA")
    rgba.thumbnail((side, side))
    flat = Image.new("RGB", rgba.size, "white")
    flat.paste(rgba, mask=rgba.getchannel("A"))
    file = io.BytesIO()
    flat.save(file, "JPEG", quality=88)
    return file.getvalue()


def differences(one: Try, other: Try) -> list[tuple[str, str, str]]:
    """In what two tries differ: pictures and options by name, of the one, and of the other."""
    made_of = zip(_pictures(one.order), _pictures(other.order), strict=True)
    rows = [(name, left, right) for (name, left), (_, right) in made_of if left != right]
    return rows + _options(one, other)


def _pictures(order: Order) -> list[tuple[str, str]]:
    masks = sum(len(order.request.get(name, ())) for name in ("masks", "style_masks"))
    masks += "content_mask" in order.request
    return [
        ("photo", PurePath(order.photo).stem),
        ("style", ", ".join(PurePath(style).stem for style in order.styles)),
        ("number of masks", str(masks)),
    ]


def _options(one: Try, other: Try) -> list[tuple[str, str, str]]:
    names = [name for name in {**one.options, **other.options} if name != "preview_every"]
    pairs = ((name, one.options.get(name), other.options.get(name)) for name in names)
    return [(name, _short(left), _short(right)) for name, left, right in pairs if left != right]


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else json.dumps(value)
