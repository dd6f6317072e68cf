"""A request made ready to be painted: decoded, checked, and resolved into levels and styles."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from painter.color import prepared_content, recolored
from painter.errors import OutOfRange
from painter.images import Picture, decode, decode_mask, resize, resize_picture
from painter.masks import share_out
from painter.options import SHORTEST_SIDE, Options, check_style_scales
from painter.pyramid import Shape, fit, level_shapes, share_steps
from painter.request import Request, Resume
from painter.styles import Style

_MASK_LEAST = 1e-3


@dataclass(frozen=True, slots=True)
class Level:
    """One level of the pyramid: the canvas's shape and its steps (0: a plateau decides)."""

    shape: Shape
    steps: int

    @property
    def pixels(self) -> int:
        """The canvas's area in px."""
        return self.shape[0] * self.shape[1]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the photo and its styles: a mask (None: everywhere), and shares that sum to 1.

    `weight` is how much the part's style counts beside that of the others.
    """

    mask: Tensor | None
    styles: tuple[tuple[float, Style], ...]
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a painting is made from; nothing of it changes while it is made.

    `photo` is the photo at the painting's size, `content` the same as it is to be painted
    (without colors for `color=luminance`). `start` is the canvas that was sent, if any.
    """

    options: Options
    photo: Picture
    content: Tensor
    content_mask: Tensor | None
    parts: tuple[Part, ...]
    style_weights: tuple[float, ...]
    levels: tuple[Level, ...]
    start: Tensor | None
    resume: Resume | None
    digests: Mapping[str, Any]
    adjusted: tuple[str, ...]

    @property
    def shape(self) -> Shape:
        """The painting's height and width in px."""
        return self.levels[-1].shape


def make_plan(request: Request) -> Plan:
    """Decodes and checks a request; raises PaintError for all that can be refused."""
    options = request.options
    adjusted: list[str] = []
    content = decode(request.content, "content")
    shape = _canvas_shape(content.shape, options.size)
    levels = _levels(shape, options, adjusted)
    photo = resize_picture(content, shape)
    if photo.alpha is not None:
        _check_alpha(photo.alpha, options, adjusted)
    styles = _styles(request, photo, shape, adjusted)
    shares = _normalized(request.style_weights, len(styles))
    masks = {index: decode_mask(data, f"mask_{index}") for index, data in request.masks.items()}
    return Plan(
        options=options,
        photo=photo,
        content=prepared_content(photo.pixels, options.color, options.color_strength),
        content_mask=_content_mask(request.content_mask, photo, adjusted),
        parts=_parts(styles, shares, masks, photo, adjusted),
        style_weights=shares,
        levels=levels,
        start=_start(request, shape, adjusted),
        resume=_checked_resume(request.resume, levels),
        digests=_digests(request, content, styles),
        adjusted=tuple(adjusted),
    )


def _canvas_shape(shape: Shape, size: int) -> Shape:
    canvas = fit(shape, size)
    if min(canvas) < SHORTEST_SIDE:
        raise OutOfRange(
            "image_too_small",
            f"content of {shape[1]} x {shape[0]} px at size {size} makes a canvas of "
            f"{canvas[1]} x {canvas[0]} px; its shorter side must be at least {SHORTEST_SIDE} px",
            "content",
        )
    return canvas


def _levels(shape: Shape, options: Options, adjusted: list[str]) -> tuple[Level, ...]:
    shapes = level_shapes(shape, options.levels)
    if options.levels > len(shapes):
        adjusted.append(f"levels: {len(shapes)} instead of {options.levels}, no more fit")
    steps = share_steps(options.steps, len(shapes))
    return tuple(Level(*level) for level in zip(shapes, steps, strict=True))


def _check_alpha(alpha: Tensor, options: Options, adjusted: list[str]) -> None:
    if float(alpha.max()) < 1 / 255:
        raise OutOfRange(
            "image_transparent",
            "content must not be transparent everywhere, got alpha 0",
            "content",
        )
    if options.format == "jpeg":
        adjusted.append("format: jpeg has no transparency, the painting is laid on white")


def _styles(
    request: Request, photo: Picture, canvas: Shape, adjusted: list[str]
) -> tuple[Style, ...]:
    options = request.options
    check_style_scales(options, len(request.styles))
    scales = options.style_scales * (len(request.styles) if len(options.style_scales) == 1 else 1)
    return tuple(
        _style(request, index, data, scale, photo, canvas, adjusted)
        for index, (data, scale) in enumerate(zip(request.styles, scales, strict=True), start=1)
    )


