"""The styles and masks of a request: decoded, checked, and fitted to what they are for."""

from __future__ import annotations

import hashlib
from typing import Final

import torch
from torch import Tensor

from painter.color import recolored
from painter.errors import OutOfRange
from painter.images import Picture, decode, decode_mask, resize, resize_picture
from painter.options import SHORTEST_SIDE, check_style_scales
from painter.pyramid import Shape, fit
from painter.request import Request
from painter.styles import LONGEST_STYLE, Style, shape_beside

# A mask that is white on less than this share of what can be seen is empty.
MASK_LEAST: Final = 1e-3


def read_styles(
    request: Request, photo: Picture, canvas: Shape, adjusted: list[str]
) -> tuple[Style, ...]:
    """The styles with their masks and scales; raises PaintError, and says what it adjusts."""
    count = len(request.styles)
    check_style_scales(request.options, count)
    scales = request.options.style_scales
    scales = scales * count if len(scales) == 1 else scales
    return tuple(
        _style(request, index, scale, photo, canvas, adjusted)
        for index, scale in enumerate(scales, start=1)
    )


def read_mask(
    data: bytes | None, name: str, picture: Picture, adjusted: list[str]
) -> Tensor | None:
    """A mask at its picture's size; raises OutOfRange where it is black on all that is seen."""
    if data is None:
        return None
    mask, shape = decode_mask(data, name), picture.shape
    height, width = mask.shape
    if not 0.98 < (height * shape[1]) / (width * shape[0]) < 1.02:
        adjusted.append(
            f"{name}: resized from {width} x {height} to {shape[1]} x {shape[0]} px, "
            "another shape than its picture's"
        )
    fitted = resize(mask, shape)
    seen = torch.ones(shape) if picture.alpha is None else picture.alpha
    share = float((fitted * seen).sum() / seen.sum())
    if share < MASK_LEAST:
        raise OutOfRange(
            "mask_empty",
            f"{name} must be white somewhere that its picture is not transparent: on average "
            f"at least {MASK_LEAST:g}, got {share:.2g}",
            name,
        )
    return fitted


def where_both(mask: Tensor | None, other: Tensor | None) -> Tensor | None:
    """The product of two masks of one shape; None counts everywhere."""
    if mask is None or other is None:
        return other if mask is None else mask
    return mask * other


def _style(
    request: Request,
    index: int,
    scale: float,
    photo: Picture,
    canvas: Shape,
    adjusted: list[str],
) -> Style:
    options, data = request.options, request.styles[index - 1]
    name = request.style_name(index)
    picture = decode(data, name)
    shape = picture.shape
    picture = _checked(picture, name, scale, canvas, adjusted)
    mask_data = request.style_masks.get(index)
    mask = read_mask(mask_data, f"style_mask_{index}", picture, adjusted)
    counts = where_both(mask, picture.alpha)
    colors = (options.color, options.color_strength)
    samples = picture.samples
    if options.color != "style":
        samples = recolored(picture.pixels, photo.pixels, *colors, counts, photo.alpha)
    mask_digest = None if mask_data is None else hashlib.sha256(mask_data).hexdigest()
    # Recolored, a style depends on the photo as well.
    recolor = None if options.color == "style" else (*colors, photo.digest, canvas)
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
