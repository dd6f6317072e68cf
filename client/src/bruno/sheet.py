"""Contact sheets: pictures with labels, in rows and columns."""

from __future__ import annotations

import io
from collections.abc import Sequence
from math import ceil
from pathlib import Path
from typing import Final, NamedTuple

from PIL import Image, ImageDraw, ImageFont, ImageOps

from bruno.errors import InvalidInputError

_MARGIN: Final = 8
_LABEL: Final = 24
_PAPER: Final = "white"
_INK: Final = "black"
_FONT: Final = ImageFont.load_default(size=14)


class Tile(NamedTuple):
    """A picture with a label under it; either may be missing."""

    label: str = ""
    picture: Image.Image | None = None


def thumbnail(picture: Path | bytes, side: int) -> Image.Image:
    """The picture of a file or bytes, upright and small; raises InvalidInputError for none.

    >>> from bruno.sheet import thumbnail
    >>> thumbnail(Path("photo.jpg"), side=16).size
    (16, 12)
    """
    try:
        with Image.open(io.BytesIO(picture) if isinstance(picture, bytes) else picture) as image:
            image.thumbnail((side, side))
            return shallow(ImageOps.exif_transpose(image)).convert("RGB")
    except Exception:  # Pillow's decoders raise anything on broken files
        raise InvalidInputError(f"{picture!s:.80} cannot be read as a picture") from None


def shallow(image: Image.Image) -> Image.Image:
    """The same with 8 bits a channel; Pillow itself makes white of whatever is above."""
    is_deep = image.mode.startswith("I")
    return image.point(lambda value: value / 256).convert("L") if is_deep else image


def contact_sheet(rows: Sequence[Sequence[Tile]], side: int) -> Image.Image:
    """Lays tiles out, every picture fitted into `side` x `side` pixels.

    >>> from bruno.sheet import Tile, contact_sheet
    >>> from PIL import Image
    >>> photo = Tile("a photo", Image.new("RGB", (640, 480)))
    >>> contact_sheet([[photo, photo]], side=100).size
    (224, 115)
    """
    fitted = [[_fitted(tile, side) for tile in row] for row in rows]
    widths = [max(_width(tile, side) for tile in column) for column in zip(*fitted, strict=True)]
    heights = [max(map(_height, row)) for row in fitted]
    sheet = Image.new("RGB", (_with_margins(widths), _with_margins(heights)), _PAPER)
    top = _MARGIN
    for row, height in zip(fitted, heights, strict=True):
        left = _MARGIN
        for tile, width in zip(row, widths, strict=True):
            _put(sheet, tile, (left, top, width, height))
            left += width + _MARGIN
        top += height + _MARGIN
    return sheet


def _fitted(tile: Tile, side: int) -> Tile:
    return Tile(tile.label, tile.picture and ImageOps.contain(tile.picture, (side, side)))


def _put(sheet: Image.Image, tile: Tile, box: tuple[int, int, int, int]) -> None:
    left, top, width, height = box
    middle = top + height // 2
    if tile.picture:
        sheet.paste(tile.picture, (left + (width - tile.picture.width) // 2, top))
        middle = top + tile.picture.height + _LABEL // 2
    place = (left + width // 2, middle)
    ImageDraw.Draw(sheet).text(place, _shortened(tile.label, width), _INK, _FONT, anchor="mm")


def _width(tile: Tile, side: int) -> int:
    return tile.picture.width if tile.picture else min(side, _length(tile.label))


def _height(tile: Tile) -> int:
    return (tile.picture.height if tile.picture else 0) + (_LABEL if tile.label else 0)


def _with_margins(lengths: Sequence[int]) -> int:
    return sum(lengths) + _MARGIN * (len(lengths) + 1)


def _length(label: str) -> int:
    return ceil(_FONT.getbbox(label)[2])


def _shortened(label: str, width: int) -> str:
    if _length(label) <= width:
        return label
    return next(
        label[:kept] + "…"
        for kept in range(len(label), -1, -1)
        if _length(label[:kept] + "…") <= width or not kept
    )
