"""Whose colors the painting has: the style's, the photo's, or one's brought to the other's.

Gatys, Bethge, Hertzmann & Shechtman 2016, "Preserving color in neural artistic style transfer";
`guided` is that of Kolkin et al. 2022, "Neural neighbor style transfer".
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from painter.pictures.moments import Moments, moments, moved
from painter.pictures.oklab import from_oklab, to_oklab

# Rec. 601, the luma of YCbCr as JPEG has it.
_LUMA = (0.299, 0.587, 0.114)
_SPREAD_LEAST = 1e-5


def recolored(
    style: Tensor,
    content: Tensor,
    color: str,
    strength: float,
    style_counts: Tensor | None = None,
    content_counts: Tensor | None = None,
) -> Tensor:
    """The style [3, H, W] as it is to be learned from, for a value of the option `color`.

    Only the colors of pixels that count are compared: masks [H, W], None for all.
    """
    if color in ("style", "guided"):
        return style
    match = _matched if color == "match" else _matched_gray
    return torch.lerp(style, match(style, content, style_counts, content_counts), strength)


def prepared_content(content: Tensor, color: str, strength: float) -> Tensor:
    """The photo [3, H, W] as it is to be painted: without its colors for `luminance`."""
    if color == "luminance":
        return torch.lerp(content, _luma(content).expand_as(content), strength)
    return content


def photos_chroma(photo: Tensor, parts: Iterable[tuple[Tensor | None, Moments]]) -> Tensor:
    """The photo's color axes [2, H, W] of OkLab with other moments in each part.

    Parts are masks [H, W] (None: everywhere) that sum to at most 1; where none is, the photo's
    own stay.
    """
    axes = to_oklab(photo)[1:]
    chroma = axes.clone()
    for mask, wanted in parts:
        change = moved(axes, moments(axes, mask), wanted).sub_(axes)
        chroma += change if mask is None else change.mul_(mask)
    return chroma


def finished(canvas: Tensor, content: Tensor, color: str, strength: float) -> Tensor:
    """The canvas [3, H, W] as it is to be shown: with the photo's colors for `luminance`.

    What was painted from, photo and style, had lost as much of its own color as is added here.
    """
    if color != "luminance":
        return canvas
    luma = _luma(canvas)
    # At full strength both were gray: what color there is comes from a noisy start.
    chroma = canvas - luma if strength < 1 else 0
    return (luma + chroma + strength * (content - _luma(content))).clamp(0, 1)


def _luma(pixels: Tensor) -> Tensor:
    return (pixels * pixels.new_tensor(_LUMA).view(3, 1, 1)).sum(0, keepdim=True)


def _matched_gray(
    style: Tensor, content: Tensor, counts: Tensor | None, content_counts: Tensor | None
) -> Tensor:
    """The style's luma with the mean and spread of the photo's; section 5 of the paper."""
    luma = _luma(style)
    own, wanted = moments(luma, counts), moments(_luma(content), content_counts)
    spread = own.covariance.sqrt().clamp(min=_SPREAD_LEAST)
    scale = (wanted.covariance.sqrt() / spread).to(luma.dtype)
    offset = (wanted.mean.to(luma.dtype) - own.mean.to(luma.dtype) * scale)[..., None]
    return (luma * scale + offset).clamp(0, 1).expand_as(style)


def _matched(
    style: Tensor, content: Tensor, counts: Tensor | None, content_counts: Tensor | None
) -> Tensor:
    """The style's colors with the photo's mean and covariance in OkLab."""
    axes, wanted = to_oklab(style), moments(to_oklab(content), content_counts)
    return from_oklab(moved(axes, moments(axes, counts), wanted))
