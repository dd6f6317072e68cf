"""Masks that were brushed over a picture."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from PIL import Image, ImageChops

from bruno.studio.tries import small

CONTENT: Final = "content"
_RED: Final = (255, 60, 60)
_SHOWN: Final = 0.5
_FADED: Final = 0.45


def roles(styles: int) -> list[tuple[str, str]]:
    """What a mask may be for, with so many styles: its label, and the name it is kept under."""
    content = [("Where the content of the photo counts", CONTENT)]
    paints = [(f"Where style {n} paints on the photo", f"mask {n}") for n in range(1, styles + 1)]
    counts = [(f"Which part of style {n} counts", f"style {n}") for n in range(1, styles + 1)]
    return content + paints + counts


class Place(NamedTuple):
    """What a mask was brushed for, by its files: it stays with them, not with a number.

    A style that is there twice is told apart by `copy`, counted from 0.
    """

    kind: str
    photo: str | None = None
    style: str | None = None
    copy: int = 0


def places(photo: str | None, styles: Sequence[str]) -> dict[str, Place]:
    """The place of every role whose pictures are there."""
    by_role = {CONTENT: Place(CONTENT, photo)} if photo else {}
    for number, style in enumerate(styles, start=1):
        copy = styles[: number - 1].count(style)
        by_role[f"style {number}"] = Place("style", None, style, copy)
        if photo:
            by_role[f"mask {number}"] = Place("mask", photo, style, copy)
    return by_role


def picture_under(role: str, photo: str | None, styles: Sequence[str]) -> str | None:
    """The file that is brushed over for a role; None where it is not there (any more)."""
    kind, _, number = role.partition(" ")
    if kind != "style":
        return photo
    return styles[int(number) - 1] if int(number) <= len(styles) else None


def from_layers(layers: Sequence[Image.Image]) -> bytes | None:
    """What was brushed, white on black as a PNG; None where nothing was."""
    strokes = [layer.convert("RGBA").getchannel("A") for layer in layers]
    if not any(stroke.getbbox() for stroke in strokes):
        return None
    mask = strokes[0]
    for stroke in strokes[1:]:
        mask = ImageChops.lighter(mask, stroke)
    file = io.BytesIO()
    # A brush is translucent only to show what is under it.
    mask.point(lambda value: 255 if value else 0).save(file, "PNG")
    return file.getvalue()


def covered(mask: bytes) -> float:
    """The share of the picture that a mask covers."""
    with Image.open(io.BytesIO(mask)) as image:
        shades = image.convert("L").histogram()
    return sum(shades[128:]) / sum(shades)


def over(mask: bytes, picture: bytes | None, side: int) -> bytes:
    """What a mask covers, in red over its picture, as a JPEG; the bare mask without a picture."""
    with Image.open(io.BytesIO(mask)) as white:
        white.thumbnail((side, side))
        if not picture:
            return small(white, side)
        with Image.open(io.BytesIO(picture)) as file:
            red = Image.new("RGB", white.size, _RED)
            under = file.convert("RGB").resize(white.size)
            there = Image.blend(under, red, _SHOWN)
            elsewhere = Image.blend(under, Image.new("RGB", white.size, "white"), _FADED)
            return small(Image.composite(there, elsewhere, white.convert("L")), side)


def as_request(
    masks: Mapping[Place, bytes], photo: str | None, styles: Sequence[str]
) -> dict[str, Any]:
    """The masks as a request carries them, under the present numbers of their styles."""
    request: dict[str, Any] = {}
    for role, place in places(photo, styles).items():
        kind, _, number = role.partition(" ")
        if place not in masks:
            continue
        if kind == CONTENT:
            request["content_mask"] = masks[place]
        else:
            name = "masks" if kind == "mask" else "style_masks"
            request.setdefault(name, {})[int(number)] = masks[place]
    return request
