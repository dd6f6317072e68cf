"""What a request will take, told from the headers of its pictures before any is decoded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from painter.options.reading import check_style_scales
from painter.options.request import Request
from painter.pictures.decoding import Header, check_together, read_header
from painter.pictures.picture import Picture
from painter.planning.plan import Part, Plan
from painter.planning.pyramid import Shape, fit, levels_of
from painter.planning.style import Style, is_recolored, shape_beside

# Bytes for each pixel of a file while it is decoded and resized, by whether it is deep and whether
# it has alpha: what was measured of the kind that takes most (WebP, and 16 bit with a profile),
# and a tenth more.
_DECODED_BYTES: Final = {
    (False, False): 26,
    (False, True): 30,
    (True, False): 30,
    (True, True): 52,
}
# The same for each pixel of a style whose colors are matched, which is done in float64; and for
# each pixel of a photo whose transparent part is filled.
_RECOLORED_BYTES: Final = 160
_FILLED_BYTES: Final = 90


@dataclass(frozen=True, slots=True)
class Outline:
    """A plan whose tensors have shapes and no values, and the bytes it takes to fill them.

    `files` are those of the files, `planning` those of decoding beside them and beside the
    finished plan. `largest` names the picture that takes most of these, with its shape.
    """

    plan: Plan
    files: int
    planning: int
    largest: tuple[str, Shape]


def outline(request: Request) -> Outline:
    """Reads the headers; raises PaintError for all that they are enough to refuse."""
    files = request.pictures
    headers = {name: read_header(data, name) for name, data in files.items()}
    check_together(files.values())
    check_style_scales(request.options, len(request.styles))
    decoding = {name: _decoding(header) for name, header in headers.items()}
    largest = max(decoding, key=lambda name: decoding[name])
    plan = _plan(request, headers)
    return Outline(
        plan=plan,
        files=sum(map(len, files.values())),
        planning=decoding[largest] + _coloring(plan, request.palette is not None),
        largest=(largest, headers[largest].shape),
    )


def _decoding(header: Header) -> int:
    height, width = header.shape
    return height * width * _DECODED_BYTES[header.is_deep, header.has_alpha]


def _coloring(plan: Plan, has_palette: bool) -> int:
    photo = plan.levels[-1].pixels
    filling = 0 if plan.photo.alpha is None else photo * _FILLED_BYTES
    if plan.options.color == "style" and not has_palette:
        return filling
    styles = [style.picture.samples[0].numel() for part in plan.parts for _, style in part.styles]
    return filling + max(photo, *styles) * _RECOLORED_BYTES


def _plan(request: Request, headers: dict[str, Header]) -> Plan:
    """The plan, as large as it may become: all masks leave something to their styles."""
    options = request.options
    content = headers["content"]
    levels = levels_of(content.shape, options, [])
    shape = levels[-1].shape
    photo = _picture(content, shape, torch.float32)
    styles = tuple(_styles(request, headers, shape))
    shares = (1 / len(styles),) * len(styles)
    is_masked = content.has_alpha or request.content_mask is not None
    if request.masks:
        parts = tuple(Part(_empty(*shape), ((1.0, style),)) for style in styles)
    else:
        parts = (Part(photo.alpha, tuple(zip(shares, styles, strict=True))),)
    return Plan(
        options=options,
        photo=photo,
        content=_empty(3, *shape) if options.color == "luminance" else photo.samples,
        content_mask=_empty(*shape) if is_masked else None,
        parts=parts,
        style_weights=shares,
        levels=levels,
        start=_start(headers.get("canvas"), shape),
        chroma=_empty(2, *shape) if options.color == "guided" else None,
        resume=request.resume,
        digests={},
        adjusted=(),
    )


def _styles(request: Request, headers: dict[str, Header], canvas: Shape) -> Iterator[Style]:
    scales = request.options.style_scales
    scales = scales * len(request.styles) if len(scales) == 1 else scales
    for index, scale in enumerate(scales, start=1):
        header = headers[request.style_name(index)]
        shape = header.shape
        decoded = fit(shape, min(max(shape), 2 * max(shape_beside(shape, scale, canvas))))
        is_new = decoded != shape or header.is_deep or is_recolored(request)
        picture = _picture(header, decoded, torch.float32 if is_new else torch.uint8)
        is_masked = header.has_alpha or index in request.style_masks
        yield Style(picture, shape, _empty(*decoded) if is_masked else None, scale, ())


def _start(header: Header | None, canvas: Shape) -> Tensor | None:
    """A canvas that was sent, which is only ever made smaller."""
    if header is None:
        return None
    return _empty(3, *(canvas if header.shape[0] > canvas[0] else header.shape))


def _picture(header: Header, shape: Shape, kind: torch.dtype) -> Picture:
    return Picture(_empty(3, *shape, kind=kind), _empty(*shape) if header.has_alpha else None, "")


def _empty(*shape: int, kind: torch.dtype = torch.float32) -> Tensor:
    return torch.empty(shape, dtype=kind, device="meta")
