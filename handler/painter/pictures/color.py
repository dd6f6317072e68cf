"""Whose colors the painting has: the style's, the photo's, or the style's brought to the photo's.

Gatys, Bethge, Hertzmann & Shechtman 2016, "Preserving color in neural artistic style transfer".
"""

from __future__ import annotations

import torch
from torch import Tensor

# Rec. 601, the luma of YCbCr as JPEG has it.
_LUMA = (0.299, 0.587, 0.114)
_VARIANCE_LEAST = 1e-5


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
    if color == "style":
        return style
    match = _matched if color == "match" else _matched_gray
    return torch.lerp(style, match(style, content, style_counts, content_counts), strength)


def prepared_content(content: Tensor, color: str, strength: float) -> Tensor:
    """The photo [3, H, W] as it is to be painted: without its colors for `luminance`."""
    if color == "luminance":
        return torch.lerp(content, _luma(content).expand_as(content), strength)
    return content


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
    mean, variance = _statistics(luma, counts)
    wanted_mean, wanted_variance = _statistics(_luma(content), content_counts)
    scale = (wanted_variance.sqrt() / variance.sqrt().clamp(min=_VARIANCE_LEAST)).to(luma.dtype)
    return ((luma - mean) * scale + wanted_mean).clamp(0, 1).expand_as(style)


def _matched(
    style: Tensor, content: Tensor, counts: Tensor | None, content_counts: Tensor | None
) -> Tensor:
    """The style's colors with the photo's mean and covariance; section 4, symmetric roots."""
    mean, covariance = _statistics(style, counts)
    wanted_mean, wanted_covariance = _statistics(content, content_counts)
    transform = _power(wanted_covariance, 0.5) @ _power(covariance, -0.5)
    rows = (style.reshape(3, -1) - mean).to(transform.dtype)
    matched = (transform @ rows).to(style.dtype) + wanted_mean
    return matched.clamp(0, 1).reshape(style.shape)


def _statistics(pixels: Tensor, counts: Tensor | None) -> tuple[Tensor, Tensor]:
    rows = pixels.flatten(1)
    weights = torch.ones_like(rows[0]) if counts is None else counts.flatten()
    mean = (rows * weights).sum(1, keepdim=True) / weights.sum()
    return mean, torch.cov(rows.double(), correction=0, aweights=weights.double())


def _power(covariance: Tensor, exponent: float) -> Tensor:
    values, vectors = torch.linalg.eigh(covariance)
    raised = values.clamp(min=_VARIANCE_LEAST).pow(exponent)
    return torch.matmul(vectors * raised, vectors.T)
