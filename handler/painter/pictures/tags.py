"""The tags of a TIFF, which EXIF is made of as well, counted without being read."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from painter.errors import OutOfRange

TIFF_MAGIC: Final = (b"II*\0", b"MM\0*", b"MM*\0", b"II\0*", b"II+\0", b"MM\0+")
TAGS_MOST: Final = 4096
# A tile may be larger than its picture, which such files pad; so may all of them together.
PADDING_PIXELS: Final = 4 * 2**20

_PREFIXES: Final = re.compile(rb"\A(?:Exif\0\0)+")
_WIDTH, _HEIGHT = 256, 257
_TILE_WIDTH, _TILE_HEIGHT, _TILE_DEPTH = 322, 323, 32998
_SIZES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_BIG_SIZES: Final = _SIZES | {16: 8, 17: 8, 18: 8}


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag: its number, how many bytes it says that it has, and its first number."""

    number: int
    size: int
    value: int


def check_tags(data: bytes, field: str) -> list[Tag]:
    """The tags of a TIFF's first directory; raises OutOfRange where they are too many or large.

    Together they cannot be longer than the file, unless they name the same bytes again and again.
    """
    data = _PREFIXES.sub(b"", data, count=1)
    if not data.startswith(TIFF_MAGIC):
        return []
    tags: list[Tag] = []
    held = 0
    with suppress(struct.error):  # broken ones end where they break, for whoever reads them too
        for tag in _tags(data):
            tags.append(tag)
            held += min(tag.size, len(data))
            if len(tags) > TAGS_MOST:
                raise _costly(field, f"{TAGS_MOST} tags", len(tags))
            if held > len(data):
                raise _costly(field, f"{len(data)} bytes of tags, as it is so long itself", held)
    return tags


def check_tiff(data: bytes, field: str) -> None:
    """Raises OutOfRange as `check_tags` does, and where tiles hold more than their picture."""
    values = {tag.number: tag.value for tag in check_tags(data, field)}
    tile = values.get(_TILE_WIDTH), values.get(_TILE_HEIGHT)
    width, height = values.get(_WIDTH, 0), values.get(_HEIGHT, 0)
    if not all(tile):
        return
    across, down = (math.ceil(a / (b or 1)) for a, b in zip((width, height), tile, strict=True))
    held = across * (tile[0] or 0) * down * (tile[1] or 0) * values.get(_TILE_DEPTH, 1)
    most = 2 * width * height + PADDING_PIXELS
    if held > most:
        raise _costly(field, f"{most} pixels in its tiles, as it has {width} x {height}", held)


def _tags(data: bytes) -> Iterator[Tag]:
    order = "<" if data.startswith(b"II") else ">"
    is_big = b"+" in data[:4]
    at = struct.unpack_from(order + ("Q" if is_big else "I"), data, 8 if is_big else 4)[0]
    count = struct.unpack_from(order + ("Q" if is_big else "H"), data, at)[0]
    at += 8 if is_big else 2
    sizes, inline = (_BIG_SIZES, 8) if is_big else (_SIZES, 4)
    layout = order + ("HHQ8s" if is_big else "HHI4s")
    for _ in range(count):
        number, kind, values, inside = struct.unpack_from(layout, data, at)
        at += struct.calcsize(layout)
        size = values * sizes.get(kind, 0)
        length = min(sizes.get(kind, 0), inline)
        first = inside[:length] if order == "<" else inside[:length][::-1]
        # What is stored elsewhere is counted; the numbers that are needed here stand inside.
        yield Tag(number, size if size > inline else 0, int.from_bytes(first, "little"))


def _costly(field: str, bound: str, found: int) -> OutOfRange:
    return OutOfRange("image_too_costly", f"{field} must have at most {bound}, got {found}", field)
