"""The styles of a request: decoded, checked, and fitted to what they are for."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from torch import Tensor

from painter.errors import OutOfRange
from painter.options.catalog import SHORTEST_SIDE
from painter.options.reading import check_style_scales
from painter.options.request import Request
from painter.pictures.color import recolored
from painter.pictures.picture import Picture, Read, decode, resize_picture
from painter.planning.masks import read_mask, where_both
from painter.planning.pyramid import Shape, fit

LONGEST_STYLE: Final = 8192


@dataclass(frozen=True, slots=True)
class Style:
    """A painting to learn from: its picture, the part that counts (None: all), and its scale.

    `shape` is that of its file: the picture is smaller where less of it is seen. Where it is
    transparent, nothing counts. `key` tells its pixels and mask apart from all others.
    """

    picture: Picture
    shape: Shape
    mask: Tensor | None
    scale: float
    key: tuple[object, ...]

    def shape_beside(self, canvas: Shape) -> Shape:
        """Its size for a canvas of a level."""
        return shape_beside(self.shape, self.scale, canvas)


def shape_beside(picture: Shape, scale: float, canvas: Shape) -> Shape:
    """A style's size: never stretched, its longest side `scale` times the canvas's.

    Its longest side is at most 8192 px, and its shorter one at least 32 px where that allows.
    """
    least = round(SHORTEST_SIDE * max(picture) / min(picture))
    return fit(picture, min(LONGEST_STYLE, max(round(scale * max(canvas)), least)))


def is_recolored(request: Request) -> bool:
    """Whether styles are learned from in other colors than their own."""
    color = request.options.color
    return color in ("match", "luminance") or (color == "style" and request.palette is not None)


def read_styles(
    request: Request,
    photo: Picture,
    palette: Picture | None,
    canvas: Shape,
    adjusted: list[str],
    read: Read,
) -> tuple[Style, ...]:
    """The styles with their masks and scales; raises PaintError, and says what it adjusts."""
    count = len(request.styles)
    check_style_scales(request.options, count)
    scales = request.options.style_scales
    scales = scales * count if len(scales) == 1 else scales
    return tuple(
        _style(request, index, scale, photo, palette, canvas, adjusted, read)
        for index, scale in enumerate(scales, start=1)
    )


def _style(
    request: Request,
    index: int,
    scale: float,
    photo: Picture,
    palette: Picture | None,
    canvas: Shape,
    adjusted: list[str],
    read: Read,
) -> Style:
    options, data = request.options, request.styles[index - 1]
    name = request.style_name(index)
    picture = decode(data, name, read)
    shape = picture.shape
    picture = _checked(picture, name, scale, canvas, adjusted)
    mask_data = request.style_masks.get(index)
    mask = read_mask(mask_data, f"style_mask_{index}", picture, adjusted, read)
    counts = where_both(mask, picture.alpha)
    samples, recolor = picture.samples, None
    if is_recolored(request):
        # A style depends then on the palette or the photo as well.
        color = "match" if palette else options.color
        wanted = palette or photo
        samples = recolored(
            picture.pixels, wanted.pixels, color, options.color_strength, counts, wanted.alpha
        )
        recolor = (color, options.color_strength, wanted.digest, wanted.shape)
    mask_digest = None if mask_data is None else hashlib.sha256(mask_data).hexdigest()
    return Style(
        Picture(samples, picture.alpha, picture.digest),
        shape,
        counts,
        scale,
        (picture.digest, picture.shape, mask_digest, recolor),
    )


def _checked(
    picture: Picture, name: str, scale: float, canvas: Shape, adjusted: list[str]
) -> Picture:
    """A style, no larger than twice what is seen of it: eight large ones would fill memory."""
    seen = shape_beside(picture.shape, scale, canvas)
    if min(seen) < SHORTEST_SIDE:
        raise OutOfRange(
            "image_too_small",
            f"{name} must be at most {LONGEST_STYLE // SHORTEST_SIDE} times as long as wide, "
            f"got {picture.shape[1]} x {picture.shape[0]} px",
            name,
        )
    if max(seen) != round(scale * max(canvas)):
        adjusted.append(f"{name}: seen at {seen[1]} x {seen[0]} px, the nearest size that fits")
    if max(picture.shape) > 2 * max(seen):
        picture = resize_picture(picture, fit(picture.shape, 2 * max(seen)))
    if picture.alpha is not None and float(picture.alpha.max()) < 1 / 255:
        raise OutOfRange(
            "image_transparent", f"{name} must not be transparent everywhere, got alpha 0", name
        )
    return picture
