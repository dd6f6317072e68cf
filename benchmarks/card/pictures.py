"""The example's photo and styles as square pictures."""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import Image

from pairs import EXAMPLES


@dataclass(frozen=True)
class Pictures:
    """What a painting is asked for with: encoded pictures, and masks of the photo's two halves."""

    content: bytes
    style: bytes
    other_style: bytes
    left: bytes
    right: bytes


def example_pictures(side: int) -> Pictures:
    """The middle of the example's photo and both styles at one size."""
    halves = [Image.new("L", (side, side), 0) for _ in range(2)]
    halves[0].paste(255, (0, 0, side // 2, side))
    halves[1].paste(255, (side // 2, 0, side, side))
    return Pictures(
        _encoded(_square("photo.jpg", side), "jpeg"),
        _encoded(_square("style.png", side), "png"),
        _encoded(_square("style_geometric.png", side), "png"),
        *(_encoded(half, "png") for half in halves),
    )


def _square(name: str, side: int) -> Image.Image:
    with Image.open(EXAMPLES / name) as opened:
        image = opened.convert("RGB")
    edge = min(image.size)
    left, top = ((length - edge) // 2 for length in image.size)
    box = (left, top, left + edge, top + edge)
    return image.resize((side, side), Image.Resampling.LANCZOS, box=box)


def _encoded(image: Image.Image, kind: str) -> bytes:
    data = io.BytesIO()
    image.save(data, kind)
    return data.getvalue()
