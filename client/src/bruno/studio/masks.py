"""Masks that were brushed over a picture."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any, Final

from PIL import Image, ImageChops

CONTENT: Final = "content"


def roles(styles: int) -> list[tuple[str, str]]:
    """What a mask may be for, with so many styles: its label, and the name it is kept under."""
    content = [("Where the content of the photo counts", CONTENT)]
    paints = [(f"Where style {n} paints on the photo", f"mask {n}") for n in range(1, styles + 1)]
    counts = [(f"Which part of style {n} counts", f"style {n}") for n in range(1, styles + 1)]
    return content + paints + counts


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


def as_request(masks: Mapping[str, bytes], styles: int) -> dict[str, Any]:
    """The masks as a request carries them; those of styles that are gone are left out."""
    request: dict[str, Any] = {}
    for role, data in masks.items():
        kind, _, number = role.partition(" ")
        if kind == CONTENT:
            request["content_mask"] = data
        elif int(number) <= styles:
            name = "masks" if kind == "mask" else "style_masks"
            request.setdefault(name, {})[int(number)] = data
    return request