def _style(
    request: Request,
    index: int,
    data: bytes,
    scale: float,
    photo: Picture,
    canvas: Shape,
    adjusted: list[str],
) -> Style:
    options = request.options
    name = "style" if len(request.styles) == 1 else f"style_{index}"
    picture = decode(data, name)
    if picture.alpha is not None and float(picture.alpha.max()) < 1 / 255:
        raise OutOfRange(
            "image_transparent", f"{name} must not be transparent everywhere, got alpha 0", name
        )
    pixels = recolored(picture.pixels, photo.pixels, options.color, options.color_strength)
    mask, mask_digest = _style_mask(request.style_masks.get(index), index, picture.shape, adjusted)
    # Recolored, a style depends on the photo as well.
    colors = (options.color, options.color_strength, photo.digest, canvas)
    key = (picture.digest, mask_digest, None if options.color == "style" else colors)
    style = Style(Picture(pixels, picture.alpha, picture.digest), mask, scale, key)
    if max(style.shape_beside(canvas)) != round(scale * max(canvas)):
        height, width = style.shape_beside(canvas)
        adjusted.append(f"{name}: seen at {width} x {height} px, the nearest size that fits")
    return style


def _style_mask(
    data: bytes | None, index: int, shape: Shape, adjusted: list[str]
) -> tuple[Tensor | None, str | None]:
    if data is None:
        return None, None
    name = f"style_mask_{index}"
    picture = decode(data, name)
    return _fitted(decode_mask(data, name), name, shape, adjusted), picture.digest


def _fitted(mask: Tensor, name: str, shape: Shape, adjusted: list[str]) -> Tensor:
    """The mask at its picture's size; raises OutOfRange where it is black all over."""
    if float(mask.mean()) < _MASK_LEAST:
        raise OutOfRange(
            "mask_empty",
            f"{name} must be white somewhere: on average at least {_MASK_LEAST:g}, "
            f"got {float(mask.mean()):.2g}",
            name,
        )
    height, width = mask.shape
    ratio = (height * shape[1]) / (width * shape[0])
    if not 0.98 < ratio < 1.02:
        adjusted.append(
            f"{name}: resized from {width} x {height} to {shape[1]} x {shape[0]} px, "
            "another shape than its picture's"
        )
    return resize(mask, shape)


def _normalized(weights: Sequence[float] | None, count: int) -> tuple[float, ...]:
    if weights is None:
        return (1 / count,) * count
    return tuple(weight / sum(weights) for weight in weights)


def _content_mask(data: bytes | None, photo: Picture, adjusted: list[str]) -> Tensor | None:
    if data is None:
        return photo.alpha
    mask = _fitted(decode_mask(data, "content_mask"), "content_mask", photo.shape, adjusted)
    return mask if photo.alpha is None else mask * photo.alpha


def _parts(
    styles: Sequence[Style],
    shares: Sequence[float],
    masks: Mapping[int, Tensor],
    photo: Picture,
    adjusted: list[str],
) -> tuple[Part, ...]:
    if not masks:
        return (Part(photo.alpha, tuple(zip(shares, styles, strict=True))),)
    given = [
        _fitted(masks[index], f"mask_{index}", photo.shape, adjusted) if index in masks else None
        for index in range(1, len(styles) + 1)
    ]
    visible = torch.ones(photo.shape) if photo.alpha is None else photo.alpha
    return tuple(
        Part(mask * visible, ((1.0, style),), share * len(styles))
        for mask, style, share in zip(share_out(given), styles, shares, strict=True)
        if float((mask * visible).mean()) >= _MASK_LEAST
    )


def _start(request: Request, shape: Shape, adjusted: list[str]) -> Tensor | None:
    if request.canvas is None:
        if request.options.init == "image" or request.resume is not None:
            raise OutOfRange(
                "missing_canvas",
                "init=image needs the picture to start from in the field canvas, got none",
                "canvas",
            )
        return None
    start = decode(request.canvas, "canvas")
    height, width = start.shape
    if not 0.95 < (height * shape[1]) / (width * shape[0]) < 1.05:
        adjusted.append(f"canvas: {width} x {height} px brought to the photo's aspect")
    return start.pixels


def _checked_resume(resume: Resume | None, levels: Sequence[Level]) -> Resume | None:
    if resume is None:
        return None
    if not 1 <= resume.level <= len(levels):
        raise OutOfRange(
            "option_out_of_range",
            f"resume: level must be from 1 to {len(levels)}, got {resume.level}",
            "resume",
        )
    if resume.step < 0:
        raise OutOfRange(
            "option_out_of_range", f"resume: step must be at least 0, got {resume.step}", "resume"
        )
    return resume


def _digests(request: Request, content: Picture, styles: Sequence[Style]) -> dict[str, Any]:
    return {
        "content": content.digest,
        "styles": [style.picture.digest for style in styles],
        "masks": {
            name: hashlib.sha256(data).hexdigest()
            for name, data in (
                *((f"mask_{index}", data) for index, data in request.masks.items()),
                *((f"style_mask_{index}", data) for index, data in request.style_masks.items()),
                ("content_mask", request.content_mask),
            )
            if data is not None
        },
    }
