"""A request made ready to be painted: decoded, checked, and resolved into levels and styles."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from painter.errors import OutOfRange
from painter.options.catalog import Options
from painter.options.reading import check_resume
from painter.options.request import Request, Resume
from painter.pictures.color import prepared_content
from painter.pictures.decoding import check_together, read_planes
from painter.pictures.picture import Picture, Read, decode, resize, resize_picture
from painter.planning.colors import chroma_of, read_palette
from painter.planning.masks import MASK_LEAST, read_mask, share_out, where_both
from painter.planning.pyramid import Level, Shape, levels_of
from painter.planning.style import Style, read_styles


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
    (without colors for `color=luminance`). `start` has the samples of the canvas that was sent,
    if any, `chroma` the color axes [2, H, W] of OkLab that the painting is to have, if any.
    """

    options: Options
    photo: Picture
    content: Tensor
    content_mask: Tensor | None
    parts: tuple[Part, ...]
    style_weights: tuple[float, ...]
    levels: tuple[Level, ...]
    start: Tensor | None
    chroma: Tensor | None
    resume: Resume | None
    digests: Mapping[str, Any]
    adjusted: tuple[str, ...]

    @property
    def shape(self) -> Shape:
        """The painting's height and width in px."""
        return self.levels[-1].shape


def make_plan(request: Request, read: Read = read_planes) -> Plan:
    """Decodes and checks a request; raises PaintError for all that can be refused."""
    check_together(request.pictures.values())
    options = request.options
    adjusted: list[str] = []
    photo, levels = _photo(request, adjusted, read)
    shape = levels[-1].shape
    palette = read_palette(request, adjusted, read)
    styles = read_styles(request, photo, palette, shape, adjusted, read)
    shares = _normalized(request.style_weights, len(styles))
    content_mask = read_mask(request.content_mask, "content_mask", photo, adjusted, read)
    parts = _parts(styles, shares, request.masks, photo, adjusted, read)
    return Plan(
        options=options,
        photo=photo,
        content=prepared_content(photo.pixels, options.color, options.color_strength),
        content_mask=where_both(content_mask, photo.alpha),
        parts=parts,
        style_weights=shares,
        levels=levels,
        start=_start(request, shape, adjusted, read),
        chroma=_chroma(options, photo, parts, palette),
        resume=request.resume and check_resume(request.resume, len(levels)),
        digests=_digests(request, photo, styles),
        adjusted=tuple(adjusted),
    )


def _photo(request: Request, adjusted: list[str], read: Read) -> tuple[Picture, tuple[Level, ...]]:
    """The photo at the painting's size, and its levels; the file's own pixels are not kept."""
    options = request.options
    content = decode(request.content, "content", read)
    levels = levels_of(content.shape, options, adjusted)
    photo = resize_picture(content, levels[-1].shape)
    if photo.alpha is not None:
        _check_alpha(photo.alpha, options, adjusted)
    return photo, levels


def _check_alpha(alpha: Tensor, options: Options, adjusted: list[str]) -> None:
    if float(alpha.max()) < 1 / 255:
        raise OutOfRange(
            "image_transparent",
            "content must not be transparent everywhere, got alpha 0",
            "content",
        )
    if options.format == "jpeg":
        adjusted.append("format: jpeg has no transparency, the painting is laid on white")


def _normalized(weights: Sequence[float] | None, count: int) -> tuple[float, ...]:
    if weights is None:
        return (1 / count,) * count
    return tuple(weight / sum(weights) for weight in weights)


def _parts(
    styles: Sequence[Style],
    shares: Sequence[float],
    masks: Mapping[int, bytes],
    photo: Picture,
    adjusted: list[str],
    read: Read,
) -> tuple[Part, ...]:
    if not masks:
        return (Part(photo.alpha, tuple(zip(shares, styles, strict=True))),)
    given = [
        read_mask(masks.get(index), f"mask_{index}", photo, adjusted, read)
        for index in range(1, len(styles) + 1)
    ]
    visible = torch.ones(photo.shape) if photo.alpha is None else photo.alpha
    parts: list[Part] = []
    for index, mask in enumerate(share_out(given)):
        if float((mask * visible).sum()) < MASK_LEAST * float(visible.sum()):
            adjusted.append(f"style_{index + 1}: the masks leave no part of the photo to it")
            continue
        parts.append(Part(mask * visible, ((1.0, styles[index]),), shares[index] * len(styles)))
    if not parts:
        raise OutOfRange(
            "mask_empty",
            f"masks: one must leave at least {MASK_LEAST:.1%} of the photo to its style, got less "
            "for each where they overlap",
            "mask_1",
        )
    return tuple(parts)


def _chroma(
    options: Options, photo: Picture, parts: Sequence[Part], palette: Picture | None
) -> Tensor | None:
    if options.color != "guided":
        return None
    return chroma_of(photo, [(part.mask, part.styles) for part in parts], palette)


def _start(request: Request, shape: Shape, adjusted: list[str], read: Read) -> Tensor | None:
    if request.canvas is None:
        if request.options.init == "image" or request.resume is not None:
            asked = "init=image" if request.resume is None else "resume"
            raise OutOfRange(
                "missing_canvas",
                f"{asked} needs the picture to start from in the field canvas, got none",
                "canvas",
            )
        return None
    start = decode(request.canvas, "canvas", read)
    if request.resume is None and request.options.init != "image":
        adjusted.append(f"canvas: left out, since init is {request.options.init}")
        return None
    height, width = start.shape
    if not 0.95 < (height * shape[1]) / (width * shape[0]) < 1.05:
        adjusted.append(f"canvas: {width} x {height} px brought to the photo's aspect")
    return resize(start.samples, shape) if height > shape[0] else start.samples


def _digests(request: Request, photo: Picture, styles: Sequence[Style]) -> dict[str, Any]:
    return {
        "content": photo.digest,
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
        "canvas": _digest(request.canvas),
        "palette": _digest(request.palette),
    }


def _digest(data: bytes | None) -> str | None:
    return None if data is None else hashlib.sha256(data).hexdigest()
